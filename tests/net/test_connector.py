"""How requests get their connection through `BaseConnector.connect`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import gazelle
from gazelle.errors import ServerDisconnectedError
from gazelle.net.connection import Connection, lease_of
from gazelle.net.connector import BaseConnector
from tests.support.clean import assert_clean, connector_of, eventually, idle, waiting
from tests.support.connectors import Ask, ScriptedConnector
from tests.support.server import ScriptedServer, fin, response, send

HELLO = {"*": [send(response(b"hello"))]}


class Counting(gazelle.TCPConnector):
    """A connector whose `connect` sees every request."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seen: list[bool] = []

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        self.seen.append(bool(getattr(req, "fresh", False)))
        return await super().connect(req, traces, timeout)


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


async def test_connect_reuses_an_idle_connection_unless_a_fresh_one_is_asked_for() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.TCPConnector() as connector:
        first = await connector.connect(Ask.of(server), (), gazelle.ClientTimeout())
        protocol = first.protocol
        assert lease_of(first) is first.lease
        first.release()
        assert first.closed
        assert [first.protocol, first.transport, first.lease] == [None, None, None]
        second = await connector.connect(Ask.of(server), (), gazelle.ClientTimeout())
        assert second.protocol is protocol
        first.close()  # the lease has another holder now
        assert not second.closed
        second.release()
        third = await connector.connect(Ask.of(server, fresh=True), (), gazelle.ClientTimeout())
        assert third.protocol is not protocol
        third.close()


async def test_connect_is_cancelled_at_every_await_and_leaves_no_slot() -> None:
    """A turn of the loop more before each cancellation, until the connection is there."""
    async with ScriptedServer(HELLO) as server:
        connector = gazelle.TCPConnector(limit=1, limit_per_host=1)
        async with gazelle.ClientSession(connector=connector) as session:
            for turns in range(60):
                task = asyncio.ensure_future(
                    connector.connect(Ask.of(server, fresh=True), (), gazelle.ClientTimeout(connect=60))
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
            await connector.connect(Ask.of(server), (), gazelle.ClientTimeout())
        assert not connector._acquired


# Over connections in memory.

NO_LIMITS = gazelle.ClientTimeout()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_take_returns_an_idle_lease_without_waiting() -> None:
    async with ScriptedConnector([], []) as connector:
        assert connector.take(Ask()) is None
        connection = await connector.connect(Ask(), (), NO_LIMITS)
        connection.release()
        assert connector.take(Ask("g")) is None
        assert connector.take(Ask(fresh=True)) is None
        lease = connector.take(Ask())
        assert lease is not None
        assert lease.held
        assert connector.take(Ask()) is None
        lease.close()


async def test_a_connector_that_overrides_connect_gives_nothing_past_it() -> None:
    async with Counting() as overriding:
        assert overriding.take(Ask()) is None
    async with ScriptedConnector([]) as connector:
        (await connector.connect(Ask(), (), NO_LIMITS)).release()

        async def instead(req: Any, traces: Any, timeout: Any) -> Any:
            raise AssertionError

        connector.connect = instead  # type: ignore[method-assign]
        assert connector.take(Ask()) is None


async def test_a_connection_that_the_peer_closes_before_the_request_is_an_error_and_frees_its_slot() -> None:
    class Closing(ScriptedConnector):
        async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:
            connection = await super()._create_connection(req, traces, timeout)
            self.transports[-1].end()
            return connection

    async with Closing([], limit=1) as connector:
        with pytest.raises(ServerDisconnectedError):
            await connector.connect(Ask(), (), NO_LIMITS)
        assert not connector._acquired


async def test_the_connect_limit_covers_the_wait_for_a_slot() -> None:
    async with ScriptedConnector([], limit=1) as connector:
        held = await connector.connect(Ask(), (), NO_LIMITS)
        with pytest.raises(gazelle.ConnectionTimeoutError, match=r"h:80 took longer than 0\.01 s \(connect\)"):
            await connector.connect(Ask(), (), gazelle.ClientTimeout(connect=0.01))
        assert waiting(connector) == 0
        held.close()


async def test_traces_are_notified_of_the_queue_and_of_the_connection_in_order() -> None:
    class Trace:
        def __init__(self) -> None:
            self.log: list[str] = []

        def __getattr__(self, name: str) -> Any:
            async def note() -> None:
                self.log.append(name.removeprefix("send_connection_"))

            return note

    async with ScriptedConnector([], limit=1) as connector:
        first, second = Trace(), Trace()
        held = await connector.connect(Ask(), [first], NO_LIMITS)  # type: ignore[list-item]
        task = asyncio.ensure_future(connector.connect(Ask(), [second], NO_LIMITS))  # type: ignore[list-item]
        await eventually(lambda: waiting(connector) == 1)
        held.release()
        (await task).close()
        assert first.log == ["create_start", "create_end"]
        assert second.log == ["queued_start", "queued_end", "reuseconn"]


async def test_a_closed_connector_gives_out_no_connection() -> None:
    connector = ScriptedConnector([])
    await connector.close()
    assert connector.closed
    with pytest.raises(gazelle.ClientConnectionError):
        await connector.connect(Ask(), (), NO_LIMITS)
    assert connector.transports == []


async def test_the_repr_counts_connections_and_waiters() -> None:
    async with ScriptedConnector([], [], limit=2) as connector:
        one = await connector.connect(Ask(), (), NO_LIMITS)
        two = await connector.connect(Ask(), (), NO_LIMITS)
        task = asyncio.ensure_future(connector.connect(Ask(), (), NO_LIMITS))
        await eventually(lambda: waiting(connector) == 1)
        assert repr(connector) == "<ScriptedConnector open: 2 in use, 0 idle, 1 waiting>"
        one.release()
        two.release()
        (await task).close()
    assert repr(connector).startswith("<ScriptedConnector closed: ")


@pytest.mark.parametrize(
    "options", [{"limit": -1}, {"limit_per_host": -1}, {"force_close": True, "keepalive_timeout": 1}]
)
async def test_limits_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        BaseConnector(**options)


def test_a_connector_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError):
        BaseConnector()


async def test_a_session_over_a_scripted_connector_reuses_a_connection_until_the_peer_ends_it() -> None:
    connector = ScriptedConnector([OK, OK], [OK])
    async with gazelle.ClientSession(connector=connector) as session:
        for _ in range(2):
            async with session.get("http://h/") as answer:
                assert await answer.read() == b"ok"
        connector.transports[0].end()
        async with session.get("http://h/") as answer:
            assert await answer.read() == b"ok"
        assert [len(heads) for heads in connector.heads] == [2, 1]
