"""Compression of bodies that are sent: gzip, deflate, br and zstd (RFC 9110 §8.4)."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from importlib import import_module
from typing import Any, Final, Protocol

from gazelle.abc import AbstractStreamWriter

# Larger pieces are compressed in the executor, so that they do not block the event loop. All four modules release the
# interpreter lock.
_EXECUTOR_SIZE: Final = 64 * 1024

# brotli's default is its highest quality, which takes a hundred times as long as this one.
_BROTLI_QUALITY: Final = 5


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


_brotli: Final = _optional("brotli")
_zstd: Final = _optional("compression.zstd") or _optional("backports.zstd")


class Compressor(Protocol):
    """Compresses one body, piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """Return the compressed bytes that are complete, which may be none."""

    def flush(self) -> bytes:
        """Return the rest, and end the compressor."""


class _BrotliCompressor:
    """A `Compressor` over the brotli module."""

    __slots__ = ("_compressor",)

    def __init__(self) -> None:
        self._compressor = _brotli.Compressor(quality=_BROTLI_QUALITY)

    def compress(self, data: bytes, /) -> bytes:
        piece: bytes = self._compressor.process(data)
        return piece

    def flush(self) -> bytes:
        piece: bytes = self._compressor.finish()
        return piece


def _gzip() -> Compressor:
    return zlib.compressobj(wbits=31)


def _deflate() -> Compressor:
    return zlib.compressobj(wbits=15)


def _zstandard() -> Compressor:
    compressor: Compressor = _zstd.ZstdCompressor()
    return compressor


_COMPRESSORS: Final[dict[str, Callable[[], Compressor]]] = {"deflate": _deflate, "gzip": _gzip}
if _brotli is not None:
    _COMPRESSORS["br"] = _BrotliCompressor
if _zstd is not None:
    _COMPRESSORS["zstd"] = _zstandard

_PACKAGES: Final = {"br": "brotli", "zstd": "backports.zstd"}


def coding_of(compress: str | bool | None) -> str | None:
    """Return the coding that the `compress` argument of a request asks for; None for none.

    Args:
        compress: a coding; True for `deflate`; None, False or "" for none.

    Raises:
        TypeError: the argument is neither a bool nor a str.
        ValueError: the coding is unknown, or its package is not installed.
    """
    if not compress:
        return None
    if compress is True:
        return "deflate"
    if not isinstance(compress, str):
        raise TypeError(f"compress must be a bool or a str, not {type(compress).__name__}")
    compress = str.__str__(compress)  # a subclass may override `__str__`
    _factory(compress)
    return compress


def make_compressor(coding: str) -> Compressor:
    """Return a compressor for one body.

    Args:
        coding: `deflate` (in the zlib format, RFC 9110 §8.4.1.2), `gzip`, `br` or `zstd`.

    Raises:
        ValueError: the coding is unknown, or its package is not installed.
    """
    return _factory(coding)()


def _factory(coding: str) -> Callable[[], Compressor]:
    factory = _COMPRESSORS.get(coding)
    if factory is None:
        if coding in _PACKAGES:
            raise ValueError(f"to compress with {coding!r}, please install `{_PACKAGES[coding]}`")
        raise ValueError(f"can not compress with {coding!r}; there are {', '.join(sorted(_COMPRESSORS))}")
    return factory


def compress_bytes(data: bytes, coding: str) -> bytes:
    """Return a whole body compressed; arguments and errors as for `make_compressor`."""
    compressor = make_compressor(coding)
    return compressor.compress(data) + compressor.flush()


async def compress_body(data: bytes, coding: str) -> bytes:
    """Return a whole body compressed; a large one is compressed in the executor."""
    if len(data) <= _EXECUTOR_SIZE:
        return compress_bytes(data, coding)
    return await asyncio.get_running_loop().run_in_executor(None, compress_bytes, data, coding)


async def _compress(compressor: Compressor, data: bytes) -> bytes:
    if len(data) <= _EXECUTOR_SIZE:
        return compressor.compress(data)
    return await asyncio.get_running_loop().run_in_executor(None, compressor.compress, data)


async def compress_pieces(pieces: AsyncIterable[bytes], compressor: Compressor) -> AsyncGenerator[bytes, None]:
    """Yield a body compressed, without empty pieces.

    Args:
        pieces: the body.
        compressor: a new one, from `make_compressor`.
    """
    async for piece in pieces:
        if ready := await _compress(compressor, piece):
            yield ready
    if rest := compressor.flush():
        yield rest


class CompressingWriter(AbstractStreamWriter):
    """Compresses the bytes written to it and writes them to another writer.

    `write_eof` must be called at the end, or the body is cut short.

    Args:
        writer: receives the compressed bytes.
        coding: as for `make_compressor`.
    """

    def __init__(self, writer: AbstractStreamWriter, coding: str) -> None:
        self._writer = writer
        self._compressor = make_compressor(coding)

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        if len(chunk) and (ready := await _compress(self._compressor, bytes(chunk))):
            await self._writer.write(ready)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)
        await self._writer.write_eof(self._compressor.flush())

    async def drain(self) -> None:
        await self._writer.drain()
