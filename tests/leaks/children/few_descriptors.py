"""Makes more requests at once than it may open sockets, and goes on when it may open more."""

import asyncio
import collections
import errno
import json
import os
import resource
import sys

import gazelle


async def fetch(session: gazelle.ClientSession, url: str) -> bytes:
    async with session.get(url) as answer:
        return await answer.read()


async def main(url: str) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=0)) as session:
        assert await fetch(session, url + "/small") == b"small"
        used = len(os.listdir("/dev/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 40, most))
        results = await asyncio.gather(*(fetch(session, url + "/small") for _ in range(200)), return_exceptions=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 400, most))
        connector = session.connector
        assert connector is not None
        clean = not connector._acquired and not connector._waiters
        again = await asyncio.gather(*(fetch(session, url + "/small") for _ in range(100)))
    kinds = collections.Counter(
        f"{type(result).__name__} {errno.errorcode.get(result.errno or 0)}"
        if isinstance(result, gazelle.ClientConnectorError)
        else repr(result)
        for result in results
    )
    print(json.dumps({"kinds": kinds, "clean": clean, "again": again.count(b"small")}))


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        gazelle.run(main(sys.argv[2]))
    else:
        asyncio.run(main(sys.argv[2]))
