"""Keeps the load of the machine out of tests that compare times: a failure counts only if the event loop kept time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

import pytest

# Seconds after which something counts as never ending. It turns a hang into a failure and says nothing about speed.
HANG = 120.0

TICK = 0.005

Test = TypeVar("Test", bound=Callable[..., Awaitable[None]])


class Lateness:
    """Adds up how late the running event loop calls a timer that is due every few milliseconds.

    A loop that waits for a processor is late, and so is one whose callbacks take long. While it is late, limits of time
    pass that a punctual loop would not have reached.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sum = 0.0
        self._arm()

    @property
    def seconds(self) -> float:
        """The sum so far, with that of a timer which is overdue."""
        return self._sum + max(0.0, monotonic() - self._due)

    def stop(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _arm(self) -> None:
        self._due = monotonic() + TICK
        self._timer = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        # Loops count whole milliseconds; what is less is no lateness.
        late = monotonic() - self._due
        self._sum += late if late > 0.002 else 0.0
        self._arm()


def punctual(slack: float) -> Callable[[Test], Test]:
    """Repeat an `async def` test that fails while the event loop was late by more than `slack` seconds in all.

    `slack` is how late the loop may be without a change of the outcome. A test that passes late has passed, and one
    that fails on time has failed; a test that never gets a punctual loop fails after `HANG` seconds as it last did.
    """

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        async def repeated(*args: object, **kwargs: object) -> None:
            end = monotonic() + HANG
            while True:
                lateness = Lateness()
                try:
                    await test(*args, **kwargs)
                except (Exception, pytest.fail.Exception):
                    if lateness.seconds <= slack or monotonic() > end:
                        raise
                else:
                    return
                finally:
                    lateness.stop()

        return repeated  # type: ignore[return-value]

    return decorate
