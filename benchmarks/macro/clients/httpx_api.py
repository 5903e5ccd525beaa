"""Drives httpx."""

from __future__ import annotations

import itertools
import ssl
from typing import Any

from benchmarks.macro.clients import Job


class HttpxDriver:
    """Sends the requests of a workload through one AsyncClient."""

    def __init__(self, job: Job, client: Any) -> None:
        workload = job.workload
        self._workload = workload
        self._client = client
        self._url = workload.target if workload.base_url else job.url
        options = workload.options()
        if workload.data is not None:
            options["content"] = options.pop("data")
        self._options = workload.numbered(options)
        self._numbers = itertools.count()

    async def repeat(self, count: int) -> Any:
        """Do *count* requests; httpx reads the body before it returns the response."""
        workload, send, url, options = self._workload, self._client.request, self._url, self._options
        value: Any = None
        for _ in range(count):
            if workload.distinct:
                number = next(self._numbers)
                response = await send(workload.method, url % (number, number))
            else:
                response = await send(workload.method, url, **options(next(self._numbers)))
            if not workload.parse_json:
                value = response.content
            elif (
                response.status_code == 200
                and response.headers["X-RateLimit-Remaining"]
                and response.headers.get("ETag")
            ):
                value = response.json()
        return value

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    def engine(self) -> str | None:
        """There is only one."""
        return None


async def open_driver(job: Job) -> HttpxDriver:
    """Make a client with httpx's defaults."""
    options: dict[str, Any] = {"trust_env": False}
    if job.address.ca:
        options["verify"] = ssl.create_default_context(cafile=job.address.ca)
    if job.workload.base_url:
        options["base_url"] = job.origin
    client = job.module.AsyncClient(**options)
    if job.login:
        await client.get(job.login)
    return HttpxDriver(job, client)
