"""The floor: a hand-written Protocol that writes a ready-made request and finds the end of the reply by Content-Length.

It does nothing that a client must do for its user (no URL, no header object, no status, no timeout, no pool), so what
it costs is the price of the event loop and the kernel. `HttptoolsProtocol` puts a parser in the place of the search.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from benchmarks.macro.clients import Job
from benchmarks.macro.workloads import Workload


class FloorExchange(asyncio.BaseProtocol):
    """One connection with at most one request on it."""

    def __init__(self, job: Job) -> None:
        self.transport: asyncio.Transport
        self.waiter: asyncio.Future[bytes] | None = None
        self._parts: list[bytes] = []
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._missing:  # a body that did not come whole
            self._parts.append(data)
            self._missing -= len(data)
            if not self._missing:
                self._finish(b"".join(self._parts))
            return
        if self._parts:  # a head that did not come whole
            data = b"".join(self._parts) + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._parts = [data]
            return
        start = data.find(b"Content-Length: ") + 16
        length = int(data[start : data.find(b"\r", start)])
        missing = end + 4 + length - len(data)
        if not missing:
            self._finish(data[end + 4 :])
            return
        self._parts = [data[end + 4 :]]
        self._missing = missing

    def _finish(self, body: bytes) -> None:
        if self._parts:
            self._parts = []
        cast("asyncio.Future[bytes]", self.waiter).set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_exception(exc or ConnectionResetError("the server closed the connection"))


class FloorProtocol(FloorExchange, asyncio.Protocol):
    """The floor over plain TCP, where the loop's own read buffer is the quickest way."""


class BufferedFloorProtocol(FloorExchange, asyncio.BufferedProtocol):
    """The floor over TLS, where a plain Protocol would make the loop allocate 256 KiB for every read."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._buffer = memoryview(bytearray(64 * 1024))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._buffer[:nbytes]))


class HttptoolsProtocol(asyncio.Protocol):
    """The same with llhttp, as httptools wraps it: every header becomes two bytes objects and a Python call."""

    def __init__(self, job: Job) -> None:
        self.transport: asyncio.Transport
        self.waiter: asyncio.Future[bytes] | None = None
        self._parts: list[bytes] = []
        self._headers: list[tuple[bytes, bytes]] = []
        self._parser = job.module.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """httptools: a response starts."""
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header field."""
        self._headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        """httptools: a piece of the body."""
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """httptools: the response is complete."""
        parts, self._parts = self._parts, []
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        cast("asyncio.Future[bytes]", self.waiter).set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_exception(exc or ConnectionResetError("the server closed the connection"))


def ready_request(workload: Workload, host: str) -> bytes:
    """The request of *workload* as bytes, with the headers a client sends by default."""
    target = workload.target
    if workload.params:
        target += "?" + urlencode(workload.params)
    fields = {
        "Host": host,
        **workload.headers,
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "Python/3 floor",
    }
    if workload.cookies:
        fields["Cookie"] = workload.cookies
    body = workload.body()
    if body is not None:
        fields["Content-Length"] = str(len(body))
        fields["Content-Type"] = "application/json" if workload.json is not None else "application/octet-stream"
    lines = [f"{workload.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + (body or b"")


class FloorDriver:
    """One connection per operation in flight, no pool."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._context = ssl.create_default_context(cafile=job.address.ca) if job.address.ca else None
        self._protocol: Callable[[Job], FloorExchange | HttptoolsProtocol]
        if job.client.name == "httptools":
            self._protocol = HttptoolsProtocol
        else:
            self._protocol = BufferedFloorProtocol if self._context else FloorProtocol
        self._request = ready_request(job.workload, f"{job.workload.host or job.address.host}:{job.address.port}")
        self._idle: list[FloorExchange | HttptoolsProtocol] = []
        self._numbers = itertools.count()
        self.repeat = self._repeat_distinct if job.workload.distinct else self._repeat

    async def _connect(self) -> FloorExchange | HttptoolsProtocol:
        if self._idle:
            return self._idle.pop()
        address = self._job.address
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            lambda: self._protocol(self._job), address.host, address.port, ssl=self._context
        )
        return protocol

    async def _repeat(self, count: int) -> Any:
        protocol = await self._connect()
        create_future = asyncio.get_running_loop().create_future
        write, request, parse_json = protocol.transport.write, self._request, self._job.workload.parse_json
        value: Any = None
        for _ in range(count):
            protocol.waiter = create_future()
            write(request)
            value = await protocol.waiter
            if parse_json:
                value = json.loads(value)
        self._idle.append(protocol)
        return value

    async def _repeat_distinct(self, count: int) -> bytes:
        protocol = await self._connect()
        create_future = asyncio.get_running_loop().create_future
        write, request, numbers = protocol.transport.write, self._request, self._numbers
        body = b""
        for _ in range(count):
            number = next(numbers)
            protocol.waiter = create_future()
            write(request % (number, number))
            body = await protocol.waiter
        self._idle.append(protocol)
        return body

    async def close(self) -> None:
        """Close the idle connections."""
        for protocol in self._idle:
            protocol.waiter = None
            protocol.transport.close()
        await asyncio.sleep(0)

    def engine(self) -> str | None:
        """There is only one."""
        return None


async def open_driver(job: Job) -> FloorDriver:
    """Nothing is opened before the first operation."""
    return FloorDriver(job)
