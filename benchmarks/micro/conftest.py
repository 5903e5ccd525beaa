"""The twins as a fixture, and one group of the result table per piece of work."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rounds of a fifth of a millisecond: in shorter ones the clock costs as much as the quick pieces."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.benchmark(min_time=0.0002, max_time=0.5, warmup=True, warmup_iterations=100))


class Twin:
    """One of the two builds of the engine; its modules by name."""

    def __init__(self, package: str) -> None:
        self._package = package

    def module(self, name: str) -> ModuleType:
        """The module *name* of this build; the test is skipped where the compiled one was not built."""
        try:
            return importlib.import_module(f"gazelle.{self._package}.{name}")
        except ImportError as error:
            if self._package == "_pure":
                raise
            pytest.skip(f"no compiled engine: {error}")


@pytest.fixture(params=["_accel", "_pure"], ids=["c", "python"])
def twin(request: pytest.FixtureRequest, benchmark: Any) -> Twin:
    """Each twin in turn; the rows of both stand together in one table per test and case."""
    benchmark.group = re.sub(r"\b(?:c|python)\b-?|\[\]", "", request.node.name).replace("-]", "]").removesuffix("[]")
    return Twin(request.param)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line per piece of work: the medians of both twins and how many times quicker the compiled one is."""
    session = getattr(config, "_benchmarksession", None)
    medians: dict[str, dict[str, float]] = {}
    for entry in getattr(session, "benchmarks", []):
        if not entry.has_error and entry.stats.rounds and "twin" in (entry.params or {}):
            medians.setdefault(entry.group, {})[entry.params["twin"]] = entry.stats.median * 1e6
    if not medians:
        return
    width = max(len(name) for name in medians)
    terminalreporter.write_sep("-", "the twins, median µs")
    terminalreporter.write_line(f"{'':{width}}  {'c':>10}  {'python':>10}  python ÷ c")
    for name, found in sorted(medians.items()):
        compiled, pure = found.get("_accel"), found.get("_pure")
        cells = [f"{value:10.3f}" if value is not None else f"{'-':>10}" for value in (compiled, pure)]
        ratio = f"{pure / compiled:10.1f}" if compiled and pure else f"{'-':>10}"
        terminalreporter.write_line("  ".join([f"{name:{width}}", *cells, ratio]))
