"""Drops responses in the middle of their bodies, and prints what that came to."""

import asyncio
import gc
import json
import os
import sys
import warnings

import gazelle


async def main(url: str) -> None:
    async with gazelle.ClientSession(connector=gazelle.TCPConnector(limit=1)) as session:
        connector = session.connector
        assert connector is not None
        async with session.get(url + "/small") as answer:
            assert await answer.read() == b"small"
        before = len(os.listdir("/dev/fd"))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(50):
                async with asyncio.timeout(60):
                    answer = await session.get(url + "/half")
                assert len(connector._acquired) == 1
                del answer
                gc.collect()
                assert not connector._acquired
        async with asyncio.timeout(60), session.get(url + "/small") as answer:
            assert await answer.read() == b"small"
        messages = [(type(warning.message).__name__, str(warning.message)) for warning in caught]
        await asyncio.sleep(0.05)
        sockets = len(os.listdir("/dev/fd")) - before
    print(json.dumps({"messages": messages, "sockets": sockets}))


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        gazelle.run(main(sys.argv[2]))
    else:
        asyncio.run(main(sys.argv[2]))
