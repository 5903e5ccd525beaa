"""A timer for coroutines that is more exact than those of event loops."""

import asyncio
import threading
from collections import deque
from time import perf_counter_ns
from types import TracebackType
from typing import Self


class Pacer:
    """Suspends coroutines until times of `time.perf_counter_ns`.

    The timers of uvloop and of asyncio's selectors have a resolution of 1 ms, which would distort the latencies of a
    load with a fixed rate. A thread sleeps until the exact time (within some 100 µs) and wakes the loop. Times must be
    requested in ascending order. The pacer is a context manager, to be entered inside the loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sleepers: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._news = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gazelle-pacer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._news.set()
        self._thread.join()

    async def until(self, moment: int) -> None:
        """Wait until `moment`, in nanoseconds of `time.perf_counter_ns`."""
        if perf_counter_ns() >= moment:
            return
        sleeper: asyncio.Future[None] = self._loop.create_future()
        self._sleepers.append((moment, sleeper))
        self._news.set()
        await sleeper

    def _run(self) -> None:
        sleepers = self._sleepers
        while not self._over.is_set():
            self._news.wait()
            self._news.clear()
            while sleepers and not self._over.is_set():
                wait = sleepers[0][0] - perf_counter_ns()
                if wait > 0:
                    self._over.wait(wait / 1e9)
                else:
                    self._loop.call_soon_threadsafe(_wake, self._take_due())

    def _take_due(self) -> list[asyncio.Future[None]]:
        now = perf_counter_ns()
        due = []
        while self._sleepers and self._sleepers[0][0] <= now:
            due.append(self._sleepers.popleft()[1])
        return due


def _wake(sleepers: list[asyncio.Future[None]]) -> None:
    for sleeper in sleepers:
        if not sleeper.done():  # it may have been cancelled
            sleeper.set_result(None)
