"""The options of connectors: the tables agree with the signatures, and every option has a check that names it."""

from __future__ import annotations

import asyncio
import inspect
import socket
import ssl
from typing import Any

import pytest

import gazelle
from gazelle.net.options import BASE_OPTIONS, TCP_OPTIONS, check_options
from gazelle.types import sentinel

OPTIONS = {**BASE_OPTIONS, **TCP_OPTIONS}
FLAG: list[tuple[Any, type[Exception]]] = [("x", TypeError), (2, TypeError), ([], TypeError)]
SECONDS: list[tuple[Any, type[Exception]]] = [("x", TypeError), (True, TypeError), (-1, ValueError)]
SIZE: list[tuple[Any, type[Exception]]] = [("x", TypeError), (1.5, TypeError), (True, TypeError), (-1, ValueError)]

BAD: dict[str, list[tuple[Any, type[Exception]]]] = {
    "keepalive_timeout": [*SECONDS, (float("inf"), ValueError)],
    "force_close": FLAG,
    "limit": SIZE,
    "limit_per_host": SIZE,
    "enable_cleanup_closed": FLAG,
    "loop": [("x", TypeError)],
    "timeout_ceil_threshold": [*SECONDS, (None, TypeError)],
    "ssl": [(0, TypeError), ("x", TypeError)],
    "use_dns_cache": [*FLAG, (None, TypeError)],
    "ttl_dns_cache": SECONDS,
    "dns_cache_max_size": [*SIZE, (0, ValueError), (None, TypeError)],
    "family": [("x", TypeError), (None, TypeError), (True, TypeError), (socket.AF_UNIX, ValueError), (-5, ValueError)],
    "resolver": [("x", TypeError), (3, TypeError)],
    "local_addr": [("127.0.0.1", TypeError), (("a",), TypeError), ((1, 2), TypeError), (("a", 65536), ValueError)],
    "happy_eyeballs_delay": SECONDS,
    "interleave": SIZE,
    "socket_factory": [("x", TypeError), (3, TypeError)],
    "verify_ssl": FLAG,
    "fingerprint": [("x", TypeError), (b"x", ValueError)],
    "ssl_context": [("x", TypeError), (True, TypeError)],
}

GOOD: dict[str, list[tuple[Any, Any]]] = {
    "keepalive_timeout": [(None, None), (sentinel, sentinel), (0, 0), (7.5, 7.5)],
    "force_close": [(True, True), (0, False), (None, False)],
    "limit": [(None, None), (0, 0), (100, 100)],
    "limit_per_host": [(None, None), (0, 0), (100, 100)],
    "enable_cleanup_closed": [(True, True), (1, True)],
    "loop": [(None, None)],
    "timeout_ceil_threshold": [(5, 5), (0.5, 0.5)],
    "ssl": [(None, True), (True, True), (False, False)],
    "use_dns_cache": [(True, True), (0, False)],
    "ttl_dns_cache": [(None, None), (0, 0), (10, 10)],
    "dns_cache_max_size": [(1, 1), (1000, 1000)],
    "family": [(0, socket.AF_UNSPEC), (socket.AF_INET, socket.AF_INET), (int(socket.AF_INET6), socket.AF_INET6)],
    "resolver": [(None, None)],
    "local_addr": [(None, None), (("127.0.0.1", 0), ("127.0.0.1", 0)), (["::1", 80], ("::1", 80))],
    "happy_eyeballs_delay": [(None, None), (0.25, 0.25)],
    "interleave": [(None, None), (1, 1)],
    "socket_factory": [(None, None), (print, print)],
    "verify_ssl": [(None, None), (0, False)],
    "fingerprint": [(None, None), (bytes(32), gazelle.Fingerprint(bytes(32)))],
    "ssl_context": [(None, None)],
}  # fmt: skip


def defaults_of(connector: type[gazelle.BaseConnector]) -> dict[str, Any]:
    return {one.name: one.default for one in inspect.signature(connector).parameters.values()}


def test_the_signatures_are_the_tables() -> None:
    assert defaults_of(gazelle.BaseConnector).keys() == BASE_OPTIONS.keys()
    assert defaults_of(gazelle.TCPConnector).keys() == OPTIONS.keys()


def test_a_default_passes_the_check_of_its_option_unchanged() -> None:
    defaults = defaults_of(gazelle.TCPConnector)
    assert check_options(OPTIONS, defaults) == defaults


def test_the_values_above_are_of_every_option() -> None:
    assert BAD.keys() == GOOD.keys() == OPTIONS.keys()


@pytest.mark.parametrize("name", OPTIONS)
def test_a_bad_value_is_refused_with_the_name_of_the_option(name: str) -> None:
    for value, error in BAD[name]:
        with pytest.raises(error, match=name) as caught:
            OPTIONS[name](name, value)
        assert caught.type is error, value


@pytest.mark.parametrize("name", OPTIONS)
def test_a_good_value_is_returned_in_one_form(name: str) -> None:
    for value, expected in GOOD[name]:
        assert OPTIONS[name](name, value) == expected
        assert type(OPTIONS[name](name, value)) is type(expected)


def test_a_local_address_may_leave_the_host_open() -> None:
    assert OPTIONS["local_addr"]("local_addr", (None, 80)) == (None, 80)


async def test_objects_are_returned_as_they_are() -> None:
    context, loop = ssl.create_default_context(), asyncio.get_running_loop()
    resolver = gazelle.ThreadedResolver()
    for name, value in (("ssl", context), ("ssl_context", context), ("loop", loop), ("resolver", resolver)):
        assert OPTIONS[name](name, value) is value
