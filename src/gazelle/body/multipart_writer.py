"""Multipart bodies that are sent (RFC 2046 §5.1, RFC 7578)."""

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
# RFC 2046 §5.1.1 allows fewer characters, but readers accept these. A space at the end would be stripped.
_BOUNDARY: Final = re.compile(r"[\x20-\x7e]{0,69}[\x21-\x7e]")

# Bodies of up to _JOIN_SIZE bytes are joined in memory. Parts of up to _COALESCE_SIZE are sent with their delimiters.
_JOIN_SIZE: Final = 1024 * 1024
_COALESCE_SIZE: Final = 16 * 1024

_BASE64: Final = "base64"
_QUOTED_PRINTABLE: Final = "quoted-printable"
# White space at the end of a line must be escaped (RFC 2045 §6.7).
_NOT_PRINTABLE: Final = re.compile(rb"[^\x20-\x3c\x3e-\x7e\t]|[ \t]\Z")
# RFC 2045 §6.7: lines of at most 76 characters, the `=` at the end included, that do not split an escape.
_LINE: Final = re.compile(rb".{1,75}(?<!=)(?<!=.)", re.DOTALL)
_NO_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary"})


class Part(NamedTuple):
    """A part: its payload, its content encoding and its transfer encoding; "" for none."""

    payload: Payload
    encoding: str
    te_encoding: str


class MultipartWriter(PiecewisePayload):
    """A multipart body: a sequence of parts, each of which is a payload.

    Args:
        subtype: subtype of the media type: `mixed`, `form-data`, `related` and so on. Default `mixed`.
        boundary: separator of the parts, 1 to 70 printable ASCII characters (RFC 2046 §5.1.1) that must not occur in
            a part. Default: 128 random bits.

    Raises:
        TypeError: the boundary is not a str.
        ValueError: the subtype is not a token, or the boundary is not a valid one.
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
        """The separator of the parts."""
        return self._boundary

    @property
    def consumed(self) -> bool:
        """Whether one of the parts was sent and cannot be sent again."""
        return any(part.payload.consumed for part in self._parts)

    @property
    def autoclose(self) -> bool:
        """Whether no part has anything to close."""
        return all(part.payload.autoclose for part in self._parts)

    # --- adding parts ---

    def append(self, obj: Any, headers: LooseHeaders | None = None) -> Payload:
        """Add a part.

        Args:
            obj: an object for which a payload is registered, or a payload.
            headers: header fields of the part; they take precedence over those of a payload.

        Raises:
            TypeError: no payload is registered for the object, or a header field is not a str.
            ValueError: a header field holds a character that is not allowed, or names an unknown encoding.
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

        Its Content-Encoding and Content-Transfer-Encoding (`base64`, `quoted-printable`) are applied when it is sent;
        its Content-Length is set if its size is known. In `form-data` a part has none of these fields (RFC 7578 §4.7,
        §4.8), and one without a Content-Disposition gets the name `section-` and a number.

        Raises:
            TypeError: the argument is not a payload.
            ValueError: the payload has a header field that a form does not allow, or names an unknown encoding.
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
        """Add a value as a part in JSON; see `JsonPayload`."""
        return self.append_payload(JsonPayload(obj, headers=CIMultiDict(headers or ())))

    def append_form(
        self, obj: Sequence[tuple[str, str]] | Mapping[str, str], headers: LooseHeaders | None = None
    ) -> Payload:
        """Add a form as a part, `application/x-www-form-urlencoded`.

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

    # --- sending ---

    def _head(self, part: Part) -> bytes:
        return self._delimiter + serialize_headers(part.payload.headers.items()) + b"\r\n"

    @property
    def size(self) -> int | None:
        """Size in bytes; None if the size of a part is unknown or a part is encoded.

        Raises:
            TypeError: a header field of a part is not a str.
            ValueError: a header field of a part holds a character that is not allowed.
        """
        total = len(self._close_delimiter)
        known = True
        for part in self._parts:
            total += len(self._head(part)) + 2  # checks all heads, so that nothing is sent if one is invalid
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
            writer: receives the body.
            close_boundary: whether to write the closing delimiter. Default True.
        """
        async with aclosing(self._generate(PIECE_SIZE, close_boundary)) as pieces:
            async for piece in pieces:
                await writer.write(piece)

    write_with_length = PiecewisePayload.write_with_length
    chunks = PiecewisePayload.chunks

    async def _generate(self, size: int, close_boundary: bool) -> Pieces:
        heads = [self._head(part) for part in self._parts]
        held = bytearray()  # small pieces, sent together
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
                        # Not held back: the next piece may take long to arrive.
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
        """Close all parts, even if closing one of them fails; then raise the first error."""
        errors: list[Exception] = []
        for part in self._parts:
            try:
                await part.payload.close()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]


async def _encoded(part: Part, size: int) -> Pieces:
    """Yield the body of a part with its encodings applied."""
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
    # In parts, recipients that support content codings at all read only bare deflate data under this name.
    return zlib.compressobj(wbits=-15) if encoding == "deflate" else make_compressor(encoding)


async def _measured(payload: Payload, size: int) -> Pieces:
    """Yield the body of a payload.

    Raises:
        UploadAbortedError: it differs from its size, which would shift the parts after it.
    """
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
    """Yield base64 in a single line: HTTP has no limit on its length."""
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
    """Yield quoted-printable (RFC 2045 §6.7), with line ends escaped so that binary data is preserved."""
    line_break = b""
    async for piece in pieces:
        lines = _LINE.findall(_NOT_PRINTABLE.sub(_escape, piece))
        yield line_break + b"=\r\n".join(lines)
        line_break = b"=\r\n"


def _escape(match: re.Match[bytes]) -> bytes:
    return b"=%02X" % ord(match[0])
