"""Deadlines: what every request pays for its timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from benchmarks.micro.conftest import Twin


class Owner:
    """Who would be told of a deadline that passes; none does here."""

    def on_deadline(self, deadline: Any) -> None:
        """Never called."""
        raise AssertionError("a deadline of five minutes has passed")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that holds the timer and never runs."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_add_and_remove_a_deadline(benchmark: Any, twin: Twin, loop: asyncio.AbstractEventLoop) -> None:
    module = twin.module("deadlines")
    deadlines, deadline = module.Deadlines(loop), module.Deadline(Owner())
    add, remove, start = deadlines.add, deadlines.remove, monotonic()

    def work() -> None:
        add(deadline, 300.0, start)
        remove(deadline)

    benchmark(work)
    assert not deadline.armed
    deadlines.close()


def test_add_and_remove_among_1000_deadlines(benchmark: Any, twin: Twin, loop: asyncio.AbstractEventLoop) -> None:
    module = twin.module("deadlines")
    deadlines, deadline = module.Deadlines(loop), module.Deadline(Owner())
    for number in range(1000):
        deadlines.add(module.Deadline(Owner()), (300.0, 30.0, 10.0)[number % 3], monotonic())
    add, remove, start = deadlines.add, deadlines.remove, monotonic()

    def work() -> None:
        add(deadline, 30.0, start)
        remove(deadline)

    benchmark(work)
    assert len(deadlines) == 1000
    deadlines.close()
