"""Runs the coroutine of a test on an event loop and tells what it left behind."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Coroutine
from typing import Any

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

# Seconds that transports and tasks have to end after a test; only a test that leaves something behind waits so long.
GRACE = 20.0


def run_strictly(
    coroutine: Coroutine[Any, Any, object],
    loop_factory: LoopFactory | None,
    *,
    debug: bool = False,
    eager: bool = False,
) -> list[str]:
    """Runs a coroutine to its end and returns what was left: tasks, open sockets, reports to the event loop.

    Whatever was dropped without being closed warns before this returns, and not in the middle of a later test.
    """
    reports: list[dict[str, Any]] = []

    def report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not of_a_server(context):
            reports.append(context)

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(report)
        if eager:
            loop.set_task_factory(begin_at_once)
        before = open_sockets()
        await coroutine
        return await leftovers(before)

    with asyncio.Runner(debug=debug, loop_factory=loop_factory) as runner:
        left = runner.run(main())
    gc.collect()
    return left + [f"reported to the event loop: {context}" for context in reports]


def of_a_server(context: dict[str, Any]) -> bool:
    """Whether asyncio reports that a client has left in the handshake, which it does in debug mode only."""
    return str(context["message"]) == "Error on transport creation for incoming connection"


def begin_at_once(
    loop: asyncio.AbstractEventLoop, coroutine: Any, eager_start: object = None, **options: Any
) -> asyncio.Task[Any]:
    """Make an eager task; uvloop passes an `eager_start` that the factory of some Pythons does not take."""
    task: asyncio.Task[Any] = asyncio.eager_task_factory(loop, coroutine, **options)  # type: ignore[attr-defined,unused-ignore]
    return task


async def leftovers(before: set[str]) -> list[str]:
    """Tasks and sockets that are still there once everything had its chance to end."""
    loop = asyncio.get_running_loop()
    until = loop.time() + GRACE
    turns = 0
    while True:
        await asyncio.sleep(0 if turns < 20 else 0.005)
        turns += 1
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        sockets = open_sockets() - before
        if not tasks and not sockets:
            return []
        if loop.time() > until:
            return [f"task {task!r}" for task in tasks] + [f"open {name}" for name in sorted(sockets)]


def open_sockets() -> set[str]:
    """Sockets of this process by their inode (Linux; elsewhere ResourceWarning has to find them)."""
    found: set[str] = set()
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for name in names:
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # closed meanwhile, the directory's own descriptor among them
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found
