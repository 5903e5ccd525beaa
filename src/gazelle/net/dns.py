"""Name resolution: the default resolver, and a cache with shared lookups."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Sequence
from time import monotonic
from types import MappingProxyType

from gazelle.abc import AbstractResolver, ResolveResult
from gazelle.errors import ClientConnectionError
from gazelle.tracing import Trace


class ThreadedResolver(AbstractResolver):
    """Resolves names with the system's `getaddrinfo`, in the default executor of the event loop.

    Args:
        loop: the event loop. Default: the running one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host, in the order of `getaddrinfo`.

        Args:
            host: name of the host.
            port: port to put into the addresses. Default 0.
            family: address family; `AF_UNSPEC` for all. Default `AF_INET`.

        Raises:
            OSError: the name does not resolve (`socket.gaierror`).
        """
        loop = self._loop or asyncio.get_running_loop()
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
        results: list[ResolveResult] = []
        for found, _, proto, _, address in infos:
            numeric = str(address[0])
            if found == socket.AF_INET6:
                if len(address) < 4:
                    # CPython built without IPv6 returns raw bytes here, which are of no use.
                    continue
                if address[3] and "%" not in numeric:
                    # Link-local addresses need the interface (RFC 4007 §11).
                    numeric = f"{numeric}%{address[3]}"
            results.append(
                ResolveResult(
                    hostname=host,
                    host=numeric,
                    port=int(address[1]),
                    family=found,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    async def close(self) -> None:
        """Do nothing: there are no resources to release."""


DefaultResolver = ThreadedResolver


class _Lookup:
    """A running lookup, and the number of callers that wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[list[ResolveResult]]) -> None:
        self.task = task
        self.waiting = 0


class DnsCache:
    """Caches the addresses of hosts; concurrent requests for a host share a lookup.

    Args:
        resolver: performs the lookups.
        ttl: lifetime of an entry in seconds; None for no limit.
        max_size: most entries; the least recently used one is evicted.
        enabled: whether to cache addresses; if False, lookups are only shared.
    """

    def __init__(self, resolver: AbstractResolver, ttl: float | None, max_size: int, enabled: bool) -> None:
        self._resolver = resolver
        self._ttl = ttl
        self._max_size = max_size
        self._enabled = enabled
        self._closed = False
        self._answers: OrderedDict[tuple[str, int], tuple[float, list[ResolveResult]]] = OrderedDict()
        self._lookups: dict[tuple[str, int], _Lookup] = {}

    @property
    def answers(self) -> MappingProxyType[tuple[str, int], list[ResolveResult]]:
        """The cached addresses by (host, port)."""
        return MappingProxyType({key: list(addresses) for key, (_, addresses) in self._answers.items()})

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily, traces: Sequence[Trace] = ()
    ) -> list[ResolveResult]:
        """Return the addresses of a host, rotated by one with each cache hit.

        Args:
            host: name of the host.
            port: port to put into the addresses.
            family: address family.
            traces: receive the events of the lookup. Default none.

        Raises:
            OSError: the resolver failed or returned no address.
            ClientConnectionError: the cache was closed during the lookup.
        """
        key = (host, port)
        remembered = self._answers.get(key)
        if remembered is not None:
            expires, addresses = remembered
            if self._ttl is None or monotonic() < expires:
                self._answers.move_to_end(key)
                addresses.append(addresses.pop(0))
                found = list(addresses)
                for trace in traces:
                    await trace.send_dns_cache_hit(host)
                return found
            del self._answers[key]
        for trace in traces:
            await trace.send_dns_cache_miss(host)
            await trace.send_dns_resolvehost_start(host)
        found = await self._share_lookup(key, family)
        for trace in traces:
            await trace.send_dns_resolvehost_end(host)
        return found

    async def _share_lookup(self, key: tuple[str, int], family: socket.AddressFamily) -> list[ResolveResult]:
        """Return the result of the running lookup for a key, or of a new one."""
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = _Lookup(asyncio.get_running_loop().create_task(self._look_up(key, family)))
            if not lookup.task.done():  # an eager task may be done already
                lookup.task.add_done_callback(lambda _: self._forget_lookup(key, lookup))
                self._lookups[key] = lookup
        lookup.waiting += 1
        try:
            # The cancellation of one caller must not cancel the lookup for the others.
            return list(await asyncio.shield(lookup.task))
        except asyncio.CancelledError:
            if self._closed and lookup.task.cancelled():
                raise ClientConnectionError("Connector is closed.") from None
            raise
        finally:
            lookup.waiting -= 1
            if not lookup.waiting and not lookup.task.done():
                # No caller waits any more; the next one starts a new lookup.
                self._lookups.pop(key, None)
                if not lookup.task.get_loop().is_closed():
                    lookup.task.cancel()

    def clear(self, host: str | None = None, port: int | None = None) -> None:
        """Drop the entry of one host, or all entries unless both arguments are given."""
        if host is None or port is None:
            self._answers.clear()
        else:
            self._answers.pop((host, port), None)

    def cancel(self) -> None:
        """Cancel all lookups without waiting; their callers get a `ClientConnectionError`."""
        self._closed = True
        for lookup in self._lookups.values():
            lookup.task.cancel()
        self._answers.clear()

    async def close(self) -> None:
        """Cancel all lookups, and wait until they have ended."""
        self.cancel()
        tasks = [lookup.task for lookup in self._lookups.values()]
        if tasks:
            await asyncio.wait(tasks)

    async def _look_up(self, key: tuple[str, int], family: socket.AddressFamily) -> list[ResolveResult]:
        addresses = await self._resolver.resolve(*key, family=family)
        if not addresses:
            raise OSError(None, f"DNS lookup of {key[0]} gave no address")
        if self._enabled:
            self._answers[key] = (monotonic() + (self._ttl or 0), list(addresses))
            if len(self._answers) > self._max_size:
                self._answers.popitem(last=False)
        return addresses

    def _forget_lookup(self, key: tuple[str, int], lookup: _Lookup) -> None:
        if self._lookups.get(key) is lookup:
            del self._lookups[key]
        if not lookup.task.cancelled():
            # Retrieve the error, so that the loop does not report it if no caller waits any more.
            lookup.task.exception()
