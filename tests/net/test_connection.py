"""The public face of a lease, and the leases of connections of foreign connectors."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

import gazelle
from gazelle.errors import ServerDisconnectedError
from gazelle.net.connection import ForeignLease, lease_of
from tests.support.clean import assert_clean, connector_of, eventually, said_at_collection
from tests.support.connectors import Ask, ForeignConnection, ScriptedConnector
from tests.support.server import ScriptedServer, fin, response, send, stall

HELLO = {"*": [send(response(b"hello"))]}
NO_LIMITS = gazelle.ClientTimeout()


class Wrapping(gazelle.TCPConnector):
    """A connector whose `connect` returns connections of a class of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.made: list[ForeignConnection] = []

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        self.made.append(ForeignConnection(await super().connect(req, traces, timeout)))
        return self.made[-1]


@pytest.mark.parametrize("size", [5, 300_000])
async def test_a_foreign_connection_is_released_once_when_the_response_is_complete(size: int) -> None:
    script = {"*": [send(response(b"x" * size))]}
    async with ScriptedServer(script) as server, gazelle.ClientSession(connector=Wrapping(limit=1)) as session:
        for _ in range(2):
            async with session.get(server.url()) as answer:
                assert len(await answer.read()) == size
        assert [made.ends for made in connector_of(session).made] == [["release"], ["release"]]
        await assert_clean(session, server)


async def test_a_foreign_connection_is_released_with_a_response_that_is_not_read() -> None:
    script = {"*": [send(response(b"x" * 300_000)[:-1]), stall()]}
    async with ScriptedServer(script) as server, gazelle.ClientSession(connector=Wrapping()) as session:
        async with session.get(server.url()):
            pass
        (made,) = connector_of(session).made
        assert made.ends == ["release"]
        assert made.connection.closed


async def test_a_foreign_connection_is_closed_when_the_request_fails() -> None:
    async with ScriptedServer({"*": [fin()]}) as server, gazelle.ClientSession(connector=Wrapping()) as session:
        with pytest.raises(ServerDisconnectedError):
            await session.get(server.url())
        (made,) = connector_of(session).made
        assert made.ends == ["close"]
        await assert_clean(session, server)


async def test_the_lease_of_a_foreign_connection_ends_once() -> None:
    async with ScriptedServer(HELLO) as server, Wrapping() as connector:
        made = await connector.connect(Ask.of(server), (), gazelle.ClientTimeout())
        lease = lease_of(made)
        assert isinstance(lease, ForeignLease)
        assert "ForeignConnection" in repr(lease)
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


async def test_the_public_face_of_a_lease_ends_with_it() -> None:
    async with ScriptedConnector([]) as connector:
        connection = await connector.connect(Ask(), (), NO_LIMITS)
        assert connection.protocol is lease_of(connection).connection
        assert connection.transport is connector.transports[0]
        assert "host='h'" in repr(connection)
        assert bool(connection)
        with pytest.deprecated_call():
            assert connection.loop is asyncio.get_running_loop()
        connection.close()
        connection.close()
        connection.release()
        assert connection.closed
        assert [connection.protocol, connection.transport, connection.lease] == [None, None, None]
        assert connector.transports[0].aborted


async def test_a_connection_that_is_dropped_is_closed_with_a_warning() -> None:
    async with ScriptedConnector([]) as connector:
        connection = await connector.connect(Ask(), (), NO_LIMITS)
        with said_at_collection() as said:
            del connection
            gc.collect()
        assert any(issubclass(kind, ResourceWarning) and "Unclosed connection" in text for kind, text in said.warned)
        assert connector.transports[0].aborted
        await eventually(lambda: not connector._acquired)
