"""One HTTP/1.1 connection as an asyncio protocol: transport events, buffers, flow control, deadlines.

What a request and its response are is the work of `exchange`; to whom the connection belongs is that of its owner.
"""

import asyncio
import weakref
from collections.abc import Callable
from ssl import SSLError, SSLZeroReturnError
from typing import Any, Final

from gazelle.errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientOSError,
    ServerDisconnectedError,
    SocketTimeoutError,
)

from .clock import monotonic
from .deadlines import Deadline, Deadlines
from .exchange import Answer, Exchange, ExchangeSettings, deliver
from .readiness import SocketProbe
from .sink import CLOSE, PENDING, REUSE, SWITCH, BodySink, ConnectionOwner

_OPENING: Final = 0
_IDLE: Final = 1
_BUSY: Final = 2
_SWITCHED: Final = 3  # another protocol begins here; the transport waits for `detach`
_DETACHED: Final = 4
_CLOSED: Final = 5

_STATES: Final = ("opening", "idle", "busy", "switched", "detached", "closed")

# The same as C integers.
_PENDING: Final = PENDING
_REUSE: Final = REUSE
_CLOSE: Final = CLOSE
_SWITCH: Final = SWITCH

# Up to this size a request body is joined to its head, so that both leave in one segment and one system call.
_JOIN_LIMIT: Final = 16384

# From this size on, what is left of a body is received into the memory of its reader.
_DIRECT_LIMIT: Final = 256 * 1024

_SCRATCH_SIZE: Final = 256 * 1024


class HttpConnection:
    """A connection that carries one exchange after the other.

    `exchange` writes a request and returns a future that completes once: when the response is there, if it arrived
    in one piece, or else when its head is there. In the first case the body of the answer is what `read` has to return
    (`bytes`), or if a content coding has to be removed, or its chunks are known, a list of pieces in which None ends a
    chunk; and the owner has the connection back already. In the second it is a stream.

    Args:
        loop: the event loop of the connection.
        deadlines: the deadlines of that loop.
        owner: notified when an exchange ends, and when the connection does.
        key: its `host` and `port` appear in error messages.
    """

    __slots__ = (
        "__weakref__",
        "_buffered",
        "_deadlines",
        "_drained",
        "_exchange",
        "_left_over",
        "_loop",
        "_probe",
        "_read_deadline",
        "_read_time",
        "_reading_paused",
        "_scratch",
        "_sink",
        "_state",
        "_total_deadline",
        "_unsent",
        "_write",
        "_writing_paused",
        "capacity",
        "generation",
        "key",
        "owner",
        "reused",
        "transport",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, deadlines: Deadlines, owner: ConnectionOwner, key: Any) -> None:
        self._loop = loop
        self._deadlines = deadlines
        self.owner = owner
        self.key = key
        self.capacity = 1
        self._exchange = Exchange(loop.create_future, self)
        self._total_deadline = Deadline(self)
        self._read_deadline = Deadline(self)
        self._read_time = 0.0
        self._state = _OPENING
        self.generation = 0
        self.reused = False
        self.transport: Any = None
        self._write: Any = None
        self._probe: SocketProbe | None = None
        self._reading_paused = False
        self._unsent = False
        self._writing_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._left_over = b""
        self._sink: BodySink | None = None
        self._scratch: memoryview | None = None
        self._buffered = False  # the transport has a BufferedConnection all the time

    def __repr__(self) -> str:
        host, port = getattr(self.key, "host", "?"), getattr(self.key, "port", "?")
        return f"<HttpConnection {_STATES[self._state]} {host}:{port}>"

    @property
    def closed(self) -> bool:
        """Whether the connection is closed, about to be, or handed over."""
        return self._state >= _DETACHED

    @property
    def busy(self) -> bool:
        """Whether an exchange is under way."""
        return self._state == _BUSY

    @property
    def switched(self) -> bool:
        """Whether another protocol begins here, and `detach` hands the transport over."""
        return self._state == _SWITCHED

    @property
    def response_started(self) -> bool:
        """Whether any byte of the response to the latest request has arrived."""
        return self._exchange.started

    def is_idle(self) -> bool:
        """Return whether the connection is open and no exchange is under way."""
        return self._state == _IDLE

    def is_reusable(self) -> bool:
        """Return whether an idle connection can take another request.

        Bytes, or an end, that lie in the socket unread belong to no request: the answer to the next request must not
        be looked for behind them. One system call tells.
        """
        if self._state != _IDLE or self.transport.is_closing():
            return False
        return self._probe is None or not self._probe.has_input()

    # The exchange.

    def exchange(
        self,
        head: bytes,
        body: bytes,
        method: str,
        settings: ExchangeSettings,
        start: float,
        uploading: bool = False,
        upgrade: bool = False,
    ) -> "asyncio.Future[Answer]":
        """Send a request and return the future of its response head.

        Args:
            head: the request head, ready for the wire.
            body: the request body, ready for the wire.
            method: method of the request.
            settings: how.
            start: when the request began (`time.monotonic` seconds).
            uploading: more of the request follows through `send_body`, until `end_body`.
            upgrade: the caller takes the connection over if the response is 101, or 2xx to CONNECT: see `detach`.
                Without it, 101 is an error, and the connection is closed behind the response to CONNECT.

        Raises:
            ServerDisconnectedError: the connection is closed.
        """
        exchange = self._exchange
        if self._state != _IDLE:
            if self._state != _BUSY:
                exchange.forget_response()
            raise ServerDisconnectedError
        waiter = exchange.begin(method, settings, uploading, upgrade)
        self._state = _BUSY
        self.generation += 1
        if settings.total:
            self._deadlines.add(self._total_deadline, settings.total, start)
        if settings.sock_read:
            self._read_time = monotonic()
            self._deadlines.add(self._read_deadline, settings.sock_read, self._read_time)
        if not body:
            self._write(head)
        elif len(body) <= _JOIN_LIMIT:
            self._write(head + body)
        else:
            self._write(head)
            self._write(body)
            self._unsent = True
        return waiter

    def abandon(self, waiter: "asyncio.Future[Answer] | None") -> None:
        """Close the connection if the exchange of `waiter` is still under way, or could not begin (None).

        If it is over, the connection is idle, or carries another exchange, and stays as it is.
        """
        if waiter is None:
            self.close()
        elif self._exchange.waiter is waiter:
            if not self._loop.is_closed():
                waiter.cancel()
            self.close()
        elif waiter.done() and not waiter.cancelled():
            waiter.exception()  # retrieved, or the loop would log it

    def close(self) -> None:
        """Close the connection at once; an exchange under way ends with `ClientConnectionError`."""
        if self._state >= _DETACHED:
            return
        if self._loop.is_closed():
            # No callback can run any more, and the transport closes its socket when it is collected.
            self._state = _CLOSED
            return
        self._end(_CLOSE, ClientConnectionError("Connection closed"))

    def detach(self) -> tuple[Any, bytes]:
        """Hand the transport over, and return it with the bytes of the new protocol that have arrived.

        The transport does not read; the next protocol has to be set before it reads on.

        Raises:
            RuntimeError: no exchange has ended in SWITCH, or the transport was handed over before, or is closed.
        """
        if self._state != _SWITCHED:
            raise RuntimeError(f"{self!r} has no transport to hand over")
        transport, left_over = self.transport, self._left_over
        self._state = _DETACHED
        self.transport = None
        self._write = None
        self._left_over = b""
        return transport, left_over

    # A request body that is sent in pieces. Each call names the exchange it belongs to by its `generation`.

    def send_body(self, generation: int, data: bytes) -> "asyncio.Future[None] | None":
        """Send a piece of the request body, and return what to wait for before the next, if anything.

        Raises:
            ClientConnectionResetError: the exchange is over.
        """
        if self._state != _BUSY or self.generation != generation:
            raise ClientConnectionResetError("Cannot write to closing transport")
        self._write(data)
        self._unsent = True
        if not self._writing_paused:
            return None
        if self._drained is None or self._drained.done():
            self._drained = self._loop.create_future()
        return self._drained

    def end_body(self, generation: int) -> None:
        """Mark the request body as sent."""
        if self.generation == generation:
            self._exchange.uploading = False

    def fail_body(self, generation: int, error: Exception) -> None:
        """End the exchange with an error, because its request body cannot be completed."""
        if self._state == _BUSY and self.generation == generation:
            self._end(_CLOSE, error)

    def wait_for_continue(self) -> "asyncio.Future[bool]":
        """Return a future that says whether the server wants the request body (RFC 9110 §10.1.1)."""
        return self._exchange.wait_for_continue()

    # Flow control of the response body.

    def pause_reading(self) -> None:
        """Stop reading from the socket: the body stream holds more than it wants."""
        if not self._reading_paused and self._state == _BUSY:
            self._reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read from the socket again."""
        if self._reading_paused and self._state == _BUSY:
            self._reading_paused = False
            self._read_time = monotonic()
            self.transport.resume_reading()

    # A large body that goes from the socket into the memory of its reader.

    def receive_into(self, sink: BodySink) -> bool:
        """Receive the rest of the body into `sink`, and return True; False if it goes to the stream as before.

        It pays for a large body with a Content-Length. A transport that calls `data_received` gets a
        `BufferedProtocol` for it in mid-stream, until the body ends or `stop_receiving` is called.
        """
        if self._state != _BUSY or self._sink is not None or self._exchange.body_left() < _DIRECT_LIMIT:
            return False
        if self._reading_paused:
            return False
        self._sink = sink
        if not self._buffered:
            self._set_protocol(BufferedConnection(self))
        return True

    def stop_receiving(self, sink: BodySink) -> None:
        """Give what follows of the body to the stream again; nothing happens if `sink` is not in use any more."""
        if self._sink is sink:
            self._sink = None
            if not self._buffered:
                self._set_protocol(self)

    def get_read_buffer(self, sizehint: int) -> memoryview:
        """Return where the transport writes the next bytes: into the sink, if there is one.

        A view of the sink is no longer than the body: what follows is not read before the exchange is over.
        """
        if self._sink is not None:
            return self._sink.buffer(self._exchange.body_left())
        if self._scratch is None:
            self._scratch = _scratch_of(self._loop)
        return self._scratch

    def read_buffer_updated(self, size: int) -> None:
        """Take note of bytes that the transport has written there."""
        if self._sink is None:
            assert self._scratch is not None
            self.data_received(self._scratch[:size].tobytes())
            return
        self._sink.wrote(size)
        outcome = self._exchange.skip(size)
        if self._read_deadline.seconds:
            self._read_time = monotonic()
        if outcome != _PENDING:
            self._end(outcome, None)

    def _set_protocol(self, protocol: Any) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return  # nothing will be read, and what calls the protocol then is the same in both
        transport.pause_reading()  # uvloop looks at the kind of the protocol when it begins to read
        transport.set_protocol(protocol)
        transport.resume_reading()

    # Transport events.

    def as_buffered(self) -> "BufferedConnection":
        """Return the protocol by which a TLS transport reads into one buffer, instead of making `bytes` of 256 KiB."""
        self._buffered = True
        return BufferedConnection(self)

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self.transport = transport
        self._write = transport.write
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._probe = SocketProbe(sock.fileno())
        self._state = _IDLE

    def data_received(self, data: bytes) -> None:
        """Take what was read."""
        if self._state != _BUSY:
            self._take_unasked(data)
            return
        try:
            outcome = self._exchange.feed(data)
        except Exception as error:
            self._end(_CLOSE, error)
            return
        if outcome != _PENDING:
            self._end(outcome, None)
        if self._read_deadline.seconds:
            self._read_time = monotonic()

    def _take_unasked(self, data: bytes) -> None:
        if self._state == _SWITCHED:
            self._left_over += data  # in flight when reading was paused
        else:
            # No request has asked for this: what follows on this connection cannot be trusted to be an answer.
            self.close()

    def eof_received(self) -> None:
        """Take the end of what the peer sends; only this ends a body without a length."""
        if self._state != _BUSY:
            self.close()
            return
        if self._is_cut_off():
            self._end(_CLOSE, ServerDisconnectedError())
            return
        try:
            outcome = self._exchange.feed_eof()
        except Exception as error:
            self._end(_CLOSE, error)
            return
        if outcome != _PENDING:
            self._end(outcome, None)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take the end of the connection."""
        if self._state < _DETACHED:
            if exc is None:
                self._end(_CLOSE, ServerDisconnectedError())
            elif isinstance(exc, OSError):
                self._end(_CLOSE, ClientOSError(*exc.args))
            else:
                self._end(_CLOSE, ClientConnectionError(str(exc) or type(exc).__name__))
        self.transport = None
        self._write = None
        self.owner.lost(self)

    def pause_writing(self) -> None:
        """Take note that the peer does not read."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Take note that the peer reads again: the silence that counts begins when it has read everything."""
        self._writing_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        if self._read_deadline.seconds:
            self._read_time = monotonic()

    def on_deadline(self, deadline: Deadline) -> None:
        """End the exchange because its time is over."""
        where = f"{self.key.host}:{self.key.port}"
        phase = "the response head" if self._exchange.stream is None else "the rest of the response body"
        if deadline is self._total_deadline:
            message = f"Total timeout of {deadline.seconds:g} s exceeded waiting for {phase} from {where}"
            self._end(_CLOSE, TimeoutError(message))
            return
        now = monotonic()
        # A reader that does not read is not a server that does not send, nor is a server that is still taking the body.
        start = now if self._reading_paused or (self._unsent and self._is_sending()) else self._read_time
        if start + deadline.seconds > now:
            self._deadlines.add(deadline, deadline.seconds, start)
        else:
            message = f"No data for {deadline.seconds:g} s (sock_read) waiting for {phase} from {where}"
            self._end(_CLOSE, SocketTimeoutError(message))

    # The end of an exchange, or of the connection.

    def _end(self, outcome: int, error: Exception | None) -> None:
        """End the exchange under way, if there is one: the only way out of it.

        The owner is notified before the caller, so that the connection is in the pool when the caller goes on.

        Args:
            outcome: REUSE, CLOSE or SWITCH.
            error: why the exchange failed, None if its response is complete.
        """
        exchange = self._exchange
        waiter, stream = exchange.waiter, exchange.stream
        if outcome == _REUSE and self._unsent and self._is_sending():
            outcome = _CLOSE  # the peer has answered before it has read the request
        if self._sink is not None:
            self.stop_receiving(self._sink)
        self._disarm()
        answer = exchange.finish()
        left_over = b""
        if error is None:
            self.reused = True
        if outcome == _REUSE:
            if self._reading_paused:
                self.resume_reading()
            self._state = _IDLE
        elif outcome == _SWITCH:
            left_over = self._left_over = exchange.left_over
            exchange.left_over = b""
            self.pause_reading()
            self._state = _SWITCHED
        else:
            self._state = _CLOSED
            self._reading_paused = False
            if self.transport is not None:
                self.transport.abort()
        self.owner.ended(self, outcome, left_over)
        deliver(waiter, stream, answer, error)

    def _disarm(self) -> None:
        self._deadlines.remove(self._total_deadline)
        if self._read_deadline.seconds:
            self._deadlines.remove(self._read_deadline)
            self._read_deadline.seconds = 0.0
        self._unsent = False
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None

    def _is_sending(self) -> bool:
        """Return whether part of the request body has not left yet."""
        return bool(self.transport.get_write_buffer_size() > 0)

    def _is_cut_off(self) -> bool:
        """Return whether an end of the stream under TLS came without the peer's close_notify (RFC 8446 §6.1).

        Anybody on the way can cause that, so it does not end a body. The transport does not tell the two apart.
        """
        ssl_object = self.transport.get_extra_info("ssl_object")
        if ssl_object is None:
            return False
        try:
            return bool(ssl_object.read(1))
        except SSLZeroReturnError:
            return False
        except SSLError:
            return True


class BufferedConnection(asyncio.BufferedProtocol):
    """The face of a connection for a transport that asks for the memory to read into.

    A plain transport has it while a body is received into the memory of its reader, one with TLS all the time.
    """

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self._connection.connection_made(transport)

    @property
    def get_buffer(self) -> Callable[[int], memoryview]:
        """What returns where the next bytes go: transports keep it, so that it is one call."""
        return self._connection.get_read_buffer

    @property
    def buffer_updated(self) -> Callable[[int], None]:
        """What takes note of bytes that were written there."""
        return self._connection.read_buffer_updated

    def eof_received(self) -> None:
        """Take the end of what the peer sends."""
        self._connection.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take the end of the connection."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """Take note that the peer does not read."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Take note that the peer reads again."""
        self._connection.resume_writing()


# What TLS is decrypted into, one for all connections of a loop: the bytes are taken out before the next read begins.
_scratches: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview]" = weakref.WeakKeyDictionary()


def _scratch_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    scratch = _scratches.get(loop)
    if scratch is None:
        scratch = _scratches[loop] = memoryview(bytearray(_SCRATCH_SIZE))
    return scratch
