"""Where the time of one client goes in one workload: `python -m benchmarks.profile get --client gazelle`.

Four answers, each by the tool that gives it without bending it too much:

* time: CPU per operation from the operating system, split into user and system, beside the floor's;
* frames: Python functions entered and C functions called from Python per operation (`sys.setprofile`; exact counts);
* syscalls: system calls per operation (strace, where installed; counts, as its times would be strace's own);
* instructions: per operation, by library and by function, compiled ones included (valgrind's callgrind, where
  installed). Two runs of different length are subtracted, so that what starting and warming up costs cancels out.
  It sees no kernel; the system time above does.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.macro.__main__ import PEERS
from benchmarks.macro.clients import CLIENTS
from benchmarks.macro.report import summarise, table
from benchmarks.macro.rounds import (
    Contender,
    Interpreter,
    Plan,
    choose,
    pick_processors,
    run_rounds,
    run_worker,
    serving,
)
from benchmarks.macro.worker import Assignment
from benchmarks.macro.workloads import Workload
from benchmarks.survey.kinds import ALL

SHORT, LONG = 1600, 6400
"""Operations of the two runs that are subtracted from each other."""

Place = tuple[str, str]
"""A library (or program) and a function in it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is profiled, and where."""

    contender: Contender
    workload: Workload
    assignment: Assignment

    def run(self, wrapper: list[str], operations: int) -> None:
        """Run the worker under *wrapper* for a fixed number of operations."""
        run_worker(self.contender, replace(self.assignment, operations=operations), wrapper)


def _shares(title: str, rows: list[tuple[float, str]], unit: str, limit: int) -> Iterator[str]:
    """Lines of a list, the largest first, with what each is of the whole."""
    total = sum(amount for amount, _ in rows)
    yield f"{title}: {total:.1f} {unit} per operation"
    rows = sorted(rows, reverse=True)
    for amount, name in rows[:limit]:
        yield f"  {amount:10.2f}  {amount / total:5.1%}  {name}"
    rest = sum(amount for amount, _ in rows[limit:])
    if rest:
        yield f"  {rest:10.2f}  {rest / total:5.1%}  {len(rows) - limit} more"
    yield ""


def frames(subject: Subject, limit: int) -> Iterator[str]:
    """Python frames entered and C functions called from Python, by function."""
    found = run_worker(subject.contender, replace(subject.assignment, mode="frames", operations=SHORT)).calls or {}
    python = [(count, _shorten(name)) for name, count in found.items() if not name.startswith("C ") and count > 0.01]
    compiled = [(count, name[2:]) for name, count in found.items() if name.startswith("C ") and count > 0.01]
    yield from _shares("Python frames", python, "frames", limit)
    yield from _shares("C functions called from Python", compiled, "calls", limit)


def _shorten(name: str) -> str:
    """`/long/way/to/site-packages/pkg/mod.py:12 f` as `pkg/mod.py:12 f`."""
    return re.sub(r"^.*/(?:site-packages|src|lib/python3\.\d+)/", "", name)


def syscalls(subject: Subject, limit: int) -> Iterator[str]:
    """System calls by name, from strace's own summary of two runs."""
    program = shutil.which("strace")
    if program is None:
        yield "syscalls: strace is not installed\n"
        return
    counts = []
    with tempfile.TemporaryDirectory(prefix="gazelle-strace-") as folder:
        for operations in (SHORT, LONG):
            output = Path(folder) / "summary"
            subject.run([program, "-f", "-c", "-o", str(output)], operations)
            counts.append(_read_strace(output.read_text()))
    difference = counts[1]
    difference.subtract(counts[0])
    rows = [(count / (LONG - SHORT), name) for name, count in difference.items() if count > (LONG - SHORT) / 100]
    yield from _shares("system calls", rows, "calls", limit)


def _read_strace(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in text.splitlines():
        cells = line.split()
        if len(cells) >= 5 and cells[3].isdigit() and cells[-1] != "total":
            counts[cells[-1]] = int(cells[3])
    return counts


def instructions(subject: Subject, limit: int) -> Iterator[str]:
    """Instructions by library and by function, from two callgrind runs."""
    program = shutil.which("valgrind")
    if program is None:
        yield "instructions: valgrind is not installed\n"
        return
    costs = []
    with tempfile.TemporaryDirectory(prefix="gazelle-callgrind-") as folder:
        for operations in (SHORT, LONG):
            output = Path(folder) / "out"
            subject.run([program, "--tool=callgrind", "--quiet", f"--callgrind-out-file={output}"], operations)
            costs.append(_read_callgrind(output.read_text(errors="replace")))
    difference = costs[1]
    difference.subtract(costs[0])
    per_operation = {place: cost / (LONG - SHORT) for place, cost in difference.items() if cost > 0}
    libraries: dict[str, float] = {}
    for (library, _), cost in per_operation.items():
        libraries[library] = libraries.get(library, 0.0) + cost
    rows = [(cost, name) for name, cost in libraries.items()]
    yield from _shares("instructions by library", rows, "instructions", limit)
    functions = [(cost, f"{library}  {function}") for (library, function), cost in per_operation.items()]
    yield from _shares("instructions by function", functions, "instructions", limit)


def _read_callgrind(text: str) -> Counter[Place]:
    """The cost of each function without what it calls, from a callgrind output file (format version 1)."""
    names: dict[tuple[str, str], str] = {}
    costs: Counter[Place] = Counter()
    library, function, called = "", "", False

    def read_name(kind: str, value: str) -> str:
        # "(3) name" defines number 3, "(3)" alone is a reference to it.
        match = re.match(r"\((\d+)\)(?: (.*))?", value)
        if match is None:
            return value
        number, name = match.groups()
        if name is not None:
            names[kind, number] = name
        return names[kind, number]

    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key in ("ob", "cob"):
            name = read_name("ob", value)
            library = name if key == "ob" else library
        elif equals and key in ("fn", "cfn"):
            name = read_name("fn", value)
            function = name if key == "fn" else function
        elif equals and key == "calls":
            called = True  # the next line is what the callee cost, not this function
        elif line[:1].isdigit() or line[:1] in "+-*":
            cells = line.split()
            if not called and len(cells) >= 2 and cells[1].isdigit():
                costs[_name_library(library), function] += int(cells[1])
            called = False
    return costs


def _name_library(path: str) -> str:
    """`.../gazelle/_accel/head.cpython-313-x86_64-linux.so` as `gazelle/_accel/head`, `/lib/libc.so.6` as `libc`."""
    shown = _shorten(path) if "/site-packages/" in path or "/src/" in path else Path(path).name
    return re.sub(r"(\.cpython-[\w-]+|\.abi3)?\.so(\.[\d.]+)?$|-\d+\.\d+\.so$", "", shown)


SECTIONS = {"frames": frames, "syscalls": syscalls, "instructions": instructions}


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and print the answers."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workload", nargs="?", choices=ALL, default="get", metavar="WORKLOAD", help=", ".join(ALL))
    parser.add_argument("--client", choices=CLIENTS, default="gazelle", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument(
        "--only", choices=("time", *SECTIONS), action="append", help="one answer instead of all; may be repeated"
    )
    parser.add_argument("--lines", type=int, default=25, help="lines of each list (default: 25)")
    parser.add_argument(
        "--peer-python", metavar="PATH", help="interpreter with the peers (default: .venv-peers, if there is one)"
    )
    options = parser.parse_args(arguments)
    wanted = options.only or ["time", *SECTIONS]
    peer_path = options.peer_python or (str(PEERS) if PEERS.exists() else None)
    try:
        own, peers = Interpreter.ask(sys.executable), Interpreter.ask(peer_path) if peer_path else None
        client_cpu, server_cpu = pick_processors()
        plan = Plan(rounds=3, seconds=0.3, loop=options.loop, client_cpu=client_cpu, server_cpu=server_cpu)
        workload = ALL[options.workload]
        if "time" in wanted:
            names = list(dict.fromkeys(["floor", options.client]))
            print(
                table(workload, summarise(run_rounds(workload, choose(names, own, peers), plan, lambda line: None))),
                flush=True,
            )
        with serving(workload, plan) as address:
            (contender,) = choose([options.client], own, peers)
            assignment = Assignment(
                client=options.client,
                workload=workload.name,
                host=address.host,
                port=address.port,
                ca=address.ca,
                loop=options.loop,
                cpu=client_cpu,
            )
            subject = Subject(contender, workload, assignment)
            for name, section in SECTIONS.items():
                if name in wanted:
                    for line in section(subject, options.lines):
                        print(line, flush=True)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
