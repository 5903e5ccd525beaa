"""The memory that a large body is received into: at the end it is the `bytes` of the body, without another copy."""

from collections.abc import Iterable
from io import BytesIO
from typing import Final

_FIRST: Final = 1 << 20


class BodyBuffer:
    """A buffer that grows with what arrives, never with a length that the peer claims.

    It is a `BytesIO`: that is the only way, without C, to write into memory that becomes `bytes` in the end. It can
    neither grow nor end while it has a view. So the view is released when it is certain that the transport has let it
    go: uvloop holds it while it calls `buffer_updated`; and the frame of a transport can live on in a traceback.

    Args:
        pieces: what has arrived already.
    """

    __slots__ = ("_capacity", "_memory", "_view", "size")

    def __init__(self, pieces: Iterable[bytes]) -> None:
        start = b"".join(pieces)
        self.size = len(start)
        self._capacity = max(2 * self.size, _FIRST)
        self._memory = BytesIO(bytes(self._capacity))
        self._memory.write(start)
        self._view: memoryview | None = None

    def buffer(self, hint: int) -> memoryview:
        """Return a writable view of the next bytes, at most `hint` of them and at least one.

        Args:
            hint: how many bytes are expected, at least one.
        """
        self._release_view()
        size = self.size
        if size == self._capacity:
            self._capacity = size + min(size, hint)
            self._memory.seek(self._capacity - 1)
            self._memory.write(b"\0")
        view = self._view = self._memory.getbuffer()[size : min(size + hint, self._capacity)]
        return view

    def wrote(self, size: int) -> None:
        """Count the first `size` bytes of the latest view as written."""
        self.size += size

    def give_back(self) -> bytes:
        """Return all that was received. The buffer cannot be used again, nor can its latest view."""
        self._release_view()
        self._memory.truncate(self.size)
        received = self._memory.getvalue()
        self._memory = BytesIO()
        self._capacity = self.size = 0
        return received

    def _release_view(self) -> None:
        if self._view is not None:
            self._view.release()
            self._view = None
