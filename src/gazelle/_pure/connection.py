"""One HTTP/1.1 connection as an asyncio protocol: one exchange at a time, one waiter each."""

import asyncio
from collections.abc import Callable
from ssl import SSLError, SSLZeroReturnError
from typing import Any, Final, Protocol, TypeAlias

from gazelle.errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientOSError,
    ClientPayloadError,
    ServerDisconnectedError,
    SocketTimeoutError,
)

from .clock import monotonic
from .deadlines import Deadline, Deadlines
from .head import ResponseHead
from .http_parser import ResponseParser
from .pool import Pool, PooledConnection
from .readiness import SocketProbe

_OPENING: Final = 0
_IDLE: Final = 1
_BUSY: Final = 2
_CLOSED: Final = 3

# Up to this size a request body is joined to its head, so that both leave in one segment and one system call.
_JOIN_LIMIT: Final = 16384


class BodyStream(Protocol):
    """Where a body goes that has not arrived whole together with its head."""

    def feed_data(self, data: bytes) -> None:
        """Takes a piece of the body."""

    def end_chunk(self) -> None:
        """Marks the end of a chunk of the chunked coding."""

    def feed_eof(self) -> None:
        """Marks the end of the body."""

    def set_exception(self, exc: BaseException) -> None:
        """Ends the body with an error."""


OpenStream: TypeAlias = Callable[["HttpConnection", ResponseHead], BodyStream]

Body: TypeAlias = bytes | list[bytes | None] | BodyStream

Answer: TypeAlias = tuple[ResponseHead, int, bool, Body]
"""The head of a response; and what is asked of every one: its status, whether it sets cookies, and its body."""


class ExchangeSettings:
    """How exchanges are carried out.

    Args:
        open_stream: makes the stream for a body that does not arrive whole together with its head.
        total: the whole request's time limit in seconds, 0 for none.
        sock_read: the limit of the gap between two reads in seconds, 0 for none.
        read_until_eof: whether a body without a length goes on until the connection ends.
        limits: longest status line, longest field (bytes), most fields of the response head.
    """

    __slots__ = ("limits", "open_stream", "read_until_eof", "sock_read", "total")

    def __init__(
        self,
        open_stream: "OpenStream",
        total: float,
        sock_read: float,
        read_until_eof: bool,
        limits: tuple[int, int, int],
    ) -> None:
        self.open_stream = open_stream
        self.total = total
        self.sock_read = sock_read
        self.read_until_eof = read_until_eof
        self.limits = limits


class HttpConnection(PooledConnection):
    """A connection that carries one exchange after the other.

    `exchange` writes a request and returns a future that completes once: when the response is there, if it arrived
    in one piece, or else when its head is there. In the first case the body of the answer is what `read` has to return
    (`bytes`), or if there is something to do about it, or to know of its chunks, a list of pieces in which None ends a
    chunk; and the connection is back in the pool already. In the second it is a stream.

    Args:
        loop: the event loop of the connection.
        deadlines: the deadlines of that loop.
        pool: the pool it belongs to.
        key: what the pool knows the connection by; its `host` and `port` appear in error messages.
    """

    __slots__ = (
        "__weakref__",
        "_continue",
        "_continued",
        "_create_future",
        "_deadlines",
        "_drained",
        "_head",
        "_limits",
        "_loop",
        "_open_stream",
        "_parser",
        "_piece",
        "_pieces",
        "_pool",
        "_probe",
        "_read_deadline",
        "_read_time",
        "_reading_paused",
        "_state",
        "_stream",
        "_total_deadline",
        "_unsent",
        "_uploading",
        "_waiter",
        "_write",
        "_writing_paused",
        "generation",
        "reused",
        "transport",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, deadlines: Deadlines, pool: Pool, key: Any) -> None:
        super().__init__(key)
        self._loop = loop
        self._create_future: Callable[[], asyncio.Future[Answer]] = loop.create_future
        self._deadlines = deadlines
        self._pool = pool
        self._open_stream: OpenStream | None = None
        self._parser = ResponseParser(self)
        self._limits: tuple[int, int, int] | None = None  # those that the parser was given
        self._total_deadline = Deadline(self)
        self._read_deadline = Deadline(self)
        self._read_time = 0.0
        self._state = _OPENING
        self.generation = 0
        self.reused = False
        self.transport: Any = None
        self._write: Any = None
        self._probe: SocketProbe | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._head: ResponseHead | None = None
        self._piece: bytes | None = None
        self._pieces: list[bytes | None] | None = None
        self._stream: BodyStream | None = None
        self._reading_paused = False
        self._unsent = False
        self._uploading = False
        self._writing_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._continue: asyncio.Future[bool] | None = None
        self._continued = False

    def __repr__(self) -> str:
        state = ("opening", "idle", "busy", "closed")[self._state]
        return f"<HttpConnection {state} {getattr(self.key, 'host', '?')}:{getattr(self.key, 'port', '?')}>"

    # What the pool and the client ask for.

    @property
    def closed(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return self._state == _CLOSED

    @property
    def busy(self) -> bool:
        """Whether an exchange is under way."""
        return self._state == _BUSY

    @property
    def response_started(self) -> bool:
        """Whether any byte of the response to the latest request has arrived."""
        return self._parser.started

    def is_reusable(self) -> bool:
        """Returns whether an idle connection can take another request.

        Bytes, or an end, that lie in the socket unread belong to nobody: the answer to the next request must not be
        looked for behind them. One system call says so.
        """
        if self._state != _IDLE or self.transport.is_closing():
            return False
        return self._probe is None or not self._probe.has_input()

    def exchange(
        self, head: bytes, body: bytes, method: str, settings: ExchangeSettings, start: float, uploading: bool = False
    ) -> "asyncio.Future[Answer]":
        """Sends a request and returns the future of its response head.

        Args:
            head: the request head, ready for the wire.
            body: the request body, ready for the wire.
            method: method of the request.
            settings: how.
            start: when the request began (`time.monotonic` seconds).
            uploading: more of the request follows through `send_body`, until `end_body`.

        Raises:
            ServerDisconnectedError: the connection is closed.
        """
        if settings.limits is not self._limits:
            self._limits = settings.limits
            self._parser.set_limits(self._limits[0], self._limits[1], self._limits[2])
        self._parser.start(method, False, settings.read_until_eof)
        if self._state != _IDLE:
            raise ServerDisconnectedError
        self._state = _BUSY
        self.generation += 1
        self._open_stream = settings.open_stream
        if settings.total:
            self._deadlines.add(self._total_deadline, settings.total, start)
        if settings.sock_read:
            self._read_time = monotonic()
            self._deadlines.add(self._read_deadline, settings.sock_read, self._read_time)
        self._uploading = uploading
        self._continued = False
        waiter = self._waiter = self._create_future()
        if not body:
            self._write(head)
        elif len(body) <= _JOIN_LIMIT:
            self._write(head + body)
        else:
            self._write(head)
            self._write(body)
            self._unsent = True
        return waiter

    # A request body that is sent in pieces. Each call names the exchange it belongs to by its `generation`.

    def send_body(self, generation: int, data: bytes) -> "asyncio.Future[None] | None":
        """Sends a piece of the request body, and returns what to wait for before the next, if anything.

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
        """Marks the request body as sent."""
        if self.generation == generation:
            self._uploading = False

    def fail_body(self, generation: int, error: Exception) -> None:
        """Ends the exchange with an error, because its request body cannot be completed."""
        if self._state == _BUSY and self.generation == generation:
            self._fail(error)

    def wait_for_continue(self) -> "asyncio.Future[bool]":
        """Returns a future that says whether the server wants the request body (RFC 9110 §10.1.1).

        It is true after 100 Continue, and false when the final response has come, or will not come.
        """
        self._continue = self._loop.create_future()
        if self._continued:  # it came before anybody asked
            self._continue.set_result(True)
        elif self._state != _BUSY or self._head is not None:
            self._continue.set_result(False)
        return self._continue

    def abandon(self, waiter: "asyncio.Future[Answer] | None") -> None:
        """Closes the connection if the exchange of `waiter` is still under way, or could not begin (None).

        If it is over, the connection is idle, or serves somebody else. Nobody waits for its end any more.
        """
        if waiter is None:
            self.close()
        elif self._waiter is waiter:
            if not self._loop.is_closed():
                waiter.cancel()
            self.close()
        elif waiter.done() and not waiter.cancelled():
            waiter.exception()  # or the loop would say that nobody has asked for it

    def close(self) -> None:
        """Closes the connection at once; an exchange under way ends with `ClientConnectionError`."""
        if self._state == _CLOSED:
            return
        if self._loop.is_closed():
            # Nobody is left to be told, and the transport takes its socket with it when it is collected.
            self._state = _CLOSED
            return
        self._fail(ClientConnectionError("Connection closed"))

    def pause_reading(self) -> None:
        """Stops reading from the socket: the body stream has more than it wants."""
        if not self._reading_paused and self._state == _BUSY:
            self._reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Goes on reading from the socket."""
        if self._reading_paused:
            self._reading_paused = False
            if self._state != _CLOSED:
                self._read_time = monotonic()
                self.transport.resume_reading()

    # What the transport calls.

    def connection_made(self, transport: Any) -> None:
        """Takes the transport."""
        self.transport = transport
        self._write = transport.write
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._probe = SocketProbe(sock.fileno())
        self._state = _IDLE

    def data_received(self, data: bytes) -> None:
        """Takes what was read."""
        if self._state != _BUSY:
            # Nobody has asked for this. What follows on this connection cannot be trusted to be an answer.
            self.close()
            return
        try:
            taken = self._parser.feed(data)
        except Exception as error:
            if self._head is not None and self._stream is None:
                # The head was good: that the body is not is for its reader to learn, wherever the bytes were split.
                self._begin_stream(self._head)
            self._fail(error)
            return
        if self._parser.done:
            self._complete(taken == len(data))
        elif self._head is not None and self._stream is None:
            self._begin_stream(self._head)
        if self._read_deadline.seconds:
            self._read_time = monotonic()

    def eof_received(self) -> None:
        """Takes the end of what the peer sends; only this ends a body without a length."""
        if self._state == _BUSY:
            if self._is_cut_off():
                self._fail(ServerDisconnectedError())
                return
            try:
                self._parser.feed_eof()
            except Exception as error:
                self._fail(error)
                return
            if self._parser.done:
                self._complete(False)
        else:
            self.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Takes the end of the connection."""
        if self._state != _CLOSED:
            if exc is None:
                self._fail(ServerDisconnectedError())
            elif isinstance(exc, OSError):
                self._fail(ClientOSError(*exc.args))
            else:
                self._fail(ClientConnectionError(str(exc) or type(exc).__name__))
        self.transport = None
        self._write = None
        self._pool.connection_lost(self)

    def pause_writing(self) -> None:
        """Takes note that the peer does not read."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Takes note that the peer reads again: the silence that counts begins when it has read everything."""
        self._writing_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        if self._read_deadline.seconds:
            self._read_time = monotonic()

    # What the parser tells.

    def on_interim(self, head: ResponseHead) -> None:
        """Takes an interim response; only 100 means something here."""
        if head.status == 100:
            self._continued = True
            if self._continue is not None and not self._continue.done():
                self._continue.set_result(True)

    def on_head(self, head: ResponseHead) -> None:
        """Takes the head of the response."""
        self._head = head
        if self._continue is not None and not self._continue.done():
            self._continue.set_result(False)

    def on_body(self, data: bytes) -> None:
        """Takes a piece of the body."""
        if self._stream is not None:
            self._stream.feed_data(data)
        elif self._pieces is not None:
            self._pieces.append(data)
        elif self._piece is None:
            self._piece = data
        else:
            self._pieces = [self._piece, data]

    def on_chunk_end(self) -> None:
        """Takes the end of a chunk."""
        if self._stream is not None:
            self._stream.end_chunk()
            return
        if self._pieces is None:
            self._pieces = [self._piece]
        self._pieces.append(None)

    # The end of an exchange.

    def _is_sending(self) -> bool:
        """Returns whether part of the request body has not left yet."""
        return bool(self.transport.get_write_buffer_size() > 0)

    def _is_cut_off(self) -> bool:
        """Returns whether an end of the stream under TLS came without the peer's close_notify (RFC 8446 §6.1).

        Anybody on the way can make that, so it does not end a body. The transport does not tell the two apart.
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

    def _begin_stream(self, head: ResponseHead) -> None:
        """Hands the head out before the body is there."""
        assert self._open_stream is not None
        stream = self._stream = self._open_stream(self, head)
        if self._pieces is not None:
            for piece in self._pieces:
                if piece is None:
                    stream.end_chunk()
                else:
                    stream.feed_data(piece)
            self._pieces = None
        elif self._piece is not None:
            stream.feed_data(self._piece)
        self._piece = None
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result((head, head.status, head.has_cookies, stream))

    def _complete(self, clean: bool) -> None:
        """Ends an exchange whose response is complete.

        `clean` says that nothing followed the response in the same read.
        """
        head = self._head
        stream = self._stream
        waiter = self._waiter
        assert head is not None
        body: Body = b""
        if self._pieces is not None:
            body = self._pieces
        elif self._piece is not None:
            body = self._piece if head.content_encoding is None else [self._piece]
        # An answer that came before the request was complete: the rest of its body would look like another request.
        sending = self._uploading or (self._unsent and self._is_sending())
        reusable = clean and head.keep_alive and not sending
        self._end_exchange()
        self.reused = True
        if reusable:
            self._state = _IDLE
        else:
            self._state = _CLOSED
            self.transport.abort()
        self._pool.release(self, reusable)
        if stream is not None:
            stream.feed_eof()
        elif waiter is not None:
            try:  # noqa: SIM105  (on the way of every request)
                waiter.set_result((head, head.status, head.has_cookies, body))
            except asyncio.InvalidStateError:
                pass  # it was cancelled

    def _end_exchange(self) -> None:
        self._deadlines.remove(self._total_deadline)
        if self._read_deadline.seconds:
            self._deadlines.remove(self._read_deadline)
            self._read_deadline.seconds = 0.0
        self._waiter = None
        self._head = None
        self._stream = None
        self._piece = None
        self._pieces = None
        self._unsent = False
        self._uploading = False
        if self._continue is not None:
            if not self._continue.done():
                self._continue.set_result(False)
            self._continue = None
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None
        if self._reading_paused:
            self.resume_reading()

    def _fail(self, error: Exception) -> None:
        """Closes the connection and ends the exchange under way, if there is one, with an error."""
        busy = self._state == _BUSY
        stream = self._stream
        waiter = self._waiter
        self._state = _CLOSED
        self._reading_paused = False
        self._end_exchange()
        if self.transport is not None:
            self.transport.abort()
        self._pool.release(self, False)
        if not busy:
            return
        if stream is not None:
            if isinstance(error, ServerDisconnectedError | ClientOSError):
                payload_error = ClientPayloadError(f"Response payload is not completed: {error!r}")
                payload_error.__cause__ = error
                error = payload_error
            stream.set_exception(error)
        elif waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def on_deadline(self, deadline: Deadline) -> None:
        """Ends the exchange because its time is over."""
        where = f"{self.key.host}:{self.key.port}"
        phase = "the response head" if self._stream is None else "the rest of the response body"
        if deadline is self._total_deadline:
            self._fail(
                TimeoutError(f"Total timeout of {deadline.seconds:g} s exceeded waiting for {phase} from {where}")
            )
            return
        now = monotonic()
        # A reader that does not read is not a server that does not send, nor is a server that is still taking the body.
        start = now if self._reading_paused or (self._unsent and self._is_sending()) else self._read_time
        if start + deadline.seconds > now:
            self._deadlines.add(deadline, deadline.seconds, start)
        else:
            self._fail(
                SocketTimeoutError(f"No data for {deadline.seconds:g} s (sock_read) waiting for {phase} from {where}")
            )
