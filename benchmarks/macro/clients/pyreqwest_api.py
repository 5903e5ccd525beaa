"""Drives pyreqwest."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

from benchmarks.macro.clients import Job


class PyreqwestDriver:
    """Sends the requests of a workload through one Client."""

    def __init__(self, job: Job, client: Any) -> None:
        self._workload = job.workload
        self._client = client
        self._url = job.workload.target if job.workload.base_url else job.url
        self._numbers = itertools.count()
        self.repeat = self._repeat if job.workload.options() or job.workload.parse_json else self._repeat_plain

    async def _repeat_plain(self, count: int) -> Any:
        client, url, distinct = self._client, self._url, self._workload.distinct
        value: Any = None
        for _ in range(count):
            if distinct:
                number = next(self._numbers)
                response = await client.get(url % (number, number)).build().send()
            else:
                response = await client.get(url).build().send()
            value = await response.bytes()
        return bytes(value)

    async def _repeat(self, count: int) -> Any:
        workload, client, url = self._workload, self._client, self._url
        options = workload.numbered(workload.options())
        body = "form" if workload.form else "body_bytes"
        setters = {"headers": "headers", "params": "query", "json": "body_json", "data": body}
        value: Any = None
        for _ in range(count):
            builder = client.request(workload.method, url)
            for name, option in options(next(self._numbers)).items():
                builder = getattr(builder, setters[name])(option)
            response = await builder.build().send()
            if not workload.parse_json:
                value = bytes(await response.bytes())
            elif response.status == 200 and response.headers["X-RateLimit-Remaining"] and response.headers.get("ETag"):
                value = await response.json()
        return value

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    def engine(self) -> str | None:
        """There is only one."""
        return None


async def open_driver(job: Job) -> PyreqwestDriver:
    """Make a client with pyreqwest's defaults; cookies, which it leaves off, only where the workload is about them."""
    builder = job.module.ClientBuilder().no_proxy()
    if job.address.ca:
        builder = builder.add_root_certificate_pem(await asyncio.to_thread(Path(job.address.ca).read_bytes))
    if job.workload.base_url:
        builder = builder.base_url(job.origin)
    if job.workload.cookies:
        builder = builder.default_cookie_store(True)
    client = builder.build()
    if job.login:
        await client.get(job.login).build().send()
    return PyreqwestDriver(job, client)
