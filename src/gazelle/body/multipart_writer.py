"""Multipart bodies that go out (RFC 2046 §5.1, RFC 7578)."""

import binascii
import re
import secrets
import sys
import zlib
from collections.abc import AsyncIterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

from multidict import CIMultiDict

from gazelle import hdrs
from gazelle._impl import serialize_headers
from gazelle.abc import AbstractStreamWriter
from gazelle.errors import UploadAbortedError
from gazelle.fields.grammar import TOKEN, quote_string
from gazelle.types import LooseHeaders

from .compress import Compressor, compress_pieces, make_compressor
from .payload import BytesPayload, JsonPayload, LookupError, get_payload
from .payload_base import PIECE_SIZE, Payload, Pieces, PiecewisePayload

_TOKEN: Final = re.compile(TOKEN)
# RFC 2046 §5.1.1 allows fewer characters, but readers take these too. No space at the end: it would be lost.
_BOUNDARY: Final = re.compile(r"[\x20-\x7e]{0,69}[\x21-\x7e]")

# Bodies up to this size are put together in memory, and parts up to that size go out with what surrounds them.
_JOIN_SIZE: Final = 1024 * 1024
_COALESCE_SIZE: Final = 16 * 1024

_BASE64: Final = "base64"
_QUOTED_PRINTABLE: Final = "quoted-printable"
# White space at the end of a line would be lost.
_NOT_PRINTABLE: Final = re.compile(rb"[^\x20-\x3c\x3e-\x7e\t]|[ \t]\Z")
# RFC 2045 §6.7: lines of at most 76 characters with the `=` at their end, which do not end in the middle of an escape.
_LINE: Final = re.compile(rb".{1,75}(?<!=)(?<!=.)", re.DOTALL)
_NO_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary"})


class Part(NamedTuple):
    """A part: what is in it, and how its body is encoded: empty strings for not at all."""

    payload: Payload
    encoding: str
    te_encoding: str


class MultipartWriter(PiecewisePayload):
    """A body that consists of others.

    Args:
        subtype: `mixed`, `form-data`, `related` and so on. Default `mixed`.
        boundary: what separates the parts: 1 to 70 printable ASCII characters that occur in none of them.
            Default: 128 random bits.

    Raises:
        TypeError: an argument is no str.
        ValueError: the subtype is not a token, or the boundary is none.
    """

    def __init__(self, subtype: str = "mixed", boundary: str | None = None) -> None:
        if not isinstance(subtype, str) or _TOKEN.fullmatch(subtype) is None:
            raise ValueError(f"subtype {subtype!r} is not a token")
        if boundary is None:
            boundary = secrets.token_hex(16)
        elif not isinstance(boundary, str):
            raise TypeError(f"boundary must be a str, not {type(boundary).__name__}")
        elif _BOUNDARY.fullmatch(boundary) is None:
            raise ValueError(f"boundary must be 1 to 70 printable ASCII characters (RFC 2046 §5.1.1), not {boundary!r}")
        self._boundary = str.__str__(boundary)
        parameter = self._boundary
        if _TOKEN.fullmatch(parameter) is None:
            parameter = quote_string(parameter)
        super().__init__(None, content_type=f"multipart/{str.__str__(subtype)}; boundary={parameter}")
        self._is_form = subtype == "form-data"
        self._parts: list[Part] = []
        self._delimiter = f"--{self._boundary}\r\n".encode()
        self._close_delimiter = f"--{self._boundary}--\r\n".encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __bool__(self) -> bool:
        return True

    @property
    def boundary(self) -> str:
        """What separates the parts."""
        return self._boundary

    @property
    def consumed(self) -> bool:
        """Whether one of the parts was sent and cannot be sent again."""
        return any(part.payload.consumed for part in self._parts)

    @property
    def autoclose(self) -> bool:
        """Whether no part has anything to close."""
        return all(part.payload.autoclose for part in self._parts)

    # --- putting it together ---

    def append(self, obj: Any, headers: LooseHeaders | None = None) -> Payload:
        """Add a part.

        Args:
            obj: anything a payload is registered for.
            headers: header fields of the part; they win over those of a payload.

        Raises:
            TypeError: no payload is registered for it, or a header is no str.
            ValueError: a header may not go on the wire, or asks for an unknown encoding.
        """
        if isinstance(obj, Payload):
            if headers:
                fields = CIMultiDict(headers)
                serialize_headers(fields.items())
                obj.headers.update(fields)
            return self.append_payload(obj)
        try:
            payload = get_payload(obj, headers=CIMultiDict(headers or ()))
        except LookupError as error:
            raise TypeError(f"Cannot create payload from {obj!r:.100}: {error}") from error
        return self.append_payload(payload)

    def append_payload(self, payload: Payload) -> Payload:
        """Add a payload as a part.

        Its Content-Encoding and Content-Transfer-Encoding (`base64`, `quoted-printable`) are applied when it is sent,
        and its Content-Length is set if its size is known. In `form-data` there are none of these (RFC 7578 §4.7,
        §4.8), and a part without a Content-Disposition is called `section-` and a number.

        Raises:
            TypeError: it is no payload.
            ValueError: it has headers that it may not have, or asks for an unknown encoding.
        """
        if not isinstance(payload, Payload):
            raise TypeError(f"payload must be a Payload, not {type(payload).__name__}")
        if payload is self:
            raise ValueError("a multipart body can not be a part of itself")
        headers = payload.headers
        encoding = te_encoding = ""
        if self._is_form:
            for name in (hdrs.CONTENT_ENCODING, hdrs.CONTENT_LENGTH, hdrs.CONTENT_TRANSFER_ENCODING):
                if name in headers:
                    raise ValueError(f"a part of a form can not have a {name} header (RFC 7578 §4.8)")
            if hdrs.CONTENT_DISPOSITION not in headers:
                payload.set_content_disposition("form-data", name=f"section-{len(self._parts)}")
        else:
            encoding = headers.get(hdrs.CONTENT_ENCODING, "").lower()
            if encoding == "identity":
                encoding = ""
            if encoding:
                make_compressor(encoding)
            te_encoding = headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower()
            if te_encoding in _NO_ENCODINGS:
                te_encoding = ""
            elif te_encoding not in (_BASE64, _QUOTED_PRINTABLE):
                raise ValueError(f"unknown content transfer encoding: {te_encoding!r}")
            if encoding or te_encoding:
                headers.popall(hdrs.CONTENT_LENGTH, None)
            elif (size := payload.size) is not None:
                headers[hdrs.CONTENT_LENGTH] = str(size)
        self._parts.append(Part(payload, encoding, te_encoding))
        return payload

    def append_json(self, obj: Any, headers: LooseHeaders | None = None) -> Payload:
        """Add a value as JSON; see `JsonPayload`."""
        return self.append_payload(JsonPayload(obj, headers=CIMultiDict(headers or ())))

    def append_form(
        self, obj: Sequence[tuple[str, str]] | Mapping[str, str], headers: LooseHeaders | None = None
    ) -> Payload:
        """Add a form as `application/x-www-form-urlencoded`.

        Args:
            obj: pairs of names and values, or a mapping.
            headers: header fields of the part.
        """
        pairs = list(obj.items()) if isinstance(obj, Mapping) else obj
        data = urlencode(pairs, doseq=True).encode()
        fields = CIMultiDict(headers or ())
        return self.append_payload(
            BytesPayload(data, headers=fields, content_type="application/x-www-form-urlencoded", encoding="utf-8")
        )

    # --- sending it ---

    def _head(self, part: Part) -> bytes:
        return self._delimiter + serialize_headers(part.payload.headers.items()) + b"\r\n"

    @property
    def size(self) -> int | None:
        """Size in bytes; None if that of a part is not known or if a part is encoded.

        Raises:
            TypeError: a header of a part is no str.
            ValueError: a header of a part may not go on the wire.
        """
        total = len(self._close_delimiter)
        known = True
        for part in self._parts:
            total += len(self._head(part)) + 2  # of all of them: nothing is sent if one is wrong
            size = None if part.encoding or part.te_encoding else part.payload.size
            if size is None:
                known = False
            else:
                total += size
        return total if known else None

    def body_bytes(self) -> bytes | None:
        pieces: list[bytes] = []
        size = 0
        for part in self._parts:
            if part.encoding or part.te_encoding:
                return None
            body = part.payload.body_bytes()
            if body is None:
                return None
            size += len(body)
            if size > _JOIN_SIZE:
                return None
            pieces += (self._head(part), body, b"\r\n")
        pieces.append(self._close_delimiter)
        return b"".join(pieces)

    def pieces(self, size: int = PIECE_SIZE) -> Pieces:
        return self._generate(size, close_boundary=True)

    async def write(self, writer: AbstractStreamWriter, close_boundary: bool = True) -> None:
        """Write all parts.

        Args:
            writer: what they are written to.
            close_boundary: whether the boundary that ends the last part is written too.
        """
        async with aclosing(self._generate(PIECE_SIZE, close_boundary)) as pieces:
            async for piece in pieces:
                await writer.write(piece)

    write_with_length = PiecewisePayload.write_with_length
    chunks = PiecewisePayload.chunks

    async def _generate(self, size: int, close_boundary: bool) -> Pieces:
        heads = [self._head(part) for part in self._parts]
        held = bytearray()  # small things that go out together
        for head, part in zip(heads, list(self._parts), strict=True):
            held += head
            body = None if part.encoding or part.te_encoding else part.payload.body_bytes()
            if body is not None:
                if len(held) + len(body) <= _COALESCE_SIZE:
                    held += body
                else:
                    yield bytes(held)
                    held.clear()
                    yield body
            else:
                async with aclosing(_encoded(part, size)) as pieces:
                    async for piece in pieces:
                        # At once: more of it may be long in coming.
                        if held and len(held) + len(piece) <= _COALESCE_SIZE:
                            piece = bytes(held) + piece
                        elif held:
                            yield bytes(held)
                        held.clear()
                        yield piece
            held += b"\r\n"
        if close_boundary:
            held += self._close_delimiter
        if held:
            yield bytes(held)

    async def close(self) -> None:
        """Close all parts, also if one of them cannot be closed."""
        errors: list[Exception] = []
        for part in self._parts:
            try:
                await part.payload.close()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]


async def _encoded(part: Part, size: int) -> Pieces:
    """Yield the body of a part, encoded."""
    async with AsyncExitStack() as stack:
        pieces = await stack.enter_async_context(aclosing(_measured(part.payload, size)))
        if part.encoding:
            compressed = compress_pieces(pieces, _part_compressor(part.encoding))
            pieces = await stack.enter_async_context(aclosing(compressed))
        if part.te_encoding:
            encode = _base64 if part.te_encoding == _BASE64 else _quoted_printable
            pieces = await stack.enter_async_context(aclosing(encode(pieces)))
        async for piece in pieces:
            yield piece


def _part_compressor(encoding: str) -> Compressor:
    # In parts, those who know of content codings at all mean bare deflate data by this name, and read only that.
    return zlib.compressobj(wbits=-15) if encoding == "deflate" else make_compressor(encoding)


async def _measured(payload: Payload, size: int) -> Pieces:
    """Yield a body that must be as long as it has said: else the parts after it would be cut off."""
    length = payload.size
    left = sys.maxsize if length is None else length
    async with aclosing(payload.chunks(size)) as pieces:
        async for piece in pieces:
            left -= len(piece)
            if left < 0:
                break
            yield piece
    if length is not None and left:
        raise UploadAbortedError(f"{type(payload).__name__} has not the {length} bytes that it has promised")


async def _base64(pieces: AsyncIterable[bytes]) -> Pieces:
    """Yield base64 in one line: over HTTP there is no limit for it."""
    rest = b""
    async for piece in pieces:
        data = rest + piece
        end = len(data) // 3 * 3
        rest = data[end:]
        if end:
            yield binascii.b2a_base64(data[:end], newline=False)
    if rest:
        yield binascii.b2a_base64(rest, newline=False)


async def _quoted_printable(pieces: AsyncIterable[bytes]) -> Pieces:
    """Yield quoted-printable (RFC 2045 §6.7), line ends encoded too, so that every byte comes back."""
    line_break = b""
    async for piece in pieces:
        lines = _LINE.findall(_NOT_PRINTABLE.sub(_escape, piece))
        yield line_break + b"=\r\n".join(lines)
        line_break = b"=\r\n"


def _escape(match: re.Match[bytes]) -> bytes:
    return b"=%02X" % ord(match[0])
