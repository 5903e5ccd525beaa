"""An address that swallows connection attempts: its queue of unaccepted connections is full."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def blackhole(host: str = "127.0.0.1") -> Iterator[int]:
    """The port of a listening socket whose next connection attempt will hang."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, 0))
        listener.listen(0)
        for _ in range(16):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
            if not select.select([], [filler], [], 0.05)[1]:
                break
        else:
            raise AssertionError("the queue of the listening socket does not fill up")
        yield listener.getsockname()[1]
