"""Request bodies that are sent in pieces."""

import asyncio

from gazelle._impl import HttpConnection
from gazelle.abc import AbstractStreamWriter
from gazelle.body.compress import CompressingWriter
from gazelle.body.payload import Payload
from gazelle.errors import ClientConnectionResetError


class BodyWriter(AbstractStreamWriter):
    """Writes the body of one exchange to its connection, in chunks if its length was not promised (RFC 9112 §7.1).

    Args:
        connection: the connection.
        generation: the exchange, see `HttpConnection.send_body`.
        chunked: whether the body has the chunked coding.
    """

    def __init__(self, connection: HttpConnection, generation: int, chunked: bool) -> None:
        self._connection = connection
        self._generation = generation
        self._chunked = chunked

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Sends a piece, and waits while the server does not take it.

        Raises:
            ClientConnectionResetError: the exchange is over.
        """
        size = len(chunk)
        if size:
            piece = bytes(chunk)  # it may be reused by who made it
            data = b"%x\r\n%b\r\n" % (size, piece) if self._chunked else piece
            await self._send(data)

    async def write_eof(self, chunk: bytes = b"") -> None:
        """Sends the last piece, and ends the body."""
        await self.write(chunk)
        if self._chunked:
            await self._send(b"0\r\n\r\n")
        self._connection.end_body(self._generation)

    async def drain(self) -> None:
        """Returns at once: each piece waits for itself."""

    async def _send(self, data: bytes) -> None:
        drained = self._connection.send_body(self._generation, data)
        if drained is not None:
            await drained


class Upload:
    """The body of the exchange under way, being sent while the response may come already.

    An error of the body becomes the error of the exchange. It ends silently when the response does not wait for it.

    Args:
        connection: the connection.
        payload: the body. It stays open until `finish`: a redirect may need it again.
        length: bytes that the head has promised, None if the body is chunked.
        coding: the content coding to put on, if any.
        expect: whether the server is to say first that it wants the body.
    """

    __slots__ = ("_payload", "_task")

    def __init__(
        self, connection: HttpConnection, payload: Payload, length: int | None, coding: str | None, *, expect: bool
    ) -> None:
        self._payload = payload
        self._task = asyncio.ensure_future(_send(connection, payload, length, coding, expect=expect))

    @property
    def done(self) -> bool:
        """Whether all of it was sent, or no more of it will be."""
        return self._task.done()

    def cancel(self) -> None:
        """Sends no more of it."""
        self._task.cancel()

    async def stop(self) -> None:
        """Sends no more of it, and returns when the code that makes it has ended."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def finish(self) -> None:
        """Does what `stop` does, and closes the payload."""
        await self.stop()
        await self._payload.close()


async def _send(
    connection: HttpConnection, payload: Payload, length: int | None, coding: str | None, *, expect: bool
) -> None:
    generation = connection.generation
    try:
        if expect and not await connection.wait_for_continue():
            return
        writer: AbstractStreamWriter = BodyWriter(connection, generation, length is None)
        if coding is not None:
            writer = CompressingWriter(writer, coding)
        await payload.write_with_length(writer, length)
        await writer.write_eof()
    except ClientConnectionResetError:
        return
    except Exception as error:
        connection.fail_body(generation, error)
