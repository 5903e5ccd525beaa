"""The result of `gazelle bench` for people and as a JSON document."""

import platform
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any

from rich.console import Console
from rich.text import Text

import gazelle

from .bench import Load, Outcome, Tally

_JSON_PERCENTS = [10, 25, 50, 75, 90, 95, 99, 99.9, 99.99]
_TEXT_PERCENTS = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9]
_BARS = 11
_BAR_WIDTH = 40
_ABORTED = "aborted due to deadline"


def document(outcome: Outcome, loop: str) -> dict[str, Any]:
    """Return the result under the names that oha uses, with a few of our own; times are in seconds."""
    load, tally, latencies = outcome.load, outcome.tally, outcome.tally.latencies
    responses = tally.responses
    finished = responses + tally.failures
    return {
        "summary": {
            "successRate": responses / finished if finished else None,
            "total": outcome.wall,
            "slowest": _seconds(latencies.maximum, responses),
            "fastest": _seconds(latencies.minimum, responses),
            "average": _seconds(latencies.mean, responses),
            "stddev": _seconds(latencies.stdev, responses),
            "requestsPerSec": responses / outcome.wall,
            "totalData": tally.body_bytes,
            "sizePerRequest": tally.body_bytes // responses if responses else None,
            "sizePerSec": tally.body_bytes / outcome.wall,
        },
        "responseTimeHistogram": {f"{bar.upper / 1e9:.9f}": bar.number for bar in latencies.bars(_BARS)},
        "latencyPercentiles": {
            f"p{percent}": _seconds(value, responses)
            for percent, value in zip(_JSON_PERCENTS, latencies.percentiles(_JSON_PERCENTS), strict=True)
        },
        "rps": _rates(tally),
        "statusCodeDistribution": {str(status): count for status, count in sorted(tally.statuses.items())},
        "errorDistribution": dict(_errors(tally)),
        "cpu": {
            "user": outcome.user,
            "system": outcome.system,
            "perRequest": (outcome.user + outcome.system) / responses if responses else None,
            "utilization": (outcome.user + outcome.system) / outcome.wall,
        },
        "plan": None if load.rate is None else {"rate": load.rate, "unsent": outcome.unsent},
        "run": {
            "url": str(load.call.url.with_user(None)),
            "method": load.call.method,
            "connections": load.connections,
            "requests": load.requests,
            "duration": load.duration,
            "warmup": load.warmup,
            "timeout": load.call.timeout,
            "loop": loop,
            "engine": gazelle.__impl__,
            "version": gazelle.__version__,
            "python": platform.python_version(),
            "interrupted": outcome.interrupted,
        },
    }


def print_text(outcome: Outcome, loop: str, console: Console) -> None:
    """Write the result for people."""
    load, tally, latencies = outcome.load, outcome.tally, outcome.tally.latencies
    responses = tally.responses
    _heading(console, f"{load.call.method} {load.call.url.with_user(None)}")
    _row(
        console,
        "load",
        f"{load.connections} connections"
        + (f", {load.rate:g} requests/s planned" if load.rate is not None else "")
        + f", {loop}, engine {gazelle.__impl__}"
        + (f", after {load.warmup:g} s of warm-up" if load.warmup else ""),
    )
    _row(
        console,
        "responses",
        f"{_number(responses)} in {outcome.wall:.2f} s, {responses / outcome.wall:,.1f} per second",
    )
    _row(console, "bodies", f"{_bytes(tally.body_bytes)}, {_bytes(tally.body_bytes / outcome.wall)}/s")
    for status, count in sorted(tally.statuses.items()):
        _row(console, f"status {status}", _number(count), "green" if status < 400 else "red")
    for kind, count in _errors(tally):
        _row(console, "not answered", f"{_number(count)} {kind}", "yellow" if kind == _ABORTED else "red")
    if outcome.unsent:
        _row(
            console,
            "behind plan",
            f"{_number(outcome.unsent)} planned requests were never sent; the true latencies are worse than shown",
            "red",
        )
    if not responses:
        return
    cpu = outcome.user + outcome.system
    _row(
        console,
        "client CPU",
        f"{cpu / responses * 1e6:.1f} µs per request (user {outcome.user / responses * 1e6:.1f}, "
        f"system {outcome.system / responses * 1e6:.1f}), {cpu / outcome.wall:.0%} of one core",
    )

    since = " from the planned start" if load.rate is not None else ""
    _heading(console, f"Latency{since}")
    for percent, value in zip(_TEXT_PERCENTS, latencies.percentiles(_TEXT_PERCENTS), strict=True):
        _row(console, f"p{percent:g}", _duration(value))
    _row(console, "max", _duration(latencies.maximum))
    _row(console, "mean", f"{_duration(latencies.mean)} ± {_duration(latencies.stdev).lstrip()} (standard deviation)")

    _heading(console, "Histogram")
    bars = latencies.bars(_BARS)
    widest = max(bar.number for bar in bars)
    for bar in bars:
        length = round(bar.number / widest * _BAR_WIDTH)
        _row(console, f"≤ {_duration(bar.upper)}", f"{'■' * length:<{_BAR_WIDTH}} {_number(bar.number)}")


def live_line(load: Load, tally: Tally, elapsed: float) -> Text:
    """Return the line that is shown while the load runs."""
    share = elapsed / load.duration if load.duration else tally.responses / (load.requests or 1)
    errors = f"  {_number(tally.failures)} errors" if tally.failures else ""
    filled = min(20, round(share * 20))
    return Text(
        f"{'━' * filled}{'╌' * (20 - filled)} {elapsed:5.1f} s  {_number(tally.responses)} responses  "
        f"{tally.responses / elapsed:,.0f}/s{errors}",
        no_wrap=True,
    )


def _heading(console: Console, text: str) -> None:
    console.print(Text(text, style="bold"), soft_wrap=True)


def _row(console: Console, name: str, text: str, style: str = "") -> None:
    console.print(Text.assemble((f"  {name:<14}", "cyan"), (text, style)), soft_wrap=True)


def _errors(tally: Tally) -> list[tuple[str, int]]:
    return tally.errors.most_common() + ([(_ABORTED, tally.aborted)] if tally.aborted else [])


def _rates(tally: Tally) -> dict[str, Any]:
    """Return the distribution of the rate over the intervals between two marks."""
    rates = [(after - before) * 1e9 / (end - begin) for (begin, before), (end, after) in pairwise(tally.marks)]
    # The last interval ends when the load does and may be short; a rate over a few microseconds means nothing.
    rates = sorted(rates[:-1] or rates)
    return {
        "mean": fmean(rates),
        "stddev": stdev(rates) if len(rates) > 1 else 0.0,
        "max": rates[-1],
        "min": rates[0],
        "percentiles": {
            f"p{percent}": rates[min(len(rates) - 1, int(len(rates) * percent / 100))] for percent in _JSON_PERCENTS
        },
    }


def _seconds(nanoseconds: float, responses: int) -> float | None:
    return nanoseconds / 1e9 if responses else None


def _number(count: int) -> str:
    return f"{count:,}"


def _duration(nanoseconds: float) -> str:
    """Three significant digits and a unit, eight letters wide."""
    value, unit = nanoseconds / 1e3, "µs"
    for larger in ("ms", "s"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:5.{digits}f} {unit:<2}"


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
