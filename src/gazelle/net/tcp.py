"""Connections over TCP, with TLS for https."""

import asyncio
import socket
from collections.abc import Sequence
from ssl import SSLContext
from types import MappingProxyType

from aiohappyeyeballs import SocketFactoryType
from yarl import URL

from gazelle._impl import HttpConnection
from gazelle.abc import AbstractResolver, ResolveResult
from gazelle.errors import ClientConnectorDNSError, InvalidUrlClientError
from gazelle.timeouts import ClientTimeout
from gazelle.tracing import Trace
from gazelle.types import Sentinel, sentinel

from .addresses import is_odd_ipv4, literal_family
from .connector import DEFAULT_LIMIT, BaseConnector, ConnectRequest
from .deprecated import merge_tls
from .dial import LocalAddress, dial
from .dns import DefaultResolver, DnsCache
from .key import ConnectionKey
from .tls import TlsPolicy


class TCPConnector(BaseConnector):
    """Connections over TCP, with TLS for https.

    Args:
        ssl: TLS checks for requests that do not say otherwise: True (default) for the default ones, False for none,
            a `Fingerprint`, or an `ssl.SSLContext`.
        use_dns_cache: remember addresses of hosts. Default True.
        ttl_dns_cache: how long, in seconds. Default 10; None for ever.
        dns_cache_max_size: of how many hosts. Default 1000.
        family: address family, `socket.AF_INET` or `socket.AF_INET6`. Default 0, both.
        resolver: asks for addresses. Default: a `DefaultResolver`.
        local_addr: (host, port) that sockets are bound to.
        happy_eyeballs_delay: how long one address is tried before the next joins in, in seconds (RFC 8305).
            Default 0.25; None to try one after the other.
        interleave: how many addresses of one family are tried before one of the other.
        socket_factory: called with an address (a tuple as `socket.getaddrinfo` returns), makes the socket.
        verify_ssl: deprecated, `ssl=False` says it.
        fingerprint: deprecated, `ssl=Fingerprint(digest)` says it.
        ssl_context: deprecated, `ssl=context` says it.

    Everything else as in `BaseConnector`.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"tcp"}

    def __init__(
        self,
        *,
        ssl: TlsPolicy | None = True,
        use_dns_cache: bool = True,
        ttl_dns_cache: float | None = 10,
        dns_cache_max_size: int = 1000,
        family: int = 0,
        resolver: AbstractResolver | None = None,
        local_addr: LocalAddress | None = None,
        happy_eyeballs_delay: float | None = 0.25,
        interleave: int | None = None,
        socket_factory: SocketFactoryType | None = None,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: SSLContext | None = None,
        keepalive_timeout: float | Sentinel | None = sentinel,
        force_close: bool = False,
        limit: int | None = DEFAULT_LIMIT,
        limit_per_host: int | None = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
    ) -> None:
        super().__init__(
            keepalive_timeout=keepalive_timeout,
            force_close=force_close,
            limit=limit,
            limit_per_host=limit_per_host,
            enable_cleanup_closed=enable_cleanup_closed,
            loop=loop,
            timeout_ceil_threshold=timeout_ceil_threshold,
        )
        self._ssl = merge_tls(ssl, verify_ssl, ssl_context, fingerprint)
        self._family = socket.AddressFamily(family)
        self._use_dns_cache = use_dns_cache
        self._own_resolver = resolver is None
        self._resolver = DefaultResolver(self._loop) if resolver is None else resolver
        self._dns = DnsCache(self._resolver, ttl_dns_cache, dns_cache_max_size, use_dns_cache)
        self._local_addr = local_addr
        self._happy_eyeballs_delay = happy_eyeballs_delay
        self._interleave = interleave
        self._socket_factory = socket_factory

    @property
    def family(self) -> int:
        """Address family of the sockets, 0 for any."""
        return self._family

    @property
    def use_dns_cache(self) -> bool:
        """Whether addresses of hosts are remembered."""
        return self._use_dns_cache

    @property
    def dns_cache(self) -> bool:
        """Whether addresses of hosts are remembered."""
        return self._use_dns_cache

    @property
    def cached_hosts(self) -> MappingProxyType[tuple[str, int], list[ResolveResult]]:
        """The remembered addresses by (host, port)."""
        return self._dns.answers

    def clear_dns_cache(self, host: str | None = None, port: int | None = None) -> None:
        """Drop the cached addresses of one host, or of all.

        Raises:
            ValueError: only one of `host` and `port` is given.
        """
        if (host is None) != (port is None):
            raise ValueError("either both host and port or none of them are allowed")
        self._dns.clear(host, port)

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Close all connections, cancel lookups, and wait until the sockets are closed."""
        # First what needs no waiting: a caller that is cancelled here has closed everything all the same.
        self._close()
        await self._dns.close()
        if self._own_resolver:
            await self._resolver.close()
        await super().close(abort_ssl=abort_ssl)

    def _close(self) -> None:
        if not self._closed and not self._loop.is_closed():
            self._dns.cancel()
        super()._close()

    async def _create_connection(
        self, req: ConnectRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> HttpConnection:
        key = req.connection_key
        addresses = await self._resolve_host(key, traces)
        if key.is_ssl and key.ssl is True:
            key = key._replace(ssl=self._ssl)
        return await dial(
            self._loop,
            key,
            addresses,
            self._make_connection(req),
            sock_connect=timeout.sock_connect,
            local_addr=self._local_addr,
            happy_eyeballs_delay=self._happy_eyeballs_delay,
            interleave=self._interleave,
            socket_factory=self._socket_factory,
        )

    async def _resolve_host(self, key: ConnectionKey, traces: Sequence[Trace] = ()) -> list[ResolveResult]:
        family = literal_family(key.host)
        if family is not None:
            return [ResolveResult(hostname=key.host, host=key.host, port=key.port, family=family, proto=0, flags=0)]
        if is_odd_ipv4(key.host):
            # `127.1` and `2130706433` are addresses to some resolvers only, and not what a filter of hosts expects.
            raise InvalidUrlClientError(URL.build(scheme="http", host=key.host), "not a canonical IPv4 address")
        try:
            return await self._dns.resolve(key.host, key.port, self._family, traces)
        except OSError as error:
            raise ClientConnectorDNSError(key, error) from error
