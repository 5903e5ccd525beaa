"""Interfaces that users may implement: resolvers, cookie jars, and the writer that payloads use."""

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
    """One address of a host: the resolved name, the numeric address, and port, family, protocol and flags."""

    hostname: str
    host: str
    port: int
    family: int
    proto: int
    flags: int


class AbstractResolver(ABC):
    """A DNS resolver for `TCPConnector`."""

    @abstractmethod
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Args:
            host: name of the host.
            port: port to put into the addresses. Default 0.
            family: address family; `AF_UNSPEC` for all. Default `AF_INET`.

        Raises:
            OSError: the name does not resolve.
        """

    @abstractmethod
    async def close(self) -> None:
        """Release the resources of the resolver."""


class AbstractStreamWriter(ABC):
    """Receives the body of a request from a payload."""

    @abstractmethod
    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body; an empty piece has no effect."""

    @abstractmethod
    async def write_eof(self, chunk: bytes = b"") -> None:
        """Send the last piece, and end the body."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait until the transport accepts more data."""


class AbstractCookieJar(Sized, Iterable["Morsel[str]"]):
    """A cookie jar for `ClientSession`.

    Its length is the number of its cookies; iteration yields them as `http.cookies.Morsel`.

    Args:
        loop: deprecated, without effect. Default None.
    """

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        if loop is not None:
            warnings.warn("The loop argument is deprecated, a jar needs none", DeprecationWarning, stacklevel=3)

    @property
    def unsafe(self) -> bool:
        """Whether cookies of IP addresses are stored and sent. Default False."""
        return False

    @property
    def quote_cookie(self) -> bool:
        """Whether values that need quotes are sent in quotes. Default True."""
        return True

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins to which Secure cookies are sent without TLS. Default none."""
        return frozenset()

    @property
    def cookies(self) -> Mapping[tuple[str, str], SimpleCookie]:
        """The cookies by domain and path; read-only. Default empty."""
        return MappingProxyType({})

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """Domain, path and name of the cookies that are not sent to subdomains (RFC 6265 §5.3). Default empty."""
        return frozenset()

    @abstractmethod
    def clear(self, predicate: "Callable[[Morsel[str]], bool] | None" = None) -> None:
        """Remove all cookies, or those for which `predicate` returns True."""

    @abstractmethod
    def clear_domain(self, domain: str) -> None:
        """Remove the cookies of a domain and of its subdomains."""

    @abstractmethod
    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:  # noqa: B008  (immutable)
        """Store cookies for the host of `response_url`, or for all hosts if it is empty."""

    @abstractmethod
    def filter_cookies(self, request_url: URL) -> "BaseCookie[str]":
        """Return the cookies to send in a request for a URL."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Store the cookies of Set-Cookie fields.

        For a jar that does not override this method, the session calls `update_cookies` instead.

        Args:
            headers: values of the fields.
            response_url: URL of the response.

        Raises:
            NotImplementedError: the jar does not override this method.
        """
        raise NotImplementedError(f"{type(self).__name__} takes cookies through update_cookies only")
