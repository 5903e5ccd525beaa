"""Instructions per call, in user space, by valgrind's callgrind: the same from run to run where times are not.

One process under callgrind imports the client once and forks for every kind, so that no kind finds what another has
warmed up. Each fork warms up and then does two sections of different length; their difference is what is reported.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.macro.rounds import ROOT, Contender, Plan, assign, worker_environment
from benchmarks.macro.worker import Assignment, operations_of
from benchmarks.macro.workloads import Workload
from benchmarks.survey.rounds import Servers

STORED = Path(__file__).parent / "instructions.json"
"""The committed table."""

MARGIN = 1.08
"""How much more than the stored number of instructions a kind may take."""


def find() -> str | None:
    """The path of the valgrind program, or None when it is not installed."""
    return shutil.which("valgrind")


def count(kinds: Sequence[Workload], contender: Contender, plan: Plan, where: Servers) -> dict[str, float]:
    """Return the instructions per call of each kind that *contender* can do.

    Raises `RuntimeError` when valgrind or the client is not there, or when the client fails.
    """
    program = find()
    if program is None or contender.interpreter is None:
        raise RuntimeError(f"{'valgrind' if program is None else contender.client.name} is not installed")
    done = [kind for kind in kinds if contender.client.can_do(kind)]
    assignments = [
        assign(contender.client, kind, where.address(kind), plan, mode="sections", operations=kind.in_flight)
        for kind in done
    ]
    with tempfile.TemporaryDirectory(prefix="gazelle-callgrind-") as folder:
        tool = [program, "--tool=callgrind", "--quiet", "--dump-before=getppid"]
        found = _run([*tool, f"--callgrind-out-file={folder}/out.%p"], contender, assignments)
        return {kind.name: _per_call(kind, Path(folder) / f"out.{found[kind.name]}") for kind in done}


def _run(tool: Sequence[str], contender: Contender, assignments: Sequence[Assignment]) -> dict[str, int]:
    """Run a worker under *tool* and return the id of the process that did each kind."""
    assert contender.interpreter is not None
    work = json.dumps([asdict(one) for one in assignments])
    answer = subprocess.run(
        [*tool, contender.interpreter.path, "-m", "benchmarks.macro.worker", work],
        cwd=ROOT,
        env={**worker_environment(contender.client), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise RuntimeError(f"{contender.client.name} under valgrind: {answer.stderr.strip() or answer.returncode}")
    lines = (line.split() for line in answer.stdout.splitlines())
    return {kind: int(process) for process, kind in lines}


def _per_call(kind: Workload, output: Path) -> float:
    """Subtract the two sections; the first dump of a process is everything before them."""
    costs = [int(re.findall(r"^totals: (\d+)", Path(f"{output}.{part}").read_text(), re.M)[0]) for part in (2, 3)]
    short, long = operations_of(kind)
    return (costs[1] - costs[0]) / (long - short)


def environment(loop: str) -> dict[str, str]:
    """What a number of instructions depends on beside the project: only where all is equal may two be compared."""
    return {
        "python": platform.python_version(),
        "compiler": platform.python_compiler(),
        "optimised": str("--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")),
        "machine": platform.machine(),
        "loop": loop if loop == "asyncio" else f"uvloop {version('uvloop')}",
        "yarl": version("yarl"),
        "multidict": version("multidict"),
    }


@dataclass(frozen=True, slots=True)
class Table:
    """The stored table: where it was made, and thousand instructions per call by client and kind."""

    environment: Mapping[str, str]
    clients: Mapping[str, Mapping[str, float]]

    @classmethod
    def read(cls, file: Path = STORED) -> Table:
        """The table in *file*, an empty one if there is no such file."""
        return cls(**json.loads(file.read_text())) if file.exists() else cls({}, {})

    def differences(self, loop: str) -> list[str]:
        """What is different here from where the table was made; nothing may be compared unless this is empty."""
        here = environment(loop)
        return [
            f"{name}: {self.environment.get(name)} there, {here[name]} here"
            for name in here
            if here[name] != self.environment.get(name)
        ]

    def update(self, client: str, counts: Mapping[str, float], loop: str) -> Table:
        """Return the table with new *counts* of *client*; those made elsewhere go."""
        known: dict[str, Any] = {} if self.differences(loop) else dict(self.clients)
        known[client] = {**known.get(client, {}), **{name: round(cost / 1000, 1) for name, cost in counts.items()}}
        return Table(environment(loop), known)

    def write(self, file: Path = STORED) -> None:
        """Store the table in *file*."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def judge(self, client: str, counts: Mapping[str, float]) -> tuple[list[str], list[str]]:
        """Return a line for each kind that needs too much more than stored, and for each that needs much less."""
        stored = self.clients.get(client, {})
        worse, better = [], []
        for name, cost in counts.items():
            before, now = stored.get(name), round(cost / 1000, 1)
            if before is None or now > before * MARGIN:
                worse.append(f"{name}: {now} thousand instructions per call, stored are {before}")
            elif now * MARGIN < before:
                better.append(f"{name}: {now} thousand instructions per call instead of {before}: store it")
        return worse, better
