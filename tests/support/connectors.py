"""Connectors whose connections are in memory, and connectors that hand out connections of their own making."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from yarl import URL

from gazelle._impl import HttpConnection
from gazelle.errors import ClientConnectorError
from gazelle.net.connection import Connection
from gazelle.net.connector import BaseConnector
from gazelle.net.key import ConnectionKey

from .server import ScriptedServer
from .transport import ScriptedTransport

Reply = bytes | Exception | None
"""Reaction of a peer to one request: bytes, then nothing; an error for a lost connection; None for silence."""

END = EOFError()
"""As a reply: the peer ends the connection the orderly way."""


class Ask:
    """A request, as far as a connector reads it: one for a connection to a host."""

    def __init__(self, host: str = "h", port: int = 80, *, fresh: bool = False, is_ssl: bool = False) -> None:
        self.url = URL.build(scheme="https" if is_ssl else "http", host=host, port=port)
        self.connection_key = ConnectionKey(host, port, is_ssl, True)
        self.fresh = fresh

    @classmethod
    def of(cls, server: ScriptedServer, *, fresh: bool = False) -> Ask:
        """Return a request for a connection to a server."""
        url = URL(server.url())
        return cls(url.host or "", url.port or 0, fresh=fresh)


class AnsweringTransport(ScriptedTransport):
    """A transport whose peer reacts to one request head after the other."""

    def __init__(self, protocol: Any, replies: Sequence[Reply]) -> None:
        self.replies = list(replies)
        self.heads: list[bytes] = []
        super().__init__(protocol)

    @property
    def body(self) -> bytes:
        """What followed the latest head."""
        return bytes(self.written).rpartition(self.heads[-1])[2]

    def write(self, data: Any) -> None:
        super().write(data)
        if b" HTTP/1.1\r\n" in bytes(data):
            self.heads.append(bytes(data).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            reply = self.replies.pop(0) if self.replies else None
            asyncio.get_running_loop().call_soon(self._react, reply)

    def _react(self, reply: Reply) -> None:
        if self.aborted or reply is None:
            return
        if isinstance(reply, bytes):
            self.deliver(reply)
        elif reply is END:
            self.end()
        elif isinstance(reply, Exception):
            self.lose(reply)


class ScriptedConnector(BaseConnector):
    """Opens connections in memory, one for each list of replies; after the last one there is no connection.

    Args:
        connections: for each connection the replies to the requests on it.
        options: of a `BaseConnector`.
    """

    def __init__(self, *connections: Sequence[Reply], **options: Any) -> None:
        super().__init__(**options)
        self.scripts = list(connections)
        self.transports: list[AnsweringTransport] = []

    @property
    def heads(self) -> list[list[bytes]]:
        """The request heads on each connection."""
        return [transport.heads for transport in self.transports]

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> HttpConnection:
        if not self.scripts:
            raise ClientConnectorError(req.connection_key, ConnectionRefusedError(111, "refused"))
        connection = self._make_connection(req)()
        self.transports.append(AnsweringTransport(connection, self.scripts.pop(0)))
        return connection


class ForeignConnection:
    """A connection of another class than ours, around one of ours."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.protocol = connection.protocol
        self.ends: list[str] = []

    @property
    def transport(self) -> Any:
        return self.connection.transport

    def release(self) -> None:
        self.ends.append("release")
        self.connection.release()

    def close(self) -> None:
        self.ends.append("close")
        self.connection.close()


class ForeignConnector(ScriptedConnector):
    """A connector whose `connect` returns an object of a class of its own."""

    def __init__(self, *connections: Sequence[Reply], **options: Any) -> None:
        super().__init__(*connections, **options)
        self.made: list[ForeignConnection] = []

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        self.made.append(ForeignConnection(await super().connect(req, traces, timeout)))
        return self.made[-1]
