"""Bodies of requests: what they hold, how large they say they are, and that they can be sent again."""

from __future__ import annotations

import asyncio
import gc
import gzip
import io
import json
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from gazelle.abc import AbstractStreamWriter
from gazelle.body import payload as payload_module
from gazelle.body.payload import (
    PAYLOAD_REGISTRY,
    AsyncIterablePayload,
    BufferedReaderPayload,
    BytesIOPayload,
    BytesPayload,
    IOBasePayload,
    JsonBytesPayload,
    JsonPayload,
    Order,
    Payload,
    PayloadRegistry,
    StreamReaderPayload,
    StringIOPayload,
    StringPayload,
    TextIOPayload,
    get_payload,
    payload_type,
)
from gazelle.errors import UploadAbortedError
from tests.support.bodies import Collected, sent_every_way, stream, written, yielding

LARGE = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(LARGE + b"end")
    return path


# --- in memory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"", b"x", LARGE, bytearray(b"abc"), memoryview(b"abcdef")[::2]])
async def test_bytes_go_out_as_they_are(value: bytes | bytearray | memoryview) -> None:
    payload = get_payload(value)
    assert type(payload) is BytesPayload
    assert await sent_every_way(payload) == bytes(value)
    assert payload.size == len(bytes(value))
    assert payload.body_bytes() == bytes(value)
    assert payload.content_type == payload.headers["Content-Type"] == "application/octet-stream"
    assert (payload.encoding, payload.filename, payload.autoclose) == (None, None, True)
    await payload.close()


async def test_a_wide_memoryview_counts_bytes() -> None:
    payload = BytesPayload(memoryview(b"abcdefgh").cast("I"))
    assert payload.size == 8
    assert await sent_every_way(payload) == b"abcdefgh"


async def test_bytes_that_lie_are_taken_for_what_they_are() -> None:
    class Lying(bytes):
        def __len__(self) -> int:
            return 1

        def __bytes__(self) -> bytes:
            return b"something else"

    payload = BytesPayload(Lying(b"abc"))
    assert payload.size == 3
    assert await sent_every_way(payload) == b"abc"


@pytest.mark.parametrize(
    ("arguments", "body", "content_type"),
    [
        ({}, "ü".encode(), "text/plain; charset=utf-8"),
        ({"encoding": "latin-1"}, b"\xfc", "text/plain; charset=latin-1"),
        ({"content_type": "text/html; charset=latin-1"}, b"\xfc", "text/html; charset=latin-1"),
        ({"content_type": "text/html"}, "ü".encode(), "text/html"),
        ({"content_type": "text/html", "encoding": "latin-1"}, b"\xfc", "text/html"),
    ],
)
async def test_text_is_encoded(arguments: Any, body: bytes, content_type: str) -> None:
    payload = get_payload("ü", **arguments)
    assert type(payload) is StringPayload
    assert await sent_every_way(payload) == body
    assert payload.content_type == content_type
    assert payload.decode() == "ü"


def test_text_that_can_not_be_encoded_is_refused() -> None:
    with pytest.raises(ValueError):
        StringPayload("日", encoding="latin-1")
    with pytest.raises(ValueError):
        StringPayload("\ud800")
    with pytest.raises(LookupError):
        StringPayload("x", encoding="nonsense")
    with pytest.raises(TypeError, match="str"):
        StringPayload(b"x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bytes"):
        BytesPayload("x")  # type: ignore[arg-type]


async def test_a_string_io_gives_what_is_left_of_it() -> None:
    text = io.StringIO("abcü")
    text.read(1)
    payload = get_payload(text)
    assert type(payload) is StringIOPayload
    assert await sent_every_way(payload) == "bcü".encode()


async def test_json_is_serialized() -> None:
    payload = JsonPayload({"ü": 1})
    assert json.loads(await sent_every_way(payload)) == {"ü": 1}
    assert (payload.content_type, payload.encoding) == ("application/json", "utf-8")
    other = JsonPayload([1], content_type="application/vnd.x+json", dumps=lambda value: f"<{value}>")
    assert await sent_every_way(other) == b"<[1]>"
    assert other.content_type == "application/vnd.x+json"
    fast = JsonBytesPayload({}, dumps=lambda value: b"[]")
    assert await sent_every_way(fast) == b"[]"
    assert fast.content_type == "application/json"
    with pytest.raises(TypeError, match="JsonBytesPayload"):
        JsonPayload({}, dumps=lambda value: b"[]")  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="bytes"):
        JsonBytesPayload({}, dumps=lambda value: "[]")  # type: ignore[arg-type, return-value]


# --- headers ---------------------------------------------------------------------------------------------------------


def test_headers_win_over_the_content_type() -> None:
    payload = BytesPayload(b"", headers={"content-type": "a/b", "X-Y": "z"}, content_type="c/d")
    assert payload.content_type == "a/b"
    assert list(payload.headers.items()) == [("content-type", "a/b"), ("X-Y", "z")]
    assert BytesPayload(b"", content_type=None).content_type == "application/octet-stream"
    assert BytesPayload(b"", filename="a.png").content_type == "application/octet-stream"


CONTROLS = ["\r\n", "\r", "\n", "\x00", "\x01", "\x0b", "\x1f", "\x7f"]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_control_characters_are_refused(control: str) -> None:
    bad = f"a/b{control}X: y"
    with pytest.raises(ValueError, match="content_type"):
        BytesPayload(b"", content_type=bad)
    with pytest.raises(ValueError, match="content_type"):
        StringPayload("", content_type=bad)
    with pytest.raises(ValueError, match="content_type"):
        JsonPayload("", content_type=bad)
    with pytest.raises(ValueError, match="filename"):
        BytesPayload(b"", filename=bad)
    with pytest.raises(ValueError, match="'A'"):
        BytesPayload(b"", headers={"A": bad})
    with pytest.raises(ValueError, match="not a token"):
        BytesPayload(b"", headers={f"A{control}": "b"})
    with pytest.raises(ValueError, match="filename"):
        BytesPayload(b"").set_content_disposition("form-data", name="a", filename=bad)
    with pytest.raises(ValueError, match="name"):
        BytesPayload(b"").set_content_disposition("form-data", name=bad)
    with pytest.raises(ValueError, match="not a token"):
        BytesPayload(b"").set_content_disposition(bad)


@pytest.mark.parametrize("option", ["content_type", "filename"])
def test_options_that_are_no_text_are_refused(option: str) -> None:
    with pytest.raises(TypeError, match=option):
        BytesPayload(b"", **{option: 1})


# --- files -----------------------------------------------------------------------------------------------------------


async def test_a_file_is_sent_from_where_it_stands_as_often_as_one_likes(file: Path) -> None:
    with file.open("rb") as opened:
        opened.read(1000)
        payload = get_payload(opened)
        assert type(payload) is BufferedReaderPayload
        assert payload.size == len(LARGE) + 3 - 1000
        assert payload.body_bytes() is None
        for _ in range(2):
            assert await sent_every_way(payload) == (LARGE + b"end")[1000:]
        assert payload.filename == "picture.png"
        assert payload.content_type == "image/png"
        assert payload.headers["Content-Disposition"] == 'attachment; filename="picture.png"'
        assert not payload.autoclose
        await payload.close()
        assert opened.closed
        await payload.close()


@pytest.mark.parametrize(
    ("mode", "buffering", "kind"),
    [("rb", -1, BufferedReaderPayload), ("r+b", -1, BufferedReaderPayload), ("rb", 0, IOBasePayload)],
)
async def test_every_binary_file_object_can_be_sent(file: Path, mode: str, buffering: int, kind: type) -> None:
    with open(file, mode, buffering) as opened:  # noqa: ASYNC230
        payload = get_payload(opened, disposition=None)
        assert type(payload) is kind
        assert "Content-Disposition" not in payload.headers
        assert payload.size == len(LARGE) + 3
        assert await sent_every_way(payload) == LARGE + b"end"


@pytest.mark.parametrize("make", [tempfile.TemporaryFile, tempfile.NamedTemporaryFile, tempfile.SpooledTemporaryFile])
async def test_temporary_files_can_be_sent(make: Callable[..., Any]) -> None:
    with make() as opened:
        opened.write(b"0123456789")
        opened.seek(2)
        payload = get_payload(opened)
        assert payload.size == 8
        assert await sent_every_way(payload) == b"23456789"
    with make(mode="w+", encoding="utf-8") as opened:
        opened.write("grüße")
        opened.seek(0)
        payload = get_payload(opened)
        assert payload.content_type == "text/plain; charset=utf-8"
        assert await sent_every_way(payload) == "grüße".encode()


async def test_a_file_in_a_file_is_not_sized_by_what_is_below_it(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.gz", "wb") as packed:
        packed.write(LARGE)
    with gzip.open(tmp_path / "a.gz") as packed:
        payload = get_payload(packed)
        assert payload.size is None
        assert await sent_every_way(payload) == LARGE


async def test_a_pipe_is_sent_once() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source:
        with os.fdopen(write, "wb") as sink:
            sink.write(b"through a pipe")
        payload = get_payload(source)
        assert payload.size is None
        assert payload.filename is None
        assert not payload.consumed
        assert await written(payload) == b"through a pipe"
        assert payload.consumed
        with pytest.raises(RuntimeError, match="sent already"):
            await written(payload)


async def test_a_file_that_has_grown_is_sent_as_large_as_it_has_said(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"12345")
    with path.open("rb") as opened:
        payload = get_payload(opened)
        assert payload.size == 5
        path.write_bytes(b"1234567890")
        assert await sent_every_way(payload) == b"12345"


async def test_a_file_that_has_shrunk_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"1234567890")
    with path.open("rb") as opened:
        payload = get_payload(opened)
        assert payload.size == 10
        path.write_bytes(b"12345")
        with pytest.raises(UploadAbortedError, match="5 of 10"):
            await written(payload)
        with pytest.raises(UploadAbortedError, match="5 of 10"):
            await payload.write_with_length(Collected(), 10)


async def test_a_body_shorter_than_promised_is_an_error() -> None:
    payloads: list[Payload] = [BytesPayload(b"abc"), AsyncIterablePayload(yielding(b"abc")), OnlyWriting(b"abc")]
    for payload in payloads:
        writer = Collected()
        with pytest.raises(UploadAbortedError, match="3 of 5"):
            await payload.write_with_length(writer, 5)
        assert writer.body == b"abc"


async def test_a_closed_or_unreadable_file_is_refused_before_anything_is_sent(file: Path) -> None:
    with file.open("rb") as opened:
        payload = get_payload(opened)
    with pytest.raises(ValueError, match="closed"):
        _ = payload.size
    with file.open("wb") as opened_for_writing:
        with pytest.raises(ValueError, match="not open for reading"):
            _ = get_payload(opened_for_writing).size
    with file.open("w", encoding="utf-8") as opened_for_writing_text:
        with pytest.raises(ValueError, match="not open for reading"):
            _ = get_payload(opened_for_writing_text).size


async def test_a_file_that_is_closed_midway_is_an_error(file: Path) -> None:
    with file.open("rb") as opened:
        payload = get_payload(opened)
        async with aclosing(payload.chunks(1000)) as pieces:
            await anext(pieces)
            opened.close()
            with pytest.raises(ValueError, match="closed"):
                async for _ in pieces:
                    pass


async def test_transfers_of_one_file_do_not_disturb_each_other(file: Path) -> None:
    with file.open("rb") as opened:
        payload = get_payload(opened)

        async def read() -> bytes:
            return b"".join([piece async for piece in payload.chunks(10_000)])

        for body in await asyncio.gather(read(), read(), read()):
            assert body == LARGE + b"end"


async def test_a_cancelled_transfer_leaves_the_file_ready_for_the_next(tmp_path: Path) -> None:
    """The thread of the first one is still reading when the second one starts."""
    gate = threading.Event()

    class Slow(io.FileIO):
        def readinto(self, buffer: Any) -> int:
            gate.wait(60)
            return super().readinto(buffer) or 0

        def read(self, size: int | None = -1) -> bytes:
            gate.wait(60)
            return super().read(-1 if size is None else size) or b""

    path = tmp_path / "slow"
    path.write_bytes(LARGE)
    with Slow(path) as opened:
        payload = get_payload(opened)
        first = asyncio.ensure_future(written(payload))
        await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = asyncio.ensure_future(written(payload))
        await asyncio.sleep(0.01)
        gate.set()
        assert await second == LARGE


async def test_a_file_that_reads_text_is_an_error_with_words() -> None:
    class Text(io.IOBase):
        def read(self, size: int) -> str:
            return "text"

    with pytest.raises(TypeError, match="must read bytes"):
        await written(IOBasePayload(Text()))  # type: ignore[arg-type]


async def test_a_file_object_that_can_only_read_is_enough() -> None:
    class Reader(io.IOBase):
        left = 3

        def read(self, size: int) -> bytearray:
            self.left -= 1
            return bytearray(b"x" * min(size, 10) if self.left >= 0 else b"")

    payload = get_payload(Reader())
    assert payload.size is None
    assert await written(payload) == b"x" * 30
    assert payload.consumed


async def test_files_are_decoded(file: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("grüße", "utf-8")
    with (tmp_path / "a.txt").open("rb") as opened, (tmp_path / "a.txt").open(encoding="utf-8") as text:
        assert get_payload(opened).decode() == get_payload(text).decode() == "grüße"
        assert get_payload(io.BytesIO("ü".encode())).decode() == "ü"


async def test_a_bytes_io_is_sent_from_where_it_stands_and_stays_open() -> None:
    memory = io.BytesIO(b"0123456789")
    memory.seek(3)
    payload = get_payload(memory)
    assert type(payload) is BytesIOPayload
    assert payload.size == 7
    assert payload.body_bytes() == b"3456789"
    assert await sent_every_way(payload) == b"3456789"
    assert memory.tell() == 3
    assert payload.autoclose
    await payload.close()
    assert not memory.closed


async def test_a_bytes_io_with_a_read_of_its_own_is_read_with_it() -> None:
    seen = []

    class Progress(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            piece = super().read(size)
            seen.append(len(piece))
            return piece

    payload = get_payload(Progress(b"0123456789"))
    assert payload.size == 10
    assert payload.body_bytes() is None
    assert await written(payload) == b"0123456789"
    assert sum(seen) == 10


@pytest.mark.parametrize(
    ("text", "encoding", "content_type", "size"),
    [
        ("grüße\n", "utf-8", None, 8),
        ("grüße\n", "latin-1", None, None),
        ("grüße\n", "latin-1", "text/x; charset=iso-8859-1", 6),
        ("grüße\n", "utf-16", None, None),
        ("grüße\n", "utf-8", "text/x; charset=utf-16", None),
        ("", "utf-8", None, 0),
        ("", "latin-1", None, None),
        ("ü" * 200_000, "latin-1", None, None),
    ],
)
async def test_a_text_file_is_sent_in_the_charset_of_the_body(
    tmp_path: Path, text: str, encoding: str, content_type: str | None, size: int | None
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding)
    with path.open(encoding=encoding) as opened:
        payload = TextIOPayload(opened, content_type=content_type)
        assert payload.size == size
        assert (await sent_every_way(payload)).decode(payload.encoding or "") == text
        assert payload.content_type == (content_type or "text/plain; charset=utf-8")


async def test_a_text_file_is_sent_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("äöü\r\nzweite\r\ndritte\r\n".encode())
    for encoding in ("utf-8", "latin-1"):
        with path.open(encoding=encoding) as opened:
            opened.readline()
            payload = TextIOPayload(opened)
            body = await sent_every_way(payload)
            assert body in (b"zweite\r\ndritte\r\n", b"zweite\ndritte\n")
    with path.open(encoding="utf-8") as opened:
        next(opened)
        payload = TextIOPayload(opened)  # it can not tell where it is
        assert payload.size is None
        assert await written(payload) == b"zweite\ndritte\n"
        assert payload.consumed


async def test_a_second_transfer_of_recoded_text_takes_over(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("ü" * 300_000, "latin-1")
    with path.open(encoding="latin-1") as opened:
        payload = TextIOPayload(opened)
        async with aclosing(payload.chunks()) as pieces:
            await anext(pieces)
            assert await written(payload) == ("ü" * 300_000).encode()
            with pytest.raises(RuntimeError, match="sent again"):
                await anext(pieces)


# --- streams ---------------------------------------------------------------------------------------------------------


async def test_an_asynchronous_iterable_is_sent_once() -> None:
    payload = get_payload(yielding(b"a", b"", b"bc", bytearray(b"d"), memoryview(b"e")))  # type: ignore[arg-type]
    assert type(payload) is AsyncIterablePayload
    assert (payload.size, payload.body_bytes(), payload.consumed) == (None, None, False)
    writer = Collected()
    await payload.write(writer)
    assert writer.pieces == [b"a", b"bc", b"d", b"e"]
    assert payload.consumed
    with pytest.raises(RuntimeError, match="sent already"):
        await written(payload)


async def test_an_asynchronous_iterable_can_be_kept() -> None:
    payload = get_payload(yielding(b"a", b"bc"))
    assert await payload.as_bytes() == b"abc"
    assert payload.size == 3
    assert payload.decode() == "abc"
    assert await sent_every_way(payload) == b"abc"


async def test_what_is_no_bytes_is_refused() -> None:
    with pytest.raises(TypeError, match="must yield bytes, not str"):
        await written(get_payload(yielding("text")))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="asynchronous iterable"):
        AsyncIterablePayload([b"x"])  # type: ignore[arg-type]


async def test_a_generator_that_is_not_read_to_its_end_runs_its_finally_once() -> None:
    ended = []

    async def body() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    payload = get_payload(body())
    async with aclosing(payload.chunks()) as pieces:
        assert await anext(pieces) == b"a"
    assert ended == [True]
    limited = get_payload(body())
    await limited.write_with_length(Collected(), 1)
    assert ended == [True, True]

    class Broken(Collected):
        async def write(self, chunk: bytes | bytearray | memoryview) -> None:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await get_payload(body()).write(Broken())
    assert ended == [True, True, True]


async def test_closing_a_body_that_was_never_sent_closes_the_generator() -> None:
    body = yielding(b"a")
    payload = get_payload(body)
    await payload.close()
    await payload.close()
    assert [piece async for piece in body] == []
    assert payload.consumed


async def test_an_error_of_a_generator_is_raised() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    writer = Collected()
    with pytest.raises(ZeroDivisionError):
        await get_payload(body()).write(writer)
    assert writer.body == b"a"


async def test_a_stream_reader_is_sent() -> None:
    payload = get_payload(stream([b"one", b"two"]))
    assert type(payload) is StreamReaderPayload
    assert await written(payload) == b"onetwo"
    assert payload.consumed


# --- payloads of users -----------------------------------------------------------------------------------------------


class OnlyWriting(Payload):
    """A payload as it was written for another library."""

    async def write(self, writer: AbstractStreamWriter) -> None:
        for start in range(0, len(self._value), 2):
            await writer.write(self._value[start : start + 2])


async def test_a_payload_that_only_writes_has_all_the_other_ways_too() -> None:
    payload = OnlyWriting(b"12345")
    assert (payload.size, payload.body_bytes()) == (None, None)
    assert await sent_every_way(payload) == b"12345"
    with pytest.raises(TypeError, match="not in memory"):
        payload.decode()


async def test_a_payload_that_only_writes_is_stopped_when_nobody_reads_on() -> None:
    ended = []

    class Endless(Payload):
        async def write(self, writer: AbstractStreamWriter) -> None:
            try:
                while True:
                    await writer.write(b"x")
            finally:
                ended.append(True)

    async with aclosing(Endless(None).chunks()) as pieces:
        assert [await anext(pieces) for _ in range(3)] == [b"x"] * 3
    assert ended == [True]

    class Failing(Payload):
        async def write(self, writer: AbstractStreamWriter) -> None:
            await writer.write(b"a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Failing(None).as_bytes()


class Counting(AbstractStreamWriter):
    def __init__(self, writer: AbstractStreamWriter, seen: list[int]) -> None:
        self._writer = writer
        self._seen = seen

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self._seen.append(len(chunk))
        await self._writer.write(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self._writer.write_eof(chunk)

    async def drain(self) -> None:
        await self._writer.drain()


async def test_nothing_goes_around_a_write_of_a_subclass(file: Path) -> None:
    """The usual recipe to watch the progress of an upload."""
    seen: list[int] = []

    class Watched(BytesPayload):
        async def write(self, writer: AbstractStreamWriter) -> None:
            await super().write(Counting(writer, seen))

    class WatchedFile(BufferedReaderPayload):
        async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
            await super().write_with_length(Counting(writer, seen), content_length)

    payload = Watched(b"12345")
    assert payload.body_bytes() is None
    assert await sent_every_way(payload) == b"12345"
    seen.clear()
    await payload.as_bytes()
    assert sum(seen) == 5
    seen.clear()
    await payload.write_with_length(Collected(), 5)
    assert sum(seen) == 5
    seen.clear()
    with file.open("rb") as opened:
        assert await WatchedFile(opened).as_bytes() == LARGE + b"end"
    assert sum(seen) == len(LARGE) + 3


async def test_payloads_of_another_library_are_taken() -> None:
    class Theirs:
        headers = MappingProxyType({"Content-Type": "a/b"})
        size = 3
        filename = None
        encoding = None
        consumed = False
        closed = False

        async def write(self, writer: Any) -> None:
            await writer.write(b"abc")

        async def write_with_length(self, writer: Any, content_length: int | None) -> None:
            await writer.write(b"abc")

        async def close(self) -> None:
            self.closed = True

    theirs = Theirs()
    payload = get_payload(theirs, headers={"X": "y"}, disposition=None)
    assert payload.content_type == "a/b"
    assert payload.headers["X"] == "y"
    assert await sent_every_way(payload) == b"abc"
    await payload.close()
    assert theirs.closed


async def test_payloads_of_aiohttp_are_taken() -> None:
    aiohttp = pytest.importorskip("aiohttp")
    assert await sent_every_way(get_payload(aiohttp.payload.StringPayload("grüße"))) == "grüße".encode()
    form = aiohttp.FormData({"a": "b"}, default_to_multipart=True)()
    payload = get_payload(form)
    assert payload.content_type.startswith("multipart/form-data; boundary=")
    assert b'name="a"\r\n\r\nb\r\n' in await sent_every_way(payload)


# --- the registry ----------------------------------------------------------------------------------------------------


class Shape:
    pass


class Circle(Shape):
    pass


class ShapePayload(BytesPayload):
    def __init__(self, value: Shape, *args: Any, **kwargs: Any) -> None:
        super().__init__(type(value).__name__.encode(), *args, **kwargs)


class CirclePayload(ShapePayload):
    pass


def test_unknown_objects_are_refused_with_words() -> None:
    for value in (None, 1, object(), {}, []):
        with pytest.raises(payload_module.LookupError, match=type(value).__name__):
            get_payload(value)
    assert issubclass(payload_module.LookupError, LookupError)


def test_payload_types_are_tried_in_order() -> None:
    registry = PayloadRegistry()
    registry.register(ShapePayload, Shape)
    assert type(registry.get(Circle())) is ShapePayload
    registry.register(CirclePayload, Circle)
    assert type(registry.get(Circle())) is ShapePayload
    registry.register(CirclePayload, Circle, order=Order.try_first)
    assert type(registry.get(Circle())) is CirclePayload
    assert type(registry.get(Shape())) is ShapePayload
    registry.register(BytesPayload, object, order=Order.try_last)
    assert type(registry.get(b"x")) is BytesPayload
    with pytest.raises(ValueError, match="order"):
        registry.register(ShapePayload, Shape, order="first")  # type: ignore[arg-type]


def test_a_payload_is_taken_as_it_is() -> None:
    payload = BytesPayload(b"x")
    assert get_payload(payload) is payload
    assert PAYLOAD_REGISTRY.get(payload) is payload


def test_a_class_can_register_itself() -> None:
    class Mine:
        pass

    @payload_type(Mine)
    class MyPayload(BytesPayload):
        def __init__(self, value: Mine, *args: Any, **kwargs: Any) -> None:
            super().__init__(b"mine", *args, **kwargs)

    assert get_payload(Mine(), content_type="a/b").content_type == "a/b"
    assert type(get_payload(Mine())) is MyPayload


def test_the_registry_does_not_remember_types_without_end() -> None:
    registry = PayloadRegistry()
    registry.register(ShapePayload, Shape)
    for number in range(1000):
        registry.get(type(f"Shape{number}", (Shape,), {})())
    gc.collect()
    assert len(registry._by_type) <= 256
