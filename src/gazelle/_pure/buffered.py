"""Reading into memory: the buffered protocol of a connection, for TLS and for large bodies."""

import asyncio
import weakref
from collections.abc import Callable
from typing import Any, Final

from .exchange import Exchange
from .sink import BodySink

# From this size on, the rest of a body is received into the memory of its reader.
_DIRECT_LIMIT: Final = 256 * 1024

_SCRATCH_SIZE: Final = 256 * 1024


class Receiver:
    """Receives the bytes that a transport reads, as `bytes` or as the outcome of what a sink has taken."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Receive bytes."""

    def body_received(self, outcome: int) -> None:
        """Receive the outcome of the exchange, or PENDING, after the sink has taken bytes of the body."""


class ReadBuffer:
    """Provides the memory that the transport of one connection reads into.

    That of the sink while there is one, and otherwise a buffer that all connections of the loop share.

    Args:
        loop: the event loop of the connection.
        receiver: the connection.
        exchange: the exchange of the connection.
    """

    __slots__ = ("_exchange", "_loop", "_receiver", "_scratch", "permanent", "sink")

    def __init__(self, loop: asyncio.AbstractEventLoop, receiver: Receiver, exchange: Exchange) -> None:
        self._loop = loop
        self._receiver = receiver
        self._exchange = exchange
        self._scratch: memoryview | None = None
        self.sink: BodySink | None = None
        self.permanent = False  # the transport has a `BufferedConnection` from its beginning to its end

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the memory for the next bytes.

        A view of the sink is not longer than the body: what follows the body is read after the exchange has ended.
        """
        if self.sink is not None:
            return self.sink.buffer(self._exchange.body_left())
        if self._scratch is None:
            self._scratch = _scratch_of(self._loop)
        return self._scratch

    def buffer_updated(self, size: int) -> None:
        """Pass on the bytes that the transport has written there."""
        if self.sink is None:
            assert self._scratch is not None
            self._receiver.data_received(self._scratch[:size].tobytes())
            return
        self.sink.wrote(size)
        self._receiver.body_received(self._exchange.skip(size))

    def attach(self, sink: BodySink, transport: Any) -> bool:
        """Receive the rest of the body into `sink` if it is large and has a Content-Length; return whether it is.

        A transport that calls `data_received` gets a `BufferedProtocol` in mid-stream, until the sink is detached.
        """
        if self.sink is not None or self._exchange.body_left() < _DIRECT_LIMIT:
            return False
        self.sink = sink
        if not self.permanent:
            _set_protocol(transport, BufferedConnection(self._receiver, self))
        return True

    def detach(self, sink: BodySink, transport: Any) -> None:
        """Pass what follows to the receiver again; do nothing if `sink` is not attached any more."""
        if self.sink is sink:
            self.sink = None
            if not self.permanent:
                _set_protocol(transport, self._receiver)


class BufferedConnection(asyncio.BufferedProtocol):
    """The protocol of a connection for a transport that asks for the memory to read into.

    A plain transport has it while a sink is attached, a TLS transport permanently.

    Args:
        connection: receives all other events.
        memory: provides the memory.
    """

    def __init__(self, connection: Any, memory: ReadBuffer) -> None:
        self._connection = connection
        self._memory = memory

    def connection_made(self, transport: Any) -> None:
        """Pass the transport on."""
        self._connection.connection_made(transport)

    @property
    def get_buffer(self) -> Callable[[int], memoryview]:
        """The method of the read buffer: transports keep it, so that each read is one call."""
        return self._memory.get_buffer

    @property
    def buffer_updated(self) -> Callable[[int], None]:
        """The method of the read buffer, as `get_buffer`."""
        return self._memory.buffer_updated

    def eof_received(self) -> None:
        """Pass on that the peer has ended the stream."""
        self._connection.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Pass on that the socket is closed."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the write buffer is full."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the write buffer has drained."""
        self._connection.resume_writing()


def _set_protocol(transport: Any, protocol: Any) -> None:
    if transport is None or transport.is_closing():
        return  # it reads no more, and both protocols handle the remaining events alike
    transport.pause_reading()  # uvloop checks the type of the protocol when reading starts
    transport.set_protocol(protocol)
    transport.resume_reading()


# The shared buffer of each loop. Its bytes are copied out before the next read begins.
_scratches: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview]" = weakref.WeakKeyDictionary()


def _scratch_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    scratch = _scratches.get(loop)
    if scratch is None:
        scratch = _scratches[loop] = memoryview(bytearray(_SCRATCH_SIZE))
    return scratch
