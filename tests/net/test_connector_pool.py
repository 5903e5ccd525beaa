"""The pool of a connector: limits, fair waiting, reuse, expiry, closing."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

import gazelle
from tests.support.clean import (
    assert_clean,
    connector_of,
    eventually,
    idle,
    said_at_collection,
    snapshot_of_tasks,
    waiting,
)
from tests.support.punctual import punctual
from tests.support.server import Peer, ScriptedServer, fin, flush, half_close, response, rst, send, stall, turns
from tests.support.server import wait as until

HELLO = [send(response(b"hello"))]


class Meter:
    """A script that counts how many requests are being answered at once, and waits for its gate if that is closed."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.now = 0
        self.most = 0
        self.order: list[str] = []

    async def __call__(self, peer: Peer) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        self.order.append(peer.request.path)
        await self.gate.wait()
        await turns(5)(peer)
        self.now -= 1
        await peer.send(response(b"hello"))


async def fetch(session: gazelle.ClientSession, url: str) -> bytes:
    async with session.get(url) as answer:
        return await answer.read()


def hold(session: gazelle.ClientSession, url: str) -> asyncio.Task[bytes]:
    return asyncio.ensure_future(fetch(session, url))


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 10])
async def test_limit_bounds_the_connections_in_use(limit: int) -> None:
    meter = Meter()
    async with ScriptedServer({"*": meter}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=limit)) as session:
            got = await asyncio.gather(*(fetch(session, server.url(f"/{number}")) for number in range(60)))
            assert got == [b"hello"] * 60
            assert meter.most <= limit
            assert server.accepted <= limit
            await assert_clean(session, server)
            assert idle(connector_of(session)) == server.accepted


@pytest.mark.parametrize("limit", [0, None])
async def test_limit_zero_and_none_are_no_limit(limit: Any) -> None:
    meter = Meter()
    gate = asyncio.Event()

    async def held(peer: Peer) -> None:
        meter.now += 1
        await gate.wait()
        await peer.send(response(b"hello"))

    async with ScriptedServer({"*": held}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=limit)) as session:
            tasks = [hold(session, server.url()) for _ in range(150)]
            await eventually(lambda: meter.now == 150)
            gate.set()
            assert await asyncio.gather(*tasks) == [b"hello"] * 150
            await assert_clean(session, server)


async def test_limit_per_host_bounds_each_host_by_itself() -> None:
    one, two = Meter(), Meter()
    async with ScriptedServer({"*": one}) as a, ScriptedServer({"*": two}) as b:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit_per_host=2)) as session:
            one.gate = two.gate = asyncio.Event()
            tasks = [hold(session, server.url()) for _ in range(30) for server in (a, b)]
            await eventually(lambda: (one.now, two.now) == (2, 2))
            one.gate.set()
            await asyncio.gather(*tasks)
            assert (one.most, two.most) == (2, 2)
            assert (a.accepted, b.accepted) == (2, 2)
            assert not connector_of(session)._waiters


async def test_both_limits_hold_together() -> None:
    meters = [Meter() for _ in range(3)]
    total = Meter()

    def both(meter: Meter) -> Any:
        async def script(peer: Peer) -> None:
            total.now += 1
            total.most = max(total.most, total.now)
            await meter(peer)
            total.now -= 1

        return script

    async with (
        ScriptedServer({"*": both(meters[0])}) as a,
        ScriptedServer({"*": both(meters[1])}) as b,
        ScriptedServer({"*": both(meters[2])}) as c,
        gazelle.ClientSession(connector=gazelle.TCPConnector(limit=4, limit_per_host=2)) as session,
    ):
        await asyncio.gather(*(fetch(session, server.url()) for _ in range(30) for server in (a, b, c)))
        assert total.most <= 4
        assert max(meter.most for meter in meters) <= 2
        assert not connector_of(session)._acquired
        assert not connector_of(session)._waiters


async def test_waiters_are_served_in_the_order_of_arrival() -> None:
    meter = Meter()
    async with ScriptedServer({"*": meter}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1)) as session:
            tasks = []
            for number in range(40):
                tasks.append(hold(session, server.url(f"/{number}")))
                await asyncio.sleep(0)
            await asyncio.gather(*tasks)
            assert meter.order == [f"/{number}" for number in range(40)]


async def test_a_busy_host_does_not_starve_the_others() -> None:
    meter, other = Meter(), Meter()
    async with ScriptedServer({"*": meter}) as busy, ScriptedServer({"*": other}) as quiet:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1)) as session:
            crowd = [hold(session, busy.url()) for _ in range(50)]
            await asyncio.sleep(0)
            await fetch(session, quiet.url())
            await asyncio.gather(*crowd)
            assert len(meter.order) == 50
            assert not connector_of(session)._waiters


async def test_a_cancelled_waiter_gives_its_place_up() -> None:
    async with ScriptedServer({"/held": [send(response(b"x")[:-1]), stall()], "*": HELLO}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1)) as session:
            connector = connector_of(session)
            held = await session.get(server.url("/held"))
            tasks = [hold(session, server.url(f"/{number}")) for number in range(5)]
            await eventually(lambda: waiting(connector) == 5)
            for task in (tasks[0], tasks[3]):
                task.cancel()
            await asyncio.gather(tasks[0], tasks[3], return_exceptions=True)
            assert waiting(connector) == 3
            held.close()
            assert set(await asyncio.gather(tasks[1], tasks[2], tasks[4])) == {b"hello"}
            await assert_clean(session, server)


@pytest.mark.parametrize("delay", range(6))
async def test_a_waiter_that_is_cancelled_with_its_grant_passes_it_on(delay: int) -> None:
    async with ScriptedServer({"/held": [send(response(b"x")[:-1]), stall()], "*": HELLO}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1)) as session:
            connector = connector_of(session)
            for _ in range(20):
                held = await session.get(server.url("/held"))
                first, second = hold(session, server.url("/1")), hold(session, server.url("/2"))
                await eventually(lambda: waiting(connector) == 2)
                held.close()
                for _turn in range(delay):
                    await asyncio.sleep(0)
                first.cancel()
                async with asyncio.timeout(60):
                    await asyncio.gather(first, return_exceptions=True)
                    assert await second == b"hello"
                await assert_clean(session, server)


async def test_failures_to_connect_give_their_slots_back() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=2)) as session:
            async with ScriptedServer() as gone:
                dead = gone.url()
            results = await asyncio.gather(*(fetch(session, dead) for _ in range(20)), return_exceptions=True)
            assert {type(result) for result in results} == {gazelle.ClientConnectorError}
            assert await fetch(session, server.url()) == b"hello"
            await assert_clean(session, server)


# --- reuse ------------------------------------------------------------------------------------------------------------


async def test_one_request_after_another_uses_one_connection() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        for _ in range(50):
            assert await fetch(session, server.url()) == b"hello"
            assert idle(connector_of(session)) == 1
        assert server.accepted == 1


async def test_names_of_one_address_are_different_hosts() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        for host in ("127.0.0.1", "localhost", "127.0.0.1", "localhost"):
            assert await fetch(session, server.url(host=host)) == b"hello"
        assert server.accepted == 2


async def test_force_close_never_keeps_a_connection() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(force_close=True)) as session:
            for _ in range(3):
                assert await fetch(session, server.url()) == b"hello"
            assert server.accepted == 3
            assert {request.header("connection") for request in server.requests} == {"close"}
            await assert_clean(session, server)
            assert server.open == 0


async def test_force_close_and_keepalive_timeout_contradict_each_other() -> None:
    with pytest.raises(ValueError):
        gazelle.TCPConnector(force_close=True, keepalive_timeout=1)


@punctual(0.1)
async def test_an_idle_connection_is_closed_when_its_time_is_up() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(keepalive_timeout=0.2)) as session:
            for _ in range(2):
                await asyncio.gather(*(fetch(session, server.url()) for _ in range(3)))
                assert idle(connector_of(session)) == 3
                await eventually(lambda: server.open == 0, "an idle connection outlived its time")
                assert idle(connector_of(session)) == 0
                assert not connector_of(session)._conns
            assert server.accepted == 6


async def test_an_idle_connection_past_its_time_is_not_used_even_if_it_is_still_there() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(keepalive_timeout=0.05)) as session:
            for _ in range(3):
                assert await fetch(session, server.url()) == b"hello"
                await asyncio.sleep(0.08)
            assert server.accepted == 3


async def test_keepalive_timeout_none_keeps_connections() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(keepalive_timeout=None)) as session:
            for _ in range(3):
                assert await fetch(session, server.url()) == b"hello"
                await asyncio.sleep(0.05)
            assert server.accepted == 1


@pytest.mark.parametrize(
    "end",
    [[fin()], [rst()], [half_close()], [send(b"\0")], [send(b"\r\n")], [send(response(b"EVIL"))]],
    ids=["fin", "rst", "half-close", "junk", "crlf", "response"],
)
async def test_an_idle_connection_that_receives_anything_is_discarded(end: list[Any]) -> None:
    gate = asyncio.Event()
    script = [*HELLO, flush(), until(gate), *end, stall()]
    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        connector = connector_of(session)
        assert await fetch(session, server.url()) == b"hello"
        assert idle(connector) == 1
        gate.set()
        await eventually(lambda: idle(connector) == 0, "the connection stayed in the pool")
        assert not connector._conns
        await assert_clean(session, server)
        assert await fetch(session, server.url()) == b"hello"
        assert server.accepted == 2


async def test_the_pool_forgets_hosts_it_has_no_connection_to() -> None:
    async with ScriptedServer({"*": [send(response(b"bye", headers="Connection: close")), fin()]}) as server:
        async with gazelle.ClientSession() as session:
            connector = connector_of(session)
            for host in ("127.0.0.1", "localhost") * 10:
                assert await fetch(session, server.url(host=host)) == b"bye"
            await assert_clean(session, server)
            assert not connector._conns
            for name, value in vars(connector).items():
                if isinstance(value, dict | set) and "dns" not in name and "cache" not in name:
                    assert not value, f"{name} keeps {value}"


# --- settings and closing ---------------------------------------------------------------------------------------------


async def test_the_defaults_of_a_connector() -> None:
    async with gazelle.TCPConnector() as connector:
        assert connector.limit == 100
        assert connector.limit_per_host == 0
        assert connector.force_close is False
        assert connector.closed is False
    assert connector.closed is True


async def test_closing_wakes_the_waiters() -> None:
    tasks = snapshot_of_tasks()
    async with ScriptedServer({"*": [send(response(b"x")[:-1]), stall()]}) as server:
        session = gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1))
        connector = connector_of(session)
        held = await session.get(server.url())
        crowd = [hold(session, server.url()) for _ in range(5)]
        await eventually(lambda: waiting(connector) == 5)
        await session.close()
        async with asyncio.timeout(60):
            results = await asyncio.gather(*crowd, return_exceptions=True)
        assert all(isinstance(result, gazelle.ClientConnectionError) for result in results), results
        with pytest.raises(gazelle.ClientError):
            await held.read()
        await eventually(lambda: server.open == 0)
        assert not connector._waiters
        assert not connector._acquired
        assert not connector._conns
        assert asyncio.all_tasks() - server.tasks == tasks


async def test_closing_closes_idle_connections_and_can_be_repeated() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        connector = gazelle.TCPConnector()
        async with gazelle.ClientSession(connector=connector) as session:
            await asyncio.gather(*(fetch(session, server.url()) for _ in range(5)))
            await connector.close()
            await connector.close()
            await eventually(lambda: server.open == 0)
            with pytest.raises((gazelle.ClientConnectionError, RuntimeError)):
                await fetch(session, server.url())


async def test_a_connection_that_is_ready_after_closing_is_closed() -> None:
    tasks = snapshot_of_tasks()
    async with ScriptedServer({"*": HELLO}) as server:
        for pause in range(12):
            session = gazelle.ClientSession()
            task = hold(session, server.url())
            for _ in range(pause):
                await asyncio.sleep(0)
            await session.close()
            async with asyncio.timeout(60):
                [result] = await asyncio.gather(task, return_exceptions=True)
            assert result == b"hello" or isinstance(result, gazelle.ClientError | RuntimeError), repr(result)
            await eventually(lambda: server.open == 0, "a connection outlived its session")
        await eventually(lambda: asyncio.all_tasks() - server.tasks == tasks)


async def test_two_sessions_share_the_pool_of_one_connector() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.TCPConnector() as connector:
        one = gazelle.ClientSession(connector=connector, connector_owner=False)
        two = gazelle.ClientSession(connector=connector, connector_owner=False)
        for session in (one, two, one, two):
            assert await fetch(session, server.url()) == b"hello"
        assert server.accepted == 1
        await one.close()
        assert await fetch(two, server.url()) == b"hello"
        await two.close()


async def test_an_unclosed_connector_warns_when_collected_and_closes_its_sockets() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        connector = gazelle.TCPConnector()
        async with gazelle.ClientSession(connector=connector, connector_owner=False) as session:
            assert await fetch(session, server.url()) == b"hello"
        with said_at_collection() as said:
            del connector, session
            gc.collect()
            gc.collect()
        assert "Unclosed connector" in said.messages
        assert any(issubclass(kind, ResourceWarning) and "Unclosed connector" in text for kind, text in said.warned)
        await eventually(lambda: server.open == 0, "the socket of a forgotten connector stayed open")


async def test_a_storm_of_requests_and_cancellations_ends_in_order() -> None:
    meter = Meter()
    async with ScriptedServer({"*": meter}) as server:
        before = snapshot_of_tasks()
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=7, limit_per_host=5)) as session:
            for wave in range(20):
                tasks = [hold(session, server.url(f"/{wave}/{number}")) for number in range(40)]
                for _ in range(wave):
                    await asyncio.sleep(0)
                for task in tasks[wave % 3 :: 3]:
                    task.cancel()
                async with asyncio.timeout(60):
                    results = await asyncio.gather(*tasks, return_exceptions=True)
                for result in results:
                    assert result == b"hello" or isinstance(result, asyncio.CancelledError)
                await assert_clean(session, server, before)
            assert idle(connector_of(session)) <= 5
