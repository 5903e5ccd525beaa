"""The server that the samples of the documentation talk to."""

import asyncio
import gzip
import hashlib
import ssl
import threading
from base64 import b64encode
from types import TracebackType
from typing import NamedTuple, Self

import trustme

LOGIN = ("ada", "secret")
REALM = "samples"
NONCE = "5bd1e3a2"
PARTS = (
    b'--cut\r\nContent-Type: application/json\r\n\r\n{"part": 1}\r\n'
    b"--cut\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=two.txt\r\n\r\npart 2\r\n"
    b"--cut--\r\n"
)


class Request(NamedTuple):
    """A request as it came; the names of `fields` are in lower case."""

    method: str
    path: str
    fields: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """What is sent back."""

    status: str
    kind: str
    body: bytes
    fields: tuple[str, ...] = ()


class SampleServer:
    """Serves the samples in a thread, plain and over TLS.

    `/` and `/json`, `/echo` (the body), `/fields` (the head), `/slow` (after 5 s), `/missing`, `/bytes/N`, `/lines/N`,
    `/parts` (multipart), `/gzip`, `/redirect/N` (N redirects), `/moved` (308 to `/echo`), `/cookies/set`, `/cookies`
    (the Cookie field), `/basic` and `/digest` (login ada, password secret), `/upload` (how many bytes came).
    """

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
        self._ready.wait(60)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
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
                reply = await self._answer(await _read_request(reader, writer))
                fields = "".join(f"{field}\r\n" for field in reply.fields)
                head = f"HTTP/1.1 {reply.status}\r\nContent-Type: {reply.kind}\r\n{fields}"
                writer.write(f"{head}Content-Length: {len(reply.body)}\r\n\r\n".encode() + reply.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Request) -> Reply:
        path = request.path
        name, _, argument = path[1:].partition("/")
        if path in ("/", "/json"):
            return Reply("200 OK", "application/json", b'{"hello": "world"}')
        if path == "/echo":
            return _text(request.body)
        if path == "/upload":
            return _text(f"{len(request.body)} bytes")
        if path == "/fields":
            return _text("\n".join(f"{field}: {value}" for field, value in request.fields.items()))
        if path == "/gzip":
            return Reply("200 OK", "text/plain", gzip.compress(b"small " * 1000), ("Content-Encoding: gzip",))
        if name == "bytes":
            return Reply("200 OK", "application/octet-stream", bytes(int(argument)))
        if name == "lines":
            return _text("".join(f"line {number}\n" for number in range(int(argument))))
        if path == "/parts":
            return Reply("200 OK", "multipart/mixed; boundary=cut", PARTS)
        if name == "redirect":
            left = int(argument)
            return _redirect("302 Found", f"/redirect/{left - 1}" if left > 1 else "/json")
        if path == "/moved":
            return _redirect("308 Permanent Redirect", "/echo")
        if path == "/cookies/set":
            return Reply("200 OK", "text/plain", b"set", ("Set-Cookie: theme=dark; Path=/; Max-Age=3600",))
        if path == "/cookies":
            return _text(request.fields.get("cookie", ""))
        if name in ("basic", "digest"):
            is_known = _is_basic(request) if name == "basic" else _is_digest(request)
            asks = f'Basic realm="{REALM}"' if name == "basic" else _CHALLENGE
            if is_known:
                return _text(f"hello {LOGIN[0]}")
            return Reply("401 Unauthorized", "text/plain", b"who are you?", (f"WWW-Authenticate: {asks}",))
        if path == "/slow":
            await asyncio.sleep(5)
        return Reply("404 Not Found", "text/plain", b"there is nothing here")


_CHALLENGE = f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=SHA-256'


def _text(text: str | bytes) -> Reply:
    return Reply("200 OK", "text/plain; charset=utf-8", text if isinstance(text, bytes) else text.encode())


def _redirect(status: str, target: str) -> Reply:
    return Reply(status, "text/plain", b"elsewhere", (f"Location: {target}",))


def _is_basic(request: Request) -> bool:
    expected = "Basic " + b64encode(":".join(LOGIN).encode()).decode()
    return request.fields.get("authorization") == expected


def _is_digest(request: Request) -> bool:
    """Whether the answer to the challenge is right (RFC 7616 §3.4.1)."""
    scheme, _, rest = request.fields.get("authorization", "").partition(" ")
    given = {name.strip(): value.strip('"') for name, _, value in (one.partition("=") for one in rest.split(","))}
    if scheme != "Digest":
        return False
    secret = _sha256(f"{LOGIN[0]}:{REALM}:{LOGIN[1]}")
    asked = _sha256(f"{request.method}:{given['uri']}")
    return given["response"] == _sha256(f"{secret}:{NONCE}:{given['nc']}:{given['cnonce']}:{given['qop']}:{asked}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    if fields.get("expect") == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = b""
    if fields.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(fields.get("content-length", "0")))
    method, target, _ = line.split(" ")
    return Request(method, target.partition("?")[0], fields, body)
