"""How requests get their connection through `BaseConnector.connect`, and what its public face does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from yarl import URL

import gazelle
from gazelle.errors import ServerDisconnectedError
from gazelle.net.connector import BaseConnector, Connection, ForeignLease, lease_of
from gazelle.net.key import ConnectionKey
from tests.support.clean import assert_clean, connector_of, eventually, idle, waiting
from tests.support.server import ScriptedServer, fin, response, send, stall

HELLO = {"*": [send(response(b"hello"))]}


class Request:
    """What a connector needs of a request."""

    def __init__(self, server: ScriptedServer, *, fresh: bool = False) -> None:
        self.url = URL(server.url())
        self.connection_key = ConnectionKey(self.url.host or "", self.url.port or 0, False, True)
        self.fresh = fresh


class Counting(gazelle.TCPConnector):
    """A connector whose `connect` sees every request."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seen: list[bool] = []

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        self.seen.append(bool(getattr(req, "fresh", False)))
        return await super().connect(req, traces, timeout)


class Wrapped:
    """A connection of somebody else's making, around one of ours."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.protocol = connection.protocol
        self.ends: list[str] = []

    @property
    def transport(self) -> Any:
        return self.connection.transport

    def release(self) -> None:
        self.ends.append("release")
        self.connection.release()

    def close(self) -> None:
        self.ends.append("close")
        self.connection.close()


class Wrapping(gazelle.TCPConnector):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.made: list[Wrapped] = []

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        self.made.append(Wrapped(await super().connect(req, traces, timeout)))
        return self.made[-1]


async def test_a_subclass_that_overrides_connect_sees_every_request() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession(connector=Counting()) as session:
        for _ in range(3):
            async with session.get(server.url()) as answer:
                assert await answer.read() == b"hello"
        assert connector_of(session).seen == [False, False, False]
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_the_one_retry_asks_for_a_fresh_connection() -> None:
    script = {"/ok": [send(response(b"hello"))], "/gone": [fin()]}
    async with ScriptedServer(script) as server, gazelle.ClientSession(connector=Counting()) as session:
        await asyncio.gather(*(session.get(server.url("/ok")) for _ in range(2)))
        assert idle(connector_of(session)) == 2
        with pytest.raises(ServerDisconnectedError):
            await session.get(server.url("/gone"))
        assert connector_of(session).seen[2:] == [False, True]
        assert server.accepted == 3
        await assert_clean(session, server)


@pytest.mark.parametrize("size", [5, 300_000])
async def test_a_connection_of_another_making_is_released_once_when_the_response_is_complete(size: int) -> None:
    script = {"*": [send(response(b"x" * size))]}
    async with ScriptedServer(script) as server, gazelle.ClientSession(connector=Wrapping(limit=1)) as session:
        for _ in range(2):
            async with session.get(server.url()) as answer:
                assert len(await answer.read()) == size
        assert [made.ends for made in connector_of(session).made] == [["release"], ["release"]]
        await assert_clean(session, server)


async def test_a_connection_of_another_making_is_released_with_a_response_that_is_not_read() -> None:
    script = {"*": [send(response(b"x" * 300_000)[:-1]), stall()]}
    async with ScriptedServer(script) as server, gazelle.ClientSession(connector=Wrapping()) as session:
        async with session.get(server.url()):
            pass
        (made,) = connector_of(session).made
        assert made.ends == ["release"]
        assert made.connection.closed


async def test_a_connection_of_another_making_is_closed_when_the_request_fails() -> None:
    async with ScriptedServer({"*": [fin()]}) as server, gazelle.ClientSession(connector=Wrapping()) as session:
        with pytest.raises(ServerDisconnectedError):
            await session.get(server.url())
        (made,) = connector_of(session).made
        assert made.ends == ["close"]
        await assert_clean(session, server)


async def test_the_lease_of_a_connection_of_another_making_ends_once() -> None:
    async with ScriptedServer(HELLO) as server, Wrapping() as connector:
        made = await connector.connect(Request(server), (), gazelle.ClientTimeout())
        lease = lease_of(made)
        assert isinstance(lease, ForeignLease)
        assert "Wrapped" in repr(lease)
        assert not lease.closed
        with pytest.raises(RuntimeError):
            lease.detach()
        lease.close()
        lease.release()
        lease.close()
        with pytest.raises(RuntimeError):
            lease.detach()
        assert made.ends == ["close"]
        assert lease.closed


async def test_connect_reuses_an_idle_connection_unless_a_fresh_one_is_asked_for() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.TCPConnector() as connector:
        first = await connector.connect(Request(server), (), gazelle.ClientTimeout())
        protocol = first.protocol
        assert lease_of(first) is first.lease
        first.release()
        assert first.closed
        assert [first.protocol, first.transport, first.lease] == [None, None, None]
        second = await connector.connect(Request(server), (), gazelle.ClientTimeout())
        assert second.protocol is protocol
        first.close()  # the connection is no longer his
        assert not second.closed
        second.release()
        third = await connector.connect(Request(server, fresh=True), (), gazelle.ClientTimeout())
        assert third.protocol is not protocol
        third.close()


async def test_connect_is_cancelled_at_every_await_and_leaves_no_slot() -> None:
    """A turn of the loop more before each cancellation, until the connection is there."""
    async with ScriptedServer(HELLO) as server:
        connector = gazelle.TCPConnector(limit=1, limit_per_host=1)
        async with gazelle.ClientSession(connector=connector) as session:
            for turns in range(60):
                task = asyncio.ensure_future(
                    connector.connect(Request(server, fresh=True), (), gazelle.ClientTimeout(connect=60))
                )
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                (outcome,) = await asyncio.gather(task, return_exceptions=True)
                if isinstance(outcome, Connection):
                    outcome.close()
                await eventually(lambda: not connector._acquired)
                assert waiting(connector) == 0
            await assert_clean(session, server)


async def test_a_base_connector_opens_nothing() -> None:
    async with ScriptedServer(HELLO) as server, BaseConnector() as connector:
        with pytest.raises(NotImplementedError):
            await connector.connect(Request(server), (), gazelle.ClientTimeout())
        assert not connector._acquired
