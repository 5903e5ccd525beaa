"""The public face of a lease, and the adapter for connections of foreign connectors."""

import asyncio
import warnings
from typing import Any, Protocol

from gazelle._impl import HttpConnection, Lease, Pool


class PoolHolder(Protocol):
    """A connector, as far as its connections use it."""

    @property
    def pool(self) -> Pool: ...


class Connection:
    """The public face of a lease: one connection that a request holds.

    Users get it from a response or from `BaseConnector.connect`. It is given back when the response is complete; one
    that is dropped before that is closed, with a warning.

    Args:
        connector: kept alive as long as the connection is in use; None if the session has given it up.
        lease: the lease, held by the caller.
    """

    __slots__ = ("__weakref__", "_connector", "_generation", "_lease")

    def __init__(self, connector: PoolHolder | None, lease: "Lease | ForeignLease") -> None:
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
    """Adapts a connection of a foreign connector to the interface of a lease.

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
