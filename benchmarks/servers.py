"""A server of canned bytes in a process of its own, quick enough never to be what a client benchmark measures.

``python -m benchmarks.servers --port 0 [--tls] [--cpu 1]`` prints one line of JSON (host, port, pid, tls, ca) once it
accepts connections and serves until SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks.canned import BufferedCannedProtocol, Canned, CannedProtocol, Replies

try:
    import uvloop

    HAS_UVLOOP = True
except ImportError:  # the server is slower on asyncio's own loop, but it works
    HAS_UVLOOP = False
try:
    import trustme

    HAS_TRUSTME = True
except ImportError:  # only --tls needs it
    HAS_TRUSTME = False
ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds `benchmarks`: the server starts here, so that any interpreter finds the package."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files for a TLS server on the loopback interface, and the private CA that signed them."""

    ca: Path
    chain: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Make a private CA and a server certificate for localhost, 127.0.0.1 and ::1 in *folder*.

    Raises `RuntimeError` when trustme is not installed.
    """
    if not HAS_TRUSTME:
        raise RuntimeError("TLS needs the trustme package to make its certificates")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1", "::1")
    certificates = Certificates(ca=folder / "ca.pem", chain=folder / "chain.pem", key=folder / "key.pem")
    authority.cert_pem.write_to_path(str(certificates.ca))
    for number, blob in enumerate(leaf.cert_chain_pems):
        blob.write_to_path(str(certificates.chain), append=number > 0)
    leaf.private_key_pem.write_to_path(str(certificates.key))
    return certificates


def pin(cpu: int | None) -> None:
    """Keep this process on processor number *cpu*, where the system can; None leaves it alone."""
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})


def run_on(loop: str, main: Awaitable[Any]) -> Any:
    """Run the coroutine *main* to its end on a new event loop, `"uvloop"` or `"asyncio"`, and return its result."""
    if loop == "uvloop":
        if not HAS_UVLOOP:
            raise RuntimeError("uvloop is not installed in this environment")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(cast(Any, main))
    with asyncio.Runner() as runner:
        return runner.run(cast(Any, main))


def read_replies(file: Path) -> Replies:
    """Return the replies that *file* holds: JSON, each reply as text of the characters U+0000 to U+00FF."""
    return {target: [one.encode("latin-1") for one in given] for target, given in json.loads(file.read_text()).items()}


async def serve(
    host: str, port: int, certificates: Certificates | None, watch_stdin: bool, replies: Replies | None = None
) -> None:
    """Serve canned replies until SIGTERM, SIGINT or, with *watch_stdin*, the end of standard input."""
    loop = asyncio.get_running_loop()
    canned = Canned(loop, replies)
    context = None
    if certificates is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates.chain, certificates.key)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if watch_stdin:
        # The process that started this one holds the other end: when it dies, nothing is left behind.
        loop.add_reader(sys.stdin.fileno(), lambda: stop.set() if not os.read(sys.stdin.fileno(), 4096) else None)
    protocol = BufferedCannedProtocol if context else CannedProtocol
    server = await loop.create_server(lambda: protocol(canned), host, port, ssl=context, backlog=1024)
    async with server:
        bound = server.sockets[0].getsockname()
        ca = str(certificates.ca) if certificates else None
        ready = {"host": bound[0], "port": bound[1], "pid": os.getpid(), "tls": context is not None, "ca": ca}
        print(json.dumps(ready), flush=True)
        await stop.wait()
        if watch_stdin:
            loop.remove_reader(sys.stdin.fileno())


@dataclass(frozen=True, slots=True)
class Address:
    """Where a benchmark server listens; *ca* is the PEM file of its CA when it speaks TLS."""

    host: str
    port: int
    ca: str | None = None


@contextmanager
def start(
    *, tls: bool = False, cpu: int | None = None, loop: str | None = None, replies: Replies | None = None
) -> Iterator[Address]:
    """Run a canned server in a process of its own for the length of a ``with`` block; it knows *replies* as well.

    Raises `RuntimeError` with the server's own words when it does not start.
    """
    command = [sys.executable, "-m", "benchmarks.servers", "--port", "0", "--watch-stdin"]
    if tls:
        command.append("--tls")
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    if loop is not None:
        command += ["--loop", loop]
    with tempfile.TemporaryDirectory(prefix="gazelle-replies-") as folder:
        if replies:
            file = Path(folder) / "replies.json"
            texts = {target: [one.decode("latin-1") for one in given] for target, given in replies.items()}
            file.write_text(json.dumps(texts))
            command += ["--replies", str(file)]
        with _running(command) as address:
            yield address


@contextmanager
def _running(command: list[str]) -> Iterator[Address]:
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        line = process.stdout.readline()
        if not line:
            complaint = process.stderr.read().strip().splitlines()
            raise RuntimeError(complaint[-1] if complaint else "the server ended without a word")
        ready = json.loads(line)
        yield Address(ready["host"], ready["port"], ready["ca"])
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        process.stderr.close()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: the system picks one (default)")
    parser.add_argument("--tls", action="store_true", help="speak TLS with a certificate of a private CA made now")
    parser.add_argument("--cpu", type=int, help="number of the processor to stay on")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop" if HAS_UVLOOP else "asyncio")
    parser.add_argument("--replies", type=Path, metavar="FILE", help="JSON: target -> list of complete replies")
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    pin(options.cpu)
    folder = Path(tempfile.mkdtemp(prefix="gazelle-bench-")) if options.tls else None
    try:
        certificates = make_certificates(folder) if folder else None
        replies = read_replies(options.replies) if options.replies else None
        run_on(options.loop, serve(options.host, options.port, certificates, options.watch_stdin, replies))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
