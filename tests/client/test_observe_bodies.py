"""`on_response_chunk_received`: which pieces of a response body traces receive, and when."""

from __future__ import annotations

import asyncio
import gc
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import gazelle
from gazelle.net.stream import StreamReader
from gazelle.tracing import TraceConfig
from tests.support.clean import assert_clean, connector_of, idle, said_at_collection
from tests.support.server import ScriptedServer, Step, chunked, drip, fin, flush, response, send, stall, turns, wait

LINES = b"one\ntwo\n\nthree\nrest"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Read = Callable[[StreamReader], Awaitable[list[bytes]]]


class Heard:
    """Listens to the pieces of bodies, and can be made to fail or to wait."""

    def __init__(self, error: Exception | None = None, gate: asyncio.Event | None = None) -> None:
        self.pieces: list[bytes] = []
        self.entered = asyncio.Event()
        self.error = error
        self.gate = gate

    async def __call__(self, session: Any, context: Any, params: Any) -> None:
        assert params.method == "GET"
        assert params.url.path == "/"
        self.pieces.append(params.chunk)
        self.entered.set()
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        if self.gate is not None:
            await self.gate.wait()

    @property
    def config(self) -> TraceConfig:
        config = TraceConfig()
        config.on_response_chunk_received.append(self)
        return config


def tracing(*heard: Heard) -> gazelle.ClientSession:
    return gazelle.ClientSession(trace_configs=[listener.config for listener in heard])


async def cancel_in_handler(heard: Heard, read: Awaitable[object]) -> None:
    """Cancels a read while a handler waits at its gate, and opens that."""
    reader = asyncio.ensure_future(read)
    await heard.entered.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert heard.gate is not None
    heard.gate.set()


async def collect(pieces: Any) -> list[bytes]:
    return [piece async for piece in pieces]


async def until_empty(read: Callable[[], Awaitable[bytes]]) -> list[bytes]:
    pieces = []
    while piece := await read():
        pieces.append(piece)
    return pieces


async def by_chunk(content: StreamReader) -> list[bytes]:
    return [piece async for piece, _ in content.iter_chunks() if piece]


async def exactly(content: StreamReader) -> list[bytes]:
    pieces = [await content.readexactly(10)]
    with pytest.raises(asyncio.IncompleteReadError) as found:
        await content.readexactly(100)
    return [*pieces, found.value.partial]


READS: dict[str, Read] = {
    "read": lambda content: until_empty(content.read),
    "read(n)": lambda content: until_empty(lambda: content.read(4)),
    "readany": lambda content: until_empty(content.readany),
    "readline": lambda content: until_empty(content.readline),
    "readuntil": lambda content: until_empty(lambda: content.readuntil(b"e")),
    "readexactly": exactly,
    "iter_chunked": lambda content: collect(content.iter_chunked(5)),
    "iter_any": lambda content: collect(content.iter_any()),
    "iter_chunks": by_chunk,
    "async for": collect,
}
BODIES: dict[str, list[Step]] = {
    "whole": [send(response(LINES))],
    "whole, in chunks": [send(CHUNKED + chunked(LINES[:7], LINES[7:9], LINES[9:]))],
    "whole, compressed": [send(response(gzip.compress(LINES), headers="Content-Encoding: gzip"))],
    "in pieces": [send(response(LINES)[:-10]), flush(), turns(5), send(LINES[-10:])],
    "byte by byte": [drip(response(LINES), size=1)],
    "in chunks": [drip(CHUNKED + chunked(LINES[:7], LINES[7:9], LINES[9:]), size=3)],
    "compressed": [drip(response(gzip.compress(LINES), headers="Content-Encoding: gzip"), size=7)],
    "up to the end": [send(b"HTTP/1.1 200 OK\r\n\r\n"), drip(LINES, size=6), fin()],
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("method", READS)
async def test_traces_receive_the_pieces_that_the_reader_of_the_stream_gets(method: str, body: str) -> None:
    heard, also = Heard(), Heard()
    async with ScriptedServer({"*": BODIES[body]}) as server, tracing(heard, also) as session:
        async with session.get(server.url()) as answer:
            got = await READS[method](answer.content)
        assert b"".join(got) == LINES
        assert heard.pieces == also.pieces == got
        await assert_clean(session, server)


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_is_read_whole_is_one_notification(body: str) -> None:
    heard = Heard()
    async with ScriptedServer({"*": BODIES[body]}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            assert await answer.read() == await answer.read() == LINES
            assert await answer.text() == LINES.decode()
            assert await answer.content.read() == b""
        assert heard.pieces == [LINES]


@pytest.mark.parametrize("body", BODIES)
async def test_read_notifies_only_of_the_rest_of_a_partly_read_body(body: str) -> None:
    heard = Heard()
    async with ScriptedServer({"*": BODIES[body]}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            assert await answer.content.readexactly(5) == LINES[:5]
            assert await answer.read() == LINES[5:]
        assert heard.pieces == [LINES[:5], LINES[5:]]


async def test_only_read_notifies_of_an_empty_body() -> None:
    heard = Heard()
    async with ScriptedServer({"*": [send(response())]}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            assert await answer.content.read() == await answer.content.read(1) == await answer.content.readany() == b""
            assert await answer.content.readchunk() == (b"", False)
        assert heard.pieces == []
        async with session.get(server.url()) as answer:
            assert await answer.read() == b""
        assert heard.pieces == [b""]


async def test_read_nowait_does_not_notify_traces() -> None:
    heard = Heard()
    async with ScriptedServer({"*": [send(response(LINES))]}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            assert answer.content.read_nowait(3) == LINES[:3]
            assert await answer.content.read(4) == LINES[3:7]
            assert answer.content.read_nowait(3) == LINES[7:10]
            assert await answer.content.read() == LINES[10:]
        assert heard.pieces == [LINES[3:7], LINES[10:]]


async def test_bytes_that_were_put_back_are_not_notified_again() -> None:
    heard = Heard()
    async with ScriptedServer({"*": [send(response(LINES))]}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            with pytest.warns(DeprecationWarning):
                answer.content.unread_data(await answer.content.read(4))
            assert await answer.content.read(6) == LINES[:6]
        assert heard.pieces == [LINES[:4], LINES[4:6]]


async def test_traces_receive_the_part_of_a_truncated_body_that_arrived() -> None:
    heard = Heard()
    steps = [send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + LINES), flush(), turns(5), fin()]
    async with ScriptedServer({"*": steps}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            with pytest.raises(gazelle.ClientPayloadError):
                await collect(answer.content)
        # The last line has no end, and could have gone on.
        assert b"".join(heard.pieces) == LINES[:-4]
        async with session.get(server.url()) as answer:
            with pytest.raises(gazelle.ClientPayloadError):
                await answer.read()
        assert b"".join(heard.pieces) == LINES[:-4]
        await assert_clean(session, server)


@pytest.mark.parametrize("body", ["whole", "whole, in chunks", "byte by byte", "in chunks", "compressed"])
@pytest.mark.parametrize("method", READS)
async def test_an_error_of_a_handler_reaches_the_reader_and_takes_nothing(method: str, body: str) -> None:
    heard, second = Heard(LookupError("no")), Heard()
    async with ScriptedServer({"*": BODIES[body]}) as server, tracing(heard, second) as session:
        async with session.get(server.url()) as answer:
            with pytest.raises(LookupError, match="no"):
                await READS[method](answer.content)
            first = heard.pieces[0]
            assert second.pieces == []
            assert b"".join(await READS["iter_any"](answer.content)) == LINES
        assert b"".join(heard.pieces) == LINES
        assert first + b"".join(second.pieces) == LINES
        await assert_clean(session, server)


async def test_after_an_error_of_a_handler_leaving_the_block_lets_the_connection_go() -> None:
    heard = Heard(LookupError())
    steps = [send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), stall()]
    async with ScriptedServer({"*": steps}) as server, tracing(heard) as session:
        with pytest.raises(LookupError):
            async with session.get(server.url()) as answer:
                await answer.content.readany()
        assert answer.closed
        assert idle(connector_of(session)) == 0
        await assert_clean(session, server)


async def test_an_error_of_a_handler_about_a_whole_body_leaves_the_body() -> None:
    for steps in (BODIES["whole"], BODIES["byte by byte"]):
        heard = Heard(LookupError())
        async with ScriptedServer({"*": steps}) as server, tracing(heard) as session:
            answer = await session.get(server.url())
            with pytest.raises(LookupError):
                await answer.read()
            assert await answer.read() == LINES
            assert idle(connector_of(session)) == 1
            assert heard.pieces == [LINES]


@pytest.mark.parametrize("method", READS)
async def test_a_read_that_is_cancelled_in_a_handler_takes_nothing(method: str) -> None:
    heard = Heard(gate=asyncio.Event())
    async with ScriptedServer({"*": BODIES["in chunks"]}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            await cancel_in_handler(heard, READS[method](answer.content))
            assert await answer.read() == LINES


async def test_the_end_of_a_chunk_is_seen_after_a_cancelled_read() -> None:
    heard = Heard(gate=asyncio.Event())
    async with ScriptedServer({"*": [send(CHUNKED + chunked(b"one", b"two"))]}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            await cancel_in_handler(heard, answer.content.readchunk())
            assert [found async for found in answer.content.iter_chunks()] == [(b"one", True), (b"two", True)]
        assert heard.pieces == [b"one", b"two"]


async def test_a_read_that_is_cancelled_while_it_waits_notifies_no_trace() -> None:
    heard, go = Heard(), asyncio.Event()
    steps = [send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), flush(), wait(go), send(b"hello")]
    async with ScriptedServer({"*": steps}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer.content.readany(), 0.01)
            assert heard.pieces == []
            go.set()
            assert await answer.content.readexactly(5) == b"hello"
        assert heard.pieces == [b"hello"]


async def test_a_second_read_while_a_handler_runs_is_refused() -> None:
    heard = Heard(gate=asyncio.Event())
    async with ScriptedServer({"*": BODIES["whole"]}) as server, tracing(heard) as session:
        async with session.get(server.url()) as answer:
            reader = asyncio.ensure_future(answer.content.readline())
            await heard.entered.wait()
            with pytest.raises(RuntimeError, match="traces"):
                await answer.content.readany()
            with pytest.raises(RuntimeError, match="traces"):
                answer.content.read_nowait()
            assert heard.gate is not None
            heard.gate.set()
            assert await reader == b"one\n"


async def test_a_traced_response_that_is_forgotten_is_collected() -> None:
    heard = Heard()
    steps = [send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), stall()]
    async with ScriptedServer({"*": steps}) as server, tracing(heard) as session:
        answer = await session.get(server.url())
        assert await answer.content.readany() == b"hello"
        with said_at_collection() as said:
            del answer
            gc.collect()
        assert [category for category, _ in said.warned] == [ResourceWarning]
        await assert_clean(session, server)
        assert server.open == 0


async def test_without_traces_a_body_is_a_plain_stream() -> None:
    async with ScriptedServer({"*": BODIES["in pieces"], "/whole": BODIES["whole"]}) as server:
        async with gazelle.ClientSession() as session:
            for path in ("/", "/whole"):
                async with session.get(server.url(path)) as answer:
                    assert type(answer.content) is StreamReader
