"""Whether a socket has input that has not been read, on both twins."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator

import pytest

from tests.support.clean import open_descriptors
from tests.support.twins import Twin


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_silent_socket_has_no_input(twin: Twin, pair: tuple[socket.socket, socket.socket]) -> None:
    probe = twin.readiness.SocketProbe(pair[0].fileno())
    assert [probe.has_input() for _ in range(3)] == [False, False, False]


def test_bytes_are_seen_and_not_read(twin: Twin, pair: tuple[socket.socket, socket.socket]) -> None:
    one, other = pair
    probe = twin.readiness.SocketProbe(one.fileno())
    other.sendall(b"x")
    assert [probe.has_input(), probe.has_input()] == [True, True]
    assert one.recv(10) == b"x"
    assert not probe.has_input()


@pytest.mark.parametrize("how", ["shutdown", "close"])
def test_the_end_of_the_connection_is_input(twin: Twin, pair: tuple[socket.socket, socket.socket], how: str) -> None:
    one, other = pair
    probe = twin.readiness.SocketProbe(one.fileno())
    if how == "close":
        other.close()
    else:
        other.shutdown(socket.SHUT_WR)
    assert probe.has_input()


def test_what_the_socket_itself_sends_is_no_input(twin: Twin, pair: tuple[socket.socket, socket.socket]) -> None:
    probe = twin.readiness.SocketProbe(pair[0].fileno())
    pair[0].sendall(b"x")
    assert not probe.has_input()


def test_a_descriptor_that_was_closed_counts_as_input(twin: Twin) -> None:
    """The connection must not be used again: POLLNVAL, or an error of `select`."""
    one, other = socket.socketpair()
    with other:
        probe = twin.readiness.SocketProbe(one.fileno())
        one.close()
        assert probe.has_input()


@pytest.mark.skipif(not hasattr(select, "poll"), reason="there is only select")
def test_a_probe_works_for_descriptors_beyond_the_limit_of_select(twin: Twin) -> None:
    one, other = socket.socketpair()
    with one, other:
        high = os.dup2(one.fileno(), 1500)
        try:
            probe = twin.readiness.SocketProbe(high)
            assert not probe.has_input()
            other.sendall(b"x")
            assert probe.has_input()
        finally:
            os.close(high)


def test_a_probe_opens_no_descriptor(twin: Twin, pair: tuple[socket.socket, socket.socket]) -> None:
    before = open_descriptors()
    probes = [twin.readiness.SocketProbe(pair[0].fileno()) for _ in range(10)]
    assert not any(probe.has_input() for probe in probes)
    assert open_descriptors() == before
