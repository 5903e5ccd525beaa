"""The pool of connections: reuse one or open one, within limits."""

import asyncio
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import TracebackType
from typing import Any, Final, Protocol, Self

from yarl import URL

from gazelle._impl import ConnectionOwner, Deadlines, HttpConnection, Lease, Pool
from gazelle.errors import ConnectionTimeoutError, ServerDisconnectedError
from gazelle.timeouts import ClientTimeout
from gazelle.tracing import Trace
from gazelle.types import Sentinel, sentinel

from .connection import Connection
from .deprecated import warn_of
from .key import ConnectionKey

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
    """The base of connectors: a pool of connections, which subclasses open.

    `limit` counts connections in use. Idle ones are reused until they are older than
    `keepalive_timeout`, the most recently used one first, so that surplus connections expire.

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
        """Wait for a slot and return its lease; release the slot on any error."""
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
        """Open a connection. Every subclass overrides it."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to open a connection")

    def _make_connection(self, req: ConnectRequest) -> Callable[[], HttpConnection]:
        """Return a factory of the protocol; its owner is that of a connection being opened until a lease takes it."""
        key = req.connection_key
        return lambda: HttpConnection(self._loop, self._deadlines, _OPENING, key)

    # The end.

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Close all connections and wait until their sockets are closed.

        Args:
            abort_ssl: ignored: TLS connections are always closed without the closing handshake.
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
"""The original method, for the check of whether a subclass or a patch replaces it."""


async def trace_lease(traces: Sequence[Trace], *, reused: bool) -> None:
    """Report to traces that there is a connection, a new one or an idle one."""
    for trace in traces:
        await (trace.send_connection_reuseconn() if reused else trace.send_connection_create_end())
