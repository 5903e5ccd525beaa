"""The child process of a macro benchmark: one client, one workload, one measurement, one line of JSON.

``python -m benchmarks.macro.worker --probe`` prints which modules of the peers this interpreter can import, with
their versions; ``python -m benchmarks.macro.worker '{...}'`` takes an `Assignment` as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.metadata
import importlib.util
import json
import platform
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

from benchmarks.macro.clients import CLIENTS, Driver, Job
from benchmarks.macro.workloads import WORKLOADS
from benchmarks.servers import Address, pin, run_on


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one child process does.

    *seconds* is about how long the measured section lasts; *operations* fixes the number of operations instead (and
    then nothing is measured to find it, so that two runs do the same work). *mode* is "time" or "frames" (count
    Python calls per operation).
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


def _check(job: Job, body: Any) -> None:
    expected = job.workload.reply
    if job.workload.parse_json:
        right = body == json.loads(json.dumps(body)) and isinstance(body, dict) and body.get("id") == 1729
    else:
        right = isinstance(body, bytes) and body.startswith(expected)
    if not right:
        raise WrongAnswer(f"{job.client.name} answers {body!r:.100}, not {expected!r}")


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
    await _spread(job, driver, 10 * slots)
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


async def _measure(job: Job, assignment: Assignment) -> Measurement:
    open_driver = importlib.import_module(job.client.driver).open_driver
    if job.client.patch == "aiofastnet":
        importlib.import_module("aiofastnet").patch_loop()
    driver: Driver = await open_driver(job)
    try:
        if driver.engine() != job.client.engine:
            raise WrongAnswer(f"{job.client.name} runs on the engine {driver.engine()!r}, not {job.client.engine!r}")
        operations = await _warm_up(job, driver, assignment)
        gc.collect()
        counter = CallCounter() if assignment.mode == "frames" else None
        sys.setprofile(counter)
        before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        done = await _spread(job, driver, operations)
        wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
        sys.setprofile(None)
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        return Measurement(
            operations=done,
            cpu=(user + system) / done * 1e6,
            user=user / done * 1e6,
            system=system / done * 1e6,
            wall=wall / done * 1e6,
            switches=(after.ru_nivcsw - before.ru_nivcsw) / done,
            calls={name: count / done for name, count in counter.counts.items()} if counter else None,
        )
    finally:
        await driver.close()


def main(arguments: list[str]) -> int:
    """Do what the one argument says and print the result."""
    if arguments == ["--probe"]:
        print(json.dumps(probe()))
        return 0
    assignment = Assignment(**json.loads(arguments[0]))
    pin(assignment.cpu)
    client = CLIENTS[assignment.client]
    job = Job(
        address=Address(assignment.host, assignment.port, assignment.ca),
        workload=WORKLOADS[assignment.workload],
        client=client,
        module=importlib.import_module(client.module),
    )
    try:
        measurement = run_on(assignment.loop, _measure(job, assignment))
    except WrongAnswer as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(asdict(measurement)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
