"""The connections of one connector: idle ones, those in use, and the queue of requests for the next one.

A *slot* is one place within `limit`, or within `limit_per_host`. A request holds its slots from the moment it may use
or open a connection until that connection is idle, closed or handed over. The `Lease` is a connection together with its
slots; it is made when they are taken, and stays with the connection for its whole life.

The pool decides and does no I/O: the connector opens connections, and connections report to their leases.
"""

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Hashable
from functools import partial
from typing import Any, Final, Protocol

from gazelle.errors import ClientConnectionError

from .clock import monotonic
from .connection import HttpConnection
from .sink import REUSE, SWITCH, ConnectionOwner

# The same as C integers.
_REUSE: Final = REUSE
_SWITCH: Final = SWITCH


class QueueListener(Protocol):
    """Is notified of waiting for a slot."""

    def queued(self) -> Awaitable[None]:
        """Handle that the request is in the queue."""

    def granted(self) -> Awaitable[None]:
        """Handle that the request has its slot."""


class Slots:
    """A number of slots, and the queue for them.

    A slot that is freed is granted to the first waiter at once, so that a newcomer cannot take it.

    Args:
        loop: the event loop.
        limit: number of slots; 0 for no limit.
    """

    __slots__ = ("_loop", "limit", "taken", "waiters")

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self.limit = limit
        self.taken = 0
        self.waiters: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Slots {self.taken} of {self.limit or 'any number'} taken, {len(self.waiters)} waiting>"

    def has_room(self) -> bool:
        """Return whether a slot can be taken without waiting."""
        return not self.limit or (self.taken < self.limit and not self.waiters)

    async def acquire(self, listener: QueueListener | None) -> None:
        """Take a slot, waiting for one if need be; a caller that is cancelled has none."""
        if self.has_room():
            self.taken += 1
            return
        waiter = self._loop.create_future()
        self.waiters[waiter] = None
        try:
            if listener is not None:
                await listener.queued()
            await waiter
            if listener is not None:
                await listener.granted()
        except BaseException:
            self._withdraw(waiter)
            raise

    def release(self) -> None:
        """Free a slot: grant it to the first waiter, if there is one."""
        if self.waiters and not self._loop.is_closed():  # the waiters of a closed loop can never run again
            while self.waiters:
                waiter, _ = self.waiters.popitem(last=False)
                if not waiter.done():
                    waiter.set_result(None)
                    return
        self.taken -= 1

    def refuse_all(self, error: Exception) -> None:
        """End all waiting with an error."""
        while self.waiters:
            waiter, _ = self.waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_exception(error)

    def _withdraw(self, waiter: "asyncio.Future[None]") -> None:
        """Leave the queue; a slot that was granted already goes to the next waiter."""
        if waiter in self.waiters:
            del self.waiters[waiter]
        elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self.release()


class Bucket:
    """What the pool keeps for one key: the idle leases, and the slots if there is a limit per host.

    It lives while it is referred to, by leases, requests that wait, and whoever keeps it to save the lookup. So one
    key never has two buckets.

    Args:
        key: connections with equal keys are interchangeable.
        slots: those of this key, None if there is no limit.
    """

    __slots__ = ("__weakref__", "idle", "key", "slots")

    def __init__(self, key: Hashable, slots: Slots | None) -> None:
        self.key = key
        self.slots = slots
        self.idle: list[Lease] = []  # the one that was used last is the last

    def __repr__(self) -> str:
        return f"<Bucket {len(self.idle)} idle, {self.slots!r}>"


class Lease(ConnectionOwner):
    """A connection together with its slots.

    Whoever holds it ends with one of `release`, `close` and `detach`; or the connection does it when the response is
    complete (`ended`). The first one takes effect, and the others find nothing held. An idle lease that is taken again
    gets a new `generation`, by which an earlier holder finds out that the lease is no longer his.

    A connection can carry `capacity` exchanges at a time, and carries `taken`. With HTTP/1.1 the capacity is 1.

    Args:
        pool: the pool.
        bucket: the bucket of its key.
    """

    __slots__ = ("__weakref__", "bucket", "capacity", "connection", "generation", "idle_since", "pool", "taken")

    def __init__(self, pool: "Pool", bucket: Bucket) -> None:
        self.pool = pool
        self.bucket = bucket
        self.connection: HttpConnection | None = None
        self.capacity = 1
        self.taken = 0
        self.generation = 0
        self.idle_since = 0.0

    def __repr__(self) -> str:
        state = "held" if self.taken else "idle" if self in self.bucket.idle else "over"
        return f"<Lease {state} {self.connection!r}>"

    @property
    def held(self) -> bool:
        """Whether the slots are taken."""
        return self.taken > 0

    @property
    def closed(self) -> bool:
        """Whether there is no open connection."""
        return self.connection is None or self.connection.closed

    def attach(self, connection: HttpConnection) -> None:
        """Add the connection that was opened for the slots.

        Raises:
            ClientConnectionError: the pool was closed in the meantime; the connection is closed too.
        """
        self.connection = connection
        self.capacity = connection.capacity
        connection.owner = self
        self.pool.opening.discard(self)
        if connection.transport is not None:  # else it is lost already, and will not report it again
            self.pool.open.add(self)
        if self.pool.closed:
            self.close()
            self.pool.check_open()
        elif self.taken < self.capacity:
            self.bucket.idle.append(self)

    def release(self) -> None:
        """Return the connection to the idle ones, or close it if an exchange is under way or it cannot be reused."""
        if not self.taken:
            return
        if self.connection is not None and self.connection.is_idle():
            self._give_back()
        else:
            self.close()

    def close(self) -> None:
        """Close the connection, if there is one, and free the slots."""
        if self.connection is not None:
            self.connection.close()  # reports to `ended`, unless it was closed before, or its loop is
        self._give_up()

    def detach(self) -> tuple[Any, bytes]:
        """Hand the transport over to another protocol, and return it with the bytes that have arrived for it.

        Raises:
            RuntimeError: the lease is not held, or its connection has not switched protocols.
        """
        if not self.taken or self.connection is None:
            raise RuntimeError(f"{self!r} has no transport to hand over")
        handed_over = self.connection.detach()
        self._give_up()
        self.pool.forget(self)
        return handed_over

    def ended(self, connection: Any, outcome: int, left_over: bytes) -> None:
        """Receive the end of an exchange: free the slots, but keep them while another protocol has the connection."""
        if connection is not self.connection or outcome == _SWITCH:  # else one that failed before it was attached
            return
        if outcome == _REUSE:
            self._give_back()
        else:
            self._give_up()

    def lost(self, connection: Any) -> None:
        """Receive the news that the socket is closed."""
        if connection is self.connection:
            self.pool.forget(self)

    def _give_back(self) -> None:
        """End the generation; the connection is idle."""
        if not self.taken:
            return
        pool, bucket, connection = self.pool, self.bucket, self.connection
        assert connection is not None
        self.taken -= 1
        if pool.closed or pool.keepalive == 0:
            connection.close()
        else:
            self.idle_since = monotonic()
            if self.taken + 1 == self.capacity:  # else it has been in the list all the time
                bucket.idle.append(self)
            if pool.sweep_timer is None:
                pool.arm_sweep()
        pool.slots.release()
        if bucket.slots is not None:
            bucket.slots.release()

    def _give_up(self) -> None:
        """End the generation, if there is one; the connection is closed, handed over, or was never opened."""
        if self.taken < self.capacity and self in self.bucket.idle:
            self.bucket.idle.remove(self)
        self.pool.opening.discard(self)
        taken, self.taken = self.taken, 0
        for _ in range(taken):
            self.pool.slots.release()
            if self.bucket.slots is not None:
                self.bucket.slots.release()


class Pool:
    """The connections of one connector.

    Args:
        loop: the event loop.
        keepalive: how long a connection may be idle, in seconds; 0 not at all, negative for ever.
        limit: most connections in use; 0 for no limit.
        limit_per_host: most connections in use with the same key; 0 for no limit.
    """

    __slots__ = (
        "_buckets",
        "_drained",
        "closed",
        "keepalive",
        "limit_per_host",
        "loop",
        "open",
        "opening",
        "slots",
        "sweep_timer",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, keepalive: float, limit: int, limit_per_host: int) -> None:
        self.loop = loop
        self.keepalive = keepalive
        self.limit_per_host = limit_per_host
        self.slots = Slots(loop, limit)
        self._buckets: dict[Hashable, weakref.ref[Bucket]] = {}
        self.opening: set[Lease] = set()  # held, and without a connection yet
        self.open: set[Lease] = set()  # with a connection whose socket is open
        self.closed = False
        self.sweep_timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<Pool {state}: {len(self.open)} connections, {self.slots!r}>"

    def bucket(self, key: Hashable) -> Bucket:
        """Return the bucket of a key. Keep it for the next `take`: that saves hashing the key."""
        known = self._buckets.get(key)
        bucket = None if known is None else known()
        if bucket is None:
            bucket = Bucket(key, Slots(self.loop, self.limit_per_host) if self.limit_per_host else None)
            self._buckets[key] = weakref.ref(bucket, partial(_forget_bucket, self._buckets, key))
        return bucket

    def buckets(self) -> list[Bucket]:
        """Return all buckets."""
        return [bucket for known in list(self._buckets.values()) if (bucket := known()) is not None]

    # A connection for a request.

    def take(self, bucket: Bucket) -> Lease | None:
        """Return an idle lease, or None if there is none, or no free slot."""
        if not bucket.idle or not self.slots.has_room():
            return None
        slots = bucket.slots
        if slots is not None and not slots.has_room():
            return None
        lease = self._pop(bucket)
        if lease is not None:
            self.slots.taken += 1
            if slots is not None:
                slots.taken += 1
        return lease

    async def acquire(self, bucket: Bucket, fresh: bool = False, listener: QueueListener | None = None) -> Lease:
        """Return a lease as soon as there are slots for it: an idle one, or one without a connection.

        Args:
            bucket: the bucket of the key.
            fresh: do not reuse an idle connection.
            listener: notified if there is no free slot.

        Raises:
            ClientConnectionError: the pool is closed.
        """
        self.check_open()
        held: list[Slots] = []
        try:
            for slots in (self.slots,) if bucket.slots is None else (bucket.slots, self.slots):
                await slots.acquire(listener)
                held.append(slots)
            self.check_open()
            return self._lease(bucket, fresh)
        except BaseException:
            for slots in held:
                slots.release()
            raise

    def _lease(self, bucket: Bucket, fresh: bool) -> Lease:
        lease = None if fresh else self._pop(bucket)
        if lease is None:
            lease = Lease(self, bucket)
            lease.generation = lease.taken = 1
            self.opening.add(lease)
        return lease

    def _pop(self, bucket: Bucket) -> Lease | None:
        """Return the lease that was used last and can be used again.

        So those that are too many grow old and are closed.
        """
        idle = bucket.idle
        while idle:
            lease = idle.pop()
            connection = lease.connection
            assert connection is not None
            fresh = self.keepalive < 0 or monotonic() - lease.idle_since <= self.keepalive
            if fresh and connection.is_reusable():
                lease.generation += 1
                lease.taken += 1
                if lease.taken < lease.capacity:
                    idle.append(lease)
                return lease
            connection.close()
        return None

    # Idle connections grow old.

    def arm_sweep(self) -> None:
        """Arm the timer that closes what has been idle for too long."""
        if self.keepalive > 0:
            self.sweep_timer = self.loop.call_later(self.keepalive, self._sweep)

    def _sweep(self) -> None:
        self.sweep_timer = None
        oldest = monotonic() - self.keepalive
        remaining = False
        for bucket in self.buckets():
            for lease in list(bucket.idle):
                if lease.idle_since <= oldest and not lease.taken:
                    lease.close()
            remaining = remaining or bool(bucket.idle)
        if remaining:
            self.arm_sweep()

    # The end.

    def check_open(self) -> None:
        """Raise ClientConnectionError if the pool is closed."""
        if self.closed:
            raise ClientConnectionError("Connector is closed.")

    def forget(self, lease: Lease) -> None:
        """Drop a lease whose socket is closed or handed over."""
        self.open.discard(lease)
        if self._drained is not None and not self.open and not self._drained.done():
            self._drained.set_result(None)

    def close(self) -> None:
        """Close all connections, and end all waiting with an error."""
        self.closed = True
        if self.sweep_timer is not None:
            self.sweep_timer.cancel()
            self.sweep_timer = None
        error = ClientConnectionError("Connector is closed.")
        self.slots.refuse_all(error)
        for bucket in self.buckets():
            if bucket.slots is not None:
                bucket.slots.refuse_all(error)
        for lease in list(self.open):
            lease.close()

    def drained(self) -> "asyncio.Future[None]":
        """Return a future that completes when the sockets of all connections are closed."""
        if self._drained is None or self._drained.done():
            self._drained = self.loop.create_future()
            if not self.open:
                self._drained.set_result(None)
        return self._drained


def _forget_bucket(buckets: "dict[Hashable, weakref.ref[Bucket]]", key: Hashable, dead: "weakref.ref[Bucket]") -> None:
    if buckets.get(key) is dead:
        del buckets[key]
