"""Multipart framing: the delimiters between the parts of a body that is received, and the heads of its parts.

RFC 2046 §5.1, for parts of forms RFC 7578.
"""

import re
from typing import Final, Protocol

from multidict import CIMultiDict, CIMultiDictProxy

from gazelle._impl import parse_head
from gazelle.errors import BadHttpMessage, ClientPayloadError, LineTooLong

READ_SIZE: Final = 64 * 1024
"""Bytes of a body that are read at a time."""

_MAX_PADDING: Final = 256
_MIN_HEAD_BUDGET: Final = 64 * 1024

_STATUS_LINE: Final = b"HTTP/1.1 200 \r\n"
_NO_HEADERS: Final = CIMultiDictProxy[str](CIMultiDict())
# After `--` and the boundary, a delimiter goes on with `--` (the last one) or with padding up to the end of the line.
_DELIMITER_END: Final = re.compile(rb"--|[ \t]*\r\n")
_DELIMITER_END_BEGUN: Final = re.compile(rb"-?|[ \t]*\r?")
_HEAD_END: Final = re.compile(rb"\n\r?\n")


class BadMultipart(ClientPayloadError, ValueError):
    """A multipart body is malformed, cut short, or larger than a limit allows."""


class Content(Protocol):
    """The source of a multipart body: a `StreamReader`, or an object with the same `read`."""

    async def read(self, n: int = -1, /) -> bytes:
        """Return 1 to `n` bytes, or b"" at the end."""


class Delimited:
    """Splits a multipart body at its delimiters.

    The preamble is the first body. `read_body` reads the current body; at its end `pass_delimiter` moves to the next
    part, and `read_head` reads the fields of that part. Each byte is scanned a bounded number of times. The buffer
    holds no more than one read and the possible beginning of a delimiter.

    Args:
        content: the source of the bytes.
        boundary: the boundary, without the hyphens before it.
    """

    __slots__ = ("_buffer", "_clear", "_content", "_delimiter", "_delimiter_end", "_error", "_line_end")

    def __init__(self, content: Content, boundary: bytes) -> None:
        self._content = content
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # a delimiter may also be the first line
        self._clear = 0  # bytes at the start of the buffer that belong to the body
        self._delimiter_end = 0  # end of the delimiter at the start of the buffer; 0: none found there yet
        # The buffer starts with a line end that may belong to a delimiter, and is no part of the body.
        self._line_end = True
        self._error: BadMultipart | None = None

    def fail(self, reason: str) -> BadMultipart:
        """Return an error for the caller to raise; every later read raises it again."""
        self._error = BadMultipart(reason)
        return self._error

    async def _fill(self, missing: str) -> None:
        if self._error is not None:
            raise self._error
        data = await self._content.read(READ_SIZE)
        if not data:
            raise self.fail(f"multipart body ends before its {missing}")
        self._buffer += data

    async def read_body(self, n: int) -> bytes:
        """Return 1 to `n` bytes of the current body, or b"" at its end."""
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
        """Decide whether the buffer starts with body or with a delimiter; return False if that takes more bytes."""
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
            # A delimiter holds one CR, its first byte: only the last CR of the buffer can begin one.
            found = buffer.rfind(b"\r", max(0, len(buffer) - len(delimiter) + 1))
            if found < 0 or not delimiter.startswith(buffer[found:]):
                found = len(buffer)
        self._clear = found
        return found > 0

    def _starts_with_delimiter(self) -> bool | None:
        """Return whether the buffer starts with a delimiter; None if that takes more bytes."""
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
        """Read the rest of the current body and drop it."""
        while await self.read_body(READ_SIZE):
            pass

    def pass_delimiter(self) -> bool:
        """Consume the delimiter at the end of the body, and return whether it was the last one."""
        is_last = self._buffer.startswith(b"--", len(self._delimiter))
        del self._buffer[: self._delimiter_end]
        self._delimiter_end = 0
        return is_last

    async def read_head(self, max_field_size: int, max_headers: int) -> CIMultiDictProxy[str]:
        """Read the header fields of a part.

        Args:
            max_field_size: longest header field, name and value, in bytes.
            max_headers: most header fields.

        Raises:
            BadMultipart: the head is malformed, cut short or too large.
        """
        buffer = self._buffer
        budget = max(_MIN_HEAD_BUDGET, 2 * max_field_size)
        searched = 0
        while True:
            # A part without fields begins with the empty line.
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
        # The empty line stays in the buffer: if the body is empty, it belongs to the delimiter.
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


class PartBody:
    """The body of one part; at its end as soon as the reader moves to the next part.

    Attributes:
        done: whether the end was reached.
    """

    __slots__ = ("_source", "done")

    def __init__(self, source: Delimited) -> None:
        self._source = source
        self.done = False

    async def read(self, n: int = -1, /) -> bytes:
        """Return 1 to `n` bytes, or b"" at the end."""
        if self.done:
            return b""
        piece = await self._source.read_body(n)
        if not piece:
            self.done = True
        return piece
