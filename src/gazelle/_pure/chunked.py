"""Chunked transfer coding of a response body (RFC 9112 §7.1)."""

from typing import Final

from gazelle.errors import LineTooLong, TransferEncodingError
from gazelle.fields import grammar

from .sink import ResponseSink

# A line with the size of a chunk and its extensions, CRLF included; and all extensions of one body together.
MAX_SIZE_LINE: Final = 4096
MAX_EXTENSIONS: Final = 16384

_SIZE: Final = 0
_DATA: Final = 1
_DATA_END: Final = 2
_TRAILER: Final = 3

_HEX: Final = bytes(
    byte - 48 if 48 <= byte <= 57 else byte - 55 if 65 <= byte <= 70 else byte - 87 if 97 <= byte <= 102 else 255
    for byte in range(256)
)
_TOKEN: Final = bytes(chr(byte) in grammar.TOKEN_CHARACTERS for byte in range(256))


class ChunkedDecoder:
    """Removes the chunked coding of a body and passes the data to a sink.

    `done` becomes true after the last chunk and the trailer section, which is checked and dropped.
    """

    __slots__ = ("_budget", "_extensions", "_line", "_remaining", "_sink", "_state", "done")

    def __init__(self, sink: ResponseSink) -> None:
        self._sink = sink
        self.start(0)

    def start(self, budget: int) -> None:
        """Begin a body whose trailer section may take `budget` bytes."""
        self.done = False
        self._state = _SIZE
        self._remaining = 0
        self._line = b""
        self._extensions = 0
        self._budget = budget

    def feed(self, data: bytes, position: int, size: int) -> int:
        """Decode `data[position:size]` and return where it stopped: `size`, or the end of the body.

        Raises:
            TransferEncodingError: the coding is malformed.
            LineTooLong: the trailer section is longer than its budget.
            ValueError: the range is not within `data`.
        """
        if not 0 <= position <= size <= len(data):
            raise ValueError("range outside of the data")
        text = data  # compiled, the bytes themselves: a slice of those costs a third
        while position < size and not self.done:
            if self._state == _DATA:
                count = size - position
                if count > self._remaining:
                    count = self._remaining
                self._remaining -= count
                self._sink.on_body(text[position : position + count])
                position += count
                if self._remaining == 0:
                    self._state = _DATA_END
                    self._sink.on_chunk_end()
            elif self._state == _DATA_END:
                # The CRLF after the data; `_remaining` counts what has been seen of it.
                if data[position] != (13 if self._remaining == 0 else 10):
                    raise TransferEncodingError("Chunk data does not end in CRLF")
                position += 1
                if self._remaining == 0:
                    self._remaining = 1
                else:
                    self._remaining = 0
                    self._state = _SIZE
            else:
                position = self._feed_line(data, position, size)
        return position

    def _feed_line(self, data: bytes, position: int, size: int) -> int:
        """Collect a line, and handle it when it is whole."""
        end = data.find(b"\n", position, size)
        stop = size if end < 0 else end + 1
        line = data[position:stop]
        if self._line:
            line = self._line + line
            self._line = b""
        if self._state == _SIZE:
            if len(line) > MAX_SIZE_LINE:
                raise TransferEncodingError(f"Chunk size line is longer than {MAX_SIZE_LINE} bytes")
        elif len(line) > self._budget:
            raise LineTooLong(line[:100], self._budget)
        if end < 0:
            self._line = line
        elif self._state == _SIZE:
            self._take_size(line)
        else:
            self._take_trailer(line)
        return stop

    def _take_size(self, line: bytes) -> None:
        """Read `chunk-size [chunk-ext] CRLF`."""
        end = len(line) - 2
        if end < 1 or line[end] != 13:
            raise TransferEncodingError(f"Chunk size line does not end in CRLF: {line[:100]!r}")
        number = 0
        position = 0
        while position < end:
            digit = _HEX[line[position]]
            if digit == 255:
                break
            # Sixteen digits are 64 bits; the sign bit stays free, as for Content-Length.
            if position == 16 or number >= 0x800000000000000:
                raise TransferEncodingError(f"Chunk size is too large: {line[:100]!r}")
            number = number * 16 + digit
            position += 1
        if position == 0:
            raise TransferEncodingError(f"Bad chunk size: {line[:100]!r}")
        if position < end:
            self._skip_extensions(line, position, end)
        if number == 0:
            self._state = _TRAILER
        else:
            self._state = _DATA
            self._remaining = number

    def _skip_extensions(self, line: bytes, position: int, end: int) -> None:
        """Check white space and extensions after a chunk size; extensions are ignored (RFC 9112 §7.1.1)."""
        while position < end and (line[position] == 32 or line[position] == 9):
            position += 1
        if position == end:
            return
        if line[position] != 59:
            raise TransferEncodingError(f"Bad chunk size: {line[:100]!r}")
        self._extensions += end - position
        if self._extensions > MAX_EXTENSIONS:
            raise TransferEncodingError(f"Chunk extensions are longer than {MAX_EXTENSIONS} bytes")
        while position < end:
            byte = line[position]
            if (byte < 32 and byte != 9) or byte == 127:
                raise TransferEncodingError(f"Control character in a chunk extension: {line[:100]!r}")
            position += 1

    def _take_trailer(self, line: bytes) -> None:
        """Check one line of the trailer section (RFC 9112 §7.1.2); an empty one ends the body."""
        self._budget -= len(line)
        end = len(line) - 2
        if end < 0 or line[end] != 13:
            raise TransferEncodingError(f"Trailer line does not end in CRLF: {line[:100]!r}")
        if end == 0:
            self.done = True
            return
        position = 0
        while position < end and _TOKEN[line[position]]:
            position += 1
        if position == 0 or position == end or line[position] != 58:
            raise TransferEncodingError(f"Bad trailer field: {line[:100]!r}")
        if line.find(b"\r", position, end) >= 0 or line.find(b"\0", position, end) >= 0:
            raise TransferEncodingError(f"Control character in a trailer field: {line[:100]!r}")
