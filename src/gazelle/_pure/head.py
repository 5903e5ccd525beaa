"""Parsing a whole response head into a `ResponseHead` (RFC 9112 §2-§5)."""

import re
from typing import Final

from multidict import CIMultiDictProxy

from gazelle.errors import BadStatusLine, InvalidHeader
from gazelle.fields import grammar
from gazelle.types import HttpVersion, HttpVersion10, HttpVersion11

from .headers import build_headers

# NUL never, and CR only before LF: RFC 9112 §2.2 lets a recipient take a bare CR for an error.
_FORBIDDEN: Final = re.compile(rb"\x00|\r(?!\n)")
# HTTP/1.0 and HTTP/1.1 only; the reason phrase may be missing, with or without its space.
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\x00\r\n]*))?\r?\n")
# A field line and the lines folded onto it (obs-fold, RFC 9112 §5.2).
_FIELD_LINE: Final = re.compile(rb"(%b):([^\n]*(?:\n[ \t][^\n]*)*)\n" % grammar.TOKEN.encode())
_DIGITS: Final = re.compile(rb"[0-9]+")


class ResponseHead:
    """The status line and the fields of one response.

    `keep_alive` belongs to whoever parses on: the head only carries it.
    """

    __slots__ = (
        "_headers",
        "_reason",
        "connection",
        "content_encoding",
        "content_length",
        "count",
        "has_cookies",
        "keep_alive",
        "line_size",
        "longest_field",
        "minor",
        "raw_headers",
        "status",
        "transfer_encoding",
    )

    def __init__(self, status: int, minor: int, reason: bytes, line_size: int) -> None:
        self.status = status
        self.minor = minor
        self.line_size = line_size
        self.raw_headers: tuple[tuple[bytes, bytes], ...] = ()
        self.count = 0
        self.longest_field = 0
        self.transfer_encoding: bytes | None = None
        self.content_length: bytes | None = None
        self.connection: bytes | None = None
        self.content_encoding: bytes | None = None
        self.has_cookies = False
        self.keep_alive = False
        self._reason = reason
        self._headers: CIMultiDictProxy[str] | None = None

    @property
    def version(self) -> HttpVersion:
        """HTTP version of the response."""
        return HttpVersion11 if self.minor == 1 else HttpVersion10

    @property
    def reason(self) -> str:
        """Reason phrase, empty if there is none."""
        return self._reason.decode("utf-8", "surrogateescape")

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields as a case-insensitive multidict, built on first access."""
        headers = self._headers
        if headers is None:
            headers = self._headers = build_headers(self.raw_headers)
        return headers

    def first(self, name: bytes) -> str | None:
        """Return the first value of the field `name`, given in lower case, without building `headers`."""
        for key, value in self.raw_headers:
            if len(key) == len(name) and key.lower() == name:
                return value.decode("utf-8", "surrogateescape")
        return None

    def all(self, name: bytes) -> list[str]:
        """Return the values of the fields `name`, given in lower case, without building `headers`."""
        return [
            value.decode("utf-8", "surrogateescape")
            for key, value in self.raw_headers
            if len(key) == len(name) and key.lower() == name
        ]


def find_head_end(data: bytes | bytearray, start: int) -> int:
    """Return the position after the first empty line of `data[start:]`, or -1 if there is none yet.

    The bytes before `start` must belong to a line that is not empty.
    """
    crlf = data.find(b"\n\r\n", start)
    if crlf < 0:
        lf = data.find(b"\n\n", start)
        return lf + 2 if lf >= 0 else -1
    lf = data.find(b"\n\n", start, crlf + 1)
    return lf + 2 if lf >= 0 else crlf + 3


def parse_head(data: bytes, start: int, end: int) -> ResponseHead:
    """Parse `data[start:end]`, a head up to and including its empty line.

    Raises:
        BadStatusLine: the first line is not a status line of HTTP/1.0 or HTTP/1.1.
        InvalidHeader: a later line is not a valid field line, or Content-Length is repeated or not a number.
    """
    raw = data[start:end]
    match = _STATUS_LINE.match(raw)
    if match is None:
        raise BadStatusLine(_line(raw, 0))
    minor, status, reason = match.groups()
    position = match.end()
    line_size = position - (2 if raw[position - 2] == 0x0D else 1)
    forbidden = _FORBIDDEN.search(raw, position)
    if forbidden is not None:
        raise InvalidHeader(_line(raw, forbidden.start()))
    head = ResponseHead(int(status), int(minor), reason or b"", line_size)
    fields = []
    size = len(raw) - (2 if raw[-2] == 0x0D else 1)
    while position < size:
        match = _FIELD_LINE.match(raw, position)
        if match is None:
            raise InvalidHeader(_line(raw, position))
        name, value = match.groups()
        position = match.end()
        if b"\n" in value:
            value, folded = unfold(value), True
        else:
            value, folded = value.strip(b" \t\r"), False
        fields.append((name, value))
        _note(head, name.lower(), value, folded)
        if len(name) + len(value) > head.longest_field:
            head.longest_field = len(name) + len(value)
    head.raw_headers = tuple(fields)
    head.count = len(fields)
    return head


def unfold(value: bytes) -> bytes:
    """Return a value of several lines (obs-fold) as one: a space for each line end and the white space around it."""
    # Not by a regular expression: it would look at a long run of spaces from each of them to its end.
    return b" ".join([line.strip(b" \t\r") for line in value.split(b"\n")]).strip(b" ")


def _note(head: ResponseHead, name: bytes, value: bytes, folded: bool) -> None:
    """Keep the fields that decide about the connection and the body."""
    if name == b"content-length":
        if head.content_length is not None or folded or _DIGITS.fullmatch(value) is None:
            raise InvalidHeader(b"Content-Length: " + value)
        head.content_length = value
    elif name == b"transfer-encoding":
        if folded:
            raise InvalidHeader(b"Transfer-Encoding: " + value)
        te = head.transfer_encoding
        head.transfer_encoding = value if te is None else te + b", " + value
    elif name == b"connection":
        head.connection = value if head.connection is None else head.connection + b", " + value
    elif name == b"content-encoding":
        coding = head.content_encoding
        head.content_encoding = value if coding is None else coding + b", " + value
    elif name == b"set-cookie":
        head.has_cookies = True


def _line(raw: bytes, position: int) -> bytes:
    """Return the line around `position`, for an error message."""
    start = raw.rfind(b"\n", 0, position) + 1
    end = raw.find(b"\n", position)
    return raw[start : end if end >= 0 else len(raw)].rstrip(b"\r")
