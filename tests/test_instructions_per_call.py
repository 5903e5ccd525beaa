"""What a call costs in instructions, counted by valgrind: nearly the same from run to run, on the busiest machine."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import pytest

import gazelle
from benchmarks.macro.rounds import Interpreter, Plan, choose, pick_processors
from benchmarks.survey import counting
from benchmarks.survey.kinds import KINDS
from benchmarks.survey.rounds import Servers

SAMPLE = ("get", "distinct", "params", "timeout", "cookies_call")
"""A few kinds that share little of their way; `make survey` does all of them."""

pytestmark = [
    pytest.mark.skipif(counting.find() is None, reason="valgrind is not installed"),
    pytest.mark.skipif(gazelle.__impl__ != "c", reason="the stored numbers are those of the compiled engine"),
]


@pytest.mark.timeout(300)  # valgrind is fifty times slower than the processor
def test_a_sample_of_the_kinds_of_calls_needs_no_more_instructions_than_stored() -> None:
    pytest.importorskip("uvloop")
    table = counting.Table.read()
    if different := table.differences("uvloop"):
        pytest.skip(f"the stored numbers are from elsewhere: {'; '.join(different)}")
    (contender,) = choose(["gazelle"], Interpreter.ask(sys.executable), None)
    client_cpu, server_cpu = pick_processors()
    plan = Plan(loop="uvloop", client_cpu=client_cpu, server_cpu=server_cpu)
    with ExitStack() as stack:
        found = counting.count([KINDS[name] for name in SAMPLE], contender, plan, Servers(stack, plan))
    worse, _ = table.judge("gazelle", found)
    assert worse == []
