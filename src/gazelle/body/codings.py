"""Decoding of content codings: gzip, deflate, br and zstd, and chains of them (RFC 9110 §8.4)."""

import zlib
from functools import lru_cache
from importlib import import_module
from typing import Any, Final, Protocol

from gazelle.errors import ContentEncodingError
from gazelle.fields.grammar import split_list

from .decoder import CodingDecoder, Decoder, Engine

__all__ = [
    "MAX_CODINGS",
    "MAX_WINDOW_LOG",
    "Decoder",
    "ZlibBackend",
    "accept_encoding",
    "decode_all",
    "make_decoder",
    "set_zlib_backend",
]

MAX_CODINGS: Final = 5
"""Most codings in a chain."""

MAX_WINDOW_LOG: Final = 23
"""Largest window of a zstd frame, as a power of two: 8 MB (RFC 9659 §3)."""

# Most bytes that one decoder of a chain passes to the next at a time.
_CHAIN_STEP = 64 * 1024

# Below this many bytes of input the standard library's zlib is at least as fast as ISA-L, above it ISA-L wins.
_SMALL_INPUT = 2048

_RAW_DEFLATE: Final = -15
_ZLIB: Final = 15
_GZIP: Final = 31


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


_isal_zlib: Final = _optional("isal.isal_zlib")
_zstd: Final = _optional("compression.zstd") or _optional("backports.zstd")
_brotli: Final = _optional("brotli")
# brotli before 1.2 cannot limit its output, so that a few hundred bytes could fill the memory: it is not used.
_HAS_BROTLI: Final = hasattr(getattr(_brotli, "Decompressor", None), "can_accept_more_data")


class ZlibBackend(Protocol):
    """A module with the interface of the standard library's `zlib`, for `set_zlib_backend`."""

    @property
    def error(self) -> type[Exception]: ...

    def decompressobj(self, wbits: int = ...) -> Any: ...


class _ZlibChoice:
    """Selects the zlib module that inflates: the one that was set, else the faster one for the size of the body."""

    def __init__(self) -> None:
        self.fixed: ZlibBackend | None = None

    def for_size(self, size: int | None) -> ZlibBackend:
        if self.fixed is not None:
            return self.fixed
        if _isal_zlib is None or (size is not None and size < _SMALL_INPUT):
            return zlib
        backend: ZlibBackend = _isal_zlib
        return backend


_zlib_choice: Final = _ZlibChoice()


def set_zlib_backend(new_zlib_backend: ZlibBackend | None) -> None:
    """Set the module that decodes gzip and deflate from now on, for bodies of any size.

    Args:
        new_zlib_backend: a module with `decompressobj` and `error` like those of the standard library's `zlib`
            (`zlib_ng`, `isal_zlib`, `zlib`). None restores the default: ISA-L if it is installed and the body has at
            least 2048 bytes or is of unknown size, else `zlib`.

    Raises:
        TypeError: the module lacks `decompressobj` or `error`.
    """
    for name in ("decompressobj", "error"):
        if new_zlib_backend is not None and not hasattr(new_zlib_backend, name):
            raise TypeError(f"a zlib backend needs {name!r}, which {new_zlib_backend!r} does not have")
    _zlib_choice.fixed = new_zlib_backend


def accept_encoding() -> str:
    """Return the value of the Accept-Encoding field: the codings whose modules are installed."""
    return _ACCEPT_ENCODING


_ACCEPT_ENCODING: Final = "gzip, deflate" + (", br" if _HAS_BROTLI else "") + (", zstd" if _zstd else "")


class _Inflate:
    """An `Engine` over a zlib decompression object."""

    __slots__ = ("_error", "_inflater", "_tail", "eof", "needs_input", "unused_data")

    def __init__(self, backend: ZlibBackend, wbits: int) -> None:
        self._error = backend.error
        self._inflater = backend.decompressobj(wbits=wbits)
        self._tail = b""
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        inflater = self._inflater
        given = self._tail or data
        # For zlib, 0 means no limit. After a piece of full length it may hold more, even if it took all input.
        piece: bytes = inflater.decompress(given, max(max_length, 0))
        self._tail = inflater.unconsumed_tail
        self.needs_input = not self._tail and len(piece) != max_length
        self.eof = inflater.eof
        if self.eof:
            self.unused_data = inflater.unused_data
        elif given and not piece and len(self._tail) == len(given):
            raise self._error("the decompressor takes no input and gives no output")
        return piece


class _Unbrotli:
    """An `Engine` over a brotli decompressor."""

    __slots__ = ("_decompressor", "_offset", "_spill", "eof", "needs_input", "unused_data")

    def __init__(self) -> None:
        self._decompressor = _brotli.Decompressor()
        self._spill = b""
        self._offset = 0
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        decompressor = self._decompressor
        piece = self._spill
        drained = False
        if not piece and max_length < 0:
            piece = decompressor.process(data)
            drained = True
        elif not piece:
            # brotli's limit is approximate: it returns whole blocks of at least 32 KB, for a limit of 1 a single one.
            # It may hold more output after a block, although `can_accept_more_data` says that it waits for input.
            piece = decompressor.process(data, output_buffer_limit=1)
            drained = not piece
        start = self._offset
        end = len(piece) if max_length < 0 else min(len(piece), start + max_length)
        spilled = end < len(piece)
        self._spill, self._offset = (piece, end) if spilled else (b"", 0)
        self.eof = not spilled and decompressor.is_finished()
        self.needs_input = drained and decompressor.can_accept_more_data()
        return piece if end - start == len(piece) else piece[start:end]


class _GzipDecoder(CodingDecoder):
    """Decodes gzip (RFC 1952). Zero bytes after the last member are padding, as to most tools; others are an error."""

    __slots__ = ("_backend", "_padding")

    name = "gzip"

    def __init__(self, backend: ZlibBackend) -> None:
        super().__init__(backend.error)
        self._backend = backend
        self._padding = False

    def _start(self) -> Engine:
        return _Inflate(self._backend, _GZIP)

    def _may_follow(self) -> bool:
        first = self._data[self._position]
        if first == 0 or self._padding:
            if self._data[self._position :].strip(b"\0"):
                self._fail("trailing data after its end mark")
            self._padding = True
            self._position = len(self._data)
            return False
        if first != 0x1F:
            self._fail("trailing data after its end mark")
            return False
        return True


class _DeflateDecoder(CodingDecoder):
    """Decodes deflate: the zlib format (RFC 1950), or bare deflate data (RFC 1951), which some servers send instead."""

    __slots__ = ("_backend",)

    name = "deflate"

    def __init__(self, backend: ZlibBackend) -> None:
        super().__init__(backend.error)
        self._backend = backend

    def _start(self) -> Engine | None:
        head = self._data[self._position : self._position + 2]
        if len(head) < 2:
            return None
        # RFC 1950 §2.2: method 8, a window of at most 32 KB, and a multiple of 31. Read as bare deflate, method 8
        # would be a stored block with padding bits set, which no compressor writes.
        is_zlib = head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and int.from_bytes(head, "big") % 31 == 0
        return _Inflate(self._backend, _ZLIB if is_zlib else _RAW_DEFLATE)


class _BrotliDecoder(CodingDecoder):
    """Decodes br (RFC 7932)."""

    __slots__ = ()

    name = "br"

    def __init__(self) -> None:
        super().__init__(_brotli.error)

    def _start(self) -> Engine:
        return _Unbrotli()


class _ZstdDecoder(CodingDecoder):
    """Decodes zstd (RFC 8878) with the window limit of RFC 9659; a skippable frame counts as a frame."""

    __slots__ = ()

    name = "zstd"
    multi_member = True

    def __init__(self) -> None:
        super().__init__(_zstd.ZstdError)

    def _start(self) -> Engine:
        engine: Engine = _zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)
        return engine


_ZSTD_OPTIONS: Final = {_zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG} if _zstd else {}


class _ChainDecoder(Decoder):
    """Decodes with two decoders in a row; the data between them is bounded, too."""

    __slots__ = ("_first", "_second")

    def __init__(self, first: Decoder, second: Decoder) -> None:
        self._first = first
        self._second = second

    @property
    def pending(self) -> bool:
        return self._second.pending or self._first.pending

    def decode(self, data: bytes, max_length: int = -1) -> bytes:
        pieces: list[bytes] = []
        room = max_length
        try:
            between = self._first.decode(data, _CHAIN_STEP) if data else b""
            while True:
                piece = self._second.decode(between, room)
                if piece:
                    pieces.append(piece)
                    if room > 0:
                        room -= len(piece)
                if not room or self.needs_input:
                    break
                between = b"" if self._second.pending else self._first.decode(b"", _CHAIN_STEP)
        except ContentEncodingError:
            # The decoder keeps the error and raises it again, after the output that precedes it was returned.
            if not pieces:
                raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def finish(self) -> bytes:
        rest = self.decode(b"")
        self._first.finish()
        return rest + self._second.finish()


class _Refusal(Decoder):
    """Refuses a body in a coding that cannot be decoded; an empty body passes."""

    __slots__ = ("_reason",)

    def __init__(self, reason: str) -> None:
        self._reason = reason

    @property
    def pending(self) -> bool:
        return False

    def decode(self, data: bytes, max_length: int = -1) -> bytes:
        if data:
            raise ContentEncodingError(self._reason)
        return b""

    def finish(self) -> bytes:
        return b""


@lru_cache(maxsize=256)
def _parse(content_encoding: str) -> tuple[str, ...]:
    codings = split_list(content_encoding.lower())
    return tuple(_ALIASES.get(coding, coding) for coding in codings if coding != "identity")


_ALIASES: Final = {"x-gzip": "gzip"}
_KNOWN: Final = frozenset({"gzip", "deflate", "br", "zstd"})


def _missing(coding: str, package: str) -> str:
    return f"Can not decode content-encoding: {coding}. Please install `{package}`"


# Codings that cannot be decoded, each with the error message.
_MISSING: Final[dict[str, str]] = {}
if not _HAS_BROTLI:
    _MISSING["br"] = _missing("brotli (br)", "brotli>=1.2")
if _zstd is None:
    _MISSING["zstd"] = _missing("zstandard (zstd)", "backports.zstd")


def _single(coding: str, size: int | None) -> Decoder:
    if coding == "br":
        return _BrotliDecoder()
    if coding == "zstd":
        return _ZstdDecoder()
    backend = _zlib_choice.for_size(size)
    return _GzipDecoder(backend) if coding == "gzip" else _DeflateDecoder(backend)


def _chain(content_encoding: str, size: int | None) -> Decoder | None:
    codings = _parse(content_encoding)
    if not codings or not _KNOWN.issuperset(codings):
        return None
    if len(codings) > MAX_CODINGS:
        return _Refusal(f"Can not decode content-encoding: {len(codings)} codings are more than {MAX_CODINGS}")
    for coding in codings:
        if coding in _MISSING:
            return _Refusal(_MISSING[coding])
    # RFC 9110 §8.4: listed in the order in which they were applied, so the last one comes off first.
    decoder = _single(codings[-1], size)
    for coding in reversed(codings[:-1]):
        decoder = _ChainDecoder(decoder, _single(coding, None))
    return decoder


def make_decoder(content_encoding: str) -> Decoder | None:
    """Return a decoder for one body; None if the body has no coding, or one that is unknown.

    If a coding's module is not installed, or the chain has more than `MAX_CODINGS` codings, the decoder raises at the
    first byte of the body.

    Args:
        content_encoding: value of the Content-Encoding field; several fields joined with commas.
    """
    return _chain(content_encoding, None)


def decode_all(data: bytes, content_encoding: str) -> bytes:
    """Return a whole body decoded, without a limit on its size.

    Args:
        data: the whole raw body.
        content_encoding: as for `make_decoder`.

    Raises:
        ContentEncodingError: the body is cut short or damaged, or its coding cannot be decoded.
    """
    decoder = _chain(content_encoding, len(data)) if data else None
    return data if decoder is None else decoder.decode(data) + decoder.finish()
