"""Files as bodies: from their position, repeatedly, with the size they had, in text and binary mode."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from gazelle.body.payload import (
    BufferedReaderPayload,
    BytesIOPayload,
    IOBasePayload,
    TextIOPayload,
    get_payload,
)
from gazelle.errors import UploadAbortedError
from tests.support.bodies import LARGE, Collected, sent_every_way, written


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
