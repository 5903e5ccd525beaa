"""The replies of the benchmark server, complete in memory, and the protocol that answers with them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from itertools import cycle
from typing import cast

SMALL_BODY = b'{"hello":"wrld"}'
"""The 16 bytes of `/` and of everything under `/any/`."""

JSON_BODY = json.dumps(
    {
        "id": 1729,
        "name": "thomson's gazelle",
        "latin": "Eudorcas thomsonii",
        "tags": ["mammal", "bovid", "savanna", "fast"],
        "speed": {"sprint_kmh": 88.5, "cruise_kmh": 64.0, "verified": True},
        "range": [{"country": "KE", "share": 0.46}, {"country": "TZ", "share": 0.54}],
        "owner": {"login": "serengeti", "url": "https://api.example.org/users/serengeti", "admin": False},
        "description": "A small antelope of the plains; what it lacks in size it makes up for in turns.",
        "created_at": "2026-01-14T08:12:54Z",
        "updated_at": "2026-11-20T19:40:01Z",
        "parent": None,
        "links": {"self": "/v1/animals/1729", "next": "/v1/animals/1730"},
    },
).encode()
"""The body of `/json`, about 640 bytes."""

LOGIN_COOKIES = ("sid=3f9a6c1be2; Path=/; HttpOnly; SameSite=Lax", "pref=dark-4; Path=/; Max-Age=31536000")
"""What `/login` sets: a cookie of the session, and one that expires."""

CHUNKS = tuple(b"%015d\n" % number * 16 for number in range(16))
"""The 16 chunks of 256 bytes of `/chunked`."""

PIECE = b"gazelle\n" * (256 * 1024 // 8)
"""What `/bytes/N` repeats."""

WHOLE_LIMIT = 64 * 1024
"""Bodies of `/bytes/N` up to this many bytes leave in one write with their head."""

HEAD_LIMIT = 64 * 1024
"""A request head larger than this many bytes closes the connection."""

_FIELD = re.compile(rb"(?:^|\n)(content-length|transfer-encoding|connection|expect):[ \t]*([^\r\n]*)", re.IGNORECASE)


def _head(status: str, fields: list[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("ascii")


DATE = b"{date}"
"""Where these bytes stand in a reply of a caller's own, the server puts the current Date."""

Replies = Mapping[str, Sequence[bytes]]
"""Replies of a caller's own by request target; several of one target are given in turn."""


def reply(status: str, fields: Sequence[tuple[str, str]] = (), body: bytes = b"", *, length: bool = True) -> bytes:
    """Return a complete reply with a Date and, unless *length* is false, a Content-Length."""
    every = [("Server", "canned"), ("Date", DATE.decode()), *fields]
    if length:
        every.append(("Content-Length", str(len(body))))
    return _head(status, every) + body


def chunked(chunks: Sequence[bytes]) -> bytes:
    """Return *chunks* in the chunked transfer coding, without trailers (RFC 9112, 7.1)."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def end_of_chunked(data: bytes) -> int | None:
    """Return the index behind the chunked body that *data* begins with, None while it is incomplete.

    Raises `ValueError` for a chunk size that is not hexadecimal. Trailers are not supported.
    """
    position = 0
    while (line_end := data.find(b"\r\n", position)) >= 0:
        size = int(data[position:line_end].partition(b";")[0], 16)
        position = line_end + 2 + size + 2
        if not size:
            return position if position <= len(data) else None
    return None


def _build_replies(date: str) -> dict[bytes, bytes]:
    """All replies that do not depend on the request, complete with head, by request target."""
    plain = [("Server", "canned"), ("Date", date)]
    typed = [*plain, ("Content-Type", "application/json")]
    json_fields = [
        ("Date", date),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(JSON_BODY))),
        ("Connection", "keep-alive"),
        ("Cache-Control", "no-cache, no-store, must-revalidate"),
        ("ETag", 'W/"2c4-9f2d4b7a1e"'),
        ("Vary", "Accept-Encoding, Origin"),
        ("X-Request-Id", "5c1a0f1e-8f0c-4c55-9d6c-0d6f4c7f9a10"),
        ("X-RateLimit-Limit", "5000"),
        ("X-RateLimit-Remaining", "4987"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ("Set-Cookie", "sid=3f9a6c1be2; Path=/; HttpOnly; SameSite=Lax"),
    ]
    length = ("Content-Length", str(len(SMALL_BODY)))
    return {
        b"/": _head("200 OK", [*typed, length]) + SMALL_BODY,
        b"/login": _head("200 OK", [*typed, length, *(("Set-Cookie", cookie) for cookie in LOGIN_COOKIES)])
        + SMALL_BODY,
        b"/json": _head("200 OK", json_fields) + JSON_BODY,
        b"/chunked": _head("200 OK", [*plain, ("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked")])
        + chunked(CHUNKS),
        b"/empty": _head("204 No Content", plain),
        b"/close": _head("200 OK", [*typed, length, ("Connection", "close")]) + SMALL_BODY,
    }


class Canned:
    """The replies of one server process; their Date is renewed every second, as a real server's is."""

    def __init__(self, loop: asyncio.AbstractEventLoop, replies: Replies | None = None) -> None:
        self._loop = loop
        self._given = replies or {}
        self.whole: dict[bytes, bytes] = {}  # the exact bytes of a complete request -> its reply
        self.fields: dict[bytes, _Fields] = {}  # everything after the request line -> what it says
        self.replies: dict[bytes, bytes] = {}  # request target -> reply
        self.turns: dict[bytes, Iterator[bytes]] = {}  # request target -> replies that are given in turn
        self.date = ""
        self._renew()

    def _renew(self) -> None:
        self.date = formatdate(usegmt=True)
        self.replies = _build_replies(self.date)
        for target, given in self._given.items():
            dated = [one.replace(DATE, self.date.encode()) for one in given]
            if len(dated) == 1:
                self.replies[target.encode()] = dated[0]
            else:
                self.turns[target.encode()] = cycle(dated)
        self.whole.clear()
        self._loop.call_later(1.0, self._renew)

    def remember(self, request: bytes, reply: bytes) -> None:
        """Answer *request*, if it comes again byte for byte, without looking into it."""
        if len(self.whole) < 1024 and len(request) <= 16384:
            self.whole[request] = reply

    def read_fields(self, rest: bytes) -> _Fields:
        """What the header section *rest* says about the body and the connection; equal sections are read once."""
        fields = self.fields.get(rest)
        if fields is None:
            fields = _Fields.parse(rest)
            if len(self.fields) < 1024:
                self.fields[rest] = fields
        return fields

    def received(self, count: int) -> bytes:
        """The reply of `/post` to a body of *count* bytes."""
        body = b'{"received":%d}' % count
        head = _head(
            "200 OK",
            [
                ("Server", "canned"),
                ("Date", self.date),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
            ],
        )
        return head + body


@dataclass(frozen=True, slots=True)
class _Fields:
    length: int
    chunked: bool
    close: bool
    expect: bool

    @classmethod
    def parse(cls, rest: bytes) -> _Fields:
        found = {name.lower(): value.strip().lower() for name, value in _FIELD.findall(rest)}
        length = found.get(b"content-length", b"0")
        return cls(
            length=int(length) if length.isdigit() else 0,
            chunked=b"transfer-encoding" in found,
            close=b"close" in found.get(b"connection", b""),
            expect=found.get(b"expect", b"") == b"100-continue",
        )


class CannedExchange(asyncio.BaseProtocol):
    """One connection: finds the end of each request, however cut or pipelined, and writes the reply kept for it."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._whole = canned.whole
        self._transport: asyncio.Transport
        self._buffer = b""  # input that could not be answered yet
        self._chunked: Callable[[], None] | None = None  # due when the chunked body of the current request has come
        self._body_left = 0  # bytes of the current request body still to come
        self._after_body: Callable[[], None] | None = None  # due when the body has come, or the streamed reply has gone
        self._stream_left = 0  # bytes of a /bytes/N reply still to write
        self._paused = False
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        # The common case: one request, whole, seen before. Nothing may be waiting before it.
        if not self._buffer and not self._body_left and not self._stream_left:
            reply = self._whole.get(data)
            if reply is not None:
                self._transport.write(reply)
                return
        self._buffer += data
        self._work()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._stream_left:
            self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._stream_left = 0

    def _work(self) -> None:
        """Answer what is complete in the buffer, in order; a streamed reply holds back what comes behind it."""
        while self._buffer and not self._stream_left and not self._closing:
            if self._body_left:
                taken = min(self._body_left, len(self._buffer))
                self._body_left -= taken
                self._buffer = self._buffer[taken:]
                if self._body_left:
                    return
                self._finish()
                continue
            if self._chunked is not None:
                if not self._end_chunked():
                    return
                continue
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_LIMIT:
                    self._refuse("431 Request Header Fields Too Large")
                return
            request, self._buffer = self._buffer[: end + 4], self._buffer[end + 4 :]
            self._begin(request)

    def _begin(self, request: bytes) -> None:
        line, _, rest = request.partition(b"\r\n")
        parts = line.split(b" ")
        if len(parts) != 3:
            self._refuse("400 Bad Request")
            return
        method, target, version = parts
        fields = self._canned.read_fields(rest)
        if fields.expect:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        close = fields.close or version == b"HTTP/1.0"
        if fields.chunked:
            self._chunked = lambda: self._answer(method, target, 0, close)
            return
        if not fields.length:
            self._answer(method, target, 0, close)
            if not close and method == b"GET" and target in self._canned.replies and target != b"/close":
                self._canned.remember(request, self._canned.replies[target])
            return
        length = fields.length
        if len(self._buffer) >= length:
            body, self._buffer = self._buffer[:length], self._buffer[length:]
            self._answer(method, target, length, close)
            if not close and target == b"/post" and len(request) + length <= 16384:
                self._canned.remember(request + body, self._canned.received(length))
            return
        self._body_left = length
        self._after_body = lambda: self._answer(method, target, length, close)

    def _end_chunked(self) -> bool:
        """Take the chunked body of the current request off the buffer and answer; false while it is incomplete."""
        try:
            end = end_of_chunked(self._buffer)
        except ValueError:
            self._refuse("400 Bad Request")
            return False
        answer = self._chunked
        if end is None or answer is None:
            return False
        self._chunked, self._buffer = None, self._buffer[end:]
        answer()
        return True

    def _finish(self) -> None:
        answer, self._after_body = self._after_body, None
        if answer is not None:
            answer()

    def _answer(self, method: bytes, target: bytes, received: int, close: bool) -> None:
        turn = self._canned.turns.get(target)
        reply = self._canned.replies.get(target) if turn is None else next(turn)
        if reply is None:
            path = target.partition(b"?")[0]
            if target.startswith(b"/any/"):
                reply = self._canned.replies[b"/"]
            elif path == b"/post":
                reply = self._canned.received(received)
            elif path.startswith(b"/bytes/") and path[7:].isdigit():
                self._send_bytes(int(path[7:]), method, close)
                return
            else:
                reply = self._canned.replies.get(path) or _head("404 Not Found", [("Content-Length", "0")])
        if method == b"HEAD":
            reply = reply[: reply.index(b"\r\n\r\n") + 4]
        self._transport.write(reply)
        if close or target == b"/close":
            self._close()

    def _send_bytes(self, count: int, method: bytes, close: bool) -> None:
        fields = [
            ("Date", self._canned.date),
            ("Content-Type", "application/octet-stream"),
            ("Content-Length", str(count)),
        ]
        if close:
            fields.append(("Connection", "close"))
        head = _head("200 OK", fields)
        if method == b"HEAD" or count <= WHOLE_LIMIT:
            self._transport.write(head if method == b"HEAD" else head + PIECE[:count])
            if close:
                self._close()
            return
        self._transport.write(head)
        self._stream_left = count
        self._after_body = self._close if close else None
        self._pump()

    def _pump(self) -> None:
        """Write the next pieces of a large body; other connections get their turn after each MiB."""
        for _ in range(4):
            if self._paused or not self._stream_left:
                break
            size = min(self._stream_left, len(PIECE))
            self._transport.write(PIECE if size == len(PIECE) else PIECE[:size])
            self._stream_left -= size
        if self._stream_left:
            if not self._paused:
                asyncio.get_running_loop().call_soon(self._pump)
            return
        self._finish()
        self._work()

    def _refuse(self, status: str) -> None:
        self._transport.write(_head(status, [("Content-Length", "0"), ("Connection", "close")]))
        self._close()

    def _close(self) -> None:
        self._closing = True
        self._transport.close()


class CannedProtocol(CannedExchange, asyncio.Protocol):
    """A connection over plain TCP."""


class BufferedCannedProtocol(CannedExchange, asyncio.BufferedProtocol):
    """A connection over TLS, where a plain Protocol would make uvloop allocate 256 KiB for every read."""

    def __init__(self, canned: Canned) -> None:
        super().__init__(canned)
        self._input = memoryview(bytearray(64 * 1024))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._input

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._input[:nbytes]))
