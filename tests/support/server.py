"""A scripted HTTP server on the loopback: what it answers, and how it breaks off, is a list of steps for each path."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Step = Callable[["Peer"], Awaitable[None]]
Script = Sequence[Step] | Callable[["Peer"], Awaitable[None]]

LOST = (OSError, asyncio.IncompleteReadError)


class Early(list[Step]):
    """A script that starts when the request head is there, before its body has been read."""


@dataclass(slots=True)
class Request:
    """One request as it came over the wire."""

    connection: int
    index: int
    head: bytes
    raw_body: bytes = b""
    body: bytes = b""

    @property
    def raw(self) -> bytes:
        return self.head + self.raw_body

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Field names in lower case and values, in the order of the wire."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines if line)]

    def header(self, name: str) -> str | None:
        """The only value of a field; a field that is there twice is a mistake of the client."""
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) < 2, f"{name} was sent {len(values)} times: {self.head!r}"
        return values[0] if values else None


@dataclass(eq=False, slots=True)
class Peer:
    """One accepted connection, seen from the server."""

    server: ScriptedServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    requests: list[Request] = field(default_factory=list)
    stray: bytearray = field(default_factory=bytearray)
    lost: bool = False

    @property
    def request(self) -> Request:
        return self.requests[-1]

    @property
    def socket(self) -> socket.socket:
        sock: socket.socket = self.writer.get_extra_info("socket")
        return sock

    async def read_request(self, body: bool = True) -> Request | None:
        """The next request; None when the client has gone before its first byte or in the middle of it."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            self.stray += error.partial
            self.lost = True
            return None
        except LOST:
            self.lost = True
            return None
        request = Request(self.number, len(self.requests), head)
        self.requests.append(request)
        self.server.requests.append(request)
        if body:
            await self.read_body()
        return request

    async def read_body(self) -> None:
        request = self.request
        length = request.header("content-length")
        if length is not None:
            request.raw_body = request.body = await self.reader.readexactly(int(length))
        elif request.header("transfer-encoding") == "chunked":
            raw, data = bytearray(), bytearray()
            while True:
                line = await self.reader.readuntil(b"\r\n")
                chunk = await self.reader.readexactly(int(line.split(b";")[0], 16) + 2)
                raw += line + chunk
                data += chunk[:-2]
                if len(chunk) == 2:
                    break
            request.raw_body, request.body = bytes(raw), bytes(data)

    async def send(self, data: bytes) -> None:
        if self.writer.transport.is_closing():
            raise ConnectionResetError("the client has closed the connection")
        self.writer.write(data)
        await self.writer.drain()

    async def flush(self) -> None:
        """Wait until the bytes written so far are with the kernel (uvloop writes at the end of the loop's turn)."""
        transport = self.writer.transport
        await asyncio.sleep(0)
        while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def until_closed(self) -> None:
        """Wait until the client has closed its side; what it still sends is kept in `stray`."""
        with contextlib.suppress(*LOST):
            while data := await self.reader.read(1 << 16):
                self.stray += data
        self.lost = True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(*LOST):
            await self.writer.wait_closed()


def send(data: bytes) -> Step:
    async def step(peer: Peer) -> None:
        await peer.send(data)

    return step


def drip(data: bytes, delay: float = 0.0, size: int = 1) -> Step:
    """Send `size` bytes at a time, `delay` seconds (or one turn of the loop) apart, each in a packet of its own."""

    async def step(peer: Peer) -> None:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), size):
            await peer.send(data[start : start + size])
            if delay:
                await asyncio.sleep(delay)
            else:
                await peer.flush()

    return step


def sleep(seconds: float) -> Step:
    async def step(_: Peer) -> None:
        await asyncio.sleep(seconds)

    return step


def turns(count: int) -> Step:
    """Let `count` turns of the loop pass."""

    async def step(_: Peer) -> None:
        for _turn in range(count):
            await asyncio.sleep(0)

    return step


def expect(count: int) -> Step:
    """Read `count` bytes of whatever the client sends; they are kept in `stray`."""

    async def step(peer: Peer) -> None:
        peer.stray += await peer.reader.readexactly(count)

    return step


def read_body() -> Step:
    async def step(peer: Peer) -> None:
        await peer.read_body()

    return step


def wait(event: asyncio.Event) -> Step:
    async def step(_: Peer) -> None:
        await event.wait()

    return step


def tell(event: asyncio.Event) -> Step:
    async def step(_: Peer) -> None:
        event.set()

    return step


def flush() -> Step:
    async def step(peer: Peer) -> None:
        await peer.flush()

    return step


def fin() -> Step:
    """Close the connection the orderly way (with close_notify where there is TLS)."""

    async def step(peer: Peer) -> None:
        await peer.flush()
        await peer.close()

    return step


def half_close() -> Step:
    """Close the sending side only."""

    async def step(peer: Peer) -> None:
        await peer.flush()
        peer.writer.write_eof()

    return step


def abort() -> Step:
    """Close the socket at once; under TLS the client sees an end of the stream without close_notify."""

    async def step(peer: Peer) -> None:
        await peer.flush()
        peer.writer.transport.abort()

    return step


def rst() -> Step:
    """Reset the connection."""

    async def step(peer: Peer) -> None:
        await peer.flush()
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.writer.transport.abort()

    return step


def stall() -> Step:
    """Send nothing more and wait until the client goes away."""

    async def step(peer: Peer) -> None:
        await peer.until_closed()

    return step


def endless(data: bytes) -> Step:
    """Send `data` again and again until the client goes away."""

    async def step(peer: Peer) -> None:
        with contextlib.suppress(*LOST):
            while not peer.writer.transport.is_closing():
                await peer.send(data)
                await asyncio.sleep(0)
        peer.lost = True

    return step


def response(body: bytes = b"", *, status: str = "200 OK", headers: str = "", length: bool = True) -> bytes:
    """A whole response; `headers` are lines without the line ends between them doubled (`"A: 1\\r\\nB: 2"`)."""
    lines = f"HTTP/1.1 {status}\r\n"
    if length:
        lines += f"Content-Length: {len(body)}\r\n"
    if headers:
        lines += headers + "\r\n"
    return lines.encode("latin-1") + b"\r\n" + body


def chunked(*chunks: bytes, trailers: str = "") -> bytes:
    """A body in chunked coding, its last chunk included."""
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return coded + b"0\r\n" + trailers.encode() + b"\r\n"


class ScriptedServer:
    """Serves scripts by path on 127.0.0.1, one after the other on a connection, until a script closes it.

    Args:
        routes: path → list of steps, or an async function of the `Peer`; the key `"*"` answers every other path, and
            without it the answer is 404.
        tls: the server's context; None for plain TCP.
        accept: steps that run on each new connection before the first request is read.
        host: address to listen on.
        backlog: length of the queue of connections not accepted yet.
    """

    def __init__(
        self,
        routes: Mapping[str, Script] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        accept: Sequence[Step] = (),
        host: str = "127.0.0.1",
        backlog: int = 512,
    ) -> None:
        self.routes: dict[str, Script] = dict(routes or {})
        self.tls = tls
        self.accept = accept
        self.host = host
        self.backlog = backlog
        self.port = 0
        self.requests: list[Request] = []
        self.accepted = 0
        self.peers: set[Peer] = set()
        self.faults: list[BaseException] = []
        self._server: asyncio.Server | None = None
        self._stopped = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """Connections that neither side has closed."""
        return len(self.peers)

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The server's own tasks, for tests that look for tasks left behind by the client."""
        return frozenset(self._tasks)

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"{'https' if self.tls else 'http'}://{host or self.host}:{self.port}{path}"

    def seen(self, path: str) -> list[Request]:
        """The requests for one path, in the order of their arrival."""
        return [request for request in self.requests if request.path == path]

    async def __aenter__(self) -> Self:
        self._stopped = False
        self._server = await asyncio.start_server(
            self._accepted, self.host, self.port, ssl=self.tls, limit=1 << 20, backlog=self.backlog
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()
        if exc is None and self.faults:
            raise ExceptionGroup("the server's scripts failed", [f for f in self.faults if isinstance(f, Exception)])

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._server is None:
            return
        self._stopped = True
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self.peers:
            peer.writer.transport.abort()
        self.peers.clear()
        await self._server.wait_closed()
        self._server = None
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopped:  # it came in the last moment
            writer.transport.abort()
            return
        self.accepted += 1
        peer = Peer(self, reader, writer, self.accepted)
        self.peers.add(peer)  # here, as the task may be cancelled before it has begun
        task = asyncio.ensure_future(self._serve(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, peer: Peer) -> None:
        try:
            for step in self.accept:
                await step(peer)
            while not peer.lost and not peer.writer.transport.is_closing():
                if await peer.read_request(body=False) is None:
                    break
                await self._answer(peer)
        except LOST:
            pass
        except Exception as fault:
            self.faults.append(fault)
        finally:
            self.peers.discard(peer)
            peer.writer.transport.abort()
            with contextlib.suppress(*LOST):
                await peer.writer.wait_closed()  # an error that nobody has taken is reported when it is collected

    async def _answer(self, peer: Peer) -> None:
        script = self.routes.get(peer.request.path, self.routes.get("*"))
        if not isinstance(script, Early):
            await peer.read_body()
        if script is None:
            await peer.send(response(b"no script", status="404 Not Found"))
        elif callable(script):
            await script(peer)
        else:
            for step in script:
                await step(peer)
