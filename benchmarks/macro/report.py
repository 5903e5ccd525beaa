"""Medians, spreads and ratios of the rounds, as a table and as JSON."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.macro.rounds import Plan, Record
from benchmarks.macro.workloads import Workload

COLUMNS = (
    "client",
    "CPU µs/op",
    "min",
    "spread",
    "user",
    "system",
    "wall µs/op",
    "busy",
    "× floor",
    "of min",
    "aiohttp ÷",
    "of min",
)


@dataclass(frozen=True, slots=True)
class Summary:
    """One row: times in microseconds per operation, medians over the rounds unless said otherwise.

    *spread* is the distance between the slowest and the quickest round, as a share of the median. *busy* is the share
    of the wall time in which the client used a processor: far below 1 means that it waited, for the server or for
    other work on the machine. *to_floor* is the client's CPU time divided by the floor's of the same round,
    *to_aiohttp* aiohttp's divided by the client's, medians of these; the names with *least* are the same of the best
    rounds, which a busy machine blurs less.
    """

    client: str
    version: str
    complaint: str | None
    cpu: float = 0.0
    least: float = 0.0
    spread: float = 0.0
    user: float = 0.0
    system: float = 0.0
    wall: float = 0.0
    busy: float = 0.0
    to_floor: float | None = None
    to_floor_least: float | None = None
    to_aiohttp: float | None = None
    to_aiohttp_least: float | None = None


def _ratio(upper: Record | None, lower: Record | None) -> float | None:
    """The median over the rounds of the CPU time of one client divided by that of another."""
    if upper is None or lower is None:
        return None
    pairs = [(a.cpu, b.cpu) for a, b in zip(upper.measurements, lower.measurements, strict=True) if a and b]
    return median(a / b for a, b in pairs) if pairs else None


def _ratio_of_least(upper: Record | None, lower: Record | None) -> float | None:
    """The CPU time of the best round of one client divided by that of another's."""
    if upper is None or lower is None:
        return None
    best = [min((one.cpu for one in record.measurements if one), default=None) for record in (upper, lower)]
    return best[0] / best[1] if best[0] is not None and best[1] else None


def summarise(records: Sequence[Record]) -> list[Summary]:
    """One `Summary` per client, in the given order."""
    by_name = {record.contender.client.name: record for record in records}
    rows = []
    for record in records:
        client, version = record.contender.client, record.contender.version
        done = [one for one in record.measurements if one is not None]
        if not done or record.complaint:
            rows.append(Summary(client.name, version, record.complaint or "no measurement"))
            continue
        times = [one.cpu for one in done]
        rows.append(
            Summary(
                client=client.name,
                version=version,
                complaint=None,
                cpu=median(times),
                least=min(times),
                spread=(max(times) - min(times)) / median(times),
                user=median(one.user for one in done),
                system=median(one.system for one in done),
                wall=median(one.wall for one in done),
                busy=median(one.cpu / one.wall for one in done),
                to_floor=_ratio(record, by_name.get("floor")),
                to_floor_least=_ratio_of_least(record, by_name.get("floor")),
                to_aiohttp=_ratio(by_name.get("aiohttp"), record),
                to_aiohttp_least=_ratio_of_least(by_name.get("aiohttp"), record),
            )
        )
    return rows


def _cells(row: Summary) -> list[str]:
    name = f"{row.client} {row.version}".strip()
    if row.complaint is not None:
        return [name, row.complaint]
    ratios = (row.to_floor, row.to_floor_least, row.to_aiohttp, row.to_aiohttp_least)
    return [
        name,
        f"{row.cpu:.2f}",
        f"{row.least:.2f}",
        f"{row.spread:.0%}",
        f"{row.user:.2f}",
        f"{row.system:.2f}",
        f"{row.wall:.2f}",
        f"{row.busy:.0%}",
        *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
    ]


def table(workload: Workload, rows: Sequence[Summary], markdown: bool = False) -> str:
    """The table of one workload, for a terminal or as Markdown; a client without a number has a word in its row."""
    lines = [_cells(row) for row in rows]
    if markdown:
        lines = [line + [""] * (len(COLUMNS) - len(line)) for line in lines]
        head = ["| " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
        return "\n".join(
            [
                f"### {workload.name}: {workload.title}",
                "",
                *head,
                *("| " + " | ".join(line) + " |" for line in lines),
                "",
            ]
        )
    complete = [list(COLUMNS), *(line for line in lines if len(line) == len(COLUMNS))]
    widths = [max(len(line[column]) for line in complete) for column in range(len(COLUMNS))]
    widths[0] = max(len(line[0]) for line in [list(COLUMNS), *lines])
    text = [f"{workload.name}: {workload.title}"]
    for line in [list(COLUMNS), *lines]:
        cells = [line[0].ljust(widths[0])]
        if len(line) == len(COLUMNS):
            cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        else:
            cells += line[1:]
        text.append("  " + "  ".join(cells).rstrip())
    return "\n".join([*text, ""])


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = platform.processor()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line.partition(":")[2].strip()
            for line in information.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    return {
        "system": platform.platform(),
        "processor": model,
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def document(plan: Plan, results: Sequence[tuple[Workload, Sequence[Record]]]) -> dict[str, Any]:
    """Everything that was found, with every single measurement, ready for `json.dump`."""
    return {
        "machine": machine(),
        "plan": asdict(plan),
        "workloads": [
            {
                "name": workload.name,
                "title": workload.title,
                "in_flight": workload.in_flight,
                "clients": [
                    {
                        **asdict(row),
                        "python": record.contender.interpreter.version if record.contender.interpreter else None,
                        "rounds": [asdict(one) if one else None for one in record.measurements],
                    }
                    for row, record in zip(summarise(records), records, strict=True)
                ],
            }
            for workload, records in results
        ],
    }
