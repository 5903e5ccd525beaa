"""Starts the servers and the workers, round after round, and keeps what they found."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import nginx, servers
from benchmarks.macro.clients import CLIENTS, Client
from benchmarks.macro.worker import Assignment, Measurement
from benchmarks.macro.workloads import WORKLOADS, Workload
from benchmarks.servers import Address
from benchmarks.survey.kinds import ALL, REPLIES

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds `benchmarks`: workers start here, so that any interpreter finds the package."""

WORKER_TIMEOUT = 120.0
"""Seconds after which a worker is taken for hung and ended."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python to run workers with, and the modules it can import, with versions."""

    path: str
    version: str
    modules: dict[str, str]

    @classmethod
    def ask(cls, path: str) -> Interpreter:
        """Find out what the interpreter at *path* has; raises `RuntimeError` when it does not run."""
        command = [path, "-m", "benchmarks.macro.worker", "--probe"]
        try:
            answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise RuntimeError(f"{path} does not run the benchmark worker: {error}") from error
        found = json.loads(answer.stdout)
        return cls(path, found["python"], found["modules"])

    def has(self, client: Client) -> bool:
        """Whether everything *client* needs is importable."""
        return all(name in self.modules for name in client.requires)


@dataclass(frozen=True, slots=True)
class Contender:
    """A client and the interpreter it runs in, None when no environment has it."""

    client: Client
    interpreter: Interpreter | None

    @property
    def version(self) -> str:
        """The installed version of the client, empty for what is part of this folder."""
        if self.interpreter is None or self.client.name == "floor":
            return ""
        return self.interpreter.modules.get(self.client.requires[0], "")


@dataclass(slots=True)
class Record:
    """What the rounds gave for one client: a measurement per round (None where it failed) and the last complaint."""

    contender: Contender
    measurements: list[Measurement | None] = field(default_factory=list)
    complaint: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rounds are run; see the command line for the meaning of each field."""

    rounds: int = 5
    seconds: float = 0.3
    loop: str = "uvloop"
    client_cpu: int | None = None
    server_cpu: int | None = None
    server: str = "canned"


def choose(names: Sequence[str], own: Interpreter, peers: Interpreter | None) -> list[Contender]:
    """Give each named client its environment: the project's own for what is ours, else the peers' if it is there."""
    contenders = []
    for name in names:
        client = CLIENTS[name]
        candidates = [own] if client.own or peers is None else [peers, own]
        contenders.append(Contender(client, next((one for one in candidates if one.has(client)), None)))
    return contenders


@contextmanager
def serving(workload: Workload, plan: Plan) -> Iterator[Address]:
    """A server for *workload*, of the kind *plan* asks for, in a process of its own."""
    if plan.server == "nginx":
        with nginx.start(cpu=plan.server_cpu) as addresses:
            yield addresses.https if workload.tls else addresses.http
    else:
        with servers.start(tls=workload.tls, cpu=plan.server_cpu, replies=REPLIES) as address:
            yield address


def assign(
    client: Client,
    workload: Workload,
    address: Address,
    plan: Plan,
    *,
    mode: str = "time",
    operations: int | None = None,
) -> Assignment:
    """What a worker does for *client* and *workload* against the server at *address*."""
    return Assignment(
        client=client.name,
        workload=workload.name,
        host=address.host,
        port=address.port,
        ca=address.ca,
        loop=plan.loop,
        cpu=plan.client_cpu,
        seconds=plan.seconds,
        mode=mode,
        operations=operations,
    )


def worker_environment(client: Client) -> dict[str, str]:
    """The environment of a worker: no proxy, and a netrc file, but an empty one, for a session that trusts it."""
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**inherited, "NETRC": os.devnull, **client.environment}


def run_worker(contender: Contender, assignment: Assignment, wrapper: Sequence[str] = ()) -> Measurement:
    """Run one worker to its end, under the command *wrapper* if there is one.

    Raises `RuntimeError` with the worker's last line of complaint when it fails or hangs.
    """
    if contender.interpreter is None:
        raise RuntimeError("not installed")
    command = [*wrapper, contender.interpreter.path, "-m", "benchmarks.macro.worker", assignment.to_json()]
    environment = worker_environment(contender.client)
    timeout = None if wrapper else WORKER_TIMEOUT
    try:
        answer = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"still running after {WORKER_TIMEOUT:.0f} s") from None
    if answer.returncode:
        lines = answer.stderr.strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"ended with status {answer.returncode}")
    return Measurement(**json.loads(answer.stdout.splitlines()[-1]))


def run_rounds(
    workload: Workload, contenders: Sequence[Contender], plan: Plan, tell: Callable[[str], None]
) -> list[Record]:
    """Measure every contender once per round, each round beginning with another one, a fresh process each time.

    A client that fails in a round is left out of the rest. Raises `RuntimeError` when the server does not start.
    """
    records = [Record(contender) for contender in contenders]
    for record in records:
        if record.contender.interpreter is None:
            record.complaint = "not installed"
        elif not record.contender.client.can_do(workload):
            record.complaint = "not in its API"
    with serving(workload, plan) as address:
        for number in range(plan.rounds):
            shift = number % len(records)
            for record in records[shift:] + records[:shift]:
                if record.complaint is not None:
                    record.measurements.append(None)
                    continue
                client = record.contender.client
                tell(f"{workload.name}: round {number + 1} of {plan.rounds}, {client.name}")
                assignment = assign(client, workload, address, plan)
                try:
                    record.measurements.append(run_worker(record.contender, assignment))
                except RuntimeError as error:
                    record.measurements.append(None)
                    record.complaint = str(error)
    return records


def pick_processors() -> tuple[int | None, int | None]:
    """A processor for the client and one for the server, both None where the system cannot pin or has only one."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def known(names: Sequence[str]) -> list[Workload]:
    """The workloads or kinds named, all workloads when none is; raises `KeyError` for an unknown name."""
    return [ALL[name] for name in names] if names else list(WORKLOADS.values())
