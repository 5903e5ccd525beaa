"""TLS: verification, what fails and as what, pinning, and sockets that are never shared across settings."""

from __future__ import annotations

import asyncio
import copy
import datetime
import hashlib
import itertools
import pickle
import ssl
from typing import Any

import pytest
import trustme

import gazelle
from tests.conftest import Tls
from tests.support.clean import assert_clean, connector_of, eventually, idle
from tests.support.resolvers import TableResolver
from tests.support.server import Peer, ScriptedServer, fin, response, rst, send, stall

HELLO = [send(response(b"hello"))]


async def fetch(session: gazelle.ClientSession, url: str, **arguments: Any) -> bytes:
    async with session.get(url, **arguments) as answer:
        return await answer.read()


def over_tls(server: ScriptedServer, path: str = "/") -> str:
    return server.url(path).replace("http:", "https:")


async def test_a_context_of_the_request_is_used(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}, tls=tls.server()) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            assert await fetch(session, server.url(), ssl=tls.client) == b"hello"
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_a_context_of_the_connector_is_used(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}, tls=tls.server()) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(ssl=tls.client)) as session:
            for host in ("127.0.0.1", "localhost"):
                assert await fetch(session, server.url(host=host)) == b"hello"


async def test_response_large_bodies_go_through_tls_both_ways(tls: Tls) -> None:
    body = bytes(range(256)) * (1 << 12)

    async def echo(peer: Peer) -> None:
        await peer.send(response(peer.request.body))

    async with ScriptedServer({"*": echo}, tls=tls.server()) as server, gazelle.ClientSession() as session:
        for _ in range(2):
            async with session.post(server.url(), data=body, ssl=tls.client) as answer:
                assert await answer.read() == body
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_nothing_is_verified_with_ssl_false(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}, tls=tls.server("elsewhere.example")) as server:
        async with gazelle.ClientSession() as session:
            assert await fetch(session, server.url(), ssl=False) == b"hello"


@pytest.mark.parametrize("setting", [{}, {"ssl": True}])
async def test_an_unknown_authority_is_refused(tls: Tls, setting: dict[str, Any]) -> None:
    async with ScriptedServer({"*": HELLO}, tls=tls.server()) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectorCertificateError) as caught:
            await fetch(session, server.url(), **setting)
        error = caught.value
        assert (error.host, error.port, bool(error.ssl)) == ("127.0.0.1", server.port, True)
        assert isinstance(error.certificate_error, ssl.SSLCertVerificationError)
        assert isinstance(error, gazelle.ClientSSLError)
        assert isinstance(error, ssl.CertificateError)
        assert "127.0.0.1" in str(error)
        assert server.requests == []
        await assert_clean(session, server)
        assert server.open == 0
        assert type(copy.copy(error)) is type(pickle.loads(pickle.dumps(error))) is type(error)


@pytest.mark.parametrize("fault", ["name", "expired", "not-yet-valid", "other-ca"])
async def test_a_bad_certificate_is_refused(tls: Tls, fault: str) -> None:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if fault == "name":
        certificate = tls.ca.issue_cert("elsewhere.example")
    elif fault == "expired":
        certificate = tls.ca.issue_cert("127.0.0.1", not_before=now - 2 * day, not_after=now - day)
    elif fault == "not-yet-valid":
        certificate = tls.ca.issue_cert("127.0.0.1", not_before=now + day, not_after=now + 2 * day)
    else:
        certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.configure_cert(context)
    async with ScriptedServer({"*": HELLO}, tls=context) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectorCertificateError):
            await fetch(session, server.url(), ssl=tls.client)
        assert server.requests == []
        await assert_clean(session, server)
        assert server.open == 0


async def test_the_name_in_the_url_is_verified_and_sent(tls: Tls) -> None:
    asked: list[str | None] = []
    context = tls.server("one.example")
    context.sni_callback = lambda _object, name, _context: asked.append(name)
    async with ScriptedServer({"*": HELLO}, tls=context) as server:
        resolver = TableResolver({"one.example": ["127.0.0.1"], "two.example": ["127.0.0.1"]})
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(resolver=resolver, ssl=tls.client)) as session:
            assert await fetch(session, server.url(host="one.example")) == b"hello"
            with pytest.raises(gazelle.ClientConnectorCertificateError):
                await fetch(session, server.url(host="two.example"))
        assert asked == ["one.example", "two.example"]
        assert len(server.requests) == 1


async def test_tls_to_a_plain_server_is_an_ssl_error(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}, accept=[send(b"HTTP/1.1 400 Bad Request\r\n\r\n")]) as server:
        async with gazelle.ClientSession() as session:
            with pytest.raises(gazelle.ClientConnectorSSLError) as caught:
                await fetch(session, over_tls(server), ssl=tls.client)
            assert (caught.value.host, caught.value.port) == ("127.0.0.1", server.port)
            assert isinstance(caught.value, ssl.SSLError)
            await assert_clean(session, server)
            assert server.open == 0


async def test_a_plain_request_to_a_tls_server_is_an_error(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}, tls=tls.server()) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientError):
            await fetch(session, server.url().replace("https:", "http:"))
        await assert_clean(session, server)


@pytest.mark.parametrize(
    "accept",
    [
        [fin()],
        [rst()],
        [send(bytes(range(200)))],
        [send(b"\x16\x03\x03\x40\x00" + b"\0" * 64), fin()],
        [send(b"\x15\x03\x03\0\2\2\x28")],
    ],
    ids=["fin", "rst", "garbage", "half-a-record", "alert"],
)
async def test_a_broken_handshake_is_an_error_of_connecting(tls: Tls, accept: list[Any]) -> None:
    async with ScriptedServer(accept=[*accept, stall()]) as server, gazelle.ClientSession() as session:
        for _ in range(3):
            with pytest.raises(gazelle.ClientOSError):
                async with asyncio.timeout(60):
                    await fetch(session, over_tls(server), ssl=tls.client)
            await assert_clean(session, server)
            assert server.open == 0


async def test_a_server_that_wants_a_certificate_gets_none_and_says_so(tls: Tls) -> None:
    context = tls.server()
    context.verify_mode = ssl.CERT_REQUIRED
    tls.ca.configure_trust(context)
    async with ScriptedServer({"*": HELLO}, tls=context) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientError):
            await fetch(session, server.url(), ssl=tls.client)
        await assert_clean(session, server)
        mine = ssl.create_default_context()
        tls.ca.configure_trust(mine)
        tls.ca.issue_cert("me@client.example").configure_cert(mine)
        assert await fetch(session, server.url(), ssl=mine) == b"hello"


async def test_old_protocols_are_refused(tls: Tls) -> None:
    context = tls.server()
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    async with ScriptedServer({"*": HELLO}, tls=context) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectorError):
            await fetch(session, server.url(), ssl=tls.client)
        assert server.requests == []
        await assert_clean(session, server)


@pytest.mark.parametrize("wrong", ["yes", 1, object()])
async def test_other_values_of_ssl_are_refused(wrong: Any) -> None:
    async with gazelle.ClientSession() as session:
        with pytest.raises(TypeError):
            await session.get("https://127.0.0.1:1/", ssl=wrong)
    with pytest.raises(TypeError):
        gazelle.TCPConnector(ssl=wrong)


# --- pinning ----------------------------------------------------------------------------------------------------------


def pin(context: ssl.SSLContext, server: ScriptedServer) -> bytes:
    """SHA-256 of the certificate that the server shows."""
    pem = ssl.get_server_certificate((server.host, server.port), timeout=60)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


async def test_a_fingerprint_that_fits_is_enough(tls: Tls) -> None:
    context = tls.server("elsewhere.example")
    async with ScriptedServer({"*": HELLO}, tls=context) as server, gazelle.ClientSession() as session:
        right = await asyncio.to_thread(pin, context, server)
        assert await fetch(session, server.url(), ssl=gazelle.Fingerprint(right)) == b"hello"


async def test_a_fingerprint_that_does_not_fit_is_refused(tls: Tls) -> None:
    context = tls.server()
    async with ScriptedServer({"*": HELLO}, tls=context) as server, gazelle.ClientSession() as session:
        right = await asyncio.to_thread(pin, context, server)
        wrong = bytes([right[0] ^ 1]) + right[1:]
        with pytest.raises(gazelle.ServerFingerprintMismatch) as caught:
            await fetch(session, server.url(), ssl=gazelle.Fingerprint(wrong))
        error = caught.value
        assert (error.expected, error.got, error.host, error.port) == (wrong, right, "127.0.0.1", server.port)
        assert server.requests == []
        await assert_clean(session, server)
        await eventually(lambda: server.open == 0)


@pytest.mark.parametrize("length", [0, 16, 20, 31, 33])
def test_only_sha_256_is_a_fingerprint(length: int) -> None:
    with pytest.raises(ValueError):
        gazelle.Fingerprint(bytes(length))


def test_a_fingerprint_shows_its_digest() -> None:
    assert gazelle.Fingerprint(bytes(range(32))).fingerprint == bytes(range(32))


# --- isolation --------------------------------------------------------------------------------------------------------


async def test_different_settings_never_share_a_socket(tls: Tls) -> None:
    context = tls.server()
    async with ScriptedServer({"*": HELLO}, tls=context) as server:
        right = await asyncio.to_thread(pin, context, server)
        settings: list[Any] = [
            False,
            tls.client,
            ssl.create_default_context(cafile=tls.ca_pem),
            gazelle.Fingerprint(right),
        ]
        for first, second in itertools.permutations(settings, 2):
            async with gazelle.ClientSession() as session:
                before = server.accepted
                for setting in (first, second, first, second):
                    assert await fetch(session, server.url(), ssl=setting) == b"hello"
                assert server.accepted - before == 2, (first, second)
                assert idle(connector_of(session)) == 2


async def test_a_verifying_request_does_not_use_the_socket_of_one_that_does_not_verify(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}, tls=tls.server()) as server, gazelle.ClientSession() as session:
        assert await fetch(session, server.url(), ssl=False) == b"hello"
        for setting in ({}, {"ssl": True}):
            with pytest.raises(gazelle.ClientConnectorCertificateError):
                await fetch(session, server.url(), **setting)
        assert len(server.requests) == 1
        assert await fetch(session, server.url(), ssl=False) == b"hello"


async def test_a_session_of_an_unverified_handshake_does_not_vouch_for_a_verified_one(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}, tls=tls.server()) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(force_close=True)) as session:
            for _ in range(3):
                assert await fetch(session, server.url(), ssl=False) == b"hello"
                with pytest.raises(gazelle.ClientConnectorCertificateError):
                    await fetch(session, server.url())


async def test_names_that_differ_never_share_a_socket(tls: Tls) -> None:
    resolver = TableResolver({name: ["127.0.0.1"] for name in ("one.example", "two.example")})
    async with ScriptedServer({"*": HELLO}, tls=tls.server("one.example", "two.example")) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(resolver=resolver, ssl=tls.client)) as session:
            for host in ("one.example", "two.example") * 2:
                assert await fetch(session, server.url(host=host)) == b"hello"
            assert server.accepted == 2


async def test_the_server_name_is_part_of_what_a_socket_is_for(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}, tls=tls.server("one.example", "127.0.0.1")) as server:
        async with gazelle.ClientSession(connector=gazelle.TCPConnector(ssl=tls.client)) as session:
            for name in ("one.example", None) * 2:
                assert await fetch(session, server.url(), server_hostname=name) == b"hello"
            assert server.accepted == 2
            with pytest.raises(gazelle.ClientConnectorCertificateError):
                await fetch(session, server.url(), server_hostname="two.example")


async def test_plain_and_tls_never_share_a_socket(tls: Tls) -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        assert await fetch(session, server.url()) == b"hello"
        with pytest.raises((gazelle.ClientError, TimeoutError)):
            await fetch(session, over_tls(server), ssl=tls.client, timeout=gazelle.ClientTimeout(total=0.5))
        assert len(server.requests) == 1
