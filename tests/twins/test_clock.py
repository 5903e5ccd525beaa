"""The clock of deadlines and idle times, on both twins."""

from __future__ import annotations

import time

from tests.support.twins import Twin


def test_the_clock_is_that_of_time_monotonic(twin: Twin) -> None:
    for _ in range(1000):
        before = time.monotonic()
        now = twin.clock.monotonic()
        assert before <= now <= time.monotonic()


def test_the_clock_gives_seconds_as_a_float(twin: Twin) -> None:
    assert type(twin.clock.monotonic()) is float


def test_both_twins_read_the_same_clock(both_twins: tuple[Twin, Twin]) -> None:
    pure, accel = both_twins
    readings = [twin.clock.monotonic() for twin in (pure, accel) * 100]
    assert readings == sorted(readings)
