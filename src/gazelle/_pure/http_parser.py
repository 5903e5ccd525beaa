"""Parsing the bytes of a connection into the parts of one response after the other."""

from typing import Final

from gazelle.errors import (
    BadHttpMessage,
    BadStatusLine,
    ContentLengthError,
    LineTooLong,
    ServerDisconnectedError,
    TransferEncodingError,
)

from .chunked import ChunkedDecoder
from .framing import CHUNKED, body_length, may_keep_alive
from .head import find_head_end, parse_head
from .sink import ResponseSink

_HEAD: Final = 0
_FIXED: Final = 1
_CHUNKED: Final = 2
_UNTIL_EOF: Final = 3
_DONE: Final = 4
_FAILED: Final = 5

MAX_INTERIM: Final = 20
MIN_HEAD_BUDGET: Final = 65536

_PROTOCOL: Final = b"HTTP/"


class ResponseParser:
    """Parses the responses of one connection, one at a time, into a sink.

    A head is collected until its empty line is there and parsed in one go, so that an answer never depends on
    where the bytes were split. All interim heads, the final head and the trailer section of one response share
    one budget: 64 KiB, or twice the two line limits if that is more.

    Args:
        sink: receives the parts.
        max_line_size: longest status line, in bytes. Default 8190.
        max_field_size: longest field, name and value together, in bytes. Default 8190.
        max_headers: most fields in a head. Default 128.
    """

    __slots__ = (
        "_bodiless",
        "_budget",
        "_budget_left",
        "_connect",
        "_decoder",
        "_head_only",
        "_interim",
        "_max_field_size",
        "_max_headers",
        "_max_line_size",
        "_pending",
        "_read_until_eof",
        "_remaining",
        "_sink",
        "_state",
        "_upgrade",
        "done",
        "started",
        "switched",
    )

    def __init__(
        self, sink: ResponseSink, max_line_size: int = 8190, max_field_size: int = 8190, max_headers: int = 128
    ) -> None:
        self._sink = sink
        self._decoder = ChunkedDecoder(sink)
        self._pending = bytearray()
        self.set_limits(max_line_size, max_field_size, max_headers)
        self.start("GET", False, True)

    def set_limits(self, max_line_size: int, max_field_size: int, max_headers: int) -> None:
        """Set other limits, which hold from the next `start` on.

        Args:
            max_line_size: longest status line, in bytes.
            max_field_size: longest field, name and value together, in bytes.
            max_headers: most fields in a head.
        """
        self._max_line_size = max_line_size
        self._max_field_size = max_field_size
        self._max_headers = max_headers
        self._budget = max(MIN_HEAD_BUDGET, 2 * (max_line_size + max_field_size))

    def start(self, method: str = "GET", upgrade: bool = False, read_until_eof: bool = True) -> None:
        """Arm the parser for the response to one request.

        Args:
            method: method of the request: responses to HEAD, and successful ones to CONNECT, have no body.
            upgrade: whether the request asked for another protocol, so that 101 is an answer and not an error.
            read_until_eof: whether a body without a length goes on until the connection ends; else it is empty.
        """
        self._state = _HEAD
        self._bodiless = method == "HEAD"
        self._connect = method == "CONNECT"
        self._upgrade = upgrade
        self._read_until_eof = read_until_eof
        self._interim = 0
        self._budget_left = self._budget
        self._remaining = 0
        if self._pending:
            self._pending = bytearray()
        self.done = False
        self.started = False
        self.switched = False

    def feed(self, data: bytes) -> int:
        """Parse received bytes and return how many bytes of it belong to the response.

        It is less than `len(data)` once the response is complete: what follows is not part of it. After an
        error the parser refuses everything until `start`.

        Raises:
            BadHttpMessage: the head is malformed, or a limit is exceeded; see its subclasses.
            TransferEncodingError: the chunked coding is malformed.
        """
        size = len(data)
        if size:
            self.started = True
        if self._state == _FAILED:
            raise BadHttpMessage("The parser has failed before")
        try:
            return self._feed(data, size)
        except BaseException:
            self._state = _FAILED
            raise

    def _feed(self, data: bytes, size: int) -> int:
        text = data  # compiled, the bytes themselves: a slice of those costs a third
        position = 0
        while position < size and self._state != _DONE:
            if self._state == _HEAD:
                position = self._feed_head(data, position, size)
            elif self._state == _FIXED:
                count = size - position
                if count > self._remaining:
                    count = self._remaining
                self._remaining -= count
                self._sink.on_body(text[position : position + count])
                position += count
                if self._remaining == 0:
                    self._finish()
            elif self._state == _CHUNKED:
                position = self._decoder.feed(data, position, size)
                if self._decoder.done:
                    self._finish()
            else:
                self._sink.on_body(data[position:])
                position = size
        return position

    def _feed_head(self, data: bytes, position: int, size: int) -> int:
        """Parse the head if it is whole, else keep the part that has arrived."""
        if self._pending:
            return self._feed_split_head(data, position, size)
        start = position
        # RFC 9112 §2.2: empty lines before a message are skipped (told of requests, as common in responses).
        while start < size and (data[start] == 13 or data[start] == 10):
            start += 1
        end = find_head_end(data, start)
        if end < 0 or start > position:
            # Not whole, or with blank lines before it, whose line ends have to be looked at: the slow way.
            return self._feed_split_head(data, position, size)
        if data[start] != 72 or end - start > self._budget_left:
            self._check_start(data[start : start + 64])
            raise LineTooLong(data[start : start + 100], self._budget_left)
        self._take_head(data, start, end)
        return end

    def _feed_split_head(self, data: bytes, position: int, size: int) -> int:
        """Collect a head that arrives in pieces."""
        pending = self._pending
        before = len(pending)
        pending += data[position:]
        start = 0
        while start < len(pending):
            if pending[start] == 10:
                start += 1
            elif pending[start] == 13 and start + 1 < len(pending) and pending[start + 1] == 10:
                start += 2
            else:
                break
        if start:
            self._budget_left -= start
            if self._budget_left < 0:
                raise LineTooLong(bytes(pending[:100]), self._budget)
            del pending[:start]
        if not pending:
            return size
        scan = before - start - 2
        end = find_head_end(pending, scan if scan > 0 else 0)
        self._check_start(bytes(pending[:64]))
        length = end if end >= 0 else len(pending)
        if length > self._budget_left:
            raise LineTooLong(bytes(pending[:100]), self._budget_left)
        if end < 0:
            return size
        head = bytes(pending[:end])
        self._pending = bytearray()
        self._take_head(head, 0, end)
        return position + start + end - before

    def _check_start(self, line: bytes) -> None:
        """Refuse bytes that cannot begin a response: another protocol may never send an empty line."""
        if line == b"\r":
            return
        if line[:5] != _PROTOCOL[: len(line)]:
            raise BadStatusLine(line)

    def _take_head(self, data: bytes, start: int, end: int) -> None:
        head = parse_head(data, start, end)
        self._budget_left -= end - start
        status = head.status
        switched = status == 101 or (self._connect and 200 <= status < 300)
        length = body_length(head, self._bodiless or switched)
        if head.line_size > self._max_line_size:
            raise LineTooLong(data[start : start + 100], self._max_line_size, head.line_size)
        if head.longest_field > self._max_field_size:
            raise LineTooLong(b"a header field", self._max_field_size, head.longest_field)
        if head.count > self._max_headers:
            raise BadHttpMessage(f"Too many headers received: {head.count}, the limit is {self._max_headers}")
        if status < 200:
            if status != 101:
                self._interim += 1
                if self._interim > MAX_INTERIM:
                    raise BadHttpMessage(f"More than {MAX_INTERIM} interim responses")
                self._sink.on_interim(head)
                return
            if not self._upgrade:
                raise BadHttpMessage("101 Switching Protocols without being asked")
        self.switched = switched
        head.keep_alive = not switched and may_keep_alive(head)
        if length >= 0:
            self._sink.on_head(head)
            if length:
                self._remaining = length
                self._state = _FIXED
            else:
                self._finish()
        elif length == CHUNKED:
            self._sink.on_head(head)
            self._decoder.start(self._budget_left)
            self._state = _CHUNKED
        else:
            head.keep_alive = False
            self._sink.on_head(head)
            if self._read_until_eof:
                self._state = _UNTIL_EOF
            else:
                self._finish()

    def body_left(self) -> int:
        """Return how many bytes of a body with a Content-Length are to come, 0 for any other body."""
        return self._remaining if self._state == _FIXED else 0

    def skip(self, size: int) -> None:
        """Count bytes of a body with a Content-Length that bypassed `feed`, at most `body_left()`."""
        self._remaining -= size
        if self._remaining == 0:
            self._finish()

    def _finish(self) -> None:
        self._state = _DONE
        self.done = True
        self._sink.on_end()

    def feed_eof(self) -> None:
        """Handle the end of the stream, which ends a body without a length.

        Raises:
            ServerDisconnectedError: there was no whole head yet.
            ContentLengthError: the body is shorter than its Content-Length.
            TransferEncodingError: the chunked body is not complete.
        """
        state = self._state
        if state == _DONE:
            return
        if state == _UNTIL_EOF:
            self._finish()
            return
        self._state = _FAILED
        if state == _FIXED:
            raise ContentLengthError(f"Not enough data to satisfy Content-Length: {self._remaining} bytes missing")
        if state == _CHUNKED:
            raise TransferEncodingError("Not enough data to satisfy the chunked transfer coding")
        raise ServerDisconnectedError
