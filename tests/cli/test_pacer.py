"""The pacer: wake-ups at planned moments."""

from __future__ import annotations

import asyncio
import threading
from time import perf_counter_ns

import pytest

from gazelle.cli.pacer import Pacer

MILLISECOND = 1_000_000


async def test_a_sleeper_never_wakes_before_the_planned_moment() -> None:
    with Pacer() as pacer:
        begin = perf_counter_ns()
        for step in range(1, 101):
            moment = begin + step * MILLISECOND
            await pacer.until(moment)
            assert perf_counter_ns() >= moment


async def test_a_sleeper_wakes_within_less_than_the_millisecond_of_a_loop_if_it_gets_a_processor() -> None:
    prompt = 0
    with Pacer() as pacer:
        # On a busy machine most wake late, and it takes longer to find these.
        while prompt < 20:
            moment = perf_counter_ns() + MILLISECOND + 300_000
            await pacer.until(moment)
            prompt += perf_counter_ns() - moment < 500_000


async def test_sleepers_wake_in_the_order_of_their_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []
    started: list[int] = []

    # Time stands still until all sleep: on a busy machine the first moments could pass before that.
    monkeypatch.setattr("gazelle.cli.pacer.perf_counter_ns", lambda: perf_counter_ns() - started[0] if started else 0)

    async def sleep(number: int) -> None:
        await pacer.until((number + 1) * 100_000)
        woken.append(number)

    with Pacer() as pacer:
        sleepers = [asyncio.create_task(sleep(number)) for number in range(200)]
        await asyncio.sleep(0)
        started.append(perf_counter_ns())
        await asyncio.gather(*sleepers)

    assert woken == list(range(200))


async def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    with Pacer() as pacer:
        await pacer.until(perf_counter_ns() - 1)


async def test_a_cancelled_sleeper_does_not_disturb_the_others() -> None:
    with Pacer() as pacer:
        begin = perf_counter_ns()
        first = asyncio.create_task(pacer.until(begin + 20 * MILLISECOND))
        second = asyncio.create_task(pacer.until(begin + 30 * MILLISECOND))
        await asyncio.sleep(0)
        first.cancel()
        await second
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_the_thread_ends_at_once_even_with_a_far_moment_ahead() -> None:
    before, begin = threading.active_count(), perf_counter_ns()

    with Pacer() as pacer:
        sleeper = asyncio.create_task(pacer.until(begin + 3_600_000 * MILLISECOND))
        await asyncio.sleep(0.01)
    sleeper.cancel()

    assert perf_counter_ns() - begin < 3_600_000 * MILLISECOND
    assert threading.active_count() == before
