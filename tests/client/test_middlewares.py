"""Requests that a middleware has changed: the bytes on the wire, and ambiguous framing that is refused."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import gazelle
from tests.support.clean import assert_clean
from tests.support.server import ScriptedServer, response, send

OK = {"*": [send(response(b"ok"))]}

Change = Callable[[Any], None]


def changing(change: Change, body: Any = None) -> Any:
    """A middleware that changes the fields of each request, after it has set another body if one is given."""

    async def middleware(request: Any, handler: Any) -> gazelle.ClientResponse:
        if body is not None:
            await request.update_body(body)
        change(request.headers)
        answer: gazelle.ClientResponse = await handler(request)
        return answer

    return middleware


async def pieces() -> AsyncIterator[bytes]:
    yield b"abc"
    yield b"de"


def add(name: str, value: str) -> Change:
    return lambda headers: headers.add(name, value)


def put(name: str, value: str) -> Change:
    return lambda headers: headers.update({name: value})


def remove(name: str) -> Change:
    return lambda headers: headers.popall(name, None)


def chunked(headers: Any) -> None:
    headers.popall("Content-Length", None)
    headers["Transfer-Encoding"] = "chunked"


def uncompressed(headers: Any) -> None:
    del headers["Content-Encoding"], headers["Transfer-Encoding"]
    headers["Content-Length"] = "5"


def measured(length: int = 5) -> Change:
    def change(headers: Any) -> None:
        headers.popall("Transfer-Encoding", None)
        headers["Content-Length"] = str(length)

    return change


REFUSED: dict[str, tuple[dict[str, Any], Change, str]] = {
    "two lengths": ({"data": b"abcde"}, add("Content-Length", "5"), "more than once"),
    "two lengths, spelled in two ways": ({"data": b"abcde"}, add("content-length", "5"), "more than once"),
    "two different lengths": ({"data": b"abcde"}, add("Content-Length", "2"), "more than once"),
    "two codings": ({"data": pieces}, add("Transfer-Encoding", "chunked"), "more than once"),
    "a length and a coding": ({"data": b"abcde"}, add("Transfer-Encoding", "chunked"), "both set"),
    "a coding and a length": ({"data": pieces}, add("Content-Length", "5"), "both set"),
    "a coding in chunks and a length": ({"data": b"abcde", "chunked": True}, add("Content-Length", "15"), "both set"),
    "another coding": ({"data": pieces}, put("Transfer-Encoding", "gzip, chunked"), "Transfer-Encoding"),
    "identity": ({"data": pieces}, put("Transfer-Encoding", "identity"), "Transfer-Encoding"),
    "no length": ({"data": b"abcde"}, remove("Content-Length"), "5 bytes"),
    "a length too small": ({"data": b"abcde"}, put("Content-Length", "4"), "5 bytes"),
    "a length too large": ({"data": b"abcde"}, put("Content-Length", "6"), "5 bytes"),
    "a length of nothing": ({}, put("Content-Length", "5"), "0 bytes"),
    "two lengths in one": ({"data": b"abcde"}, put("Content-Length", "5, 5"), "number"),
    "a length with a sign": ({"data": b"abcde"}, put("Content-Length", "+5"), "number"),
    "a length of other digits": ({"data": b"abcde"}, put("Content-Length", "\u0665"), "number"),
    "no coding": ({"data": pieces}, remove("Transfer-Encoding"), "Transfer-Encoding"),
    "the length of the chunks": ({"data": b"abcde", "chunked": True}, measured(15), "5 bytes"),
    "a length of what is compressed": ({"data": b"abcde", "compress": "gzip"}, measured(), "Transfer-Encoding"),
    "another content coding": (
        {"data": b"abcde", "compress": "gzip"},
        put("Content-Encoding", "deflate"),
        "put into gzip",
    ),
    "a content coding too many": (
        {"data": b"abcde", "compress": "gzip"},
        add("Content-Encoding", "br"),
        "'gzip, br', but the body is put into gzip",
    ),
    "two hosts": ({}, add("Host", "other.test"), "Host"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_fields_that_do_not_say_just_once_where_the_body_ends_are_refused(case: str) -> None:
    options, change, message = REFUSED[case]
    if options.get("data") is pieces:
        options = options | {"data": pieces()}
    async with ScriptedServer(OK) as server:
        async with gazelle.ClientSession(middlewares=[changing(change)]) as session:
            with pytest.raises(ValueError, match=message):
                await session.post(server.url(), **options)
            await assert_clean(session, server)
        assert server.accepted == 0


async def test_http_1_0_has_no_chunks_in_a_middleware_either() -> None:
    async with ScriptedServer(OK) as server:
        settings: dict[str, Any] = {"version": gazelle.HttpVersion10, "middlewares": [changing(chunked)]}
        async with gazelle.ClientSession(**settings) as session:
            with pytest.raises(ValueError, match=r"HTTP/1\.0"):
                await session.post(server.url(), data=b"abcde")
        assert server.accepted == 0


SENT: dict[str, tuple[dict[str, Any], Change, Any, bytes]] = {
    "another field": ({"data": b"abcde"}, put("X-One", "1"), None, b"abcde"),
    "another field of chunks": (
        {"data": b"abcde", "chunked": True},
        put("X-One", "1"),
        None,
        b"5\r\nabcde\r\n0\r\n\r\n",
    ),
    "the same length": ({"data": b"abcde"}, put("Content-Length", "5"), None, b"abcde"),
    "bytes in chunks": ({"data": b"abcde"}, chunked, None, b"5\r\nabcde\r\n0\r\n\r\n"),
    "nothing in chunks": ({}, chunked, None, b"0\r\n\r\n"),
    "nothing instead of chunks, in chunks": ({"data": b"abc", "chunked": True}, chunked, b"", b"0\r\n\r\n"),
    "another body": ({"data": b"abc"}, put("X-One", "1"), b"abcde", b"abcde"),
    "another body in chunks": ({"data": b"abc", "chunked": True}, chunked, b"xy", b"2\r\nxy\r\n0\r\n\r\n"),
    "chunks in one": ({"data": b"abcde", "chunked": True}, measured(), None, b"abcde"),
    "chunks that nothing is in": ({"data": b"", "chunked": True}, put("X-One", "1"), None, b"0\r\n\r\n"),
    "what is not compressed after all": (
        {"data": b"abcde", "compress": "gzip"},
        remove("Content-Encoding"),
        None,
        b"5\r\nabcde\r\n0\r\n\r\n",
    ),
    "what is not compressed after all, in one": (
        {"data": b"abcde", "compress": "gzip"},
        uncompressed,
        None,
        b"abcde",
    ),
    "pieces of a length": ({"data": pieces}, measured(), None, b"abcde"),
    "pieces instead": ({"data": b"x"}, put("X-One", "1"), pieces, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
    "no body, no length": ({}, remove("Content-Length"), None, b""),
}


@pytest.mark.parametrize("case", SENT)
async def test_a_changed_request_ends_where_its_fields_say(case: str) -> None:
    options, change, body, raw = SENT[case]
    async with ScriptedServer(OK) as server:
        async with gazelle.ClientSession() as session:
            for _ in range(2):
                fresh = pieces() if body is pieces else body
                given = options | {"data": pieces()} if options.get("data") is pieces else options
                middleware = changing(change, fresh)
                async with session.post(server.url(), middlewares=[middleware], **given) as answer:
                    assert await answer.read() == b"ok"
            await assert_clean(session, server)
        assert server.accepted == 1
        for request in server.requests:
            assert request.raw_body == raw
            framing = [name for name, _ in request.headers if name.lower() in ("content-length", "transfer-encoding")]
            assert len(framing) == (0 if case == "no body, no length" else 1)


@pytest.mark.parametrize("data", [b"abcde", pieces])
async def test_a_middleware_decides_whether_the_server_is_asked_for_the_body(data: Any) -> None:
    def stop_asking(headers: Any) -> None:
        del headers["Expect"]

    async with ScriptedServer(OK) as server:
        async with gazelle.ClientSession(middlewares=[changing(stop_asking)]) as session, asyncio.timeout(60):
            given = data() if data is pieces else data
            async with session.post(server.url(), data=given, expect100=True) as answer:
                assert await answer.read() == b"ok"
        assert server.requests[0].body == b"abcde"


@pytest.mark.parametrize(
    ("data", "seen"),
    [(b"abc", b"abc"), (b"", b""), ("abc", b"abc"), ({"k": "v"}, b"k=v"), (bytearray(b"abc"), b"abc")],
)
@pytest.mark.parametrize("framing", [{"chunked": True}, {"headers": {"Transfer-Encoding": "chunked"}}])
async def test_a_middleware_sees_a_body_without_its_chunks(data: Any, seen: bytes, framing: dict[str, Any]) -> None:
    """And what it sees it can set again: the chunks are never content."""
    bodies: list[bytes] = []

    async def look(request: Any, handler: Any) -> gazelle.ClientResponse:
        bodies.append(request.body)
        first: gazelle.ClientResponse = await handler(request)
        assert await first.read() == b"ok"
        await request.update_body(request.body)
        bodies.append(request.body)
        again: gazelle.ClientResponse = await handler(request)
        return again

    async with ScriptedServer(OK) as server:
        async with gazelle.ClientSession() as session:
            for middlewares in ([], [look]):
                await (await session.post(server.url(), data=data, middlewares=middlewares, **framing)).read()
            await assert_clean(session, server)
        in_chunks = (b"%x\r\n%b\r\n" % (len(seen), seen) if seen else b"") + b"0\r\n\r\n"
        assert [request.raw_body for request in server.requests] == [in_chunks, in_chunks, seen]
        assert server.requests[2].header("content-length") == str(len(seen))
    assert bodies == [seen, seen]


async def test_a_digest_that_protects_the_body_is_made_of_the_body_and_not_of_its_chunks() -> None:
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth-int"'
    async with ScriptedServer({"*": [send(response(b"no", status="401 Unauthorized", headers=challenge))]}) as server:
        middlewares = [gazelle.DigestAuthMiddleware("login", "password")]
        async with gazelle.ClientSession(middlewares=middlewares) as session:
            async with session.post(server.url("/"), data=b"abc", chunked=True) as answer:
                assert answer.status == 401
            await assert_clean(session, server)
    asked = server.requests[1]
    assert asked.raw_body == b"3\r\nabc\r\n0\r\n\r\n"
    fields = dict(re.findall(r'(\w+)="?([^",]*)', asked.header("authorization") or ""))

    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    tail = f"{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth-int"
    expected = digest(f"{digest('login:r:password')}:{tail}:{digest('POST:/:' + digest('abc'))}")
    assert fields["response"] == expected


@pytest.mark.parametrize("spelling", ["gzip", " GZIP "])
async def test_a_body_stays_compressed_where_the_field_stays(spelling: str) -> None:
    async with ScriptedServer(OK) as server:
        middlewares = [changing(put("Content-Encoding", spelling))]
        async with gazelle.ClientSession(middlewares=middlewares) as session:
            await (await session.post(server.url(), data=b"abcde", compress="gzip")).read()
        assert gzip.decompress(server.requests[0].body) == b"abcde"


async def test_a_compressed_body_that_is_set_again_is_sent_as_its_fields_say() -> None:
    async def again(request: Any, handler: Any) -> gazelle.ClientResponse:
        await request.update_body(request.body)
        answer: gazelle.ClientResponse = await handler(request)
        return answer

    async with ScriptedServer(OK) as server:
        async with gazelle.ClientSession(middlewares=[again]) as session:
            for data in (b"abcde", pieces()):
                await (await session.post(server.url(), data=data, compress="gzip")).read()
        for request in server.requests:
            assert (request.body, request.header("content-encoding")) == (b"abcde", None)
