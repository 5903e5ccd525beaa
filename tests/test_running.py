"""The runner of `async def` tests notices what a test leaves behind."""

import asyncio
import socket
import sys
from typing import Any

import pytest

from tests.conftest import LOOPS
from tests.support.running import LoopFactory, run_strictly


@pytest.fixture(params=sorted(name for name, factory in LOOPS.items() if factory))
def factory(request: pytest.FixtureRequest) -> LoopFactory | None:
    return LOOPS[request.param]


async def talk() -> None:
    """Open a server, connects, says something, closes everything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


def test_a_clean_test_leaves_nothing(factory: LoopFactory) -> None:
    assert run_strictly(talk(), factory) == []


def test_an_error_of_the_test_comes_through(factory: LoopFactory) -> None:
    async def failing() -> None:
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        run_strictly(failing(), factory)


def test_a_task_that_goes_on_is_noticed(factory: LoopFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.running.GRACE", 0.05)
    tasks: list[asyncio.Task[None]] = []

    async def forgetful() -> None:
        tasks.append(asyncio.create_task(asyncio.sleep(3600)))

    (left,) = run_strictly(forgetful(), factory)
    assert left.startswith("task ")
    assert tasks[0].cancelled()


def test_a_task_that_is_about_to_end_is_waited_for(factory: LoopFactory) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def quick() -> None:
        tasks.append(asyncio.create_task(asyncio.sleep(0.01)))

    assert run_strictly(quick(), factory) == []


def test_a_socket_that_stays_open_is_noticed(factory: LoopFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.running.GRACE", 0.05)
    kept: list[Any] = []

    async def forgetful() -> None:
        kept.append(socket.socket())

    (left,) = run_strictly(forgetful(), factory)
    assert left.startswith("open socket:")
    kept[0].close()


def test_a_report_to_the_event_loop_is_noticed(factory: LoopFactory) -> None:
    async def careless() -> None:
        asyncio.get_running_loop().call_soon(lambda: [][0])
        await asyncio.sleep(0.01)

    (left,) = run_strictly(careless(), factory)
    assert "IndexError" in left


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks before Python 3.12")
@pytest.mark.parametrize("eager", [False, True])
def test_tasks_begin_at_once_if_they_are_to_be_eager(factory: LoopFactory, eager: bool) -> None:
    begun: list[bool] = []

    async def task() -> None:
        begun.append(True)

    async def create() -> None:
        created = asyncio.create_task(task())
        assert bool(begun) is eager
        await created

    assert run_strictly(create(), factory, eager=eager) == []


@pytest.mark.parametrize("debug", [False, True])
def test_loops_are_in_debug_mode_if_that_is_asked_for(factory: LoopFactory, debug: bool) -> None:
    async def look() -> None:
        assert asyncio.get_running_loop().get_debug() is debug

    assert run_strictly(look(), factory, debug=debug) == []


async def test_this_very_test_runs_on_the_loop_that_its_name_says(event_loop_name: str) -> None:
    module = type(asyncio.get_running_loop()).__module__
    assert module.startswith("uvloop" if event_loop_name == "uvloop" else "asyncio")
