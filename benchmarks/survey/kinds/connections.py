"""Kinds that differ in connections: how many there are, for how many calls, and how long they live."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from benchmarks.macro.workloads import Site, Workload
from benchmarks.survey.kinds.answers import read


async def in_own_session(at: Site) -> Any:
    """A session for one call."""
    async with at.api.ClientSession() as session, session.get(at.url) as response:
        return await response.read()


def refuse(at: Site) -> socket.socket:
    """Return a socket whose port is taken, but that accepts no connection."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    at.url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    return taken


async def be_refused(at: Site) -> Any:
    """A call of a server that is not there."""
    try:
        async with at.session.get(at.url) as response:
            return await response.read()
    except at.api.ClientConnectorError:
        return "refused"


async def be_refused_bare(at: Site) -> Any:
    """The same by the event loop alone."""
    try:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, *at.given.getsockname())
    except ConnectionRefusedError:
        return "refused"


KINDS = (
    Workload(
        "tasks_1000",
        "1 000 tasks on 10 connections",
        call=read,
        in_flight=1000,
        session=lambda api: {"connector": api.TCPConnector(limit=10)},
    ),
    Workload(
        "in_flight_1000",
        "1 000 in flight",
        call=read,
        in_flight=1000,
        bare=True,
        session=lambda api: {"connector": api.TCPConnector(limit=1000)},
    ),
    Workload(
        "per_host_8",
        "64 tasks, 8 per host",
        call=read,
        in_flight=64,
        session=lambda api: {"connector": api.TCPConnector(limit_per_host=8)},
    ),
    Workload("connection_close", "Connection: close in every reply", "/close", fresh=True),
    Workload("session_per_request", "a session per request", call=in_own_session, bare=True, fresh=True),
    Workload("refused", "connection refused", call=be_refused, answer="refused", given=refuse, bare=be_refused_bare),
)
