"""Parameters for proxies: None means no proxy; any other value is refused, without showing secrets."""

from __future__ import annotations

from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

import gazelle
from gazelle.client.options import check_settings, split
from tests.support.clean import assert_clean
from tests.support.server import ScriptedServer, response, send

OK = {"*": [send(response(b"ok"))]}
METHODS = ("get", "options", "head", "post", "put", "patch", "delete")
NOTHING: list[dict[str, Any]] = [
    {"proxy": None},
    {"proxy": None, "proxy_auth": None, "proxy_headers": None},
    {"proxy_headers": {}},
    {"proxy_headers": CIMultiDict()},
    {"proxy": None, "timeout": 5, "headers": {"X-One": "1"}},
]


@pytest.mark.parametrize("arguments", NOTHING)
async def test_proxy_none_means_no_proxy(arguments: dict[str, Any]) -> None:
    async with ScriptedServer(OK) as server:
        async with gazelle.ClientSession(proxy=None, proxy_auth=None) as session:
            for method in METHODS:
                async with getattr(session, method)(server.url(), **arguments) as answer:
                    assert answer.status == 200
            async with session.request("GET", server.url(), **arguments) as answer:
                assert await answer.read() == b"ok"
        async with gazelle.request("GET", server.url(), **arguments) as answer:
            assert await answer.read() == b"ok"
        assert len(server.requests) == len(METHODS) + 2


async def test_none_leaves_the_settings_of_the_session() -> None:
    async with gazelle.ClientSession(timeout=gazelle.ClientTimeout(total=7)) as session:
        policy = session._policy
        for arguments in NOTHING[:4]:
            assert policy.override(split({**arguments}), check_settings) is policy
        settings = split({"proxy": None, "read_bufsize": 9})
        assert policy.override(settings, check_settings) is policy.override({"read_bufsize": 9}, check_settings)


PROXIES: dict[str, tuple[str, Any, str]] = {
    "text": ("proxy", "http://proxy.test:3128", "the proxy proxy.test"),
    "URL": ("proxy", URL("http://proxy.test:3128/"), "the proxy proxy.test"),
    "address": ("proxy", "http://[::1]:3128", "the proxy ::1"),
    "with credentials": ("proxy", "http://login:secret@proxy.test:3128", "the proxy proxy.test"),
    "with credentials, encoded": ("proxy", URL("http://log%69n:s%65cret@proxy.test"), "the proxy proxy.test"),
    "with a slash in the password": ("proxy", "http://secret/login:x@proxy.test", "a proxy"),
    "with a number sign in the login": ("proxy", "http://secret#x@proxy.test", "a proxy"),
    "with a question mark in the login": ("proxy", "http://secret?x@proxy.test", "a proxy"),
    "without a scheme": ("proxy", "login:secret@proxy.test:3128", "a proxy"),
    "malformed": ("proxy", "http://login:secret@[proxy.test", "a proxy"),
    "malformed port": ("proxy", "http://login:secret/@proxy.test:3128", "a proxy"),
    "empty": ("proxy", "", "a proxy"),
    "no text": ("proxy", 5, "a proxy"),
    "bytes": ("proxy", b"http://login:secret@proxy.test", "a proxy"),
    "credentials": ("proxy_auth", gazelle.BasicAuth("login", "secret"), "a proxy"),
    "fields": ("proxy_headers", {"Proxy-Authorization": "secret"}, "a proxy"),
}


@pytest.mark.parametrize("case", PROXIES)
async def test_a_proxy_is_refused_with_advice_and_without_secrets(case: str) -> None:
    name, value, told = PROXIES[case]
    errors = []
    async with ScriptedServer(OK) as server:
        if name != "proxy_headers":
            with pytest.raises(NotImplementedError) as caught:
                gazelle.ClientSession(**{name: value})
            errors.append(caught.value)
        async with gazelle.ClientSession() as session:
            for method in METHODS:
                with pytest.raises(NotImplementedError) as caught:
                    await getattr(session, method)(server.url(), **{name: value})
                errors.append(caught.value)
            await assert_clean(session, server)
        with pytest.raises(NotImplementedError) as caught:
            async with gazelle.request("GET", server.url(), **{name: value}):
                pass
        errors.append(caught.value)
        assert server.accepted == 0
    for error in errors:
        assert str(error).startswith(f"{name} is for {told}, ")
        assert f"Pass {name}=None" in str(error)
        assert "secret" not in str(error)
        assert "login" not in str(error)
        assert error.__context__ is None
