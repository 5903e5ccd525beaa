"""The command line of the macro benchmark."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.macro.clients import CLIENTS
from benchmarks.macro.report import document, machine, summarise, table
from benchmarks.macro.rounds import ROOT, Interpreter, Plan, choose, known, pick_processors, run_rounds
from benchmarks.macro.workloads import WORKLOADS
from benchmarks.survey.kinds import ALL

PEERS = ROOT / ".venv-peers" / "bin" / "python"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.macro",
        description="Measure clients against each other and against the floor, in CPU time per operation.",
        epilog="workloads: "
        + "; ".join(f"{one.name} ({one.title})" for one in WORKLOADS.values())
        + "; and the kinds of benchmarks.survey, if they are named. clients: "
        + ", ".join(CLIENTS),
    )
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="which to run (default: all)")
    parser.add_argument("--clients", help="which to measure, separated by commas (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each client (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.3, help="length of one measurement (default: 0.3)")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--server", choices=("canned", "nginx"), default="canned")
    parser.add_argument(
        "--peer-python", metavar="PATH", help="interpreter with the peers (default: .venv-peers, if there is one)"
    )
    parser.add_argument("--no-pin", action="store_true", help="leave the choice of processors to the system")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--output", type=Path, help="JSON file (default: build/bench/macro-TIME.json)")
    options = parser.parse_args(arguments)
    for name in options.workloads:
        if name not in ALL:
            parser.error(f"no workload {name!r}; there are: {', '.join(ALL)}")
    options.clients = options.clients.split(",") if options.clients else list(CLIENTS)
    for name in options.clients:
        if name not in CLIENTS:
            parser.error(f"no client {name!r}; there are: {', '.join(CLIENTS)}")
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be positive")
    return options


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; 1 when one of our own clients gave no result, so that a script notices."""
    options = _parse(arguments)
    peer_path = options.peer_python or (str(PEERS) if PEERS.exists() else None)
    try:
        own = Interpreter.ask(sys.executable)
        peers = Interpreter.ask(peer_path) if peer_path else None
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    contenders = choose(options.clients, own, peers)
    client_cpu, server_cpu = (None, None) if options.no_pin else pick_processors()
    plan = Plan(options.rounds, options.seconds, options.loop, client_cpu, server_cpu, options.server)
    facts = machine()
    where = f"client on processor {client_cpu}, server on {server_cpu}" if client_cpu is not None else "not pinned"
    print(
        f"CPython {own.version}, {plan.loop}, {plan.server} server, {facts['processor']}, {facts['system']}\n"
        f"{plan.rounds} rounds of {plan.seconds} s, {where}, load {facts['load']:.2f}\n"
    )
    if peers is not None and peers.version.split(".")[:2] != own.version.split(".")[:2]:
        print(f"note: the peers run on CPython {peers.version}\n")
    results, failed = [], False
    for workload in known(options.workloads):
        try:
            records = run_rounds(workload, contenders, plan, _tell)
        except RuntimeError as error:
            print(f"{workload.name}: not run: {error}\n")
            failed = True
            continue
        _tell("")
        print(table(workload, summarise(records), options.markdown), flush=True)
        failed = failed or any(record.complaint for record in records if record.contender.client.own)
        results.append((workload, records))
    output: Path = options.output or ROOT / "build" / "bench" / time.strftime("macro-%Y%m%d-%H%M%S.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document(plan, results), indent=1) + "\n")
    print(f"every measurement: {output}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
