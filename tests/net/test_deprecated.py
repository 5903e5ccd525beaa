"""Old spellings of arguments: what they are translated to, and what they exclude."""

from __future__ import annotations

import ssl
import warnings
from typing import Any

import pytest

from gazelle.net.deprecated import (
    OLD_TLS_ARGUMENTS,
    check_fingerprint,
    check_ssl_context,
    merge_timeouts,
    merge_tls,
    warn_of,
)
from gazelle.net.tls import Fingerprint
from gazelle.timeouts import DEFAULT_TIMEOUT, ClientTimeout
from gazelle.types import sentinel

CONTEXT = ssl.create_default_context()
DIGEST = b"x" * 32


@pytest.mark.parametrize("policy", [None, True, False, CONTEXT, Fingerprint(DIGEST)])
def test_without_old_spellings_ssl_counts_and_nothing_is_deprecated(policy: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert merge_tls(policy) == (True if policy is None else policy)


@pytest.mark.parametrize(
    ("name", "value", "policy"),
    [
        ("verify_ssl", False, False),
        ("verify_ssl", True, True),
        ("ssl_context", CONTEXT, CONTEXT),
        ("fingerprint", DIGEST, Fingerprint(DIGEST)),
        ("fingerprint", bytearray(DIGEST), Fingerprint(DIGEST)),
    ],
)
def test_an_old_spelling_is_translated_with_a_warning_that_names_it(name: str, value: Any, policy: Any) -> None:
    assert name in OLD_TLS_ARGUMENTS
    with pytest.warns(DeprecationWarning, match=f"{name} is deprecated, use "):
        assert merge_tls(True, **{name: value}) == policy


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("policy", "old"),
    [
        (False, {"verify_ssl": False}),
        (CONTEXT, {"ssl_context": CONTEXT}),
        (Fingerprint(DIGEST), {"fingerprint": DIGEST}),
        (True, {"verify_ssl": False, "ssl_context": CONTEXT}),
        (True, {"ssl_context": CONTEXT, "fingerprint": DIGEST}),
    ],
)
def test_tls_checks_may_be_passed_in_one_way_only(policy: Any, old: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="mutually exclusive"):
        merge_tls(policy, **old)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("old", [{"verify_ssl": "no"}, {"ssl_context": True}, {"fingerprint": "x" * 32}])
def test_an_old_spelling_with_a_value_of_another_type_is_refused_with_its_name(old: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(old))):
        merge_tls(True, **old)


def test_a_context_and_a_digest_are_checked() -> None:
    assert check_ssl_context("ssl_context", CONTEXT) is CONTEXT
    assert check_fingerprint("fingerprint", memoryview(DIGEST)) == Fingerprint(DIGEST)
    with pytest.raises(ValueError, match=r"^fingerprint: "):
        check_fingerprint("fingerprint", b"short")


@pytest.mark.parametrize("timeout", [None, sentinel])
def test_no_time_limits_are_the_default_ones(timeout: Any) -> None:
    assert merge_timeouts(timeout, sentinel, None) is DEFAULT_TIMEOUT


def test_time_limits_are_taken_as_they_are() -> None:
    timeout = ClientTimeout(total=3)
    assert merge_timeouts(timeout, sentinel, None) is timeout


@pytest.mark.parametrize(
    ("read", "connect", "total", "limit"),
    [(5, None, 5, None), (None, None, None, None), (sentinel, 7, DEFAULT_TIMEOUT.total, 7), (5, 7, 5, 7)],
)
def test_old_time_limits_are_translated_with_a_warning(read: Any, connect: Any, total: Any, limit: Any) -> None:
    with pytest.warns(DeprecationWarning, match=r"use timeout=ClientTimeout\("):
        timeout = merge_timeouts(sentinel, read, connect)
    assert (timeout.total, timeout.connect) == (total, limit)
    assert timeout.sock_connect == DEFAULT_TIMEOUT.sock_connect


@pytest.mark.parametrize(("read", "connect"), [(5, None), (sentinel, 5), (None, None)])
def test_old_time_limits_exclude_the_new_ones(read: Any, connect: Any) -> None:
    with pytest.raises(ValueError, match="conflict"):
        merge_timeouts(ClientTimeout(), read, connect)


def test_a_warning_says_what_to_use_instead() -> None:
    with pytest.warns(DeprecationWarning, match=r"^loop is deprecated, use a running event loop instead$"):
        warn_of("loop", "a running event loop")
