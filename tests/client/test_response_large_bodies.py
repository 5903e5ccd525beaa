"""Large bodies that `read()` receives into their final object."""

from __future__ import annotations

import asyncio
import random

import pytest

import gazelle
from gazelle.net.stream import StreamReader
from tests.conftest import Tls
from tests.support.clean import assert_clean, connector_of, eventually
from tests.support.server import Peer, ScriptedServer, fin, response, send, stall

BODY = random.Random(4).randbytes(3_000_000)
WHOLE = response(BODY)


async def test_read_returns_the_body_and_the_connection_is_used_again() -> None:
    async with ScriptedServer({"*": [send(WHOLE)]}) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            async with session.get(server.url()) as answer:
                assert await answer.read() == BODY
                assert answer.content.total_raw_bytes == len(BODY)
                assert answer.content.at_eof()
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_read_under_tls_returns_the_body_and_the_connection_is_used_again(tls: Tls) -> None:
    async with ScriptedServer({"*": [send(WHOLE)]}, tls=tls.server()) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            async with session.get(server.url(), ssl=tls.client) as answer:
                assert await answer.content.readexactly(7) == BODY[:7]
                assert await answer.read() == BODY[7:]
        assert server.accepted == 1
        await assert_clean(session, server)


@pytest.mark.parametrize("first", [1, 100_000, 1_000_000])
async def test_read_after_a_part_was_read_returns_the_rest(first: int) -> None:
    async with ScriptedServer({"*": [send(WHOLE)]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            start = await answer.content.readexactly(first)
            assert start + await answer.content.read() == BODY
        await assert_clean(session, server)


async def test_a_cancelled_read_consumes_nothing_and_the_next_one_gets_everything() -> None:
    go = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.send(WHOLE[:2_000_000])
        await go.wait()
        await peer.send(WHOLE[2_000_000:])

    async with ScriptedServer({"*": slow}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            start = await answer.content.readexactly(1000)
            reading = asyncio.ensure_future(answer.content.read())
            await eventually(lambda: answer.content.total_raw_bytes > 1_500_000)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            go.set()
            part = await answer.content.readexactly(500_000)
            assert start + part + await answer.content.read() == BODY
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_a_body_that_breaks_off_is_an_error_and_what_came_can_be_read_in_pieces() -> None:
    script = {"*": [send(WHOLE[:2_000_000]), fin()]}
    async with ScriptedServer(script) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            with pytest.raises(gazelle.ClientPayloadError):
                await answer.content.read()
            assert await answer.content.readany() == BODY[: answer.content.total_raw_bytes]
            with pytest.raises(gazelle.ClientPayloadError):
                await answer.content.readany()
        await assert_clean(session, server)


async def test_a_server_that_falls_silent_in_a_large_body_is_given_up() -> None:
    script = {"*": [send(WHOLE[:2_000_000]), stall()]}
    timeout = gazelle.ClientTimeout(sock_read=0.2)
    async with ScriptedServer(script) as server, gazelle.ClientSession(timeout=timeout) as session:
        async with session.get(server.url()) as answer:
            with pytest.raises(gazelle.SocketTimeoutError):
                await answer.read()
        assert not connector_of(session)._acquired


async def test_bytes_behind_a_large_body_close_the_connection() -> None:
    async with (
        ScriptedServer({"*": [send(WHOLE + b"HTTP/1.1 200 OK\r\n")]}) as server,
        gazelle.ClientSession() as session,
    ):
        for _ in range(2):
            async with session.get(server.url()) as answer:
                assert await answer.read() == BODY
        assert server.accepted == 2


async def test_a_large_body_costs_its_size_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces of a stream are joined in the end; a body that was received into its object is one piece."""
    joined: list[int] = []
    take = StreamReader._take

    def count(stream: StreamReader, n: int) -> bytes:
        joined.append(len(stream._buffer.pieces))
        return take(stream, n)

    monkeypatch.setattr(StreamReader, "_take", count)
    async with ScriptedServer({"*": [send(WHOLE)]}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert await answer.read() == BODY
    assert joined == [1]
