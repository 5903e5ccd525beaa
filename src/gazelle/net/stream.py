"""The body of a response as a stream: the engine feeds it, the user reads it."""

import asyncio
import logging
import sys
import warnings
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from gazelle._impl import BodyBuffer, BodySink
from gazelle.body.codings import Decoder
from gazelle.errors import ClientError, ClientPayloadError, ContentEncodingError, HttpProcessingError, LineTooLong

from .stream_iterator import StreamIterator

_logger = logging.getLogger("gazelle.client")

DECODE_STEP: Final = 256 * 1024
"""Most bytes that a content coding yields at a time."""

# Stands in the queue of raw pieces for the end of an HTTP chunk; no piece is ever empty.
_CHUNK_END: Final = b""


class ReadingControl(Protocol):
    """What the stream asks of the connection that feeds it."""

    def pause_reading(self) -> object: ...
    def resume_reading(self) -> object: ...
    def receive_into(self, sink: BodySink) -> bool: ...
    def stop_receiving(self, sink: BodySink) -> object: ...


class StreamReader:
    """A body that is read as it arrives.

    The pieces are kept as they were received; a content coding is taken off only from what is read, a bounded step at
    a time. When more than `2 * limit` bytes wait to be read the connection is asked to stop reading, and to go on when
    they are fewer than `limit`, or when a reader waits.

    When the body breaks off, what has arrived can still be read piece by piece; the error is raised after it. `read()`,
    `readexactly()` and `readuntil()`, which promise a whole, raise it at once and consume nothing.
    A cancelled read consumes nothing. Two reads at the same time are a RuntimeError.

    Args:
        connection: has `pause_reading()` and `resume_reading()`; None if the body is here already. It is let go
            when the body has ended.
        limit: low water mark, in bytes. Default 64 KiB.
        decoder: takes the content coding off; None if there is none.
    """

    def __init__(
        self, connection: ReadingControl | None, limit: int = 2**16, *, decoder: Decoder | None = None
    ) -> None:
        self._connection = connection
        self._paused = False
        self._low_water = limit
        self._high_water = 2 * limit
        self._high_chunks = max(16, limit // 16)
        self._lifted = False  # somebody reads to the end, whatever the size
        self._decoder = decoder
        self._decoded = decoder is None  # the decoder has seen the end of the body and found it whole
        self._broken = False  # the decoder has refused the body
        self._decoded_bytes = 0
        self._raw: deque[bytes] = deque()  # pieces for the decoder, and the ends of HTTP chunks
        self._raw_size = 0
        self._buffer: deque[bytes] = deque()  # pieces for the reader
        self._buffer_offset = 0  # bytes of the first piece that are read already
        self._size = 0  # bytes in the buffer that are not read yet
        self._cursor = 0  # bytes read so far
        self._splits: deque[int] = deque()  # values of the cursor at which an HTTP chunk ends
        self._last_split = 0
        self._waiter: asyncio.Future[None] | None = None  # woken by whatever happens
        self._end_waiter: asyncio.Future[None] | None = None  # woken by the end only
        self._eof_waiters: list[asyncio.Future[None]] = []
        self._eof = False
        self._eof_callbacks: list[Callable[[], object]] = []
        self._exception: BaseException | None = None
        self.total_raw_bytes = 0
        """Bytes received so far, as they came."""

    @property
    def feeding(self) -> bool:
        """Whether more of the body is to come."""
        return not self._eof and self._exception is None

    def __repr__(self) -> str:
        parts = [type(self).__name__]
        if self._size or self._raw_size:
            parts.append(f"{self._size + self._raw_size} bytes")
        if self._eof:
            parts.append("eof")
        if self._decoder is not None:
            parts.append("encoded")
        if self._paused:
            parts.append("paused")
        if self._exception is not None:
            parts.append(f"exception={self._exception!r}")
        return f"<{' '.join(parts)}>"

    # --- for whoever feeds the stream ---

    def feed_data(self, data: bytes) -> None:
        """Take what was received."""
        if not data:
            return
        self.total_raw_bytes += len(data)
        if self._decoder is None:
            self._buffer.append(data)
            size = self._size = self._size + len(data)
        elif not self._broken:
            self._raw.append(data)
            size = self._raw_size = self._raw_size + len(data)
        else:
            return  # it would never be decoded
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if size > self._high_water and not (self._paused or self._lifted):
            self._pause()

    def end_chunk(self) -> None:
        """Note that an HTTP chunk ends here."""
        if self._decoder is None:
            self._split(self.total_raw_bytes)
        elif not self._broken:
            self._raw.append(_CHUNK_END)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        # Very small chunks cost more memory than their bytes.
        if self._chunks_waiting() > self._high_chunks and not (self._paused or self._lifted):
            self._pause()

    def feed_eof(self) -> None:
        """Note that the body is complete."""
        self._eof = True
        self._connection = None
        self._wake_all()
        waiters, self._eof_waiters = self._eof_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        callbacks, self._eof_callbacks = self._eof_callbacks, []
        for callback in callbacks:
            self._call(callback)

    def set_exception(self, exc: BaseException | type[BaseException]) -> None:
        """Note that nothing more will come, and why; the first reason stays.

        A wire error or an OSError becomes a ClientPayloadError with the given one as its cause; a ClientError, a
        TimeoutError and anything else is raised to the reader as it is.
        """
        error = exc() if isinstance(exc, type) else exc
        if self._exception is None:
            self._exception = _translated(error)
        self._connection = None
        self._eof_callbacks.clear()
        self._wake_all()
        waiters, self._eof_waiters = self._eof_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(self._exception)

    def _wake_all(self) -> None:
        for waiter in (self._waiter, self._end_waiter):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    def _call(self, callback: Callable[[], object]) -> None:
        try:
            callback()
        except Exception:
            _logger.exception("Exception in eof callback")

    def _pause(self) -> None:
        if self._connection is not None:
            self._paused = True
            self._connection.pause_reading()

    def _resume(self) -> None:
        self._paused = False
        if self._connection is not None:
            self._connection.resume_reading()

    def _resume_if_low(self) -> None:
        size = self._size if self._decoder is None else self._raw_size
        if size < self._low_water and self._chunks_waiting() <= self._high_chunks // 2:
            self._resume()

    def _chunks_waiting(self) -> int:
        return len(self._splits) + len(self._raw)

    def _split(self, position: int) -> None:
        if position > self._last_split:
            self._last_split = position
            self._splits.append(position)

    # --- for the reader ---

    @property
    def total_bytes(self) -> int:
        """Bytes of the body so far: received ones if there is no content coding, else decoded ones."""
        return self.total_raw_bytes if self._decoder is None else self._decoded_bytes

    def get_read_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high water mark, in bytes."""
        return self._low_water, self._high_water

    def set_read_chunk_size(self, n: int) -> None:
        """Raise the water marks so that pieces of `n` bytes can be read; they are never lowered."""
        if n > self._low_water:
            self._low_water = n
            self._high_water = 2 * n

    def exception(self) -> BaseException | None:
        """Return why nothing more will come, None if there is no such reason."""
        return self._exception

    def is_eof(self) -> bool:
        """Tell whether the whole body has been received; it may not have been read yet."""
        return self._eof

    def at_eof(self) -> bool:
        """Tell whether the whole body has been received and read."""
        if not self._eof or self._buffer:
            return False
        return self._decoded or (not self._decode_step() and self._decoded)

    def on_eof(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the whole body has been received, at once if it has been; never if it breaks off."""
        if self._eof:
            self._call(callback)
        else:
            self._eof_callbacks.append(callback)

    async def wait_eof(self) -> None:
        """Wait until the whole body has been received, which takes somebody who reads it if it is large."""
        if self._eof:
            return
        if self._exception is not None:
            raise self._exception
        waiter = asyncio.get_running_loop().create_future()
        self._eof_waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._eof_waiters:
                self._eof_waiters.remove(waiter)

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
        while not self._gather(n):
            if self._at_end():
                return b""
            await self._wait()
        return self._take(n)

    async def readany(self) -> bytes:
        """Return what there is, at least one byte, b"" at the end; what is encoded, one bounded step at a time."""
        self._check_idle("readany")
        while not self._gather(1):
            if self._at_end():
                return b""
            await self._wait()
        return self._take(self._size)

    async def readexactly(self, n: int) -> bytes:
        """Return exactly `n` bytes.

        Raises:
            asyncio.IncompleteReadError: the body ends before; what there was is in its `partial`.
            ValueError: `n` is negative.
        """
        self._check_idle("readexactly")
        if n < 0:
            raise ValueError(f"readexactly needs a size that is not negative, got {n}")
        while self._gather(n) < n:
            if self._at_end():
                raise asyncio.IncompleteReadError(self._take(self._size), n)
            await self._wait()
        return self._take(n)

    async def readline(self, max_line_length: int | None = None) -> bytes:
        """Return a line with its end b"\\n"; what is left at the end of the body; b"" when nothing is left.

        Args:
            max_line_length: longest line in bytes, its end included. Default: the high water mark.

        Raises:
            LineTooLong: the line is longer; nothing of it is consumed.
        """
        return await self._read_until("readline", b"\n", max_line_length)

    async def readuntil(self, separator: bytes = b"\n", max_size: int | None = None) -> bytes:
        """Return everything up to and with `separator`; what is left at the end of the body; b"" when nothing is left.

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
        while True:
            while self._splits:
                position = self._splits.popleft()
                if position >= self._cursor:
                    return self._take(position - self._cursor), True
            if self._buffer:
                return self._take(len(self._buffer[0]) - self._buffer_offset), False
            if not self._decode_step() and not self._splits:
                if self._at_end():
                    return b"", False
                await self._wait()

    def read_nowait(self, n: int = -1) -> bytes:
        """Return up to `n` bytes of what is here, all of it if `n` is negative; b"" if nothing is.

        Traces are not told of it: they have to be awaited.

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
            self._put_back(data)

    def _put_back(self, data: bytes) -> None:
        if self._buffer_offset:
            self._buffer[0] = self._buffer[0][self._buffer_offset :]
            self._buffer_offset = 0
        self._buffer.appendleft(data)
        self._size += len(data)
        self._cursor -= len(data)

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

    # --- how reading works ---

    def _check_idle(self, method: str) -> None:
        # A waiter that is done already counts: whoever waited has not taken what it waited for yet.
        if self._waiter is not None or self._end_waiter is not None:
            raise RuntimeError(f"{method}() called while another coroutine is already waiting for incoming data")

    def _at_end(self) -> bool:
        """Tell whether the body has ended here, after nothing was left to take; raise if it is broken."""
        if self._exception is not None:
            raise self._exception
        return self._eof

    async def _wait(self) -> None:
        if self._paused:
            self._resume()  # what is buffered is not enough for the reader
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def _wait_end(self) -> None:
        self._end_waiter = asyncio.get_running_loop().create_future()
        try:
            await self._end_waiter
        finally:
            self._end_waiter = None

    async def _receive_end(self) -> None:
        """Wait for the end of a body without a content coding; a large one is received into its final object."""
        connection = self._connection
        rest = None if connection is None else _Rest(self, connection)
        try:
            await self._wait_end()
        finally:
            if rest is not None:
                rest.give_back()

    async def read_to_end(self) -> bytes:
        """Do what `read()` does, without notifying traces."""
        self._check_idle("read")
        self._lifted = True
        if self._paused and not self._broken:
            self._resume()
        try:
            if self._decoder is None:
                if not self._eof and self._exception is None:
                    await self._receive_end()
            else:
                self._gather(sys.maxsize)
                while not self._eof and self._exception is None:
                    await self._wait()
                    self._gather(sys.maxsize)
        finally:
            self._lifted = False
            if max(self._size, self._raw_size) > self._high_water and not self._paused:
                self._pause()
        if self._exception is not None and not (self._eof and self._decoded and self._buffer):
            raise self._exception
        return self._take(self._size)

    async def _read_until(self, method: str, separator: bytes, max_size: int | None) -> bytes:
        self._check_idle(method)
        if not separator:
            raise ValueError("the separator must have at least one byte")
        limit = self._high_water if max_size is None else max_size
        scanned = 0  # pieces of the buffer that do not end the line
        length = 0  # bytes in them
        tail = b""  # their end, in which the separator may begin
        while True:
            while scanned < len(self._buffer) and length <= limit:
                piece = self._buffer[scanned]
                start = 0 if scanned else self._buffer_offset
                found = (tail + piece).find(separator, start) if tail else piece.find(separator, start)
                if found >= 0:
                    length += found - len(tail) - start + len(separator)
                    if length > limit:
                        raise self._line_too_long(limit)
                    return self._take(length)
                length += len(piece) - start
                scanned += 1
                if len(separator) > 1:
                    tail = (tail + piece[start:])[1 - len(separator) :]
            if length > limit:
                raise self._line_too_long(limit)
            if self._decode_step():
                continue
            if self._at_end():
                return self._take(self._size)
            await self._wait()

    def _line_too_long(self, limit: int) -> LineTooLong:
        start = self._buffer_offset
        return LineTooLong(self._buffer[0][start : start + 100], limit)

    def _gather(self, n: int) -> int:
        """Decode until `n` bytes are in the buffer or all that is here is decoded; return how many there are."""
        while self._size < n and self._decode_step():
            pass
        return self._size

    def _decode_step(self) -> bool:
        """Decode the next piece into the buffer; False if there is nothing to decode now."""
        decoder = self._decoder
        if decoder is None or self._decoded or self._broken:
            return False
        try:
            while True:
                if decoder.pending:
                    piece = decoder.decode(b"", DECODE_STEP)
                elif self._raw:
                    raw = self._raw.popleft()
                    if not raw:
                        self._split(self._decoded_bytes)
                        continue
                    self._raw_size -= len(raw)
                    piece = decoder.decode(raw, DECODE_STEP)
                    if self._paused:
                        self._resume_if_low()
                elif self._eof:
                    decoder.finish()
                    self._decoded = True
                    return False
                else:
                    return False
                if piece:
                    self._buffer.append(piece)
                    self._size += len(piece)
                    self._decoded_bytes += len(piece)
                    if self._raw and not self._raw[0] and not decoder.pending:
                        self._raw.popleft()
                        self._split(self._decoded_bytes)
                    return True
        except ContentEncodingError as error:
            self._give_up(error)
            return False

    def _give_up(self, error: ContentEncodingError) -> None:
        """Stop decoding for good; what was decoded stays readable."""
        self._broken = True
        self._raw.clear()
        self._raw_size = 0
        if self._exception is None:
            self._exception = _translated(error)
        if not self._paused:
            self._pause()  # what is still to come is of no use to anybody

    def _take(self, n: int) -> bytes:
        """Remove up to `n` bytes from the buffer and return them."""
        buffer = self._buffer
        offset = self._buffer_offset
        if n >= self._size:
            n = self._size
            if offset:
                buffer[0] = buffer[0][offset:]
            piece = buffer[0] if len(buffer) == 1 else b"".join(buffer)
            buffer.clear()
            offset = 0
        else:
            pieces = []
            missing = n
            while missing and len(buffer[0]) - offset <= missing:
                head = buffer.popleft()
                pieces.append(head[offset:] if offset else head)
                missing -= len(head) - offset
                offset = 0
            if missing:
                pieces.append(buffer[0][offset : offset + missing])
                offset += missing
            piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._buffer_offset = offset
        self._size -= n
        self._cursor += n
        splits = self._splits
        while splits and splits[0] < self._cursor:
            splits.popleft()
        if self._paused and not self._broken:
            self._resume_if_low()
        return piece


class _Rest:
    """The sink of the rest of a body while `read()` waits for it, if the connection agrees.

    Args:
        stream: whose pieces the rest is added to.
        connection: receives the body.
    """

    def __init__(self, stream: StreamReader, connection: ReadingControl) -> None:
        self._stream = stream
        self._connection = connection
        self._memory: BodyBuffer | None = None
        self._receiving = connection.receive_into(self)

    def buffer(self, hint: int) -> memoryview:
        """Return where the next bytes go."""
        memory = self._memory
        if memory is None:
            stream = self._stream
            pieces = list(stream._buffer)
            if stream._buffer_offset:
                pieces[0] = pieces[0][stream._buffer_offset :]
            memory = self._memory = BodyBuffer(pieces)
        return memory.buffer(hint)

    def wrote(self, size: int) -> None:
        """Take note of what has arrived."""
        assert self._memory is not None
        self._memory.wrote(size)
        self._stream.total_raw_bytes += size

    def give_back(self) -> None:
        """Put into the stream, as one piece, what it had and what has arrived since."""
        if not self._receiving:
            return
        self._connection.stop_receiving(self)
        if self._memory is not None:
            stream = self._stream
            whole = self._memory.give_back()
            stream._buffer.clear()
            stream._buffer.append(whole)
            stream._buffer_offset = 0
            stream._size = len(whole)


def _translated(error: BaseException) -> BaseException:
    """Turn what the lower layers raise into what the reader of a body is promised."""
    if isinstance(error, HttpProcessingError) or (
        isinstance(error, OSError) and not isinstance(error, ClientError | TimeoutError)
    ):
        broken = ClientPayloadError(f"Response payload is not completed: {error!r}")
        broken.__cause__ = error
        return broken
    return error
