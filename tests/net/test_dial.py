"""Connections that are opened: addresses in turn, TLS over them, and the errors when none can be reached."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import errno
import pickle
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

import gazelle
from gazelle._impl import ConnectionOwner, Deadlines, HttpConnection
from gazelle.abc import ResolveResult
from gazelle.net.dial import dial
from gazelle.net.key import ConnectionKey
from tests.conftest import Tls
from tests.support.blackhole import blackhole
from tests.support.clean import assert_clean, connector_of, eventually, open_descriptors
from tests.support.resolvers import address
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
async def test_a_server_that_sends_before_the_request_takes_no_slot(greeting: list[Step]) -> None:
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


# The dialler itself.


class Dialled:
    """Calls `dial` with a protocol of the engine, and keeps the protocols that were made."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(self.loop)
        self.made: list[HttpConnection] = []

    def make(self) -> HttpConnection:
        self.made.append(HttpConnection(self.loop, self.deadlines, ConnectionOwner(), None))
        return self.made[-1]

    async def __call__(self, *addresses: ResolveResult, tls: Any = None, **options: Any) -> HttpConnection:
        name = options.pop("server_hostname", None)
        key = ConnectionKey("localhost", 80, tls is not None, True if tls is None else tls, server_hostname=name)
        return await dial(self.loop, key, addresses, self.make, **options)


@contextlib.asynccontextmanager
async def dialling() -> AsyncIterator[Dialled]:
    """A dialler; at the end all its connections have to be closed."""
    dialled = Dialled()
    yield dialled
    for connection in dialled.made:
        connection.close()
    dialled.deadlines.close()
    for _ in range(5):
        await asyncio.sleep(0)


def at(port: int, host: str = "127.0.0.1") -> ResolveResult:
    return address(host, port)


async def closed_port() -> int:
    async with ScriptedServer() as gone:
        return gone.port


async def test_the_first_address_that_answers_is_used() -> None:
    dead = await closed_port()
    async with ScriptedServer({"*": HELLO}) as server, dialling() as dialled:
        connection = await dialled(at(dead), at(dead, "127.0.0.2"), at(server.port))
        assert connection.is_idle()
        assert connection.transport.get_extra_info("peername") == ("127.0.0.1", server.port)
        assert len(dialled.made) == 1


async def test_when_every_address_refuses_the_error_names_the_host_of_the_key() -> None:
    dead = await closed_port()
    async with dialling() as dialled:
        with pytest.raises(gazelle.ClientConnectorError) as caught:
            await dialled(at(dead), at(dead, "127.0.0.2"))
        assert (caught.value.host, caught.value.port) == ("localhost", 80)
        assert dialled.made == []


async def test_an_attempt_that_takes_too_long_ends_with_its_limit() -> None:
    with blackhole() as port:
        async with dialling() as dialled:
            with pytest.raises(gazelle.ConnectionTimeoutError, match=r"localhost:80 took longer than 0\.05 s"):
                await dialled(at(port), sock_connect=0.05)
            assert dialled.made == []


async def test_a_stalled_handshake_ends_with_the_limit_and_closes_the_socket(tls: Tls) -> None:
    async with ScriptedServer(accept=[stall()]) as server, dialling() as dialled:
        with pytest.raises(gazelle.ConnectionTimeoutError):
            await dialled(at(server.port), tls=tls.client, sock_connect=0.1)
        assert [connection.closed for connection in dialled.made] == [True]
        await eventually(lambda: server.open == 0)


async def test_a_local_address_is_bound() -> None:
    async with ScriptedServer({"*": HELLO}) as server, dialling() as dialled:
        connection = await dialled(at(server.port), local_addr=("127.0.0.3", 0))
        assert connection.transport.get_extra_info("sockname")[0] == "127.0.0.3"


async def test_a_socket_factory_makes_the_socket_of_an_address() -> None:
    made = []

    def factory(info: Any) -> socket.socket:
        made.append(info)
        return socket.socket(info[0], info[1], info[2])

    async with ScriptedServer({"*": HELLO}) as server, dialling() as dialled:
        await dialled(at(server.port), socket_factory=factory)
        [(family, kind, proto, _, target)] = made
        assert (family, kind, proto) == (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        assert target == ("127.0.0.1", server.port)


@pytest.mark.parametrize(("host", "scope"), [("::1", 0), ("::1%7", 7), ("::1%lo", None)])
async def test_an_ipv6_address_has_its_scope(host: str, scope: int | None) -> None:
    seen = []

    def factory(info: Any) -> socket.socket:
        seen.append(info[4])
        raise OSError(errno.EADDRNOTAVAIL, "no IPv6 here")

    if scope is None:
        try:
            scope = socket.if_nametoindex("lo")
        except OSError:
            pytest.skip("there is no interface lo")
    target: ResolveResult = {**at(81, host), "family": socket.AF_INET6}
    async with dialling() as dialled:
        with pytest.raises(gazelle.ClientConnectorError):
            await dialled(target, socket_factory=factory)
        assert seen == [("::1", 81, 0, scope)]


async def test_an_address_whose_handshake_fails_is_left_out(tls: Tls) -> None:
    async with (
        ScriptedServer(tls=tls.server("other.example"), host="127.0.0.2") as wrong,
        ScriptedServer(tls=tls.server("localhost")) as right,
        dialling() as dialled,
    ):
        connection = await dialled(at(wrong.port, "127.0.0.2"), at(right.port), tls=tls.client)
        assert connection.transport.get_extra_info("peername")[1] == right.port
        assert [one.closed for one in dialled.made] == [True, False]
        await eventually(lambda: wrong.open == 0)


async def test_when_every_handshake_fails_the_last_error_is_raised(tls: Tls) -> None:
    async with ScriptedServer(tls=tls.server("other.example")) as server, dialling() as dialled:
        with pytest.raises(gazelle.ClientConnectorCertificateError):
            await dialled(at(server.port), tls=tls.client)
        assert [one.closed for one in dialled.made] == [True]


async def test_a_server_hostname_replaces_the_host_of_the_key_and_loses_its_final_dot(tls: Tls) -> None:
    async with ScriptedServer(tls=tls.server("other.example")) as server, dialling() as dialled:
        connection = await dialled(at(server.port), tls=tls.client, server_hostname="other.example.")
        assert connection.is_idle()


async def test_a_wrong_fingerprint_is_refused_and_the_connection_closed(tls: Tls) -> None:
    async with ScriptedServer(tls=tls.server("localhost")) as server, dialling() as dialled:
        with pytest.raises(gazelle.ServerFingerprintMismatch):
            await dialled(at(server.port), tls=gazelle.Fingerprint(b"x" * 32))
        assert [one.closed for one in dialled.made] == [True]
        await eventually(lambda: server.open == 0)


@pytest.mark.parametrize("over_tls", [False, True])
async def test_a_cancellation_at_any_turn_of_the_loop_leaves_no_socket(tls: Tls, over_tls: bool) -> None:
    server_tls = tls.server("localhost") if over_tls else None
    async with ScriptedServer({"*": HELLO}, tls=server_tls) as server, dialling() as dialled:
        before = open_descriptors()
        for turns in range(25):
            task = asyncio.ensure_future(dialled(at(server.port), tls=tls.client if over_tls else None))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, HttpConnection):
                outcome.close()
            else:
                assert isinstance(outcome, asyncio.CancelledError)
                assert all(one.closed for one in dialled.made)
        await eventually(lambda: server.open == 0 and open_descriptors() <= before)
