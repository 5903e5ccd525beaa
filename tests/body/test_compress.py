"""Request bodies are compressed, whole or piece by piece, and come back as they were."""

from __future__ import annotations

import asyncio
import random
import zlib
from typing import Any

import pytest

from gazelle.body.codings import decode_all
from gazelle.body.compress import (
    CompressingWriter,
    coding_of,
    compress_body,
    compress_bytes,
    compress_pieces,
    make_compressor,
)
from tests.support.bodies import Collected, yielding

CODINGS = ["deflate", "gzip", "br", "zstd"]
RANDOM = random.Random(3)
BODIES = [b"", b"x", b"hello " * 1000, RANDOM.randbytes(300_000)]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("body", BODIES, ids=len)
async def test_what_is_compressed_comes_back(coding: str, body: bytes) -> None:
    assert decode_all(compress_bytes(body, coding), coding) == body
    assert decode_all(await compress_body(body, coding), coding) == body
    for size in (1000, 100_000):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        ready = [piece async for piece in compress_pieces(yielding(*pieces), make_compressor(coding))]
        assert all(ready)
        assert decode_all(b"".join(ready), coding) == body
        collected = Collected()
        writer = CompressingWriter(collected, coding)
        for piece in pieces[:-1]:
            await writer.write(memoryview(piece))
        await writer.drain()
        await writer.write_eof(pieces[-1] if pieces else b"")
        assert collected.ended
        assert decode_all(collected.body, coding) == body


def test_deflate_is_in_the_zlib_format() -> None:
    assert zlib.decompress(compress_bytes(b"x" * 100, "deflate")) == b"x" * 100


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_large_body_does_not_hold_up_the_loop(coding: str) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.ensure_future(tick())
    await compress_body(RANDOM.randbytes(2 << 20), coding)
    ticking.cancel()
    assert ticks


@pytest.mark.parametrize(
    ("asked", "coding"),
    [(None, None), (False, None), ("", None), (True, "deflate"), *((coding, coding) for coding in CODINGS)],
)
def test_a_request_asks_for_a_coding(asked: Any, coding: str | None) -> None:
    assert coding_of(asked) == coding


@pytest.mark.parametrize("asked", ["GZIP", "identity", "lzma", "gzip\r\n", "gzip, br"])
def test_unknown_codings_are_refused(asked: str) -> None:
    with pytest.raises(ValueError, match="can not compress"):
        coding_of(asked)
    with pytest.raises(ValueError, match="can not compress"):
        make_compressor(asked)


def test_only_words_name_codings() -> None:
    with pytest.raises(TypeError, match="compress"):
        coding_of(5)  # type: ignore[arg-type]
