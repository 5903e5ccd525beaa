"""Drives a client that has aiohttp's API: aiohttp itself and gazelle, by the same code."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, cast

from benchmarks.macro.clients import Job
from benchmarks.macro.workloads import Call, Site


class SessionDriver:
    """Sends the requests of a workload through one ClientSession, written as a user of the API would write it."""

    def __init__(self, job: Job, session: Any) -> None:
        workload = job.workload
        self._job = job
        self._session = session
        self._url = workload.target if workload.base_url else job.url
        self._send = getattr(session, workload.method.lower())
        self._options = workload.options()
        self._numbers = itertools.count()
        self._site = Site(job.module, session, job.origin, workload.target)
        if workload.given is not None:
            self._site.given = workload.given(self._site)
        self.repeat = self._choose()

    def _choose(self) -> Callable[[int], Awaitable[Any]]:
        """Return the loop that does no more than the workload needs."""
        workload = self._job.workload
        if workload.call is not None:
            return self._repeat_call
        if workload.parse_json:
            return self._repeat_json
        if workload.distinct:
            return self._repeat_distinct
        if workload.changing is not None:
            return self._repeat_changing
        return self._repeat_with_options if self._options else self._repeat_plain

    async def _repeat_call(self, count: int) -> Any:
        call, site = cast(Call, self._job.workload.call), self._site
        value = None
        for _ in range(count):
            value = await call(site)
        return value

    async def _repeat_plain(self, count: int) -> bytes:
        send, url = self._send, self._url
        body = b""
        for _ in range(count):
            async with send(url) as response:
                body = await response.read()
        return body

    async def _repeat_with_options(self, count: int) -> bytes:
        send, url, options = self._send, self._url, self._options
        body = b""
        for _ in range(count):
            async with send(url, **options) as response:
                body = await response.read()
        return body

    async def _repeat_changing(self, count: int) -> bytes:
        send, url, numbers = self._send, self._url, self._numbers
        options = self._job.workload.numbered(self._options)
        body = b""
        for _ in range(count):
            async with send(url, **options(next(numbers))) as response:
                body = await response.read()
        return body

    async def _repeat_distinct(self, count: int) -> bytes:
        send, url, numbers = self._send, self._url, self._numbers
        body = b""
        for _ in range(count):
            number = next(numbers)
            async with send(url % (number, number)) as response:
                body = await response.read()
        return body

    async def _repeat_json(self, count: int) -> Any:
        send, url = self._send, self._url
        value = None
        for _ in range(count):
            async with send(url) as response:
                if (
                    response.status == 200
                    and response.headers["X-RateLimit-Remaining"]
                    and response.headers.get("ETag")
                ):
                    value = await response.json()
        return value

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()
        self._site.close()

    def engine(self) -> str | None:
        """Tell whether the compiled engine is in use."""
        module = self._job.module
        if module.__name__ == "gazelle":
            return str(module.__impl__)
        parser = module.http_parser.HttpResponseParser
        return "python" if parser is module.http_parser.HttpResponseParserPy else "c"


async def open_driver(job: Job) -> SessionDriver:
    """Make a session with the client's defaults; only what the workload needs is set."""
    options: dict[str, Any] = job.workload.session(job.module) if job.workload.session else {}
    if job.address.ca:
        options["connector"] = job.module.TCPConnector(ssl=ssl.create_default_context(cafile=job.address.ca))
    if job.workload.base_url:
        options["base_url"] = job.origin
    session = job.module.ClientSession(**options)
    if job.login:
        async with session.get(job.login) as response:
            await response.read()
    return SessionDriver(job, session)
