"""The buffer of a stream: pieces of a body in the order of their arrival, and where HTTP chunks end."""

from collections import deque


class PieceBuffer:
    """Holds the bytes of a body between their arrival and their reading, without copying whole pieces.

    Positions are counts of bytes from the beginning of the body.
    """

    __slots__ = ("_last_split", "cursor", "offset", "pieces", "size", "splits")

    def __init__(self) -> None:
        self.pieces: deque[bytes] = deque()
        self.offset = 0  # bytes of the first piece that were taken already
        self.size = 0  # bytes that were not taken yet
        self.cursor = 0  # the position of the first of them
        self.splits: deque[int] = deque()  # positions at which HTTP chunks end
        self._last_split = 0

    def append(self, piece: bytes) -> None:
        """Add a piece at the end."""
        self.pieces.append(piece)
        self.size += len(piece)

    def split(self, position: int) -> None:
        """Note that an HTTP chunk ends at a position; an empty chunk is ignored."""
        if position > self._last_split:
            self._last_split = position
            self.splits.append(position)

    def take(self, n: int) -> bytes:
        """Remove up to `n` bytes from the front and return them; a whole piece is returned as it is."""
        pieces = self.pieces
        offset = self.offset
        if n >= self.size:
            n = self.size
            if offset:
                self.trim()
            piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
        elif len(pieces[0]) - offset > n:
            self.offset = offset + n
            piece = pieces[0][offset : offset + n]
        else:
            taken = []
            missing = n
            while missing and len(pieces[0]) - offset <= missing:
                head = pieces.popleft()
                taken.append(head[offset:] if offset else head)
                missing -= len(head) - offset
                offset = 0
            if missing:
                taken.append(pieces[0][:missing])
            self.offset = missing
            piece = taken[0] if len(taken) == 1 else b"".join(taken)
        self.size -= n
        self.cursor += n
        splits = self.splits
        while splits and splits[0] < self.cursor:
            splits.popleft()
        return piece

    def put_back(self, data: bytes) -> None:
        """Add bytes at the front."""
        self.trim()
        self.pieces.appendleft(data)
        self.size += len(data)
        self.cursor -= len(data)

    def trim(self) -> None:
        """Cut off the bytes of the first piece that were taken already."""
        if self.offset:
            self.pieces[0] = self.pieces[0][self.offset :]
            self.offset = 0

    def replace(self, whole: bytes) -> None:
        """Replace all pieces by one, which has their bytes and may have more."""
        self.pieces.clear()
        self.pieces.append(whole)
        self.offset = 0
        self.size = len(whole)
