"""Files as bodies of requests."""

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
    """A file object that gives bytes, from where it stands when its size is asked for or its first byte is sent.

    It is read in an executor. A seekable file can be sent again, also while an aborted transfer is still reading: every
    piece is read at a position of its own. Once the size was asked for, exactly that many bytes are sent: what a file
    has grown by is left out, and a file that has shrunk is an error.

    Args:
        value: the file.
        disposition: type of the Content-Disposition field that tells the file name, if there is one; None for no field.
        filename: default: the name of the file, if it has one.
    """

    def __init__(self, value: IO[Any], disposition: str | None = "attachment", *args: Any, **kwargs: Any) -> None:
        if kwargs.get("filename") is None:
            kwargs["filename"] = guess_filename(value)
        super().__init__(value, *args, **kwargs)
        self._lock = threading.Lock()
        self._start = 0
        self._seekable: bool | None = None  # not known yet, nor where the file stands
        if self._filename is not None and disposition is not None and hdrs.CONTENT_DISPOSITION not in self._headers:
            self.set_content_disposition(disposition, filename=self._filename)

    @property
    def size(self) -> int | None:
        """Bytes from where the file stands to its end; None if only reading tells.

        Raises:
            ValueError: the file is closed, or not open for reading.
        """
        self._locate()
        return self._size

    def _locate(self) -> None:
        """Note where the file stands, and how much is left of it."""
        if self._seekable is not None:
            return
        seekable = bool(self._value.seekable())
        if seekable:
            try:
                self._start = self._value.tell()
            except OSError:  # such as of a text file that is being iterated over
                seekable = False
        if seekable:
            end = self._end()
            if end is not None:
                self._size = max(end - self._start, 0)
        self._seekable = seekable

    def _end(self) -> int | None:
        """Return the size of the file if that is known without reading it."""
        file = inner_file(self._value)
        if isinstance(file, tempfile.SpooledTemporaryFile):
            end = file.seek(0, os.SEEK_END)
            file.seek(self._start)
            return end
        return _size_of(file)

    def _begin(self) -> None:
        """Check that the body can be sent, and notes that it is."""
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
            # A thread cannot be stopped; nobody is interested in what it still reads, or why it could not.
            if ahead is not None and not ahead.cancel() and not ahead.cancelled():
                ahead.exception()
        if length is not None and sent < length:
            raise too_short(sent, length)

    def _read_at(self, offset: int, size: int) -> bytes:
        """Read, in a thread, `size` bytes or fewer; none at the end of the file."""
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
        """Return the whole file as text; reads it at once, without an executor.

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
        """Close the file, in an executor."""
        if not self._value.closed:
            await asyncio.get_running_loop().run_in_executor(None, self._value.close)


def _size_of(file: Any) -> int | None:
    """Return the size of a file of the operating system; None of anything else.

    Raises:
        ValueError: it is not open for reading.
    """
    raw = file.raw if isinstance(file, io.BufferedReader | io.BufferedRandom | io.BufferedWriter) else file
    # Other objects have a `fileno` too, as a GzipFile, and give something else than what is in that file.
    if not isinstance(raw, io.FileIO):
        return None
    if not raw.readable():
        raise ValueError(f"{file!r} is not open for reading")
    status = os.fstat(raw.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _room(size: int, length: int | None, sent: int) -> int:
    return size if length is None else min(size, length - sent)


def inner_file(file: Any) -> Any:
    """Return the file in a `tempfile.NamedTemporaryFile`, which is no `io.IOBase` itself; any other as it is."""
    if isinstance(file, io.IOBase):
        return file
    inner = getattr(file, "file", None)
    return inner if isinstance(inner, io.IOBase) else file


def is_file(value: object) -> bool:
    """Return whether this is a file object, as `open` and `tempfile` make them."""
    return isinstance(inner_file(value), io.IOBase)


def guess_filename(value: Any, default: str | None = None) -> str | None:
    """Return the name of a file object, without its folder."""
    name = getattr(value, "name", None)
    if isinstance(name, str) and name and name[0] != "<" and name[-1] != ">":
        return PurePath(name).name
    return default


class BufferedReaderPayload(IOBasePayload):
    """A file that was opened in binary mode."""


class BytesIOPayload(IOBasePayload):
    """What is left to read of an `io.BytesIO`, which is not closed.

    Its position stays where it is. A subclass that has a `read` of its own is read with it.
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

    If its encoding is that of the body, its bytes go out as they are, so that the size is known. Otherwise it is
    decoded and encoded again, and its size is not known.

    Args:
        value: the file.
        encoding: charset of the body. Default: the one that `content_type` names, or UTF-8.
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
        self._bytes: Any = None  # the file below the text, if it can be sent as it is
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
            # In the middle there may be the state of a decoder, or no byte order mark.
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
        """Read text in a thread. A later transfer starts anew, and then an earlier one gets nothing more."""
        with self._lock:
            if transfer != self._transfers:
                raise RuntimeError(f"{self._value!r} is sent again, from its start")
            if first and self._seekable:
                self._value.seek(self._start)
            return self._value.read(_TEXT_PIECE)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the whole file; reads it at once, without an executor."""
        self._begin()
        self._transfers += 1
        with self._lock:
            if self._seekable:
                self._value.seek(self._start)
            return self._value.read()
