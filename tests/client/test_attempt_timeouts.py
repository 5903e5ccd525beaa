"""The four fields of `ClientTimeout` in every phase of a request, and what the errors say."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import gazelle
from tests.conftest import Tls
from tests.support.blackhole import blackhole
from tests.support.clean import assert_clean, connector_of, eventually, idle, waiting
from tests.support.punctual import HANG, punctual
from tests.support.resolvers import TableResolver
from tests.support.server import Early, ScriptedServer, drip, read_body, response, send, sleep, stall

LIMIT = 0.15
AMPLE = 0.5
HELLO = [send(response(b"hello"))]
HALF = [send(response(b"x" * 100)[:-50]), stall()]
ClientTimeout = gazelle.ClientTimeout


@asynccontextmanager
async def takes(at_least: float) -> AsyncIterator[None]:
    """Fail what takes less than a limit of time, or never ends."""
    start = time.monotonic()
    yield
    elapsed = time.monotonic() - start
    assert at_least * 0.9 <= elapsed < HANG, f"took {elapsed:.3f} s"


def says(error: BaseException, limit: str, seconds: float, host: str = "127.0.0.1") -> None:
    """The message names the limit, its length and the host."""
    text = str(error)
    assert re.search(rf"\b{limit}\b", text, re.IGNORECASE), text
    assert f"{seconds:g}" in text, text
    assert host in text, text


async def fetch(session: gazelle.ClientSession, url: str, **arguments: Any) -> bytes:
    async with session.get(url, **arguments) as answer:
        return await answer.read()


async def fails(session: gazelle.ClientSession, url: str, kind: type[BaseException], **arguments: Any) -> BaseException:
    """The error of one request, which takes the limit."""
    async with takes(LIMIT):
        with pytest.raises(kind) as caught:
            await fetch(session, url, **arguments)
    return caught.value


# --- total ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["head", "body"])
@punctual(0.1)
async def test_total_covers_head_and_body(phase: str) -> None:
    routes = {"/head": [stall()], "/body": HALF, "/fresh": HELLO}
    async with ScriptedServer(routes) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(total=LIMIT)) as session:
            error = await fails(session, server.url(f"/{phase}"), asyncio.TimeoutError)
            says(error, "total", LIMIT)
            await assert_clean(session, server)
            assert server.open == 0
            async with session.get(server.url("/fresh")) as answer:
                assert await answer.read() == b"hello"


@punctual(0.1)
async def test_total_covers_the_stream_of_a_body() -> None:
    async with ScriptedServer({"*": [send(response(length=False)), drip(b"y" * 10_000, delay=0.02)]}) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(total=LIMIT, sock_read=LIMIT)) as session:
            got = b""
            async with takes(LIMIT):
                async with session.get(server.url()) as answer:
                    with pytest.raises(asyncio.TimeoutError) as caught:  # noqa: PT012
                        async for part in answer.content.iter_any():
                            got += part
            assert got.startswith(b"yy")
            assert got.strip(b"y") == b""
            says(caught.value, "total", LIMIT)
            await assert_clean(session, server)
            assert server.open == 0


async def test_total_covers_the_wait_for_a_slot() -> None:
    async with ScriptedServer({"/held": HALF, "*": HELLO}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1)) as session:
            held = await session.get(server.url("/held"))
            error = await fails(session, server.url(), asyncio.TimeoutError, timeout=ClientTimeout(total=LIMIT))
            says(error, "total", LIMIT)
            assert waiting(connector_of(session)) == 0
            held.close()
            async with session.get(server.url()) as answer:
                assert await answer.read() == b"hello"
            await assert_clean(session, server)


async def test_total_covers_the_lookup_of_the_name() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        resolver = TableResolver({"slow.example": ["127.0.0.1"]}, gate=asyncio.Event())
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(resolver=resolver)) as session:
            url = server.url(host="slow.example")
            error = await fails(session, url, asyncio.TimeoutError, timeout=ClientTimeout(total=LIMIT))
            says(error, "total", LIMIT, "slow.example")
            await eventually(lambda: resolver.running == 0, "the lookup goes on although nobody waits for it")
            await assert_clean(session, server)


async def test_total_covers_connecting() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        with blackhole() as port:
            url = f"http://127.0.0.1:{port}/"
            error = await fails(session, url, asyncio.TimeoutError, timeout=ClientTimeout(total=LIMIT))
            says(error, "total", LIMIT)
        await assert_clean(session, server)


async def test_total_covers_the_tls_handshake(tls: Tls) -> None:
    async with ScriptedServer(accept=[stall()]) as server, gazelle.ClientSession() as session:
        url = server.url().replace("http:", "https:")
        timeout = ClientTimeout(total=LIMIT)
        error = await fails(session, url, asyncio.TimeoutError, timeout=timeout, ssl=tls.client)
        says(error, "total", LIMIT)
        await assert_clean(session, server)
        assert server.open == 0


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_total_covers_sending_the_body() -> None:
    never = asyncio.Event()

    async def ignore(_: Any) -> None:
        await never.wait()

    async with ScriptedServer({"*": Early([ignore])}) as server, gazelle.ClientSession() as session:
        async with takes(LIMIT):
            with pytest.raises(asyncio.TimeoutError):
                await session.post(server.url(), data=bytes(30 << 20), timeout=ClientTimeout(total=LIMIT))
        assert not connector_of(session)._acquired
        assert idle(connector_of(session)) == 0


@punctual(0.1)
async def test_total_runs_on_while_the_caller_does_something_else() -> None:
    async with ScriptedServer({"*": HALF}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url(), timeout=ClientTimeout(total=LIMIT))
        await asyncio.sleep(2 * LIMIT)
        async with takes(0):
            with pytest.raises(asyncio.TimeoutError) as caught:
                await answer.read()
        says(caught.value, "total", LIMIT)
        await assert_clean(session, server)


@punctual(0.3)
async def test_a_complete_answer_outlives_its_limit() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url(), timeout=ClientTimeout(total=AMPLE))
        await asyncio.sleep(2 * AMPLE)
        assert await answer.read() == b"hello"
        await assert_clean(session, server)
        assert server.open == 1


@punctual(0.3)
async def test_the_limit_of_one_request_does_not_reach_the_next() -> None:
    async with ScriptedServer({"/slow": [sleep(2 * AMPLE), *HELLO], "*": HELLO}) as server:
        async with gazelle.ClientSession() as session:
            async with session.get(server.url(), timeout=ClientTimeout(total=AMPLE, sock_read=AMPLE)) as answer:
                assert await answer.read() == b"hello"
            async with session.get(server.url("/slow")) as answer:
                assert await answer.read() == b"hello"
            assert server.accepted == 1


async def test_each_of_many_requests_has_its_own_limit() -> None:
    async with ScriptedServer({"*": [stall()]}) as server, gazelle.ClientSession() as session:
        loop = asyncio.get_running_loop()

        async def one(limit: float) -> float:
            start = loop.time()
            with pytest.raises(asyncio.TimeoutError):
                await session.get(server.url(), timeout=ClientTimeout(total=limit))
            return loop.time() - start

        limits = [0.5 - 0.02 * (number % 20) for number in range(80)]
        elapsed = await asyncio.gather(*map(one, limits))
        for limit, seconds in zip(limits, elapsed, strict=True):
            assert limit * 0.9 <= seconds < HANG
        await assert_clean(session, server)


# --- connect and sock_connect -----------------------------------------------------------------------------------------


@punctual(0.1)
async def test_connect_covers_the_wait_for_a_slot() -> None:
    async with ScriptedServer({"/held": HALF, "*": HELLO}) as server:
        timeout = ClientTimeout(connect=LIMIT)
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1), timeout=timeout) as session:
            held = await session.get(server.url("/held"))
            error = await fails(session, server.url(), gazelle.ConnectionTimeoutError)
            says(error, "connect", LIMIT)
            held.close()
            async with session.get(server.url()) as answer:
                assert await answer.read() == b"hello"
            await assert_clean(session, server)


@pytest.mark.parametrize("field", ["connect", "sock_connect"])
async def test_a_blackhole_ends_in_a_connection_timeout(field: str) -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        with blackhole() as port:
            timeout = ClientTimeout(**{field: LIMIT})
            url = f"http://127.0.0.1:{port}/"
            error = await fails(session, url, gazelle.ConnectionTimeoutError, timeout=timeout)
            says(error, field, LIMIT)
            assert isinstance(error, gazelle.ServerTimeoutError)
            assert isinstance(error, asyncio.TimeoutError)
        await assert_clean(session, server)


@pytest.mark.parametrize("field", ["connect", "sock_connect"])
async def test_a_stalled_handshake_ends_in_a_connection_timeout(tls: Tls, field: str) -> None:
    async with ScriptedServer(accept=[stall()]) as server, gazelle.ClientSession() as session:
        url = server.url().replace("http:", "https:")
        timeout = ClientTimeout(**{field: LIMIT})
        error = await fails(session, url, gazelle.ConnectionTimeoutError, timeout=timeout, ssl=tls.client)
        says(error, field, LIMIT)
        await assert_clean(session, server)
        assert server.open == 0


async def test_connect_covers_the_lookup_of_the_name() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        resolver = TableResolver({"slow.example": ["127.0.0.1"]}, gate=asyncio.Event())
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(resolver=resolver)) as session:
            url = server.url(host="slow.example")
            timeout = ClientTimeout(connect=LIMIT)
            error = await fails(session, url, gazelle.ConnectionTimeoutError, timeout=timeout)
            says(error, "connect", LIMIT, "slow.example")
            await assert_clean(session, server)


@punctual(0.3)
async def test_connect_ends_with_the_connection() -> None:
    async with ScriptedServer({"*": [sleep(2 * AMPLE), *HELLO]}) as server:
        timeout = ClientTimeout(connect=AMPLE, sock_connect=AMPLE)
        async with gazelle.ClientSession(timeout=timeout) as session, session.get(server.url()) as answer:
            assert await answer.read() == b"hello"


# --- sock_read --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["head", "part-of-head", "body"])
@punctual(0.1)
async def test_silence_ends_in_a_socket_timeout(phase: str) -> None:
    routes = {"/head": [stall()], "/part-of-head": [send(b"HTTP/1.1 200 OK\r\nA:"), stall()], "/body": HALF}
    async with ScriptedServer(routes) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(sock_read=LIMIT)) as session:
            error = await fails(session, server.url(f"/{phase}"), gazelle.SocketTimeoutError)
            says(error, "sock_read", LIMIT)
            assert isinstance(error, gazelle.ServerTimeoutError)
            assert isinstance(error, asyncio.TimeoutError)
            await assert_clean(session, server)
            assert server.open == 0


@punctual(0.3)
async def test_a_slow_answer_that_never_falls_silent_is_read() -> None:
    data = response(b"z" * 20)
    async with ScriptedServer({"*": [drip(data, delay=0.03, size=2)]}) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(sock_read=AMPLE)) as session:
            async with takes(AMPLE), session.get(server.url()) as answer:
                assert await answer.read() == b"z" * 20


@punctual(0.3)
async def test_silence_of_an_idle_connection_is_no_timeout() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(sock_read=AMPLE)) as session:
            for pause in (1.5 * AMPLE, 0):
                async with session.get(server.url()) as answer:
                    assert await answer.read() == b"hello"
                await asyncio.sleep(pause)
            assert server.accepted == 1


@punctual(0.3)
async def test_silence_is_the_readers_own_while_reading_is_paused() -> None:
    body = b"w" * (16 << 20)
    async with ScriptedServer({"*": [send(response(body))]}) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(sock_read=AMPLE)) as session:
            async with session.get(server.url()) as answer:
                got = len(await answer.content.readany())
                await asyncio.sleep(2 * AMPLE)
                async for part in answer.content.iter_any():
                    got += len(part)
                assert got == len(body)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@punctual(0.3)
async def test_silence_counts_from_the_end_of_the_upload() -> None:
    async with ScriptedServer({"*": Early([sleep(2 * AMPLE), read_body(), *HELLO])}) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(sock_read=AMPLE)) as session:
            async with session.post(server.url(), data=bytes(30 << 20)) as answer:
                assert await answer.read() == b"hello"


# --- together ---------------------------------------------------------------------------------------------------------


async def test_the_shortest_limit_wins() -> None:
    async with ScriptedServer({"*": [stall()]}) as server, gazelle.ClientSession() as session:
        url = server.url()
        error = await fails(session, url, asyncio.TimeoutError, timeout=ClientTimeout(total=LIMIT, sock_read=90))
        says(error, "total", LIMIT)
        assert not isinstance(error, gazelle.SocketTimeoutError)
        timeout = ClientTimeout(total=90, sock_read=LIMIT, connect=80, sock_connect=80)
        error = await fails(session, url, gazelle.SocketTimeoutError, timeout=timeout)
        says(error, "sock_read", LIMIT)


@pytest.mark.parametrize("nothing", [None, 0])
async def test_no_limit_and_zero_are_no_limits(nothing: float | None) -> None:
    async with ScriptedServer({"*": [sleep(0.2), *HELLO]}) as server:
        timeout = ClientTimeout(total=nothing, connect=nothing, sock_read=nothing, sock_connect=nothing)
        async with gazelle.ClientSession(timeout=timeout) as session, session.get(server.url()) as answer:
            assert await answer.read() == b"hello"


async def test_the_timeout_of_a_request_replaces_that_of_the_session() -> None:
    async with ScriptedServer({"*": [sleep(2 * LIMIT), *HELLO]}) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(total=LIMIT)) as session:
            async with session.get(server.url(), timeout=ClientTimeout(total=60)) as answer:
                assert await answer.read() == b"hello"
            with pytest.raises(asyncio.TimeoutError):
                await session.get(server.url())


def test_the_session_waits_five_minutes_in_all_and_half_a_minute_for_a_connection() -> None:
    async def main() -> gazelle.ClientTimeout:
        async with gazelle.ClientSession() as session:
            return session.timeout

    timeout = asyncio.run(main())
    assert (timeout.total, timeout.connect, timeout.sock_read, timeout.sock_connect) == (300, None, None, 30)


async def test_a_cancellation_stays_a_cancellation() -> None:
    async with ScriptedServer({"*": [stall()]}) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(total=60)) as session:
            task = asyncio.ensure_future(session.get(server.url()))
            await eventually(lambda: server.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await assert_clean(session, server)


async def test_a_timeout_of_the_caller_stays_the_callers() -> None:
    async with ScriptedServer({"*": [stall()]}) as server:
        async with gazelle.ClientSession(timeout=ClientTimeout(total=60)) as session:
            async with takes(LIMIT):
                with pytest.raises(asyncio.TimeoutError):
                    async with asyncio.timeout(LIMIT) as scope:
                        await session.get(server.url())
            assert scope.expired()
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(60) as scope:
                    await session.get(server.url(), timeout=ClientTimeout(total=LIMIT))
            assert not scope.expired()
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == 0
            await assert_clean(session, server)
