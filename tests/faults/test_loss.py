"""A connection is lost, reset or falls silent after any byte of a response: the right error, never a short success."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

import gazelle
from tests.conftest import Tls
from tests.support.clean import assert_clean, eventually
from tests.support.punctual import punctual
from tests.support.server import Peer, ScriptedServer, Step, abort, chunked, fin, response, rst, send, stall

PADDING = "Server: scripted\r\nContent-Type: text/plain\r\nX-Padding: 0123456789abcdef"
BODY = b"The quick brown gazelle jumps over the lazy crocodile, and over its brother."
PLAIN = response(BODY, headers=PADDING)
CHUNKED = response(headers=PADDING + "\r\nTransfer-Encoding: chunked", length=False) + chunked(
    BODY[:20], BODY[20:21], BODY[21:], trailers="X-Trailer: 1\r\nX-Sum: 2\r\n"
)
RESPONSES = {"plain": PLAIN, "chunked": CHUNKED}
FAULTS: dict[str, Step] = {"fin": fin(), "rst": rst(), "abort": abort(), "stall": stall()}


async def cut_short(peer: Peer) -> None:
    """Answers `/response/fault/k` with k bytes of the response and then the fault."""
    _, name, fault, count = peer.request.path.split("/")
    if int(count):
        await peer.send(RESPONSES[name][: int(count)])
    await FAULTS[fault](peer)


def head_length(data: bytes) -> int:
    return data.index(b"\r\n\r\n") + 4


async def outcome(session: gazelle.ClientSession, url: str) -> tuple[str, BaseException | None, bytes]:
    """Where a request ended (`head`, `body`, `ok`), with which error, and the body as far as it came."""
    body = b""
    try:
        answer = await session.get(url)
    except Exception as error:
        return "head", error, b""
    async with answer:
        try:
            async for part in answer.content.iter_any():
                body += part
        except Exception as error:
            return "body", error, body
    return "ok", None, body


async def whole(session: gazelle.ClientSession, url: str) -> tuple[str, BaseException | None, bytes]:
    """The same through `read()`."""
    try:
        answer = await session.get(url)
    except Exception as error:
        return "head", error, b""
    async with answer:
        try:
            return "ok", None, await answer.read()
        except Exception as error:
            return "body", error, b""


def judge(name: str, fault: str, count: int, got: tuple[str, BaseException | None, bytes]) -> str | None:
    """What is wrong with an outcome, None if it is right."""
    data = RESPONSES[name]
    phase, error, body = got
    if count == len(data):
        right = phase == "ok" and body == BODY
    elif fault == "stall":
        right = phase == ("head" if count < head_length(data) else "body")
        right = right and type(error) is gazelle.SocketTimeoutError
    elif count < head_length(data):
        right = phase == "head" and isinstance(error, gazelle.ServerDisconnectedError | gazelle.ClientOSError)
        right = right and not isinstance(error, gazelle.ClientConnectorError)
    else:
        right = phase == "body" and type(error) is gazelle.ClientPayloadError
    right = right and BODY.startswith(body)
    return None if right else f"{name}, {fault} after {count} of {len(data)} bytes: {got!r}"


async def complaints(
    session: gazelle.ClientSession,
    server: ScriptedServer,
    fault: str,
    counts: Callable[[bytes], Iterable[int]],
    fetch: Callable[[gazelle.ClientSession, str], Awaitable[tuple[str, BaseException | None, bytes]]],
    together: int,
) -> list[str]:
    """Loses the connection after each of `counts` bytes, `together` requests at a time; says what went wrong."""
    found: list[str] = []
    gate = asyncio.Semaphore(together)

    async def one(name: str, count: int) -> None:
        async with gate:
            complaint = judge(name, fault, count, await fetch(session, server.url(f"/{name}/{fault}/{count}")))
        if complaint:
            found.append(complaint)

    async with asyncio.TaskGroup() as group:
        for name, data in RESPONSES.items():
            for count in counts(data):
                group.create_task(one(name, count))
    await assert_clean(session, server)
    return found


def every(data: bytes) -> range:
    return range(len(data) + 1)


def some(data: bytes) -> list[int]:
    """Every seventh byte, and all around the end of the head and of the body."""
    head = head_length(data)
    return sorted({*range(0, len(data), 7), 0, 1, head - 1, head, head + 1, *range(len(data) - 3, len(data) + 1)})


@pytest.mark.parametrize("fetch", [outcome, whole], ids=["stream", "read"])
@pytest.mark.parametrize("fault", ["fin", "rst", "abort"])
async def test_a_loss_after_any_byte_is_an_error_of_the_right_class(
    fault: str, fetch: Callable[[gazelle.ClientSession, str], Awaitable[tuple[str, BaseException | None, bytes]]]
) -> None:
    async with ScriptedServer({"*": cut_short}) as server, gazelle.ClientSession() as session:
        assert await complaints(session, server, fault, every, fetch, 20) == []


@punctual(1.0)
async def test_silence_after_any_byte_is_a_socket_timeout() -> None:
    timeout = gazelle.ClientTimeout(sock_read=2)
    async with ScriptedServer({"*": cut_short}) as server:
        async with gazelle.ClientSession(timeout=timeout, connector=gazelle.TCPConnector(limit=0)) as session:
            assert await complaints(session, server, "stall", every, whole, 1000) == []


@pytest.mark.parametrize("fault", ["fin", "rst", "abort"])
async def test_a_loss_under_tls_is_an_error_of_the_right_class(tls: Tls, fault: str) -> None:
    async with ScriptedServer({"*": cut_short}, tls=tls.server()) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(ssl=tls.client)) as session:
            assert await complaints(session, server, fault, some, outcome, 10) == []


@punctual(1.0)
async def test_silence_under_tls_is_a_socket_timeout(tls: Tls) -> None:
    timeout = gazelle.ClientTimeout(sock_read=2)
    async with ScriptedServer({"*": cut_short}, tls=tls.server()) as server:
        connector = gazelle.TCPConnector(ssl=tls.client, limit=0)
        async with gazelle.ClientSession(timeout=timeout, connector=connector) as session:
            assert await complaints(session, server, "stall", some, whole, 1000) == []


@pytest.mark.parametrize("fault", ["fin", "rst"])
async def test_a_reused_connection_that_is_lost_after_its_first_byte_is_not_tried_again(fault: str) -> None:
    async def script(peer: Peer) -> None:
        if len(peer.requests) == 1:
            await peer.send(response(b"first"))
        else:
            await peer.send(b"H")
            await FAULTS[fault](peer)

    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert await answer.read() == b"first"
        with pytest.raises((gazelle.ServerDisconnectedError, gazelle.ClientOSError)):
            await session.get(server.url())
        assert (server.accepted, len(server.requests)) == (1, 2)
        await assert_clean(session, server)


# --- bodies that end with the connection ------------------------------------------------------------------------------


async def test_a_body_until_the_end_of_the_connection_ends_well_with_fin_only() -> None:
    head = response(length=False)
    routes = {"/fin": [send(head + b"all of it"), fin()], "/rst": [send(head + b"some of it"), rst()]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        assert await outcome(session, server.url("/fin")) == ("ok", None, b"all of it")
        phase, error, body = await outcome(session, server.url("/rst"))
        assert (phase, type(error)) == ("body", gazelle.ClientPayloadError)
        assert b"some of it".startswith(body)
        await assert_clean(session, server)


async def test_a_body_until_the_end_of_a_tls_connection_needs_its_close_notify(tls: Tls) -> None:
    head = response(length=False)
    routes = {"/closed": [send(head + b"all of it"), fin()], "/cut": [send(head + b"some of it"), abort()]}
    async with ScriptedServer(routes, tls=tls.server()) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(ssl=tls.client)) as session:
            assert await outcome(session, server.url("/closed")) == ("ok", None, b"all of it")
            phase, error, body = await outcome(session, server.url("/cut"))
            assert (phase, type(error)) == ("body", gazelle.ClientPayloadError)
            assert b"some of it".startswith(body)
            await assert_clean(session, server)


async def test_a_whole_response_under_tls_does_not_need_a_close_notify(tls: Tls) -> None:
    async with ScriptedServer({"*": [send(PLAIN), abort()]}, tls=tls.server()) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(ssl=tls.client)) as session:
            for _ in range(5):
                assert await outcome(session, server.url()) == ("ok", None, BODY)
            await assert_clean(session, server)
            await eventually(lambda: server.open == 0)


async def test_a_half_closed_connection_is_not_used_again() -> None:
    async def script(peer: Peer) -> None:
        await peer.send(PLAIN)
        await peer.flush()
        peer.writer.write_eof()
        await peer.until_closed()

    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        for number in range(1, 6):
            assert await outcome(session, server.url()) == ("ok", None, BODY)
            await eventually(lambda: server.open == 0)
            assert server.accepted == number
        await assert_clean(session, server)
