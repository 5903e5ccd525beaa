"""An asyncio transport in memory: a test says what it delivers and looks at what was written."""

from __future__ import annotations

import asyncio
from typing import Any


class ScriptedTransport(asyncio.Transport):
    """A transport whose peer is the test.

    Args:
        protocol: gets `connection_made` at once.
        extra: what `get_extra_info` knows; without a "socket" a connection has nothing to probe.
    """

    def __init__(self, protocol: Any, extra: dict[str, Any] | None = None) -> None:
        super().__init__(extra)
        self.protocol = protocol
        self.written = bytearray()
        self.unsent = 0  # what the peer has not read yet
        self.paused = False
        self.aborted = False
        self._waiting: list[bytes] = []
        protocol.connection_made(self)

    # What the peer does.

    def deliver(self, *pieces: bytes) -> None:
        """Deliver each piece as one read; while reading is paused they wait."""
        self._waiting += pieces
        while self._waiting and not self.paused and not self.aborted:
            self._feed(self._waiting.pop(0))

    def _feed(self, data: bytes) -> None:
        if isinstance(self.protocol, asyncio.BufferedProtocol):
            while data:
                buffer = memoryview(self.protocol.get_buffer(-1))
                size = min(len(buffer), len(data))
                buffer[:size] = data[:size]
                self.protocol.buffer_updated(size)
                data = data[size:]
        else:
            self.protocol.data_received(data)

    def end(self) -> None:
        """Deliver the end of the stream."""
        self.protocol.eof_received()

    def lose(self, error: Exception | None = None) -> None:
        """Lose the connection."""
        self.aborted = True
        self.protocol.connection_lost(error)

    # What a protocol asks for.

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
        if self._waiting:
            asyncio.get_running_loop().call_soon(self.deliver)

    def is_reading(self) -> bool:
        return not self.paused

    def is_closing(self) -> bool:
        return self.aborted

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def close(self) -> None:
        self.abort()
