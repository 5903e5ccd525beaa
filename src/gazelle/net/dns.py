"""Names become addresses: resolvers and a cache."""

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
    """Asks the system's resolver, in the threads of the event loop's default executor."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses that `getaddrinfo` gives, in its order.

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
                    # CPython without IPv6 gives raw bytes here, which nothing can connect to.
                    continue
                if address[3] and "%" not in numeric:
                    # Link-local addresses only mean something together with their interface.
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
        """Has nothing to release."""


DefaultResolver = ThreadedResolver


class _Lookup:
    """A lookup under way, and how many requests wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[list[ResolveResult]]) -> None:
        self.task = task
        self.waiting = 0


class DnsCache:
    """Remembers the addresses of hosts, and lets requests for one host share a lookup.

    Args:
        resolver: who is asked.
        ttl: how long an answer is good, in seconds; None for ever.
        max_size: how many hosts are remembered; the one not used for longest goes first.
        enabled: False only shares lookups.
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
        """What is remembered, by (host, port)."""
        return MappingProxyType({key: list(addresses) for key, (_, addresses) in self._answers.items()})

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily, traces: Sequence[Trace] = ()
    ) -> list[ResolveResult]:
        """Return the addresses of a host, another one first each time.

        Args:
            host: name of the host.
            port: goes into the addresses.
            family: of the addresses.
            traces: who is told.

        Raises:
            OSError: the resolver has failed, or knows no address.
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
        """Return the answer of a lookup, which may be under way already."""
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = _Lookup(asyncio.get_running_loop().create_task(self._look_up(key, family)))
            if not lookup.task.done():  # an eager task may have its answer already, and then there is nothing to share
                lookup.task.add_done_callback(lambda _: self._forget_lookup(key, lookup))
                self._lookups[key] = lookup
        lookup.waiting += 1
        try:
            # A caller that is cancelled must not take the lookup away from those who share it.
            return list(await asyncio.shield(lookup.task))
        except asyncio.CancelledError:
            if self._closed and lookup.task.cancelled():
                raise ClientConnectionError("Connector is closed.") from None
            raise
        finally:
            lookup.waiting -= 1
            if not lookup.waiting and not lookup.task.done():
                # Nobody is left to take the answer. Who asks next asks anew.
                self._lookups.pop(key, None)
                if not lookup.task.get_loop().is_closed():
                    lookup.task.cancel()

    def clear(self, host: str | None = None, port: int | None = None) -> None:
        """Forget one host, or all of them."""
        if host is None or port is None:
            self._answers.clear()
        else:
            self._answers.pop((host, port), None)

    def cancel(self) -> None:
        """End all lookups without waiting for it; who waits for one gets a `ClientConnectionError`."""
        self._closed = True
        for lookup in self._lookups.values():
            lookup.task.cancel()
        self._answers.clear()

    async def close(self) -> None:
        """End all lookups, and returns when they have ended."""
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
            # Whoever waited has the error; if nobody is left it must not be reported as never retrieved.
            lookup.task.exception()
