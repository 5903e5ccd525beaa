"""Two event loops in two threads, each with a session of its own."""

import asyncio
import sys
import threading

import gazelle

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]


async def work(name: str, url: str) -> None:
    async with gazelle.ClientSession() as session:

        async def worker(number: int) -> None:
            for count in range(50):
                path = f"/echo/{name}/{number}/{count}"
                async with session.get(url + path) as answer:
                    assert await answer.text() == path

        await asyncio.gather(*(worker(number) for number in range(5)))


def main(loop_name: str, url: str) -> None:
    factory = asyncio.new_event_loop if loop_name == "asyncio" else uvloop.new_event_loop
    finished = []

    def run(name: str) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(work(name, url))
        finished.append(name)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(finished))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
