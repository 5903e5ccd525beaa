"""The result of a load as a JSON document and as text."""

from __future__ import annotations

import io
import json

import pytest
from multidict import CIMultiDict
from rich.console import Console
from yarl import URL

from gazelle.cli.arguments import Call
from gazelle.cli.bench import Load, Outcome, Tally
from gazelle.cli.report import document, live_line, print_text

MS = 1_000_000


def load(rate: float | None = None, duration: float | None = 2.0, requests: int | None = None) -> Load:
    call = Call(URL("http://user:secret@h:8080/x"), "GET", CIMultiDict(), None, 5.0, True)
    return Load(call, 4, requests, duration, 1.0, rate)


def tally(responses: int = 100, errors: int = 0, aborted: int = 0) -> Tally:
    result = Tally()
    for number in range(responses):
        result.latencies.record((number + 1) * MS)
        result.statuses[200 if number % 10 else 404] += 1
    result.body_bytes = responses * 1000
    if errors:
        result.errors["connection lost: Broken pipe"] = errors
    result.aborted = aborted
    result.marks = [(0, 0), (1_000 * MS, responses // 2), (2_000 * MS, responses), (2_001 * MS, responses)]
    return result


def outcome(counts: Tally, plan: Load, unsent: int = 0) -> Outcome:
    return Outcome(plan, counts, wall=2.0, user=0.3, system=0.1, unsent=unsent, interrupted=False)


def text_of(result: Outcome) -> str:
    out = io.StringIO()
    print_text(result, "uvloop", Console(file=out, width=200))
    return out.getvalue()


def test_the_document_counts_and_averages() -> None:
    result = document(outcome(tally(100, errors=25), load()), "uvloop")
    summary = result["summary"]
    assert summary["successRate"] == 0.8
    assert (summary["requestsPerSec"], summary["totalData"], summary["sizePerRequest"]) == (50, 100_000, 1000)
    assert summary["sizePerSec"] == 50_000
    assert summary["average"] == pytest.approx(0.0505, rel=0.003)
    assert summary["slowest"] == pytest.approx(0.1, rel=0.003)
    assert summary["fastest"] == pytest.approx(0.001, rel=0.003)
    assert result["latencyPercentiles"]["p50"] == pytest.approx(0.05, rel=0.003)
    assert result["statusCodeDistribution"] == {"200": 90, "404": 10}
    assert result["errorDistribution"] == {"connection lost: Broken pipe": 25}
    assert result["cpu"] == {"user": 0.3, "system": 0.1, "perRequest": 0.004, "utilization": 0.2}
    assert sum(result["responseTimeHistogram"].values()) == 100


def test_the_document_names_the_load_without_its_credentials() -> None:
    result = document(outcome(tally(), load(rate=50.0), unsent=3), "asyncio")
    assert result["plan"] == {"rate": 50.0, "unsent": 3}
    run = result["run"]
    assert (run["url"], run["method"], run["connections"], run["loop"]) == ("http://h:8080/x", "GET", 4, "asyncio")
    assert "secret" not in json.dumps(result)
    assert document(outcome(tally(), load()), "asyncio")["plan"] is None


def test_the_rates_leave_out_the_interval_that_the_end_cuts_off() -> None:
    rates = document(outcome(tally(100), load()), "uvloop")["rps"]
    assert (rates["min"], rates["mean"], rates["max"], rates["stddev"]) == (50, 50, 50, 0)


def test_a_document_without_responses_has_no_figures_that_need_one() -> None:
    result = document(outcome(tally(0, errors=2), load()), "uvloop")
    assert result["summary"]["successRate"] == 0
    for name in ("slowest", "fastest", "average", "stddev", "sizePerRequest"):
        assert result["summary"][name] is None
    assert set(result["latencyPercentiles"].values()) == {None}
    assert result["cpu"]["perRequest"] is None
    assert result["responseTimeHistogram"] == {}


def test_requests_aborted_at_the_end_are_listed_beside_the_errors() -> None:
    result = document(outcome(tally(10, errors=1, aborted=4), load()), "uvloop")
    assert result["errorDistribution"] == {"connection lost: Broken pipe": 1, "aborted due to deadline": 4}


def test_the_text_has_every_section() -> None:
    text = text_of(outcome(tally(1000, errors=2), load(rate=500.0), unsent=7))
    assert text.startswith("GET http://h:8080/x\n")
    for words in (
        "4 connections, 500 requests/s planned, uvloop",
        "after 1 s of warm-up",
        "1,000 in 2.00 s, 500.0 per second",
        "976.6 KiB, 488.3 KiB/s",
        "status 200",
        "2 connection lost: Broken pipe",
        "7 planned requests were never sent",
        "400.0 µs per request (user 300.0, system 100.0), 20% of one core",
        "Latency from the planned start",
        "p99.9",
        "± ",
    ):
        assert words in text
    bars = [line for line in text.splitlines() if "≤" in line]
    assert len(bars) == 11
    assert any("■" * 40 in line for line in bars)
    assert "secret" not in text


def test_the_text_without_responses_ends_after_the_counts() -> None:
    text = text_of(outcome(tally(0, errors=3), load()))
    assert "3 connection lost" in text
    for words in ("Latency", "Histogram", "client CPU", "planned"):
        assert words not in text


def test_the_live_line_shows_progress_by_time_or_by_requests() -> None:
    by_time = live_line(load(duration=4.0), tally(100), elapsed=2.0).plain
    assert by_time.count("━") == 10
    assert "  2.0 s  100 responses  50/s" in by_time
    by_requests = live_line(load(duration=None, requests=400), tally(100, errors=3), elapsed=2.0).plain
    assert by_requests.count("━") == 5
    assert by_requests.endswith("3 errors")
