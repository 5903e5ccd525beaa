"""Makes requests that end in every way there is, and prints what the process holds after each batch of them."""

import asyncio
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable

import gazelle

WARM_UP = 2
BATCHES = 4
BATCH = 500


async def read_whole(session: gazelle.ClientSession, url: str) -> None:
    async with session.get(url + "/small") as answer:
        assert await answer.text() == "small"


async def read_large(session: gazelle.ClientSession, url: str) -> None:
    async with session.get(url + "/large") as answer:
        assert len(await answer.read()) == 300_000


async def read_stream(session: gazelle.ClientSession, url: str) -> None:
    async with session.get(url + "/chunked") as answer:
        async for _ in answer.content.iter_chunked(100):
            pass


async def read_until_eof(session: gazelle.ClientSession, url: str) -> None:
    async with session.get(url + "/until-eof") as answer:
        assert await answer.read() == b"all of it"


async def post_json(session: gazelle.ClientSession, url: str) -> None:
    async with session.post(url + "/small", json={"a": [1, 2, 3]}, headers={"X-One": "1"}) as answer:
        assert answer.headers["Content-Length"] == "5"


async def ask_head(session: gazelle.ClientSession, url: str) -> None:
    async with session.head(url + "/empty", params={"q": "1"}) as answer:
        assert answer.status == 204


async def leave_early(session: gazelle.ClientSession, url: str) -> None:
    async with session.get(url + "/half") as answer:
        assert answer.status == 200


async def close_early(session: gazelle.ClientSession, url: str) -> None:
    answer = await session.get(url + "/half")
    answer.close()


async def lose_the_body(session: gazelle.ClientSession, url: str) -> None:
    try:
        async with session.get(url + "/cut") as answer:
            await answer.read()
    except gazelle.ClientPayloadError:
        return
    raise AssertionError


async def lose_the_head(session: gazelle.ClientSession, url: str) -> None:
    try:
        await session.get(url + "/gone")
    except (gazelle.ServerDisconnectedError, gazelle.ClientOSError):
        return
    raise AssertionError


async def hear_nonsense(session: gazelle.ClientSession, url: str) -> None:
    try:
        await session.get(url + "/nonsense")
    except gazelle.ClientResponseError:
        return
    raise AssertionError


async def fail_by_status(session: gazelle.ClientSession, url: str) -> None:
    try:
        await session.get(url + "/missing", raise_for_status=True)
    except gazelle.ClientResponseError:
        return
    raise AssertionError


async def run_out_of_time(session: gazelle.ClientSession, url: str) -> None:
    try:
        async with session.get(url + "/half", timeout=gazelle.ClientTimeout(total=0.005)) as answer:
            await answer.read()
    except TimeoutError:
        return
    raise AssertionError


async def be_cancelled(session: gazelle.ClientSession, url: str) -> None:
    task = asyncio.ensure_future(read_stream(session, url))
    for _ in range(4):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def be_refused(session: gazelle.ClientSession, url: str) -> None:
    try:
        await session.get("http://127.0.0.1:1/")
    except gazelle.ClientConnectorError:
        return
    raise AssertionError


async def ask_for_nonsense(session: gazelle.ClientSession, url: str) -> None:
    try:
        await session.get(url, headers={"X": "a\r\nb"})
    except ValueError:
        return
    raise AssertionError


async def open_a_session(session: gazelle.ClientSession, url: str) -> None:
    async with gazelle.request("GET", url + "/small") as answer:
        await answer.read()


KINDS: list[Callable[[gazelle.ClientSession, str], Awaitable[None]]] = [
    read_whole,
    read_large,
    read_stream,
    read_until_eof,
    post_json,
    ask_head,
    leave_early,
    close_early,
    lose_the_body,
    lose_the_head,
    hear_nonsense,
    fail_by_status,
    run_out_of_time,
    be_cancelled,
    be_refused,
    ask_for_nonsense,
    open_a_session,
]


async def batch(url: str) -> None:
    """Requests of all kinds in a session of their own, ten at a time."""
    numbers = iter(range(BATCH))
    async with gazelle.ClientSession() as session:

        async def worker() -> None:
            for number in numbers:
                await KINDS[number % len(KINDS)](session, url)

        await asyncio.gather(*(worker() for _ in range(10)))
        connector = session.connector
        assert connector is not None
        assert not connector._acquired
        assert not connector._waiters
    await asyncio.sleep(0.05)


def held() -> dict[str, int]:
    gc.collect()
    gc.collect()
    return {
        "blocks": sys.getallocatedblocks(),
        "objects": len(gc.get_objects()),
        "descriptors": len(os.listdir("/dev/fd")),
        "tasks": len(asyncio.all_tasks()),
    }


async def main(url: str) -> None:
    for _ in range(WARM_UP):
        await batch(url)
    seen = [held()]
    for _ in range(BATCHES):
        await batch(url)
        seen.append(held())
    print(json.dumps({"seen": seen}))


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        gazelle.run(main(sys.argv[2]))
    else:
        asyncio.run(main(sys.argv[2]))
