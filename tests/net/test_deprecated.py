"""Deprecated arguments: what they translate to, which combinations are refused, and the warnings."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from gazelle.net.deprecated import check_fingerprint, check_ssl_context, merge_timeouts, merge_tls
from gazelle.net.tls import Fingerprint
from gazelle.timeouts import DEFAULT_TIMEOUT, ClientTimeout
from gazelle.types import sentinel

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
DIGEST = bytes(range(32))


@pytest.mark.parametrize(
    ("arguments", "policy", "replacement"),
    [
        ({"ssl": None, "verify_ssl": False}, False, "ssl=False"),
        ({"ssl": True, "verify_ssl": False}, False, "ssl=False"),
        ({"ssl": None, "verify_ssl": True}, True, "ssl=False"),
        ({"ssl": CONTEXT, "verify_ssl": True}, CONTEXT, "ssl=False"),
        ({"ssl": None, "ssl_context": CONTEXT}, CONTEXT, "ssl=context"),
        ({"ssl": None, "fingerprint": DIGEST}, Fingerprint(DIGEST), "ssl=Fingerprint"),
    ],
)
def test_a_deprecated_tls_argument_is_translated_with_a_warning(
    arguments: dict[str, Any], policy: object, replacement: str
) -> None:
    with pytest.warns(DeprecationWarning, match=f"is deprecated, use {replacement}"):
        assert merge_tls(**arguments) == policy


@pytest.mark.parametrize(("policy", "merged"), [(None, True), (True, True), (False, False), (CONTEXT, CONTEXT)])
def test_the_current_tls_argument_gives_no_warning(policy: Any, merged: object) -> None:
    assert merge_tls(policy) == merged


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "arguments",
    [
        {"ssl": False, "ssl_context": CONTEXT},
        {"ssl": CONTEXT, "fingerprint": DIGEST},
        {"ssl": None, "ssl_context": CONTEXT, "fingerprint": DIGEST},
        {"ssl": None, "verify_ssl": False, "fingerprint": DIGEST},
    ],
)
def test_two_tls_policies_exclude_each_other(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="mutually exclusive"):
        merge_tls(**arguments)


def test_values_of_another_type_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"ssl_context should be an ssl\.SSLContext"):
        check_ssl_context("ssl_context", True)
    with pytest.raises(TypeError, match="fingerprint should be the 32 bytes"):
        check_fingerprint("fingerprint", "ab")
    with pytest.raises(ValueError, match=r"fingerprint: .*32 bytes"):
        check_fingerprint("fingerprint", b"short")
    assert check_fingerprint("fingerprint", bytearray(DIGEST)) == Fingerprint(DIGEST)


def test_no_timeout_is_the_default_one_without_a_warning() -> None:
    assert merge_timeouts(None, sentinel, None) is DEFAULT_TIMEOUT
    assert merge_timeouts(sentinel, sentinel, None) is DEFAULT_TIMEOUT
    timeout = ClientTimeout(total=1)
    assert merge_timeouts(timeout, sentinel, None) is timeout


def test_deprecated_timeouts_are_translated_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="read_timeout is deprecated"):
        timeout = merge_timeouts(sentinel, 7.0, None)
    assert timeout == ClientTimeout(total=7.0, connect=None, sock_connect=DEFAULT_TIMEOUT.sock_connect)
    with pytest.warns(DeprecationWarning, match="conn_timeout is deprecated"):
        timeout = merge_timeouts(sentinel, sentinel, 3.0)
    assert (timeout.total, timeout.connect) == (DEFAULT_TIMEOUT.total, 3.0)
    with pytest.warns(DeprecationWarning, match="read_timeout"):
        assert merge_timeouts(sentinel, None, None).total is None


@pytest.mark.parametrize(("read_timeout", "conn_timeout"), [(1.0, None), (sentinel, 1.0)])
def test_a_timeout_excludes_its_deprecated_alternatives(read_timeout: Any, conn_timeout: float | None) -> None:
    with pytest.raises(ValueError, match="conflict"):
        merge_timeouts(ClientTimeout(), read_timeout, conn_timeout)
