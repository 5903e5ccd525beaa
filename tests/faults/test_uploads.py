"""Servers that answer, close or fall silent while a large body is still on its way to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

import gazelle
from tests.conftest import Tls
from tests.support.clean import assert_clean, connector_of, eventually, idle
from tests.support.punctual import punctual
from tests.support.server import (
    Early,
    Peer,
    ScriptedServer,
    Step,
    expect,
    fin,
    read_body,
    response,
    rst,
    send,
    sleep,
    stall,
)

pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")

BODY = bytes(10 << 20)
TOO_LARGE = response(b"too large", status="413 Content Too Large")
GOOD = [send(response(b"good"))]


async def good(session: gazelle.ClientSession, server: ScriptedServer) -> None:
    async with session.get(server.url("/good")) as answer:
        assert await answer.read() == b"good"


async def test_an_early_answer_is_delivered_and_its_connection_dropped() -> None:
    """The server stops reading, so the body can never be sent whole and the connection never be used again."""
    routes = {"*": Early([send(TOO_LARGE), sleep(0.05), stall()]), "/good": GOOD}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            async with asyncio.timeout(60), session.post(server.url(), data=BODY) as answer:
                assert answer.status == 413
                assert await answer.read() == b"too large"
            assert idle(connector_of(session)) == 0
            await good(session, server)
        await assert_clean(session, server)
        assert len(server.seen("/")) == 3


async def test_an_early_answer_of_a_server_that_reads_on_harms_no_later_request() -> None:
    routes = {"*": Early([send(TOO_LARGE), read_body()]), "/good": GOOD}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            async with asyncio.timeout(60), session.post(server.url(), data=BODY) as answer:
                assert (answer.status, await answer.read()) == (413, b"too large")
            await good(session, server)
        await assert_clean(session, server)


async def test_an_early_answer_with_a_long_body_is_read_whole() -> None:
    routes = {"*": Early([send(response(b"x" * 3_000_000, status="400 Bad")), stall()])}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with asyncio.timeout(60), session.post(server.url(), data=BODY) as answer:
            assert (answer.status, len(await answer.read())) == (400, 3_000_000)
        await assert_clean(session, server)
        assert server.open == 0


@pytest.mark.parametrize("close", [fin(), rst()], ids=["fin", "rst"])
async def test_an_answer_that_closes_is_delivered_or_an_error(close: Step) -> None:
    """What the kernel does with the answer when unread data meets the close is not in the client's hand."""
    routes = {"*": Early([send(TOO_LARGE), close]), "/good": GOOD}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        for _ in range(5):
            try:
                async with asyncio.timeout(60), session.post(server.url(), data=BODY) as answer:
                    assert (answer.status, await answer.read()) == (413, b"too large")
            except (gazelle.ServerDisconnectedError, gazelle.ClientOSError, gazelle.ClientPayloadError):
                pass
            await good(session, server)
        await assert_clean(session, server)


@pytest.mark.parametrize("close", [fin(), rst()], ids=["fin", "rst"])
async def test_a_close_during_the_upload_is_an_error(close: Step) -> None:
    routes = {"*": Early([expect(65536), close]), "/good": GOOD}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        for _ in range(2):
            async with asyncio.timeout(60):
                with pytest.raises((gazelle.ServerDisconnectedError, gazelle.ClientOSError)):
                    await session.post(server.url(), data=BODY)
            await assert_clean(session, server)
            await good(session, server)
        assert len(server.seen("/")) == 2


async def test_a_reset_during_a_tls_upload_is_an_error(tls: Tls) -> None:
    routes = {"*": Early([expect(65536), rst()]), "/good": GOOD}
    async with ScriptedServer(routes, tls=tls.server()) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(ssl=tls.client)) as session:
            async with asyncio.timeout(60):
                with pytest.raises((gazelle.ServerDisconnectedError, gazelle.ClientOSError)):
                    await session.post(server.url(), data=BODY)
            await good(session, server)
            await assert_clean(session, server)


async def test_an_upload_to_a_server_that_does_not_read_can_be_cancelled() -> None:
    async def ignore(peer: Peer) -> None:
        await asyncio.sleep(30)

    async with ScriptedServer({"*": Early([ignore]), "/good": GOOD}) as server, gazelle.ClientSession() as session:
        task = asyncio.ensure_future(session.post(server.url(), data=bytes(30 << 20)))
        await eventually(lambda: server.requests)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not connector_of(session)._acquired
        await good(session, server)


async def test_a_small_body_that_is_answered_before_it_is_read_keeps_its_connection() -> None:
    routes = {"*": Early([send(response(b"early")), read_body()])}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        for number in range(20):
            async with session.post(server.url(), data=b"%d" % number) as answer:
                assert await answer.read() == b"early"
        assert [request.body for request in server.requests] == [b"%d" % number for number in range(20)]


# --- bodies that are made while they are sent -------------------------------------------------------------------------


class Pieces:
    """An async iterable of pieces that knows how often it was begun and ended."""

    def __init__(self, count: int, size: int = 10_000, error: Exception | None = None) -> None:
        self.count = count
        self.size = size
        self.error = error
        self.begun = self.ended = self.made = 0

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        self.begun += 1
        try:
            for _ in range(self.count):
                await asyncio.sleep(0)
                self.made += 1
                yield b"p" * self.size
            if self.error is not None:
                raise self.error
        finally:
            self.ended += 1


async def test_an_early_answer_ends_a_streamed_upload() -> None:
    routes = {"*": Early([send(TOO_LARGE), stall()]), "/good": GOOD}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            pieces = Pieces(1_000_000)
            async with asyncio.timeout(60), session.post(server.url(), data=aiter(pieces)) as answer:
                assert (answer.status, await answer.read()) == (413, b"too large")
            await eventually(lambda: pieces.ended == 1)  # noqa: B023
            assert pieces.made < 100_000
            await assert_clean(session, server)
            assert server.open == 0
            await good(session, server)


@pytest.mark.parametrize("close", [fin(), rst()], ids=["fin", "rst"])
async def test_a_close_ends_a_streamed_upload(close: Step) -> None:
    async with ScriptedServer({"*": Early([expect(65536), close]), "/good": GOOD}) as server:
        async with gazelle.ClientSession() as session:
            for _ in range(3):
                pieces = Pieces(1_000_000)
                async with asyncio.timeout(60):
                    with pytest.raises((gazelle.ServerDisconnectedError, gazelle.ClientOSError)):
                        await session.put(server.url(), data=aiter(pieces))
                await eventually(lambda: pieces.ended == 1)  # noqa: B023
                await assert_clean(session, server)
                await good(session, server)
            assert len(server.seen("/")) == 3


async def test_a_body_that_fails_is_the_callers_error_and_no_whole_request() -> None:
    async with ScriptedServer({"*": [send(response(b"taken"))], "/good": GOOD}) as server:
        async with gazelle.ClientSession() as session:
            for count in (0, 1, 5, 500):
                pieces = Pieces(count, error=LookupError("mine"))
                async with asyncio.timeout(60):
                    with pytest.raises(LookupError, match="mine"):
                        await session.post(server.url(), data=aiter(pieces))
                assert (pieces.begun, pieces.ended) == (1, 1)
                await assert_clean(session, server)
                assert server.open == 0
                await good(session, server)
            assert [request.body for request in server.seen("/")] == [b""] * 4  # none was ever complete


@punctual(0.2)
async def test_a_streamed_upload_to_a_server_that_does_not_read_is_held_back() -> None:
    async def ignore(peer: Peer) -> None:
        await asyncio.sleep(30)

    async with ScriptedServer({"*": Early([ignore]), "/good": GOOD}) as server, gazelle.ClientSession() as session:
        pieces = Pieces(100_000, 100_000)
        with pytest.raises(asyncio.TimeoutError):
            await session.post(server.url(), data=aiter(pieces), timeout=gazelle.ClientTimeout(total=0.5))
        assert pieces.made * pieces.size < 64 << 20
        assert pieces.ended == 1
        assert not connector_of(session)._acquired
        await good(session, server)
