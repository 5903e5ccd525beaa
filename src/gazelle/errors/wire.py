"""Errors of parsers and decoders, which are the causes of client errors."""

from collections.abc import Mapping
from typing import Any

from .pickling import freeze_state, restore

# Most characters or bytes of received data that an error message quotes.
_QUOTE_LIMIT = 100


def _quoted(data: bytes | str) -> str:
    return repr(data) if len(data) <= _QUOTE_LIMIT else f"{data[:_QUOTE_LIMIT]!r}..."


class HttpProcessingError(Exception):
    """Base of the errors of parsers and decoders.

    Args:
        code: HTTP status code for the error. Default: that of the class, which is 0 or 400.
        message: description of the error. Default "".
        headers: header fields that belong to the error. Default None.
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
    """The peer sent data that is not an HTTP/1 message."""

    code = 400

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message=message, headers=headers)
        self.args = (message,)


class BadStatusLine(BadHttpMessage):
    """The status line is malformed.

    Args:
        line: the malformed line.
        error: message to use instead of one that quotes the line. Default None.
    """

    def __init__(self, line: str | bytes = "", error: str | None = None) -> None:
        super().__init__(error or f"Bad status line {_quoted(line)}")
        self.args = (line,) if error is None else (line, error)
        self.line = line


class InvalidHeader(BadHttpMessage):
    """A header field is malformed.

    Args:
        hdr: the malformed line or name.
    """

    def __init__(self, hdr: bytes | str) -> None:
        super().__init__(f"Invalid HTTP header: {_quoted(hdr)}")
        self.args = (hdr,)
        self.hdr = hdr


class LineTooLong(BadHttpMessage):
    """A line is longer than its limit.

    Args:
        line: the line, or its beginning.
        limit: the limit in bytes. Default "Unknown".
        actual_size: length of the line in bytes. Default "Unknown".
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
    """The content coding of a body is malformed, cut short, or not supported."""


class TransferEncodingError(PayloadEncodingError):
    """The chunked coding of a body is malformed or cut short."""


class ContentLengthError(PayloadEncodingError):
    """A body is shorter than its Content-Length."""
