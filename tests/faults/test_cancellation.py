"""A request that is cancelled at any turn of the loop leaves no slot, waiter, task or socket; the session works on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest

import gazelle
from tests.conftest import Tls
from tests.support.clean import assert_clean, connector_of, eventually, idle, snapshot_of_tasks, waiting
from tests.support.resolvers import TableResolver
from tests.support.server import ScriptedServer, chunked, drip, flush, response, send, stall, turns

NAME = "one.example"
DRIPPED = response(headers="Transfer-Encoding: chunked", length=False) + chunked(b"a" * 30, b"b" * 30, b"c" * 30)
ROUTES = {
    "/fresh": [send(response(b"fresh"))],
    "/get": [turns(2), send(response(b"hello")[:20]), flush(), send(response(b"hello")[20:])],
    "/chunked": [drip(DRIPPED, size=12)],
    "/post": [send(response(b"taken"))],
    "/held": [send(response(b"held")[:-1]), stall()],
    "/silent": [stall()],
}
# As many turns as an operation could take; it has to come to its end by itself before.
MOST_TURNS = 500

Operation = Callable[[], Coroutine[Any, Any, object]]


async def pass_turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def fresh(session: gazelle.ClientSession, server: ScriptedServer) -> None:
    """A request after everything that has happened gets its own answer."""
    async with asyncio.timeout(60), session.get(server.url("/fresh")) as answer:
        assert (answer.status, await answer.read()) == (200, b"fresh")


async def cancel_at_every_turn(
    operation: Operation, after: Callable[[], Awaitable[None]], before: Callable[[], Awaitable[None]] | None = None
) -> int:
    """Runs an operation again and again and cancels it one turn later each time, until it is over before that.

    `before` prepares each run, `after` looks at what it left. Returns the number of runs that were cut off.
    """
    cut_off = completed = 0
    for count in range(MOST_TURNS):
        if before is not None:
            await before()
        task = asyncio.ensure_future(operation())
        await pass_turns(count)
        completed += task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.timeout(60):
                await task
        cut_off += task.cancelled()
        await after()
        if completed == 3:
            return cut_off
    raise AssertionError(f"the operation does not end within {MOST_TURNS} turns of the loop")


@contextlib.asynccontextmanager
async def session_and_server(
    tls: Tls | None = None, **arguments: Any
) -> AsyncIterator[tuple[gazelle.ClientSession, ScriptedServer]]:
    if tls is not None:
        arguments["ssl"] = tls.client
    async with ScriptedServer(ROUTES, tls=tls.server() if tls else None) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(**arguments)) as session:
            yield session, server


def checks(session: gazelle.ClientSession, server: ScriptedServer) -> Callable[[], Awaitable[None]]:
    tasks = snapshot_of_tasks()

    async def check() -> None:
        await assert_clean(session, server, tasks)
        await fresh(session, server)
        await assert_clean(session, server, tasks)

    return check


async def fetch(session: gazelle.ClientSession, url: str, **arguments: Any) -> bytes:
    async with session.get(url, **arguments) as answer:
        return await answer.read()


async def test_a_get_on_a_new_connection() -> None:
    async with session_and_server(force_close=True) as (session, server):
        cut_off = await cancel_at_every_turn(lambda: fetch(session, server.url("/get")), checks(session, server))
        assert cut_off > 5


async def test_a_get_on_a_warm_connection() -> None:
    async with session_and_server(limit=1) as (session, server):
        await fresh(session, server)
        cut_off = await cancel_at_every_turn(lambda: fetch(session, server.url("/get")), checks(session, server))
        assert cut_off > 2


@pytest.mark.parametrize("warm", [False, True])
async def test_a_get_over_tls(tls: Tls, warm: bool) -> None:
    async with session_and_server(tls, force_close=not warm) as (session, server):
        cut_off = await cancel_at_every_turn(lambda: fetch(session, server.url("/get")), checks(session, server))
        assert cut_off > 5


async def test_reading_a_body() -> None:
    async with session_and_server() as (session, server):

        async def operation() -> None:
            answer = await session.get(server.url("/chunked"))
            assert await answer.read() == b"a" * 30 + b"b" * 30 + b"c" * 30

        assert await cancel_at_every_turn(operation, released(session, server)) > 5


def released(session: gazelle.ClientSession, server: ScriptedServer) -> Callable[[], Awaitable[None]]:
    """For operations that drop their response without a block: what is left warns, and is closed all the same."""
    check = checks(session, server)

    async def quietly() -> None:
        await check()

    return quietly


@pytest.mark.parametrize("way", ["iter_any", "iter_chunked", "iter_chunks", "readline", "readexactly", "json"])
async def test_reading_a_stream(way: str) -> None:
    async with session_and_server(limit=1) as (session, server):

        async def operation() -> None:
            async with session.get(server.url("/chunked")) as answer:
                if way == "iter_chunks":
                    async for _ in answer.content.iter_chunks():
                        pass
                elif way == "iter_chunked":
                    async for _ in answer.content.iter_chunked(7):
                        pass
                elif way == "iter_any":
                    async for _ in answer.content.iter_any():
                        pass
                elif way == "readline":
                    await answer.content.readline()
                elif way == "readexactly":
                    await answer.content.readexactly(90)
                else:
                    with contextlib.suppress(ValueError):
                        await answer.json(content_type=None)

        assert await cancel_at_every_turn(operation, checks(session, server)) > 5


async def test_waiting_for_a_slot() -> None:
    async with session_and_server(limit=1) as (session, server):
        tasks = snapshot_of_tasks()
        held: gazelle.ClientResponse | None = None
        release_at = 0

        async def before() -> None:
            nonlocal held
            held = await session.get(server.url("/held"))

        async def operation() -> bytes:
            return await fetch(session, server.url("/get"))

        async def after() -> None:
            assert held is not None
            held.close()
            await assert_clean(session, server, tasks)
            await fresh(session, server)

        for release_at in range(12):
            for count in range(30):
                await before()
                task = asyncio.ensure_future(operation())
                await pass_turns(min(count, release_at))
                if count >= release_at:
                    assert held is not None
                    held.close()
                    await pass_turns(count - release_at)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    async with asyncio.timeout(60):
                        await task
                await after()


async def test_waiting_for_a_slot_of_a_host() -> None:
    async with session_and_server(limit_per_host=1) as (session, server):
        check = checks(session, server)
        for count in range(40):
            held = await session.get(server.url("/held"))
            waiters = [asyncio.ensure_future(fetch(session, server.url("/get"))) for _ in range(3)]
            await eventually(lambda: waiting(connector_of(session)) == 3)
            held.close()
            await pass_turns(count)
            waiters[0].cancel()
            waiters[1].cancel()
            async with asyncio.timeout(60):
                results = await asyncio.gather(*waiters, return_exceptions=True)
            assert results[2] == b"hello"
            await check()


async def test_looking_up_a_name() -> None:
    resolver = TableResolver({NAME: ["127.0.0.1"]}, turns=8)
    async with session_and_server(resolver=resolver, use_dns_cache=False, force_close=True) as (session, server):
        url = server.url("/get", host=NAME)
        assert await cancel_at_every_turn(lambda: fetch(session, url), checks(session, server)) > 8
        assert resolver.running == 0


async def test_looking_up_a_name_that_leads_nowhere() -> None:
    resolver = TableResolver({}, turns=8)
    async with session_and_server(resolver=resolver) as (session, server):

        async def operation() -> None:
            with pytest.raises(gazelle.ClientConnectorDNSError):
                await session.get(server.url("/get", host=NAME))

        assert await cancel_at_every_turn(operation, checks(session, server)) > 8


async def test_connecting_to_several_addresses() -> None:
    async with ScriptedServer() as gone:
        dead = gone.port
    async with session_and_server(force_close=True) as (session, server):
        resolver = TableResolver({NAME: [("127.0.0.1", dead), ("127.0.0.2", dead), ("127.0.0.1", server.port)]})
        connector = gazelle.TCPConnector(resolver=resolver, force_close=True, happy_eyeballs_delay=0.001)
        async with gazelle.ClientSession(connector=connector) as other:
            tasks = snapshot_of_tasks()

            async def check() -> None:
                await assert_clean(other, server, tasks)
                await fresh(session, server)

            assert await cancel_at_every_turn(lambda: fetch(other, f"http://{NAME}/get"), check) > 5


async def test_posting_json() -> None:
    for force_close in (True, False):
        async with session_and_server(force_close=force_close) as (session, server):

            async def operation() -> bytes:
                async with session.post(server.url("/post"), json={"a": ["b"] * 100}) as answer:
                    return await answer.read()

            assert await cancel_at_every_turn(operation, checks(session, server)) > 2


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_sending_a_large_body() -> None:
    async with session_and_server(limit=1) as (session, server):

        async def operation() -> bytes:
            async with session.post(server.url("/post"), data=bytes(3 << 20)) as answer:
                return await answer.read()

        assert await cancel_at_every_turn(operation, checks(session, server)) > 2


async def test_streaming_a_body() -> None:
    """Whatever makes the body is ended once for each time that it was begun."""
    begun = ended = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal begun, ended
        begun += 1
        try:
            for number in range(6):
                await asyncio.sleep(0)
                yield b"%d" % number
        finally:
            ended += 1

    async with session_and_server(limit=1) as (session, server):
        check = checks(session, server)

        async def operation() -> bytes:
            async with session.post(server.url("/post"), data=body()) as answer:
                return await answer.read()

        async def check_all() -> None:
            await check()
            assert begun == ended

        assert await cancel_at_every_turn(operation, check_all) > 5
        assert begun > 5


async def test_following_redirects() -> None:
    async with session_and_server(limit=1) as (session, server):
        for number in range(3):
            place = f"/redirect/{number + 1}" if number < 2 else "/get"
            server.routes[f"/redirect/{number}"] = [
                send(response(b"gone", status="302 Found", headers=f"Location: {place}"))
            ]

        async def operation() -> bytes:
            return await fetch(session, server.url("/redirect/0"))

        assert await cancel_at_every_turn(operation, checks(session, server)) > 5


async def test_repeating_a_request_on_a_new_connection() -> None:
    async def second_time_never(peer: Any) -> None:
        if len(peer.requests) == 1:
            await peer.send(response(b"hello"))
        else:
            await peer.close()

    async with session_and_server(limit=1) as (session, server):
        server.routes["/stale"] = second_time_never

        async def warm() -> None:
            assert await fetch(session, server.url("/stale")) == b"hello"

        async def check() -> None:
            await assert_clean(session, server)

        cut_off = await cancel_at_every_turn(lambda: fetch(session, server.url("/stale")), check, warm)
        assert cut_off > 2
        await fresh(session, server)


async def test_the_module_level_request() -> None:
    async with ScriptedServer(ROUTES) as server:
        tasks = snapshot_of_tasks()

        async def operation() -> bytes:
            async with gazelle.request("GET", server.url("/get")) as answer:
                return await answer.read()

        async def check() -> None:
            await eventually(lambda: server.open == 0, "request() left its connection open")
            await eventually(lambda: asyncio.all_tasks() - server.tasks == tasks)

        assert await cancel_at_every_turn(operation, check) > 5


async def test_closing_a_session() -> None:
    async with ScriptedServer(ROUTES) as server:
        tasks = snapshot_of_tasks()
        for count in range(30):
            resolver = TableResolver({}, turns=1000)
            session = gazelle.ClientSession(connector=gazelle.TCPConnector(resolver=resolver, limit=4))
            await asyncio.gather(*(fetch(session, server.url("/fresh")) for _ in range(3)))
            connector = connector_of(session)
            held = await session.get(server.url("/held"))
            under_way = [
                asyncio.ensure_future(fetch(session, url))
                for url in (server.url("/silent"), server.url("/get", host=NAME), server.url("/held"), server.url())
            ]
            await pass_turns(5)
            task = asyncio.ensure_future(session.close())
            await pass_turns(count)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await session.close()
            assert session.closed
            assert connector.closed
            async with asyncio.timeout(60):
                results = await asyncio.gather(*under_way, held.read(), return_exceptions=True)
            assert all(isinstance(result, gazelle.ClientError) for result in results), results
            await eventually(lambda: server.open == 0, "a socket outlived the session")
            await eventually(lambda: asyncio.all_tasks() - server.tasks == tasks, "a task outlived the session")
            assert not connector._acquired
            assert not connector._waiters


# --- other ways to be stopped -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/silent", "/held"])
async def test_a_timeout_of_the_caller(path: str) -> None:
    async with session_and_server(limit=1) as (session, server):
        check = checks(session, server)
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(0.02):
                    await fetch(session, server.url(path))
            await check()


async def test_a_timeout_of_the_caller_at_any_moment() -> None:
    async with session_and_server() as (session, server):
        check = checks(session, server)
        for step in range(40):
            with contextlib.suppress(asyncio.TimeoutError):
                async with asyncio.timeout(step * 0.0001):
                    await fetch(session, server.url("/chunked"))
            await check()


async def test_a_sibling_that_fails() -> None:
    async with session_and_server() as (session, server):
        check = checks(session, server)
        for count in range(0, 40, 2):

            async def fail(count: int = count) -> None:
                await pass_turns(count)
                raise LookupError

            async def family(fail: Callable[[], Coroutine[Any, Any, None]] = fail) -> None:
                async with asyncio.TaskGroup() as group:
                    for path in ("/get", "/chunked", "/silent", "/held", "/post"):
                        group.create_task(fetch(session, server.url(path)))
                    group.create_task(fail())

            with pytest.raises(ExceptionGroup) as caught:
                await family()
            assert [type(error) for error in caught.value.exceptions] == [LookupError]
            await check()


async def test_being_cancelled_twice() -> None:
    async with session_and_server(limit=1) as (session, server):
        check = checks(session, server)
        for path in ("/get", "/chunked", "/silent"):
            for first in range(12):
                for second in range(3):
                    task = asyncio.ensure_future(fetch(session, server.url(path)))
                    await pass_turns(first)
                    task.cancel()
                    await pass_turns(second)
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                    await check()


async def test_being_cancelled_again_while_cleaning_up() -> None:
    async with session_and_server(limit=1) as (session, server):
        check = checks(session, server)

        async def operation() -> None:
            try:
                async with session.get(server.url("/held")) as answer:
                    await answer.read()
            finally:
                async with session.get(server.url("/get")) as answer:
                    await answer.read()

        for first in range(8):
            for second in range(15):
                task = asyncio.ensure_future(operation())
                await pass_turns(first)
                task.cancel()
                await pass_turns(second)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                await check()


async def test_a_crowd_that_is_cancelled_together() -> None:
    async with session_and_server(limit=5) as (session, server):
        check = checks(session, server)
        for count in range(0, 60, 3):
            crowd = [asyncio.ensure_future(fetch(session, server.url("/chunked"))) for _ in range(20)]
            await pass_turns(count)
            for task in crowd:
                task.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)
            await check()
        assert idle(connector_of(session)) <= 5


async def test_a_request_that_is_cancelled_after_its_answer_does_not_harm_who_has_the_connection_now() -> None:
    async with session_and_server(limit=1) as (session, server):
        for count in range(12):
            first = asyncio.ensure_future(fetch(session, server.url("/post")))
            second = asyncio.ensure_future(fetch(session, server.url("/get")))
            await pass_turns(count)
            first.cancel()
            async with asyncio.timeout(60):
                await asyncio.gather(first, return_exceptions=True)
                assert await second == b"hello"
            await assert_clean(session, server)
