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
    """A multipart body is malformed, cut short, or larger than it may be."""


class Content(Protocol):
    """What a multipart body is read from, like a `StreamReader`."""

    async def read(self, n: int = -1, /) -> bytes:
        """Return up to `n` bytes, none at the end only."""


class Delimited:
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
        """Return an error to raise; it comes again at every attempt to go on."""
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
        """Return up to `n` bytes of the body, none at its end only."""
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
        """Find out what the buffer starts with; False if that takes more bytes."""
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
        """Go to the end of the body."""
        while await self.read_body(READ_SIZE):
            pass

    def pass_delimiter(self) -> bool:
        """Go behind the delimiter at the end of the body; returns whether it was the last one."""
        is_last = self._buffer.startswith(b"--", len(self._delimiter))
        del self._buffer[: self._delimiter_end]
        self._delimiter_end = 0
        return is_last

    async def read_head(self, max_field_size: int, max_headers: int) -> CIMultiDictProxy[str]:
        """Read the fields of a part, up to its body."""
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


class PartBody:
    """The body of one part; empty as soon as the reader has gone on to the next one."""

    __slots__ = ("_source", "done")

    def __init__(self, source: Delimited) -> None:
        self._source = source
        self.done = False

    async def read(self, n: int = -1, /) -> bytes:
        """Return up to `n` bytes, none at the end only."""
        if self.done:
            return b""
        piece = await self._source.read_body(n)
        if not piece:
            self.done = True
        return piece
