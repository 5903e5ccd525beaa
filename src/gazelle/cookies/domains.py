"""Host names as cookies see them: the domains a host is in, and the domains that belong to nobody (RFC 6265 §5.1)."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final

from yarl import URL

# No DNS name is longer (RFC 1035 §2.3.4). Asked before anything that takes time is done to a name.
_MAX_HOST: Final = 253
# A host whose last label is a number is an address or wants to be one: `127.1` and `0x7f000001` are resolved as
# 127.0.0.1 by many systems, and no top-level domain is a number (WHATWG URL, "ends in a number").
_ENDS_IN_NUMBER: Final = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?$")


def is_address(host: str) -> bool:
    """Returns whether a host is an IP address, in any of the spellings that resolvers take for one."""
    return ":" in host or _ENDS_IN_NUMBER.search(host) is not None


@lru_cache(maxsize=1024)
def canonical_host(host: str) -> str:
    """Returns a host in the form in which cookies are filed: lower case, A-labels, no final dot, no brackets.

    The result is empty for what cannot be a host (RFC 6265 §5.1.2).
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
    """Returns the value of a Domain attribute in the form of `canonical_host`, or "" if it says nothing.

    One leading dot is dropped (RFC 6265 §5.2.3). A value that ends in a dot counts as none at all, so that the cookie
    is for its host alone.
    """
    domain = attribute.removeprefix(".")
    return "" if domain.endswith(".") else canonical_host(domain)


def parents(host: str) -> Iterator[str]:
    """Yields the domains a host name is in, without itself: `a.b.example` is in `b.example` and `example`."""
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
    """The domains under which anybody can get a name, like `com` and `co.uk` (publicsuffix.org).

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
    """Returns the list, which is read once.

    Raises:
        ImportError: as `PublicSuffixes`.
    """
    return PublicSuffixes()
