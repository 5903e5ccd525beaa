"""Redirects that a session follows: bytes on the wire, bodies that are sent again, limits, and cleanup."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

import gazelle
from gazelle.body.formdata import FormData
from gazelle.cookies.jar import CookieJar
from tests.support.clean import assert_clean, connector_of, idle
from tests.support.punctual import punctual
from tests.support.server import (
    Early,
    Peer,
    Request,
    ScriptedServer,
    chunked,
    fin,
    response,
    send,
    sleep,
    stall,
    tell,
    wait,
)

STATUSES = (301, 302, 303, 307, 308)
DONE = [send(response(b"done"))]


def to(location: str, status: int = 302, headers: str = "", body: bytes = b"") -> list[Any]:
    """A script that redirects."""
    lines = f"Location: {location}" + (f"\r\n{headers}" if headers else "")
    return [send(response(body, status=f"{status} Moved", headers=lines))]


def body_fields(request: Request) -> dict[str, str]:
    names = ("content-length", "content-type", "transfer-encoding", "content-encoding", "expect")
    return {name: value for name, value in request.headers if name in names}


async def followed(method: str, status: int, location: str = "/end", **arguments: Any) -> list[Request]:
    """The requests that the server saw for one call which is redirected once."""
    head_only = [send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")]
    end = head_only if method == "HEAD" else DONE
    async with ScriptedServer({"/start": to(location, status), "*": end}) as server, gazelle.ClientSession() as session:
        arguments.setdefault("allow_redirects", True)
        async with session.request(method, server.url("/start"), **arguments) as answer:
            assert answer.status == 200
            assert await answer.read() == (b"" if method == "HEAD" else b"done")
        await assert_clean(session, server)
        assert server.accepted == 1
        return server.requests


# --- the matrix ------------------------------------------------------------------------------------------------------

OTHERS = {"HEAD": "HEAD", "PUT": "PUT", "PATCH": "PATCH", "DELETE": "DELETE", "OPTIONS": "OPTIONS", "PURGE": "PURGE"}
FOLLOWING = {
    301: {"GET": "GET", "POST": "GET", **OTHERS},
    302: {"GET": "GET", "POST": "GET", **OTHERS},
    303: dict.fromkeys(["GET", "POST", *OTHERS], "GET") | {"HEAD": "HEAD"},
    307: {"GET": "GET", "POST": "POST", **OTHERS},
    308: {"GET": "GET", "POST": "POST", **OTHERS},
}


@pytest.mark.parametrize("with_body", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST", *OTHERS])
@pytest.mark.parametrize("status", STATUSES)
async def test_the_matrix_of_methods_statuses_and_bodies(status: int, method: str, with_body: bool) -> None:
    first, second = await followed(method, status, data=b"body" if with_body else None)
    assert first.method == method
    assert second.method == FOLLOWING[status][method]
    keeps = method == "HEAD" or (status != 303 and second.method == method)
    if keeps:
        assert (second.body, body_fields(second)) == (first.body, body_fields(first))
    else:
        assert second.raw_body == b""
        assert body_fields(second) == {}
    # Everything that does not speak of the body is the same.
    assert [pair for pair in first.headers if pair[0] not in body_fields(first)] == [
        pair for pair in second.headers if pair[0] not in body_fields(second)
    ]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_following_request_byte_by_byte(status: int, method: str) -> None:
    settings: dict[str, Any] = {"skip_auto_headers": ["User-Agent", "Accept", "Accept-Encoding"]}
    data = {"data": "grüße"} if method == "POST" else {}
    first, second = await followed(method, status, headers={"X-One": "1"}, **settings, **data)
    host = dict(first.headers)["host"]
    body = "Content-Length: 7\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ngrüße" if data else "\r\n"
    assert first.raw.decode() == f"{method} /start HTTP/1.1\r\nHost: {host}\r\nX-One: 1\r\n{body}"
    if data and status not in (307, 308):
        method, body = "GET", "\r\n"
    assert second.raw.decode() == f"{method} /end HTTP/1.1\r\nHost: {host}\r\nX-One: 1\r\n{body}"


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399])
async def test_other_statuses_are_answers(status: int) -> None:
    async with ScriptedServer({"*": to("/end", status)}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/start")) as answer:
            assert (answer.status, answer.history) == (status, ())
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("target", ["", "Location:", "Location: \r\nURI:"])
async def test_a_redirect_to_nowhere_is_an_answer(status: int, target: str) -> None:
    script = [send(response(b"nowhere", status=f"{status} X", headers=target))]
    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/start")) as answer:
            assert (answer.status, answer.history, await answer.read()) == (status, (), b"nowhere")
        await assert_clean(session, server)


async def test_without_location_the_uri_field_counts() -> None:
    script = [send(response(status="302 Found", headers="URI: /end"))]
    async with ScriptedServer({"/start": script, "/end": DONE}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/start")) as answer:
            assert answer.url.path == "/end"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_redirects_are_followed_only_if_that_is_wanted(method: str) -> None:
    routes = {"/start": to("/end"), "/end": [send(response())]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.request(method, server.url("/start"), allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"], answer.history) == (302, "/end", ())
        async with session.head(server.url("/start")) as answer:
            assert answer.status == 302  # the default of this verb
        async with session.head(server.url("/start"), allow_redirects=True) as answer:
            assert (answer.status, answer.method) == (200, "HEAD")
        await assert_clean(session, server)


# --- bodies ----------------------------------------------------------------------------------------------------------


def a_file(tmp_path: Path) -> Any:
    path = tmp_path / "upload.bin"
    path.write_bytes(b"0123456789" * 30_000)
    return path.open("rb")


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("kind", ["bytes", "bytearray", "text", "json", "form", "multipart", "BytesIO", "StringIO"])
async def test_a_body_goes_along_unchanged(kind: str, method: str, status: int) -> None:
    multipart = FormData({"name": "value"})
    multipart.add_field("file", io.BytesIO(b"content"), filename="a.txt")
    arguments: dict[str, dict[str, Any]] = {
        "bytes": {"data": b"body"},
        "bytearray": {"data": bytearray(b"body")},
        "text": {"data": "body"},
        "json": {"json": {"a": 1}},
        "form": {"data": {"a": "1", "b": "ü"}},
        "multipart": {"data": multipart},
        "BytesIO": {"data": io.BytesIO(b"body")},
        "StringIO": {"data": io.StringIO("body")},
    }
    first, second = await followed(method, status, **arguments[kind])
    assert first.raw_body
    assert second.raw_body == first.raw_body
    assert body_fields(second) == body_fields(first)


@pytest.mark.parametrize("options", [{"chunked": True}, {"compress": True}, {"compress": "gzip"}, {"expect100": True}])
async def test_how_a_body_is_sent_goes_along_with_it(options: dict[str, Any]) -> None:
    async def start(peer: Peer) -> None:
        if peer.request.header("expect"):
            await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.read_body()
        step = to("/end", 307)[0] if peer.request.path == "/start" else DONE[0]
        await step(peer)

    async with ScriptedServer({"*": Early([start])}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/start"), data=b"body" * 1000, **options) as answer:
            assert await answer.read() == b"done"
        await assert_clean(session, server)
        first, second = server.requests
        assert len(body_fields(first)) >= 2
        assert body_fields(first) == body_fields(second)
        assert first.raw_body == second.raw_body


@pytest.mark.parametrize("offset", [0, 100])
async def test_a_file_is_sent_again_from_where_it_stood(tmp_path: Path, offset: int) -> None:
    with a_file(tmp_path) as file:
        file.seek(offset)
        first, second = await followed("PUT", 307, data=file)
    assert first.body == second.body == (b"0123456789" * 30_000)[offset:]
    assert first.header("content-length") == second.header("content-length") == str(300_000 - offset)


async def test_a_multipart_form_with_a_file_is_sent_again(tmp_path: Path) -> None:
    with a_file(tmp_path) as file:
        first, second = await followed("POST", 308, data={"field": "value", "file": file})
    assert len(first.body) > 300_000
    assert first.body == second.body
    assert first.header("content-type") == second.header("content-type")


@pytest.mark.parametrize("status", [301, 302, 303])
@pytest.mark.parametrize("options", [{"chunked": True}, {"compress": "gzip"}, {}])
async def test_a_body_that_stays_behind_leaves_nothing_behind(status: int, options: dict[str, Any]) -> None:
    """No last-chunk, which the server would take for another request, and no field about a body."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"body"

    first, second = await followed("POST", status, data=pieces(), **options)
    assert first.raw_body
    assert second.raw_body == b""
    assert body_fields(second) == {}


@pytest.mark.parametrize("status", STATUSES)
async def test_a_chunked_request_without_a_body_leaves_nothing_behind_either(status: int) -> None:
    requests = await followed("GET", status, chunked=True)
    assert [request.raw_body for request in requests] == [b"", b""]


@pytest.mark.parametrize("status", [307, 308])
async def test_a_generator_cannot_be_sent_again(status: int) -> None:
    ends = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"body"
        finally:
            ends.append(True)

    async with ScriptedServer({"/start": to("/end", status), "*": DONE}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientPayloadError, match="consumed"):
            await session.post(server.url("/start"), data=pieces())
        assert ends == [True]
        assert [request.path for request in server.requests] == ["/start"]
        async with session.post(server.url("/next"), data=b"x") as answer:
            assert await answer.read() == b"done"
        await assert_clean(session, server)


async def test_a_generator_that_the_server_never_asked_for_can_still_be_sent() -> None:
    """The redirect came instead of 100 Continue (RFC 9110 §10.1.1)."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"body"

    async def end(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.read_body()
        await peer.send(response(b"done"))

    routes = {"/start": Early([*to("/end", 307), stall()]), "/end": Early([end])}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/start"), data=pieces(), expect100=True) as answer:
            assert await answer.read() == b"done"
        assert server.seen("/end")[0].body == b"body"
        await assert_clean(session, server)


async def test_a_redirect_in_the_middle_of_an_upload_ends_it() -> None:
    """The connection cannot be used again: the rest of the body would be taken for a request."""
    ended = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0)
        finally:
            ended.set()

    routes = {"/start": Early([*to("/end", 303), stall()]), "/end": DONE}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/start"), data=pieces()) as answer:
            assert await answer.read() == b"done"
        await asyncio.wait_for(ended.wait(), 60)
        assert server.accepted == 2
        await assert_clean(session, server)


# --- history ---------------------------------------------------------------------------------------------------------


async def test_the_history_holds_each_hop() -> None:
    routes = {"/1": to("/2", 301), "/2": to("/3#f", 303), "/3": DONE}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/1"), data=b"x") as answer:
            assert [(past.status, past.url.path, past.method) for past in answer.history] == [
                (301, "/1", "POST"),
                (303, "/2", "GET"),
            ]
            assert [len(past.history) for past in answer.history] == [0, 1]
            assert isinstance(answer.history, tuple)
            assert str(answer.url) == server.url("/3")
            assert str(answer.real_url) == server.url("/3#f")
            assert answer.method == "GET"
            assert answer.request_info.method == "GET"
            for past in answer.history:
                assert past.closed
                assert past.connection is None
                with pytest.raises(gazelle.ClientConnectionError):
                    await past.read()
        await assert_clean(session, server)


@pytest.mark.parametrize("body", [b"", b"moved", b"m" * 300_000])
@pytest.mark.parametrize("framing", ["length", "chunked", "eof"])
async def test_the_body_of_a_hop_is_not_waited_for(body: bytes, framing: str) -> None:
    head = {
        "length": f"Content-Length: {len(body)}",
        "chunked": "Transfer-Encoding: chunked",
        "eof": "Connection: close",
    }
    data = chunked(body) if framing == "chunked" and body else b"0\r\n\r\n" if framing == "chunked" else body
    script = [send(response(data, status="302 X", headers=f"Location: /end\r\n{head[framing]}", length=False))]
    script += [fin()] if framing == "eof" else []

    async def start(peer: Peer) -> None:
        try:
            for step in script:
                await step(peer)
        except OSError:
            peer.lost = True  # the rest of a large body is not wanted

    async with ScriptedServer({"/start": start, "/end": DONE}) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            async with session.get(server.url("/start")) as answer:
                assert await answer.read() == b"done"
        await assert_clean(session, server)


async def test_an_endless_body_of_a_hop_is_not_read() -> None:
    script = [send(b"HTTP/1.1 302 X\r\nLocation: /end\r\nContent-Length: 1000000000\r\n\r\nbegin"), stall()]
    async with ScriptedServer({"/start": script, "/end": DONE}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/start")) as answer:
            assert await answer.read() == b"done"
        assert server.accepted == 2
        await assert_clean(session, server)


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "requests"), [(1, 1), (2, 2), (3, None), (0, None), (10, None)])
async def test_it_is_an_error_at_as_many_redirects_as_the_limit_says(limit: int, requests: int | None) -> None:
    routes = {"/1": to("/2"), "/2": to("/3"), "/3": DONE}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        if requests is None:
            async with session.get(server.url("/1"), max_redirects=limit) as answer:
                assert (answer.status, len(answer.history)) == (200, 2)
        else:
            with pytest.raises(gazelle.TooManyRedirects) as caught:
                await session.get(server.url("/1"), max_redirects=limit)
            error = caught.value
            assert (error.status, error.message, len(error.history)) == (0, "", requests)
            assert error.request_info.url == URL(server.url("/1"))
            assert all(past.closed for past in error.history)
            assert len(server.requests) == requests
        await assert_clean(session, server)
        async with session.get(server.url("/3")) as answer:
            assert await answer.read() == b"done"
        assert server.accepted == 1


@pytest.mark.parametrize("loop", ["/1 /1", "/1 /2 /1", "/1 /2 /3 /1"])
async def test_a_loop_comes_to_an_end(loop: str) -> None:
    paths = loop.split()
    routes = {path: to(after) for path, after in itertools.pairwise(paths)}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.TooManyRedirects) as caught:
            await session.get(server.url("/1"))
        assert len(caught.value.history) == len(server.requests) == 10
        await assert_clean(session, server)
        assert server.accepted == 1


async def test_a_url_that_grows_with_each_hop_comes_to_an_end() -> None:
    async def grow(peer: Peer) -> None:
        await to(peer.request.target + "x" * 500)[0](peer)

    async with ScriptedServer({"*": grow}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.TooManyRedirects):
            await session.get(server.url("/"))
        await assert_clean(session, server)


# --- targets ---------------------------------------------------------------------------------------------------------


async def test_parameters_go_with_the_first_hop_only() -> None:
    routes = {"/a/start": to("middle?own=1"), "/a/middle": to("end"), "*": DONE}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/a/start?q=0"), params={"p": "ü"}):
            pass
        targets = [request.target for request in server.requests]
        assert targets == ["/a/start?q=0&p=%C3%BC", "/a/middle?own=1", "/a/end"]


@pytest.mark.parametrize(
    ("location", "target", "real"),
    [
        ("/end", "/end", "/end"),
        ("/end#new", "/end", "/end#new"),
        ("end", "/dir/end", "/dir/end"),
        ("../end", "/end", "/end"),
        ("?k=1", "/dir/start?k=1", "/dir/start?k=1"),
        ("/a b", "/a%20b", "/a%20b"),
        ("/\u00e9", "/%E9", "/%E9"),
        ("/%7e", "/~", "/~"),
    ],
)
async def test_fragments_and_relative_targets(location: str, target: str, real: str) -> None:
    routes = {"/dir/start": to(location), "*": DONE}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        if location == "?k=1":

            async def once(peer: Peer) -> None:
                step = DONE[0] if "k=1" in peer.request.target else to(location)[0]
                await step(peer)

            server.routes["/dir/start"] = once
        async with session.get(server.url("/dir/start#old")) as answer:
            assert str(answer.real_url) == server.url(real)
            assert answer.url == answer.real_url.with_fragment(None)
        assert server.requests[-1].target == target


async def test_without_requoting_a_target_stays_as_it_came() -> None:
    async with ScriptedServer({"/start": to("/%7e?a=%2f"), "*": DONE}) as server:
        async with gazelle.ClientSession(requote_redirect_url=False) as session:
            async with session.get(server.url("/start")):
                pass
        assert server.requests[-1].target == "/%7e?a=%2f"


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://", gazelle.InvalidUrlRedirectClientError),
        ("http:///x", gazelle.InvalidUrlRedirectClientError),
        ("///x", gazelle.InvalidUrlRedirectClientError),
        ("http://:80/", gazelle.InvalidUrlRedirectClientError),
        ("http://host:99999/", gazelle.InvalidUrlRedirectClientError),
        ("http://[::1/", gazelle.InvalidUrlRedirectClientError),
        ("http://a b/", gazelle.InvalidUrlRedirectClientError),
        ("/a\x01b", gazelle.InvalidUrlRedirectClientError),
        ("/a\tb", gazelle.InvalidUrlRedirectClientError),
        ("//user@/x", gazelle.InvalidUrlRedirectClientError),
        ("http://127.1/", gazelle.InvalidUrlRedirectClientError),
        ("http://2130706433/", gazelle.InvalidUrlRedirectClientError),
        ("http://0x7f.1/", gazelle.InvalidUrlRedirectClientError),
        ("https://127.0.1/", gazelle.InvalidUrlRedirectClientError),
        ("http://0x7f000001/", gazelle.InvalidUrlRedirectClientError),
        ("ftp://host/x", gazelle.NonHttpUrlRedirectClientError),
        ("file:///etc/passwd", gazelle.NonHttpUrlRedirectClientError),
        ("data:,x", gazelle.NonHttpUrlRedirectClientError),
        ("javascript:alert(1)", gazelle.NonHttpUrlRedirectClientError),
        ("ws://host/", gazelle.NonHttpUrlRedirectClientError),
        ("http://127.0.0.1:1/", gazelle.ClientConnectorError),
    ],
)
@pytest.mark.parametrize("framing", ["Content-Length: 5\r\n\r\nmoved", "Content-Length: 9\r\n\r\nmoved"])
async def test_a_bad_target_is_an_error_that_leaves_nothing_behind(
    location: str, error: type[gazelle.ClientError], framing: str
) -> None:
    start = [send(f"HTTP/1.1 302 X\r\nLocation: {location}\r\n{framing}".encode("latin-1"))]
    connector = gazelle.TCPConnector(limit=1)
    async with ScriptedServer({"/start": start, "/end": DONE}) as server:
        async with gazelle.ClientSession(connector=connector) as session:
            for _ in range(2):
                with pytest.raises(error):
                    await session.get(server.url("/start"))
                await assert_clean(session, server)
            async with session.get(server.url("/end")) as answer:
                assert await answer.read() == b"done"
            await assert_clean(session, server)
        assert len(server.seen("/start")) == 2


async def test_a_host_that_the_connector_does_not_take_is_an_error_of_the_redirect_behind_middlewares_too() -> None:
    async def middleware(request: Any, handler: Any) -> gazelle.ClientResponse:
        answer: gazelle.ClientResponse = await handler(request)
        return answer

    connector = gazelle.TCPConnector(limit=1)
    async with ScriptedServer({"/start": to("http://127.1/")}) as server:
        async with gazelle.ClientSession(connector=connector, middlewares=[middleware]) as session:
            for _ in range(2):
                with pytest.raises(gazelle.InvalidUrlRedirectClientError, match=r"127\.1"):
                    await session.get(server.url("/start"))
                await assert_clean(session, server)


async def test_another_host_gets_its_own_name_and_connection() -> None:
    async with ScriptedServer({"*": DONE}) as other:
        async with ScriptedServer({"/start": to(other.url("/end"))}) as server, gazelle.ClientSession() as session:
            async with session.get(server.url("/start")) as answer:
                assert await answer.read() == b"done"
            assert server.requests[0].header("host") == f"127.0.0.1:{server.port}"
            assert other.requests[0].header("host") == f"127.0.0.1:{other.port}"
            assert idle(connector_of(session)) == 2


async def test_a_relative_redirect_is_relative_to_the_answer_and_not_to_the_base_url() -> None:
    async with ScriptedServer({"/api/v1/start": to("end"), "*": DONE}) as server:
        async with gazelle.ClientSession(server.url("/api/")) as session:
            async with session.get("v1/start") as answer:
                assert answer.url.path == "/api/v1/end"


# --- cookies, timeouts, errors ---------------------------------------------------------------------------------------


async def test_cookies_of_a_hop_go_with_the_next_one() -> None:
    routes = {
        "/1": to("/2", headers="Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/"),
        "/2": to("/3", headers="Set-Cookie: a=3; Path=/\r\nSet-Cookie: b=; Max-Age=0; Path=/"),
        "/3": DONE,
    }
    async with ScriptedServer(routes) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            async with session.get(server.url("/1"), cookies={"own": "x"}) as answer:
                assert [sorted(past.cookies) for past in answer.history] == [["a", "b"], ["a", "b"]]
                assert not answer.cookies
        assert [request.header("cookie") for request in server.requests] == ["own=x", "a=1; b=2; own=x", "a=3; own=x"]


@punctual(0.05)
async def test_the_total_timeout_covers_all_hops() -> None:
    routes = {f"/{number}": [sleep(0.12), *to(f"/{number + 1}")] for number in range(10)}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        start = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await session.get(server.url("/0"), timeout=gazelle.ClientTimeout(total=0.3))
        assert 0.25 < asyncio.get_running_loop().time() - start < 0.6
        assert 2 <= len(server.requests) <= 4
        await assert_clean(session, server)


async def test_a_cancelled_chain_leaves_nothing_behind() -> None:
    reached, never = asyncio.Event(), asyncio.Event()
    routes = {"/1": to("/2"), "/2": [tell(reached), wait(never)]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        task = asyncio.ensure_future(session.get(server.url("/1")))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not connector_of(session)._acquired


async def test_only_the_last_answer_can_be_an_error() -> None:
    asked = []

    async def look(answer: gazelle.ClientResponse) -> None:
        asked.append(answer.status)

    missing = [send(response(b"gone", status="404 Not Found"))]
    async with ScriptedServer({"/1": to("/2"), "/2": DONE, "/3": to("/4"), "/4": missing}) as server:
        async with gazelle.ClientSession() as session:
            async with session.get(server.url("/1"), raise_for_status=look):
                pass
            async with session.get(server.url("/1"), raise_for_status=True):
                pass
            with pytest.raises(gazelle.ClientResponseError) as caught:
                await session.get(server.url("/3"), raise_for_status=True)
            assert (caught.value.status, len(caught.value.history)) == (404, 1)
            async with session.get(server.url("/3"), raise_for_status=look):
                pass
            assert asked == [200, 404]
            await assert_clean(session, server)


async def test_headers_of_the_caller_are_not_changed() -> None:
    headers = CIMultiDict([("Authorization", "Bearer 1"), ("Content-Type", "text/x"), ("X", "1")])
    before = headers.copy()
    async with ScriptedServer({"/start": to("http://localhost:1/", 303)}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectorError):
            await session.post(server.url("/start"), data=b"x", headers=headers)
    assert headers == before


async def test_a_redirect_over_a_connection_that_the_server_closes_opens_another() -> None:
    routes = {"/start": [*to("/end", headers="Connection: close"), fin()], "/end": DONE}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/start")) as answer:
            assert await answer.read() == b"done"
        assert server.accepted == 2
        await assert_clean(session, server)


@pytest.mark.parametrize(
    ("location", "target"),
    [("/a b", "/a%20b"), ("/ä", "/%C3%A4"), ("/%7e?a=b c%2f", "/%7e?a=b%20c%2f"), ("/a%2Fb", "/a%2Fb")],
)
async def test_without_requoting_only_invalid_characters_of_a_location_are_encoded(location: str, target: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n".encode()
    async with ScriptedServer({"/from": [send(head)], "*": [send(response(b"hello"))]}) as server:
        async with gazelle.ClientSession(requote_redirect_url=False) as session:
            async with session.get(server.url("/from")) as answer:
                assert answer.status == 200
    assert server.requests[1].target == target
