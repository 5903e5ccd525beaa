"""Payloads that read files."""

import asyncio
import codecs
import io
import os
import stat
import tempfile
import threading
from contextlib import aclosing
from pathlib import PurePath
from typing import IO, Any, Final, TextIO

from gazelle import hdrs
from gazelle.types import Sentinel

from .payload_base import PIECE_SIZE, Pieces, PiecewisePayload, spent, text_type, too_short

_TEXT_PIECE: Final = 64 * 1024  # characters
_MAX_BYTE_POSITION: Final = 2**63


class IOBasePayload(PiecewisePayload):
    """A file object that reads bytes, sent from its position at the first use of `size` or the first read.

    It is read in an executor. A seekable file can be sent repeatedly, even while an aborted transfer still reads: each
    piece is read at an explicit position. After `size` was used, exactly that many bytes are sent: bytes appended later
    are left out, and a file that has shrunk is an error.

    Args:
        value: the file.
        disposition: type of the Content-Disposition field that names the file. Default `attachment`; None for no field.
        filename: file name. Default: that of the file, if it has one.
    """

    def __init__(self, value: IO[Any], disposition: str | None = "attachment", *args: Any, **kwargs: Any) -> None:
        if kwargs.get("filename") is None:
            kwargs["filename"] = guess_filename(value)
        super().__init__(value, *args, **kwargs)
        self._lock = threading.Lock()
        self._start = 0
        self._seekable: bool | None = None  # None: not determined yet, nor the position
        if self._filename is not None and disposition is not None and hdrs.CONTENT_DISPOSITION not in self._headers:
            self.set_content_disposition(disposition, filename=self._filename)

    @property
    def size(self) -> int | None:
        """Bytes from the position of the file to its end; None if that is unknown without reading it.

        Raises:
            ValueError: the file is closed, or not open for reading.
        """
        self._locate()
        return self._size

    def _locate(self) -> None:
        """Store the position of the file and the bytes from there to its end, once."""
        if self._seekable is not None:
            return
        seekable = bool(self._value.seekable())
        if seekable:
            try:
                self._start = self._value.tell()
            except OSError:  # for example of a text file during iteration
                seekable = False
        if seekable:
            end = self._end()
            if end is not None:
                self._size = max(end - self._start, 0)
        self._seekable = seekable

    def _end(self) -> int | None:
        """Return the size of the file, None if that is unknown without reading it."""
        file = inner_file(self._value)
        if isinstance(file, tempfile.SpooledTemporaryFile):
            end = file.seek(0, os.SEEK_END)
            file.seek(self._start)
            return end
        return _size_of(file)

    def _begin(self) -> None:
        """Check that the body can be sent, and mark it as sent if it can be only once."""
        self._locate()
        if self._consumed:
            raise spent(self)
        self._consumed = not self._seekable

    async def pieces(self, size: int = PIECE_SIZE) -> Pieces:
        self._begin()
        loop = asyncio.get_running_loop()
        length = self._size
        sent = 0
        ahead: asyncio.Future[bytes] | None = None
        try:
            while length is None or sent < length:
                if ahead is None:
                    ahead = loop.run_in_executor(None, self._read_at, sent, _room(size, length, sent))
                piece = await ahead
                ahead = None
                if not piece:
                    break
                sent += len(piece)
                if length is None or sent < length:
                    ahead = loop.run_in_executor(None, self._read_at, sent, _room(size, length, sent))
                yield piece
        finally:
            # The read in the executor cannot be stopped: retrieve its error, so that the loop does not report it.
            if ahead is not None and not ahead.cancel() and not ahead.cancelled():
                ahead.exception()
        if length is not None and sent < length:
            raise too_short(sent, length)

    def _read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes at `offset` from the start of the body; b"" at the end. Runs in the executor."""
        with self._lock:
            if self._seekable:
                self._value.seek(self._start + offset)
            piece = self._value.read(size)
        if not isinstance(piece, bytes):
            if isinstance(piece, bytearray | memoryview):
                return bytes(piece)
            raise TypeError(f"{self._value!r} must read bytes, not {type(piece).__name__}")
        return piece

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the whole file as text; blocks, as it does not use the executor.

        Args:
            encoding: charset, if the payload has none of its own. Default "utf-8".
            errors: error handler of `bytes.decode`. Default "strict".

        Raises:
            RuntimeError: the file was sent and cannot be sent again.
        """
        self._begin()
        pieces = []
        size = 0
        while piece := self._read_at(size, PIECE_SIZE):
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces).decode(self._encoding or encoding, errors)

    async def close(self) -> None:
        """Close the file, in the executor."""
        if not self._value.closed:
            await asyncio.get_running_loop().run_in_executor(None, self._value.close)


def _size_of(file: Any) -> int | None:
    """Return the size of a regular file of the operating system; None for any other object.

    Raises:
        ValueError: the file is not open for reading.
    """
    raw = file.raw if isinstance(file, io.BufferedReader | io.BufferedRandom | io.BufferedWriter) else file
    # Other objects have a `fileno`, too, but read something else than the bytes of that file, such as a GzipFile.
    if not isinstance(raw, io.FileIO):
        return None
    if not raw.readable():
        raise ValueError(f"{file!r} is not open for reading")
    status = os.fstat(raw.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _room(size: int, length: int | None, sent: int) -> int:
    return size if length is None else min(size, length - sent)


def inner_file(file: Any) -> Any:
    """Return the file that a `tempfile.NamedTemporaryFile` wraps, as it is not an `io.IOBase`; others unchanged."""
    if isinstance(file, io.IOBase):
        return file
    inner = getattr(file, "file", None)
    return inner if isinstance(inner, io.IOBase) else file


def is_file(value: object) -> bool:
    """Return whether this is a file object, such as `open` and `tempfile` return."""
    return isinstance(inner_file(value), io.IOBase)


def guess_filename(value: Any, default: str | None = None) -> str | None:
    """Return the name of a file object without its folder, `default` if it has none."""
    name = getattr(value, "name", None)
    if isinstance(name, str) and name and name[0] != "<" and name[-1] != ">":
        return PurePath(name).name
    return default


class BufferedReaderPayload(IOBasePayload):
    """A file that was opened in binary mode."""


class BytesIOPayload(IOBasePayload):
    """The unread rest of an `io.BytesIO`, whose position does not change and which is not closed.

    A subclass that overrides `read` is read with that method.
    """

    _autoclose = True

    def _end(self) -> int:
        return int(self._value.getbuffer().nbytes)

    def body_bytes(self) -> bytes | None:
        if type(self._value).read is not io.BytesIO.read:
            return None
        self._locate()
        body: bytes = self._value.getvalue()
        return body[self._start : self._start + (self._size or 0)]

    async def pieces(self, size: int = PIECE_SIZE) -> Pieces:
        body = self.body_bytes()
        if body is None:
            async with aclosing(super().pieces(size)) as pieces:
                async for piece in pieces:
                    yield piece
        elif body:
            yield body

    async def close(self) -> None:
        return


class TextIOPayload(IOBasePayload):
    """A file that was opened in text mode.

    If its encoding is the charset of the body, its bytes are sent unchanged, and the size is known. Otherwise it is
    decoded and encoded again, and the size is unknown.

    Args:
        value: the file.
        disposition: type of the Content-Disposition field that names the file. Default `attachment`; None for no field.
        encoding: charset of the body. Default: the one that `content_type` names, else UTF-8.
        content_type: media type. Default `text/plain` with the charset.
    """

    _value: TextIO

    def __init__(
        self,
        value: TextIO,
        disposition: str | None = "attachment",
        *args: Any,
        encoding: str | None = None,
        content_type: str | Sentinel | None = None,
        **kwargs: Any,
    ) -> None:
        charset, content_type = text_type(encoding, content_type)
        codecs.lookup(charset)
        super().__init__(value, disposition, *args, encoding=charset, content_type=content_type, **kwargs)
        self._charset = charset
        self._bytes: Any = None  # the underlying binary file, if it can be sent unchanged
        self._transfers = 0

    def _locate(self) -> None:
        if self._seekable is not None:
            return
        super()._locate()
        file = inner_file(self._value)
        buffer = getattr(file, "buffer", None)
        codec = codecs.lookup(self._charset).name
        if (
            isinstance(file, io.TextIOWrapper)
            and self._seekable
            and codecs.lookup(file.encoding).name == codec
            # At another position the decoder may have state, or a byte order mark would be missing.
            and (self._start == 0 or (codec == "utf-8" and self._start < _MAX_BYTE_POSITION))
        ):
            file.flush()
            self._bytes = buffer
            end = buffer.getbuffer().nbytes if isinstance(buffer, io.BytesIO) else _size_of(buffer)
            if end is not None:
                self._size = max(end - self._start, 0)

    def _end(self) -> int | None:
        return None

    def _read_at(self, offset: int, size: int) -> bytes:
        with self._lock:
            self._bytes.seek(self._start + offset)
            piece: bytes = self._bytes.read(size)
            return piece

    async def pieces(self, size: int = PIECE_SIZE) -> Pieces:
        self._locate()
        if self._bytes is not None:
            async with aclosing(super().pieces(size)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        self._begin()
        self._transfers += 1
        transfer = self._transfers
        loop = asyncio.get_running_loop()
        encoder = codecs.getincrementalencoder(self._charset)()
        first = True
        while text := await loop.run_in_executor(None, self._read_text, transfer, first):
            first = False
            if piece := encoder.encode(text):
                yield piece
        if piece := encoder.encode("", final=True):
            yield piece

    def _read_text(self, transfer: int, first: bool) -> str:
        """Return the next characters; "" at the end. Runs in the executor.

        Raises:
            RuntimeError: a later transfer has rewound the file.
        """
        with self._lock:
            if transfer != self._transfers:
                raise RuntimeError(f"{self._value!r} is sent again, from its start")
            if first and self._seekable:
                self._value.seek(self._start)
            return self._value.read(_TEXT_PIECE)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the rest of the file; blocks, as it does not use the executor. The arguments have no effect."""
        self._begin()
        self._transfers += 1
        with self._lock:
            if self._seekable:
                self._value.seek(self._start)
            return self._value.read()
