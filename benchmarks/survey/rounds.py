"""Measures kinds of calls: one worker per client that stays for all rounds of a kind, so that rounds follow closely."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks import servers
from benchmarks.macro.rounds import ROOT, WORKER_TIMEOUT, Contender, Plan, Record, assign, worker_environment
from benchmarks.macro.worker import GREETING, Assignment, Measurement
from benchmarks.macro.workloads import Workload
from benchmarks.servers import Address
from benchmarks.survey.kinds import REPLIES

Measure = Callable[[], Measurement]
"""Lets a worker do one round; raises `RuntimeError` with its last line of complaint when it fails or hangs."""


class Servers:
    """The servers of a survey, each started when the first kind asks for it."""

    def __init__(self, stack: ExitStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._addresses: dict[bool, Address] = {}

    def address(self, kind: Workload) -> Address:
        """Where the server for *kind* listens."""
        if kind.tls not in self._addresses:
            server = servers.start(tls=kind.tls, cpu=self._plan.server_cpu, replies=REPLIES)
            self._addresses[kind.tls] = self._stack.enter_context(server)
        return self._addresses[kind.tls]


@contextmanager
def lasting_worker(contender: Contender, assignment: Assignment) -> Iterator[Measure]:
    """Start a worker and warm it up; what is yielded measures once."""
    if contender.interpreter is None:
        raise RuntimeError("not installed")
    command = [contender.interpreter.path, "-m", "benchmarks.macro.worker", assignment.to_json()]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=worker_environment(contender.client),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    to_worker, from_worker, complaints = process.stdin, process.stdout, process.stderr

    def read_line() -> str:
        if not select.select([from_worker], [], [], WORKER_TIMEOUT)[0]:
            raise RuntimeError(f"still running after {WORKER_TIMEOUT:.0f} s")
        line = from_worker.readline()
        if not line:
            lines = complaints.read().strip().splitlines()
            raise RuntimeError(lines[-1] if lines else "ended without a word")
        return line

    def measure() -> Measurement:
        to_worker.write("\n")
        to_worker.flush()
        return Measurement(**json.loads(read_line()))

    try:
        if read_line().strip() != GREETING:
            raise RuntimeError("the worker does not speak the language of the survey")
        yield measure
    finally:
        with process:
            if process.poll() is None:
                to_worker.close()  # it ends when nothing more can come
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()


def measure_kind(kind: Workload, contenders: Sequence[Contender], plan: Plan, where: Servers) -> list[Record]:
    """Measure every client once per round, each round beginning with another one.

    A client that fails is left out of the rest. Raises `RuntimeError` when the server does not start.
    """
    records = [Record(contender) for contender in contenders if contender.client.can_do(kind)]
    address = where.address(kind)
    with ExitStack() as stack:
        workers: dict[str, Measure] = {}
        for record in records:
            client = record.contender.client
            assignment = assign(client, kind, address, plan, mode="rounds")
            try:
                workers[client.name] = stack.enter_context(lasting_worker(record.contender, assignment))
            except RuntimeError as error:
                record.complaint = str(error)
        for number in range(plan.rounds):
            shift = number % len(records)
            for record in records[shift:] + records[:shift]:
                record.measurements.append(_measure_once(record, workers))
    return records


def _measure_once(record: Record, workers: dict[str, Measure]) -> Measurement | None:
    if record.complaint is not None:
        return None
    try:
        return workers[record.contender.client.name]()
    except (RuntimeError, OSError) as error:
        record.complaint = str(error)
        return None
