"""Runs the real command in a process of its own, with pipes or with a terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import NamedTuple

COMMAND = (sys.executable, "-W", "error", "-m", "gazelle")
Result = subprocess.CompletedProcess[bytes]


# Replaces itself by a command with a disposition of SIGINT that does not depend on how the tests were started.
WITH_SIGINT = """
import os, signal, sys
signal.signal(signal.SIGINT, getattr(signal, sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_gazelle(*words: str, sigint: str = "SIG_DFL") -> subprocess.Popen[bytes]:
    """Start the command with pipes as its standard streams, and SIGINT as it is in the foreground or the background."""
    command = [sys.executable, "-I", "-c", WITH_SIGINT, sigint, *COMMAND, *words]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run_gazelle(*words: str, stdin: bytes = b"", **env: str) -> Result:
    """Run the command to its end with pipes as its standard streams."""
    return subprocess.run(
        [*COMMAND, *words], input=stdin, capture_output=True, env={**os.environ, **env}, timeout=240, check=False
    )


def run_without(module: str, *words: str) -> Result:
    """Run the command as if `module` were not installed."""
    code = f"import sys; sys.modules[{module!r}] = None; import gazelle.cli; sys.exit(gazelle.cli.main())"
    return subprocess.run([*COMMAND[:3], "-c", code, *words], capture_output=True, timeout=120, check=False)


class Screen(NamedTuple):
    """What a command left behind that was run in a terminal."""

    returncode: int
    text: str


def run_in_terminal(*words: str) -> Screen:
    """Run the command to its end with a terminal as its standard output and standard error."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = bytearray()
    # Linux reports the end of a terminal as an error, others as an end of file.
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    return Screen(process.wait(120), shown.decode())
