"""Searching a separator across the pieces of a buffer."""

from gazelle.errors import LineTooLong

from .piece_buffer import PieceBuffer


class SeparatorSearch:
    """Finds a separator in a buffer that grows between the attempts, and scans each piece once.

    Args:
        buffer: nothing is taken from it during the search.
        separator: at least one byte.
        limit: most bytes up to the end of the separator.
    """

    __slots__ = ("_buffer", "_length", "_limit", "_scanned", "_separator", "_tail")

    def __init__(self, buffer: PieceBuffer, separator: bytes, limit: int) -> None:
        self._buffer = buffer
        self._separator = separator
        self._limit = limit
        self._scanned = 0  # pieces without the end of a separator
        self._length = 0  # bytes in them
        self._tail = b""  # their last bytes, in which a separator may begin

    def run(self) -> int:
        """Return how many bytes there are up to the end of the separator, 0 if it has not arrived.

        Raises:
            LineTooLong: there are more than `limit`.
        """
        pieces, separator = self._buffer.pieces, self._separator
        while self._scanned < len(pieces) and self._length <= self._limit:
            piece = pieces[self._scanned]
            start = 0 if self._scanned else self._buffer.offset
            tail = self._tail
            found = (tail + piece).find(separator, start) if tail else piece.find(separator, start)
            if found >= 0:
                length = self._length + found - len(tail) - start + len(separator)
                if length > self._limit:
                    raise self._too_long()
                return length
            self._length += len(piece) - start
            self._scanned += 1
            if len(separator) > 1:
                self._tail = (tail + piece[start:])[1 - len(separator) :]
        if self._length > self._limit:
            raise self._too_long()
        return 0

    def _too_long(self) -> LineTooLong:
        start = self._buffer.offset
        return LineTooLong(self._buffer.pieces[0][start : start + 100], self._limit)
