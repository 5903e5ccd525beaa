"""Canonical host names, parent domains, IP addresses and public suffixes (RFC 6265 §5.1)."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final

from yarl import URL

# The longest DNS name (RFC 1035 §2.3.4). Checked before any costly step.
_MAX_HOST: Final = 253
# A host whose last label is a number counts as an address: many resolvers take `127.1` and `0x7f000001` for 127.0.0.1,
# and no top-level domain is a number (WHATWG URL, "ends in a number").
_ENDS_IN_NUMBER: Final = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?$")


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, in any spelling that resolvers accept."""
    return ":" in host or _ENDS_IN_NUMBER.search(host) is not None


@lru_cache(maxsize=1024)
def canonical_host(host: str) -> str:
    """Return a host in canonical form: lower case, A-labels, no final dot, no brackets (RFC 6265 §5.1.2).

    The result is empty for text that cannot be a host.
    """
    if host.startswith("["):
        host = host[1:].removesuffix("]")
    if len(host) > _MAX_HOST + 1:
        return ""
    if not host.isascii():
        try:
            host = URL.build(scheme="http", host=host).raw_host or ""
        except ValueError:
            return ""
    return host.lower().removesuffix(".")


def canonical_domain(attribute: str) -> str:
    """Return the value of a Domain attribute in canonical form, or "" if it counts as absent.

    One leading dot is dropped (RFC 6265 §5.2.3). A value that ends in a dot counts as absent, which makes the cookie
    host-only.
    """
    domain = attribute.removeprefix(".")
    return "" if domain.endswith(".") else canonical_host(domain)


def parents(host: str) -> Iterator[str]:
    """Yield the parent domains of a host name: `b.example` and `example` for `a.b.example`."""
    start = host.find(".") + 1
    while start:
        yield host[start:]
        start = host.find(".", start) + 1


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


_publicsuffixlist: Final = _optional("publicsuffixlist")


class PublicSuffixes:
    """The public suffixes, domains under which anyone can register names, like `com` and `co.uk` (publicsuffix.org).

    Raises:
        ImportError: the package `publicsuffixlist`, which brings the list, is not installed.
    """

    def __init__(self) -> None:
        if _publicsuffixlist is None:
            raise ImportError(
                "public_suffixes=True needs the package publicsuffixlist: pip install 'gazelle[psl]'",
                name="publicsuffixlist",
            )
        self._is_public = _publicsuffixlist.PublicSuffixList().is_public

    def __contains__(self, domain: str) -> bool:
        return bool(self._is_public(domain.lower().removesuffix(".")))


@cache
def public_suffixes() -> PublicSuffixes:
    """Return the list; it is read once per process.

    Raises:
        ImportError: as `PublicSuffixes`.
    """
    return PublicSuffixes()
