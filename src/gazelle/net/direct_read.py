"""Receiving the rest of a large body into its final object while `read()` waits for it."""

from typing import Protocol

from gazelle._impl import BodyBuffer, BodySink

from .piece_buffer import PieceBuffer


class ReadingControl(Protocol):
    """The connection that feeds a stream, as far as the stream controls it."""

    def pause_reading(self) -> object: ...
    def resume_reading(self) -> object: ...
    def receive_into(self, sink: BodySink) -> bool: ...
    def stop_receiving(self, sink: BodySink) -> object: ...


class ByteCount(Protocol):
    """A stream, as far as the bytes that it has received are counted."""

    total_raw_bytes: int


class DirectRead:
    """The sink of the rest of a body, if the connection accepts one.

    Args:
        stream: counts the bytes.
        pieces: the buffer of the stream. The body is put into it as one piece by `give_back`.
        connection: receives the body.
    """

    def __init__(self, stream: ByteCount, pieces: PieceBuffer, connection: ReadingControl) -> None:
        self._stream = stream
        self._pieces = pieces
        self._connection = connection
        self._memory: BodyBuffer | None = None
        self._receiving = connection.receive_into(self)

    def buffer(self, hint: int) -> memoryview:
        """Return the memory for the next bytes."""
        memory = self._memory
        if memory is None:
            self._pieces.trim()
            memory = self._memory = BodyBuffer(list(self._pieces.pieces))
        return memory.buffer(hint)

    def wrote(self, size: int) -> None:
        """Count bytes that were received."""
        assert self._memory is not None
        self._memory.wrote(size)
        self._stream.total_raw_bytes += size

    def give_back(self) -> None:
        """Stop receiving, and put what was buffered and what was received since into the buffer as one piece."""
        if not self._receiving:
            return
        self._connection.stop_receiving(self)
        if self._memory is not None:
            self._pieces.replace(self._memory.give_back())
