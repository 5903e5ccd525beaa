"""One part of a multipart body that is received: its fields and its decoded bytes (RFC 2046 §5.1, RFC 7578)."""

import binascii
import json
import sys
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import parse_qsl

from multidict import CIMultiDictProxy

from gazelle import hdrs
from gazelle.errors import ContentEncodingError
from gazelle.fields.disposition import content_disposition_filename, parse_content_disposition
from gazelle.fields.grammar import is_charset
from gazelle.fields.media_type import parse_media_type

from .codings import make_decoder
from .decoder import Decoder
from .multipart_framing import READ_SIZE, BadMultipart, PartBody

_Item = TypeVar("_Item")

_DECODE_STEP: Final = 256 * 1024
_BASE64_SPACE: Final = b" \t\r\n"
_NO_TRANSFER_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary"})


class Series(Generic[_Item]):
    """Asynchronous iteration over the results of `next`, up to the first None."""

    async def next(self) -> _Item | None:
        raise NotImplementedError

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Item:
        item = await self.next()
        if item is None:
            raise StopAsyncIteration
        return item


class BodyPartReader(Series[bytes]):
    """Reads a part of a multipart body that is not itself multipart; a `MultipartReader` creates it.

    When that reader moves to the next part, the unread rest of this one is dropped.
    """

    chunk_size = 8192

    def __init__(
        self,
        content: PartBody,
        headers: CIMultiDictProxy[str],
        *,
        subtype: str = "mixed",
        default_charset: str | None = None,
        client_max_size: int = sys.maxsize,
    ) -> None:
        self.headers = headers
        """Header fields of the part."""
        self._content = content
        self._held = bytearray()  # read from the source, but not returned yet
        self._is_form_data = subtype == "form-data"
        self._default_charset = default_charset
        self._client_max_size = client_max_size
        self._decoder: Decoder | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict(self.headers)}>"

    async def next(self) -> bytes | None:
        """Return the unread rest of the body, None if it is empty."""
        return await self.read() or None

    def at_eof(self) -> bool:
        """Return whether a read reached the end of the body."""
        return self._content.done and not self._held

    async def read(self, *, decode: bool = False) -> bytes:
        """Return the unread rest of the body.

        Args:
            decode: whether to decode transfer and content encoding. Default False.

        Raises:
            BadMultipart: the body is cut short, cannot be decoded, or is larger than `client_max_size`.
        """
        pieces = [bytes(self._held)]
        size = len(self._held)
        self._held.clear()
        while piece := await self._content.read(READ_SIZE):
            size += len(piece)
            if size > self._client_max_size:
                raise self._too_large()
            pieces.append(piece)
        data = b"".join(pieces)
        return self.decode(data) if decode else data

    def _too_large(self) -> BadMultipart:
        return BadMultipart(f"a part has more than {self._client_max_size} bytes")

    async def read_chunk(self, size: int = chunk_size) -> bytes:
        """Return the next piece of the body, b"" at the end.

        Each piece of a part with a transfer encoding can be decoded by itself. It may be a few bytes longer or shorter
        than `size`, and base64 is returned without white space.

        Args:
            size: most bytes to return. Default 8192.

        Raises:
            BadMultipart: the body is cut short, or the data decoded by `decode_iter` ends before its end mark.
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
                escape = piece.rfind(b"=", -2)  # an escape has three bytes; one or two of them have arrived
                end = escape if escape >= 0 else len(piece)
            else:
                return piece
            self._held[:] = piece[end:]
            if end:
                return piece[:end]

    async def readline(self) -> bytes:
        """Return the next line of the body with its line end, or the last line without one; b"" at the end.

        Raises:
            BadMultipart: the body is cut short, or the line is larger than `client_max_size`.
        """
        held = self._held
        searched = 0
        while (found := held.find(b"\n", searched)) < 0:
            searched = len(held)
            if searched > self._client_max_size:
                raise self._too_large()
            piece = await self._content.read(READ_SIZE)
            if not piece:
                found = len(held)
                break
            held += piece
        line = bytes(held[: found + 1])
        del held[: found + 1]
        return line

    async def release(self) -> None:
        """Read the rest of the body and drop it."""
        self._held.clear()
        while await self._content.read(READ_SIZE):
            pass

    async def text(self, *, encoding: str | None = None) -> str:
        """Return the decoded body as text.

        Args:
            encoding: charset. Default: that of the part, else that of the form (RFC 7578 §4.6), else UTF-8.

        Raises:
            BadMultipart: as for `read`; or the charset that the part names is unknown.
        """
        data = await self.read(decode=True)
        return data.decode(encoding or self._known_charset())

    def _known_charset(self) -> str:
        charset = self.get_charset("utf-8")
        if not is_charset(charset):
            raise BadMultipart(f"unknown charset: {charset!r:.100}")
        return charset

    async def json(self, *, encoding: str | None = None) -> Any:
        """Return the decoded body as JSON, None if it is empty; arguments and errors as for `text`."""
        text = await self.text(encoding=encoding)
        return json.loads(text) if text else None

    async def form(self, *, encoding: str | None = None) -> list[tuple[str, str]]:
        """Return the decoded body as the pairs of an urlencoded form; arguments and errors as for `text`."""
        data = await self.read(decode=True)
        if not data:
            return []
        charset = encoding or self._known_charset()
        return parse_qsl(data.rstrip().decode(charset), keep_blank_values=True, encoding=charset)

    def get_charset(self, default: str) -> str:
        """Return the charset of the Content-Type field, else that of the form (RFC 7578 §4.6), else `default`."""
        media_type = parse_media_type(self.headers.get(hdrs.CONTENT_TYPE, ""))
        return media_type.parameters.get("charset") or self._default_charset or default

    @cached_property
    def name(self) -> str | None:
        """Name of the form field, from the Content-Disposition field; None if there is none."""
        return content_disposition_filename(self._disposition, "name")

    @cached_property
    def filename(self) -> str | None:
        """File name, from the Content-Disposition field; None if there is none. Chosen by the peer: not a safe path."""
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
        # RFC 7578 §4.8: the parts of a form have no Content-Encoding.
        coding = "" if self._is_form_data else self.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
        return "" if coding == "identity" else coding

    def decode(self, data: bytes) -> bytes:
        """Return a whole body with its transfer and content encoding decoded.

        Args:
            data: the whole body, as `read` returns it.

        Raises:
            BadMultipart: an encoding is unknown, or the data is malformed or decodes to more than `client_max_size`
                bytes.
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
        """Yield the decoded bytes of a piece of the body, at most 256 KiB at a time.

        Args:
            data: a piece, as `read_chunk` returns it; pieces must be passed in order.

        Raises:
            BadMultipart: an encoding is unknown, or the data is malformed.
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
