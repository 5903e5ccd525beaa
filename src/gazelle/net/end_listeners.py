"""Waiters and callbacks of the end of a body."""

import asyncio
import logging
from collections.abc import Callable

_logger = logging.getLogger("gazelle.client")


class EndListeners:
    """Waiters and callbacks that are notified once, when a body is complete or breaks off."""

    __slots__ = ("_callbacks", "_waiters")

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], object]] = []
        self._waiters: list[asyncio.Future[None]] = []

    def add(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the body is complete; never if it breaks off."""
        self._callbacks.append(callback)

    async def wait(self) -> None:
        """Wait until the body is complete, or raise the error with which it breaks off."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def complete(self) -> None:
        """Notify all of the complete body."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            call(callback)

    def fail(self, error: BaseException) -> None:
        """Notify the waiters of the error, and drop the callbacks."""
        self._callbacks.clear()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(error)


def call(callback: Callable[[], object]) -> None:
    """Call a callback, and log its error."""
    try:
        callback()
    except Exception:
        _logger.exception("Exception in eof callback")
