"""The measures of growth and of punctuality tell what they are to tell."""

import asyncio
import time

import pytest

from tests.support.growth import Work, assert_linear, steps
from tests.support.punctual import Lateness, punctual


def copying(size: int) -> Work:
    """Work that copies all it has for each byte that it gets."""

    def work() -> None:
        kept = b""
        for _ in range(size):
            kept = kept + b"x" * 16

    return work


def appending(size: int) -> Work:
    def work() -> None:
        kept = bytearray()
        for _ in range(size):
            kept += b"x" * 16

    return work


def test_work_that_copies_everything_at_each_step_is_not_linear() -> None:
    with pytest.raises(AssertionError, match="32 times the input"):
        assert_linear(copying, 30_000)


def test_work_that_appends_is_linear() -> None:
    assert_linear(appending, 16_000)


def test_steps_are_those_of_all_that_is_called_and_the_same_each_time() -> None:
    def inner(count: int) -> int:
        return sum(number for number in range(count))

    _, one, same, two = (steps(lambda count=count: inner(count)) for count in (100, 100, 100, 200))  # type: ignore[misc]
    assert one == same > 200
    assert two > 1.8 * one


async def test_a_failure_on_time_is_raised_at_once() -> None:
    runs = 0

    @punctual(60)
    async def fail() -> None:
        nonlocal runs
        runs += 1
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        await fail()
    assert runs == 1


async def test_a_failure_of_a_late_loop_is_tried_again() -> None:
    runs = 0

    @punctual(0.02)
    async def fail_when_late() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            await asyncio.sleep(0)
            time.sleep(0.05)  # noqa: ASYNC251
            pytest.fail("it is late")

    await fail_when_late()
    assert runs == 3


async def test_lateness_counts_what_keeps_the_loop_from_its_timers() -> None:
    lateness = Lateness()
    time.sleep(0.05)  # noqa: ASYNC251
    assert lateness.seconds >= 0.04
    await asyncio.sleep(0.001)
    assert lateness.seconds >= 0.04
    lateness.stop()
