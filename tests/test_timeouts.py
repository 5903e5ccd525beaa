"""`ClientTimeout`: order of its fields, its checks, and that it is a value."""

import copy
import dataclasses
import pickle

import pytest

from gazelle.timeouts import DEFAULT_TIMEOUT, ClientTimeout


def test_positional_order_is_total_connect_sock_read_sock_connect_ceil_threshold() -> None:
    timeout = ClientTimeout(1, 2, 3, 4, 5)
    assert (timeout.total, timeout.connect, timeout.sock_read, timeout.sock_connect) == (1, 2, 3, 4)
    assert timeout.ceil_threshold == 5


def test_without_arguments_there_is_no_limit() -> None:
    timeout = ClientTimeout()
    assert (timeout.total, timeout.connect, timeout.sock_read, timeout.sock_connect) == (None,) * 4
    assert timeout.ceil_threshold == 5


def test_the_default_is_five_minutes_in_total_and_thirty_seconds_for_a_connection_attempt() -> None:
    assert ClientTimeout(total=300, sock_connect=30) == DEFAULT_TIMEOUT


def test_it_is_a_frozen_hashable_value() -> None:
    timeout = ClientTimeout(total=1.5)
    assert {timeout: "found"}[ClientTimeout(total=1.5)] == "found"
    with pytest.raises(dataclasses.FrozenInstanceError):
        timeout.total = 2  # type: ignore[misc]  # that it is refused is the point
    assert dataclasses.replace(timeout, connect=3) == ClientTimeout(total=1.5, connect=3)


def test_it_survives_pickle_and_copy() -> None:
    timeout = ClientTimeout(1, None, 0.25, 4, 0)
    assert pickle.loads(pickle.dumps(timeout)) == timeout
    assert copy.deepcopy(timeout) == timeout


@pytest.mark.parametrize("field", ["total", "connect", "sock_read", "sock_connect"])
@pytest.mark.parametrize("value", [None, 0, 0.0, 1, 0.001, 10**6])
def test_none_zero_and_positive_numbers_are_accepted(field: str, value: float | None) -> None:
    assert getattr(ClientTimeout(**{field: value}), field) == value  # type: ignore[arg-type]  # field names as data


@pytest.mark.parametrize("field", ["total", "connect", "sock_read", "sock_connect", "ceil_threshold"])
@pytest.mark.parametrize("value", [-1, -0.001])
def test_a_negative_limit_is_refused_with_its_name_and_value(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"'{field}' must not be negative, got {value}"):
        ClientTimeout(**{field: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_limit_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        ClientTimeout(total=value)


@pytest.mark.parametrize("value", ["5", b"5", True, [], object(), 1j])
def test_a_limit_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="'sock_read' must be a number of seconds or None"):
        ClientTimeout(sock_read=value)  # type: ignore[arg-type]  # that it is refused is the point


def test_ceil_threshold_must_be_a_number() -> None:
    with pytest.raises(TypeError, match="'ceil_threshold' must be a number of seconds, not None"):
        ClientTimeout(ceil_threshold=None)  # type: ignore[arg-type]  # that it is refused is the point
