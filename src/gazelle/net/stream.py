"""The body of a response as a stream: the engine feeds it, the user reads it."""

import asyncio
import sys
import warnings
from collections.abc import Callable
from functools import partial

from gazelle.body.codings import Decoder
from gazelle.errors import ContentEncodingError

from .body_errors import translate
from .decoding import Decoding
from .direct_read import DirectRead, ReadingControl
from .end_listeners import EndListeners, call
from .piece_buffer import PieceBuffer
from .separator_search import SeparatorSearch
from .stream_iterator import StreamIterator


class StreamReader:
    """A body that is read as it arrives.

    A content coding is removed only as far as the body is read, in bounded steps. The connection stops reading while
    more than `2 * limit` bytes wait, until there are fewer than `limit`, or a reader waits for more.

    When the body breaks off, the bytes that have arrived can still be read piece by piece, and the error is raised
    after them. `read()`, `readexactly()` and `readuntil()` raise it at once and consume nothing, as does a cancelled
    read. Two reads at the same time are a RuntimeError.

    Args:
        connection: feeds the stream; None if the body has arrived. It is dropped at the end of the body.
        limit: low water mark, in bytes. Default 64 KiB.
        decoder: removes the content coding; None if there is none.
    """

    def __init__(
        self, connection: ReadingControl | None, limit: int = 2**16, *, decoder: Decoder | None = None
    ) -> None:
        self._connection = connection
        self._paused = False
        self._low_water = limit
        self._high_water = 2 * limit
        self._high_chunks = max(16, limit // 16)
        self._lifted = False  # `read()` is waiting for the end, whatever the size
        self._broken = False  # the body cannot be decoded
        self._buffer = PieceBuffer()
        self._decoding = None if decoder is None else Decoding(decoder, self._buffer)
        self._waiter: asyncio.Future[None] | None = None  # woken by every event
        self._end_waiter: asyncio.Future[None] | None = None  # woken by the end of the body
        self._listeners: EndListeners | None = None
        self._eof = False
        self._exception: BaseException | None = None
        self.total_raw_bytes = 0
        """Bytes received so far, before decoding."""

    @property
    def feeding(self) -> bool:
        """Whether more of the body is to come."""
        return not self._eof and self._exception is None

    def __repr__(self) -> str:
        parts = [type(self).__name__]
        waiting = self._buffer.size + (0 if self._decoding is None else self._decoding.raw_size)
        if waiting:
            parts.append(f"{waiting} bytes")
        if self._eof:
            parts.append("eof")
        if self._decoding is not None:
            parts.append("encoded")
        if self._paused:
            parts.append("paused")
        if self._exception is not None:
            parts.append(f"exception={self._exception!r}")
        return f"<{' '.join(parts)}>"

    # Feeding.

    def feed_data(self, data: bytes) -> None:
        """Add received bytes."""
        if not data:
            return
        self.total_raw_bytes += len(data)
        if self._decoding is None:
            buffer = self._buffer
            buffer.pieces.append(data)  # not `append`: this is called for each read of the socket
            size = buffer.size = buffer.size + len(data)
        elif not self._broken:
            size = self._decoding.feed(data)
        else:
            return  # it cannot be decoded
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if size > self._high_water and not (self._paused or self._lifted):
            self._pause()

    def end_chunk(self) -> None:
        """Note that an HTTP chunk ends here."""
        if self._decoding is None:
            self._buffer.split(self.total_raw_bytes)
            chunks = len(self._buffer.splits)
        elif not self._broken:
            self._decoding.end_chunk()
            chunks = self._chunks_waiting()
        else:
            return
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        # Very small chunks cost more memory than their bytes do.
        if chunks > self._high_chunks and not (self._paused or self._lifted):
            self._pause()

    def feed_eof(self) -> None:
        """Note that the body is complete."""
        self._eof = True
        self._connection = None
        self._wake_all()
        if self._listeners is not None:
            self._listeners.complete()

    def set_exception(self, exc: BaseException | type[BaseException]) -> None:
        """Break the body off with an error, see `translate`; a later one is ignored."""
        error = exc() if isinstance(exc, type) else exc
        if self._exception is None:
            self._exception = translate(error)
        self._connection = None
        self._wake_all()
        if self._listeners is not None:
            self._listeners.fail(self._exception)

    def _wake_all(self) -> None:
        for waiter in (self._waiter, self._end_waiter):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    def _pause(self) -> None:
        if self._connection is not None:
            self._paused = True
            self._connection.pause_reading()

    def _resume(self) -> None:
        self._paused = False
        if self._connection is not None:
            self._connection.resume_reading()

    def _resume_if_low(self) -> None:
        size = self._buffer.size if self._decoding is None else self._decoding.raw_size
        if size < self._low_water and self._chunks_waiting() <= self._high_chunks // 2:
            self._resume()

    def _pause_if_high(self) -> None:
        size = self._buffer.size
        if self._decoding is not None and self._decoding.raw_size > size:
            size = self._decoding.raw_size
        if size > self._high_water and not self._paused:
            self._pause()

    def _chunks_waiting(self) -> int:
        return len(self._buffer.splits) + (0 if self._decoding is None else len(self._decoding.raw))

    # Reading.

    @property
    def total_bytes(self) -> int:
        """Bytes of the body so far: received ones if there is no content coding, else decoded ones."""
        return self.total_raw_bytes if self._decoding is None else self._decoding.decoded_bytes

    def get_read_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high water mark, in bytes."""
        return self._low_water, self._high_water

    def set_read_chunk_size(self, n: int) -> None:
        """Raise the water marks so that pieces of `n` bytes can be read; they are never lowered."""
        if n > self._low_water:
            self._low_water = n
            self._high_water = 2 * n

    def exception(self) -> BaseException | None:
        """Return the error with which the body breaks off, None if there is none."""
        return self._exception

    def is_eof(self) -> bool:
        """Return whether the whole body has been received; it may not have been read yet."""
        return self._eof

    def at_eof(self) -> bool:
        """Return whether the whole body has been received and read."""
        if not self._eof or self._buffer.pieces:
            return False
        return self._is_decoded() or (not self._decode_step() and self._is_decoded())

    def on_eof(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the whole body has been received, at once if it has been; never if it breaks off."""
        if self._eof:
            call(callback)
        else:
            self._end_listeners().add(callback)

    async def wait_eof(self) -> None:
        """Wait until the whole body has been received; a large body is received only while it is read."""
        if self._eof:
            return
        if self._exception is not None:
            raise self._exception
        await self._end_listeners().wait()

    def _end_listeners(self) -> EndListeners:
        if self._listeners is None:
            self._listeners = EndListeners()
        return self._listeners

    async def read(self, n: int = -1) -> bytes:
        """Return up to `n` bytes, at least one; all up to the end if `n` is negative; b"" at the end.

        Raises:
            ClientPayloadError: the body is broken. Other errors as they were given to `set_exception`.
            RuntimeError: another coroutine is reading.
        """
        if n < 0:
            return await self.read_to_end()
        self._check_idle("read")
        if n == 0:
            return b""
        while self._buffer.size < n and not self._gather(n):
            if self._at_end():
                return b""
            await self._wait()
        return self._take(n)

    async def readany(self) -> bytes:
        """Return the bytes that have arrived, at least one, b"" at the end; of an encoded body, one decoding step."""
        self._check_idle("readany")
        while not self._buffer.size and not self._gather(1):
            if self._at_end():
                return b""
            await self._wait()
        return self._take(self._buffer.size)

    async def readexactly(self, n: int) -> bytes:
        """Return exactly `n` bytes.

        Raises:
            asyncio.IncompleteReadError: the body ends before; the bytes are in its `partial`.
            ValueError: `n` is negative.
        """
        self._check_idle("readexactly")
        if n < 0:
            raise ValueError(f"readexactly needs a size that is not negative, got {n}")
        while self._buffer.size < n and self._gather(n) < n:
            if self._at_end():
                raise asyncio.IncompleteReadError(self._take(self._buffer.size), n)
            await self._wait()
        return self._take(n)

    async def readline(self, max_line_length: int | None = None) -> bytes:
        """Return a line with its end b"\\n"; the rest at the end of the body; b"" when nothing is left.

        Args:
            max_line_length: longest line in bytes, its end included. Default: the high water mark.

        Raises:
            LineTooLong: the line is longer; nothing of it is consumed.
        """
        return await self._read_until("readline", b"\n", max_line_length)

    async def readuntil(self, separator: bytes = b"\n", max_size: int | None = None) -> bytes:
        """Return all bytes up to and with `separator`; the rest at the end of the body; b"" when nothing is left.

        Args:
            separator: at least one byte.
            max_size: most bytes to return, the separator included. Default: the high water mark.

        Raises:
            LineTooLong: there are more; nothing of it is consumed.
            ValueError: the separator is empty.
        """
        return await self._read_until("readuntil", separator, max_size)

    async def readchunk(self) -> tuple[bytes, bool]:
        """Return bytes of one HTTP chunk and whether they end it; (b"", False) at the end of the body."""
        self._check_idle("readchunk")
        buffer = self._buffer
        while True:
            while buffer.splits:
                position = buffer.splits.popleft()
                if position >= buffer.cursor:
                    return self._take(position - buffer.cursor), True
            if buffer.pieces:
                return self._take(len(buffer.pieces[0]) - buffer.offset), False
            if not self._decode_step() and not buffer.splits:
                if self._at_end():
                    return b"", False
                await self._wait()

    def read_nowait(self, n: int = -1) -> bytes:
        """Return up to `n` of the bytes that have arrived, all if `n` is negative; b"" if there are none.

        It is not reported to traces, which have to be awaited.

        Raises:
            RuntimeError: a coroutine is reading.
        """
        self._check_idle("read_nowait")
        if n == 0:
            return b""
        wanted = n if n > 0 else sys.maxsize
        if not self._gather(wanted) and self._exception is not None:
            raise self._exception
        return self._take(wanted)

    def unread_data(self, data: bytes) -> None:
        """Put bytes back to the front. Deprecated."""
        warnings.warn("unread_data() is deprecated", DeprecationWarning, stacklevel=2)
        self._check_idle("unread_data")
        if data:
            self._buffer.put_back(data)

    def iter_chunked(self, n: int) -> StreamIterator[bytes]:
        """Iterate over the body in pieces of up to `n` bytes; the water marks are raised to fit.

        Raises:
            ValueError: `n` is 0.
        """
        if n == 0:
            raise ValueError("pieces of 0 bytes would never end")
        self.set_read_chunk_size(n)
        return StreamIterator(partial(self.read, n), b"")

    def iter_any(self) -> StreamIterator[bytes]:
        """Iterate over the body in pieces as they come."""
        return StreamIterator(self.readany, b"")

    def iter_chunks(self) -> StreamIterator[tuple[bytes, bool]]:
        """Iterate over (bytes, whether they end an HTTP chunk)."""
        return StreamIterator(self.readchunk, (b"", False))

    def __aiter__(self) -> StreamIterator[bytes]:
        """Iterate over the lines."""
        return StreamIterator(self.readline, b"")

    def _check_idle(self, method: str) -> None:
        # A waiter that is done counts: its coroutine has not resumed yet.
        if self._waiter is not None or self._end_waiter is not None:
            raise RuntimeError(f"{method}() called while another coroutine is already waiting for incoming data")

    def _at_end(self) -> bool:
        """Return whether the body has ended; raise its error if it has broken off."""
        if self._exception is not None:
            raise self._exception
        return self._eof

    async def _wait(self) -> None:
        if self._paused:
            self._resume()  # the reader needs more than is buffered
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _is_decoded(self) -> bool:
        """Return whether the body has been decoded up to its end, if it has a content coding."""
        return self._decoding is None or self._decoding.complete

    async def _receive_end(self) -> None:
        """Wait for the end of a body without a content coding, and receive a large one into its final object."""
        connection = self._connection
        rest = None if connection is None else DirectRead(self, self._buffer, connection)
        self._end_waiter = asyncio.get_running_loop().create_future()
        try:
            await self._end_waiter
        finally:
            self._end_waiter = None
            if rest is not None:
                rest.give_back()

    async def read_to_end(self) -> bytes:
        """Do what `read()` does, without reporting to traces."""
        self._check_idle("read")
        self._lifted = True
        if self._paused and not self._broken:
            self._resume()
        try:
            if self._decoding is None:
                if not self._eof and self._exception is None:
                    await self._receive_end()
            else:
                self._gather(sys.maxsize)
                while not self._eof and self._exception is None:
                    await self._wait()
                    self._gather(sys.maxsize)
        finally:
            self._lifted = False
            self._pause_if_high()
        if self._exception is not None and not (self._eof and self._is_decoded() and self._buffer.pieces):
            raise self._exception
        return self._take(self._buffer.size)

    async def _read_until(self, method: str, separator: bytes, max_size: int | None) -> bytes:
        self._check_idle(method)
        if not separator:
            raise ValueError("the separator must have at least one byte")
        limit = self._high_water if max_size is None else max_size
        buffer = self._buffer
        if buffer.pieces:  # the fast path: all of the line is in the first piece
            end = buffer.pieces[0].find(separator, buffer.offset) + len(separator)
            if end >= len(separator) and end - buffer.offset <= limit:
                return self._take(end - buffer.offset)
        search = SeparatorSearch(buffer, separator, limit)
        while True:
            length = search.run()
            if length:
                return self._take(length)
            if self._decode_step():
                continue
            if self._at_end():
                return self._take(buffer.size)
            await self._wait()

    def _gather(self, n: int) -> int:
        """Decode until `n` bytes are buffered or nothing is left to decode; return how many are buffered."""
        buffer = self._buffer
        while buffer.size < n and self._decode_step():
            pass
        return buffer.size

    def _decode_step(self) -> bool:
        """Decode the next piece into the buffer; return False if there is nothing to decode now."""
        if self._decoding is None or self._broken:
            return False
        try:
            decoded = self._decoding.step(self._eof)
        except ContentEncodingError as error:
            self._broken = True
            if self._exception is None:
                self._exception = translate(error)
            if not self._paused:
                self._pause()  # the rest of the body cannot be decoded
            return False
        if self._paused:
            self._resume_if_low()
        return decoded

    def _take(self, n: int) -> bytes:
        """Remove up to `n` bytes from the buffer and return them."""
        piece = self._buffer.take(n)
        if self._paused and not self._broken:
            self._resume_if_low()
        return piece
