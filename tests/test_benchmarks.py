"""The benchmark harness itself: its server answers right however a request arrives, and its command line works."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import nginx, servers
from benchmarks.macro.clients import CLIENTS
from benchmarks.macro.report import summarise
from benchmarks.macro.rounds import Contender, Interpreter, Record
from benchmarks.macro.worker import Measurement
from benchmarks.macro.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def address() -> Iterator[servers.Address]:
    with servers.start() as address:
        yield address


def _exchange(address: servers.Address, pieces: list[bytes]) -> bytes:
    """Send the pieces apart from each other, the last asking for the end, and return everything that comes back."""
    with socket.create_connection((address.host, address.port), 60) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            client.sendall(piece)
            time.sleep(0.001)
        received = b""
        while data := client.recv(1 << 20):
            received += data
        return received


def _request(target: str, method: str = "GET", body: bytes = b"", close: bool = False) -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    connection = "Connection: close\r\n" if close else ""
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{length}{connection}\r\n".encode() + body


def _bodies(received: bytes) -> list[bytes]:
    """The bodies of replies that all have a Content-Length."""
    bodies = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        (length,) = (int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
        bodies.append(received[:length])
        received = received[length:]
    return bodies


@pytest.mark.parametrize("size", [1, 2, 7, 50, 100000])
def test_the_canned_server_answers_pipelined_requests_in_order_however_they_are_cut(
    address: servers.Address, size: int
) -> None:
    requests = (
        _request("/")
        + _request("/post", "POST", b"a" * 30)
        + _request("/bytes/200000")
        + _request("/any/thing?x=1")
        + _request("/post", "POST", b"b" * 7)
        + _request("/bytes/5", close=True)
    )
    received = _exchange(address, [requests[start : start + size] for start in range(0, len(requests), size)])
    assert _bodies(received) == [
        servers.SMALL_BODY,
        b'{"received":30}',
        (servers.PIECE)[:200000],
        servers.SMALL_BODY,
        b'{"received":7}',
        servers.PIECE[:5],
    ]


def test_the_canned_server_closes_after_the_reply_that_says_so(address: servers.Address) -> None:
    assert _bodies(_exchange(address, [_request("/close") + _request("/")])) == [servers.SMALL_BODY]


def test_the_canned_server_speaks_tls_with_a_certificate_of_its_own_ca() -> None:
    with servers.start(tls=True) as address:
        context = ssl.create_default_context(cafile=address.ca)
        with (
            socket.create_connection((address.host, address.port), 60) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(_request("/"))
            assert client.recv(65536).endswith(servers.SMALL_BODY)


@pytest.mark.skipif(nginx.find() is None, reason="nginx is not installed")
def test_nginx_answers_what_the_canned_server_answers() -> None:
    with nginx.start() as addresses:
        requests = (
            _request("/") + _request("/any/x?y=1") + _request("/post", "POST", b"12345") + _request("/json", close=True)
        )
        bodies = _bodies(_exchange(addresses.http, [requests]))
    assert bodies == [servers.SMALL_BODY, servers.SMALL_BODY, b'{"received":5}', servers.JSON_BODY]


def test_one_short_round_gives_a_table_and_a_file(tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    command = [sys.executable, "-m", "benchmarks.macro", "get", "distinct", "--clients", "floor,wreq", "--rounds", "1"]
    command += ["--seconds", "0.02", "--peer-python", sys.executable, "--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=True)
    assert "× floor" in done.stdout
    result = json.loads(output.read_text())
    assert [workload["name"] for workload in result["workloads"]] == ["get", "distinct"]
    floor, wreq = result["workloads"][0]["clients"]
    assert floor["to_floor"] == 1.0
    assert floor["rounds"][0]["operations"] >= WORKLOADS["get"].in_flight
    assert wreq["complaint"] in (None, "not installed")


def test_a_ratio_is_the_median_of_the_ratios_within_the_rounds() -> None:
    def record(name: str, times: list[float]) -> Record:
        interpreter = Interpreter("python", "3", {})
        measurements = [Measurement(1, time, time, 0.0, time, 0.0) for time in times]
        return Record(Contender(CLIENTS[name], interpreter), [*measurements])

    # The machine was three times slower in the second round.
    rows = summarise([record("floor", [10, 30, 10]), record("gazelle", [15, 45, 16]), record("aiohttp", [90, 270, 99])])
    assert [row.to_floor for row in rows] == [1.0, 1.5, 9.0]
    assert [row.to_aiohttp for row in rows] == [9.0, 6.0, 1.0]
