"""Names become addresses: resolvers and a cache."""

import asyncio
import socket
from collections import OrderedDict
from time import monotonic
from types import MappingProxyType
from typing import Any

from gazelle.abc import AbstractResolver, ResolveResult
from gazelle.errors import ClientConnectionError


class ThreadedResolver(AbstractResolver):
    """Asks the system's resolver, in the threads of the event loop's default executor."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Returns the addresses that `getaddrinfo` gives, in its order.

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
        self._lookups: dict[tuple[str, int], asyncio.Task[list[ResolveResult]]] = {}

    @property
    def answers(self) -> MappingProxyType[tuple[str, int], list[ResolveResult]]:
        """What is remembered, by (host, port)."""
        return MappingProxyType({key: list(addresses) for key, (_, addresses) in self._answers.items()})

    async def resolve(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        """Returns the addresses of a host, another one first each time.

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
                return list(addresses)
            del self._answers[key]
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = self._lookups[key] = asyncio.get_running_loop().create_task(self._look_up(key, family))
            lookup.add_done_callback(lambda task: self._forget_lookup(key, task))
        # A caller that is cancelled must not take the lookup away from those who share it.
        try:
            return list(await asyncio.shield(lookup))
        except asyncio.CancelledError:
            if self._closed and lookup.cancelled():
                raise ClientConnectionError("Connector is closed.") from None
            raise

    def clear(self, host: str | None = None, port: int | None = None) -> None:
        """Forgets one host, or all of them."""
        if host is None or port is None:
            self._answers.clear()
        else:
            self._answers.pop((host, port), None)

    async def close(self) -> None:
        """Ends all lookups; who waits for one gets a `ClientConnectionError`."""
        self._closed = True
        lookups = list(self._lookups.values())
        for lookup in lookups:
            lookup.cancel()
        if lookups:
            await asyncio.wait(lookups)
        self._answers.clear()

    async def _look_up(self, key: tuple[str, int], family: socket.AddressFamily) -> list[ResolveResult]:
        addresses = await self._resolver.resolve(*key, family=family)
        if not addresses:
            raise OSError(None, f"DNS lookup of {key[0]} gave no address")
        if self._enabled:
            self._answers[key] = (monotonic() + (self._ttl or 0), list(addresses))
            if len(self._answers) > self._max_size:
                self._answers.popitem(last=False)
        return addresses

    def _forget_lookup(self, key: tuple[str, int], task: asyncio.Task[Any]) -> None:
        self._lookups.pop(key, None)
        if not task.cancelled():
            # Whoever waited has the error; if nobody is left it must not be reported as never retrieved.
            task.exception()
