"""Connections in use and idle ones, and who may have the next.

It decides and does no I/O. A connection leaves in one place, `take`, and comes back in one, `release`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from .clock import monotonic
from .sink import ResponseSink


class PooledConnection(ResponseSink):
    """What the pool asks of a connection, and what it notes about it.

    It is a sink as well because connections are, and a compiled class has one base.

    Args:
        key: connections with equal keys are interchangeable.
    """

    __slots__ = ("_idle_list", "idle_since", "key")

    def __init__(self, key: Any) -> None:
        self.key = key
        self.idle_since = 0.0
        self._idle_list: list[PooledConnection] | None = None  # where it was idle the last time

    def is_reusable(self) -> bool:
        """Returns whether an idle connection can take another request."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes the connection at once."""
        raise NotImplementedError


class Places:
    """Places of which there is a limited number, and the queue for them.

    A place that becomes free is given to the first in the queue at once, so that a newcomer cannot take it.

    Args:
        limit: number of places; 0 for no limit.
    """

    __slots__ = ("limit", "taken", "waiters")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken: set[object] = set()
        self.waiters: OrderedDict[asyncio.Future[None], object] = OrderedDict()

    def has_room(self) -> bool:
        """Returns whether a place can be taken without waiting."""
        return not self.limit or (len(self.taken) < self.limit and not self.waiters)

    def pass_on(self, holder: object, successor: object) -> None:
        """Makes `successor` the holder of the place of `holder`."""
        self.taken.discard(holder)
        self.taken.add(successor)

    def give_back(self, holder: object) -> None:
        """Frees the place of `holder`, if it has one, and serves the queue."""
        self.taken.discard(holder)
        while self.waiters and len(self.taken) < self.limit:
            waiter, successor = self.waiters.popitem(last=False)
            if not waiter.done():
                self.taken.add(successor)
                waiter.set_result(None)

    def refuse_all(self, error: Exception) -> None:
        """Ends all waiting with an error."""
        while self.waiters:
            waiter, _ = self.waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_exception(error)


class Pool:
    """The connections of one connector.

    Args:
        loop: the event loop.
        keepalive: how long a connection may be idle, in seconds; 0 not at all, negative for ever.
        limit: most connections in use; 0 for no limit.
        limit_per_host: most connections in use with the same key; 0 for no limit.
    """

    __slots__ = (
        "_drained",
        "_limit_per_host",
        "_loop",
        "_sweep_timer",
        "closed",
        "hosts",
        "idle",
        "keepalive",
        "open",
        "places",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, keepalive: float, limit: int, limit_per_host: int) -> None:
        self._loop = loop
        self.keepalive = keepalive
        self.places = Places(limit)
        self._limit_per_host = limit_per_host
        self.hosts: dict[Hashable, Places] = {}
        self.idle: dict[Hashable, list[PooledConnection]] = {}
        self.open: set[PooledConnection] = set()
        self.closed = False
        self._drained: asyncio.Future[None] | None = None
        self._sweep_timer: asyncio.TimerHandle | None = None

    def take(self, key: Hashable) -> PooledConnection | None:
        """Returns an idle connection, or None if there is none, or no free place."""
        idle = self.idle.get(key)
        if idle is None or not self.places.has_room():
            return None
        if self._limit_per_host and not self.places_of(key).has_room():
            return None
        connection = self._pop(key, idle)
        if connection is not None:
            self.places.taken.add(connection)
            if self._limit_per_host:
                self.places_of(key).taken.add(connection)
        return connection

    def pop_idle(self, key: Hashable) -> PooledConnection | None:
        """Returns the connection that was used last and can be used again, for who has a place already.

        So those that are too many grow old and are closed.
        """
        idle = self.idle.get(key)
        return None if idle is None else self._pop(key, idle)

    def _pop(self, key: Hashable, idle: list[PooledConnection]) -> PooledConnection | None:
        while idle:
            connection = idle.pop()
            fresh = self.keepalive < 0 or monotonic() - connection.idle_since <= self.keepalive
            if fresh and connection.is_reusable():
                return connection
            connection.close()
        self.idle.pop(key, None)
        return None

    def release(self, connection: PooledConnection, reusable: bool) -> None:
        """Takes back a connection whose exchange is over.

        One that is not in use is idle, and has become unusable.
        """
        taken = self.places.taken
        if connection not in taken:
            self._drop_idle(connection.key, connection)
            return
        taken.discard(connection)
        if reusable:
            if self.closed or self.keepalive == 0:
                connection.close()
            else:
                idle = connection._idle_list
                if not idle:
                    # None yet, or empty; and an empty one may have been dropped.
                    idle = connection._idle_list = self.idle.setdefault(connection.key, [] if idle is None else idle)
                connection.idle_since = monotonic()
                idle.append(connection)
                if self._sweep_timer is None:
                    self._arm_sweep()
        if self.places.waiters:
            self.places.give_back(connection)
        if self._limit_per_host:
            self.give_back_host(connection.key, connection)

    def places_of(self, key: Hashable) -> Places:
        """Returns the places of one key."""
        places = self.hosts.get(key)
        if places is None:
            places = self.hosts[key] = Places(self._limit_per_host)
        return places

    def give_back_host(self, key: Hashable, holder: object) -> None:
        """Frees a place of one key."""
        places = self.hosts.get(key)
        if places is not None:
            places.give_back(holder)
            if not places.taken and not places.waiters:
                del self.hosts[key]

    def _drop_idle(self, key: Hashable, connection: PooledConnection) -> None:
        idle = self.idle.get(key)
        if idle is None:
            return
        idle[:] = [one for one in idle if one is not connection]
        if not idle:
            del self.idle[key]

    # Idle connections grow old.

    def _arm_sweep(self) -> None:
        if self.keepalive > 0:
            self._sweep_timer = self._loop.call_later(self.keepalive, self._sweep)

    def _sweep(self) -> None:
        """Closes what has been idle for too long."""
        self._sweep_timer = None
        oldest = monotonic() - self.keepalive
        for key, idle in list(self.idle.items()):
            for connection in list(idle):
                if connection.idle_since <= oldest:
                    connection.close()
            if not idle:
                # In use, all of them; the key may never come back.
                self.idle.pop(key, None)
        if self.idle:
            self._arm_sweep()

    # The end.

    def connection_lost(self, connection: PooledConnection) -> None:
        """Is told that the socket of a connection is closed."""
        self.open.discard(connection)
        if self._drained is not None and not self.open and not self._drained.done():
            self._drained.set_result(None)

    def close(self, error: Exception) -> None:
        """Closes all connections, and ends all waiting with an error."""
        self.closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        self.places.refuse_all(error)
        for places in list(self.hosts.values()):
            places.refuse_all(error)
        for connection in list(self.open):
            connection.close()
        self.idle.clear()

    def drained(self) -> "asyncio.Future[None]":
        """Returns a future that completes when the sockets of all connections are closed."""
        if self._drained is None or self._drained.done():
            self._drained = self._loop.create_future()
            if not self.open:
                self._drained.set_result(None)
        return self._drained
