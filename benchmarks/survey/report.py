"""The table of a survey, and what it says as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from benchmarks.macro.report import Summary, summarise
from benchmarks.macro.rounds import Record
from benchmarks.macro.workloads import Workload

WORST = 5


@dataclass(frozen=True, slots=True)
class Row:
    """What the rounds of one kind gave, by client."""

    kind: Workload
    clients: Mapping[str, Summary]

    @classmethod
    def of(cls, kind: Workload, records: Sequence[Record]) -> Row:
        """Summarise *records*."""
        return cls(kind, {row.client: row for row in summarise(records)})

    @property
    def complaints(self) -> list[str]:
        """What went wrong, a line for each client."""
        return [f"{name}: {row.complaint}" for name, row in self.clients.items() if row.complaint]

    def time(self, client: str) -> float | None:
        """CPU time of a call in microseconds, None if there is no number."""
        row = self.clients.get(client)
        return row.cpu if row is not None and row.complaint is None else None

    def ratio(self, client: str) -> float | None:
        """The CPU time of aiohttp divided by that of *client*, the median of the rounds."""
        row = self.clients.get(client)
        return row.to_aiohttp if row is not None else None


HEAD = ("kind", "gazelle", "aiohttp", "÷", "bare", "aiohttp ÷ bare", "what")


def _show(number: float | None, digits: int = 1) -> str:
    return "" if number is None else f"{number:.{digits}f}"


def cells(row: Row, client: str) -> list[str]:
    """The cells of a row, as `HEAD` names them."""
    times = [_show(row.time(name)) for name in (client, "aiohttp")]
    ratios = [_show(row.ratio(client), 2), _show(row.time("floor")), _show(row.ratio("floor"), 2)]
    return [row.kind.name, *times, *ratios, "; ".join([row.kind.title, *row.complaints])]


WIDTHS = (20, 8, 8, 6, 8, 14)


def line(texts: Sequence[str]) -> str:
    """One line of the table for a terminal."""
    name, *numbers, title = texts
    shown = [number.rjust(width) for number, width in zip(numbers, WIDTHS[1:], strict=True)]
    return "  ".join([name.ljust(WIDTHS[0]), *shown, title])


def markdown(rows: Sequence[Row], client: str) -> str:
    """The whole table to paste."""
    body = ["| " + " | ".join(cells(row, client)) + " |" for row in rows]
    return "\n".join(["| " + " | ".join(HEAD) + " |", "|---|" + "---:|" * 5 + "---|", *body])


def beside(client: str, now: Mapping[str, float], stored: Mapping[str, float]) -> list[str]:
    """Lines of thousand instructions per call, *now* beside what is *stored*."""
    yet = {kind: f"{stored[kind]:10.1f}" if kind in stored else "" for kind in now}
    counts = [f"{kind:22}{cost / 1000:10.1f}{yet[kind]}" for kind, cost in now.items()]
    return ["", f"{client}: thousand instructions per call", f"{'kind':22}{'now':>10}{'stored':>10}", *counts]


def conclude(rows: Sequence[Row], client: str) -> str:
    """The geometric mean of aiohttp ÷ the client, and the kinds where it is least."""
    ratios = sorted((ratio, row.kind.name) for row in rows if (ratio := row.ratio(client)) is not None)
    if not ratios:
        return "no ratio"
    worst = ", ".join(f"{name} {ratio:.2f}" for ratio, name in ratios[:WORST])
    mean = geometric_mean([ratio for ratio, _ in ratios])
    return f"geometric mean of aiohttp ÷ {client} over {len(ratios)} kinds: {mean:.2f}; the worst: {worst}"
