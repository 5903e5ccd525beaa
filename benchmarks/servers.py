"""A server of canned bytes in a process of its own, quick enough never to be what a client benchmark measures.

``python benchmarks/servers.py --port 0 [--tls] [--cpu 1]`` prints one line of JSON (host, port, pid, tls, ca) once it
accepts connections and serves until SIGTERM or SIGINT. This file imports nothing from the rest of the benchmarks, so
any interpreter can run it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any, cast

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

SMALL_BODY = b'{"hello":"wrld"}'
"""The 16 bytes of `/` and of everything under `/any/`."""

JSON_BODY = json.dumps(
    {
        "id": 1729,
        "name": "thomson's gazelle",
        "latin": "Eudorcas thomsonii",
        "tags": ["mammal", "bovid", "savanna", "fast"],
        "speed": {"sprint_kmh": 88.5, "cruise_kmh": 64.0, "verified": True},
        "range": [{"country": "KE", "share": 0.46}, {"country": "TZ", "share": 0.54}],
        "owner": {"login": "serengeti", "url": "https://api.example.org/users/serengeti", "admin": False},
        "description": "A small antelope of the plains; what it lacks in size it makes up for in turns.",
        "created_at": "2026-01-14T08:12:54Z",
        "updated_at": "2026-11-20T19:40:01Z",
        "parent": None,
        "links": {"self": "/v1/animals/1729", "next": "/v1/animals/1730"},
    },
).encode()
"""The body of `/json`, about 640 bytes."""

LOGIN_COOKIES = ("sid=3f9a6c1be2; Path=/; HttpOnly; SameSite=Lax", "pref=dark-4; Path=/; Max-Age=31536000")
"""What `/login` sets: a cookie of the session, and one that expires."""

CHUNKS = tuple(b"%015d\n" % number * 16 for number in range(16))
"""The 16 chunks of 256 bytes of `/chunked`."""

PIECE = b"gazelle\n" * (256 * 1024 // 8)
"""What `/bytes/N` repeats."""

WHOLE_LIMIT = 64 * 1024
"""Bodies of `/bytes/N` up to this many bytes leave in one write with their head."""

HEAD_LIMIT = 64 * 1024
"""A request head larger than this many bytes closes the connection."""

_FIELD = re.compile(rb"(?:^|\n)(content-length|transfer-encoding|connection|expect):[ \t]*([^\r\n]*)", re.IGNORECASE)


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


def _head(status: str, fields: list[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("ascii")


def _build_replies(date: str) -> dict[bytes, bytes]:
    """All replies that do not depend on the request, complete with head, by request target."""
    plain = [("Server", "canned"), ("Date", date)]
    typed = [*plain, ("Content-Type", "application/json")]
    json_fields = [
        ("Date", date),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(JSON_BODY))),
        ("Connection", "keep-alive"),
        ("Cache-Control", "no-cache, no-store, must-revalidate"),
        ("ETag", 'W/"2c4-9f2d4b7a1e"'),
        ("Vary", "Accept-Encoding, Origin"),
        ("X-Request-Id", "5c1a0f1e-8f0c-4c55-9d6c-0d6f4c7f9a10"),
        ("X-RateLimit-Limit", "5000"),
        ("X-RateLimit-Remaining", "4987"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ("Set-Cookie", "sid=3f9a6c1be2; Path=/; HttpOnly; SameSite=Lax"),
    ]
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in CHUNKS) + b"0\r\n\r\n"
    length = ("Content-Length", str(len(SMALL_BODY)))
    return {
        b"/": _head("200 OK", [*typed, length]) + SMALL_BODY,
        b"/login": _head("200 OK", [*typed, length, *(("Set-Cookie", cookie) for cookie in LOGIN_COOKIES)])
        + SMALL_BODY,
        b"/json": _head("200 OK", json_fields) + JSON_BODY,
        b"/chunked": _head("200 OK", [*plain, ("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked")])
        + chunked,
        b"/empty": _head("204 No Content", plain),
        b"/close": _head("200 OK", [*typed, length, ("Connection", "close")]) + SMALL_BODY,
    }


class Canned:
    """The replies of one server process; their Date is renewed every second, as a real server's is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.whole: dict[bytes, bytes] = {}  # the exact bytes of a complete request -> its reply
        self.fields: dict[bytes, _Fields] = {}  # everything after the request line -> what it says
        self.replies: dict[bytes, bytes] = {}  # request target -> reply
        self.date = ""
        self._renew()

    def _renew(self) -> None:
        self.date = formatdate(usegmt=True)
        self.replies = _build_replies(self.date)
        self.whole.clear()
        self._loop.call_later(1.0, self._renew)

    def remember(self, request: bytes, reply: bytes) -> None:
        """Answer *request*, if it comes again byte for byte, without looking into it."""
        if len(self.whole) < 1024 and len(request) <= 16384:
            self.whole[request] = reply

    def read_fields(self, rest: bytes) -> _Fields:
        """What the header section *rest* says about the body and the connection; equal sections are read once."""
        fields = self.fields.get(rest)
        if fields is None:
            fields = _Fields.parse(rest)
            if len(self.fields) < 1024:
                self.fields[rest] = fields
        return fields

    def received(self, count: int) -> bytes:
        """The reply of `/post` to a body of *count* bytes."""
        body = b'{"received":%d}' % count
        head = _head(
            "200 OK",
            [
                ("Server", "canned"),
                ("Date", self.date),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
            ],
        )
        return head + body


@dataclass(frozen=True, slots=True)
class _Fields:
    length: int
    chunked: bool
    close: bool
    expect: bool

    @classmethod
    def parse(cls, rest: bytes) -> _Fields:
        found = {name.lower(): value.strip().lower() for name, value in _FIELD.findall(rest)}
        length = found.get(b"content-length", b"0")
        return cls(
            length=int(length) if length.isdigit() else 0,
            chunked=b"transfer-encoding" in found,
            close=b"close" in found.get(b"connection", b""),
            expect=found.get(b"expect", b"") == b"100-continue",
        )


class CannedExchange(asyncio.BaseProtocol):
    """One connection: finds the end of each request, however cut or pipelined, and writes the reply kept for it."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._whole = canned.whole
        self._transport: asyncio.Transport
        self._buffer = b""  # input that could not be answered yet
        self._body_left = 0  # bytes of the current request body still to come
        self._after_body: Callable[[], None] | None = None  # due when the body has come, or the streamed reply has gone
        self._stream_left = 0  # bytes of a /bytes/N reply still to write
        self._paused = False
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        # The common case: one request, whole, seen before. Nothing may be waiting before it.
        if not self._buffer and not self._body_left and not self._stream_left:
            reply = self._whole.get(data)
            if reply is not None:
                self._transport.write(reply)
                return
        self._buffer += data
        self._work()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._stream_left:
            self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._stream_left = 0

    def _work(self) -> None:
        """Answer what is complete in the buffer, in order; a streamed reply holds back what comes behind it."""
        while self._buffer and not self._stream_left and not self._closing:
            if self._body_left:
                taken = min(self._body_left, len(self._buffer))
                self._body_left -= taken
                self._buffer = self._buffer[taken:]
                if self._body_left:
                    return
                self._finish()
                continue
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_LIMIT:
                    self._refuse("431 Request Header Fields Too Large")
                return
            request, self._buffer = self._buffer[: end + 4], self._buffer[end + 4 :]
            self._begin(request)

    def _begin(self, request: bytes) -> None:
        line, _, rest = request.partition(b"\r\n")
        parts = line.split(b" ")
        if len(parts) != 3:
            self._refuse("400 Bad Request")
            return
        method, target, version = parts
        fields = self._canned.read_fields(rest)
        if fields.chunked:
            self._refuse("411 Length Required")
            return
        if fields.expect:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        close = fields.close or version == b"HTTP/1.0"
        if not fields.length:
            self._answer(method, target, 0, close)
            if not close and method == b"GET" and target in self._canned.replies and target != b"/close":
                self._canned.remember(request, self._canned.replies[target])
            return
        length = fields.length
        if len(self._buffer) >= length:
            body, self._buffer = self._buffer[:length], self._buffer[length:]
            self._answer(method, target, length, close)
            if not close and target == b"/post":
                self._canned.remember(request + body, self._canned.received(length))
            return
        self._body_left = length
        self._after_body = lambda: self._answer(method, target, length, close)

    def _finish(self) -> None:
        answer, self._after_body = self._after_body, None
        if answer is not None:
            answer()

    def _answer(self, method: bytes, target: bytes, received: int, close: bool) -> None:
        reply = self._canned.replies.get(target)
        if reply is None:
            path = target.partition(b"?")[0]
            if target.startswith(b"/any/"):
                reply = self._canned.replies[b"/"]
            elif path == b"/post":
                reply = self._canned.received(received)
            elif path.startswith(b"/bytes/") and path[7:].isdigit():
                self._send_bytes(int(path[7:]), method, close)
                return
            else:
                reply = self._canned.replies.get(path) or _head("404 Not Found", [("Content-Length", "0")])
        if method == b"HEAD":
            reply = reply[: reply.index(b"\r\n\r\n") + 4]
        self._transport.write(reply)
        if close or target == b"/close":
            self._close()

    def _send_bytes(self, count: int, method: bytes, close: bool) -> None:
        fields = [
            ("Date", self._canned.date),
            ("Content-Type", "application/octet-stream"),
            ("Content-Length", str(count)),
        ]
        if close:
            fields.append(("Connection", "close"))
        head = _head("200 OK", fields)
        if method == b"HEAD" or count <= WHOLE_LIMIT:
            self._transport.write(head if method == b"HEAD" else head + PIECE[:count])
            if close:
                self._close()
            return
        self._transport.write(head)
        self._stream_left = count
        self._after_body = self._close if close else None
        self._pump()

    def _pump(self) -> None:
        """Write the next pieces of a large body; other connections get their turn after each MiB."""
        for _ in range(4):
            if self._paused or not self._stream_left:
                break
            size = min(self._stream_left, len(PIECE))
            self._transport.write(PIECE if size == len(PIECE) else PIECE[:size])
            self._stream_left -= size
        if self._stream_left:
            if not self._paused:
                asyncio.get_running_loop().call_soon(self._pump)
            return
        self._finish()
        self._work()

    def _refuse(self, status: str) -> None:
        self._transport.write(_head(status, [("Content-Length", "0"), ("Connection", "close")]))
        self._close()

    def _close(self) -> None:
        self._closing = True
        self._transport.close()


class CannedProtocol(CannedExchange, asyncio.Protocol):
    """A connection over plain TCP."""


class BufferedCannedProtocol(CannedExchange, asyncio.BufferedProtocol):
    """A connection over TLS, where a plain Protocol would make uvloop allocate 256 KiB for every read."""

    def __init__(self, canned: Canned) -> None:
        super().__init__(canned)
        self._input = memoryview(bytearray(64 * 1024))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._input

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._input[:nbytes]))


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


async def serve(host: str, port: int, certificates: Certificates | None, watch_stdin: bool) -> None:
    """Serve canned replies until SIGTERM, SIGINT or, with *watch_stdin*, the end of standard input."""
    loop = asyncio.get_running_loop()
    canned = Canned(loop)
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
def start(*, tls: bool = False, cpu: int | None = None, loop: str | None = None) -> Iterator[Address]:
    """Run a canned server in a process of its own for the length of a ``with`` block.

    Raises `RuntimeError` with the server's own words when it does not start.
    """
    command = [sys.executable, str(Path(__file__).resolve()), "--port", "0", "--watch-stdin"]
    if tls:
        command.append("--tls")
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    if loop is not None:
        command += ["--loop", loop]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
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
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    pin(options.cpu)
    folder = Path(tempfile.mkdtemp(prefix="gazelle-bench-")) if options.tls else None
    try:
        certificates = make_certificates(folder) if folder else None
        run_on(options.loop, serve(options.host, options.port, certificates, options.watch_stdin))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
