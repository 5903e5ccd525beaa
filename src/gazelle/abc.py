"""What users may bring their own of."""

import socket
from abc import ABC, abstractmethod
from typing import TypedDict


class ResolveResult(TypedDict):
    """One address of a host: the name asked for, the numeric address, and what `socket.socket` needs to know."""

    hostname: str
    host: str
    port: int
    family: int
    proto: int
    flags: int


class AbstractResolver(ABC):
    """What a connector needs of a DNS resolver; users may bring their own."""

    @abstractmethod
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Returns the addresses of a host, or raises OSError."""

    @abstractmethod
    async def close(self) -> None:
        """Releases what the resolver holds."""
