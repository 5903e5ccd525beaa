"""A body that tells what becomes of it; and what bodies are written to and read from, when no connection is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from gazelle.abc import AbstractStreamWriter
from gazelle.body.payload import BytesPayload
from gazelle.body.payload_base import Payload
from gazelle.net.stream import StreamReader

LARGE = bytes(range(256)) * 4096  # 1 MiB


class Watched(BytesPayload):
    """A body that says whether it was closed; it is sent in pieces."""

    closed = 0

    def body_bytes(self) -> None:
        return None

    async def close(self) -> None:
        self.closed += 1


class Collected(AbstractStreamWriter):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = False

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(chunk))

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)
        self.ended = True

    async def drain(self) -> None:
        return


async def written(payload: Payload) -> bytes:
    """The body as `write` gives it."""
    writer = Collected()
    await payload.write(writer)
    assert not writer.ended
    return writer.body


async def sent_every_way(payload: Payload) -> bytes:
    """The body of a payload that can be sent again and again, after all ways to get it have agreed."""
    body = await written(payload)
    assert payload.size in (None, len(body))
    assert payload.body_bytes() in (None, body)
    for size in (1, 7, 2**20) if len(body) < 1000 else (100_000, 2**20):
        pieces = [piece async for piece in payload.chunks(size)]
        assert all(type(piece) is bytes and piece for piece in pieces)
        assert b"".join(pieces) == body
    for length in {0, 1, len(body) // 2, len(body)}:
        if length <= len(body):
            writer = Collected()
            await payload.write_with_length(writer, length)
            assert writer.body == body[:length]
    writer = Collected()
    await payload.write_with_length(writer, None)
    assert writer.body == body
    assert await payload.as_bytes() == body
    assert not payload.consumed
    return body


def stream(pieces: Iterable[bytes]) -> StreamReader:
    """A body that has arrived in these pieces."""
    reader = StreamReader(None)
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return reader


class Dripping:
    """A body of which every read gives the next piece only."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    async def read(self, n: int = -1, /) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if 0 <= n < len(piece):
            self._pieces.insert(0, piece[n:])
            piece = piece[:n]
        return piece


async def yielding(*pieces: bytes) -> AsyncIterator[bytes]:
    """An asynchronous generator."""
    for piece in pieces:
        yield piece
