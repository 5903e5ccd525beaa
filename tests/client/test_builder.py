"""Requests that are built from calls: their heads, what is remembered per origin, and requests that were changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

import gazelle
from gazelle.client.builder import RequestBuilder
from gazelle.client.request import ClientRequest
from tests.support.bodies import Watched, yielding
from tests.support.calls import context_of, core_of, request_of
from tests.support.server import ScriptedServer, response, send


class Building:
    """Builds requests as a session does."""

    def __init__(self, session: gazelle.ClientSession) -> None:
        self.session = session
        self.builder: RequestBuilder = core_of(session).builder

    def __call__(
        self, method: str, url: str | URL, settings: dict[str, Any] | None = None, **content: Any
    ) -> ClientRequest:
        return request_of(context_of(self.session, **(settings or {})), method, str(url), **content)

    def lines(self, method: str, url: str, **content: Any) -> list[str]:
        """Return the lines of a request head without the automatic fields and the end."""
        lines = self(method, url, **content).head.decode().split("\r\n")
        automatic = ("accept:", "accept-encoding:", "user-agent:")
        return [line for line in lines if line and not line.lower().startswith(automatic)]

    def rebuild(self, original: ClientRequest, **changes: Any) -> ClientRequest:
        """Return a request as a middleware changes it: `method`, `url`, `body`, and fields by name."""
        headers = CIMultiDict(original.headers)
        headers.update(changes.get("headers", {}))
        for name in changes.get("without", ()):
            headers.popall(name)
        target = (changes.get("method", original.method), URL(changes.get("url", original.url)))
        body = changes.get("body", original.content)
        return self.builder.rebuild(context_of(self.session).policy, original, target, headers, body)


@asynccontextmanager
async def building(**options: Any) -> AsyncIterator[Building]:
    async with gazelle.ClientSession(**options) as session:
        yield Building(session)


async def test_tls_settings_of_a_call_make_another_route_and_are_not_kept_for_other_calls() -> None:
    async with building() as build:
        url = "https://localhost/"
        usual = build("POST", url, json={}).connection_key
        unchecked = build("POST", url, {"ssl": False}, json={}).connection_key
        named = build("POST", url, {"server_hostname": "example.com"}).connection_key
        assert len({usual, unchecked, named}) == 3
        assert build("POST", url, json={}).connection_key == usual
        assert build("POST", URL(url), json={}).connection_key == usual
        assert (
            build("GET", "http://localhost/", {"ssl": False}).connection_key
            == build("GET", "http://localhost/").connection_key
        )


async def test_one_origin_is_kept_for_any_number_of_urls() -> None:
    async with building() as build:
        for number in range(3000):
            request = build("POST", f"http://a.test/{number}", json={"secret": number})
            assert request.head.startswith(b"POST /%d HTTP/1.1\r\n" % number)
        assert len(build.builder.origins) == 1


async def test_the_number_of_remembered_origins_is_bounded() -> None:
    async with building() as build:
        for number in range(3000):
            assert f"\r\nHost: h{number}.test\r\n".encode() in build("GET", f"http://h{number}.test/").head
        assert len(build.builder.origins) == 1024


async def test_origins_are_forgotten_when_the_default_headers_change() -> None:
    async with building(headers={"X-A": "1"}) as build:
        assert b"X-A: 1\r\n" in build("GET", "http://a.test/").head
        build.builder.defaults.headers["X-A"] = "2"
        assert b"X-A: 2\r\n" in build("GET", "http://a.test/").head
        assert len(build.builder.origins) == 1


async def test_any_number_of_methods_is_taken_and_none_is_kept() -> None:
    async with building() as build:
        for number in range(200):
            assert build(f"m{number}", "http://a.test/", data=b"1").method == f"M{number}"
        assert len(build.builder.origins) == 1


@pytest.mark.parametrize(("force_close", "field"), [(False, "keep-alive"), (True, "close")])
async def test_http_1_0_requests_state_whether_the_connection_is_kept(force_close: bool, field: str) -> None:
    async with ScriptedServer({"*": [send(response(b"hello"))]}) as server:
        connector = gazelle.TCPConnector(force_close=force_close)
        async with gazelle.ClientSession(connector=connector, version=gazelle.HttpVersion10) as session:
            async with session.get(server.url()) as answer:
                await answer.read()
    assert server.requests[0].header("connection") == field


@pytest.mark.parametrize("names", ["User-Agent", [1], [b"User-Agent"], ["User-Agent", None]])
async def test_skip_auto_headers_must_be_a_collection_of_str(names: Any) -> None:
    with pytest.raises(TypeError, match="skip_auto_headers"):
        gazelle.ClientSession(skip_auto_headers=names)
    async with gazelle.ClientSession() as session:
        with pytest.raises(TypeError, match="skip_auto_headers"):
            await session.get("http://127.0.0.1:1/", skip_auto_headers=names)


# Heads.


@pytest.mark.parametrize(
    ("method", "content", "lines"),
    [
        ("GET", {}, []),
        ("HEAD", {}, []),
        ("DELETE", {}, ["Content-Length: 0"]),
        ("POST", {}, ["Content-Length: 0", "Content-Type: application/octet-stream"]),
        ("PATCH", {"headers": {"Content-Type": "x/y"}}, ["Content-Type: x/y", "Content-Length: 0"]),
        ("PUT", {"data": b"abc"}, ["Content-Length: 3", "Content-Type: application/octet-stream"]),
        ("POST", {"json": 1}, ["Content-Length: 1", "Content-Type: application/json"]),
        ("POST", {"json": 1, "headers": {"content-TYPE": "x/y"}}, ["content-TYPE: x/y", "Content-Length: 1"]),
        ("POST", {"json": 1, "skip_auto_headers": ["content-type"]}, ["Content-Length: 1"]),
        ("GET", {"headers": {"Connection": "close"}}, ["Connection: close"]),
        ("GET", {"auth": gazelle.BasicAuth("u")}, ["Authorization: Basic dTo="]),
        ("GET", {"cookies": {"a": "1"}}, ["Cookie: a=1"]),
        ("GET", {"cookies": {"a": "1"}, "headers": {"Cookie": "b=2"}}, ["Cookie: a=1; b=2"]),
        ("GET", {"headers": [("X", "1"), ("X", "2")]}, ["X: 1", "X: 2"]),
        (
            "POST",
            {"data": b"abc", "chunked": True},
            ["Content-Type: application/octet-stream", "Transfer-Encoding: chunked"],
        ),
    ],
)
async def test_a_head_has_the_fields_of_the_call(method: str, content: dict[str, Any], lines: list[str]) -> None:
    async with building() as build:
        assert build.lines(method, "http://h/a", **content) == [f"{method} /a HTTP/1.1", "Host: h", *lines]


async def test_names_that_are_skipped_or_withheld_are_left_out_of_one_request_only() -> None:
    async with building(headers={"X-Secret": "1", "X-Other": "2"}) as build:
        url = "http://h/"
        usual = build("GET", url).head
        assert b"X-Secret" in usual
        withheld = build("GET", url, withheld=frozenset({"x-secret"})).head
        assert b"X-Secret" not in withheld
        assert b"X-Other: 2" in withheld
        assert b"User-Agent" not in build("GET", url, skip_auto_headers=["user-agent"]).head
        assert build("GET", url, withheld=frozenset({"x-absent"})).head == usual
        assert build("GET", url).head == usual
        assert len(build.builder.origins) == 1


async def test_a_request_has_framing_only_if_its_body_has_more_than_bytes_with_a_length() -> None:
    async with building() as build:
        url = "http://h/"
        assert build("POST", url, data=b"x").framing is None
        assert build("POST", url).framing is None
        assert build("POST", url, data=b"x", chunked=True).content == b"x"
        assert build("POST", url, data=bytearray(b"x")).source is not None
        streamed = build("POST", url, data=b"x", expect100=True)
        assert (streamed.body, streamed.expect, streamed.length) == (b"", True, 1)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"headers": {1: "x"}}, TypeError),
        ({"headers": {"X": 1}}, TypeError),
        ({"headers": {"X": "a\nb"}}, ValueError),
        ({"headers": {"Content-Length": 1}}, TypeError),
        ({"headers": {"Cookie": 1}, "cookies": {"a": "1"}}, TypeError),
        ({"headers": [("Host", "a"), ("Host", "b")]}, ValueError),
        ({"headers": {"Authorization": "x"}, "auth": gazelle.BasicAuth("u")}, ValueError),
    ],
)
async def test_fields_that_may_not_be_sent_are_refused(content: dict[str, Any], error: type[Exception]) -> None:
    async with building() as build:
        with pytest.raises(error):
            build("GET", "http://h/", **content)


# Origins.


async def test_origins_of_special_tls_settings_are_few_and_kept_apart() -> None:
    async with building() as build:
        for number in range(100):
            settings = {"server_hostname": f"n{number}"}
            assert build("GET", "https://h/", settings).connection_key.server_hostname == f"n{number}"
        assert len(build.builder.origins) == 0


async def test_an_origin_of_plain_calls_is_opened_once_and_not_for_an_invalid_url() -> None:
    async with building() as build:
        origin = build.builder.open_origin("http://h:81")
        assert origin is not None
        assert (origin.site, origin.plain, origin.own) == ("http://h:81", True, True)
        assert build.builder.origins.get("http://h:81") is origin
        assert build.builder.open_origin("http://h:99999") is None
        assert build.builder.open_origin("http://") is None


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({}, True),
        ({"headers": {"X": "1"}}, True),
        ({"headers": {"Content-Type": "x/y"}}, True),
        ({"headers": {"Authorization": "x"}}, True),
        ({"headers": {"Authorization": "x"}, "auth": gazelle.BasicAuth("u")}, False),
        ({"headers": {"Cookie": "a=1"}}, False),
        ({"headers": {"Connection": "close"}}, False),
        ({"headers": {"Expect": "100-continue"}}, False),
        ({"headers": {"Transfer-Encoding": "chunked"}}, False),
    ],
)
async def test_default_fields_decide_whether_calls_to_an_origin_may_be_plain(
    options: dict[str, Any], plain: bool
) -> None:
    async with building(**options) as build:
        origin = build.builder.open_origin("http://h")
        assert origin is not None
        assert origin.plain is plain
        assert origin.typed is ("Content-Type" in options.get("headers", {}))


# Changed requests.


async def test_a_rebuilt_request_has_exactly_the_fields_it_is_given() -> None:
    async with building() as build:
        original = build("POST", "http://h/a#f", data=b"abc")
        changed = build.rebuild(original, method="put", url="http://h/b", headers={"X": "1"}, without=["Accept"])
        assert (changed.method, changed.target, changed.body) == ("PUT", "/b", b"abc")
        assert list(changed.headers) == [name for name in (*original.headers, "X") if name != "Accept"]


async def test_another_host_changes_the_key_and_the_host_field_unless_that_was_changed_too() -> None:
    async with building() as build:
        original = build("GET", "http://h/")
        changed = build.rebuild(original, url="https://g:444/")
        assert (changed.connection_key.host, changed.headers["Host"]) == ("g", "g:444")
        assert build.rebuild(original, url="http://g/", headers={"Host": "own"}).headers["Host"] == "own"
        assert build.rebuild(original, url="http://h/x").headers["Host"] == "h"


async def test_a_changed_request_is_checked_like_any_other() -> None:
    async with building() as build:
        original = build("POST", "http://h/", data=b"abc")
        for changes in (
            {"method": "A B"},
            {"headers": {"X": "a\nb"}},
            {"headers": {"Content-Length": "4"}},
            {"headers": {"Transfer-Encoding": "chunked"}},
            {"without": ["Content-Length"]},
            {"body": b"abcd"},
        ):
            with pytest.raises(ValueError):
                build.rebuild(original, **changes)


@pytest.mark.parametrize(
    ("data", "fields", "returned"),
    [
        (b"abcd", {"Content-Length": "4", "Content-Type": "application/octet-stream"}, b"abcd"),
        ("ü", {"Content-Length": "2", "Content-Type": "text/plain; charset=utf-8"}, b"\xc3\xbc"),
        (None, {"Content-Length": "0"}, b""),
        ({"a": "1"}, {"Content-Length": "3", "Content-Type": "application/x-www-form-urlencoded"}, b"a=1"),
    ],
)
async def test_another_body_brings_the_fields_that_describe_it(
    data: Any, fields: dict[str, str], returned: bytes
) -> None:
    async with building() as build:
        headers = CIMultiDict({"Content-Length": "9", "Content-Encoding": "gzip", "Transfer-Encoding": "x", "X": "1"})
        assert build.builder.replace_body(headers, data) == returned
        assert headers == CIMultiDict({"X": "1", **fields})


async def test_another_body_of_known_or_unknown_length_stays_a_payload() -> None:
    async with building() as build:
        headers: CIMultiDict[str] = CIMultiDict()
        body = Watched(b"abc")
        assert build.builder.replace_body(headers, body) is body
        assert headers["Content-Length"] == "3"
        build.builder.replace_body(headers, yielding(b"abc"))
        assert "Content-Length" not in headers
        assert headers["Transfer-Encoding"] == "chunked"
