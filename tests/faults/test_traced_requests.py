"""What happens to a connection, its place and the body while somebody is told of a request."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

import gazelle
from gazelle.tracing import TraceConfig
from tests.support.bodies import Watched
from tests.support.clean import assert_clean, connector_of, eventually, idle, said_at_collection
from tests.support.server import ScriptedServer, fin, response, send, turns

HELLO = {"*": [send(response(b"hello"))]}
LIMITS: list[dict[str, Any]] = [{"limit": 1}, {"limit": 0, "limit_per_host": 1}]


def tracing(signal: str, handler: Any, **limits: Any) -> gazelle.ClientSession:
    config = TraceConfig()
    getattr(config, signal).append(handler)
    return gazelle.ClientSession(trace_configs=[config], connector=gazelle.TCPConnector(**limits))


def lose(server: ScriptedServer) -> None:
    """The server closes all connections."""
    for peer in server.peers:
        peer.writer.transport.abort()


@pytest.mark.parametrize("limits", LIMITS)
async def test_a_new_connection_that_is_lost_while_a_trace_is_told_of_it_gives_its_place_back(limits: Any) -> None:
    async def meanwhile(session: Any, context: Any, params: Any) -> None:
        if not server.requests:
            lose(server)
            await eventually(lambda: all(one.closed for one in connector_of(session).pool.open))

    async with ScriptedServer(HELLO) as server, tracing("on_connection_create_end", meanwhile, **limits) as session:
        for _ in range(2):
            with pytest.raises(gazelle.ServerDisconnectedError):
                await session.get(server.url())
            await assert_clean(session, server)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("limits", LIMITS)
async def test_a_kept_connection_that_is_lost_while_a_trace_is_told_of_it_is_replaced(limits: Any, method: str) -> None:
    async def meanwhile(session: Any, context: Any, params: Any) -> None:
        (connection,) = connector_of(session)._acquired
        lose(server)
        await eventually(lambda: connection.closed)

    async with ScriptedServer(HELLO) as server, tracing("on_connection_reuseconn", meanwhile, **limits) as session:
        for _ in range(3):  # nothing of the second and third was sent on the lost one: a POST can go again, too
            async with session.request(method, server.url()) as answer:
                assert await answer.read() == b"hello"
        assert len(server.requests) == 3
        await assert_clean(session, server)


@pytest.mark.parametrize("limits", LIMITS)
async def test_who_waits_for_a_place_is_served_when_the_connection_is_lost_under_a_trace(limits: Any) -> None:
    async def meanwhile(session: Any, context: Any, params: Any) -> None:
        (connection,) = connector_of(session)._acquired
        lose(server)
        await eventually(lambda: connection.closed)

    async with ScriptedServer(HELLO) as server, tracing("on_connection_reuseconn", meanwhile, **limits) as session:

        async def one() -> bytes:
            async with session.get(server.url()) as answer:
                return await answer.read()

        assert await asyncio.gather(*(one() for _ in range(4))) == [b"hello"] * 4
        await assert_clean(session, server)


@pytest.mark.parametrize("error", [gazelle.ServerDisconnectedError(), gazelle.ClientOSError(5, "no"), LookupError()])
@pytest.mark.parametrize("warm", [False, True])
async def test_a_trace_that_raises_while_the_answer_is_on_its_way_costs_the_connection_and_nothing_else(
    error: Exception, warm: bool
) -> None:
    failing: list[Exception] = []

    async def fail(session: Any, context: Any, params: Any) -> None:
        if failing:
            raise failing.pop()

    script = {"*": [turns(5), send(response(b"late"))]}
    async with ScriptedServer(script) as server, tracing("on_request_headers_sent", fail) as session:
        if warm:
            async with session.get(server.url()) as answer:
                await answer.read()
        failing.append(error)
        with said_at_collection() as said:
            with pytest.raises(type(error)) as raised:
                await session.get(server.url())
            assert raised.value is error
            await assert_clean(session, server)
            del raised
            gc.collect()
        assert not said.messages
        assert idle(connector_of(session)) == 0
        async with session.get(server.url()) as answer:
            assert await answer.read() == b"late"


async def test_an_end_that_comes_while_a_failing_trace_runs_is_not_reported_to_the_loop() -> None:
    async def fail(session: Any, context: Any, params: Any) -> None:
        (connection,) = connector_of(session)._acquired
        await eventually(lambda: connection.closed)
        raise LookupError

    async with ScriptedServer({"*": [fin()]}) as server, tracing("on_request_headers_sent", fail) as session:
        with said_at_collection() as said:
            with pytest.raises(LookupError):
                await session.get(server.url())
            await assert_clean(session, server)
            gc.collect()
        assert not said.messages


@pytest.mark.parametrize("signal", ["on_connection_create_end", "on_connection_reuseconn", "on_request_headers_sent"])
async def test_a_body_is_closed_when_a_trace_fails_before_it_is_sent(signal: str) -> None:
    failing = False

    async def fail(session: Any, context: Any, params: Any) -> None:
        if failing:
            raise LookupError

    async with ScriptedServer(HELLO) as server, tracing(signal, fail) as session:
        if signal == "on_connection_reuseconn":
            async with session.get(server.url()) as answer:
                await answer.read()
        failing = True
        body = Watched(b"x")
        with pytest.raises(LookupError):
            await session.post(server.url(), data=body)
        assert body.closed == 1
        await assert_clean(session, server)
