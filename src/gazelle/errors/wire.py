"""Errors of parsers and decoders. The client raises them as `__cause__` of its own errors."""

from collections.abc import Mapping
from typing import Any

from .pickling import freeze_state, restore

# Characters or bytes of what the peer sent that an error message quotes.
_QUOTE_LIMIT = 100


def _quoted(data: bytes | str) -> str:
    return repr(data) if len(data) <= _QUOTE_LIMIT else f"{data[:_QUOTE_LIMIT]!r}..."


class HttpProcessingError(Exception):
    """Base of the errors of the wire.

    Args:
        code: HTTP status that says the same. Default: that of the class, 0 if it has none.
        message: what is wrong.
        headers: headers that belong to the error, if there are any.
    """

    code = 0

    def __init__(self, *, code: int | None = None, message: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        if code is not None:
            self.code = code
        self.message = message
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.code}, message={self.message!r}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self), self.args, freeze_state(self.__dict__))


class BadHttpMessage(HttpProcessingError):
    """What the peer sent is not an HTTP/1 message."""

    code = 400

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message=message, headers=headers)
        self.args = (message,)


class BadStatusLine(BadHttpMessage):
    """The status line is malformed.

    Args:
        line: the offending line.
        error: what is wrong, instead of a text that quotes the line.
    """

    def __init__(self, line: str | bytes = "", error: str | None = None) -> None:
        super().__init__(error or f"Bad status line {_quoted(line)}")
        self.args = (line,) if error is None else (line, error)
        self.line = line


class InvalidHeader(BadHttpMessage):
    """A header field is malformed.

    Args:
        hdr: the offending line or name.
    """

    def __init__(self, hdr: bytes | str) -> None:
        super().__init__(f"Invalid HTTP header: {_quoted(hdr)}")
        self.args = (hdr,)
        self.hdr = hdr


class LineTooLong(BadHttpMessage):
    """A line is longer than its limit.

    Args:
        line: the line, or the part of it that was read.
        limit: the limit in bytes.
        actual_size: the length in bytes, where it is known.
    """

    def __init__(self, line: bytes | str, limit: int | str = "Unknown", actual_size: int | str = "Unknown") -> None:
        super().__init__(f"Got more than {limit} bytes when reading: {_quoted(line)}")
        self.args = (line, limit, actual_size)
        self.line = line
        self.limit = limit
        self.actual_size = actual_size


class PayloadEncodingError(BadHttpMessage):
    """Base of the errors of a body."""


class ContentEncodingError(PayloadEncodingError):
    """The content coding of a body is broken, cut short, or cannot be decoded here."""


class TransferEncodingError(PayloadEncodingError):
    """The chunked coding of a body is broken or ends early."""


class ContentLengthError(PayloadEncodingError):
    """A body is shorter than its Content-Length."""
