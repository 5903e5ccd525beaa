"""`Deadlines` on real event loops and real time, on both twins."""

import asyncio
import gc
import random
import sys
import weakref
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from tests.support.growth import assert_linear
from tests.support.punctual import HANG, punctual
from tests.support.twins import Twin

SHORT = 0.02
NEVER = 3600.0


class Owner:
    """Remembers which deadlines passed, in order, and when."""

    def __init__(self) -> None:
        self.passed: list[Any] = []
        self.times: list[float] = []
        self.then: Callable[[Any], None] = lambda deadline: None

    def on_deadline(self, deadline: Any) -> None:
        assert not deadline.armed
        self.passed.append(deadline)
        self.times.append(monotonic())
        self.then(deadline)


class CountingLoop:
    """The running loop, counting the timers that are asked of it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.timers: list[asyncio.TimerHandle] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loop, name)

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> asyncio.TimerHandle:
        handle = self.loop.call_later(delay, callback, *args)
        self.timers.append(handle)
        return handle

    @property
    def waiting(self) -> int:
        return sum(not handle.cancelled() for handle in self.timers)


class HandCranked:
    """A loop, and the one timer asked of it, which expires when the test says so."""

    def __init__(self) -> None:
        self.expire: Callable[[], None] = lambda: None

    def call_later(self, delay: float, callback: Callable[[], None]) -> "HandCranked":
        self.expire = callback
        return self

    def cancel(self) -> None:
        """Forget the timer."""
        self.expire = lambda: None


def new(twin: Twin, owner: Any) -> Any:
    return twin.deadlines.Deadline(owner)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for the condition."""
    end = monotonic() + HANG
    while not condition():
        assert monotonic() < end, "it never happened"
        await asyncio.sleep(0.001)


async def test_a_deadline_passes_when_its_time_has_come_and_not_before(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    deadline = new(twin, owner)
    assert deadline.owner is owner
    assert not deadline.armed
    start = monotonic()
    deadlines.add(deadline, SHORT, start)
    assert deadline.armed
    assert deadline.seconds == SHORT
    assert deadline.when == start + SHORT
    assert len(deadlines) == 1
    await until(lambda: bool(owner.passed))
    assert owner.passed == [deadline]
    assert owner.times[0] >= start + SHORT
    assert not deadline.armed
    assert len(deadlines) == 0
    await asyncio.sleep(2 * SHORT)
    assert owner.passed == [deadline]


async def test_a_removed_deadline_never_passes(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    removed, other = new(twin, owner), new(twin, owner)
    deadlines.add(removed, SHORT, monotonic())
    deadlines.add(other, SHORT, monotonic())
    deadlines.remove(removed)
    assert not removed.armed
    deadlines.remove(removed)
    deadlines.remove(new(twin, owner))
    await until(lambda: bool(owner.passed))
    await asyncio.sleep(SHORT)
    assert owner.passed == [other]


async def test_a_deadline_that_is_added_again_has_only_the_new_time(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    deadline = new(twin, owner)
    deadlines.add(deadline, NEVER, monotonic())
    start = monotonic()
    deadlines.add(deadline, SHORT, start)
    assert len(deadlines) == 1
    await until(lambda: bool(owner.passed))
    assert owner.times[0] >= start + SHORT
    deadlines.add(deadline, SHORT, monotonic())
    deadlines.add(deadline, NEVER, monotonic())
    await asyncio.sleep(3 * SHORT)
    assert owner.passed == [deadline]
    deadlines.close()


async def test_deadlines_of_one_duration_pass_in_their_order(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    start = monotonic()
    all_of_them = [new(twin, owner) for _ in range(100)]
    for n, deadline in enumerate(all_of_them):
        deadlines.add(deadline, SHORT, start + n / 10000)
    await until(lambda: len(owner.passed) == 100)
    assert owner.passed == all_of_them


async def test_deadlines_that_began_earlier_find_their_place(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    start = monotonic()
    offsets = [n / 5000 for n in range(50)]
    random.Random(5).shuffle(offsets)
    by_offset = {}
    for offset in offsets:
        by_offset[offset] = new(twin, owner)
        deadlines.add(by_offset[offset], SHORT, start + offset)
    await until(lambda: len(owner.passed) == 50)
    assert owner.passed == [by_offset[offset] for offset in sorted(offsets)]


@punctual(0.03)
async def test_a_shorter_duration_passes_before_a_longer_one_that_was_there_first(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    long, short, middle = (new(twin, owner) for _ in range(3))
    start = monotonic()
    deadlines.add(long, 5 * SHORT, start)
    deadlines.add(short, SHORT, start)
    deadlines.add(middle, 3 * SHORT, start)
    await until(lambda: len(owner.passed) == 3)
    assert owner.passed == [short, middle, long]
    for when, deadline in zip(owner.times, owner.passed, strict=True):
        assert when >= deadline.when


async def test_a_deadline_in_the_past_passes_soon_but_not_inside_add(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    deadlines.add(new(twin, owner), SHORT, monotonic() - 100)
    deadlines.add(new(twin, owner), 0.0, monotonic())
    assert not owner.passed
    await until(lambda: len(owner.passed) == 2)


async def test_there_is_one_timer_and_only_an_earlier_deadline_arms_it_again(twin: Twin) -> None:
    loop = CountingLoop()
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(loop)
    start = monotonic()
    many = [new(twin, owner) for _ in range(1000)]
    for n, deadline in enumerate(many):
        deadlines.add(deadline, NEVER, start + n)
    assert len(loop.timers) == 1
    for deadline in many:
        deadlines.remove(deadline)
    for n, deadline in enumerate(many):
        deadlines.add(deadline, NEVER + 1, start + n)
    assert len(loop.timers) == 1
    deadlines.add(many[0], NEVER / 2, start)
    assert len(loop.timers) == 2
    assert loop.waiting == 1
    deadlines.add(many[1], SHORT, monotonic())
    assert len(loop.timers) == 3
    await until(lambda: bool(owner.passed))
    assert loop.timers[-1] is not loop.timers[2]  # armed for what is next
    deadlines.close()
    await asyncio.sleep(0)
    assert owner.passed == [many[1]]


async def test_a_timer_that_finds_nothing_due_waits_for_the_next(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    early, late = new(twin, owner), new(twin, owner)
    start = monotonic()
    deadlines.add(early, SHORT, start)
    deadlines.add(late, 3 * SHORT, start)
    deadlines.remove(early)
    await until(lambda: bool(owner.passed))
    assert owner.passed == [late]
    assert owner.times[0] >= start + 3 * SHORT


async def test_nothing_passes_after_close(twin: Twin) -> None:
    loop = CountingLoop()
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(loop)
    deadline = new(twin, owner)
    deadlines.add(deadline, SHORT, monotonic())
    deadlines.add(new(twin, owner), 2 * SHORT, monotonic())
    deadlines.close()
    deadlines.close()
    assert len(deadlines) == 0
    assert not deadline.armed
    assert loop.waiting == 0
    await asyncio.sleep(4 * SHORT)
    assert not owner.passed


async def test_an_owner_may_add_and_remove_while_it_is_told(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    first, second, later = (new(twin, owner) for _ in range(3))

    def then(deadline: Any) -> None:
        if deadline is first:
            deadlines.add(first, SHORT, monotonic())
            deadlines.remove(later)
            owner.then = lambda deadline: None

    owner.then = then
    start = monotonic()
    deadlines.add(first, SHORT, start)
    deadlines.add(second, SHORT, start)
    deadlines.add(later, 2 * SHORT, start)
    await until(lambda: len(owner.passed) == 3)
    assert owner.passed == [first, second, first]
    await asyncio.sleep(2 * SHORT)
    assert owner.passed == [first, second, first]


async def test_a_due_deadline_that_is_removed_or_moved_just_before_its_turn_does_not_pass(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    first, removed, moved, last = (new(twin, owner) for _ in range(4))

    def then(deadline: Any) -> None:
        if deadline is first:
            deadlines.remove(removed)
            deadlines.add(moved, 2 * SHORT, monotonic())

    owner.then = then
    start = monotonic()
    for deadline in (first, removed, moved, last):
        deadlines.add(deadline, SHORT, start)
    await until(lambda: len(owner.passed) == 3)
    assert owner.passed == [first, last, moved]
    assert owner.times[2] >= owner.times[0] + 2 * SHORT
    await asyncio.sleep(2 * SHORT)
    assert len(owner.passed) == 3


async def test_an_owner_may_close_while_it_is_told(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    owner.then = lambda deadline: deadlines.close()
    deadlines.add(new(twin, owner), SHORT, monotonic())
    deadlines.add(new(twin, owner), 2 * SHORT, monotonic())
    await asyncio.sleep(4 * SHORT)
    assert len(owner.passed) == 1


async def test_an_owner_that_fails_does_not_rob_the_others(twin: Twin) -> None:
    loop = asyncio.get_running_loop()
    reports: list[dict[str, Any]] = []
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: reports.append(context))
    try:
        owner = Owner()
        deadlines = twin.deadlines.Deadlines(loop)

        def then(deadline: Any) -> None:
            if deadline is first:
                raise ValueError("on purpose")

        owner.then = then
        first, second, third = (new(twin, owner) for _ in range(3))
        start = monotonic()
        deadlines.add(first, SHORT, start)
        deadlines.add(second, SHORT, start)
        deadlines.add(third, 2 * SHORT, start)
        await until(lambda: len(owner.passed) == 3)
    finally:
        loop.set_exception_handler(before)
    assert owner.passed == [first, second, third]
    assert len(reports) == 1
    assert isinstance(reports[0]["exception"], ValueError)


async def test_random_deadlines_pass_exactly_once_unless_removed(twin: Twin) -> None:
    rng = random.Random(11)
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    every = [new(twin, owner) for _ in range(600)]
    removed = set()
    for n, deadline in enumerate(every):
        deadlines.add(deadline, rng.choice((0.0, 0.005, 0.01, 0.03, 0.05, rng.random() / 20)), monotonic())
        victim = rng.choice(every[: n + 1])
        if rng.random() < 0.4 and victim.armed:
            deadlines.remove(victim)
            removed.add(victim)
        if n % 50 == 0:
            await asyncio.sleep(0.002)
    await until(lambda: len(deadlines) == 0)
    assert len(owner.passed) == len(set(owner.passed)) == len(every) - len(removed)
    assert not removed.intersection(owner.passed)
    for when, deadline in zip(owner.times, owner.passed, strict=True):
        assert deadline.when <= when


async def test_an_owner_is_let_go_with_its_deadline(twin: Twin) -> None:
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    owners = [Owner() for _ in range(3)]
    references = [weakref.ref(owner) for owner in owners]
    kept = [new(twin, owner) for owner in owners]
    for deadline in kept:
        deadlines.add(deadline, NEVER, monotonic())
    deadlines.remove(kept[1])
    del deadline
    kept.clear()
    owners.clear()
    gc.collect()
    assert [reference() is None for reference in references] == [False, True, False]
    deadlines.close()
    gc.collect()
    assert all(reference() is None for reference in references)


async def test_durations_that_never_come_again_leave_nothing_behind(twin: Twin) -> None:
    owner = Owner()
    deadlines = twin.deadlines.Deadlines(asyncio.get_running_loop())
    deadline = new(twin, owner)
    blocks = []
    for _ in range(2):
        for n in range(5000):
            deadlines.add(deadline, NEVER + n / 7, monotonic())
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert len(deadlines) == 1
    assert blocks[1] - blocks[0] < 1000, blocks
    deadlines.close()


@pytest.mark.parametrize("shape", ["append", "add-remove", "expire"])
def test_the_cost_of_a_deadline_does_not_grow_with_their_number(twin: Twin, shape: str) -> None:
    def make(count: int) -> Callable[[], None]:
        owner, loop = Owner(), HandCranked()
        deadlines = twin.deadlines.Deadlines(loop)
        every = [new(twin, owner) for _ in range(count)]
        start = monotonic() - (2 * NEVER if shape == "expire" else 0)

        def work() -> None:
            for deadline in every:
                deadlines.add(deadline, NEVER, start)
            if shape == "expire":
                loop.expire()
                assert len(owner.passed) == count
            if shape == "add-remove":
                for deadline in every[::2] + every[1::2]:
                    deadlines.remove(deadline)
            deadlines.close()

        return work

    assert_linear(make, 16_000)
