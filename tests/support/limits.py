"""A limit of processor time: for work that would otherwise take hours, and not to measure anything."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def processor_limit(seconds: float) -> Iterator[None]:
    """Fail if the block takes more processor time than this; how busy the machine is does not count.

    Choose a limit a hundred times above what the work takes, and work of which the failure takes a hundred times more.
    """

    def fail(*_: object) -> None:
        raise AssertionError(f"more than {seconds} s of processor time")

    before = signal.signal(signal.SIGVTALRM, fail)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
