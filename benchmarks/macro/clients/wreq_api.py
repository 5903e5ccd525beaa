"""Drives wreq."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from benchmarks.macro.clients import Job


class WreqDriver:
    """Sends the requests of a workload through one Client."""

    def __init__(self, job: Job, client: Any) -> None:
        workload = job.workload
        self._workload = workload
        self._client = client
        self._url = job.url
        self._send = getattr(client, workload.method.lower())
        self._options = workload.options()
        self._numbers = itertools.count()

    async def repeat(self, count: int) -> Any:
        """Do *count* requests and read each body."""
        workload, send, url = self._workload, self._send, self._url
        options = workload.numbered(self._options) if self._options else None
        value: Any = None
        for _ in range(count):
            if workload.distinct:
                number = next(self._numbers)
                response = await send(url % (number, number))
            elif options:
                response = await send(url, **self._rename(options(next(self._numbers))))
            else:
                response = await send(url)
            if not workload.parse_json:
                value = await response.bytes()
            elif response.headers["X-RateLimit-Remaining"] and response.headers.get("ETag"):
                value = await response.json()
        return value if workload.parse_json else bytes(value)

    def _rename(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return *options* under wreq's names."""
        names = {"params": "query", "data": "form" if self._workload.form else "body"}
        return {names.get(name, name): value for name, value in options.items()}

    async def close(self) -> None:
        """wreq's Client has nothing to close by hand: its connections go with it."""
        self._client = None

    def engine(self) -> str | None:
        """There is only one."""
        return None


async def open_driver(job: Job) -> WreqDriver:
    """Make a client with wreq's defaults; cookies, which it leaves off, only where the workload is about them.

    wreq has no base_url: the `base_url` workload gets whole URLs.
    """
    options: dict[str, Any] = {"no_proxy": True}
    if job.address.ca:
        options["tls_verify"] = Path(job.address.ca)
    if job.workload.cookies:
        options["cookie_store"] = True
    client = job.module.Client(**options)
    if job.login:
        await (await client.get(job.login)).bytes()
    return WreqDriver(job, client)
