"""What `make demo` shows: the two commands on a local server, and the same load with Gazelle and with aiohttp.

``python -m benchmarks.demo PYTHON``, where PYTHON is an interpreter that has aiohttp.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import gazelle
from benchmarks import servers
from benchmarks.macro.report import Summary, summarise
from benchmarks.macro.rounds import ROOT, Interpreter, Plan, choose, pick_processors, run_rounds
from benchmarks.macro.workloads import WORKLOADS

WORKLOAD = WORKLOADS["get"]

ROUNDS = 3
SECONDS = 2.0
"""Three rounds of each client are enough for a median, and short enough to wait for."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours and aiohttp, on the same kind of engine."""

    ours: str
    theirs: str

    @classmethod
    def here(cls) -> Pair:
        """The compiled engines if ours could be built, else both in Python."""
        return cls("gazelle", "aiohttp") if gazelle.__impl__ == "c" else cls("gazelle-pure", "aiohttp-pure")


def show(*words: str) -> None:
    """Run the command `gazelle` with *words* before the eyes of the user; raises `CalledProcessError` when it fails."""
    print(f"\n$ gazelle {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "gazelle", *words], cwd=ROOT, check=True)


def compare(peer: str) -> tuple[Summary, Summary]:
    """Run the load with both clients in turn, each time in a new process, and return the medians: ours, aiohttp's.

    Raises `RuntimeError` when one of them gives no result.
    """
    pair = Pair.here()
    client_cpu, server_cpu = pick_processors()
    plan = Plan(rounds=ROUNDS, seconds=SECONDS, client_cpu=client_cpu, server_cpu=server_cpu)
    contenders = choose([pair.ours, pair.theirs], Interpreter.ask(sys.executable), Interpreter.ask(peer))
    ours, theirs = summarise(run_rounds(WORKLOAD, contenders, plan, lambda line: print(f"  {line}", flush=True)))
    for summary in (ours, theirs):
        if summary.complaint:
            raise RuntimeError(f"{summary.client}: {summary.complaint}")
    return ours, theirs


def table(ours: Summary, theirs: Summary) -> str:
    """Both results side by side."""
    lines = [f"{'':24}{'client CPU per request':>24}{'requests per second':>24}"]
    lines += [
        f"{f'{one.client} {one.version}':24}{f'{one.cpu:.1f} µs':>24}{f'{1e6 / one.wall:,.0f}':>24}"
        for one in (ours, theirs)
    ]
    less = f"{theirs.cpu / ours.cpu:.1f} × less"
    more = f"{theirs.wall / ours.wall:.1f} × more"
    return "\n".join([*lines, f"{'ratio':24}{less:>24}{more:>24}"])


def main(arguments: list[str]) -> int:
    """Run the demonstration; 1 when any part of it fails."""
    (peer,) = arguments
    try:
        with servers.start(cpu=pick_processors()[1]) as address:
            origin = f"http://{address.host}:{address.port}"
            show("get", "--verbose", f"{origin}/json")
            show("bench", "--connections", "32", "--warmup", "500ms", "--duration", "5s", f"{origin}/")
        print(
            f"\nThe same load with Gazelle and with aiohttp: {WORKLOAD.title}, {ROUNDS} rounds of {SECONDS:g} s",
            flush=True,
        )
        ours, theirs = compare(peer)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{table(ours, theirs)}\n\nMedians; each client in a process of its own, the server in another.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
