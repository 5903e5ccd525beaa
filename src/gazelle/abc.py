"""What users may bring their own of."""

import asyncio
import socket
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from http.cookies import BaseCookie, Morsel, SimpleCookie
from types import MappingProxyType
from typing import TypedDict

from yarl import URL

from gazelle.types import LooseCookies


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
        """Return the addresses of a host, or raises OSError."""

    @abstractmethod
    async def close(self) -> None:
        """Release what the resolver holds."""


class AbstractStreamWriter(ABC):
    """What the body of a request is written to."""

    @abstractmethod
    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body; an empty one is nothing."""

    @abstractmethod
    async def write_eof(self, chunk: bytes = b"") -> None:
        """Send the last piece and ends the body."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait until what was written is on its way."""


class AbstractCookieJar(Sized, Iterable["Morsel[str]"]):
    """What a session needs of a cookie jar; users may bring their own.

    A jar has a length, the number of its cookies, and yields them as `http.cookies.Morsel`.

    Args:
        loop: deprecated, has no effect. Jars work outside of event loops.
    """

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        if loop is not None:
            warnings.warn("The loop argument is deprecated, a jar needs none", DeprecationWarning, stacklevel=3)

    @property
    def unsafe(self) -> bool:
        """Whether cookies of IP addresses are taken and sent. Default False."""
        return False

    @property
    def quote_cookie(self) -> bool:
        """Whether values that need quotes are sent with them. Default True."""
        return True

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins to which Secure cookies are sent although their scheme is not secure. Default none."""
        return frozenset()

    @property
    def cookies(self) -> Mapping[tuple[str, str], SimpleCookie]:
        """The cookies by domain and path; read-only. Default empty."""
        return MappingProxyType({})

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """Domain, path and name of the cookies that hosts below their domain do not get. Default empty."""
        return frozenset()

    @abstractmethod
    def clear(self, predicate: "Callable[[Morsel[str]], bool] | None" = None) -> None:
        """Remove all cookies, or those for which the predicate returns True."""

    @abstractmethod
    def clear_domain(self, domain: str) -> None:
        """Remove the cookies of a domain and of the domains below it."""

    @abstractmethod
    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:  # noqa: B008  (immutable)
        """Store cookies, for the host of a URL or, if that is empty, for all hosts."""

    @abstractmethod
    def filter_cookies(self, request_url: URL) -> "BaseCookie[str]":
        """Return the cookies to send with a request to a URL."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Store the cookies of the Set-Cookie fields of a response, given by their values.

        A jar that does not override it gets those cookies from a session through `update_cookies`.

        Raises:
            NotImplementedError: the jar does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} takes cookies through update_cookies only")
