"""Tables of the options of connectors, with the check of each (see `gazelle.checks`).

A test compares the signatures of `BaseConnector` and `TCPConnector` with these tables.
"""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any, Final

from gazelle.abc import AbstractResolver
from gazelle.checks import (
    Check,
    check_callable,
    check_flag,
    check_flag_off,
    check_number,
    check_object,
    check_seconds,
    optional,
    refuse,
)
from gazelle.types import sentinel

from .deprecated import check_fingerprint, check_ssl_context
from .tls import TlsPolicy, check_policy


def _check_keepalive(name: str, value: Any) -> Any:
    return value if value is None or value is sentinel else check_seconds(name, value)


def _check_ssl(name: str, value: object) -> TlsPolicy:
    return check_policy(value)


def _check_family(name: str, value: Any) -> socket.AddressFamily:
    if not isinstance(value, int) or isinstance(value, bool):
        refuse(name, "socket.AF_INET, socket.AF_INET6 or 0", value)
    if value not in (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6):
        raise ValueError(f"{name} should be socket.AF_INET, socket.AF_INET6 or 0, got {value!r}")
    return socket.AddressFamily(value)


def _check_address(name: str, value: Any) -> tuple[str | None, int]:
    """Check a local address: an empty host or None means any address, port 0 any free port."""
    if not isinstance(value, tuple | list) or len(value) != 2 or not isinstance(value[0], str | None):
        refuse(name, "a tuple of a host and a port", value)
    return value[0], _check_port(f"the port of {name}", value[1])


_check_port: Final = check_number(0, 65535)
_check_limit: Final = optional(check_number(0))

BASE_OPTIONS: Final[Mapping[str, Check]] = {
    "keepalive_timeout": _check_keepalive,
    "force_close": check_flag_off,
    "limit": _check_limit,
    "limit_per_host": _check_limit,
    "enable_cleanup_closed": check_flag_off,
    "loop": optional(check_object(asyncio.AbstractEventLoop)),
    "timeout_ceil_threshold": check_seconds,
}

TCP_OPTIONS: Final[Mapping[str, Check]] = {
    "ssl": _check_ssl,
    "use_dns_cache": check_flag,
    "ttl_dns_cache": optional(check_seconds),
    "dns_cache_max_size": check_number(1),
    "family": _check_family,
    "resolver": optional(check_object(AbstractResolver, "resolve", "close")),
    "local_addr": optional(_check_address),
    "happy_eyeballs_delay": optional(check_seconds),
    "interleave": optional(check_number(0)),
    "socket_factory": optional(check_callable),
    "verify_ssl": optional(check_flag),
    "fingerprint": optional(check_fingerprint),
    "ssl_context": optional(check_ssl_context),
}


def check_options(options: Mapping[str, Check], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked arguments of a connector, by name.

    Args:
        options: `BASE_OPTIONS` or `TCP_OPTIONS`.
        arguments: a value for each of them; other names are ignored.

    Raises:
        TypeError: an argument has a type that the option does not take.
        ValueError: an argument has a value that the option does not take.
    """
    return {name: check(name, arguments[name]) for name, check in options.items()}
