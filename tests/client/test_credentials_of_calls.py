"""Credentials of a call, of a URL and of a session: which of them are sent, and which contradict each other."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from yarl import URL

import gazelle
from gazelle.auth import BasicAuth
from tests.support.clean import assert_clean, connector_of
from tests.support.server import ScriptedServer, response, send

OK = [send(response(b"ok"))]
CALL, SESSION, FROM_URL = BasicAuth("call", "1"), BasicAuth("session", "2"), BasicAuth("url", "3")


def decoded(field: str | None) -> str | None:
    if field is None:
        return None
    scheme, _, text = field.partition(" ")
    assert scheme == "Basic"
    return base64.b64decode(text).decode()


def with_userinfo(url: str, userinfo: str = "url:3") -> str:
    return url.replace("//", f"//{userinfo}@")


@pytest.mark.parametrize("session_auth", [None, SESSION])
@pytest.mark.parametrize("userinfo", [False, True])
@pytest.mark.parametrize("auth", [None, CALL])
@pytest.mark.parametrize("field", [None, "call", "session"])
async def test_every_combination_of_credentials(
    field: str | None, auth: BasicAuth | None, userinfo: bool, session_auth: BasicAuth | None
) -> None:
    """Those of the call or the URL, not both; then those of the session; and no header besides."""
    bearer = {"aUTHORIZATION": "Bearer x"}
    headers = bearer if field == "call" else None
    settings = bearer if field == "session" else None
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(auth=session_auth, headers=settings) as session:
            url = with_userinfo(server.url("/")) if userinfo else server.url("/")
            chosen = auth or (FROM_URL if userinfo else session_auth)
            for _ in range(2):
                if (auth and userinfo) or (field and chosen):
                    with pytest.raises(ValueError, match="Cannot combine"):
                        await session.get(url, auth=auth, headers=headers)
                    assert server.accepted == 0
                else:
                    async with session.get(url, auth=auth, headers=headers) as answer:
                        assert answer.url == answer.real_url == URL(server.url("/"))
                    sent = server.requests[-1].header("authorization")
                    expected = None if chosen is None else f"{chosen.login}:{chosen.password}"
                    assert sent == "Bearer x" if field else decoded(sent) == expected
            assert not connector_of(session)._acquired


@pytest.mark.parametrize(
    ("userinfo", "sent"),
    [
        ("user:pass", "user:pass"),
        ("user", "user:"),
        ("user:", "user:"),
        (":pass", ":pass"),
        ("us%40er:p%3Aa%2Fss", "us@er:p:a/ss"),
        ("us+er:p%20s", "us+er:p s"),
        ("%D0%BB:%E2%82%AC", "л:€"),
    ],
)
async def test_credentials_of_a_url_are_decoded(userinfo: str, sent: str) -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        for url in (with_userinfo(server.url("/"), userinfo), URL(with_userinfo(server.url("/"), userinfo))):
            async with session.get(url) as answer:
                assert "@" not in f"{answer.url}{answer.real_url}{answer.request_info}"
        assert [decoded(request.header("authorization")) for request in server.requests] == [sent, sent]
        assert all("@" not in request.target for request in server.requests)


async def test_latin_1_is_the_default_encoding_of_credentials() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        for auth in (BasicAuth("ü", "ß"), BasicAuth("ü", "ß", "utf-8")):
            async with session.get(server.url("/"), auth=auth):
                pass
        raw = [base64.b64decode((request.header("authorization") or "")[6:]) for request in server.requests]
        assert raw == [b"\xfc:\xdf", b"\xc3\xbc:\xc3\x9f"]
        with pytest.raises(ValueError, match="encod"):
            await session.get(server.url("/"), auth=BasicAuth("€"))
        assert len(server.requests) == 2


@pytest.mark.parametrize("wrong", [("user", "pass"), "user:pass", b"x", 5, ["user", "pass"]])
async def test_credentials_of_another_type_are_refused(wrong: Any) -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession() as session:
            with pytest.raises(TypeError, match="BasicAuth"):
                await session.get(server.url("/"), auth=wrong)
        with pytest.raises(TypeError, match="BasicAuth"):
            gazelle.ClientSession(auth=wrong)
        assert server.accepted == 0


async def test_credentials_of_a_base_url_go_with_its_requests() -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(with_userinfo(server.url("/api/"))) as session:
            async with session.get("x") as answer:
                assert str(answer.url) == server.url("/api/x")
        assert decoded(server.requests[0].header("authorization")) == "url:3"


async def test_credentials_of_a_session_with_a_base_url_stay_at_its_origin() -> None:
    async with ScriptedServer({"*": OK}) as server, ScriptedServer({"*": OK}) as other:
        async with gazelle.ClientSession(server.url("/"), auth=SESSION) as session:
            for url in ("x", server.url("/x"), other.url("/x")):
                async with session.get(url):
                    pass
            assert session.auth is SESSION
        assert [decoded(request.header("authorization")) for request in server.requests] == ["session:2"] * 2
        assert other.requests[0].header("authorization") is None


async def test_credentials_of_a_call_are_not_remembered() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        for auth in (None, CALL, None, SESSION, None):
            async with session.get(server.url("/"), auth=auth):
                pass
        sent = [decoded(request.header("authorization")) for request in server.requests]
        assert sent == [None, "call:1", None, "session:2", None]
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_credentials_of_a_url_are_not_remembered_for_the_same_url_without_them() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        for url in (with_userinfo(server.url("/")), server.url("/"), with_userinfo(server.url("/"), "other:4")) * 2:
            async with session.get(url):
                pass
        sent = [decoded(request.header("authorization")) for request in server.requests]
        assert sent == ["url:3", None, "other:4"] * 2
        assert server.accepted == 1


async def test_credentials_go_over_the_same_connections() -> None:
    """They are of a request, and not of a connection (RFC 9110 §11.1)."""
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession(auth=SESSION) as session:
        for auth in (None, CALL, None):
            async with session.post(server.url("/"), data=b"x", auth=auth):
                pass
        assert server.accepted == 1


async def test_errors_do_not_show_credentials() -> None:
    async with gazelle.ClientSession() as session:
        for url in (
            "http://user:secret@127.0.0.1:1/",
            "http://user:secret@127.1/",
            "http://us%3Aer:secret@127.0.0.1/",
            "http://us%0Aer:secret@127.0.0.1/",
            "ftp://user:secret@127.0.0.1/",
            "http://user:secret@/",
        ):
            with pytest.raises((gazelle.ClientError, ValueError)) as caught:
                await session.get(url)
            error: BaseException | None = caught.value
            while error is not None:
                assert "secret" not in f"{error} {error!r}", url
                error = error.__cause__
