"""`ClientResponse`: what the head says, reading the body whole and in parts, and letting go of the connection."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import pytest
from yarl import URL

import gazelle
from tests.support.clean import assert_clean, connector_of, eventually, idle, said_at_collection
from tests.support.server import (
    ScriptedServer,
    Step,
    chunked,
    drip,
    endless,
    fin,
    flush,
    response,
    send,
    stall,
    turns,
    wait,
)


def typed(body: bytes, content_type: str | None) -> list[Step]:
    return [send(response(body, headers="" if content_type is None else f"Content-Type: {content_type}"))]


async def test_the_head_is_there_in_all_its_views() -> None:
    data = response(
        b"body", status="299 Quite Fine", headers="X-Two: a\r\nx-two: b\r\nContent-Type: text/plain; charset=UTF-8"
    )
    async with ScriptedServer({"*": [send(data)]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/p?q=1#part")) as answer:
            assert answer.status == 299
            assert answer.reason == "Quite Fine"
            assert answer.version == gazelle.HttpVersion11
            assert answer.ok
            assert answer.method == "GET"
            assert answer.url == URL(server.url("/p?q=1"))
            assert answer.real_url == URL(server.url("/p?q=1#part"))
            assert answer.host == "127.0.0.1"
            assert answer.headers["x-TWO"] == "a"
            assert answer.headers.getall("X-Two") == ["a", "b"]
            assert answer.raw_headers == (
                (b"Content-Length", b"4"),
                (b"X-Two", b"a"),
                (b"x-two", b"b"),
                (b"Content-Type", b"text/plain; charset=UTF-8"),
            )
            assert answer.content_type == "text/plain"
            assert (answer.charset or "").lower() == "utf-8"
            assert answer.request_info.method == "GET"
            assert answer.request_info.url == answer.url
            assert answer.request_info.real_url == answer.real_url
            assert answer.request_info.headers["Host"] == f"127.0.0.1:{server.port}"
            with pytest.raises(TypeError):
                answer.headers["X-New"] = "value"  # type: ignore[index]


async def test_a_head_with_little_in_it() -> None:
    async with ScriptedServer({"*": [send(b"HTTP/1.0 404\r\n\r\nrest"), fin()]}) as server:
        async with gazelle.ClientSession() as session, session.get(server.url()) as answer:
            assert (answer.status, answer.reason, answer.version) == (404, "", gazelle.HttpVersion10)
            assert not answer.ok
            assert answer.content_type == "application/octet-stream"
            assert answer.charset is None
            assert len(answer.headers) == 0
            assert await answer.read() == b"rest"


@pytest.mark.parametrize(
    ("status", "ok"), [(200, True), (204, True), (304, True), (399, True), (400, False), (599, False)]
)
async def test_ok_is_a_status_below_400(status: int, ok: bool) -> None:
    async with ScriptedServer({"*": [send(response(status=f"{status} X"))]}) as server:
        async with gazelle.ClientSession() as session, session.get(server.url()) as answer:
            assert (answer.status, answer.ok) == (status, ok)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_statuses_without_a_body_keep_their_connection(status: str) -> None:
    data = f"HTTP/1.1 {status}\r\nContent-Length: 10\r\n\r\n".encode()
    async with ScriptedServer({"*": [send(data)]}) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            async with session.get(server.url()) as answer:
                assert await answer.read() == b""
        assert server.accepted == 1


async def test_interim_answers_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" * 3
    async with ScriptedServer({"*": [send(interim), flush(), send(response(b"final"))]}) as server:
        async with gazelle.ClientSession() as session:
            for _ in range(2):
                async with session.get(server.url()) as answer:
                    assert answer.status == 200
                    assert "Link" not in answer.headers
                    assert await answer.read() == b"final"
            assert server.accepted == 1


# --- read, text, json -------------------------------------------------------------------------------------------------

BODIES = {
    "length": response(b"x" * 1000),
    "chunked": response(headers="Transfer-Encoding: chunked", length=False)
    + chunked(b"x" * 400, b"x" * 500, b"x" * 100),
    "trailers": response(headers="Transfer-Encoding: chunked", length=False)
    + chunked(b"x" * 1000, trailers="X-Sum: 1\r\nContent-Length: 3\r\n"),
}


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
@pytest.mark.parametrize("kind", sorted(BODIES))
async def test_a_body_is_read_whole_however_it_is_cut(kind: str, size: int) -> None:
    async with ScriptedServer({"*": [drip(BODIES[kind], size=size)]}) as server, gazelle.ClientSession() as session:
        for _ in range(2):
            async with session.get(server.url()) as answer:
                assert await answer.read() == b"x" * 1000
                assert await answer.read() == b"x" * 1000
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    head = response(length=False)
    async with ScriptedServer({"*": [send(head), drip(b"y" * 500, size=100), fin()]}) as server:
        async with gazelle.ClientSession() as session:
            for _ in range(2):
                async with session.get(server.url()) as answer:
                    assert await answer.read() == b"y" * 500
            assert server.accepted == 2
            await assert_clean(session, server)


async def test_a_large_body_arrives_unchanged() -> None:
    body = bytes(range(256)) * (4 << 12)
    async with ScriptedServer({"*": [send(response(body))]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert await answer.read() == body
        await assert_clean(session, server)


async def test_the_connection_is_back_before_the_caller_reads() -> None:
    async with ScriptedServer({"*": [send(response(b"hello"))]}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        connector = connector_of(session)
        assert idle(connector) == 1
        assert not connector._acquired
        assert await answer.text() == "hello"


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"plain", None, "plain"),
        ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "é"),
        ("жук".encode("koi8-r"), 'text/html; charset="koi8-r"', "жук"),
        ("жук".encode("cp1251"), "text/html;charset=windows-1251", "жук"),
        ("日本".encode("shift_jis"), "text/plain; charset=Shift_JIS", "日本"),
        ("grüß".encode(), "text/html", "grüß"),
        ("grüß".encode(), None, "grüß"),
        ("grüß".encode(), "text/html; charset=no-such-charset", "grüß"),
        ("grüß".encode(), "application/json", "grüß"),
        (b"", "text/html", ""),
        (b"\xef\xbb\xbfbom", "text/plain; charset=utf-8", "\ufeffbom"),
    ],
)
async def test_text_is_decoded_as_declared_and_as_utf_8_where_nothing_is_declared(
    body: bytes, content_type: str | None, text: str
) -> None:
    async with ScriptedServer({"*": typed(body, content_type)}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert await answer.text() == text


async def test_text_takes_an_encoding_and_an_error_handler() -> None:
    async with ScriptedServer({"*": typed(b"\xe9\xff", "text/plain; charset=utf-8")}) as server:
        async with gazelle.ClientSession() as session, session.get(server.url()) as answer:
            assert await answer.text(encoding="latin-1") == "éÿ"
            assert await answer.text(errors="replace") == "\ufffd\ufffd"
            with pytest.raises(UnicodeDecodeError):
                await answer.text()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.api+json",
        "application/problem+json",
    ],
)
async def test_json_accepts_json_media_types(content_type: str) -> None:
    value = {"a": [1, 2.5, None, "ü"]}
    async with ScriptedServer({"*": typed(json.dumps(value).encode(), content_type)}) as server:
        async with gazelle.ClientSession() as session, session.get(server.url()) as answer:
            assert await answer.json() == value


@pytest.mark.parametrize("content_type", [None, "text/html", "text/json", "application/xml"])
async def test_json_refuses_other_media_types_unless_content_type_is_none(content_type: str | None) -> None:
    async with ScriptedServer({"*": typed(b"[1]", content_type)}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            with pytest.raises(gazelle.ContentTypeError) as caught:
                await answer.json()
            assert caught.value.status == 200
            assert caught.value.request_info is not None
            assert (content_type or "") in caught.value.message
            assert await answer.json(content_type=None) == [1]
        await assert_clean(session, server)


async def test_json_takes_a_type_an_encoding_and_a_decoder() -> None:
    async with ScriptedServer({"*": typed(b'"\xe9"', "text/x-mine; charset=utf-8")}) as server:
        async with gazelle.ClientSession() as session, session.get(server.url()) as answer:
            assert await answer.json(content_type="text/x-mine", encoding="latin-1") == "é"
            assert await answer.json(content_type=None, encoding="latin-1", loads=len) == 3


@pytest.mark.parametrize("body", [b"", b"  \r\n\t "])
async def test_json_of_a_blank_body_is_none(body: bytes) -> None:
    async with ScriptedServer({"*": typed(body, "application/json")}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert await answer.json() is None


async def test_broken_json_is_an_error_of_the_decoder() -> None:
    async with ScriptedServer({"*": typed(b"{", "application/json")}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            with pytest.raises(json.JSONDecodeError):
                await answer.json()


async def test_deeply_nested_json_is_an_error_and_no_crash() -> None:
    async with ScriptedServer({"*": typed(b"[" * 100_000 + b"]" * 100_000, "application/json")}) as server:
        async with gazelle.ClientSession() as session, session.get(server.url()) as answer:
            with pytest.raises(RecursionError):
                await answer.json()


# --- content as a stream ----------------------------------------------------------------------------------------------


async def test_the_head_is_there_before_the_body_and_the_body_comes_in_parts() -> None:
    more = asyncio.Event()
    script = [send(response(b"firstsecond")[:-6]), wait(more), send(b"second")]
    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        async with asyncio.timeout(60), session.get(server.url()) as answer:
            assert answer.status == 200
            assert await answer.content.readany() == b"first"
            assert not answer.content.at_eof()
            more.set()
            assert await answer.content.readany() == b"second"
            assert await answer.content.readany() == b""
            assert answer.content.at_eof()
        await assert_clean(session, server)
        assert server.open == 1


async def test_a_stream_is_read_by_size_by_line_and_to_the_end() -> None:
    body = b"line one\nline two\n" + b"x" * 3000 + b"\nlast"
    async with ScriptedServer({"*": [drip(response(body), size=11)]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            stream = answer.content
            assert await stream.readline() == b"line one\n"
            assert await stream.readexactly(4) == b"line"
            assert await stream.read(0) == b""
            assert len(await stream.read(3)) <= 3
            rest = await stream.read()
            assert body.endswith(rest)
            assert await stream.read() == b""
            assert await stream.readline() == b""


async def test_readexactly_raises_with_the_partial_bytes() -> None:
    async with ScriptedServer({"*": [drip(response(b"12345"), size=2)]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            with pytest.raises(asyncio.IncompleteReadError) as caught:
                await answer.content.readexactly(9)
            assert caught.value.partial == b"12345"


async def test_a_stream_is_iterated_in_every_way() -> None:
    body = bytes(range(256)) * 8
    head = response(headers="Transfer-Encoding: chunked", length=False)
    data = head + chunked(*(body[i : i + 100] for i in range(0, len(body), 100)))
    async with ScriptedServer({"*": [drip(data, size=77)]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert b"".join([line async for line in answer.content]) == body
        async with session.get(server.url()) as answer:
            parts = [part async for part in answer.content.iter_chunked(64)]
            assert b"".join(parts) == body
            assert max(map(len, parts)) <= 64
        async with session.get(server.url()) as answer:
            assert b"".join([part async for part in answer.content.iter_any()]) == body
        assert server.accepted == 1


async def test_iter_chunks_keeps_the_bounds_of_the_chunks() -> None:
    chunks = [b"a", b"bb" * 50, b"c\r\n", b"0\r\n\r\n"]
    data = response(headers="Transfer-Encoding: chunked", length=False) + chunked(*chunks)
    async with ScriptedServer({"*": [drip(data, size=9)]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            got, current = [], b""
            async for part, end in answer.content.iter_chunks():
                current += part
                if end and current:
                    got.append(current)
                    current = b""
        assert got == chunks
        assert current == b""


async def test_a_small_body_that_is_complete_is_a_stream_too() -> None:
    async with ScriptedServer({"*": [send(response(b"one\ntwo\n"))]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert [line async for line in answer.content] == [b"one\n", b"two\n"]
            assert answer.content.at_eof()
        async with session.get(server.url()) as answer:
            assert [part async for part in answer.content.iter_chunked(3)] == [b"one", b"\ntw", b"o\n"]


async def test_the_peer_is_held_back_while_the_body_is_not_read() -> None:
    sent = 0
    block = b"z" * 65536

    async def pour(peer: Any) -> None:
        nonlocal sent
        await peer.send(response(length=False))
        while not peer.writer.transport.is_closing():
            await peer.send(block)
            sent += len(block)

    async with ScriptedServer({"*": pour}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            last = -1
            while last != sent:
                last = sent
                await asyncio.sleep(0.1)
            assert sent < 32 << 20, "the client takes in whatever is sent although nobody reads"
            got, goal = 0, 4 * sent
            while got < goal:
                part = await answer.content.readany()
                assert part.strip(b"z") == b""
                got += len(part)
        await assert_clean(session, server)
        assert server.open == 0


async def test_leaving_an_endless_body_closes_its_connection_at_once() -> None:
    async with ScriptedServer({"*": [send(response(length=False)), endless(b"y" * 8192)]}) as server:
        async with gazelle.ClientSession() as session:
            async with session.get(server.url()) as answer:
                assert await answer.content.readexactly(1 << 20) == b"y" * (1 << 20)
            await assert_clean(session, server)
            assert server.open == 0


# --- letting go -------------------------------------------------------------------------------------------------------

UNFINISHED = [send(response(b"12345")[:-2]), stall()]


async def test_read_after_the_block_is_an_error_and_text_of_a_body_that_was_read_is_not() -> None:
    async with ScriptedServer({"/whole": [send(response(b"hello"))], "/part": UNFINISHED}) as server:
        async with gazelle.ClientSession() as session:
            async with session.get(server.url("/whole")) as answer:
                await answer.read()
            assert await answer.text() == "hello"
            with pytest.raises(gazelle.ClientConnectionError):
                await answer.read()

            async with session.get(server.url("/part")) as answer:
                pass
            for method in (answer.read, answer.text, answer.json):
                with pytest.raises(gazelle.ClientConnectionError):
                    await method()
            with pytest.raises(gazelle.ClientConnectionError):
                await answer.content.read()
            await assert_clean(session, server)


async def test_a_complete_body_that_was_not_read_is_gone_after_the_block() -> None:
    async with ScriptedServer({"*": [send(response(b"hello"))]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            pass
        with pytest.raises(gazelle.ClientConnectionError):
            await answer.read()
        assert idle(connector_of(session)) == 1


async def test_release_of_an_unread_body_closes_the_connection() -> None:
    async with ScriptedServer({"*": UNFINISHED}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        assert not answer.closed
        assert answer.connection is not None
        await answer.release()
        assert answer.closed
        assert answer.connection is None
        await assert_clean(session, server)
        assert server.open == 0


async def test_release_of_a_read_body_keeps_the_connection() -> None:
    async with ScriptedServer({"*": [send(response(b"hello"))]}) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            answer = await session.get(server.url())
            await answer.read()
            answer.release()
            answer.release()
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_close_drops_the_connection() -> None:
    async with ScriptedServer({"*": UNFINISHED}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        answer.close()
        answer.close()
        assert answer.closed
        await assert_clean(session, server)
        assert server.open == 0
        with pytest.raises(gazelle.ClientConnectionError):
            await answer.read()


async def test_an_error_in_the_block_gives_the_connection_back() -> None:
    async with ScriptedServer({"*": UNFINISHED}) as server, gazelle.ClientSession() as session:
        with pytest.raises(LookupError):
            async with session.get(server.url()):
                raise LookupError
        await assert_clean(session, server)
        assert server.open == 0


async def test_a_closed_answer_wakes_the_reader() -> None:
    async with ScriptedServer({"*": UNFINISHED}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        reader = asyncio.ensure_future(answer.read())
        for _ in range(5):
            await asyncio.sleep(0)
        answer.close()
        async with asyncio.timeout(60):
            with pytest.raises(gazelle.ClientError):
                await reader
        await assert_clean(session, server)


@pytest.mark.parametrize("header", ["Connection: close", "Connection: Close, TE", "Connection: keep-alive, close"])
async def test_connection_close_is_honoured(header: str) -> None:
    async with ScriptedServer({"*": [send(response(b"hello", headers=header)), stall()]}) as server:
        async with gazelle.ClientSession() as session:
            for _ in range(2):
                async with session.get(server.url()) as answer:
                    assert await answer.read() == b"hello"
            assert server.accepted == 2
            await assert_clean(session, server)
            await eventually(lambda: server.open == 0)


@pytest.mark.parametrize(("header", "connections"), [("Connection: keep-alive\r\n", 1), ("", 2)])
async def test_an_http_1_0_connection_is_kept_only_with_keep_alive(header: str, connections: int) -> None:
    data = f"HTTP/1.0 200 OK\r\n{header}Content-Length: 5\r\n\r\nhello".encode()
    async with ScriptedServer({"*": [send(data)]}) as server, gazelle.ClientSession() as session:
        for _ in range(2):
            async with session.get(server.url()) as answer:
                assert await answer.read() == b"hello"
        assert server.accepted == connections


# --- raise_for_status -------------------------------------------------------------------------------------------------


async def test_raise_for_status_raises_from_400_on() -> None:
    routes = {
        f"/{status}": [send(response(b"why", status=f"{status} Some Reason"))]
        for status in (200, 399, 400, 404, 500, 599)
    }
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        for status in (200, 399):
            async with session.get(server.url(f"/{status}")) as answer:
                answer.raise_for_status()
        for status in (400, 404, 500, 599):
            async with session.get(server.url(f"/{status}")) as answer:
                with pytest.raises(gazelle.ClientResponseError) as caught:
                    answer.raise_for_status()
                assert await answer.read() == b"why"
            error = caught.value
            assert (error.status, error.message) == (status, "Some Reason")
            assert error.headers is not None
            assert error.headers["Content-Length"] == "3"
            assert error.request_info.real_url == URL(server.url(f"/{status}"))
            assert str(status) in str(error)
            assert server.url(f"/{status}") in str(error)
        await assert_clean(session, server)
        assert server.accepted == 1


async def test_raise_for_status_outside_a_block_gives_the_connection_back() -> None:
    script = [send(response(b"12345", status="500 Oops")[:-2]), stall()]
    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        with pytest.raises(gazelle.ClientResponseError):
            answer.raise_for_status()
        await assert_clean(session, server)
        assert server.open == 0


async def test_raise_for_status_is_a_setting_of_the_session_and_of_a_request() -> None:
    async with ScriptedServer({"*": [send(response(b"no", status="404 Not Here"))]}) as server:
        async with gazelle.ClientSession(raise_for_status=True) as session:
            with pytest.raises(gazelle.ClientResponseError, match="404"):
                await session.get(server.url())
            with pytest.raises(gazelle.ClientResponseError, match="404"):
                async with session.get(server.url()):
                    raise AssertionError
            async with session.get(server.url(), raise_for_status=False) as answer:
                assert await answer.text() == "no"
            await assert_clean(session, server)
        async with gazelle.ClientSession() as session:
            with pytest.raises(gazelle.ClientResponseError, match="404"):
                await session.get(server.url(), raise_for_status=True)
            async with session.get(server.url()) as answer:
                assert answer.status == 404
            await assert_clean(session, server)


async def test_a_dropped_answer_gives_its_connection_back() -> None:
    async with ScriptedServer({"*": UNFINISHED}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        with said_at_collection():
            del answer
            gc.collect()
        await assert_clean(session, server)
        assert server.open == 0


async def test_many_answers_at_once_do_not_mix() -> None:
    async def echo(peer: Any) -> None:
        body = peer.request.path.encode()
        await turns(peer.number % 7)(peer)
        await peer.send(response(body))

    async with ScriptedServer({"*": echo}) as server, gazelle.ClientSession() as session:

        async def fetch(path: str) -> None:
            async with session.get(server.url(path)) as answer:
                assert await answer.text() == path

        for batch in range(5):
            await asyncio.gather(*(fetch(f"/{batch}/{number}") for number in range(100)))
        await assert_clean(session, server)


async def test_every_read_of_a_truncated_body_raises_the_error_again() -> None:
    script = [send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), fin()]
    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            for read in (answer.read, answer.text, answer.json, answer.read):
                with pytest.raises(gazelle.ClientPayloadError):
                    await read()


async def test_wait_for_close_releases_the_response() -> None:
    async with ScriptedServer({"*": [send(response(b"hello"))]}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        await answer.wait_for_close()
        assert answer.closed
