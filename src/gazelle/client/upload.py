"""Request bodies that are sent in pieces."""

import asyncio
from collections.abc import Sequence
from functools import partial

from gazelle._impl import HttpConnection
from gazelle.abc import AbstractStreamWriter
from gazelle.body.compress import CompressingWriter
from gazelle.body.payload import Payload
from gazelle.errors import ClientConnectionResetError
from gazelle.tracing import Trace
from gazelle.wire.request_framing import LAST_CHUNK, encode_chunk

from .request import ClientRequest
from .tracker import UploadAttempt


class BodyWriter(AbstractStreamWriter):
    """Writes the body of one exchange to its connection, in chunks if its length was not promised (RFC 9112 §7.1).

    Args:
        connection: the connection.
        generation: the exchange, see `HttpConnection.send_body`.
        chunked: whether the body has the chunked coding.
        attempt: counts the bytes that are sent.
    """

    def __init__(
        self, connection: HttpConnection, generation: int, chunked: bool, attempt: UploadAttempt | None = None
    ) -> None:
        self._attempt = attempt
        self._connection = connection
        self._generation = generation
        self._chunked = chunked

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Send a piece, and wait while the server does not take it.

        Raises:
            ClientConnectionResetError: the exchange is over.
        """
        size = len(chunk)
        if size:
            piece = bytes(chunk)  # the caller may reuse the buffer
            data = encode_chunk(piece) if self._chunked else piece
            await self._send(data)

    async def write_eof(self, chunk: bytes = b"") -> None:
        """Send the last piece, and end the body."""
        await self.write(chunk)
        if self._chunked:
            await self._send(LAST_CHUNK)
        self._connection.end_body(self._generation)

    async def drain(self) -> None:
        """Return at once: each piece waits for itself."""

    async def _send(self, data: bytes) -> None:
        drained = self._connection.send_body(self._generation, data)
        if self._attempt is not None:
            self._attempt.sent(len(data))
        if drained is not None:
            await drained


class Upload:
    """The body of the exchange under way, being sent while the response may come already.

    An error of the body becomes the error of the exchange. It ends silently when the response does not wait for it.

    Args:
        connection: the connection.
        request: the request; its payload stays open until `finish`: a redirect may need it again.
        traces: notified of each piece.
        attempt: counts the bytes that are sent.
    """

    __slots__ = ("_payload", "_task")

    def __init__(
        self,
        connection: HttpConnection,
        request: ClientRequest,
        traces: Sequence[Trace],
        attempt: UploadAttempt | None = None,
    ) -> None:
        assert request.payload is not None
        self._payload = request.payload
        if attempt is not None:
            attempt.begin(connection)  # before the task: an eager one sends at once
        self._task = asyncio.ensure_future(_send(connection, request, request.payload, traces, attempt))
        if attempt is not None:
            self._task.add_done_callback(partial(_tell, attempt))

    @property
    def done(self) -> bool:
        """Whether all of it was sent, or no more of it will be."""
        return self._task.done()

    def cancel(self) -> None:
        """Send no more of it."""
        self._task.cancel()

    async def stop(self) -> None:
        """Send no more of it, and return when the code that makes it has ended."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def finish(self) -> None:
        """Do what `stop` does, and close the payload."""
        await self.stop()
        await self._payload.close()


def _tell(attempt: UploadAttempt, task: "asyncio.Task[Exception | None]") -> None:
    attempt.end(asyncio.CancelledError() if task.cancelled() else task.exception() or task.result())


async def _send(
    connection: HttpConnection,
    request: ClientRequest,
    payload: Payload,
    traces: Sequence[Trace],
    attempt: UploadAttempt | None,
) -> Exception | None:
    """Send a body, and return why not all of it was sent; None if it was."""
    generation = connection.generation
    try:
        if request.expect and not await connection.wait_for_continue():
            return ClientConnectionResetError("The server has not asked for the body")
        writer: AbstractStreamWriter = BodyWriter(connection, generation, request.length is None, attempt)
        if traces:
            writer = _TracedWriter(writer, request, traces)
        if request.coding is not None:
            writer = CompressingWriter(writer, request.coding)
        if attempt is not None:
            writer = _CountingWriter(writer, attempt)
        await payload.write_with_length(writer, request.length)
        # What waited to be taken may have been let go by the end of the exchange.
        cut = not connection.busy or connection.generation != generation
        await writer.write_eof()
        return ClientConnectionResetError("The response came before the end of the body") if cut else None
    except ClientConnectionResetError as error:
        return error
    except Exception as error:
        connection.fail_body(generation, error)
        return error


class _CountingWriter(AbstractStreamWriter):
    """Counts what is written before anything is done to it."""

    def __init__(self, writer: AbstractStreamWriter, attempt: UploadAttempt) -> None:
        self._writer = writer
        self._attempt = attempt

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self._attempt.payload_bytes += len(chunk)
        await self._writer.write(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        self._attempt.payload_bytes += len(chunk)
        await self._writer.write_eof(chunk)

    async def drain(self) -> None:
        await self._writer.drain()


class _TracedWriter(AbstractStreamWriter):
    """Tells of each piece that is written."""

    def __init__(self, writer: AbstractStreamWriter, request: ClientRequest, traces: Sequence[Trace]) -> None:
        self._writer = writer
        self._request = request
        self._traces = traces

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        await self._writer.write(chunk)
        for trace in self._traces:
            await trace.send_request_chunk_sent(self._request.method, self._request.url, bytes(chunk))

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)
        await self._writer.write_eof()

    async def drain(self) -> None:
        await self._writer.drain()
