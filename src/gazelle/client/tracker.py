"""How far the body of a request has come."""

import asyncio

from gazelle._impl import HttpConnection
from gazelle.errors import UploadAbortedError


class UploadAttempt:
    """What was sent of a body by one exchange."""

    __slots__ = ("_connection", "_highest", "_tracker", "ended", "error", "payload_bytes", "wire_bytes", "writing")

    def __init__(self, tracker: "UploadTracker") -> None:
        self._tracker = tracker
        self._connection: HttpConnection | None = None
        self._highest = 0
        self.payload_bytes = 0  # of the body, before codings
        self.wire_bytes = 0  # of the body, as they were handed to the transport
        self.writing = False
        self.ended = False  # the whole body was handed over
        self.error: BaseException | None = None

    @property
    def written(self) -> int:
        """Bytes that have left the transport; of what a coding was put on, in proportion."""
        if not self.writing or self._connection is None or not self.wire_bytes:
            return self._highest
        transport = self._connection.transport
        if transport is not None and not transport.is_closing():  # what a closed one had left was never sent
            sent = max(0, self.wire_bytes - transport.get_write_buffer_size())
            self._highest = max(self._highest, self.payload_bytes * sent // self.wire_bytes)
        return self._highest

    def begin(self, connection: HttpConnection) -> None:
        """Take note that the body is being written now."""
        self._connection = connection
        self.writing = True

    def sent(self, size: int) -> None:
        """Take note of bytes that were handed to the transport."""
        self.wire_bytes += size
        _ = self.written  # looked up now, because a connection that is closed later no longer knows what has left it

    def sent_whole(self, size: int) -> None:
        """Note that a body of `size` bytes went with the head."""
        self.payload_bytes = size
        self.end(None)

    def end(self, error: BaseException | None) -> None:
        """Take note that no more will be written, and why; None if all was."""
        if error is None:
            self._highest = self.payload_bytes
        self._connection = None
        self.writing = False
        self.ended = error is None
        self.error = error
        self._tracker.settle()


class UploadTracker:
    """Tells how far the body of one request has come. Pass a new one as `upload_tracker`; make it in an event loop.

    Attributes:
        attempts: how often sending was begun: 1, and one more for each redirect and each retry (int).
        upload_complete: future that is done when nothing more will be sent: its result is None when the last attempt
            has sent everything, else its exception is an `UploadAbortedError`, with what has happened as its cause.

    Raises:
        RuntimeError: there is no running event loop; or, from the request, the tracker was used before.
    """

    def __init__(self) -> None:
        self.attempts = 0
        self.upload_complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._attempt: UploadAttempt | None = None
        self._bound = False
        self._over = False

    def __repr__(self) -> str:
        return f"<UploadTracker {self.bytes_written} bytes, {self.attempts} attempts>"

    @property
    def bytes_written(self) -> int:
        """Bytes of the body that the latest attempt has given to the operating system, before codings were put on."""
        return 0 if self._attempt is None else self._attempt.written

    def bind(self) -> None:
        """Take a request, the only one."""
        if self._bound:
            raise RuntimeError("UploadTracker is already bound to a request")
        self._bound = True

    def begin(self) -> UploadAttempt:
        """Return a new attempt, which is the one that counts."""
        self.attempts += 1
        self._attempt = UploadAttempt(self)
        return self._attempt

    def finish(self) -> None:
        """Take note that the request is over: there will be no other attempt, but this one may go on."""
        self._over = True
        self.settle()

    def settle(self) -> None:
        attempt = self._attempt
        future = self.upload_complete
        if not self._over or future.done() or (attempt is not None and attempt.writing):
            return
        if attempt is not None and attempt.ended:
            future.set_result(None)
            return
        error = UploadAbortedError("The request body was not sent to its end")
        error.__cause__ = None if attempt is None else attempt.error
        future.set_exception(error)
        future.exception()  # retrieved, or the loop would log it for a program that does not ask
