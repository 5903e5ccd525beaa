"""Streams whose pieces are reported to traces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from yarl import URL

from gazelle.errors import ClientPayloadError
from gazelle.net.stream import StreamReader
from gazelle.net.traced_stream import TracedStreamReader
from tests.support.clean import eventually

HERE = URL("http://h/")


class Trace:
    """A trace that keeps the pieces it is sent, and may wait or fail first."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.errors: list[Exception] = []
        self.gate: asyncio.Event | None = None

    async def send_response_chunk_received(self, method: str, url: URL, chunk: bytes) -> None:
        assert (method, url) == ("GET", HERE)
        self.pieces.append(chunk)
        if self.gate is not None:
            await self.gate.wait()
        if self.errors:
            raise self.errors.pop()


def traced(*pieces: bytes, eof: bool = True) -> tuple[TracedStreamReader, Trace]:
    """Return a stream of which these pieces, each an HTTP chunk, have arrived, and its trace."""
    stream, trace = TracedStreamReader(None, 64), Trace()
    stream.report_to([trace], "GET", HERE)  # type: ignore[list-item]
    for piece in pieces:
        stream.feed_data(piece)
        stream.end_chunk()
    if eof:
        stream.feed_eof()
    return stream, trace


READS: dict[str, tuple[Callable[[StreamReader], Awaitable[Any]], Any]] = {
    "read": (lambda stream: stream.read(), b"ab\ncd\n"),
    "read_n": (lambda stream: stream.read(2), b"ab"),
    "readany": (lambda stream: stream.readany(), b"ab\ncd\n"),
    "readline": (lambda stream: stream.readline(), b"ab\n"),
    "readuntil": (lambda stream: stream.readuntil(b"c"), b"ab\nc"),
    "readexactly": (lambda stream: stream.readexactly(4), b"ab\nc"),
    "readchunk": (lambda stream: stream.readchunk(), (b"ab\n", True)),
}


def bytes_of(result: bytes | tuple[bytes, bool]) -> bytes:
    return result[0] if isinstance(result, tuple) else result


@pytest.mark.parametrize("name", READS)
async def test_a_trace_gets_what_the_reader_gets(name: str) -> None:
    read, expected = READS[name]
    stream, trace = traced(b"ab\n", b"cd\n")
    assert await read(stream) == expected
    assert trace.pieces == [bytes_of(expected)]
    assert trace.pieces[0] + await stream.read() == b"ab\ncd\n"
    assert b"".join(trace.pieces) == b"ab\ncd\n"


@pytest.mark.parametrize("name", READS)
async def test_after_an_error_of_a_trace_the_piece_is_read_again_and_not_reported_twice(name: str) -> None:
    read, expected = READS[name]
    stream, trace = traced(b"ab\n", b"cd\n")
    trace.errors = [LookupError()]
    with pytest.raises(LookupError):
        await read(stream)
    assert await read(stream) == expected
    assert trace.pieces == [bytes_of(expected)]


@pytest.mark.parametrize("name", READS)
async def test_after_a_cancellation_in_a_trace_the_piece_is_read_again_and_not_reported_twice(name: str) -> None:
    read, expected = READS[name]
    stream, trace = traced(b"ab\n", b"cd\n")
    trace.gate = asyncio.Event()
    task = asyncio.ensure_future(read(stream))
    await eventually(lambda: trace.pieces)
    with pytest.raises(RuntimeError, match="called while"):
        await stream.read()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    trace.gate = None
    assert await read(stream) == expected
    assert trace.pieces == [bytes_of(expected)]


async def test_the_bytes_before_an_early_end_are_reported() -> None:
    stream, trace = traced(b"abc")
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await stream.readexactly(4)
    assert caught.value.partial == b"abc"
    assert trace.pieces == [b"abc"]


async def test_an_empty_read_and_read_nowait_are_not_reported() -> None:
    stream, trace = traced(b"abc")
    assert await stream.read(0) == b""
    assert stream.read_nowait(2) == b"ab"
    assert trace.pieces == []
    assert await stream.read() == b"c"
    assert trace.pieces == [b"c"]


async def test_a_broken_body_is_not_reported_by_a_read_that_raises() -> None:
    stream, trace = traced(b"abc", eof=False)
    stream.set_exception(ClientPayloadError("broken"))
    with pytest.raises(ClientPayloadError):
        await stream.read()
    assert trace.pieces == []
    assert await stream.readany() == b"abc"
    assert trace.pieces == [b"abc"]
