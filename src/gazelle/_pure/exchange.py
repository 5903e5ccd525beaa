"""One request and its response as a state machine without a transport.

The connection puts in what it reads and carries out the outcome; the parser reports to the exchange.

======  =====================  ======  ===============================================================================
state   event                  next    action
======  =====================  ======  ===============================================================================
IDLE    begin                  SENT    arm the parser, create the waiter
SENT    on_interim             SENT    100: an upload that waits for it may start (RFC 9110 §10.1.1)
SENT    on_head                HEAD    keep the head; an upload that still waits for 100 is not wanted
HEAD    on_body, on_chunk_end  HEAD    keep the piece
HEAD    end of the read        BODY    open the stream with the pieces so far, complete the waiter with it
HEAD    malformed body         BODY    the same: the error belongs to the reader of the body
BODY    on_body, on_chunk_end  BODY    feed the stream
BODY    skip                   BODY    count what the reader has received into memory of its own
HEAD    on_end                 DONE    outcome
BODY    on_end                 DONE    outcome
DONE    finish                 IDLE    return the answer; `deliver` completes the waiter with it, or ends the stream
SENT    finish                 IDLE    `deliver` gives the error to the waiter
HEAD    finish                 IDLE    `deliver` gives the error to the waiter
BODY    finish                 IDLE    `deliver` gives the error to the stream
======  =====================  ======  ===============================================================================

The outcome of DONE:

- SWITCH if the caller asked for `upgrade`, and the response is 101, or 2xx to CONNECT, and the request is complete;
- REUSE if the response allows it (RFC 9112 §9.3), nothing followed it, and the request is complete;
- CLOSE otherwise.

Beside the state, `uploading` says that the request is not complete yet: it is set by `begin` and cleared by the end of
the request body. The future of `wait_for_continue` is completed once: by 100, by the final head, or by `finish`.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

from gazelle.errors import ClientOSError, ClientPayloadError, ServerDisconnectedError

from .head import ResponseHead
from .http_parser import ResponseParser
from .sink import CLOSE, PENDING, REUSE, SWITCH, ResponseSink

IDLE: Final = 0
SENT: Final = 1
HEAD: Final = 2
BODY: Final = 3
DONE: Final = 4

# The same as C integers.
_IDLE: Final = IDLE
_SENT: Final = SENT
_HEAD: Final = HEAD
_BODY: Final = BODY
_DONE: Final = DONE
_PENDING: Final = PENDING
_REUSE: Final = REUSE
_CLOSE: Final = CLOSE
_SWITCH: Final = SWITCH


class BodyStream(Protocol):
    """Receives a body that has not arrived whole together with its head."""

    def feed_data(self, data: bytes) -> None:
        """Take a piece of the body."""

    def end_chunk(self) -> None:
        """Take the end of a chunk of the chunked coding."""

    def feed_eof(self) -> None:
        """Take the end of the body."""

    def set_exception(self, exc: BaseException) -> None:
        """End the body with an error."""


OpenStream: TypeAlias = Callable[[Any, ResponseHead], BodyStream]

Body: TypeAlias = bytes | list[bytes | None] | BodyStream

Answer: TypeAlias = tuple[ResponseHead, int, bool, Body]
"""The head of a response; its status and whether it sets cookies, which every caller asks for; and its body."""


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


class Exchange(ResponseSink):
    """One request and its response after the other, on one connection.

    Args:
        create_future: makes the waiters.
        control: what a stream pauses and resumes the reading of its body with; it is only handed on.
    """

    __slots__ = (
        "_continue",
        "_continued",
        "_control",
        "_create_future",
        "_limits",
        "_open_stream",
        "_parser",
        "_piece",
        "_pieces",
        "_upgrade",
        "head",
        "left_over",
        "state",
        "stream",
        "uploading",
        "waiter",
    )

    def __init__(self, create_future: Callable[[], asyncio.Future[Any]], control: Any) -> None:
        self._create_future = create_future
        self._control = control
        self._parser = ResponseParser(self)
        self._limits: tuple[int, int, int] | None = None  # those that the parser was given
        self._open_stream: OpenStream | None = None
        self._upgrade = False
        self.state = _IDLE
        self.waiter: asyncio.Future[Answer] | None = None
        self.head: ResponseHead | None = None
        self._piece: bytes | None = None
        self._pieces: list[bytes | None] | None = None
        self.stream: BodyStream | None = None
        self.uploading = False
        self._continue: asyncio.Future[bool] | None = None
        self._continued = False
        self.left_over = b""

    def __repr__(self) -> str:
        state = ("idle", "sent", "head", "body", "done")[self.state]
        return f"<Exchange {state}{' uploading' if self.uploading else ''}>"

    @property
    def started(self) -> bool:
        """Whether any byte of the response to the latest request has arrived."""
        return self._parser.started

    # What the connection puts in.

    def begin(
        self, method: str, settings: ExchangeSettings, uploading: bool, upgrade: bool
    ) -> "asyncio.Future[Answer]":
        """Start an exchange, and return the waiter: it completes with the answer.

        Args:
            method: method of the request.
            settings: how.
            uploading: more of the request follows, until `uploading` is cleared.
            upgrade: the caller takes the connection over if the response switches protocols.
        """
        if settings.limits is not self._limits:
            self._limits = settings.limits
            self._parser.set_limits(self._limits[0], self._limits[1], self._limits[2])
        # 101 is no answer to CONNECT: what switches there is 2xx.
        self._parser.start(method, upgrade and method != "CONNECT", settings.read_until_eof)
        self._open_stream = settings.open_stream
        self._upgrade = upgrade
        self._continued = False
        self.uploading = uploading
        self.state = _SENT
        waiter = self.waiter = self._create_future()
        return waiter

    def forget_response(self) -> None:
        """Forget that the latest response had started, for a request that was not sent."""
        self._parser.start("GET", False, True)

    def feed(self, data: bytes) -> int:
        """Take what was read, and return the outcome, or PENDING.

        Raises:
            BadHttpMessage: the response is malformed; see `ResponseParser.feed`.
        """
        try:
            taken = self._parser.feed(data)
        except Exception:
            if self.state == _HEAD:
                self._open_body()
            raise
        if self.state == _DONE:
            return self._conclude(data, taken)
        if self.state == _HEAD:
            self._open_body()
        return _PENDING

    def feed_eof(self) -> int:
        """Take the end of the connection, and return the outcome, or PENDING.

        Raises:
            ServerDisconnectedError: there was no whole head yet.
            BadHttpMessage: the body is not complete; see `ResponseParser.feed_eof`.
        """
        self._parser.feed_eof()
        return _CLOSE if self.state == _DONE else _PENDING

    def body_left(self) -> int:
        """Return how many bytes are to come of a body with a Content-Length that a stream gets; else 0."""
        return self._parser.body_left() if self.state == _BODY else 0

    def skip(self, size: int) -> int:
        """Count bytes of the body that bypassed `feed`; return the outcome, or PENDING."""
        self._parser.skip(size)
        return self._conclude(b"", 0) if self.state == _DONE else _PENDING

    def wait_for_continue(self) -> "asyncio.Future[bool]":
        """Return a future that says whether the server wants the request body (RFC 9110 §10.1.1).

        It is true after 100 Continue, and false when the final response has come, or will not come.
        """
        waiter = self._continue = self._create_future()
        if self._continued:  # it came before the upload asked
            waiter.set_result(True)
        elif self.state != _SENT:
            waiter.set_result(False)
        return waiter

    def finish(self) -> "Answer | None":
        """Reset the exchange, and return the answer if the response is complete and its waiter is to get it.

        The caller keeps `waiter` and `stream` beforehand, for `deliver`.
        """
        answer: Answer | None = None
        if self.state == _DONE and self.stream is None:
            head = self.head
            assert head is not None
            answer = (head, head.status, head.has_cookies, self._body_of(head))
        self.state = _IDLE
        self.waiter = None
        self.head = None
        self.stream = None
        self._piece = None
        self._pieces = None
        self.uploading = False
        if self._continue is not None:
            self._answer_continue(False)
            self._continue = None
        return answer

    # What the parser reports.

    def on_interim(self, head: ResponseHead) -> None:
        """Receive an interim response; only 100 means something here."""
        if head.status == 100:
            self._continued = True
            self._answer_continue(True)

    def on_head(self, head: ResponseHead) -> None:
        """Receive the head of the response."""
        self.head = head
        self.state = _HEAD
        if self._continue is not None:
            self._answer_continue(False)

    def on_body(self, data: bytes) -> None:
        """Receive a piece of the body."""
        if self.stream is not None:
            self.stream.feed_data(data)
        elif self._pieces is not None:
            self._pieces.append(data)
        elif self._piece is None:
            self._piece = data
        else:
            self._pieces = [self._piece, data]

    def on_chunk_end(self) -> None:
        """Receive the end of a chunk."""
        if self.stream is not None:
            self.stream.end_chunk()
            return
        if self._pieces is None:
            self._pieces = [self._piece]
        self._pieces.append(None)

    def on_end(self) -> None:
        """Receive the end of the response."""
        self.state = _DONE

    # Inside.

    def _conclude(self, data: bytes, taken: int) -> int:
        """Return the outcome of a complete response, of which `taken` bytes were in the last read."""
        if self.uploading:
            # An answer that came before the request was complete: the rest of its body would look like another request.
            return _CLOSE
        if self._upgrade and self._parser.switched:
            self.left_over = data[taken:]
            return _SWITCH
        head = self.head
        assert head is not None
        return _REUSE if head.keep_alive and taken == len(data) else _CLOSE

    def _body_of(self, head: ResponseHead) -> Body:
        """Return a body that came together with its head: bytes if there is nothing to decode and no chunk to keep."""
        if self._pieces is not None:
            return self._pieces
        if self._piece is None:
            return b""
        return self._piece if head.content_encoding is None else [self._piece]

    def _open_body(self) -> None:
        """Complete the waiter before the body is there."""
        head = self.head
        assert head is not None
        assert self._open_stream is not None
        stream = self.stream = self._open_stream(self._control, head)
        self.state = _BODY
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
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result((head, head.status, head.has_cookies, stream))

    def _answer_continue(self, wanted: bool) -> None:
        if self._continue is not None and not self._continue.done():
            self._continue.set_result(wanted)


def deliver(
    waiter: "asyncio.Future[Answer] | None",
    stream: BodyStream | None,
    answer: "Answer | None",
    error: Exception | None,
) -> None:
    """Give the end of an exchange to its caller.

    It is a function, and comes last, because the connection may be in another exchange by then, or begin one in it.

    Args:
        waiter: the waiter of the exchange.
        stream: the stream of its body, if one was opened: then the waiter is complete.
        answer: what `Exchange.finish` returned.
        error: why the exchange failed, None if it did not.
    """
    if stream is not None:
        if error is None:
            stream.feed_eof()
        else:
            stream.set_exception(_payload_error(error))
    elif waiter is None:
        return
    elif error is None:
        try:  # noqa: SIM105  (on the fast path)
            waiter.set_result(answer)  # type: ignore[arg-type]
        except asyncio.InvalidStateError:
            pass  # the caller was cancelled
    elif not waiter.done():
        waiter.set_exception(error)


def _payload_error(error: Exception) -> Exception:
    """Return the error that the reader of a body gets for one of the connection."""
    if not isinstance(error, ServerDisconnectedError | ClientOSError):
        return error
    broken = ClientPayloadError(f"Response payload is not completed: {error!r}")
    broken.__cause__ = error
    return broken
