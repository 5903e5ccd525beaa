"""`StreamReader`: every byte once and in order, bounded memory, errors after the data."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import random
import tracemalloc
import weakref
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gazelle.body import codings
from gazelle.body.codings import Decoder, make_decoder
from gazelle.errors import (
    ClientConnectionError,
    ClientPayloadError,
    ContentLengthError,
    LineTooLong,
    SocketTimeoutError,
    TransferEncodingError,
)
from gazelle.net.decoding import DECODE_STEP
from gazelle.net.stream import StreamReader

LIMIT = 64
Read = Callable[[StreamReader], Coroutine[Any, Any, object]]


class Connection:
    """The side of the engine, which counts what the stream asks for."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    @property
    def paused(self) -> bool:
        return self.calls[-1:] == ["pause"]

    def pause_reading(self) -> None:
        assert not self.paused
        self.calls.append("pause")

    def resume_reading(self) -> None:
        assert self.paused
        self.calls.append("resume")

    def receive_into(self, sink: object) -> bool:
        return False

    def stop_receiving(self, sink: object) -> None:
        raise AssertionError("it did not receive")


def stream_of(*pieces: bytes, limit: int = LIMIT, eof: bool = True) -> StreamReader:
    stream = StreamReader(None, limit)
    for piece in pieces:
        stream.feed_data(piece)
    if eof:
        stream.feed_eof()
    return stream


def encoded(raw: bytes, coding: str = "gzip", limit: int = LIMIT, size: int = 50, eof: bool = True) -> StreamReader:
    stream = StreamReader(Connection(), limit, decoder=make_decoder(coding))
    for start in range(0, len(raw), size):
        stream.feed_data(raw[start : start + size])
    if eof:
        stream.feed_eof()
    return stream


def feed_soon(stream: StreamReader, *steps: bytes | BaseException | None) -> asyncio.Task[None]:
    """Feed from a task of its own: bytes, None for the end, an exception for a break."""

    async def feed() -> None:
        for step in steps:
            await asyncio.sleep(0)
            if step is None:
                stream.feed_eof()
            elif isinstance(step, bytes):
                stream.feed_data(step)
            else:
                stream.set_exception(step)

    return asyncio.create_task(feed())


async def until_error(read: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[list[Any], Exception]:
    """Read until an error comes; return what came before, and the error."""
    got = []
    try:
        while piece := await read():
            got.append(piece)
    except Exception as error:
        return got, error
    pytest.fail("the body ended without an error")


READS: dict[str, Read] = {
    "read": lambda stream: stream.read(),
    "read_n": lambda stream: stream.read(5),
    "readany": lambda stream: stream.readany(),
    "readline": lambda stream: stream.readline(),
    "readuntil": lambda stream: stream.readuntil(b"--"),
    "readexactly": lambda stream: stream.readexactly(5),
    "readchunk": lambda stream: stream.readchunk(),
    "iter_any": lambda stream: stream.iter_any().__anext__(),
    "iter_chunked": lambda stream: stream.iter_chunked(5).__anext__(),
    "iter_chunks": lambda stream: stream.iter_chunks().__anext__(),
    "lines": lambda stream: aiter(stream).__anext__(),
}
every_read = pytest.mark.parametrize("read", READS.values(), ids=READS)
WHOLES = ("read", "readline", "readuntil", "readexactly", "lines")


# --- reading ---


async def test_read_waits_for_the_end_and_returns_everything() -> None:
    stream = StreamReader(None, LIMIT)
    task = feed_soon(stream, b"one", b"two", None)
    assert await stream.read() == b"onetwo"
    assert await stream.read() == b""
    await task


async def test_read_of_n_returns_what_is_there_up_to_n() -> None:
    stream = stream_of(b"abc", b"defg", b"h")
    assert [await stream.read(5), await stream.read(5), await stream.read(5)] == [b"abcde", b"fgh", b""]


async def test_read_of_zero_bytes_returns_nothing_at_once() -> None:
    assert await StreamReader(None, LIMIT).read(0) == b""


async def test_readany_returns_everything_that_is_there() -> None:
    stream = stream_of(b"abc", b"def", eof=False)
    assert await stream.readany() == b"abcdef"
    task = feed_soon(stream, b"ghi", None)
    assert await stream.readany() == b"ghi"
    assert await stream.readany() == b""
    await task


async def test_a_piece_that_is_read_whole_is_not_copied() -> None:
    piece = bytes(1000)
    assert await stream_of(piece).read() is piece
    assert await stream_of(piece).read(1000) is piece
    assert await stream_of(piece).readany() is piece


async def test_readexactly_waits_for_all_bytes() -> None:
    stream = StreamReader(None, LIMIT)
    task = feed_soon(stream, b"ab", b"cd", b"efg", None)
    assert await stream.readexactly(5) == b"abcde"
    assert await stream.readexactly(0) == b""
    await task


async def test_readexactly_at_the_end_tells_what_there_was() -> None:
    stream = stream_of(b"abc")
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await stream.readexactly(5)
    assert (caught.value.partial, caught.value.expected) == (b"abc", 5)
    assert stream.at_eof()


async def test_readexactly_refuses_a_negative_size() -> None:
    with pytest.raises(ValueError, match="-1"):
        await stream_of(b"abc").readexactly(-1)


async def test_readexactly_may_want_more_than_the_high_water_mark() -> None:
    connection = Connection()
    stream = StreamReader(connection, LIMIT)
    task = feed_soon(stream, *[bytes(100)] * 10)
    assert len(await stream.readexactly(1000)) == 1000
    await task


async def test_lines_come_with_their_ends_and_the_rest_without() -> None:
    stream = stream_of(b"one\ntw", b"o\n\nthr", b"ee")
    assert [line async for line in stream] == [b"one\n", b"two\n", b"\n", b"three"]
    assert await stream.readline() == b""


async def test_readline_waits_for_the_end_of_the_line() -> None:
    stream = StreamReader(None, LIMIT)
    task = feed_soon(stream, b"o", b"ne", b"\ntwo", None)
    assert await stream.readline() == b"one\n"
    assert await stream.readline() == b"two"
    await task


@pytest.mark.parametrize("separator", [b"-", b"--", b"-x-", b"ab-ab-ac"])
async def test_readuntil_finds_a_separator_at_any_split(separator: bytes) -> None:
    data = b"ab-ab-ab-acab" + separator + b"rest"
    wanted = data[: data.index(separator) + len(separator)]
    for first in range(len(data) + 1):
        for second in range(first, len(data) + 1):
            stream = stream_of(data[:first], data[first:second], data[second:])
            assert await stream.readuntil(separator) == wanted
            assert await stream.read() == data[len(wanted) :]


async def test_readuntil_refuses_an_empty_separator() -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        await stream_of(b"abc").readuntil(b"")


async def test_a_line_as_long_as_the_limit_is_read_and_a_longer_one_is_not() -> None:
    for pieces in ([b"a" * 127 + b"\n"], [b"a" * 100, b"a" * 27, b"\n"]):
        assert len(await stream_of(*pieces).readline()) == 2 * LIMIT
    for pieces in ([b"a" * 128 + b"\n"], [b"a" * 100, b"a" * 28 + b"\n"], [b"a" * 100, b"a" * 1000], [b"a" * 129]):
        stream = stream_of(*pieces)
        with pytest.raises(LineTooLong, match="Got more than 128 bytes"):
            await stream.readline()
        assert await stream.read() == b"".join(pieces)  # nothing was consumed


async def test_a_longer_line_is_read_when_the_caller_allows_it() -> None:
    line = b"a" * 5000 + b"\n"
    connection = Connection()
    stream = StreamReader(connection, LIMIT)
    task = feed_soon(stream, *(line[start : start + 100] for start in range(0, len(line), 100)), b"rest", None)
    with pytest.raises(LineTooLong):
        await stream.readline()
    with pytest.raises(LineTooLong):
        await stream.readline(max_line_length=5000)
    assert await stream.readline(max_line_length=5001) == line
    await task
    assert await stream.readuntil(b"t", max_size=4) == b"rest"


async def test_the_default_limit_of_a_line_follows_the_water_mark() -> None:
    stream = stream_of(b"a" * 1000 + b"\n")
    stream.set_read_chunk_size(600)
    assert stream.get_read_buffer_limits() == (600, 1200)
    stream.set_read_chunk_size(10)
    assert stream.get_read_buffer_limits() == (600, 1200)
    assert len(await stream.readline()) == 1001


async def test_iter_chunked_gives_pieces_of_n_bytes_at_most() -> None:
    stream = stream_of(b"abcdefgh", b"ij", b"k")
    assert [piece async for piece in stream.iter_chunked(3)] == [b"abc", b"def", b"ghi", b"jk"]
    with pytest.raises(ValueError, match="0 bytes"):
        stream.iter_chunked(0)


async def test_iter_any_gives_pieces_as_they_come() -> None:
    stream = StreamReader(None, LIMIT)
    task = feed_soon(stream, b"abc", b"def", None)
    assert [piece async for piece in stream.iter_any()] == [b"abc", b"def"]
    await task


async def test_an_iteration_may_be_left_and_taken_up_again() -> None:
    stream = stream_of(b"one\ntwo\nthree\n")
    async for line in stream:
        assert line == b"one\n"
        break
    assert [line async for line in stream] == [b"two\n", b"three\n"]


async def test_read_nowait_returns_what_is_there() -> None:
    stream = stream_of(b"abc", b"def", eof=False)
    assert stream.read_nowait(0) == b""
    assert stream.read_nowait(2) == b"ab"
    assert stream.read_nowait() == b"cdef"
    assert stream.read_nowait() == b""
    stream.set_exception(ClientConnectionError("gone"))
    with pytest.raises(ClientConnectionError, match="gone"):
        stream.read_nowait()


async def test_unread_data_comes_again_and_is_deprecated() -> None:
    stream = stream_of(b"abcdef")
    assert await stream.read(4) == b"abcd"
    with pytest.warns(DeprecationWarning, match="unread_data"):
        stream.unread_data(b"cd")
    with pytest.warns(DeprecationWarning, match="unread_data"):
        stream.unread_data(b"")
    assert await stream.read() == b"cdef"


# --- HTTP chunks ---


async def test_readchunk_tells_where_chunks_end() -> None:
    stream = StreamReader(None, LIMIT)
    stream.feed_data(b"one")
    stream.end_chunk()
    stream.feed_data(b"tw")
    assert await stream.readchunk() == (b"one", True)
    assert await stream.readchunk() == (b"tw", False)
    stream.feed_data(b"o")
    stream.end_chunk()
    stream.feed_data(b"three")
    stream.feed_eof()
    assert await stream.readchunk() == (b"o", True)
    assert await stream.readchunk() == (b"three", False)
    assert await stream.readchunk() == (b"", False)


async def test_the_end_of_a_chunk_may_come_after_its_bytes_were_read() -> None:
    stream = StreamReader(None, LIMIT)
    stream.feed_data(b"one")
    assert await stream.readchunk() == (b"one", False)
    reader = asyncio.create_task(stream.readchunk())
    await asyncio.sleep(0)
    stream.end_chunk()
    assert await reader == (b"", True)


async def test_a_chunk_in_several_pieces_comes_as_one() -> None:
    stream = StreamReader(None, LIMIT)
    for piece in (b"a", b"bc", b"def"):
        stream.feed_data(piece)
    stream.end_chunk()
    stream.feed_eof()
    assert [chunk async for chunk in stream.iter_chunks()] == [(b"abcdef", True)]


async def test_the_end_of_a_chunk_alone_wakes_no_reader_of_bytes() -> None:
    stream = StreamReader(None, LIMIT)
    stream.feed_data(b"one")
    assert await stream.read(3) == b"one"
    reader = asyncio.create_task(stream.read(3))
    await asyncio.sleep(0)
    stream.end_chunk()
    await asyncio.sleep(0)
    assert not reader.done()
    stream.feed_data(b"two")
    assert await reader == b"two"


async def test_reading_bytes_and_chunks_may_be_mixed() -> None:
    stream = StreamReader(None, LIMIT)
    for piece in (b"one", b"two", b"three", b"four"):
        stream.feed_data(piece)
        stream.end_chunk()
    stream.feed_eof()
    assert await stream.read(7) == b"onetwot"
    assert await stream.readchunk() == (b"hree", True)
    assert await stream.read() == b"four"


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_chunks_of_an_encoded_body_are_cut_where_their_bytes_were_cut(size: int) -> None:
    compressor = zlib.compressobj(wbits=31)
    parts = [b"one", b"two" * 1000, b"three"]
    stream = StreamReader(None, LIMIT, decoder=make_decoder("gzip"))
    for part in parts:
        raw = compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH)
        for start in range(0, len(raw), size):
            stream.feed_data(raw[start : start + size])
        stream.end_chunk()
    stream.feed_data(compressor.flush())
    stream.end_chunk()
    stream.feed_eof()
    got = [b""]
    async for piece, end in stream.iter_chunks():
        got[-1] += piece
        if end:
            got.append(b"")
    assert got == [*parts, b""]


# --- the end ---


async def test_at_eof_is_eof_and_wait_eof_tell_where_the_body_is() -> None:
    stream = StreamReader(None, LIMIT)
    waiting = asyncio.create_task(stream.wait_eof())
    stream.feed_data(b"abc")
    await asyncio.sleep(0)
    assert not stream.is_eof()
    assert not stream.at_eof()
    assert not waiting.done()
    stream.feed_eof()
    assert stream.is_eof()
    assert not stream.at_eof()
    await waiting
    await stream.wait_eof()
    await stream.read()
    assert stream.at_eof()


async def test_wait_eof_raises_what_broke_the_body_and_can_be_cancelled() -> None:
    stream = StreamReader(None, LIMIT)
    first, second = (asyncio.create_task(stream.wait_eof()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    stream.set_exception(ClientConnectionError("gone"))
    with pytest.raises(ClientConnectionError):
        await second
    with pytest.raises(ClientConnectionError):
        await stream.wait_eof()


async def test_eof_callbacks_are_called_once_at_the_end() -> None:
    calls = []
    stream = StreamReader(None, LIMIT)
    stream.on_eof(lambda: calls.append("before"))
    assert calls == []
    stream.feed_eof()
    stream.on_eof(lambda: calls.append("after"))
    assert calls == ["before", "after"]


async def test_eof_callbacks_are_not_called_when_the_body_breaks_off() -> None:
    calls: list[str] = []
    stream = StreamReader(None, LIMIT)
    stream.on_eof(lambda: calls.append("called"))
    stream.set_exception(ClientConnectionError("gone"))
    assert calls == []


async def test_an_error_in_an_eof_callback_is_logged_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    calls = []
    stream = StreamReader(None, LIMIT)
    stream.on_eof(lambda: 1 / 0)
    stream.on_eof(lambda: calls.append("called"))
    with caplog.at_level(logging.ERROR, "gazelle.client"):
        stream.feed_eof()
    assert calls == ["called"]
    assert "Exception in eof callback" in caplog.text


async def test_the_connection_is_let_go_at_the_end() -> None:
    for end in (StreamReader.feed_eof, lambda stream: stream.set_exception(ClientConnectionError("gone"))):
        connection = Connection()
        gone = weakref.ref(connection)
        stream = StreamReader(connection, LIMIT)
        stream.feed_data(bytes(1000))
        end(stream)
        calls = list(connection.calls)
        assert await stream.read(1000) == bytes(1000)
        assert connection.calls == calls == ["pause"]
        del connection
        gc.collect()
        assert gone() is None


async def test_a_stream_can_be_subclassed_and_weakly_referenced() -> None:
    class Counting(StreamReader):
        fed = 0

        def feed_data(self, data: bytes) -> None:
            self.fed += len(data)
            super().feed_data(data)

    stream = Counting(None)
    stream.feed_data(b"abc")
    assert (stream.fed, weakref.ref(stream)()) == (3, stream)
    assert stream.get_read_buffer_limits() == (65536, 131072)


async def test_the_repr_tells_the_state() -> None:
    assert repr(StreamReader(None)) == "<StreamReader>"
    stream = StreamReader(Connection(), LIMIT)
    stream.feed_data(bytes(200))
    assert repr(stream) == "<StreamReader 200 bytes paused>"
    assert repr(stream_of(b"abc")) == "<StreamReader 3 bytes eof>"
    stream.set_exception(ClientConnectionError("gone"))
    assert repr(stream) == "<StreamReader 200 bytes paused exception=ClientConnectionError('gone')>"
    assert repr(encoded(b"", eof=False)) == "<StreamReader encoded>"


# --- errors ---


async def test_bytes_that_arrived_before_the_error_are_read_first() -> None:
    for read in (READS["read_n"], READS["readany"], READS["iter_any"], READS["iter_chunked"]):
        stream = stream_of(b"abcde", eof=False)
        stream.set_exception(ClientConnectionError("gone"))
        assert not stream.at_eof()
        assert await read(stream) == b"abcde"
        for _ in range(2):
            with pytest.raises(ClientConnectionError, match="gone"):
                await read(stream)


@pytest.mark.parametrize("name", WHOLES)
async def test_what_promises_a_whole_raises_at_once_and_consumes_nothing(name: str) -> None:
    stream = stream_of(b"ab", b"c", eof=False)
    stream.set_exception(ClientConnectionError("gone"))
    for _ in range(2):
        with pytest.raises(ClientConnectionError, match="gone"):
            await READS[name](stream)
    assert await stream.readany() == b"abc"


async def test_whole_lines_before_the_error_are_read() -> None:
    stream = stream_of(b"one\ntwo\nthr", eof=False)
    stream.set_exception(ClientConnectionError("gone"))
    lines, error = await until_error(stream.readline)
    assert lines == [b"one\n", b"two\n"]
    assert isinstance(error, ClientConnectionError)


@every_read
async def test_an_error_wakes_the_reader(read: Read) -> None:
    stream = StreamReader(None, LIMIT)
    task = feed_soon(stream, ClientConnectionError("gone"))
    with pytest.raises(ClientConnectionError, match="gone"):
        await read(stream)
    await task


@pytest.mark.parametrize(
    "error",
    [
        ContentLengthError("3 bytes missing"),
        TransferEncodingError("bad chunk size"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
async def test_wire_and_system_errors_become_payload_errors(error: Exception) -> None:
    stream = StreamReader(None, LIMIT)
    stream.set_exception(error)
    with pytest.raises(ClientPayloadError) as caught:
        await stream.read()
    assert str(caught.value) == f"Response payload is not completed: {error!r}"
    assert caught.value.__cause__ is error
    assert stream.exception() is caught.value


@pytest.mark.parametrize(
    "error", [ClientConnectionError("gone"), SocketTimeoutError("slow"), TimeoutError(), ClientPayloadError("x")]
)
async def test_client_errors_and_timeouts_are_raised_as_they_are(error: Exception) -> None:
    stream = StreamReader(None, LIMIT)
    assert stream.exception() is None
    stream.set_exception(error)
    with pytest.raises(type(error)) as caught:
        await stream.read()
    assert caught.value is error


async def test_the_first_error_stays_and_a_class_is_enough() -> None:
    stream = StreamReader(None, LIMIT)
    stream.set_exception(TimeoutError)
    stream.set_exception(ClientConnectionError("gone"))
    assert type(stream.exception()) is TimeoutError


async def test_an_error_after_the_end_leaves_the_body_readable() -> None:
    stream = stream_of(b"abc", b"def")
    stream.set_exception(ClientConnectionError("Connection closed"))
    assert await stream.read() == b"abcdef"
    with pytest.raises(ClientConnectionError):
        await stream.read()


# --- one reader at a time, and its cancellation ---


@every_read
@pytest.mark.parametrize("first", ["read", "read_n", "readline"])
async def test_two_reads_at_a_time_are_refused_with_words(first: str, read: Read) -> None:
    stream = StreamReader(None, LIMIT)
    waiting = asyncio.create_task(READS[first](stream))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="already waiting for incoming data"):
        await read(stream)
    with pytest.raises(RuntimeError, match="already waiting for incoming data"):
        stream.read_nowait()
    stream.feed_data(b"abcde\n")
    with pytest.raises(RuntimeError, match="already waiting for incoming data"):
        await read(stream)  # the first has not taken its bytes yet
    stream.feed_eof()
    assert await waiting in (b"abcde", b"abcde\n")


@every_read
async def test_a_cancelled_read_loses_nothing(read: Read) -> None:
    stream = StreamReader(Connection(), LIMIT)
    stream.feed_data(b"a")
    assert await stream.read(1) == b"a"
    waiting = asyncio.create_task(read(stream))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    waiting = asyncio.create_task(read(stream))
    await asyncio.sleep(0)
    stream.feed_data(b"bc")  # it is woken and cancelled in the same turn of the loop
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    stream.feed_eof()
    assert await stream.read() == b"bc"


async def test_a_cancelled_read_to_the_end_gives_back_pressure_again() -> None:
    connection = Connection()
    stream = StreamReader(connection, LIMIT)
    stream.feed_data(bytes(200))
    assert connection.paused
    waiting = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    assert not connection.paused
    stream.feed_data(bytes(200))
    assert not connection.paused
    waiting.cancel()
    await asyncio.wait([waiting])
    assert connection.paused
    stream.feed_eof()
    assert len(await stream.read()) == 400


# --- back pressure ---


async def test_reading_pauses_above_the_high_mark_and_resumes_below_the_low_one() -> None:
    connection = Connection()
    stream = StreamReader(connection, LIMIT)
    stream.feed_data(bytes(2 * LIMIT))
    assert connection.calls == []
    stream.feed_data(b"x")
    stream.feed_data(b"x")
    assert connection.calls == ["pause"]
    await stream.read(LIMIT + 2)
    assert connection.calls == ["pause"]  # LIMIT bytes are left
    await stream.read(1)
    assert connection.calls == ["pause", "resume"]
    stream.feed_data(bytes(2 * LIMIT))
    assert connection.calls == ["pause", "resume", "pause"]


async def test_a_reader_who_needs_more_than_is_buffered_resumes_reading() -> None:
    connection = Connection()
    stream = StreamReader(connection, LIMIT)
    stream.feed_data(bytes(2 * LIMIT + 1))
    await stream.read(30)
    assert connection.paused
    waiting = asyncio.create_task(stream.readline())
    await asyncio.sleep(0)
    assert not connection.paused
    stream.feed_data(b"\n")
    assert len(await waiting) == 2 * LIMIT + 1 - 30 + 1


async def test_reading_to_the_end_lifts_the_marks() -> None:
    connection = Connection()
    stream = StreamReader(connection, LIMIT)
    task = feed_soon(stream, *[bytes(1000)] * 20, None)
    assert len(await stream.read()) == 20_000
    assert connection.calls == []
    await task


async def test_very_many_very_small_chunks_pause_reading() -> None:
    connection = Connection()
    stream = StreamReader(connection, 2**16)
    fed = 0
    while not connection.paused:
        stream.feed_data(b"x")
        stream.end_chunk()
        fed += 1
    assert fed < 10_000
    got = 0
    while connection.paused:
        piece, end = await stream.readchunk()
        assert (piece, end) == (b"x", True)
        got += 1
    assert got < fed
    stream.feed_eof()
    assert len(await stream.read()) == fed - got


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_back_pressure_of_an_encoded_body_counts_raw_bytes(coding: str) -> None:
    raw = random.Random(1).randbytes(5000)
    compressed = {
        "gzip": gzip.compress,
        "br": codings._brotli.compress,
        "zstd": codings._zstd.compress,
    }[coding](raw)
    connection = Connection()
    stream = StreamReader(connection, 1000, decoder=make_decoder(coding))
    position = 0
    got = []
    while True:
        while position < len(compressed) and not connection.paused:
            stream.feed_data(compressed[position : position + 100])
            position += 100
        if position >= len(compressed) and not stream.is_eof():
            assert stream._decoding is not None
            assert stream._decoding.raw_size <= 2100
            stream.feed_eof()
        piece = await stream.read(100)
        if not piece:
            break
        got.append(piece)
    assert b"".join(got) == raw
    assert connection.calls[:2] == ["pause", "resume"]


class Receive(Connection, asyncio.Protocol):
    """A client that feeds a stream."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.stream = StreamReader(self, limit)
        self.most = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def pause_reading(self) -> None:
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self.stream.feed_data(data)
        self.most = max(self.most, self.stream._buffer.size)

    def eof_received(self) -> None:
        self.stream.feed_eof()


async def test_a_slow_reader_holds_a_fast_server_back() -> None:
    total = 20_000_000

    async def push(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(total // 50_000):
            writer.write(bytes(50_000))
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(push, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        loop = asyncio.get_running_loop()
        transport, receive = await loop.create_connection(lambda: Receive(2**16), host, port)
        got = 0
        async for piece in receive.stream.iter_chunked(50_000):
            got += len(piece)
            await asyncio.sleep(0)
        assert got == total
        assert receive.most <= 2 * 2**16 + 256 * 1024  # the marks and one read of the transport
        transport.close()


# --- content codings ---


async def test_an_encoded_body_is_decoded_as_it_is_read() -> None:
    body = b"one\ntwo\n" + bytes(100_000)
    raw = gzip.compress(body)
    assert await encoded(raw).read() == body
    stream = encoded(raw)
    assert await stream.readline() == b"one\n"
    assert await stream.readexactly(4) == b"two\n"
    assert b"".join([piece async for piece in stream.iter_chunked(1000)]) == bytes(100_000)
    assert stream.at_eof()
    assert (stream.total_raw_bytes, stream.total_bytes) == (len(raw), len(body))


async def test_read_of_n_fills_up_from_several_raw_pieces() -> None:
    body = random.Random(2).randbytes(1000)
    stream = encoded(gzip.compress(body, compresslevel=0), size=100)
    assert len(await stream.read(900)) == 900


async def test_the_totals_of_a_plain_body_count_what_was_received() -> None:
    stream = stream_of(b"abc", b"defg", eof=False)
    assert (stream.total_raw_bytes, stream.total_bytes) == (7, 7)
    await stream.read(2)
    assert (stream.total_raw_bytes, stream.total_bytes) == (7, 7)


class CountingDecoder(Decoder):
    """The real decoder, which counts how often it was asked."""

    def __init__(self, coding: str) -> None:
        inner = make_decoder(coding)
        assert inner is not None
        self.inner = inner
        self.calls = 0

    @property
    def pending(self) -> bool:
        return self.inner.pending

    def decode(self, data: bytes, max_length: int = -1) -> bytes:
        self.calls += 1
        return self.inner.decode(data, max_length)

    def finish(self) -> bytes:
        self.calls += 1
        return self.inner.finish()


async def test_what_nobody_reads_is_never_inflated() -> None:
    decoder = CountingDecoder("gzip")
    stream = StreamReader(Connection(), 2**16, decoder=decoder)
    stream.feed_data(gzip.compress(bytes(10_000_000)))
    stream.end_chunk()
    stream.feed_eof()
    await stream.wait_eof()
    stream.set_exception(ClientConnectionError("Connection closed"))
    assert decoder.calls == 0


async def test_a_bomb_is_read_in_bounded_steps() -> None:
    raw = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        stream = StreamReader(None, decoder=make_decoder("gzip"))
        stream.feed_data(raw)
        stream.feed_eof()
        got = 0
        async for piece in stream.iter_any():
            assert len(piece) <= DECODE_STEP
            got += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert got == 50_000_000
    assert peak < 3_000_000


ENDINGS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda raw: raw[:-1],
    "half": lambda raw: raw[: len(raw) // 2],
    "wrong checksum": lambda raw: raw[:-6] + b"\0\0" + raw[-4:],
    "junk": lambda raw: raw + b"junk",
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_damaged_body_is_never_silently_short(ending: str) -> None:
    body = random.Random(3).randbytes(3000)
    raw = ENDINGS[ending](gzip.compress(body))
    for read in (READS["read_n"], READS["readany"]):
        stream = encoded(raw)
        pieces, error = await until_error(partial(read, stream))
        assert isinstance(error, ClientPayloadError)
        assert str(error).startswith("Response payload is not completed: <ContentEncodingError")
        got = b"".join(pieces)
        assert body.startswith(got)
        assert len(got) > 1000
        assert not stream.at_eof()
    with pytest.raises(ClientPayloadError):
        await encoded(raw).read()


@pytest.mark.parametrize("ending", ENDINGS)
async def test_at_eof_is_never_true_for_a_damaged_body(ending: str) -> None:
    stream = encoded(ENDINGS[ending](gzip.compress(b"hello, world" * 100)))
    while stream.exception() is None:
        assert not stream.at_eof()
        with suppress(ClientPayloadError):
            stream.read_nowait(7)
    assert not stream.at_eof()


async def test_the_end_of_a_cut_body_is_noticed_although_everything_was_read_before_it_came() -> None:
    stream = encoded(gzip.compress(b"hello")[:-1], eof=False)
    assert await stream.readany() == b"hello"
    stream.feed_eof()
    assert not stream.at_eof()
    with pytest.raises(ClientPayloadError):
        await stream.readany()


async def test_after_damage_no_more_is_taken_from_the_connection() -> None:
    connection = Connection()
    stream = StreamReader(connection, LIMIT, decoder=make_decoder("gzip"))
    stream.feed_data(b"this is plain text")
    for _ in range(2):
        with pytest.raises(ClientPayloadError):
            await stream.read()
        assert connection.calls == ["pause"]
    stream.feed_data(bytes(1000))
    stream.end_chunk()
    assert stream._decoding is not None
    assert stream._decoding.raw_size == 0
    with pytest.raises(ClientPayloadError):
        await stream.readany()
    assert connection.calls == ["pause"]


async def test_a_broken_connection_lets_the_encoded_bytes_be_read_first() -> None:
    body = random.Random(4).randbytes(3000)
    stream = encoded(gzip.compress(body)[:2000], eof=False)
    stream.set_exception(ContentLengthError("more to come"))
    pieces, error = await until_error(partial(stream.read, 100))
    assert "more to come" in str(error)
    assert body.startswith(b"".join(pieces))
    assert len(b"".join(pieces)) > 1500


async def test_an_empty_encoded_body_is_empty() -> None:
    assert await encoded(b"").read() == b""
    assert encoded(b"").at_eof()


# --- properties ---


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    factory = None
    if request.param == "uvloop":
        factory = pytest.importorskip("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


bodies = st.binary(max_size=600) | st.lists(st.sampled_from([b"a", b"\n", b"--", b"-"]), max_size=300).map(b"".join)
encodings = st.sampled_from([None, "gzip", "deflate", "br", "zstd", "gzip, br"])
operations = st.lists(
    st.tuples(st.sampled_from([*READS, "read_nowait", "at_eof"]), st.integers(1, 50), st.booleans()),
    min_size=1,
    max_size=40,
)


def encode(body: bytes, encoding: str | None) -> bytes:
    functions = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": codings._brotli.compress,
        "zstd": codings._zstd.compress,
    }
    for coding in encoding.split(", ") if encoding else ():
        body = functions[coding](body)
    return body


async def expected_of(stream: StreamReader, name: str, n: int, rest: bytes) -> tuple[object, Callable[[], Any]]:
    """Say what a read must give when `rest` is what is left of the body (None: any prefix), and how to do it."""
    limit = stream.get_read_buffer_limits()[1]

    def until(separator: bytes) -> object:
        at = rest.find(separator)
        whole = rest if at < 0 else rest[: at + len(separator)]
        return LineTooLong if len(whole) > limit else whole

    reads: dict[str, tuple[object, Callable[[], Any]]] = {
        "read": (rest, stream.read),
        "read_n": (None, lambda: stream.read(n)),
        "readany": (None, stream.readany),
        "readline": (until(b"\n"), stream.readline),
        "lines": (until(b"\n"), stream.readline),
        "readuntil": (until(b"--"), lambda: stream.readuntil(b"--")),
        "readexactly": (
            rest[:n] if len(rest) >= n else asyncio.IncompleteReadError,
            lambda: stream.readexactly(n),
        ),
        "readchunk": (None, stream.readchunk),
        "iter_chunks": (None, stream.readchunk),
        "iter_any": (None, stream.readany),
        "iter_chunked": (None, lambda: stream.read(n)),
    }
    return reads[name]


@settings(max_examples=300, deadline=None)
@given(body=bodies, encoding=encodings, script=operations, seed=st.integers(0, 2**32), broken=st.booleans())
def test_any_reads_of_any_pieces_give_the_body_in_order(
    runner: asyncio.Runner,
    body: bytes,
    encoding: str | None,
    script: list[tuple[str, int, bool]],
    seed: int,
    broken: bool,
) -> None:
    chance = random.Random(seed)

    async def feed(stream: StreamReader, connection: Connection) -> None:
        raw = encode(body, encoding)
        position = 0
        while position < len(raw):
            while connection.paused:  # noqa: ASYNC110  # what the loop does next is the point
                await asyncio.sleep(0)
            size = chance.choice([1, 2, 5, 30, 200])
            stream.feed_data(raw[position : position + size])
            position += size
            if chance.random() < 0.3:
                stream.end_chunk()
            if chance.random() < 0.5:
                await asyncio.sleep(0)
        if broken:
            stream.set_exception(TransferEncodingError("cut"))
        else:
            stream.feed_eof()

    async def main() -> None:
        connection = Connection()
        stream = StreamReader(connection, 16, decoder=make_decoder(encoding or ""))
        feeder = asyncio.create_task(feed(stream, connection))
        got = b""
        for name, n, cancel in [*script, *[("readany", 1, False)] * 2000]:
            if name == "at_eof":
                assert not stream.at_eof() or (got == body and not broken)
                continue
            if name == "read_nowait":
                try:
                    got += stream.read_nowait(n)
                except ClientPayloadError:
                    assert broken
                continue
            expected, read = await expected_of(stream, name, n, body[len(got) :])
            if cancel:
                task = asyncio.ensure_future(read())
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
                if not task.done():
                    task.cancel()
                    await asyncio.wait([task])
                    continue
                result = await settle(task)
            else:
                result = await settle(read())
            if isinstance(result, ClientPayloadError):
                assert broken
                if not stream._buffer.pieces and not (stream._decoding and stream._decoding.raw) and feeder.done():
                    break
                got += stream.read_nowait(1) if stream._buffer.pieces else b""
            elif isinstance(result, asyncio.IncompleteReadError):
                assert expected is asyncio.IncompleteReadError
                assert result.partial == body[len(got) :]
                got += result.partial
            elif isinstance(result, LineTooLong):
                assert expected is LineTooLong
            else:
                piece = result[0] if isinstance(result, tuple) else result
                assert isinstance(piece, bytes)
                assert body.startswith(got + piece)
                if expected is not None:
                    assert piece == expected
                got += piece
                if result in (b"", (b"", False)) and not broken:
                    assert got == body
                    break
        assert body.startswith(got)
        assert got == body
        await feeder

    async def settle(awaitable: Any) -> object:
        try:
            return await asyncio.wait_for(awaitable, 60)
        except (ClientPayloadError, asyncio.IncompleteReadError, LineTooLong) as error:
            return error

    runner.run(main())


@settings(max_examples=200, deadline=None)
@given(chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=30), seed=st.integers(0, 2**32))
def test_the_chunks_of_any_body_come_back_as_they_were(runner: asyncio.Runner, chunks: list[bytes], seed: int) -> None:
    chance = random.Random(seed)

    async def feed(stream: StreamReader) -> None:
        for chunk in chunks:
            cut = chance.randrange(len(chunk) + 1)
            for piece in (chunk[:cut], chunk[cut:]):
                stream.feed_data(piece)
                if chance.random() < 0.5:
                    await asyncio.sleep(0)
            stream.end_chunk()
        stream.feed_eof()

    async def read(stream: StreamReader) -> AsyncIterator[bytes]:
        chunk = b""
        async for piece, end in stream.iter_chunks():
            chunk += piece
            if end:
                yield chunk
                chunk = b""
        assert chunk == b""

    async def main() -> None:
        stream = StreamReader(None, 16)
        feeder = asyncio.create_task(feed(stream))
        assert [chunk async for chunk in read(stream)] == chunks
        await feeder

    runner.run(main())
