"""How requests get their connection through `BaseConnector.connect`, and what its public face does."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from yarl import URL

import gazelle
from gazelle.errors import ServerDisconnectedError
from gazelle.net.connector import BaseConnector, Connection, ForeignLease, TCPConnector, lease_of
from gazelle.net.key import ConnectionKey
from tests.support.clean import assert_clean, connector_of, eventually, idle, said_at_collection, waiting
from tests.support.connectors import ForeignConnection, ScriptedConnector
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


class Wrapping(gazelle.TCPConnector):
    """A connector whose `connect` returns connections of a class of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.made: list[ForeignConnection] = []

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        self.made.append(ForeignConnection(await super().connect(req, traces, timeout)))
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
        made = await connector.connect(Request(server), (), gazelle.ClientTimeout())
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
        first.close()  # the lease has another holder now
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


# Over connections in memory.

NO_LIMITS = gazelle.ClientTimeout()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Ask:
    """A request for a connection to a host."""

    def __init__(self, host: str = "h", *, fresh: bool = False, is_ssl: bool = False) -> None:
        self.url = URL(f"http://{host}/")
        self.connection_key = ConnectionKey(host, 80, is_ssl, True)
        self.fresh = fresh


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
        assert overriding.pool_for_calls() is None
        assert overriding.take(Ask()) is None
    async with ScriptedConnector([]) as connector:
        assert connector.pool_for_calls() is connector.pool
        (await connector.connect(Ask(), (), NO_LIMITS)).release()

        async def instead(req: Any, traces: Any, timeout: Any) -> Any:
            raise AssertionError

        connector.connect = instead  # type: ignore[method-assign]
        assert connector.take(Ask()) is None


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


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "1", "a.0x", "a.1"]
)
async def test_an_ipv4_address_in_another_spelling_is_refused(host: str) -> None:
    async with TCPConnector() as connector:
        with pytest.raises(gazelle.InvalidURL, match="not a canonical IPv4 address"):
            await connector.connect(Ask(host), (), NO_LIMITS)
        assert not connector._acquired


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
