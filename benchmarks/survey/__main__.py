"""The command line of the survey."""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.macro.__main__ import PEERS
from benchmarks.macro.clients import CLIENTS
from benchmarks.macro.report import machine
from benchmarks.macro.rounds import Contender, Interpreter, Plan, choose, pick_processors
from benchmarks.macro.workloads import Workload
from benchmarks.survey import counting, report
from benchmarks.survey.kinds import KINDS
from benchmarks.survey.rounds import Servers, measure_kind


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.survey",
        description="Measure every kind of call: client CPU time in microseconds per call, aiohttp beside it.",
        epilog="kinds: " + "; ".join(f"{kind.name} ({kind.title})" for kind in KINDS.values()),
    )
    parser.add_argument("--only", metavar="PATTERN", default="*", help="kinds whose name matches: get*,*cookie*")
    parser.add_argument("--clients", default="gazelle,aiohttp,floor", help="default: gazelle,aiohttp,floor")
    parser.add_argument("--impl", choices=("c", "python"), default="c", help="the engine of gazelle (default: c)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each client and kind (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.1, help="length of one measurement (default: 0.1)")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument(
        "--peer-python", metavar="PATH", help="interpreter with aiohttp (default: .venv-peers, if there is one)"
    )
    parser.add_argument("--no-pin", action="store_true", help="leave the choice of processors to the system")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown at the end")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement to FILE")
    parser.add_argument(
        "--instructions", action="store_true", help="count instructions with valgrind instead, beside the stored ones"
    )
    parser.add_argument("--store", action="store_true", help="with --instructions: store them, for each client named")
    options = parser.parse_args(arguments)
    patterns = options.only.split(",")
    options.kinds = [kind for name, kind in KINDS.items() if any(fnmatch.fnmatch(name, one) for one in patterns)]
    if not options.kinds:
        parser.error(f"no kind matches {options.only!r}; there are: {', '.join(KINDS)}")
    options.own = "gazelle" if options.impl == "c" else "gazelle-pure"
    options.clients = [options.own if name == "gazelle" else name for name in options.clients.split(",")]
    for name in options.clients:
        if name not in CLIENTS:
            parser.error(f"no client {name!r}; there are: {', '.join(CLIENTS)}")
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be positive")
    return options


def survey(options: argparse.Namespace, contenders: Sequence[Contender], plan: Plan) -> int:
    """Measure times and print the table; 1 when one of our own clients gave no number."""
    print(report.line(report.HEAD))
    rows, document, failed = [], [], False
    with ExitStack() as stack:
        where = Servers(stack, plan)
        for kind in options.kinds:
            records = measure_kind(kind, contenders, plan, where)
            row = report.Row.of(kind, records)
            print(report.line(report.cells(row, options.own)), flush=True)
            rows.append(row)
            failed = failed or any(record.complaint for record in records if record.contender.client.own)
            document.append(_document(kind, row))
    if options.markdown:
        print("\n" + report.markdown(rows, options.own))
    print("\n" + report.conclude(rows, options.own))
    if options.json:
        found = {"machine": machine(), "plan": asdict(plan), "kinds": document}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(failed)


def _document(kind: Workload, row: report.Row) -> dict[str, Any]:
    clients = {name: asdict(one) for name, one in row.clients.items()}
    return {"name": kind.name, "title": kind.title, "in_flight": kind.in_flight, "clients": clients}


def instructions(options: argparse.Namespace, contenders: Sequence[Contender], plan: Plan) -> int:
    """Count instructions, print them beside the stored ones, and store them if asked; 1 when any has grown too much."""
    table = counting.Table.read()
    different, worse = table.differences(plan.loop), []
    if different:
        print("not comparable with the stored table: " + "; ".join(different))
    found: dict[str, dict[str, float]] = {}
    for contender in contenders:
        name = contender.client.name
        with ExitStack() as stack:
            found[name] = counting.count(options.kinds, contender, plan, Servers(stack, plan))
        print("\n".join(report.beside(name, found[name], table.clients.get(name, {}))), flush=True)
        if options.store:
            table = table.update(name, found[name], plan.loop)
            table.write()
        elif not different and name in table.clients:
            more, less = table.judge(name, found[name])
            print("\n".join(["", *more, *less]), flush=True)
            worse += more
        if options.json:
            document = {"environment": counting.environment(plan.loop), "instructions": found}
            options.json.write_text(json.dumps(document, indent=1) + "\n")
    return int(bool(worse))


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for."""
    options = _parse(arguments)
    peer_path = options.peer_python or (str(PEERS) if PEERS.exists() else None)
    client_cpu, server_cpu = (None, None) if options.no_pin else pick_processors()
    plan = Plan(options.rounds, options.seconds, options.loop, client_cpu, server_cpu)
    try:
        own = Interpreter.ask(sys.executable)
        peers = Interpreter.ask(peer_path) if peer_path else None
        facts = machine()
        print(f"CPython {own.version}, {plan.loop}, {facts['processor']}, {facts['system']}, load {facts['load']:.2f}")
        contenders = choose(options.clients, own, peers)
        return (instructions if options.instructions else survey)(options, contenders, plan)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
