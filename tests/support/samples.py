"""The server that the samples of the documentation talk to."""

import asyncio
import ssl
import threading
from types import TracebackType
from typing import Self

import trustme


class SampleServer:
    """Serves `/`, `/json`, `/echo`, `/slow`, `/missing` and `/bytes/N` in a thread, plain and over TLS."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.port = 0
        self.tls_port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _run(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("127.0.0.1").configure_cert(context)
        plain = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        secure = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port, self.tls_port = (server.sockets[0].getsockname()[1] for server in (plain, secure))
        self._ready.set()
        await self._stop.wait()
        plain.close()
        secure.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, _, length = head.lower().partition(b"content-length:")
                body = await reader.readexactly(int(length.split(b"\r\n", 1)[0] or 0))
                status, kind, reply = await self._answer(head.split(b" ", 2)[1].split(b"?")[0], body)
                writer.write(
                    b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (status, kind, len(reply), reply)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: bytes, body: bytes) -> tuple[bytes, bytes, bytes]:
        if path in (b"/", b"/json"):
            return b"200 OK", b"application/json", b'{"hello": "world"}'
        if path == b"/echo":
            return b"200 OK", b"text/plain; charset=utf-8", body
        if path == b"/slow":
            await asyncio.sleep(5)
        if path.startswith(b"/bytes/"):
            return b"200 OK", b"application/octet-stream", bytes(int(path[7:]))
        return b"404 Not Found", b"text/plain", b"there is nothing here"
