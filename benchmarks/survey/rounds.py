"""Measures kinds of calls: one worker per client that stays for all rounds of a kind, so that rounds follow closely."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks import servers
from benchmarks.macro.rounds import ROOT, WORKER_TIMEOUT, Contender, Plan, Record, assign, worker_environment
from benchmarks.macro.worker import GREETING, Assignment, Measurement
from benchmarks.macro.workloads import Workload
from benchmarks.servers import Address
from benchmarks.survey.kinds import REPLIES


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


class LastingWorker:
    """A worker process that has warmed up and measures whenever it is asked to.

    Raises `RuntimeError` with the worker's last line of complaint when it fails or hangs.
    """

    def __init__(self, contender: Contender, assignment: Assignment) -> None:
        if contender.interpreter is None:
            raise RuntimeError("not installed")
        self._process = subprocess.Popen(
            [contender.interpreter.path, "-m", "benchmarks.macro.worker", assignment.to_json()],
            cwd=ROOT,
            env=worker_environment(contender.client),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> LastingWorker:
        """Wait until the worker has warmed up, so that the next one has the processor for itself."""
        try:
            greeting = self._read_line()
            if greeting != GREETING:
                raise RuntimeError(f"the worker began with {greeting!r}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        with self._process as process:
            assert process.stdin
            process.stdin.close()  # the worker ends when no further line can come
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()

    def measure(self) -> Measurement:
        """Let the worker do one round."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Measurement(**json.loads(self._read_line()))

    def _read_line(self) -> str:
        assert self._process.stdout
        assert self._process.stderr
        if not select.select([self._process.stdout], [], [], WORKER_TIMEOUT)[0]:
            raise RuntimeError(f"still running after {WORKER_TIMEOUT:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            complaints = self._process.stderr.read().strip().splitlines()
            raise RuntimeError(complaints[-1] if complaints else "ended without a word")
        return line.strip()


def measure_kind(kind: Workload, contenders: Sequence[Contender], plan: Plan, where: Servers) -> list[Record]:
    """Measure every client once per round, each round beginning with another one.

    A client that fails is left out of the rest; one that cannot do the kind has no record. Raises `RuntimeError` when
    the server does not start.
    """
    records = [Record(contender) for contender in contenders if contender.client.can_do(kind)]
    address = where.address(kind)
    with ExitStack() as stack:
        workers: dict[str, LastingWorker] = {}
        for record in records:
            client = record.contender.client
            assignment = assign(client, kind, address, plan, mode="rounds")
            try:
                workers[client.name] = stack.enter_context(LastingWorker(record.contender, assignment))
            except RuntimeError as error:
                record.complaint = str(error)
        for number in range(plan.rounds):
            shift = number % max(1, len(records))
            for record in records[shift:] + records[:shift]:
                record.measurements.append(_measure_once(record, workers))
    return records


def _measure_once(record: Record, workers: dict[str, LastingWorker]) -> Measurement | None:
    if record.complaint is not None:
        return None
    try:
        return workers[record.contender.client.name].measure()
    except (RuntimeError, OSError) as error:
        record.complaint = str(error)
        return None
