"""A connection of the engine over a transport in memory."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from .transport import ScriptedTransport
from .twins import Twin

KEY = SimpleNamespace(host="example.org", port=80)
LIMITS = (8190, 8190, 128)
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class RecordingStream:
    """Records the pieces, chunk ends (None) and the end of a body."""

    def __init__(self, control: Any, head: Any) -> None:
        self.control = control
        self.got: list[Any] = []

    def feed_data(self, data: bytes) -> None:
        self.got.append(data)

    def end_chunk(self) -> None:
        self.got.append(None)

    def feed_eof(self) -> None:
        self.got.append("end")

    def set_exception(self, exc: BaseException) -> None:
        self.got.append(exc)


class ConnectionCase:
    """A connection over a scripted transport, with the notifications that its owner gets."""

    def __init__(self, twin: Twin, **extra: Any) -> None:
        loop = asyncio.get_running_loop()
        self.sink = twin.sink
        self.events: list[Any] = []
        events = self.events

        class Owner(twin.sink.ConnectionOwner):  # type: ignore[misc, name-defined]
            def ended(self, connection: Any, outcome: int, left_over: bytes) -> None:
                events.append((outcome, left_over))

            def lost(self, connection: Any) -> None:
                events.append("lost")

        self.twin = twin
        self.deadlines = twin.deadlines.Deadlines(loop)
        self.connection = twin.connection.HttpConnection(loop, self.deadlines, Owner(), KEY)
        assert repr(self.connection) == "<HttpConnection opening example.org:80>"
        self.transport = ScriptedTransport(self.connection, extra)

    def settings(self, total: float = 0.0, sock_read: float = 0.0) -> Any:
        return self.twin.exchange.ExchangeSettings(RecordingStream, total, sock_read, True, LIMITS)

    def send(self, method: str = "GET", body: bytes = b"", **how: Any) -> asyncio.Future[Any]:
        settings = how.pop("settings", None) or self.settings()
        start = asyncio.get_running_loop().time()
        waiter: asyncio.Future[Any] = self.connection.exchange(b"HEAD;", body, method, settings, start, **how)
        return waiter
