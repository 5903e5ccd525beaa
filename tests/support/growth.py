"""Tells work that grows with its input from work that grows with the square of it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from time import thread_time
from types import FrameType
from typing import Any

# The large input has so many times the bytes of the small one. Linear work costs FACTOR times as much, quadratic work
# FACTOR² times. MARGIN is what caches and a shared processor may add; thread time does not count while others run.
FACTOR = 32
MARGIN = 8
# What is this cheap, in seconds, is not worth comparing: the clock and the first call of everything are of this size.
FLOOR = 1e-4
ROUNDS = 3
ATTEMPTS = 5

Work = Callable[[], object]


def growth(make: Callable[[int], Work], size: int) -> float:
    """Return how many times as much thread time the work for `size` takes as that for `size // FACTOR`.

    `make` prepares work outside of the measurement, anew for each run. Each of the two costs is the least of several.
    """
    gc.collect()
    small = large = float("inf")
    for _ in range(ROUNDS):  # one beside the other, so that both find the machine in the same state
        small = min(small, _cost(make(size // FACTOR)))
        large = min(large, _cost(make(size)))
    return (large + FLOOR) / (small + FLOOR)


def assert_linear(make: Callable[[int], Work], size: int) -> None:
    """Fail if the work grows with the square of its size in every one of several attempts."""
    found = []
    for _ in range(ATTEMPTS):
        found.append(growth(make, size))
        if found[-1] <= FACTOR * MARGIN:
            return
    raise AssertionError(f"{FACTOR} times the input took {min(found):.0f} times the time")


def steps(work: Work) -> int:
    """Return how many bytecode instructions a piece of work executes, whatever the machine does meanwhile.

    Functions that were never traced before lack a few of theirs; after that the count is exact.
    """
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def _cost(work: Work) -> float:
    began = thread_time()
    work()
    return thread_time() - began
