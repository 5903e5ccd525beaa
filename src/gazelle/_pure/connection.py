"""One HTTP/1.1 connection as an asyncio protocol: transport events, flow control, deadlines.

Requests and responses are handled by `exchange`, the reuse of the connection by its owner.
"""

import asyncio
from ssl import SSLError, SSLZeroReturnError
from typing import Any, Final

from gazelle.errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientOSError,
    ServerDisconnectedError,
    SocketTimeoutError,
)

from .buffered import BufferedConnection, ReadBuffer, Receiver
from .clock import monotonic
from .deadlines import Deadline, Deadlines
from .exchange import Answer, Exchange, ExchangeSettings, deliver
from .readiness import SocketProbe
from .sink import CLOSE, PENDING, REUSE, SWITCH, BodySink, ConnectionOwner

_OPENING: Final = 0
_IDLE: Final = 1
_BUSY: Final = 2
_SWITCHED: Final = 3  # another protocol follows; the transport waits for `detach`
_DETACHED: Final = 4
_CLOSED: Final = 5

_STATES: Final = ("opening", "idle", "busy", "switched", "detached", "closed")

# C integers of the same names in the compiled build.
_PENDING: Final = PENDING
_REUSE: Final = REUSE
_CLOSE: Final = CLOSE
_SWITCH: Final = SWITCH

# Up to this size a request body is joined to its head, so that both leave in one segment and one system call.
_JOIN_LIMIT: Final = 16384


class HttpConnection(Receiver):
    """A connection that carries one exchange after the other.

    `exchange` writes a request and returns a future that completes once: with the whole response if it arrived in one
    piece, else with its head. The body of a whole response is `bytes`, or, if it has a content coding or chunks, a list
    of pieces in which None ends a chunk; the owner has the connection back by then. Otherwise the body is a stream.

    Args:
        loop: the event loop of the connection.
        deadlines: the deadlines of that loop.
        owner: notified of the end of each exchange and of the connection.
        key: its `host` and `port` appear in error messages.
    """

    __slots__ = (
        "__weakref__",
        "_deadlines",
        "_drained",
        "_exchange",
        "_left_over",
        "_loop",
        "_probe",
        "_read_buffer",
        "_read_deadline",
        "_read_time",
        "_reading_paused",
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
        self._read_buffer = ReadBuffer(loop, self, self._exchange)
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
        """Return whether an idle connection can take another request, by one system call.

        Unread bytes, or an end of the stream, belong to no request: the next response must not be read after them.
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
            settings: the settings of the exchange.
            start: start time of the request (`time.monotonic` seconds).
            uploading: whether more of the body follows through `send_body`, until `end_body`.
            upgrade: whether the caller calls `detach` after 101, or 2xx to CONNECT. If False, 101 is an error, and the
                connection is closed after the response to CONNECT.

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
        """Close the connection if the exchange of `waiter` is under way, or could not begin (None); else do nothing."""
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
            # No callback can run any more; the transport closes its socket when it is collected.
            self._state = _CLOSED
            return
        self._end(_CLOSE, ClientConnectionError("Connection closed"))

    def detach(self) -> tuple[Any, bytes]:
        """Return the transport, with reading paused, and the bytes of the new protocol that have arrived.

        Raises:
            RuntimeError: no exchange has ended in SWITCH, or the transport was detached before, or is closed.
        """
        if self._state != _SWITCHED:
            raise RuntimeError(f"{self!r} has no transport to hand over")
        transport, left_over = self.transport, self._left_over
        self._state = _DETACHED
        self.transport = None
        self._write = None
        self._left_over = b""
        return transport, left_over

    # A request body in pieces. The `generation` of a call identifies its exchange.

    def send_body(self, generation: int, data: bytes) -> "asyncio.Future[None] | None":
        """Send a piece of the request body; return a future to wait for before the next one, or None.

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
        """End the exchange with an error: its request body cannot be completed."""
        if self._state == _BUSY and self.generation == generation:
            self._end(_CLOSE, error)

    def wait_for_continue(self) -> "asyncio.Future[bool]":
        """Return a future of whether to send the request body (RFC 9110 §10.1.1)."""
        return self._exchange.wait_for_continue()

    # Flow control of the response body.

    def pause_reading(self) -> None:
        """Stop reading from the socket: the body stream is above its high water mark."""
        if not self._reading_paused and self._state == _BUSY:
            self._reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Continue reading from the socket."""
        if self._reading_paused and self._state == _BUSY:
            self._reading_paused = False
            self._read_time = monotonic()
            self.transport.resume_reading()

    # A large body, received into the memory of its reader.

    def receive_into(self, sink: BodySink) -> bool:
        """Receive the rest of the body into `sink` if that pays off; return False if the stream still gets it."""
        if self._state != _BUSY or self._reading_paused:
            return False
        return self._read_buffer.attach(sink, self.transport)

    def stop_receiving(self, sink: BodySink) -> None:
        """Feed the stream again; do nothing if `sink` is not in use any more."""
        self._read_buffer.detach(sink, self.transport)

    def body_received(self, outcome: int) -> None:
        """Handle the outcome of the exchange, or PENDING, after the sink has taken bytes of the body."""
        if self._read_deadline.seconds:
            self._read_time = monotonic()
        if outcome != _PENDING:
            self._end(outcome, None)

    # Transport events.

    def as_buffered(self) -> BufferedConnection:
        """Return the protocol with which a TLS transport reads into one buffer, not into new `bytes` of 256 KiB."""
        self._read_buffer.permanent = True
        return BufferedConnection(self, self._read_buffer)

    def connection_made(self, transport: Any) -> None:
        """Start with a connected transport."""
        self.transport = transport
        self._write = transport.write
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._probe = SocketProbe(sock.fileno())
        self._state = _IDLE

    def data_received(self, data: bytes) -> None:
        """Feed the exchange."""
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
            self.close()  # bytes that answer no request: a later response on this connection cannot be trusted

    def eof_received(self) -> None:
        """Handle the end of the peer's stream, which ends a body without a length (RFC 9112 §6.3)."""
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
        """End the exchange, and notify the owner that the socket is closed."""
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
        """Note that the write buffer is full: the peer does not read."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Note that the write buffer has drained; `sock_read` starts anew, as the peer can answer only now."""
        self._writing_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        if self._read_deadline.seconds:
            self._read_time = monotonic()

    def on_deadline(self, deadline: Deadline) -> None:
        """End the exchange with a timeout error, or postpone the deadline if the server is not silent."""
        where = f"{self.key.host}:{self.key.port}"
        phase = "the response head" if self._exchange.stream is None else "the rest of the response body"
        if deadline is self._total_deadline:
            message = f"Total timeout of {deadline.seconds:g} s exceeded waiting for {phase} from {where}"
            self._end(_CLOSE, TimeoutError(message))
            return
        now = monotonic()
        # Time during which reading is paused, or the request body is still being sent, is no silence of the server.
        start = now if self._reading_paused or (self._unsent and self._is_sending()) else self._read_time
        if start + deadline.seconds > now:
            self._deadlines.add(deadline, deadline.seconds, start)
        else:
            message = f"No data for {deadline.seconds:g} s (sock_read) waiting for {phase} from {where}"
            self._end(_CLOSE, SocketTimeoutError(message))

    # The end of an exchange, or of the connection.

    def _end(self, outcome: int, error: Exception | None) -> None:
        """End the exchange under way, if any, with an outcome, and an error unless the response is complete.

        The owner is notified before the caller, so that the connection is in the pool when the caller continues.
        """
        exchange = self._exchange
        waiter, stream = exchange.waiter, exchange.stream
        if outcome == _REUSE and self._unsent and self._is_sending():
            outcome = _CLOSE  # the peer has answered before it read the whole request
        if self._read_buffer.sink is not None:
            self.stop_receiving(self._read_buffer.sink)
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
        """Return whether part of the request body is still in the write buffer."""
        return bool(self.transport.get_write_buffer_size() > 0)

    def _is_cut_off(self) -> bool:
        """Return whether a TLS stream ended without close_notify (RFC 8446 §6.1): it may be truncated."""
        ssl_object = self.transport.get_extra_info("ssl_object")
        if ssl_object is None:
            return False
        try:
            return bool(ssl_object.read(1))
        except SSLZeroReturnError:
            return False
        except SSLError:
            return True
