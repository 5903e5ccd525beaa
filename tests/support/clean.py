"""What must hold once a request is over, however it ended: no slot, waiter, task or socket is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gazelle
from tests.support.server import ScriptedServer


async def eventually(
    condition: Callable[[], object], what: str | Callable[[], str] = "", seconds: float = 60.0
) -> None:
    """Let the loop turn until `condition` holds; it fails after `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    for turn in range(1 << 30):
        if condition():
            return
        assert loop.time() < deadline, (what() if callable(what) else what) or "did not happen in time"
        await asyncio.sleep(0 if turn < 50 else 0.001)


def connector_of(session: gazelle.ClientSession) -> Any:
    connector = session.connector
    assert connector is not None
    return connector


def idle(connector: Any) -> int:
    """The number of connections in the pool."""
    return sum(len(connections) for connections in connector._conns.values())


def waiting(connector: Any) -> int:
    """The number of requests that wait for a slot."""
    return len(connector._waiters)


def open_descriptors() -> int:
    gc.collect()
    return len(os.listdir("/dev/fd"))


def snapshot_of_tasks() -> frozenset[asyncio.Task[Any]]:
    return frozenset(asyncio.all_tasks())


async def assert_clean(
    session: gazelle.ClientSession,
    server: ScriptedServer,
    tasks: Iterable[asyncio.Task[Any]] | None = None,
) -> None:
    """Nothing is acquired, nobody waits, no task runs, and no socket is open but those in the pool.

    Args:
        session: the session that made the requests.
        server: the only server that it spoke to.
        tasks: the tasks that ran before the first request; None when other tasks run on purpose.
    """
    connector = connector_of(session)
    known = frozenset(tasks) if tasks is not None else None

    def left() -> list[str]:
        found = []
        if connector._acquired:
            found.append(f"acquired: {connector._acquired}")
        if connector._waiters:
            found.append(f"waiters: {connector._waiters}")
        if known is not None and (extra := asyncio.all_tasks() - known - server.tasks):
            found.append(f"tasks: {extra}")
        if server.open > idle(connector):
            found.append(f"{server.open} sockets are open, {idle(connector)} are in the pool")
        return found

    await eventually(lambda: not left(), lambda: "; ".join(left()))


class Said:
    """What collected objects have left: messages to the loop's exception handler and warnings, without the objects."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.warned: list[tuple[type[Warning], str]] = []


@contextlib.contextmanager
def said_at_collection() -> Iterator[Said]:
    loop = asyncio.get_running_loop()
    said = Said()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: said.messages.append(context["message"]))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield said
        said.warned = [(warning.category, str(warning.message)) for warning in caught]
    finally:
        loop.set_exception_handler(before)
