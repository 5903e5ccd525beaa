"""Opening a connection: a socket to one of several addresses, and TLS over it."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from aiohappyeyeballs import AddrInfoType, SocketFactoryType, remove_addr_infos, start_connection

from gazelle._impl import HttpConnection
from gazelle.abc import ResolveResult
from gazelle.errors import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ConnectionTimeoutError,
    ServerFingerprintMismatch,
)

from .key import ConnectionKey
from .tls import Fingerprint, context_for

LocalAddress: TypeAlias = tuple[str, int]


async def dial(
    loop: asyncio.AbstractEventLoop,
    key: ConnectionKey,
    addresses: Sequence[ResolveResult],
    make_connection: Callable[[], HttpConnection],
    *,
    sock_connect: float | None = None,
    local_addr: LocalAddress | None = None,
    happy_eyeballs_delay: float | None = 0.25,
    interleave: int | None = None,
    socket_factory: SocketFactoryType | None = None,
) -> HttpConnection:
    """Connect to the first of several addresses that accepts, with a TLS handshake if the key requires it.

    Addresses are raced as RFC 8305 describes. One that connects but fails in the handshake is left out, and the others
    are tried.

    Args:
        loop: the running loop.
        key: the route, with the TLS settings.
        addresses: addresses of the host.
        make_connection: makes the protocol.
        sock_connect: limit of each attempt in seconds, the handshake included; None or 0 for none.
        local_addr: (host, port) to bind to.
        happy_eyeballs_delay: how long an address is tried alone, in seconds; None to try one after the other.
        interleave: how many addresses of one family come before the other's turn.
        socket_factory: makes the socket for an address.

    Raises:
        ConnectionTimeoutError: an attempt took longer than `sock_connect`.
        ClientConnectorError: no address could be connected to; see its subclasses for TLS.
        ServerFingerprintMismatch: the certificate is not the pinned one.
    """
    infos: list[AddrInfoType] = [_addr_info(address) for address in addresses]
    local_infos = None if local_addr is None else [_local_info(local_addr)]
    while True:
        sock: socket.socket | None = None
        peer: Any = None
        try:
            async with asyncio.timeout(sock_connect or None) as limit:
                sock = await start_connection(
                    infos,
                    local_addr_infos=local_infos,
                    happy_eyeballs_delay=happy_eyeballs_delay,
                    interleave=interleave,
                    loop=loop,
                    socket_factory=socket_factory,
                )
                peer = sock.getpeername()
                connection = await _start_protocol(loop, key, sock, make_connection)
                sock = None
                return connection
        except (ClientConnectorError, ServerFingerprintMismatch):
            # The handshake failed; another address may be another machine.
            if peer is not None:
                remove_addr_infos(infos, peer)
            if not infos or peer is None:
                raise
        except TimeoutError as error:
            if limit.expired():
                raise ConnectionTimeoutError(
                    f"Connecting to {key.address} took longer than {sock_connect:g} s (sock_connect)"
                ) from error
            raise ClientConnectorError(key, error) from error
        except OSError as error:
            raise ClientConnectorError(key, error) from error
        finally:
            if sock is not None:
                sock.close()


async def _start_protocol(
    loop: asyncio.AbstractEventLoop,
    key: ConnectionKey,
    sock: socket.socket,
    make_connection: Callable[[], HttpConnection],
) -> HttpConnection:
    """Start the protocol, and TLS if the key requires it, over a connected socket."""
    connection = make_connection()
    try:
        if key.is_ssl:
            await _start_tls(loop, key, sock, connection)
        else:
            await loop.create_connection(lambda: connection, sock=sock)  # type: ignore[type-var]
    except BaseException:
        # Cancelled at the very end of the handshake, asyncio would go on to close TLS politely, over a socket that is
        # about to be closed.
        connection.close()
        raise
    return connection


async def _start_tls(
    loop: asyncio.AbstractEventLoop, key: ConnectionKey, sock: socket.socket, connection: HttpConnection
) -> None:
    # RFC 6066 §3: the name in SNI has no trailing dot.
    server_hostname = (key.server_hostname or key.host).rstrip(".")
    try:
        transport, _ = await loop.create_connection(
            connection.as_buffered, sock=sock, ssl=context_for(key.ssl), server_hostname=server_hostname
        )
    except ssl.CertificateError as error:
        raise ClientConnectorCertificateError(key, error) from error
    except ssl.SSLError as error:
        raise ClientConnectorSSLError(key, error) from error
    if isinstance(key.ssl, Fingerprint):
        key.ssl.check(transport)


def _addr_info(address: ResolveResult) -> AddrInfoType:
    host: Any = (address["host"], address["port"])
    if address["family"] == socket.AF_INET6:
        bare, _, scope = address["host"].partition("%")
        host = (
            bare,
            address["port"],
            0,
            int(scope) if scope.isdigit() else socket.if_nametoindex(scope) if scope else 0,
        )
    return (
        socket.AddressFamily(address["family"]),
        socket.SOCK_STREAM,
        address["proto"] or socket.IPPROTO_TCP,
        "",
        host,
    )


def _local_info(local_addr: LocalAddress) -> AddrInfoType:
    host, port = local_addr
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))
