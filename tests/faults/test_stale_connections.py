"""A server closes a connection as it is used again: safe requests are repeated, others are never sent twice."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

import gazelle
from tests.conftest import Tls
from tests.support.clean import assert_clean, eventually
from tests.support.punctual import punctual
from tests.support.server import Peer, ScriptedServer, abort, fin, response, rst, send

ENDS = {"fin": fin(), "rst": rst(), "abort": abort()}
SAFE = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]
UNSAFE = ["POST", "PATCH"]


async def answer_and_end(peer: Peer) -> None:
    """Answers, says nothing of closing, and closes."""
    await peer.send(response(b"" if peer.request.method == "HEAD" else peer.request.path.encode()))
    await ENDS[peer.request.path.split("/")[1]](peer)


async def end_at_the_second(peer: Peer) -> None:
    """Answers one request and takes a second, which it never answers."""
    if len(peer.requests) == 1:
        await peer.send(response(b"" if peer.request.method == "HEAD" else peer.request.path.encode()))
    else:
        await ENDS[peer.request.path.split("/")[1]](peer)


@pytest.mark.parametrize("end", sorted(ENDS))
async def test_a_get_survives_a_server_that_closes_after_each_answer(end: str) -> None:
    async with ScriptedServer({"*": answer_and_end}) as server, gazelle.ClientSession() as session:

        async def worker(name: int) -> None:
            for number in range(85):
                path = f"/{end}/{name}/{number}"
                async with session.get(server.url(path)) as answer:
                    assert await answer.text() == path
                wait = (0.0, None, 0.001, 0.005)[number % 4]
                if wait is not None:
                    await asyncio.sleep(wait)

        async with asyncio.TaskGroup() as group:  # 3 × 4 × 85 rounds
            for name in range(4):
                group.create_task(worker(name))
        await assert_clean(session, server)


async def test_a_get_survives_a_tls_server_that_closes_after_each_answer(tls: Tls) -> None:
    async with ScriptedServer({"*": answer_and_end}, tls=tls.server()) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(ssl=tls.client)) as session:
            for end in sorted(ENDS):
                for number in range(40):
                    async with session.get(server.url(f"/{end}/{number}")) as answer:
                        assert await answer.text() == f"/{end}/{number}"
                    if number % 2:
                        await asyncio.sleep(0)
            await assert_clean(session, server)


@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("method", SAFE)
async def test_a_safe_request_is_repeated_once_on_a_new_connection(method: str, end: str) -> None:
    async with ScriptedServer({"*": end_at_the_second}) as server, gazelle.ClientSession() as session:
        for number in range(20):
            path = f"/{end}/{number}"
            async with session.request(method, server.url(path)) as answer:
                assert await answer.text() == ("" if method == "HEAD" else path)
        await assert_clean(session, server)
        seen = Counter(request.path for request in server.requests)
        assert seen[f"/{end}/0"] == 1
        assert {seen[f"/{end}/{number}"] for number in range(1, 20)} == {2}


@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("method", UNSAFE)
async def test_an_unsafe_request_is_never_sent_twice(method: str, end: str) -> None:
    async with ScriptedServer({"*": end_at_the_second}) as server, gazelle.ClientSession() as session:
        failed = 0
        for number in range(30):
            path = f"/{end}/{number}"
            try:
                async with session.request(method, server.url(path), data=b"order") as answer:
                    assert await answer.text() == path
            except (gazelle.ServerDisconnectedError, gazelle.ClientOSError):
                failed += 1
        assert failed == 15
        seen = Counter(request.path for request in server.requests)
        assert set(seen.values()) == {1}
        await assert_clean(session, server)


async def test_an_unsafe_request_fails_or_works_once_when_its_connection_is_closing() -> None:
    async with ScriptedServer({"*": answer_and_end}) as server, gazelle.ClientSession() as session:
        for number in range(100):
            path = f"/{('fin', 'rst')[number % 2]}/{number}"
            try:
                async with session.post(server.url(path), data=b"order") as answer:
                    assert await answer.text() == path
            except (gazelle.ServerDisconnectedError, gazelle.ClientOSError):
                pass
        assert max(Counter(request.path for request in server.requests).values()) == 1
        await assert_clean(session, server)


async def test_a_second_failure_is_the_callers() -> None:
    async def script(peer: Peer) -> None:
        if peer.request.path == "/good":
            await peer.send(response(b"good"))
        else:
            await fin()(peer)

    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/good")) as answer:
            await answer.read()
        with pytest.raises(gazelle.ServerDisconnectedError):
            await session.get(server.url("/bad"))
        assert len(server.seen("/bad")) == 2
        await assert_clean(session, server)


async def test_a_fresh_connection_that_fails_is_not_tried_again() -> None:
    async with ScriptedServer({"*": [fin()]}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ServerDisconnectedError):
            await session.get(server.url())
        assert len(server.requests) == 1


async def test_a_repeated_request_does_not_pick_another_stale_connection() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        if len(peer.requests) == 1 and peer.number <= 10:
            await gate.wait()
            await peer.send(response(b"first"))
        elif peer.number <= 10:
            await fin()(peer)
        else:
            await peer.send(response(b"fresh"))

    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:

        async def fetch() -> bytes:
            async with session.get(server.url()) as answer:
                return await answer.read()

        tasks = [asyncio.ensure_future(fetch()) for _ in range(10)]
        await eventually(lambda: len(server.requests) == 10)
        gate.set()
        assert await asyncio.gather(*tasks) == [b"first"] * 10
        assert await asyncio.gather(*(fetch() for _ in range(10))) == [b"fresh"] * 10
        await assert_clean(session, server)


@punctual(0.1)
async def test_a_repeated_request_keeps_its_limit_of_time() -> None:
    async def script(peer: Peer) -> None:
        if len(peer.requests) == 1 and peer.number == 1:
            await peer.send(response(b"first"))
        elif peer.number == 1:
            await asyncio.sleep(0.3)
            await fin()(peer)
        else:
            await peer.until_closed()

    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            await answer.read()
        loop = asyncio.get_running_loop()
        start = loop.time()
        with pytest.raises(asyncio.TimeoutError):
            await session.get(server.url(), timeout=gazelle.ClientTimeout(total=0.5))
        assert 0.45 < loop.time() - start < 0.79  # and not half a second more than the 0.3 of the first attempt
        await assert_clean(session, server)


async def test_a_put_is_repeated_with_its_body() -> None:
    async with ScriptedServer({"*": end_at_the_second}) as server, gazelle.ClientSession() as session:
        body = b"x" * 100_000
        for number in range(4):
            async with session.put(server.url(f"/fin/{number}"), data=body) as answer:
                assert await answer.text() == f"/fin/{number}"
        assert {request.body for request in server.requests} == {body}
        assert [len(server.seen(f"/fin/{number}")) for number in range(4)] == [1, 2, 2, 2]


async def test_a_stale_connection_costs_no_slot() -> None:
    async with ScriptedServer({"*": end_at_the_second}) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1)) as session:
            for number in range(50):
                async with asyncio.timeout(60), session.get(server.url(f"/fin/{number}")) as answer:
                    assert await answer.text() == f"/fin/{number}"
            await assert_clean(session, server)


async def test_the_script_of_this_module_closes_what_it_says_it_closes() -> None:
    async with ScriptedServer({"*": [send(response(b"x")), fin()]}) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            async with session.get(server.url()) as answer:
                assert await answer.read() == b"x"
        assert server.accepted == 3
