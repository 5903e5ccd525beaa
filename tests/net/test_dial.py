"""Connections that do not come about, and what their errors say."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import errno
import pickle

import pytest

import gazelle
from tests.support.clean import assert_clean, connector_of
from tests.support.server import ScriptedServer, Step, fin, response, rst, send, stall

HELLO = [send(response(b"hello"))]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_refused_port_is_named_with_its_host(host: str) -> None:
    async with ScriptedServer() as gone:
        port = gone.port
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectorError) as caught:
            await session.get(f"http://{host}:{port}/")
        error = caught.value
        assert type(error) is gazelle.ClientConnectorError
        assert (error.host, error.port) == (host, port)
        assert error.errno == error.os_error.errno == errno.ECONNREFUSED
        assert isinstance(error, gazelle.ClientOSError)
        assert isinstance(error, OSError)
        assert f"{host}:{port}" in str(error)
        for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert (type(again), str(again), again.host) == (type(error), str(error), host)
        await assert_clean(session, server)
        async with session.get(server.url()) as answer:
            assert await answer.read() == b"hello"


async def test_many_refusals_leave_nothing_behind() -> None:
    async with ScriptedServer() as gone:
        url = gone.url()
    async with gazelle.ClientSession() as session:
        for _ in range(100):
            with pytest.raises(gazelle.ClientConnectorError):
                await session.get(url)
        connector = connector_of(session)
        assert not connector._acquired
        assert not connector._conns
        assert not connector._waiters


async def test_an_unreachable_address_is_an_error_of_the_connector() -> None:
    async with gazelle.ClientSession(timeout=gazelle.ClientTimeout(sock_connect=0.5)) as session:
        with pytest.raises((gazelle.ClientConnectorError, gazelle.ConnectionTimeoutError)):
            await session.get("http://255.255.255.255:1/")
        assert not connector_of(session)._acquired


@pytest.mark.parametrize(
    "greeting",
    [
        [fin()],
        [rst()],
        [send(b"\0")],
        [send(response(b"EVIL"))],
        [send(b"HTTP/1.1 408 Request Timeout\r\n\r\n"), fin()],
    ],
    ids=["fin", "rst", "junk", "response", "408"],
)
async def test_a_server_that_greets_the_wrong_way_costs_no_slot(greeting: list[Step]) -> None:
    async with (
        ScriptedServer({"*": HELLO}, accept=[*greeting, stall()]) as server,
        ScriptedServer({"*": HELLO}) as good,
    ):
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1, force_close=True)) as session:
            for _ in range(20):
                async with asyncio.timeout(60):
                    # What comes before the request was sent may be taken for its answer; nobody else's is at stake.
                    with contextlib.suppress(
                        gazelle.ServerDisconnectedError,
                        gazelle.ClientOSError,
                        gazelle.ClientResponseError,
                        gazelle.ClientPayloadError,  # the 408 has a body until the end, which a reset may be
                    ):
                        async with session.get(server.url()) as answer:
                            assert await answer.read() in (b"EVIL", b"")
                await assert_clean(session, server)
            async with session.get(good.url()) as answer:
                assert await answer.read() == b"hello"
