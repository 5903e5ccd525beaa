"""The benchmark harness itself: its server answers right however a request arrives, and its command line works."""

from __future__ import annotations

import importlib
import json
import platform
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from email.utils import parsedate
from pathlib import Path
from typing import Any

import pytest

import gazelle
from benchmarks import canned, nginx, servers
from benchmarks.macro.clients import CLIENTS, Job
from benchmarks.macro.clients.floor import MARK, Template
from benchmarks.macro.report import summarise
from benchmarks.macro.rounds import Contender, Interpreter, Plan, Record
from benchmarks.macro.worker import Measurement
from benchmarks.macro.workloads import WORKLOADS, Workload
from benchmarks.survey import counting
from benchmarks.survey.kinds import KINDS, REPLIES
from benchmarks.survey.report import Row
from benchmarks.survey.rounds import Servers, measure_kind

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
        canned.SMALL_BODY,
        b'{"received":30}',
        (canned.PIECE)[:200000],
        canned.SMALL_BODY,
        b'{"received":7}',
        canned.PIECE[:5],
    ]


def test_the_canned_server_takes_chunked_bodies_however_they_are_cut(address: servers.Address) -> None:
    head = b"POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    requests = head + canned.chunked([b"a" * 20, b"\r\n0\r\n\r\n"]) + _request("/", close=True)
    for size in (1, 3, 40, 1000):
        received = _exchange(address, [requests[start : start + size] for start in range(0, len(requests), size)])
        assert _bodies(received) == [b'{"received":0}', canned.SMALL_BODY], size


def test_the_canned_server_refuses_a_chunk_size_that_is_no_number(address: servers.Address) -> None:
    request = b"POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"
    assert _exchange(address, [request]).startswith(b"HTTP/1.1 400 ")


def test_the_canned_server_gives_replies_of_its_caller_in_turn_with_the_current_date() -> None:
    replies = {"/turn": [canned.reply("200 OK", body=b"one"), canned.reply("200 OK", body=b"two")]}
    with servers.start(replies=replies) as address:
        received = _exchange(address, [_request("/turn") * 2 + _request("/turn", close=True)])
    assert _bodies(received) == [b"one", b"two", b"one"]
    assert parsedate(received.partition(b"\r\nDate: ")[2].partition(b"\r\n")[0].decode()) is not None


def test_the_canned_server_closes_after_the_reply_that_says_so(address: servers.Address) -> None:
    assert _bodies(_exchange(address, [_request("/close") + _request("/")])) == [canned.SMALL_BODY]


def test_the_canned_server_speaks_tls_with_a_certificate_of_its_own_ca() -> None:
    with servers.start(tls=True) as address:
        context = ssl.create_default_context(cafile=address.ca)
        with (
            socket.create_connection((address.host, address.port), 60) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(_request("/"))
            assert client.recv(65536).endswith(canned.SMALL_BODY)


@pytest.mark.skipif(nginx.find() is None, reason="nginx is not installed")
def test_nginx_answers_what_the_canned_server_answers() -> None:
    with nginx.start() as addresses:
        requests = (
            _request("/") + _request("/any/x?y=1") + _request("/post", "POST", b"12345") + _request("/json", close=True)
        )
        bodies = _bodies(_exchange(addresses.http, [requests]))
    assert bodies == [canned.SMALL_BODY, canned.SMALL_BODY, b'{"received":5}', canned.JSON_BODY]


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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # aiohttp says so of auth=
@pytest.mark.parametrize("client", ["floor", "gazelle", "aiohttp"])
def test_every_kind_of_call_of_the_survey_gets_the_reply_it_asks_for(client: str) -> None:
    async def ask(kind: Workload, address: servers.Address) -> Any:
        contender = CLIENTS[client]
        job = Job(address, kind, contender, importlib.import_module(contender.module))
        driver = await importlib.import_module(contender.driver).open_driver(job)
        try:
            await driver.repeat(2)
            return await driver.repeat(1)
        finally:
            await driver.close()

    wrong = {}
    with servers.start(replies=REPLIES) as plain, servers.start(tls=True) as tls:
        for kind in KINDS.values():
            if CLIENTS[client].can_do(kind):
                value = servers.run_on("asyncio", ask(kind, tls if kind.tls else plain))
                if not kind.check(value):
                    wrong[kind.name] = value
    assert wrong == {}


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.has_floor], ids=lambda kind: str(kind.name))
def test_the_floor_announces_the_length_of_the_body_that_it_sends(kind: Workload) -> None:
    template = Template(kind, "127.0.0.1:8080")
    request = template.filler()(17) if kind.distinct or kind.changing else template.request
    head, _, body = request.partition(b"\r\n\r\n")
    assert MARK.encode() not in request
    if kind.json is None:
        assert (b"Content-Length: %d" % len(body) in head) == (kind.method in ("POST", "PUT"))


def test_one_short_round_of_the_survey_gives_a_line_per_kind_and_a_mean(tmp_path: Path) -> None:
    output = tmp_path / "survey.json"
    command = [sys.executable, "-m", "benchmarks.survey", "--only", "get,head", "--rounds", "1", "--seconds", "0.01"]
    command += ["--peer-python", sys.executable, "--json", str(output)]
    command += ["--impl", gazelle.__impl__]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=True)
    assert "over 2 kinds" in done.stdout
    get, head = json.loads(output.read_text())["kinds"]
    assert [get["name"], head["name"]] == ["get", "head"]
    assert len(get["clients"]) == 3  # the floor has no HEAD
    assert len(head["clients"]) == 2
    assert all(client["complaint"] is None and client["cpu"] > 0 for client in get["clients"].values())


def test_a_client_that_is_not_there_spoils_no_kind_of_the_survey_for_the_others() -> None:
    plan = Plan(rounds=2, seconds=0.01)
    floor = Contender(CLIENTS["floor"], Interpreter.ask(sys.executable))
    with ExitStack() as stack:
        where = Servers(stack, plan)
        records = measure_kind(KINDS["get"], [floor, Contender(CLIENTS["aiohttp"], None)], plan, where)
        assert measure_kind(KINDS["head"], [floor], plan, where) == []
    row = Row.of(KINDS["get"], records)
    assert row.complaints == ["aiohttp: not installed"]
    assert row.time("floor") is not None
    assert row.ratio("floor") is None


def test_a_kind_is_worse_when_it_needs_a_twelfth_more_instructions_than_stored_and_better_when_that_much_less() -> None:
    table = counting.Table({}, {"gazelle": {"get": 40.0, "head": 40.0, "json": 40.0}})
    worse, better = table.judge("gazelle", {"get": 43_200.0, "head": 43_300.0, "json": 37_000.0, "new": 1.0})
    assert [line.partition(":")[0] for line in worse] == ["head", "new"]
    assert [line.partition(":")[0] for line in better] == ["json"]


def test_every_kind_of_call_has_its_number_of_instructions_stored() -> None:
    assert set(counting.Table.read().clients["gazelle"]) == set(KINDS)


def test_stored_instructions_of_another_python_are_neither_compared_nor_kept(tmp_path: Path) -> None:
    file = tmp_path / "instructions.json"
    elsewhere = {**counting.environment("asyncio"), "python": "3.0.0"}
    assert counting.Table(elsewhere, {}).differences("asyncio") == [
        f"python: 3.0.0 there, {platform.python_version()} here"
    ]
    counting.Table(elsewhere, {"aiohttp": {"get": 1.0}}).update("gazelle", {"get": 40_123.0}, "asyncio").write(file)
    assert counting.Table.read(file).differences("asyncio") == []
    assert counting.Table.read(file).clients == {"gazelle": {"get": 40.1}}


def test_a_ratio_is_the_median_of_the_ratios_within_the_rounds() -> None:
    def record(name: str, times: list[float]) -> Record:
        interpreter = Interpreter("python", "3", {})
        measurements = [Measurement(1, time, time, 0.0, time, 0.0) for time in times]
        return Record(Contender(CLIENTS[name], interpreter), [*measurements])

    # The machine was three times slower in the second round.
    rows = summarise([record("floor", [10, 30, 10]), record("gazelle", [15, 45, 16]), record("aiohttp", [90, 270, 99])])
    assert [row.to_floor for row in rows] == [1.0, 1.5, 9.0]
    assert [row.to_aiohttp for row in rows] == [9.0, 6.0, 1.0]
