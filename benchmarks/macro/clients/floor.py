"""The floor: a hand-written Protocol that writes a ready-made request and finds the end of the reply by Content-Length.

It does nothing that a client must do for its user (no URL, no header object, no status, no timeout, no pool), so what
it costs is the price of the event loop and the kernel. `HttptoolsProtocol` puts a parser in the place of the search.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from benchmarks.macro.clients import Job
from benchmarks.macro.workloads import Call, Site, Workload


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


MARK = "NUMBER"
"""Stands in for what is different in every request, until everything else has been encoded."""


class Template:
    """The request of a workload as bytes, with the headers a client sends by default.

    What every operation has for itself is still a template of its number: `fill` makes the request of one.
    """

    def __init__(self, workload: Workload, address: str) -> None:
        self._hosts = workload.hosts
        self._marked: list[str] = []
        mapping, key = workload.changing or ("", "")
        target = self._mark(workload.target, "%d") if workload.distinct else workload.target
        if workload.params:
            target += "?" + urlencode(self._vary(workload.params, key if mapping == "params" else None))
        host = self._mark(f"h%d.example:{address.rpartition(':')[2]}") if workload.hosts else address
        fields = {
            "Host": host,
            **self._vary(workload.headers, key if mapping == "headers" else None),
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "Python/3 floor",
        }
        if workload.cookies:
            fields["Cookie"] = workload.cookies
        self.json = workload.json
        body = workload.data
        if workload.form:
            body = urlencode(self._vary(workload.form, key if mapping == "data" else None)).encode()
        if self.json is not None:
            fields |= {"Content-Type": "application/json", "Content-Length": self._mark("%d")}
        elif body is not None:
            kind = "application/x-www-form-urlencoded" if workload.form else "application/octet-stream"
            fields |= {"Content-Type": kind, "Content-Length": str(self._measure(body))}
        lines = [
            f"{workload.method} {target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items()),
            "",
            "",
        ]
        self.request = self._unmark("\r\n".join(lines).encode() + (body or b""))
        """The whole request, where none differs from the next; else what `fill` fills."""

    def _mark(self, text: str, part: str | None = None) -> str:
        """Return *text* with a mark in the place of each *part* of it, by default of the whole."""
        part = part or text
        self._marked += [part] * text.count(part)
        return text.replace(part, MARK)

    def _vary(self, values: Mapping[str, str], key: str | None) -> dict[str, str]:
        return {name: self._mark(value) if name == key else value for name, value in values.items()}

    def _measure(self, body: bytes) -> int:
        """Return the length of the filled *body*, whose numbers have a fixed width."""
        marks = body.count(MARK.encode())
        return len(body) + sum(len(part % 0) - len(MARK) for part in self._marked[len(self._marked) - marks :])

    def _unmark(self, request: bytes) -> bytes:
        if not self._marked:
            return request
        request = request.replace(b"%", b"%%")
        for part in self._marked:
            request = request.replace(MARK.encode(), part.encode(), 1)
        return request

    def filler(self) -> Callable[[int], bytes]:
        """Return the function that makes the request of an operation from its number."""
        request, hosts, count = self.request, self._hosts, len(self._marked)
        if hosts:
            return lambda number: request % (number, number, number % hosts)
        if count == 1:
            return lambda number: request % number
        return lambda number: request % ((number,) * count)


class FloorDriver:
    """One connection per operation in flight, no pool."""

    def __init__(self, job: Job) -> None:
        workload = job.workload
        self._job = job
        self._context = ssl.create_default_context(cafile=job.address.ca) if job.address.ca else None
        self._protocol: Callable[[Job], FloorExchange | HttptoolsProtocol]
        if job.client.name == "httptools":
            self._protocol = HttptoolsProtocol
        else:
            self._protocol = BufferedFloorProtocol if self._context else FloorProtocol
        self._template = Template(workload, f"{workload.host or job.address.host}:{job.address.port}")
        self._idle: dict[int, list[FloorExchange | HttptoolsProtocol]] = {}
        self._numbers = itertools.count()
        self._site = Site(None, None, job.origin, workload.target)
        if callable(workload.bare) and workload.given is not None:
            self._site.given = workload.given(self._site)
        self.repeat = self._choose()

    def _choose(self) -> Callable[[int], Awaitable[Any]]:
        """Return the loop that does no more than the workload needs."""
        workload = self._job.workload
        if callable(workload.bare):
            return self._repeat_call
        if workload.fresh:
            return self._repeat_fresh
        if workload.hosts:
            return self._repeat_crawl
        if workload.json is not None:
            return self._repeat_json
        return self._repeat_numbered if workload.distinct or workload.changing else self._repeat

    async def _connect(self, host: int = 0) -> FloorExchange | HttptoolsProtocol:
        idle = self._idle.setdefault(host, [])
        if idle:
            return idle.pop()
        address = self._job.address
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            lambda: self._protocol(self._job), address.host, address.port, ssl=self._context
        )
        return protocol

    async def _repeat(self, count: int) -> Any:
        protocol = await self._connect()
        create_future = asyncio.get_running_loop().create_future
        write, request, parse_json = protocol.transport.write, self._template.request, self._job.workload.parse_json
        value: Any = None
        for _ in range(count):
            protocol.waiter = create_future()
            write(request)
            value = await protocol.waiter
            if parse_json:
                value = json.loads(value)
        self._idle[0].append(protocol)
        return value

    async def _repeat_numbered(self, count: int) -> bytes:
        protocol = await self._connect()
        create_future = asyncio.get_running_loop().create_future
        write, fill, numbers = protocol.transport.write, self._template.filler(), self._numbers
        body = b""
        for _ in range(count):
            protocol.waiter = create_future()
            write(fill(next(numbers)))
            body = await protocol.waiter
        self._idle[0].append(protocol)
        return body

    async def _repeat_json(self, count: int) -> bytes:
        protocol = await self._connect()
        create_future = asyncio.get_running_loop().create_future
        write, head, value = protocol.transport.write, self._template.request, self._template.json
        body = b""
        for _ in range(count):
            protocol.waiter = create_future()
            text = json.dumps(value).encode()
            write(head % len(text) + text)
            body = await protocol.waiter
        self._idle[0].append(protocol)
        return body

    async def _repeat_crawl(self, count: int) -> bytes:
        create_future = asyncio.get_running_loop().create_future
        fill, numbers, hosts = self._template.filler(), self._numbers, self._job.workload.hosts
        body = b""
        for _ in range(count):
            number = next(numbers)
            host = number % hosts
            protocol = await self._connect(host)
            protocol.waiter = create_future()
            protocol.transport.write(fill(number))
            body = await protocol.waiter
            self._idle[host].append(protocol)
        return body

    async def _repeat_fresh(self, count: int) -> bytes:
        body = b""
        for _ in range(count):
            protocol = await self._connect()
            protocol.waiter = asyncio.get_running_loop().create_future()
            protocol.transport.write(self._template.request)
            body = await protocol.waiter
            protocol.transport.close()
        return body

    async def _repeat_call(self, count: int) -> Any:
        workload = self._job.workload
        value = None
        for _ in range(count):
            value = await cast(Call, workload.bare)(self._site)
        return value

    async def close(self) -> None:
        """Close the idle connections; over TLS without the farewell, for which the loop would have to run on."""
        for idle in self._idle.values():
            for protocol in idle:
                protocol.waiter = None
                protocol.transport.abort()
        self._site.close()
        await asyncio.sleep(0)

    def engine(self) -> str | None:
        """There is only one."""
        return None


async def open_driver(job: Job) -> FloorDriver:
    """Nothing is opened before the first operation."""
    return FloorDriver(job)
