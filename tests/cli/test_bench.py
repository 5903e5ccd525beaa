"""`gazelle bench`: what it sends, what it counts, and what it says about it."""

from __future__ import annotations

import asyncio
import json
import sys
from time import perf_counter_ns
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from gazelle.cli import main
from gazelle.cli.arguments import Call
from gazelle.cli.bench import Load, run_load
from gazelle.cli.pacer import Pacer
from tests.cli.command import run_gazelle, run_in_terminal
from tests.cli.test_get import needs_terminal
from tests.conftest import Tls
from tests.support.server import Peer, ScriptedServer, fin, response, send, sleep, stall

FAST = [send(response(b"sixteen letters!"))]


def bench(*words: str, code: int = 0) -> dict[str, Any]:
    """Run the command with --json and return its document."""
    result = run_gazelle("bench", "--json", *words)
    assert (result.returncode, result.stderr) == (code, b"")
    document: dict[str, Any] = json.loads(result.stdout)
    return document


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_n_sends_exactly_so_many_requests(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    document = bench(server.url(), "-n", "100", "-c", "7")

    assert len(server.requests) == 100
    assert document["statusCodeDistribution"] == {"200": 100}
    assert document["errorDistribution"] == {}
    assert document["summary"]["successRate"] == 1
    assert document["summary"]["totalData"] == 1600
    assert document["summary"]["sizePerRequest"] == 16


def test_no_more_connections_are_open_than_asked_for(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    bench(server.url(), "-n", "100", "-c", "7")

    assert server.accepted == 7


def test_z_sends_requests_for_so_long(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    document = bench(server.url(), "-z", "500ms", "-c", "4")

    assert document["summary"]["total"] >= 0.5
    answered = sum(document["statusCodeDistribution"].values())
    assert 0 <= len(server.requests) - answered <= 4
    assert document["summary"]["requestsPerSec"] == pytest.approx(answered / document["summary"]["total"])


def test_whichever_of_n_and_z_comes_first_ends_the_load(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    assert bench(server.url(), "-n", "20", "-z", "30s")["statusCodeDistribution"] == {"200": 20}


def test_method_headers_and_body_are_sent_as_given(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    bench(server.url(), "-n", "3", "-c", "1", "-X", "PUT", "-H", "X-Name: value", "--json-body", '{"a": 1}')

    for request in server.requests:
        assert (request.method, request.body, request.header("X-Name")) == ("PUT", b'{"a": 1}', "value")
        assert request.header("Content-Type") == "application/json"


def test_the_warm_up_opens_the_connections_and_is_not_counted(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    document = bench(server.url(), "--warmup", "300ms", "-n", "50", "-c", "5")

    assert document["statusCodeDistribution"] == {"200": 50}
    assert len(server.requests) > 50
    assert server.accepted == 5


def test_a_load_over_tls_trusts_the_given_ca(tls_server: ScriptedServer, tls: Tls) -> None:
    tls_server.routes["/"] = FAST

    assert bench(tls_server.url(), "-n", "10", "--cacert", str(tls.ca_pem))["statusCodeDistribution"] == {"200": 10}
    assert bench(tls_server.url(), "-n", "10", "--insecure")["statusCodeDistribution"] == {"200": 10}


# --- what is counted -------------------------------------------------------------------------------------------------


def test_responses_are_counted_by_their_status(server: ScriptedServer) -> None:
    async def fail_every_third(peer: Peer) -> None:
        failed = len(server.requests) % 3 == 0
        await peer.send(response(status="503 Service Unavailable" if failed else "200 OK"))

    server.routes["/"] = fail_every_third

    document = bench(server.url(), "-n", "30", "-c", "1")

    assert document["statusCodeDistribution"] == {"200": 20, "503": 10}
    assert document["summary"]["successRate"] == 1


def test_errors_are_counted_by_their_kind(server: ScriptedServer) -> None:
    async def take_turns(peer: Peer) -> None:
        match len(server.requests) % 4:
            case 0:
                await peer.send(response(headers="Connection: close"))
            case 1:
                await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
            case 2:
                await peer.send(b"nonsense\r\n\r\n")
            case 3:
                await peer.until_closed()
        await peer.close()

    server.routes["/"] = take_turns

    document = bench(server.url(), "-X", "POST", "-n", "4", "-c", "1", "--timeout", "5s")

    assert document["statusCodeDistribution"] == {"200": 1}
    assert document["errorDistribution"] == {"damaged body": 1, "malformed response": 1, "timeout": 1}
    assert document["summary"]["successRate"] == 0.25


def test_the_latency_is_that_of_the_server(server: ScriptedServer) -> None:
    server.routes["/"] = [sleep(0.05), *FAST]

    document = bench(server.url(), "-n", "40", "-c", "4")

    assert document["summary"]["fastest"] >= 0.049
    assert 0.049 <= document["latencyPercentiles"]["p50"] <= document["summary"]["slowest"]
    # The requests of each of the four connections follow one another; the histogram is exact to 0.3 %.
    assert document["summary"]["average"] * 40 <= document["summary"]["total"] * 4 * 1.01
    assert document["summary"]["fastest"] <= document["summary"]["average"] <= document["summary"]["slowest"]
    percentiles = list(document["latencyPercentiles"].values())
    assert percentiles == sorted(percentiles)
    assert sum(document["responseTimeHistogram"].values()) == 40


def test_requests_under_way_at_the_end_are_reported_as_aborted(server: ScriptedServer) -> None:
    server.routes["/"] = [stall()]

    document = bench(server.url(), "-z", "300ms", "-c", "3", code=1)

    assert document["errorDistribution"] == {"aborted due to deadline": 3}
    assert document["summary"]["successRate"] is None
    assert document["summary"]["average"] is None
    assert document["latencyPercentiles"]["p50"] is None
    assert document["responseTimeHistogram"] == {}


def test_a_load_of_which_everything_failed_is_exit_code_1(silent_port: int) -> None:
    document = bench(f"http://127.0.0.1:{silent_port}/", "-n", "5", code=1)

    assert document["errorDistribution"] == {"cannot connect: Connection refused": 5}
    assert document["summary"]["requestsPerSec"] == 0


def test_the_client_cpu_time_of_a_request_is_told(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    document = bench(server.url(), "-n", "500")

    cpu = document["cpu"]
    assert cpu["perRequest"] == pytest.approx((cpu["user"] + cpu["system"]) / 500)
    assert cpu["perRequest"] > 0
    assert cpu["utilization"] == pytest.approx((cpu["user"] + cpu["system"]) / document["summary"]["total"])


# --- fixed rate ------------------------------------------------------------------------------------------------------


def test_a_fixed_rate_sends_so_many_requests_per_second(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    document = bench(server.url(), "--rate", "100", "-z", "1s", "-c", "8")

    assert document["summary"]["total"] >= 1
    assert document["plan"]["rate"] == 100
    # All of them, unless a busy machine is late for the last ones.
    sent = 100 - document["plan"]["unsent"]
    assert 0 <= sent - len(server.requests) <= 8
    assert 0 <= len(server.requests) - document["statusCodeDistribution"]["200"] <= 8


async def test_requests_of_a_fixed_rate_are_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[int] = []
    begun: list[int] = []

    class NotingPacer(Pacer):
        async def until(self, moment: int) -> None:
            planned.append(moment)
            await super().until(moment)

    async def note(peer: Peer) -> None:
        begun.append(perf_counter_ns())
        await peer.send(response())

    monkeypatch.setattr("gazelle.cli.bench.Pacer", NotingPacer)
    async with ScriptedServer({"*": note}) as server:
        call = Call(URL(server.url()), "GET", CIMultiDict(), None, None, False)
        await run_load(Load(call, 4, 50, None, 0.0, 50.0), lambda tally, elapsed: None)

    assert planned == [planned[0] + n * 20_000_000 for n in range(50)]
    assert all(moment >= plan for moment, plan in zip(begun, planned, strict=True))


def test_with_a_fixed_rate_the_latency_counts_from_the_planned_start(server: ScriptedServer) -> None:
    # One connection, 20 requests planned 10 ms apart, each of which takes 50 ms: the last one is
    # sent 19 * 40 ms late. A load that waits for its answers would see nothing but 50 ms.
    server.routes["/"] = [sleep(0.05), *FAST]

    planned = bench(server.url(), "--rate", "100", "-n", "20", "-c", "1")
    closed = bench(server.url(), "-n", "20", "-c", "1")

    assert planned["summary"]["slowest"] > 0.7
    assert planned["summary"]["average"] > 0.35
    # One after the other: what each waits for is the others' time, and is not counted.
    assert closed["summary"]["average"] * 20 <= closed["summary"]["total"] * 1.01
    assert planned["summary"]["average"] * 20 > planned["summary"]["total"]


def test_planned_requests_that_were_never_sent_are_reported(server: ScriptedServer) -> None:
    server.routes["/"] = [sleep(0.1), *FAST]

    document = bench(server.url(), "--rate", "200", "-z", "1s", "-c", "1")

    assert len(server.requests) <= 11
    assert 0 <= 200 - document["plan"]["unsent"] - len(server.requests) <= 1


# --- the report ------------------------------------------------------------------------------------------------------


def test_the_document_tells_what_was_run_and_where(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    document = bench(server.url(), "-n", "4", "-c", "2", "--loop", "asyncio")

    run = document["run"]
    assert run["url"] == server.url()
    assert (run["method"], run["connections"], run["requests"], run["duration"]) == ("GET", 2, 4, None)
    assert run["loop"] == "asyncio"
    assert run["engine"] in ("c", "python")
    assert run["interrupted"] is False
    assert document["plan"] is None
    assert document["rps"]["mean"] > 0
    assert list(document["rps"]["percentiles"]) == list(document["latencyPercentiles"])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop for Windows")
def test_uvloop_is_the_loop_unless_asyncio_is_asked_for(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    assert bench(server.url(), "-n", "1")["run"]["loop"] == "uvloop"
    assert bench(server.url(), "-n", "1", "--loop", "uvloop")["run"]["loop"] == "uvloop"


def test_the_report_for_people_has_every_figure(server: ScriptedServer) -> None:
    server.routes["/"] = FAST

    result = run_gazelle("bench", server.url(), "-n", "200", "-c", "2")

    assert (result.returncode, result.stderr) == (0, b"")
    report = result.stdout.decode()
    for words in (f"GET {server.url()}", "2 connections", "per second", "status 200", "client CPU", "µs per request"):
        assert words in report
    for row in ("p50", "p75", "p90", "p95", "p99", "p99.9", "max", "mean"):
        assert f"\n  {row} " in report
    assert "■" in report
    assert "\x1b" not in report


def test_errors_and_what_was_never_sent_are_in_the_report_for_people(server: ScriptedServer) -> None:
    async def close_once(peer: Peer) -> None:
        await (fin() if len(server.requests) == 1 else stall())(peer)

    server.routes["/"] = close_once

    result = run_gazelle("bench", server.url(), "-X", "POST", "-z", "3s", "-c", "1", "--rate", "100")

    assert result.returncode == 1
    assert b"closed before the response" in result.stdout
    assert b"never sent" in result.stdout


@needs_terminal
def test_a_person_who_looks_on_sees_the_load_run(server: ScriptedServer) -> None:
    async def answer(peer: Peer) -> None:
        await asyncio.sleep(0.01)
        await peer.send(response())

    server.routes["/"] = answer

    screen = run_in_terminal("bench", server.url(), "-z", "1500ms", "-c", "2")

    assert screen.returncode == 0
    live, _, report = screen.text.rpartition("━")
    assert "responses  " in live + report
    assert "Latency" in report


@pytest.mark.parametrize(
    "words", [["-c", "0"], ["-n", "0"], ["-z", "long"], ["--rate", "0"], ["--loop", "trio"], ["-d", "@/no/such/file"]]
)
def test_wrong_words_on_the_command_line_are_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "127.0.0.1:9", *words]) == 2

    assert words[0] in capsys.readouterr().err
