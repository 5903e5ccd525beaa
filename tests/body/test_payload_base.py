"""Base classes of payloads: header fields, and what a subclass inherits when it overrides only `write`."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest

from gazelle.abc import AbstractStreamWriter
from gazelle.body.payload import (
    AsyncIterablePayload,
    BufferedReaderPayload,
    BytesPayload,
    JsonPayload,
    Payload,
    StringPayload,
)
from gazelle.errors import UploadAbortedError
from tests.support.bodies import LARGE, Collected, sent_every_way, yielding


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


async def test_a_body_shorter_than_promised_is_an_error() -> None:
    payloads: list[Payload] = [BytesPayload(b"abc"), AsyncIterablePayload(yielding(b"abc")), OnlyWriting(b"abc")]
    for payload in payloads:
        writer = Collected()
        with pytest.raises(UploadAbortedError, match="3 of 5"):
            await payload.write_with_length(writer, 5)
        assert writer.body == b"abc"


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
