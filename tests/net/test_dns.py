"""Names: the resolver interface, the cache, shared lookups, and what happens when a name leads nowhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import gazelle
from tests.support.blackhole import blackhole
from tests.support.clean import assert_clean, connector_of, eventually, snapshot_of_tasks
from tests.support.resolvers import TableResolver
from tests.support.server import ScriptedServer, response, send

HELLO = [send(response(b"hello"))]
NAME = "one.example"


def session_with(resolver: TableResolver, **arguments: Any) -> gazelle.ClientSession:
    return gazelle.ClientSession(connector=gazelle.TCPConnector(resolver=resolver, **arguments))


async def fetch(session: gazelle.ClientSession, url: str) -> bytes:
    async with session.get(url) as answer:
        return await answer.read()


async def test_a_resolver_of_the_caller_is_asked() -> None:
    resolver = TableResolver({NAME: ["127.0.0.1"]})
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver) as session:
        assert await fetch(session, server.url(host=NAME)) == b"hello"
        assert resolver.asked == [NAME]
        assert server.requests[0].header("host") == f"{NAME}:{server.port}"


async def test_the_port_of_the_answer_counts() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        resolver = TableResolver({NAME: [("127.0.0.1", server.port)]})
        async with session_with(resolver) as session:
            assert await fetch(session, f"http://{NAME}/") == b"hello"
            assert server.requests[0].header("host") == NAME


async def test_an_address_is_not_looked_up() -> None:
    resolver = TableResolver({})
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver) as session:
        assert await fetch(session, server.url()) == b"hello"
        assert resolver.asked == []


async def test_an_ipv6_address_is_not_looked_up() -> None:
    resolver = TableResolver({})
    try:
        server = await ScriptedServer({"*": HELLO}, host="::1").__aenter__()
    except OSError:
        pytest.skip("no IPv6 on the loopback")
    async with session_with(resolver) as session:
        assert await fetch(session, server.url(host="[::1]")) == b"hello"
        assert resolver.asked == []
        assert server.requests[0].header("host") == f"[::1]:{server.port}"
    await server.stop()


async def test_answers_are_kept() -> None:
    resolver = TableResolver({NAME: ["127.0.0.1"]})
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver, force_close=True) as session:
        for _ in range(5):
            assert await fetch(session, server.url(host=NAME)) == b"hello"
        assert len(resolver.asked) == 1
        assert server.accepted == 5


async def test_answers_are_kept_for_their_time() -> None:
    resolver = TableResolver({NAME: ["127.0.0.1"]})
    async with ScriptedServer({"*": HELLO}) as server:
        async with session_with(resolver, force_close=True, ttl_dns_cache=0.1) as session:
            for _ in range(2):
                await fetch(session, server.url(host=NAME))
            await asyncio.sleep(0.15)
            await fetch(session, server.url(host=NAME))
            assert 2 <= len(resolver.asked) <= 3


async def test_without_a_cache_every_connection_asks() -> None:
    resolver = TableResolver({NAME: ["127.0.0.1"]})
    async with ScriptedServer({"*": HELLO}) as server:
        async with session_with(resolver, force_close=True, use_dns_cache=False) as session:
            for _ in range(3):
                await fetch(session, server.url(host=NAME))
            assert len(resolver.asked) == 3


async def test_the_cache_can_be_emptied() -> None:
    resolver = TableResolver({NAME: ["127.0.0.1"]})
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver, force_close=True) as session:
        connector = connector_of(session)
        await fetch(session, server.url(host=NAME))
        connector.clear_dns_cache()
        await fetch(session, server.url(host=NAME))
        connector.clear_dns_cache(NAME, server.port)
        await fetch(session, server.url(host=NAME))
        connector.clear_dns_cache("other.example", 1)
        await fetch(session, server.url(host=NAME))
        assert len(resolver.asked) == 3
        with pytest.raises(ValueError):
            connector.clear_dns_cache(NAME)


async def test_the_cache_does_not_grow_without_end() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        names = {f"n{number}.example": [("127.0.0.1", server.port)] for number in range(1200)}
        async with session_with(TableResolver(names), force_close=True) as session:
            connector = connector_of(session)
            for start in range(0, 1200, 50):
                await asyncio.gather(*(fetch(session, f"http://n{start + i}.example/") for i in range(50)))
            sizes = [len(value) for value in vars(connector).values() if hasattr(value, "__len__")]
            assert max(sizes) <= 1000


async def test_lookups_of_one_name_are_shared() -> None:
    resolver = TableResolver({NAME: ["127.0.0.1"]}, turns=5)
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver) as session:
        got = await asyncio.gather(*(fetch(session, server.url(host=NAME)) for _ in range(50)))
        assert got == [b"hello"] * 50
        assert len(resolver.asked) == 1
        await assert_clean(session, server)


async def test_one_of_many_that_share_a_lookup_is_cancelled_alone() -> None:
    gate = asyncio.Event()
    resolver = TableResolver({NAME: ["127.0.0.1"]}, gate=gate)
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver, limit=0) as session:
        tasks = [asyncio.ensure_future(fetch(session, server.url(host=NAME))) for _ in range(100)]
        await eventually(lambda: resolver.running == 1)
        for task in (tasks[0], tasks[50]):
            task.cancel()
        await asyncio.gather(tasks[0], tasks[50], return_exceptions=True)
        gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 2
        assert results.count(b"hello") == 98
        assert len(resolver.asked) == 1
        await assert_clean(session, server)


async def test_a_lookup_that_nobody_waits_for_any_more_leaves_nothing() -> None:
    before = snapshot_of_tasks()
    resolver = TableResolver({NAME: ["127.0.0.1"]}, gate=asyncio.Event())
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver) as session:
        tasks = [asyncio.ensure_future(fetch(session, server.url(host=NAME))) for _ in range(5)]
        await eventually(lambda: resolver.running == 1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await eventually(lambda: resolver.running == 0, "the lookup runs on although nobody waits for it")
        await assert_clean(session, server, before)


async def test_closing_ends_the_lookups() -> None:
    before = snapshot_of_tasks()
    resolver = TableResolver({NAME: ["127.0.0.1"]}, gate=asyncio.Event())
    session = session_with(resolver)
    task = asyncio.ensure_future(fetch(session, f"http://{NAME}/"))
    await eventually(lambda: resolver.running == 1)
    await session.close()
    async with asyncio.timeout(60):
        with pytest.raises(gazelle.ClientConnectionError):
            await task
    await eventually(lambda: resolver.running == 0)
    await eventually(lambda: asyncio.all_tasks() == before)


async def test_an_unknown_name_is_an_error_of_dns() -> None:
    resolver = TableResolver({NAME: ["127.0.0.1"]})
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver) as session:
        with pytest.raises(gazelle.ClientConnectorDNSError) as caught:
            await fetch(session, "http://unknown.example:81/")
        assert (caught.value.host, caught.value.port) == ("unknown.example", 81)
        assert isinstance(caught.value, gazelle.ClientConnectorError)
        assert isinstance(caught.value, OSError)
        assert "unknown.example" in str(caught.value)
        assert await fetch(session, server.url(host=NAME)) == b"hello"
        await assert_clean(session, server)


async def test_a_failed_lookup_is_not_kept() -> None:
    resolver = TableResolver({})
    async with ScriptedServer({"*": HELLO}) as server, session_with(resolver) as session:
        for _ in range(2):
            with pytest.raises(gazelle.ClientConnectorDNSError):
                await fetch(session, server.url(host=NAME))
        resolver.table = {NAME: ["127.0.0.1"]}
        assert await fetch(session, server.url(host=NAME)) == b"hello"
        assert len(resolver.asked) == 3


async def test_no_address_at_all_is_an_error() -> None:
    async with session_with(TableResolver({NAME: []})) as session:
        with pytest.raises(gazelle.ClientConnectorError):
            await fetch(session, f"http://{NAME}/")
        assert not connector_of(session)._acquired


async def test_everybody_who_shares_a_lookup_hears_of_its_failure() -> None:
    resolver = TableResolver({}, turns=5)
    async with session_with(resolver) as session:
        requests = (fetch(session, f"http://{NAME}/") for _ in range(20))
        results = await asyncio.gather(*requests, return_exceptions=True)
        assert {type(result) for result in results} == {gazelle.ClientConnectorDNSError}
        assert len(resolver.asked) == 1
        assert not connector_of(session)._acquired


async def test_the_loops_resolver_knows_localhost_and_not_everything() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        assert await fetch(session, server.url(host="localhost")) == b"hello"
        with pytest.raises(gazelle.ClientConnectorDNSError) as caught:
            await fetch(session, "http://no-such-name.invalid/")
        assert caught.value.host == "no-such-name.invalid"
        await assert_clean(session, server)


async def test_the_next_address_is_tried_when_one_refuses() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with ScriptedServer() as gone:
            dead = gone.port
        resolver = TableResolver({NAME: [("127.0.0.1", dead), ("127.0.0.2", dead), ("127.0.0.1", server.port)]})
        async with session_with(resolver) as session:
            assert await fetch(session, f"http://{NAME}/") == b"hello"
            await assert_clean(session, server)


async def test_the_last_error_is_raised_when_every_address_refuses() -> None:
    async with ScriptedServer() as gone:
        dead = gone.port
    async with session_with(TableResolver({NAME: ["127.0.0.1", "127.0.0.2"]})) as session:
        with pytest.raises(gazelle.ClientConnectorError) as caught:
            await fetch(session, f"http://{NAME}:{dead}/")
        assert (caught.value.host, caught.value.port) == (NAME, dead)
        assert not connector_of(session)._acquired


async def test_a_blackhole_among_the_addresses_costs_a_moment_only() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        with blackhole() as hole:
            resolver = TableResolver({NAME: [("127.0.0.1", hole), ("127.0.0.1", server.port)]})
            async with session_with(resolver) as session:
                async with asyncio.timeout(25):
                    assert await fetch(session, f"http://{NAME}/") == b"hello"
                await assert_clean(session, server)
