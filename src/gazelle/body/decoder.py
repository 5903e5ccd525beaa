"""The interface of decoders, and the state machine that all content codings share."""

from abc import ABC, abstractmethod
from typing import Final, Protocol

from gazelle.errors import ContentEncodingError

MAX_MEMBERS: Final = 1024
"""Most gzip members or zstd frames in one body."""

# Engines get their input in slices, because zlib copies unconsumed input on every call: a bomb read in small steps,
# or thousands of tiny members, would otherwise cost the square of their size.
_SLICE = 32 * 1024


class Decoder(ABC):
    """Decodes one body, piece by piece.

    Feed raw bytes with `decode`. While `pending` is true, call `decode(b"", ...)` for more output before feeding again.
    At the end of the raw body call `finish`. A body that is cut short, damaged, or followed by trailing data ends in
    `ContentEncodingError`, after the output that precedes the damage.
    """

    __slots__ = ()

    @abstractmethod
    def decode(self, data: bytes, max_length: int = -1) -> bytes:
        """Take all of `data` and return at most `max_length` decoded bytes; -1 for no limit.

        Raises:
            ContentEncodingError: the body is damaged, or its coding cannot be decoded.
        """

    @property
    @abstractmethod
    def pending(self) -> bool:
        """Whether `decode(b"")` may return more output or raise."""

    @property
    def needs_input(self) -> bool:
        """Whether there is no more output without more input: the opposite of `pending`."""
        return not self.pending

    @abstractmethod
    def finish(self) -> bytes:
        """Return the rest of the output after the end of the raw body. A body without any bytes is empty.

        Raises:
            ContentEncodingError: the body is cut short or damaged.
        """


class Engine(Protocol):
    """Decodes one gzip member, zlib stream, brotli stream or zstd frame; the interface of `ZstdDecompressor`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class CodingDecoder(Decoder):
    """Decodes one coding; a subclass makes the engines and decides whether a further member may follow.

    Args:
        error: the exception that the engines raise.
    """

    __slots__ = ("_data", "_engine", "_error", "_failure", "_members", "_position", "_starved")

    name = ""
    multi_member = False

    def __init__(self, error: type[Exception]) -> None:
        self._error = error
        self._engine: Engine | None = None
        self._data = b""  # raw bytes; those before `_position` were passed to an engine
        self._position = 0
        self._members = 0
        self._starved = False  # the buffered bytes are too few to choose an engine
        self._failure = ""

    @abstractmethod
    def _start(self) -> Engine | None:
        """Return an engine for the buffered bytes; None if choosing one takes more bytes."""

    @property
    def pending(self) -> bool:
        if self._failure:
            return True
        engine = self._engine
        if engine is not None and not engine.eof and not engine.needs_input:
            return True
        return self._position < len(self._data) and not self._starved

    def decode(self, data: bytes, max_length: int = -1) -> bytes:
        self._raise_failure()
        if data:
            self._data = self._data + data if self._data else data
            self._starved = False
        pieces: list[bytes] = []
        room = max_length
        try:
            while room and (piece := self._step(room)) is not None:
                if piece:
                    pieces.append(piece)
                    if room > 0:
                        room -= len(piece)
        except self._error as error:
            self._fail(str(error))
        if self._position >= len(self._data) and self.needs_input:
            self._data = b""  # not earlier: at its end mark an engine may return bytes of earlier input as unused
            self._position = 0
        if not pieces:
            self._raise_failure()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _step(self, room: int) -> bytes | None:
        """Return the next output, which may be empty; None if there is none without more input."""
        engine = self._engine
        if engine is None or engine.eof:
            return b"" if self._open_member() else None
        data = b""
        if engine.needs_input:
            data = self._next_slice(room)
            if not data:
                return None
        piece = engine.decompress(data, room)
        self._position -= len(engine.unused_data)
        return piece

    def finish(self) -> bytes:
        rest = self.decode(b"") if self.pending else b""
        engine = self._engine
        if (engine is None and self._data) or (engine is not None and not engine.eof):
            self._fail("the data ends before its end mark")
        self._raise_failure()
        return rest

    def _raise_failure(self) -> None:
        if self._failure:
            raise ContentEncodingError(self._failure)

    def _fail(self, reason: str) -> None:
        if self._failure:
            return  # the first reason stays
        self._failure = f"Can not decode content-encoding: {self.name} ({reason})"
        self._data = b""
        self._position = 0

    def _next_slice(self, room: int) -> bytes:
        start = self._position
        stop = len(self._data)
        if stop - start > _SLICE and (room > 0 or self._members > 1):
            stop = start + _SLICE
        self._position = stop
        return self._data if stop - start == len(self._data) else self._data[start:stop]

    def _open_member(self) -> bool:
        if self._position >= len(self._data):
            return False
        if self._members and not self._may_follow():
            return False
        if self._members >= MAX_MEMBERS:
            self._fail(f"more than {MAX_MEMBERS} members")
            return False
        engine = self._start()
        if engine is None:
            self._starved = True
            return False
        self._engine = engine
        self._members += 1
        return True

    def _may_follow(self) -> bool:
        """Return whether the buffered bytes begin a further member; record a failure if they are trailing data."""
        if not self.multi_member:
            self._fail("trailing data after its end mark")
        return self.multi_member
