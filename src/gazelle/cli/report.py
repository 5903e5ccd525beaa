"""The result of `gazelle bench` as text and as a JSON document."""

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
    """Return the result as a JSON document: the names of oha, and some more; all times are in seconds.

    Args:
        outcome: the result of the load.
        loop: name of the event loop, `uvloop` or `asyncio`.
    """
    load, tally, latencies = outcome.load, outcome.tally, outcome.tally.latencies
    percentiles = zip(_JSON_PERCENTS, latencies.percentiles(_JSON_PERCENTS), strict=True)
    return {
        "summary": _summary(outcome),
        "responseTimeHistogram": {f"{bar.upper / 1e9:.9f}": bar.number for bar in latencies.bars(_BARS)},
        "latencyPercentiles": {f"p{percent}": _seconds(value, tally.responses) for percent, value in percentiles},
        "rps": _rates(tally),
        "statusCodeDistribution": {str(status): count for status, count in sorted(tally.statuses.items())},
        "errorDistribution": dict(_errors(tally)),
        "cpu": {
            "user": outcome.user,
            "system": outcome.system,
            "perRequest": (outcome.user + outcome.system) / tally.responses if tally.responses else None,
            "utilization": (outcome.user + outcome.system) / outcome.wall,
        },
        "plan": None if load.rate is None else {"rate": load.rate, "unsent": outcome.unsent},
        "run": _run(outcome, loop),
    }


def _summary(outcome: Outcome) -> dict[str, Any]:
    tally, latencies = outcome.tally, outcome.tally.latencies
    responses = tally.responses
    finished = responses + tally.failures
    return {
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
    }


def _run(outcome: Outcome, loop: str) -> dict[str, Any]:
    """Return the arguments and the environment of the load, so that it can be repeated."""
    load = outcome.load
    return {
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
    }


def print_text(outcome: Outcome, loop: str, console: Console) -> None:
    """Print the result as text.

    Args:
        outcome: the result of the load.
        loop: name of the event loop, `uvloop` or `asyncio`.
        console: receives the lines.
    """
    _print_load(outcome.load, loop, console)
    _print_counts(outcome, console)
    if outcome.tally.responses:
        _print_cpu(outcome, console)
        _print_latencies(outcome, console)
        _print_histogram(outcome, console)


def _print_load(load: Load, loop: str, console: Console) -> None:
    _heading(console, f"{load.call.method} {load.call.url.with_user(None)}")
    rate = "" if load.rate is None else f", {load.rate:g} requests/s planned"
    warmup = f", after {load.warmup:g} s of warm-up" if load.warmup else ""
    _row(console, "load", f"{load.connections} connections{rate}, {loop}, engine {gazelle.__impl__}{warmup}")


def _print_counts(outcome: Outcome, console: Console) -> None:
    tally, responses = outcome.tally, outcome.tally.responses
    rate = responses / outcome.wall
    _row(console, "responses", f"{_number(responses)} in {outcome.wall:.2f} s, {rate:,.1f} per second")
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


def _print_cpu(outcome: Outcome, console: Console) -> None:
    responses = outcome.tally.responses
    cpu = outcome.user + outcome.system
    _row(
        console,
        "client CPU",
        f"{cpu / responses * 1e6:.1f} µs per request (user {outcome.user / responses * 1e6:.1f}, "
        f"system {outcome.system / responses * 1e6:.1f}), {cpu / outcome.wall:.0%} of one core",
    )


def _print_latencies(outcome: Outcome, console: Console) -> None:
    latencies = outcome.tally.latencies
    since = "" if outcome.load.rate is None else " from the planned start"
    _heading(console, f"Latency{since}")
    for percent, value in zip(_TEXT_PERCENTS, latencies.percentiles(_TEXT_PERCENTS), strict=True):
        _row(console, f"p{percent:g}", _duration(value))
    _row(console, "max", _duration(latencies.maximum))
    _row(console, "mean", f"{_duration(latencies.mean)} ± {_duration(latencies.stdev).lstrip()} (standard deviation)")


def _print_histogram(outcome: Outcome, console: Console) -> None:
    _heading(console, "Histogram")
    bars = outcome.tally.latencies.bars(_BARS)
    widest = max(bar.number for bar in bars)
    for bar in bars:
        length = round(bar.number / widest * _BAR_WIDTH)
        _row(console, f"≤ {_duration(bar.upper)}", f"{'■' * length:<{_BAR_WIDTH}} {_number(bar.number)}")


def live_line(load: Load, tally: Tally, elapsed: float) -> Text:
    """Return the line that shows the progress of a running load.

    Args:
        load: the load.
        tally: the counts up to now.
        elapsed: seconds since the start.
    """
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
    # The last interval is cut off by the end of the load; a rate over a few microseconds means nothing.
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
    """Return a duration with three significant digits and its unit, eight characters wide."""
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
