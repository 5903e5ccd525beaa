"""The child process of a macro benchmark: one client, one workload, one measurement, one line of JSON.

``python -m benchmarks.macro.worker --probe`` prints which modules of the peers this interpreter can import, with
their versions; ``python -m benchmarks.macro.worker '{...}'`` takes an `Assignment` as JSON. A list of them is done one
after the other, each in a fork of this process: what they import is then imported, and paid for, once.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from types import FrameType
from typing import Any, NoReturn

from benchmarks.macro.clients import CLIENTS, Driver, Job
from benchmarks.macro.workloads import Workload
from benchmarks.servers import Address, pin, run_on
from benchmarks.survey.kinds import ALL


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one child process does.

    *seconds* is about how long the measured section lasts; *operations* fixes the number of operations instead (and
    then nothing is measured to find it, so that two runs do the same work). *mode* is "time", "frames" (count Python
    calls per operation), "rounds" (a time for every line on standard input) or "sections" (`SECTIONS` with a call of
    getppid() before, between and behind them, for a tool that counts from one such call to the next).
    """

    client: str
    workload: str
    host: str
    port: int
    ca: str | None = None
    loop: str = "uvloop"
    cpu: int | None = None
    seconds: float = 0.3
    operations: int | None = None
    mode: str = "time"

    def to_json(self) -> str:
        """The assignment as a command line argument."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one child process found; times are microseconds per operation, `calls` calls per operation by function."""

    operations: int
    cpu: float
    user: float
    system: float
    wall: float
    switches: float
    calls: dict[str, float] | None = None


SECTIONS = (5, 20)
"""Operations per slot of the two sections that are subtracted from each other: what a section costs once is gone."""

GREETING = "ready"
"""What a worker of the mode "rounds" prints when it has warmed up."""


def operations_of(workload: Workload) -> tuple[int, int]:
    """The operations of the two `SECTIONS` of *workload*."""
    slots = workload.in_flight
    short, long = SECTIONS if slots <= 100 else (1, 3)
    return short * slots, long * slots


class WrongAnswer(Exception):
    """The client did not do what the workload asks for; timing it would mean nothing."""


def probe() -> dict[str, Any]:
    """The version of this interpreter and of every module that a client needs and that is importable here."""
    found: dict[str, str] = {}
    for name in sorted({"uvloop"}.union(*(client.requires for client in CLIENTS.values()))):
        try:
            if importlib.util.find_spec(name) is None:
                continue
        except (ImportError, ValueError):
            continue
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    return {"python": platform.python_version(), "modules": found}


def _check(job: Job, value: Any) -> None:
    if not job.workload.check(value):
        raise WrongAnswer(f"{job.client.name} answers {value!r:.100}, which is not what {job.workload.name} asks for")


async def _spread(job: Job, driver: Driver, operations: int) -> int:
    """Do about *operations* operations, as many at a time as the workload says; return how many were done."""
    slots = job.workload.in_flight
    share = max(1, operations // slots)
    for body in await asyncio.gather(*[driver.repeat(share) for _ in range(slots)]):
        _check(job, body)
    return share * slots


async def _warm_up(job: Job, driver: Driver, assignment: Assignment) -> int:
    """Open the connections, let caches fill, and return how many operations the measured section shall do."""
    slots = job.workload.in_flight
    await _spread(job, driver, (10 if slots <= 100 else 2) * slots)
    if assignment.operations is not None:
        return assignment.operations
    done, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < min(0.2, assignment.seconds) or not done:
        done += await _spread(job, driver, 10 * slots)
    return max(slots * 10, int(done / elapsed * assignment.seconds))


class CallCounter:
    """Counts Python frames entered and C functions called from Python, by function, through `sys.setprofile`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            self.counts[f"{code.co_filename}:{code.co_firstlineno} {code.co_qualname}"] += 1
        elif event == "c_call":
            owner = getattr(argument, "__module__", None) or type(getattr(argument, "__self__", None)).__name__
            self.counts[f"C {owner}.{argument.__qualname__}"] += 1


async def _time(job: Job, driver: Driver, operations: int) -> Measurement:
    gc.collect()
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    done = await _spread(job, driver, operations)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Measurement(
        operations=done,
        cpu=(user + system) / done * 1e6,
        user=user / done * 1e6,
        system=system / done * 1e6,
        wall=wall / done * 1e6,
        switches=(after.ru_nivcsw - before.ru_nivcsw) / done,
    )


async def _count_calls(job: Job, driver: Driver, operations: int) -> Measurement:
    counter = CallCounter()
    sys.setprofile(counter)
    measurement = await _time(job, driver, operations)
    sys.setprofile(None)
    calls = {name: count / measurement.operations for name, count in counter.counts.items()}
    return replace(measurement, calls=calls)


async def _time_rounds(job: Job, driver: Driver, operations: int) -> Measurement | None:
    """Measure once for every line on standard input, to its end."""
    print(GREETING, flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(asdict(await _time(job, driver, operations))), flush=True)
    return None


async def _run_sections(job: Job, driver: Driver, operations: int) -> NoReturn:
    gc.collect()
    short, long = operations_of(job.workload)
    os.getppid()
    await _spread(job, driver, short)
    os.getppid()
    await _spread(job, driver, long)
    os.getppid()
    os._exit(0)  # to close everything under the tool would take longer than what was counted


_MODES: dict[str, Callable[[Job, Driver, int], Awaitable[Measurement | None]]] = {
    "time": _time,
    "frames": _count_calls,
    "rounds": _time_rounds,
    "sections": _run_sections,
}


async def _measure(job: Job, assignment: Assignment) -> Measurement | None:
    open_driver = importlib.import_module(job.client.driver).open_driver
    if job.client.patch == "aiofastnet":
        importlib.import_module("aiofastnet").patch_loop()
    driver: Driver = await open_driver(job)
    try:
        if driver.engine() != job.client.engine:
            raise WrongAnswer(f"{job.client.name} runs on the engine {driver.engine()!r}, not {job.client.engine!r}")
        operations = await _warm_up(job, driver, assignment)
        return await _MODES[assignment.mode](job, driver, operations)
    finally:
        await driver.close()


def main(arguments: list[str]) -> int:
    """Do what the one argument says and print the result."""
    if arguments == ["--probe"]:
        print(json.dumps(probe()))
        return 0
    given = json.loads(arguments[0])
    if isinstance(given, list):
        return fork_each([Assignment(**one) for one in given])
    return work(Assignment(**given))


def fork_each(assignments: list[Assignment]) -> int:
    """Do each assignment in a fork of this process, which prints its id and the workload first; 1 when any fails."""
    failed = False
    for name in {CLIENTS[one.client].module for one in assignments} | {"asyncio", "uvloop"}:
        importlib.import_module(name)
    for assignment in assignments:
        child = os.fork()
        if not child:
            print(os.getpid(), assignment.workload, flush=True)
            status = work(assignment)
            sys.stderr.flush()
            os._exit(status)
        failed = os.waitpid(child, 0)[1] != 0 or failed
    return int(failed)


def work(assignment: Assignment) -> int:
    """Do *assignment* and print what was measured; 1 when the client did not do what was asked."""
    pin(assignment.cpu)
    client = CLIENTS[assignment.client]
    job = Job(
        address=Address(assignment.host, assignment.port, assignment.ca),
        workload=ALL[assignment.workload],
        client=client,
        module=importlib.import_module(client.module),
    )
    try:
        measurement = run_on(assignment.loop, _measure(job, assignment))
    except WrongAnswer as error:
        print(error, file=sys.stderr)
        return 1
    if measurement is not None:
        print(json.dumps(asdict(measurement)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
