"""Bytes that nobody asked for, on a connection that has just answered or lies idle, never answer another request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

import gazelle
from tests.conftest import Tls
from tests.support.clean import assert_clean, connector_of, eventually, idle
from tests.support.server import LOST, Peer, ScriptedServer, chunked, response

EVIL = response(b"EVIL")
WORKERS = 8
PLAIN_ROUNDS = 950
TLS_ROUNDS = 300  # for each of the eight variants: ten thousand with the plain ones

Variant = Callable[[Peer, bytes], Awaitable[None]]


async def pause(peer: Peer) -> None:
    """Lets the client take what was sent."""
    await peer.flush()
    for _ in range(3):
        await asyncio.sleep(0)


def later(*parts: bytes) -> Variant:
    """The answer, and then each part in a packet of its own."""

    async def variant(peer: Peer, good: bytes) -> None:
        await peer.send(good)
        for part in parts:
            await pause(peer)
            await peer.send(part)
        await peer.flush()

    return variant


async def same_packet(peer: Peer, good: bytes) -> None:
    await peer.send(good + EVIL)
    await peer.flush()


async def partial(peer: Peer, good: bytes) -> None:
    await peer.send(good + EVIL[:20])
    await pause(peer)
    await peer.send(EVIL[20:])
    await peer.flush()


async def timeout(peer: Peer, good: bytes) -> None:
    await later(response(b"EVIL", status="408 Request Timeout", headers="Connection: close"))(peer, good)
    await peer.close()


VARIANTS: dict[str, Variant] = {
    "same-packet": same_packet,
    "later": later(EVIL),
    "partial": partial,
    "408": timeout,
    "junk": later(b"\x00\xff junk \r\n\r\n"),
    "interim": later(b"HTTP/1.1 100 Continue\r\n\r\n", EVIL),
    "byte-by-byte": later(EVIL[:1], EVIL[1:2], EVIL[2:]),
    "chunked": later(b"\r\n", response(headers="Transfer-Encoding: chunked", length=False) + chunked(b"EVIL")),
}
assert len(VARIANTS) * (PLAIN_ROUNDS + TLS_ROUNDS) == 10_000


async def play(server: ScriptedServer, session: gazelle.ClientSession, variant: str, worker: int, rounds: int) -> None:
    """Requests one after the other; each connection is poisoned once it has given its answer.

    Every other round goes on as soon as the bytes are sent, whether the client has read them or not.
    """
    sent: set[str] = getattr(server, "sent")  # noqa: B009
    connector = connector_of(session)
    for number in range(rounds):
        path = f"/{variant}/{worker}/{number}"
        async with session.get(server.url(path)) as answer:
            assert (answer.status, await answer.text()) == (200, path)
        await eventually(lambda: path in sent)  # noqa: B023
        sent.discard(path)
        if number % 2:
            await eventually(lambda: idle(connector) == 0, "the client keeps a connection with bytes in it")


async def run(server: ScriptedServer, connector: Callable[[], gazelle.TCPConnector], variant: str, rounds: int) -> None:
    async def one(worker: int) -> None:
        async with gazelle.ClientSession(connector=connector()) as session:
            share = rounds // WORKERS + (worker < rounds % WORKERS)
            await play(server, session, variant, worker, share)

    async with asyncio.TaskGroup() as group:
        for worker in range(WORKERS):
            group.create_task(one(worker))
    assert len(server.requests) == rounds
    assert server.accepted == rounds, "a connection was used again after it had been poisoned"


class PoisoningServer(ScriptedServer):
    """Answers `/variant/…` with the path, and then does what the variant says."""

    def __init__(self, **arguments: object) -> None:
        super().__init__({"*": self.script}, **arguments)  # type: ignore[arg-type]
        self.sent: set[str] = set()

    async def script(self, peer: Peer) -> None:
        path = peer.request.path
        try:
            await VARIANTS[path.split("/")[1]](peer, response(path.encode()))
        except LOST:
            pass  # the client has had enough, and rightly so
        finally:
            self.sent.add(path)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
async def test_stray_bytes_answer_nobody(variant: str) -> None:
    async with PoisoningServer() as server:
        await run(server, gazelle.TCPConnector, variant, PLAIN_ROUNDS)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
async def test_stray_bytes_under_tls_answer_nobody(tls: Tls, variant: str) -> None:
    async with PoisoningServer(tls=tls.server()) as server:
        await run(server, lambda: gazelle.TCPConnector(ssl=tls.client), variant, TLS_ROUNDS)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "HEAD"])
async def test_the_body_of_an_answer_that_has_none_answers_nobody(status: str) -> None:
    method = "HEAD" if status == "HEAD" else "GET"
    line = "200 OK" if status == "HEAD" else status

    async def script(peer: Peer) -> None:
        if peer.request.path == "/trap":
            await peer.send(response(EVIL, status=line))
        else:
            await peer.send(response(peer.request.path.encode()))

    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        for number in range(200):
            async with session.request(method, server.url("/trap")) as answer:
                assert await answer.read() == b""
            async with session.get(server.url(f"/{number}")) as answer:
                assert await answer.text() == f"/{number}"
        await assert_clean(session, server)
