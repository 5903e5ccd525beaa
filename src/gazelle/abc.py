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


class AbstractStreamWriter(ABC):
    """What the body of a request is written to."""

    @abstractmethod
    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Sends a piece of the body; an empty one is nothing."""

    @abstractmethod
    async def write_eof(self, chunk: bytes = b"") -> None:
        """Sends the last piece and ends the body."""

    @abstractmethod
    async def drain(self) -> None:
        """Waits until what was written is on its way."""
