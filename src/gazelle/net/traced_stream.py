"""The body of a response as a stream that is reported to traces."""

import asyncio
from collections.abc import Sequence

from yarl import URL

from gazelle.body.codings import Decoder
from gazelle.tracing import Trace

from .direct_read import ReadingControl
from .stream import StreamReader


class TracedStreamReader(StreamReader):
    """A body that is reported to traces as it is read, every byte once, in order.

    A piece is reported before it is returned. If a handler raises, or the read is cancelled while a handler runs, the
    piece stays in the stream for the next read, and is not reported again. `read_nowait` reports nothing.
    """

    def __init__(
        self, connection: ReadingControl | None, limit: int = 2**16, *, decoder: Decoder | None = None
    ) -> None:
        super().__init__(connection, limit, decoder=decoder)
        self._traces: Sequence[Trace] = ()
        self._method = ""
        self._url = URL()
        self._reported = 0  # value of the cursor up to which the body is reported
        self._reporting = False

    def report_to(self, traces: Sequence[Trace], method: str, url: URL) -> None:
        """Set the traces, and the method and URL to report."""
        # Not the response: the connection refers to its stream, and a dropped response must be collected.
        self._traces = traces
        self._method = method
        self._url = url

    async def read(self, n: int = -1) -> bytes:
        """Read as `StreamReader` does, and report."""
        return await self._report(await super().read(n))

    async def readany(self) -> bytes:
        """Read as `StreamReader` does, and report."""
        return await self._report(await super().readany())

    async def readexactly(self, n: int) -> bytes:
        """Read as `StreamReader` does, and report, including the `partial` of an `IncompleteReadError`."""
        try:
            piece = await super().readexactly(n)
        except asyncio.IncompleteReadError as error:
            await self._report(error.partial)
            raise
        return await self._report(piece)

    async def readchunk(self) -> tuple[bytes, bool]:
        """Read as `StreamReader` does, and report."""
        piece, ends = await super().readchunk()
        try:
            return await self._report(piece), ends
        except BaseException:
            if ends:
                self._buffer.splits.appendleft(self._buffer.cursor + len(piece))
            raise

    async def _read_until(self, method: str, separator: bytes, max_size: int | None) -> bytes:
        return await self._report(await super()._read_until(method, separator, max_size))

    def _check_idle(self, method: str) -> None:
        if self._reporting:
            raise RuntimeError(f"{method}() called while the read of another coroutine is reported to traces")
        super()._check_idle(method)

    async def _report(self, piece: bytes) -> bytes:
        """Report a piece that was taken from the buffer, and return it; put it back if that fails."""
        unreported = self._buffer.cursor - self._reported
        if not piece or unreported <= 0:
            return piece
        self._reported = self._buffer.cursor
        self._reporting = True
        try:
            for trace in self._traces:
                await trace.send_response_chunk_received(self._method, self._url, piece[-unreported:])
        except BaseException:
            self._buffer.put_back(piece)
            raise
        finally:
            self._reporting = False
        return piece
