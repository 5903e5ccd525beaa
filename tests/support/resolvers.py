"""Resolvers that answer from a table, count, wait and fail on demand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence

from gazelle.abc import AbstractResolver, ResolveResult


def address(host: str, port: int, name: str = "") -> ResolveResult:
    """One answer of a resolver."""
    return {
        "hostname": name or host,
        "host": host,
        "port": port,
        "family": socket.AF_INET,
        "proto": socket.IPPROTO_TCP,
        "flags": socket.AI_NUMERICHOST,
    }


class TableResolver(AbstractResolver):
    """Answers from a table of names; every other name is unknown.

    Args:
        table: name → addresses, either `"address"` or `("address", port)` to leave the asked port out.
        turns: turns of the loop that a lookup takes.
        gate: a lookup waits for this event first.
    """

    def __init__(
        self,
        table: Mapping[str, Sequence[str | tuple[str, int]]],
        *,
        turns: int = 0,
        gate: asyncio.Event | None = None,
    ) -> None:
        self.table = table
        self.turns = turns
        self.gate = gate
        self.asked: list[str] = []
        self.running = 0
        self.closed = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        self.running += 1
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
            if host not in self.table:
                raise OSError(None, f"no such name: {host}")
            entries = (entry if isinstance(entry, tuple) else (entry, port) for entry in self.table[host])
            return [address(*entry, name=host) for entry in entries]
        finally:
            self.running -= 1

    async def close(self) -> None:
        self.closed += 1
