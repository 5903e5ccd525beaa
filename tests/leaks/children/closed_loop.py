"""Ends an event loop while requests are under way and nothing is closed; what is said about it is on standard error."""

import asyncio
import gc
import socket
import sys
from typing import Any

import gazelle
from gazelle.abc import AbstractResolver, ResolveResult

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]


class SlowResolver(AbstractResolver):
    """Never answers."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.sleep(1000)
        raise OSError

    async def close(self) -> None:
        """Has nothing to release."""


async def use(session: gazelle.ClientSession, url: str) -> None:
    async with session.get(url) as answer:
        await answer.read()


async def leave_all_open(url: str) -> list[Any]:
    """Every state that a request can be in, and an idle connection."""
    session = gazelle.ClientSession(connector=gazelle.TCPConnector(resolver=SlowResolver(), limit=7))
    await use(session, url + "/small")
    answer = await session.get(url + "/half")
    stream = await session.get(url + "/half")
    under_way = [
        asyncio.ensure_future(use(session, url + "/half")),
        asyncio.ensure_future(use(session, url + "/silent")),
        asyncio.ensure_future(use(session, url + "/silent?with-a-limit")),
        asyncio.ensure_future(stream.content.read()),
        asyncio.ensure_future(use(session, "http://one.example/")),
        asyncio.ensure_future(use(session, "http://one.example/")),
        asyncio.ensure_future(use(session, url + "/waits-for-a-slot")),
        asyncio.ensure_future(use(session, url + "/waits-for-a-slot")),
    ]
    await asyncio.sleep(0.05)
    # They are collected from the end: whoever waits for a slot is still there when those go who have one.
    return [*under_way[-2:], session, answer, stream, *under_way[:-2]]


def main(way: str, loop_name: str, url: str) -> None:
    factory = asyncio.new_event_loop if loop_name == "asyncio" else uvloop.new_event_loop
    if way == "runner":
        with asyncio.Runner(loop_factory=factory) as runner:
            left = runner.run(leave_all_open(url))
    else:
        loop = factory()
        asyncio.set_event_loop(loop)
        left = loop.run_until_complete(leave_all_open(url))
        for thing in left:
            if way == "cancelled" and isinstance(thing, asyncio.Task):
                thing.cancel()
        loop.close()
    del left
    gc.collect()
    print("over")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
