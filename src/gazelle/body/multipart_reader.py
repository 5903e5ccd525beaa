"""Multipart bodies that come in (RFC 2046 §5.1, RFC 7578)."""

import binascii
import json
import re
import sys
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import Any, Final, Generic, Protocol, Self, TypeAlias, TypeVar, Union
from urllib.parse import parse_qsl

from multidict import CIMultiDict, CIMultiDictProxy

from gazelle import hdrs
from gazelle._impl import parse_head
from gazelle.errors import BadHttpMessage, ClientPayloadError, ContentEncodingError, LineTooLong
from gazelle.fields.disposition import content_disposition_filename, parse_content_disposition
from gazelle.fields.grammar import is_charset
from gazelle.fields.media_type import MediaType, parse_media_type

from .codings import Decoder, make_decoder

_Item = TypeVar("_Item")

MAX_DEPTH: Final = 10
"""How deep multipart bodies may be nested."""

_READ_SIZE: Final = 64 * 1024
_DECODE_STEP: Final = 256 * 1024
_MAX_BOUNDARY: Final = 70  # RFC 2046 §5.1.1
_MAX_PADDING: Final = 256
_MAX_CHARSET: Final = 31
_MIN_HEAD_BUDGET: Final = 64 * 1024

_STATUS_LINE: Final = b"HTTP/1.1 200 \r\n"
_NO_HEADERS: Final = CIMultiDictProxy[str](CIMultiDict())
# What makes a delimiter of a boundary at the start of a line: it closes, or only padding follows on its line.
_DELIMITER_END: Final = re.compile(rb"--|[ \t]*\r\n")
_DELIMITER_END_BEGUN: Final = re.compile(rb"-?|[ \t]*\r?")
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_BASE64_SPACE: Final = b" \t\r\n"
_NO_TRANSFER_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary"})


class BadMultipart(ClientPayloadError, ValueError):
    """A multipart body is malformed, cut short, or larger than it may be."""


class Content(Protocol):
    """What a multipart body is read from, like a `StreamReader`."""

    async def read(self, n: int = -1, /) -> bytes:
        """Returns up to `n` bytes, none at the end only."""


class ResponseLike(Protocol):
    """What `MultipartReader.from_response` needs of a response."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> Any: ...
    def release(self) -> Any: ...


class _Delimited:
    """The bytes of a multipart body, cut at its delimiters.

    It stands in a body (first in the preamble), which `read_body` reads; at its end `pass_delimiter` goes on to the
    next part, whose fields `read_head` reads. Every byte is looked at a bounded number of times, and no more is kept
    than what was read at once and what may be the beginning of a delimiter.
    """

    __slots__ = ("_buffer", "_clear", "_content", "_delimiter", "_delimiter_end", "_error", "_line_end")

    def __init__(self, content: Content, boundary: bytes) -> None:
        self._content = content
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # the first line is one, too
        self._clear = 0  # bytes at the start of the buffer that belong to the body
        self._delimiter_end = 0  # the buffer starts with a delimiter that ends here; 0 if it does not, or nobody knows
        # The buffer starts with a line end that is no part of the body, but may be one of the delimiter.
        self._line_end = True
        self._error: BadMultipart | None = None

    def fail(self, reason: str) -> BadMultipart:
        """Returns an error to raise; it comes again at every attempt to go on."""
        self._error = BadMultipart(reason)
        return self._error

    async def _fill(self, missing: str) -> None:
        if self._error is not None:
            raise self._error
        data = await self._content.read(_READ_SIZE)
        if not data:
            raise self.fail(f"multipart body ends before its {missing}")
        self._buffer += data

    async def read_body(self, n: int) -> bytes:
        """Returns up to `n` bytes of the body, none at its end only."""
        if self._error is not None:
            raise self._error
        while not self._clear:
            if self._delimiter_end:
                return b""
            if not self._scan():
                await self._fill("closing boundary")
        size = min(n, self._clear)
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._clear -= size
        return piece

    def _scan(self) -> bool:
        """Finds out what the buffer starts with; False if that takes more bytes."""
        buffer, delimiter = self._buffer, self._delimiter
        found = 0 if self._line_end else buffer.find(delimiter)
        if found == 0:
            starts = self._starts_with_delimiter()
            if starts is None:
                return False
            if not starts and self._line_end:
                del buffer[:2]
            elif not starts:
                self._clear = len(delimiter)
            self._line_end = False
            return True
        if found < 0:
            # Only the last CR can begin a delimiter, as there is no other in one.
            found = buffer.rfind(b"\r", max(0, len(buffer) - len(delimiter) + 1))
            if found < 0 or not delimiter.startswith(buffer[found:]):
                found = len(buffer)
        self._clear = found
        return found > 0

    def _starts_with_delimiter(self) -> bool | None:
        """Whether the buffer starts with a delimiter; None if that takes more bytes."""
        buffer, delimiter = self._buffer, self._delimiter
        if not buffer.startswith(delimiter):
            return None if delimiter.startswith(buffer) else False
        match = _DELIMITER_END.match(buffer, len(delimiter))
        if match is not None:
            self._delimiter_end = match.end()
            return True
        if len(buffer) - len(delimiter) > _MAX_PADDING:
            buffer = buffer[: len(delimiter) + _MAX_PADDING]
            if _DELIMITER_END_BEGUN.fullmatch(buffer, len(delimiter)) is not None:
                raise self.fail("multipart boundary has too much white space after it")
            return False
        return None if _DELIMITER_END_BEGUN.fullmatch(buffer, len(delimiter)) is not None else False

    async def skip_body(self) -> None:
        """Goes to the end of the body."""
        while await self.read_body(_READ_SIZE):
            pass

    def pass_delimiter(self) -> bool:
        """Goes behind the delimiter at the end of the body; returns whether it was the last one."""
        is_last = self._buffer.startswith(b"--", len(self._delimiter))
        del self._buffer[: self._delimiter_end]
        self._delimiter_end = 0
        return is_last

    async def read_head(self, max_field_size: int, max_headers: int) -> CIMultiDictProxy[str]:
        """Reads the fields of a part, up to its body."""
        buffer = self._buffer
        budget = max(_MIN_HEAD_BUDGET, 2 * max_field_size)
        searched = 0
        while True:
            # Without fields, the empty line comes first.
            if buffer.startswith((b"\r\n", b"\n")):
                end = start = 0
                break
            match = _HEAD_END.search(buffer, searched)
            if match is not None:
                start, end = match.start() + 1, match.end()
                break
            if len(buffer) > budget:
                raise self.fail(f"header of a part has more than {budget} bytes") from LineTooLong(
                    bytes(buffer[:100]), budget
                )
            searched = max(0, len(buffer) - 2)
            await self._fill("closing boundary")
        headers = _NO_HEADERS
        if end:
            if end > budget:
                raise self.fail(f"header of a part has more than {budget} bytes")
            headers = self._parse(bytes(buffer[:end]), max_field_size, max_headers)
        # The empty line stays: where there is no body, it is the beginning of the delimiter.
        del buffer[:start]
        if buffer.startswith(b"\n"):
            buffer[:1] = b"\r\n"
        self._line_end = True
        return headers

    def _parse(self, lines: bytes, max_field_size: int, max_headers: int) -> CIMultiDictProxy[str]:
        data = _STATUS_LINE + lines
        try:
            head = parse_head(data, 0, len(data))
            if head.count > max_headers:
                raise BadHttpMessage(f"more than {max_headers} headers")
            if head.longest_field > max_field_size:
                raise LineTooLong(lines[:100], max_field_size, head.longest_field)
        except BadHttpMessage as error:
            raise self.fail(f"header of a part is malformed: {error.message}") from error
        return head.headers


class _PartBody:
    """The body of one part; empty as soon as the reader has gone on to the next one."""

    __slots__ = ("_source", "done")

    def __init__(self, source: _Delimited) -> None:
        self._source = source
        self.done = False

    async def read(self, n: int = -1, /) -> bytes:
        """Returns up to `n` bytes, none at the end only."""
        if self.done:
            return b""
        piece = await self._source.read_body(n)
        if not piece:
            self.done = True
        return piece


class _Series(Generic[_Item]):
    """What `next` returns one after the other, for `async for`."""

    async def next(self) -> _Item | None:
        raise NotImplementedError

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Item:
        item = await self.next()
        if item is None:
            raise StopAsyncIteration
        return item


class BodyPartReader(_Series[bytes]):
    """A part of a multipart body that is no multipart body itself. It is made by a `MultipartReader`.

    When the reader goes on to the next part, what was not read of this one is gone.
    """

    chunk_size = 8192

    def __init__(
        self,
        content: _PartBody,
        headers: CIMultiDictProxy[str],
        *,
        subtype: str = "mixed",
        default_charset: str | None = None,
        client_max_size: int = sys.maxsize,
    ) -> None:
        self.headers = headers
        """Header fields of the part."""
        self._content = content
        self._held = bytearray()  # read, but not handed out yet
        self._is_form_data = subtype == "form-data"
        self._default_charset = default_charset
        self._client_max_size = client_max_size
        self._decoder: Decoder | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict(self.headers)}>"

    async def next(self) -> bytes | None:
        """Returns what is left of the body, None if nothing is."""
        return await self.read() or None

    def at_eof(self) -> bool:
        """Returns whether the body was read to its end, and the end was seen."""
        return self._content.done and not self._held

    async def read(self, *, decode: bool = False) -> bytes:
        """Returns what is left of the body.

        Args:
            decode: whether content and transfer encodings are undone.

        Raises:
            BadMultipart: the body is cut short, can not be decoded, or is larger than `client_max_size`.
        """
        pieces = [bytes(self._held)]
        size = len(self._held)
        self._held.clear()
        while piece := await self._content.read(_READ_SIZE):
            size += len(piece)
            if size > self._client_max_size:
                raise self._too_large()
            pieces.append(piece)
        data = b"".join(pieces)
        return self.decode(data) if decode else data

    def _too_large(self) -> BadMultipart:
        return BadMultipart(f"a part has more than {self._client_max_size} bytes")

    async def read_chunk(self, size: int = chunk_size) -> bytes:
        """Returns the next piece of the body, b"" at the end.

        Every piece of a part with a transfer encoding can be decoded by itself; it comes without white space if it is
        base64, and can be a few bytes longer or shorter than asked for.

        Args:
            size: most bytes to return.

        Raises:
            BadMultipart: the body is cut short; or the part was decoded with `decode_iter`, and has no proper end.
            ValueError: the size is not positive.
        """
        if size <= 0:
            raise ValueError(f"size must be positive, not {size}")
        coding = self._transfer_encoding
        while True:
            if self._held and coding not in ("base64", "quoted-printable"):
                piece = bytes(self._held[:size])
                del self._held[:size]
                return piece
            piece = await self._content.read(max(size - len(self._held), 1))
            if not piece:
                self._finish_decoding()
                rest = bytes(self._held)
                self._held.clear()
                return rest
            if coding == "base64":
                piece = bytes(self._held) + piece.translate(None, _BASE64_SPACE)
                end = len(piece) // 4 * 4
            elif coding == "quoted-printable":
                piece = bytes(self._held) + piece
                escape = piece.rfind(b"=", -2)  # of three bytes, one or two are here
                end = escape if escape >= 0 else len(piece)
            else:
                return piece
            self._held[:] = piece[end:]
            if end:
                return piece[:end]

    async def readline(self) -> bytes:
        """Returns a line of the body with its end, or what is left at the end of the body; b"" when nothing is left.

        Raises:
            BadMultipart: the body is cut short, or the line is larger than `client_max_size`.
        """
        held = self._held
        searched = 0
        while (found := held.find(b"\n", searched)) < 0:
            searched = len(held)
            if searched > self._client_max_size:
                raise self._too_large()
            piece = await self._content.read(_READ_SIZE)
            if not piece:
                found = len(held)
                break
            held += piece
        line = bytes(held[: found + 1])
        del held[: found + 1]
        return line

    async def release(self) -> None:
        """Reads the body to its end, and drops it."""
        self._held.clear()
        while await self._content.read(_READ_SIZE):
            pass

    async def text(self, *, encoding: str | None = None) -> str:
        """Returns the decoded body as text.

        Args:
            encoding: charset. Default: that of the part, else that of the form (RFC 7578 §4.6), else UTF-8.

        Raises:
            BadMultipart: see `read`; or the part names no charset that is known.
        """
        data = await self.read(decode=True)
        return data.decode(encoding or self._known_charset())

    def _known_charset(self) -> str:
        charset = self.get_charset("utf-8")
        if not is_charset(charset):
            raise BadMultipart(f"unknown charset: {charset!r:.100}")
        return charset

    async def json(self, *, encoding: str | None = None) -> Any:
        """Returns the decoded body as JSON, None if it is empty; arguments and errors as for `text`."""
        text = await self.text(encoding=encoding)
        return json.loads(text) if text else None

    async def form(self, *, encoding: str | None = None) -> list[tuple[str, str]]:
        """Returns the decoded body as the pairs of an urlencoded form; arguments and errors as for `text`."""
        data = await self.read(decode=True)
        if not data:
            return []
        charset = encoding or self._known_charset()
        return parse_qsl(data.rstrip().decode(charset), keep_blank_values=True, encoding=charset)

    def get_charset(self, default: str) -> str:
        """Returns the charset that the part names, else that of the form, else `default`."""
        media_type = parse_media_type(self.headers.get(hdrs.CONTENT_TYPE, ""))
        return media_type.parameters.get("charset") or self._default_charset or default

    @cached_property
    def name(self) -> str | None:
        """Name of the field of a form, None if there is none."""
        return content_disposition_filename(self._disposition, "name")

    @cached_property
    def filename(self) -> str | None:
        """Name of the file, None if there is none; chosen by the peer, and not safe to be opened as it is."""
        return content_disposition_filename(self._disposition, "filename")

    @cached_property
    def _disposition(self) -> dict[str, str]:
        return parse_content_disposition(self.headers.get(hdrs.CONTENT_DISPOSITION))[1]

    # --- encodings ---

    @cached_property
    def _transfer_encoding(self) -> str:
        coding = self.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").strip().lower()
        return "" if coding in _NO_TRANSFER_ENCODINGS else coding

    @cached_property
    def _content_encoding(self) -> str:
        # RFC 7578 §4.8: parts of forms have no such field.
        coding = "" if self._is_form_data else self.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
        return "" if coding == "identity" else coding

    def decode(self, data: bytes) -> bytes:
        """Returns a whole body with its transfer and content encoding undone.

        Raises:
            BadMultipart: an encoding is unknown, the data is not properly encoded, or gives more than
                `client_max_size` bytes.
        """
        data = self._decode_transfer(data)
        if not data or not self._content_encoding:
            return data
        decoder = self._make_decoder()
        limit = self._client_max_size
        pieces = []
        try:
            piece = decoder.decode(data, _DECODE_STEP)
            while piece or decoder.pending:
                pieces.append(piece)
                limit -= len(piece)
                if limit < 0:
                    raise self._too_large()
                piece = decoder.decode(b"", _DECODE_STEP)
            pieces.append(decoder.finish())
        except ContentEncodingError as error:
            raise BadMultipart(error.message) from error
        return b"".join(pieces)

    async def decode_iter(self, data: bytes) -> AsyncIterator[bytes]:
        """Yields a piece of the body, as `read_chunk` returns it, with its encodings undone, in steps of bounded size.

        Raises:
            BadMultipart: an encoding is unknown, or the data is not properly encoded.
        """
        data = self._decode_transfer(data)
        if not self._content_encoding:
            if data:
                yield data
            return
        if self._decoder is None:
            self._decoder = self._make_decoder()
        decoder = self._decoder
        try:
            piece = decoder.decode(data, _DECODE_STEP)
            while piece or decoder.pending:
                if piece:
                    yield piece
                piece = decoder.decode(b"", _DECODE_STEP)
        except ContentEncodingError as error:
            raise BadMultipart(error.message) from error
        if self.at_eof():
            self._finish_decoding()

    def _finish_decoding(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder is not None and not self._held:
            try:
                decoder.finish()
            except ContentEncodingError as error:
                raise BadMultipart(error.message) from error

    def _make_decoder(self) -> Decoder:
        decoder = make_decoder(self._content_encoding)
        if decoder is None:
            raise BadMultipart(f"unknown content encoding: {self._content_encoding!r:.100}")
        return decoder

    def _decode_transfer(self, data: bytes) -> bytes:
        coding = self._transfer_encoding
        if coding == "base64":
            try:
                return binascii.a2b_base64(data)
            except binascii.Error as error:
                raise BadMultipart(f"a part is no proper base64: {error}") from error
        if coding == "quoted-printable":
            return binascii.a2b_qp(data)
        if coding:
            raise BadMultipart(f"unknown content transfer encoding: {coding!r:.100}")
        return data


Part: TypeAlias = Union[BodyPartReader, "MultipartReader"]


class MultipartResponseWrapper(_Series[Part]):
    """Reads the parts of a response, and releases the response after the last one.

    Args:
        resp: the response.
        stream: the reader of its body.
    """

    def __init__(self, resp: ResponseLike, stream: "MultipartReader") -> None:
        self.resp = resp
        self.stream = stream

    def at_eof(self) -> bool:
        """Returns whether all parts were read."""
        return self.stream.at_eof()

    async def next(self) -> Part | None:
        """Returns the next part, None after the last one; see `MultipartReader.next`."""
        part = await self.stream.next()
        if self.stream.at_eof():
            await self.release()
        return part

    async def release(self) -> None:
        """Releases the response; what was not read is gone."""
        released = self.resp.release()
        if released is not None:
            await released


class MultipartReader(_Series[Part]):
    """Reads the parts of a multipart body, one after the other.

    Args:
        headers: what says that it is one: a Content-Type field with a boundary is among them.
        content: what it is read from.
        client_max_size: most bytes of a part that are read, or decoded, at once. Default: no limit.
        max_field_size: longest header field of a part, name and value, in bytes.
        max_headers: most header fields of a part.

    Raises:
        BadMultipart: there is no such Content-Type field. It is a `ClientPayloadError` and a `ValueError`.
    """

    response_wrapper_cls = MultipartResponseWrapper
    multipart_reader_cls: "type[MultipartReader] | None" = None
    """What reads nested bodies; None for the class of the reader itself."""
    part_reader_cls = BodyPartReader
    """What reads the other parts."""

    def __init__(
        self,
        headers: Mapping[str, str],
        content: Content,
        *,
        client_max_size: int = sys.maxsize,
        max_field_size: int = 8190,
        max_headers: int = 128,
    ) -> None:
        self.headers = headers
        """Header fields of the body."""
        self._media_type = _media_type(headers)
        self._boundary = _boundary(self._media_type)
        self._source = _Delimited(content, self._boundary.encode("utf-8", "surrogateescape"))
        self._client_max_size = client_max_size
        self._max_field_size = max_field_size
        self._max_headers = max_headers
        self._default_charset: str | None = None
        self._body = _PartBody(self._source)  # of the part that is being read, the preamble at first
        # Where a cancelled `next` goes on: there was a part before; behind a delimiter; in the charset of a form.
        self._fetched = False
        self._in_head = False
        self._charset_field: BodyPartReader | None = None
        self._charset = b""
        self._at_eof = False
        self._depth = 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._media_type.value}>"

    @classmethod
    def from_response(cls, response: ResponseLike) -> MultipartResponseWrapper:
        """Returns a reader for the body of a response.

        Raises:
            BadMultipart: it is no multipart body.
        """
        return cls.response_wrapper_cls(response, cls(response.headers, response.content))

    def at_eof(self) -> bool:
        """Returns whether the end of the last part was seen."""
        return self._at_eof

    async def next(self) -> Part | None:
        """Returns the next part, None after the last one. What was not read of the part before is skipped.

        A first part of a form that is called `_charset_` names the charset of the others, and is not returned
        (RFC 7578 §4.6).

        Raises:
            BadMultipart: the body is malformed or cut short.
        """
        part: Part | None = self._charset_field
        if self._charset_field is None:
            is_first = not self._fetched
            part = await self.fetch_next_part()
            if is_first and isinstance(part, BodyPartReader) and self._is_charset_field(part):
                self._charset_field = part
        if self._charset_field is not None:
            while piece := await self._charset_field.read_chunk(_MAX_CHARSET):
                self._charset += piece
                if len(self._charset) > _MAX_CHARSET:
                    raise self._source.fail("the charset of the form is too long")
            self._default_charset = self._charset.strip().decode("ascii", "replace")
            self._charset_field = None
            part = await self.fetch_next_part()
        return part

    def _is_charset_field(self, part: BodyPartReader) -> bool:
        return self._media_type.value == "multipart/form-data" and part.name == "_charset_"

    async def fetch_next_part(self) -> Part | None:
        """Returns the next part, whatever it is called; see `next`."""
        if self._at_eof:
            return None
        if not self._in_head:
            self._body.done = True
            await self._skip_body()
            if self._source.pass_delimiter():
                self._at_eof = True
                return None
            self._in_head = True
        headers = await self._source.read_head(self._max_field_size, self._max_headers)
        self._in_head = False
        self._fetched = True
        self._body = _PartBody(self._source)
        return self._make_part(headers)

    async def _skip_body(self) -> None:
        try:
            await self._source.skip_body()
        except BadMultipart as error:
            if self._fetched:
                raise
            raise BadMultipart(f"multipart body has no boundary {self._boundary!r} in it") from error

    def _make_part(self, headers: CIMultiDictProxy[str]) -> Part:
        media_type = parse_media_type(headers.get(hdrs.CONTENT_TYPE, ""))
        if media_type.value.startswith("multipart/"):
            if self._depth >= MAX_DEPTH:
                raise self._source.fail(f"multipart bodies are nested deeper than {MAX_DEPTH}")
            reader = (self.multipart_reader_cls or type(self))(
                headers,
                self._body,
                client_max_size=self._client_max_size,
                max_field_size=self._max_field_size,
                max_headers=self._max_headers,
            )
            reader._depth = self._depth + 1
            return reader
        return self.part_reader_cls(
            self._body,
            headers,
            subtype=self._media_type.value.partition("/")[2],
            default_charset=self._default_charset,
            client_max_size=self._client_max_size,
        )

    async def release(self) -> None:
        """Reads the body to the end of its last part, and drops it.

        Raises:
            BadMultipart: the body is malformed or cut short.
        """
        while await self.fetch_next_part() is not None:
            pass


def _media_type(headers: Mapping[str, str]) -> MediaType:
    field = CIMultiDict(headers).get(hdrs.CONTENT_TYPE, "")
    media_type = parse_media_type(field)
    if not media_type.value.startswith("multipart/"):
        raise BadMultipart(f"multipart/* content type expected, not {field!r:.100}")
    return media_type


def _boundary(media_type: MediaType) -> str:
    boundary = media_type.parameters.get("boundary", "").rstrip(" ")
    if not boundary:
        raise BadMultipart(f"boundary missed for Content-Type: {media_type.value}")
    if len(boundary) > _MAX_BOUNDARY:
        raise BadMultipart(f"boundary {boundary!r:.100} is too long ({_MAX_BOUNDARY} chars max)")
    return boundary
