"""Awaitables that are stepped like coroutines, by whatever steps them; on both twins."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.twins import Twin

RESULTS = [None, 3, "text", (), (1, 2), KeyError("a result"), StopIteration(3)]


def steps(twin: Twin, result: Any) -> Any:
    """A call whose full way waits for one turn of the loop, and returns `result`."""

    async def full(*_: object, **__: object) -> Any:
        await asyncio.sleep(0)
        return result

    return twin.call.Call(full, twin.call.Plan(), "GET", "http://h/", {})


def test_the_base_does_not_know_how_to_go_on(twin: Twin) -> None:
    sendable = twin.sendable.Sendable()
    assert sendable.finished is False
    with pytest.raises(NotImplementedError):
        sendable.advance(None)
    with pytest.raises(NotImplementedError):
        sendable.send(None)
    with pytest.raises(NotImplementedError):
        next(sendable)


def test_it_is_its_own_iterator(twin: Twin) -> None:
    call = steps(twin, 3)
    assert call.__await__() is call
    assert iter(call) is call
    call.close()


@pytest.mark.parametrize("result", RESULTS, ids=repr)
def test_send_and_next_stop_with_the_result(twin: Twin, result: Any) -> None:
    for step in (lambda call: call.send(None), next, lambda call: call.__next__()):
        call = steps(twin, result)
        assert step(call) is None
        assert call.finished is False
        with pytest.raises(StopIteration) as stopped:
            step(call)
        assert stopped.value.value is result
        assert call.finished is True


@pytest.mark.parametrize("result", RESULTS, ids=repr)
async def test_await_and_tasks_return_the_result(twin: Twin, result: Any) -> None:
    if not isinstance(result, StopIteration):
        assert await asyncio.create_task(steps(twin, result)) is result
    assert await steps(twin, result) is result


async def test_errors_pass(twin: Twin) -> None:
    async def full(*_: object, **__: object) -> Any:
        await asyncio.sleep(0)
        raise LookupError("full")

    for drive in (asyncio.create_task, lambda call: call):
        with pytest.raises(LookupError, match="full"):
            await drive(twin.call.Call(full, twin.call.Plan(), "GET", "http://h/", {}))


async def test_yield_from_gets_the_result(twin: Twin) -> None:
    class Wrapper:
        def __await__(self) -> Any:
            return (yield from steps(twin, 3))

    assert await Wrapper() == 3


@pytest.mark.parametrize("kind", [int, object])
def test_only_subclasses_are_prepared(twin: Twin, kind: type) -> None:
    with pytest.raises(TypeError, match="is not a Sendable"):
        twin.sendable.step_directly(kind)
