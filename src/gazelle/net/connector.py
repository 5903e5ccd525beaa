"""The pool of connections: reuse one or open one, within limits."""

import asyncio
import socket
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from ssl import SSLContext
from types import MappingProxyType, TracebackType
from typing import Any, Final, Protocol, Self

from aiohappyeyeballs import SocketFactoryType
from yarl import URL

from gazelle._impl import ConnectionOwner, Deadlines, HttpConnection, Lease, Pool
from gazelle.abc import AbstractResolver, ResolveResult
from gazelle.errors import (
    ClientConnectorDNSError,
    ConnectionTimeoutError,
    InvalidUrlClientError,
    ServerDisconnectedError,
)
from gazelle.timeouts import ClientTimeout
from gazelle.tracing import Trace
from gazelle.types import Sentinel, sentinel

from .deprecated import merge_tls, warn_of
from .dial import LocalAddress, dial
from .dns import DefaultResolver, DnsCache
from .key import ConnectionKey
from .tls import TlsPolicy

DEFAULT_KEEPALIVE: Final = 15.0
DEFAULT_LIMIT: Final = 100

# The owner of connections that are being opened: `Lease.attach` replaces it.
_OPENING: Final = ConnectionOwner()


class ConnectRequest(Protocol):
    """What a connector needs to know of a request.

    One with a true attribute `fresh` does not get an idle connection: the server may be about to close that one, too.
    """

    @property
    def connection_key(self) -> ConnectionKey: ...
    @property
    def url(self) -> URL: ...
    @property
    def fresh(self) -> bool: ...


class Connection:
    """The public face of a lease: one connection that a request holds.

    Users get it from a response or from `BaseConnector.connect`. It is given back when the response is complete; one
    that is dropped before that is closed, with a warning.

    Args:
        connector: kept alive as long as the connection is in use; None if the session has given it up.
        lease: the lease, held by the caller.
    """

    __slots__ = ("__weakref__", "_connector", "_generation", "_lease")

    def __init__(self, connector: "BaseConnector | None", lease: "Lease | ForeignLease") -> None:
        self._connector = connector
        self._lease = lease
        self._generation = lease.generation

    def __repr__(self) -> str:
        return f"Connection<{getattr(self._lease.connection, 'key', None)}>"

    def __bool__(self) -> bool:
        return True

    def __del__(self, _warnings: Any = warnings) -> None:
        lease = self.lease
        if lease is not None:
            _warnings.warn(f"Unclosed connection {self!r}", ResourceWarning, source=self, stacklevel=1)
            lease.close()

    @property
    def lease(self) -> "Lease | ForeignLease | None":
        """The lease as long as this is its holder, None once the connection is closed or given back."""
        lease = self._lease
        return lease if lease.held and lease.generation == self._generation else None

    @property
    def closed(self) -> bool:
        """Whether the connection was closed, released or given back."""
        return self.lease is None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Event loop of the connection."""
        warnings.warn("connection.loop property is deprecated", DeprecationWarning, stacklevel=2)
        return asyncio.get_running_loop() if self._connector is None else self._connector.pool.loop

    @property
    def protocol(self) -> HttpConnection | None:
        """The protocol, None once the connection is closed or given back."""
        lease = self.lease
        return None if lease is None else lease.connection

    @property
    def transport(self) -> Any:
        """The asyncio transport, None once the connection is closed or given back."""
        protocol = self.protocol
        return None if protocol is None else protocol.transport

    def close(self) -> None:
        """Close the socket."""
        lease = self.lease
        if lease is not None:
            lease.close()

    def release(self) -> None:
        """Give the connection back to the pool, or close it if a response is still under way."""
        lease = self.lease
        if lease is not None:
            lease.release()


class ForeignLease:
    """Stands in for the lease of a connection that a connector of somebody else has made.

    Args:
        connection: has `protocol`, `transport`, `release()` and `close()`.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.connection: HttpConnection = connection.protocol
        self.generation = 0
        self.held = True

    def __repr__(self) -> str:
        return f"<ForeignLease of {self._connection!r}>"

    @property
    def closed(self) -> bool:
        """Whether the connection is closed."""
        return self.connection.closed

    def release(self) -> None:
        """Give the connection back to its connector, once."""
        if self.held:
            self.held = False
            self._connection.release()

    def close(self) -> None:
        """Close the connection, once."""
        if self.held:
            self.held = False
            self._connection.close()

    def detach(self) -> tuple[Any, bytes]:
        """Hand the transport over, and return it with the bytes that have arrived for the next protocol.

        Raises:
            RuntimeError: the lease is not held, or its connection has not switched protocols.
        """
        if not self.held:
            raise RuntimeError(f"{self!r} has no transport to hand over")
        handed_over = self.connection.detach()
        self.held = False
        return handed_over


def lease_of(connection: Any) -> "Lease | ForeignLease":
    """Return the lease behind what `BaseConnector.connect` has returned, which may be of a subclass's own making.

    Keep the connection as long as the lease is in use: one that is dropped closes it.
    """
    return connection._lease if isinstance(connection, Connection) else ForeignLease(connection)


class _QueueTraces:
    """Reports waiting for a slot to traces."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        self._traces = traces

    async def queued(self) -> None:
        for trace in self._traces:
            await trace.send_connection_queued_start()

    async def granted(self) -> None:
        for trace in self._traces:
            await trace.send_connection_queued_end()


class BaseConnector:
    """The pool of connections, whatever they are made of; subclasses open them.

    `limit` counts connections in use. An idle one is used again if it is not older than `keepalive_timeout`, the one
    that was used last first, so that those which are too many grow old.

    Args:
        keepalive_timeout: how long an idle connection is kept, in seconds. Default 15; None for ever, 0 not at all.
        force_close: close connections after each request. Excludes `keepalive_timeout`.
        limit: most connections in use at a time. Default 100; 0 or None for no limit.
        limit_per_host: most connections in use at a time with one `ConnectionKey`. Default 0, no limit.
        enable_cleanup_closed: abort TLS connections that the peer does not close. Connections are always aborted at
            once here, so there is nothing left to clean up.
        loop: deprecated. Default: the running event loop.
        timeout_ceil_threshold: see `ClientTimeout.ceil_threshold`. Default 5.

    Raises:
        ValueError: `keepalive_timeout` together with `force_close`, or a negative limit.
        RuntimeError: there is no running event loop.
    """

    allowed_protocol_schema_set = frozenset({"", "http", "https", "ws", "wss"})
    """Schemes of the URLs this connector can be asked for."""

    def __init__(
        self,
        *,
        keepalive_timeout: float | Sentinel | None = sentinel,
        force_close: bool = False,
        limit: int | None = DEFAULT_LIMIT,
        limit_per_host: int | None = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
    ) -> None:
        if force_close:
            if keepalive_timeout is not None and keepalive_timeout is not sentinel:
                raise ValueError("keepalive_timeout cannot be set if force_close is True")
            keepalive_timeout = 0.0
        elif keepalive_timeout is sentinel:
            keepalive_timeout = DEFAULT_KEEPALIVE
        limit = limit or 0
        limit_per_host = limit_per_host or 0
        if limit < 0 or limit_per_host < 0:
            raise ValueError(f"Limits must not be negative: limit={limit}, limit_per_host={limit_per_host}")
        if loop is not None:
            warn_of("loop", "a running event loop")
        self._loop = loop or asyncio.get_running_loop()
        self._force_close = force_close
        self._timeout_ceil_threshold = timeout_ceil_threshold
        self._deadlines = Deadlines(self._loop)
        # The pool is a thing of its own, and not this object, so that connections do not keep this object alive.
        self.pool: Final = Pool(
            self._loop, -1.0 if keepalive_timeout is None else keepalive_timeout, limit, limit_per_host
        )
        self._closed = False

    def __del__(self, _warnings: Any = warnings) -> None:
        if getattr(self, "_closed", True) or not self.pool.open:  # __init__ may not have gone through
            return
        _warnings.warn(f"Unclosed connector {self!r}", ResourceWarning, source=self, stacklevel=1)
        context = {
            "connector": self,
            "connections": [repr(lease.connection) for lease in self.pool.open],
            "message": "Unclosed connector",
        }
        self._close()
        if not self._loop.is_closed():
            self._loop.call_exception_handler(context)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        idle = sum(map(len, self._conns.values()))
        return (
            f"<{type(self).__name__} {state}: {len(self._acquired)} in use, {idle} idle, {len(self._waiters)} waiting>"
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        """Whether the connector is closed."""
        return self._closed

    @property
    def force_close(self) -> bool:
        """Whether connections are closed after each request."""
        return self._force_close

    @property
    def limit(self) -> int:
        """Most connections in use at a time, 0 for no limit."""
        return self.pool.slots.limit

    @property
    def limit_per_host(self) -> int:
        """Most connections in use at a time with one key, 0 for no limit."""
        return self.pool.limit_per_host

    # Names that add-ons read.

    @property
    def _acquired(self) -> AbstractSet[object]:
        """Connections in use, and leases of those being opened."""
        return {lease.connection for lease in self.pool.open if lease.held} | self.pool.opening

    @property
    def _conns(self) -> Mapping[Hashable, Sequence[tuple[Any, float]]]:
        """Idle connections by key, each with the time it became idle."""
        return {
            bucket.key: [(lease.connection, lease.idle_since) for lease in bucket.idle]
            for bucket in self.pool.buckets()
            if bucket.idle
        }

    @property
    def _waiters(self) -> list[object]:
        """Futures of the requests that wait for a slot."""
        queues = [self.pool.slots, *(bucket.slots for bucket in self.pool.buckets() if bucket.slots is not None)]
        return [waiter for slots in queues for waiter in slots.waiters]

    # A connection for a request.

    def take(self, req: ConnectRequest) -> Lease | None:
        """Return an idle lease if there is one that need not be waited for, and `connect` is not overridden."""
        if getattr(self.connect, "__func__", None) is not CONNECT or req.fresh:
            return None
        return self.pool.take(self.pool.bucket(req.connection_key))

    async def connect(self, req: ConnectRequest, traces: Sequence[Trace], timeout: ClientTimeout) -> Connection:
        """Return a connection for a request, from the pool or a new one.

        Every request that does not find an idle connection at once comes here, and if a subclass overrides this
        method, every request does.

        Args:
            req: the request; its `connection_key` decides.
            traces: tracers of the request.
            timeout: `connect` and `sock_connect` are the limits.

        Raises:
            ConnectionTimeoutError: a limit was exceeded.
            ClientConnectorError: no connection could be opened.
            ClientConnectionError: the connector is closed.
        """
        key = req.connection_key
        try:
            async with asyncio.timeout(timeout.connect or None) as limit:
                lease = await self._acquire(req, traces, timeout)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ConnectionTimeoutError(
                f"Getting a connection to {key.address} took longer than {timeout.connect:g} s (connect)"
            ) from error
        return Connection(self, lease)

    async def _acquire(self, req: ConnectRequest, traces: Sequence[Trace], timeout: ClientTimeout) -> Lease:
        """Wait for a slot and return its lease; whatever is raised, the slot is free again."""
        listener = _QueueTraces(traces) if traces else None
        pool = self.pool
        lease = await pool.acquire(pool.bucket(req.connection_key), bool(getattr(req, "fresh", False)), listener)
        reused = lease.connection is not None
        try:
            if not reused:
                await self._open(lease, req, traces, timeout)
            # Only when the slot is that of the connection: it may be lost while a trace handler runs.
            await trace_lease(traces, reused=reused)
        except BaseException:
            lease.close()
            raise
        return lease

    async def _open(self, lease: Lease, req: ConnectRequest, traces: Sequence[Trace], timeout: ClientTimeout) -> None:
        for trace in traces:
            await trace.send_connection_create_start()
        connection = await self._create_connection(req, traces, timeout)
        lease.attach(connection)
        if connection.closed:
            # The peer has closed it, or sent something before it was asked, as soon as it had accepted.
            raise ServerDisconnectedError

    async def _create_connection(
        self, req: ConnectRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> HttpConnection:
        """Opens a connection; what a subclass has to provide."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to open a connection")

    def _make_connection(self, req: ConnectRequest) -> Callable[[], HttpConnection]:
        """Return a factory of the protocol; its owner is that of a connection being opened until a lease takes it."""
        key = req.connection_key
        return lambda: HttpConnection(self._loop, self._deadlines, _OPENING, key)

    # The end.

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Closes all connections and returns when their sockets are closed.

        Args:
            abort_ssl: close TLS connections without the closing handshake, which is what is always done.
        """
        self._close()
        if self.pool.open:
            await asyncio.shield(self.pool.drained())

    def close_now(self) -> None:
        """Close everything without waiting for the sockets."""
        self._close()

    def _close(self) -> None:
        """Do what `close_now` does; the name that add-ons and subclasses know."""
        if self._closed:
            return
        self._closed = True
        if not self._loop.is_closed():
            self.pool.close()
            self._deadlines.close()


CONNECT: Final = BaseConnector.connect
"""The method as it is here, by which one that a subclass overrides, or that is patched, is told from it."""


async def trace_lease(traces: Sequence[Trace], *, reused: bool) -> None:
    """Report to traces that there is a connection, a new one or an idle one."""
    for trace in traces:
        await (trace.send_connection_reuseconn() if reused else trace.send_connection_create_end())


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
        """Forgets the addresses of one host, or of all.

        Raises:
            ValueError: only one of `host` and `port` is given.
        """
        if (host is None) != (port is None):
            raise ValueError("either both host and port or none of them are allowed")
        self._dns.clear(host, port)

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Closes all connections, ends lookups, and returns when the sockets are closed."""
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
        family = _literal_family(key.host)
        if family is not None:
            return [ResolveResult(hostname=key.host, host=key.host, port=key.port, family=family, proto=0, flags=0)]
        if _is_odd_ipv4(key.host):
            # `127.1` and `2130706433` are addresses to some resolvers only, and not what a filter of hosts expects.
            raise InvalidUrlClientError(URL.build(scheme="http", host=key.host), "not a canonical IPv4 address")
        try:
            return await self._dns.resolve(key.host, key.port, self._family, traces)
        except OSError as error:
            raise ClientConnectorDNSError(key, error) from error


def _literal_family(host: str) -> int | None:
    """Returns the address family of an IP address, None for a name."""
    for family, address in ((socket.AF_INET, host), (socket.AF_INET6, host.partition("%")[0])):
        try:
            socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
        return family
    return None


def _is_odd_ipv4(host: str) -> bool:
    """Returns whether a host is an IPv4 address in a spelling of `inet_aton` (RFC 6943 §3.1.1)."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or (last[:2].lower() == "0x" and all(char in "0123456789abcdefABCDEF" for char in last[2:]))
