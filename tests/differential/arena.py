"""Makes a call through a library against a server of its own, and writes down all that can be told apart."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import warnings
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from yarl import URL

from tests.support.punctual import Lateness
from tests.support.server import Request, ScriptedServer

from .call import Call, Library

Transcript = dict[str, object]
"""What was seen, by the name of what was looked at."""

LIMIT = 60.0
"""Seconds that a call may take in all."""

_USER_AGENT = re.compile(r"Python/[\d.]+ (?:aiohttp|gazelle)/[\w.+]+")
_BOUNDARY = re.compile(rb"boundary=([0-9a-f]{32})")
_RANDOM_BOUNDARY = re.compile(r"boundary=[0-9a-f]{32}")
_FAMILY = (OSError, TimeoutError, ValueError, TypeError, RuntimeError, LookupError, ConnectionError, ssl.SSLError)


class Arena:
    """Runs calls, one after the other, in one event loop.

    Args:
        server_tls: context of the servers that speak TLS.

    `late` adds up by how many seconds the event loop was late.
    """

    def __init__(self, server_tls: ssl.SSLContext) -> None:
        self._runner = asyncio.Runner()
        self._server_tls = server_tls
        self.late = 0.0

    def close(self) -> None:
        """Closes the event loop."""
        self._runner.close()

    def transcript(self, library: Library, call: Call) -> Transcript:
        """Makes a call through a library and returns what was seen."""
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            transcript = self._runner.run(self._run(library, call))
        transcript["warnings"] = sorted(
            {warning.category.__name__ for warning in seen if not issubclass(warning.category, ResourceWarning)}
        )
        return transcript

    async def _run(self, library: Library, call: Call) -> Transcript:
        async with ScriptedServer(call.routes, tls=self._server_tls if call.tls else None) as server:
            seen: Transcript = {}
            lateness = Lateness()
            async with asyncio.timeout(LIMIT):
                await _converse(library, call, server, seen)
            await _settle(server)
            self.late += lateness.seconds
            lateness.stop()
            if not call.tls or server.requests:  # a handshake that the client ends is seen or not by the server
                seen["connections"] = server.accepted
            for number, request in enumerate(server.requests, 1):
                head, body = _as_sent(request)
                seen[f"request {number}: head"] = head
                seen[f"request {number}: body"] = body
                seen[f"request {number}: content"] = _in_common(request.body, request.head)
                seen[f"request {number}: connection"] = request.connection
            seen["requests"] = len(server.requests)
            seen["requests that are none"] = len(server.faults)
            server.faults.clear()
        neutral: Transcript = _neutral(seen, server.port)
        return neutral


async def _converse(library: Library, call: Call, server: ScriptedServer, seen: Transcript) -> None:
    base = server.url("")
    try:
        session = library.ClientSession(**{"timeout": library.ClientTimeout(total=LIMIT - 1)} | call.session(library))
    except Exception as error:
        _tell(seen, "session: ", error)
        return
    try:
        if call.talk is not None:
            await _attempt(seen, "talk", lambda: call.talk(library, session, base))  # type: ignore[misc]
        else:
            for number in range(call.times):
                prefix = "" if call.times == 1 else f"call {number + 1}: "
                await _request(library, session, call, base, seen, prefix)
        seen["jar"] = sorted(
            (cookie["domain"], cookie["path"], cookie.key, cookie.value) for cookie in session.cookie_jar
        )
    finally:
        await session.close()


async def _request(library: Library, session: Any, call: Call, base: str, seen: Transcript, prefix: str) -> None:
    url = call.url.replace("{port}", base.rpartition(":")[2])
    url = base + url if url.startswith("/") else url
    try:
        async with session.request(call.method, url, **call.options(library)) as response:
            seen[prefix + "outcome"] = "response"
            observe_head(seen, prefix, response)
            if call.look is not None:
                await _attempt(seen, prefix + "look", lambda: call.look(library, response))  # type: ignore[misc]
            else:
                await observe_body(seen, prefix, response)
        seen[prefix + "closed"] = response.closed, response.connection is None
    except Exception as error:
        _tell(seen, prefix, error)


async def _attempt(seen: Transcript, name: str, action: Callable[[], Awaitable[object]]) -> None:
    try:
        seen[name] = await action()
    except Exception as error:
        seen[name] = _name(error)


def _name(error: BaseException) -> str:
    return f"raises {type(error).__name__}"


def _tell(seen: Transcript, prefix: str, error: Exception) -> None:
    """Writes down an exception: its name, what it can be caught as, and what can be read off it."""
    seen[prefix + "outcome"] = _name(error)
    seen[prefix + "error: caught as"] = [family.__name__ for family in _FAMILY if isinstance(error, family)]
    for name in ("status", "errno", "host", "code"):
        with contextlib.suppress(AttributeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seen[prefix + f"error: {name}"] = getattr(error, name)
    if hasattr(error, "history"):
        seen[prefix + "error: history"] = [(item.status, str(item.url)) for item in error.history]


def observe_head(seen: Transcript, prefix: str, response: Any) -> None:
    """Writes down everything about a response but its body."""
    looks: dict[str, Callable[[], object]] = {
        "status": lambda: response.status,
        "reason": lambda: response.reason,
        "version": lambda: tuple(response.version),
        "method": lambda: response.method,
        "ok": lambda: response.ok,
        "url": lambda: str(response.url),
        "real_url": lambda: str(response.real_url),
        "host": lambda: response.host,
        "headers": lambda: list(response.headers.items()),
        "raw_headers": lambda: list(response.raw_headers),
        "content_type": lambda: response.content_type,
        "charset": lambda: response.charset,
        "content_disposition": lambda: _disposition(response.content_disposition),
        "cookies": lambda: sorted((name, morsel.OutputString()) for name, morsel in response.cookies.items()),
        "links": lambda: [
            (key, [(name, str(value)) for name, value in link.items()]) for key, link in response.links.items()
        ],
        "history": lambda: [(item.status, item.method, str(item.url), item.closed) for item in response.history],
        "request_info": lambda: (
            str(response.request_info.url),
            response.request_info.method,
            str(response.request_info.real_url),
        ),
        "request_info.headers": lambda: list(response.request_info.headers.items()),
    }
    for name, look in looks.items():
        try:
            seen[prefix + name] = look()
        except Exception as error:
            seen[prefix + name] = _name(error)


def _disposition(value: Any) -> object:
    return None if value is None else (value.type, value.filename, dict(value.parameters))


async def observe_body(seen: Transcript, prefix: str, response: Any) -> None:
    """Writes down the body in every form it can be had in."""
    await _attempt(seen, prefix + "body", response.read)
    await _attempt(seen, prefix + "text", response.text)
    await _attempt(seen, prefix + "json", response.json)
    await _attempt(seen, prefix + "json of any type", lambda: response.json(content_type=None))


async def _settle(server: ScriptedServer) -> None:
    """Waits until the server has seen that the client is gone."""
    until = asyncio.get_running_loop().time() + 0.3
    while server.open and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def _as_sent(request: Request) -> tuple[list[str], bytes]:
    lines = _in_common(request.head, request.head).decode("latin-1").split("\r\n")[:-2]
    return lines, _in_common(request.raw_body, request.head)


def _in_common(data: bytes, head: bytes) -> bytes:
    """Returns bytes with the random boundary of a multipart body made the same."""
    boundary = _BOUNDARY.search(head)
    return data if boundary is None else data.replace(boundary[1], b"BOUNDARY")


def _neutral(value: Any, port: int) -> Any:
    """Returns a value without what differs from server to server and from library to library on purpose."""
    if isinstance(value, str):
        value = _RANDOM_BOUNDARY.sub("boundary=BOUNDARY", _USER_AGENT.sub("USER-AGENT", value))
        return value.replace(str(port), "PORT")
    if isinstance(value, bytes):
        return _neutral(value.decode("latin-1"), port).encode("latin-1")
    if isinstance(value, dict):
        return {_neutral(key, port): _neutral(item, port) for key, item in value.items()}
    if isinstance(value, URL):
        return _neutral(str(value), port)
    if isinstance(value, list | tuple):
        return type(value)(_neutral(item, port) for item in value)
    return value


def differing(one: Transcript, other: Transcript) -> set[str]:
    """Returns the names of what was seen differently.

    Where one side got a response and the other none, that is one difference, and not one for each part of the response.
    """
    names = {name for name in one.keys() | other.keys() if one.get(name, _MISSING) != other.get(name, _MISSING)}
    only_there = {name for name in names if name not in one or name not in other}
    parted = [name.removesuffix("outcome") for name in names if name.endswith("outcome")]
    return names - {
        name
        for name in only_there
        if not name.startswith("request ") and any(name.startswith(prefix) for prefix in parted)
    } | {prefix + "outcome" for prefix in parted}


def result(transcript: Transcript) -> str:
    """Returns what came of a call in a few words: `response`, `response, body raises …`, `raises …`."""
    outcomes = {
        f"session {value}" if name.startswith("session: ") else str(value)
        for name, value in transcript.items()
        if name.endswith("outcome")
    }
    body = str(transcript.get("body", ""))
    return " and ".join(sorted(outcomes)) + (f", body {body}" if body.startswith("raises ") else "")


def report(names: Iterable[str], one: Transcript, other: Transcript) -> str:
    """Returns differences as text, aiohttp's side first."""
    return "\n".join(
        f"{name}:\n    aiohttp  {one.get(name, _MISSING)!r}\n    gazelle  {other.get(name, _MISSING)!r}"
        for name in sorted(names)
    )


class _Missing:
    def __repr__(self) -> str:
        return "(not there)"


_MISSING = _Missing()
