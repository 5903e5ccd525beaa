"""The base classes of payloads, the bodies of requests."""

import asyncio
import mimetypes
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from multidict import CIMultiDict

from gazelle import hdrs
from gazelle._impl import serialize_headers
from gazelle.abc import AbstractStreamWriter
from gazelle.errors import UploadAbortedError
from gazelle.fields.disposition import build_content_disposition
from gazelle.fields.grammar import check_text
from gazelle.fields.media_type import parse_media_type
from gazelle.types import LooseHeaders, Sentinel, sentinel

PIECE_SIZE: Final = 256 * 1024
"""Bytes that are read from a file at a time."""

Pieces = AsyncGenerator[bytes, None]


class Payload(ABC):
    """The body of a request, or of a part of a multipart body.

    A subclass overrides `write`, or derives from `PiecewisePayload`, which is faster. For a subclass that overrides
    `write` or `write_with_length`, `chunks` yields the bytes it writes, and `body_bytes` returns None.

    Args:
        value: the object that holds the body.
        headers: header fields of the body; a Content-Type among them takes precedence over `content_type`.
        content_type: media type. Default: guessed from the file name, else that of the class.
        filename: file name, used to guess the media type and sent in a Content-Disposition field. Default none.
        encoding: charset of the body, if it is text. Default none.
        kwargs: arguments of other payload types, ignored, so that callers can pass the same to all of them.

    Raises:
        TypeError: a header field, the media type or the file name is not a str.
        ValueError: one of them holds a character that a header field may not hold.
    """

    _default_content_type: str = "application/octet-stream"
    _size: int | None = None
    _consumed: bool = False
    _autoclose: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        # A subclass that overrides `write` must not inherit a shortcut that bypasses it.
        if "write" in own and "write_with_length" not in own:
            cls.write_with_length = Payload.write_with_length  # type: ignore[method-assign]
        if "write" in own or "write_with_length" in own:
            if "chunks" not in own:
                cls.chunks = Payload.chunks  # type: ignore[method-assign]
            if "body_bytes" not in own:
                cls.body_bytes = Payload.body_bytes  # type: ignore[method-assign]

    def __init__(
        self,
        value: Any,
        headers: LooseHeaders | None = None,
        content_type: str | Sentinel | None = sentinel,
        filename: str | None = None,
        encoding: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._value = value
        self._encoding = encoding
        self._filename = filename
        self._headers: CIMultiDict[str] = CIMultiDict()
        if filename is not None:
            check_text("filename", filename)
        if content_type is sentinel or content_type is None:
            content_type = self._guess_content_type()
        else:
            check_text("content_type", content_type)
        self._headers[hdrs.CONTENT_TYPE] = content_type
        if headers:
            self._headers.update(headers)
            serialize_headers(self._headers.items())

    def _guess_content_type(self) -> str:
        guess = mimetypes.guess_type(self._filename)[0] if self._filename is not None else None
        return guess or self._default_content_type

    @property
    def size(self) -> int | None:
        """Size in bytes; None if it is not known before the body is sent."""
        return self._size

    @property
    def filename(self) -> str | None:
        """Name of the file the body comes from, None if there is none."""
        return self._filename

    @property
    def headers(self) -> CIMultiDict[str]:
        """Header fields of the body, as a mutable multidict; a new payload always has a Content-Type."""
        return self._headers

    @property
    def encoding(self) -> str | None:
        """Charset of the body, None if it is not text."""
        return self._encoding

    @property
    def content_type(self) -> str:
        """Value of the Content-Type field."""
        content_type = self._headers.get(hdrs.CONTENT_TYPE)
        return self._guess_content_type() if content_type is None else content_type

    @property
    def consumed(self) -> bool:
        """Whether the body was sent, at least in part, and cannot be sent again."""
        return self._consumed

    @property
    def autoclose(self) -> bool:
        """Whether `close` has nothing to release."""
        return self._autoclose

    def set_content_disposition(
        self, disptype: str, quote_fields: bool = True, _charset: str = "utf-8", **params: Any
    ) -> None:
        """Set the Content-Disposition field (RFC 6266, RFC 7578 §4.2).

        Args:
            disptype: the type, like `form-data` or `attachment`.
            quote_fields: whether to encode file names so that the field is ASCII. Default True.
            _charset: charset of percent-encoded text. Default "utf-8".
            params: the parameters, such as `name` and `filename`.

        Raises:
            TypeError: a value is not a str.
            ValueError: the type or a name is not a token, or a value holds a control character.
        """
        self._headers[hdrs.CONTENT_DISPOSITION] = build_content_disposition(
            disptype, params, quote_fields=quote_fields, charset=_charset
        )

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text.

        Args:
            encoding: charset, if the payload has none of its own. Default "utf-8".
            errors: error handler of `bytes.decode`. Default "strict".

        Raises:
            TypeError: the body is not in memory.
        """
        body = self.body_bytes()
        if body is None:
            raise TypeError(f"{type(self).__name__} cannot be decoded: its body is not in memory")
        return body.decode(self._encoding or encoding, errors)

    def body_bytes(self) -> bytes | None:
        """Return the whole body if it is in memory and can be sent repeatedly, else None."""
        return None

    async def chunks(self, size: int = PIECE_SIZE) -> Pieces:
        """Yield the body in pieces, none of them empty.

        Args:
            size: bytes to read from a file at a time. Pieces of other bodies may be larger. Default 256 KiB.

        Raises:
            RuntimeError: the body was sent and cannot be sent again.
            UploadAbortedError: the body is shorter than its size.
        """
        handoff = _Handoff()
        task = asyncio.ensure_future(self.write_with_length(handoff, self.size))
        task.add_done_callback(handoff.end)
        try:
            while (piece := await handoff.pieces.get()) is not None:
                yield piece
                handoff.pieces.task_done()
            await task
        finally:
            if task.cancel():
                await asyncio.wait([task])
                if not task.cancelled():
                    task.exception()  # mark it as retrieved: the consumer has stopped

    @abstractmethod
    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body to `writer`, without calling its `write_eof`."""

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the first `content_length` bytes of the body.

        Args:
            writer: receives the body.
            content_length: number of bytes, as the Content-Length field says; None for the whole body.

        Raises:
            UploadAbortedError: the body has fewer bytes.
        """
        if content_length is None:
            await self.write(writer)
            return
        limited = _LimitedWriter(writer, content_length)
        await self.write(limited)
        limited.check_length()

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the whole body. The arguments exist for compatibility and have no effect."""
        body = self.body_bytes()
        if body is not None:
            return body
        async with aclosing(self.chunks()) as pieces:
            return b"".join([piece async for piece in pieces])

    async def close(self) -> None:
        """Close the source of the body. May be called at any time and repeatedly."""
        return


class _Handoff(AbstractStreamWriter):
    """Puts each written piece into the queue `pieces` and waits until the consumer has processed it."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        if len(chunk):
            self.pieces.put_nowait(bytes(chunk))
            await self.pieces.join()

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def drain(self) -> None:
        return

    def end(self, task: "asyncio.Task[None]") -> None:
        self.pieces.put_nowait(None)


class _LimitedWriter(AbstractStreamWriter):
    """Passes on the first `length` bytes and drops the rest."""

    def __init__(self, writer: AbstractStreamWriter, length: int) -> None:
        self._writer = writer
        self._length = length
        self._left = length

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        if len(chunk) > self._left:
            chunk = bytes(chunk)[: self._left]
        if len(chunk):
            self._left -= len(chunk)
            await self._writer.write(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def drain(self) -> None:
        await self._writer.drain()

    def check_length(self) -> None:
        if self._left:
            raise too_short(self._length - self._left, self._length)


def too_short(sent: int, length: int) -> UploadAbortedError:
    """Return the error for a body that ends after `sent` of `length` bytes."""
    return UploadAbortedError(f"The body ends after {sent} of {length} bytes")


class PiecewisePayload(Payload):
    """A payload whose body is an asynchronous generator; a subclass overrides `pieces`."""

    @abstractmethod
    def pieces(self, size: int = PIECE_SIZE) -> Pieces:
        """Yield the body; arguments and errors as for `chunks`."""

    def chunks(self, size: int = PIECE_SIZE) -> Pieces:
        return self.pieces(size)

    async def write(self, writer: AbstractStreamWriter) -> None:
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                await writer.write(piece)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        left = sys.maxsize if content_length is None else content_length
        async with aclosing(self.pieces()) as pieces:
            while left:
                piece = await anext(pieces, b"")
                if not piece:
                    break
                if len(piece) > left:
                    piece = piece[:left]
                left -= len(piece)
                await writer.write(piece)
        if left and content_length is not None:
            raise too_short(content_length - left, content_length)


def spent(payload: Payload) -> RuntimeError:
    """Return the error for a payload that cannot be sent a second time."""
    return RuntimeError(f"{type(payload).__name__} was sent already, and cannot be sent again")


def text_type(encoding: str | None, content_type: str | Sentinel | None) -> tuple[str, str]:
    """Return the charset and the media type of a text, each derived from the other if it is not given."""
    if content_type is None or isinstance(content_type, Sentinel):
        encoding = encoding or "utf-8"
        return encoding, f"text/plain; charset={encoding}"
    if encoding is None:
        check_text("content_type", content_type)
        encoding = parse_media_type(content_type).parameters.get("charset", "utf-8")
    return encoding, content_type
