"""Whether a socket has unread input, although no request is under way."""

import select
from typing import Any


class SocketProbe:
    """Looks at a socket without reading from it.

    Args:
        fd: file descriptor of the socket.
    """

    __slots__ = ("_fd", "_poll")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll: Any = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(fd, select.POLLIN)

    def has_input(self) -> bool:
        """Return whether bytes, or the end of the connection, wait to be read."""
        if self._poll is None:
            return bool(select.select([self._fd], [], [], 0)[0])
        return bool(self._poll.poll(0))
