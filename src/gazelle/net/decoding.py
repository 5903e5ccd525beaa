"""Removing the content coding of a stream, in bounded steps and only as far as it is read."""

from collections import deque
from typing import Final

from gazelle.body.codings import Decoder
from gazelle.errors import ContentEncodingError

from .piece_buffer import PieceBuffer

DECODE_STEP: Final = 256 * 1024
"""Most bytes that a step yields."""

# Stands for the end of an HTTP chunk between the encoded pieces, which are never empty.
_CHUNK_END: Final = b""


class Decoding:
    """Holds the encoded pieces of a body until they are decoded into a buffer.

    Args:
        decoder: removes the content coding.
        output: gets the decoded pieces, and the ends of HTTP chunks.
    """

    __slots__ = ("_decoder", "_output", "complete", "decoded_bytes", "raw", "raw_size")

    def __init__(self, decoder: Decoder, output: PieceBuffer) -> None:
        self._decoder = decoder
        self._output = output
        self.raw: deque[bytes] = deque()  # encoded pieces, and the ends of HTTP chunks
        self.raw_size = 0
        self.decoded_bytes = 0
        self.complete = False  # the body has ended, and the decoder has found it whole

    def feed(self, data: bytes) -> int:
        """Add an encoded piece; return how many encoded bytes wait."""
        self.raw.append(data)
        self.raw_size += len(data)
        return self.raw_size

    def end_chunk(self) -> None:
        """Note that an HTTP chunk ends here."""
        self.raw.append(_CHUNK_END)

    def step(self, eof: bool) -> bool:
        """Decode the next piece into the output; return False if there is nothing to decode now.

        Args:
            eof: whether the encoded body is complete.

        Raises:
            ContentEncodingError: the body is damaged. The encoded pieces are dropped; no further step is possible.
        """
        if self.complete:
            return False
        try:
            piece = self._next_piece(eof)
        except ContentEncodingError:
            self.raw.clear()
            self.raw_size = 0
            raise
        if not piece:
            return False
        self._output.append(piece)
        self.decoded_bytes += len(piece)
        if self.raw and not self.raw[0] and not self._decoder.pending:
            self.raw.popleft()
            self._output.split(self.decoded_bytes)
        return True

    def _next_piece(self, eof: bool) -> bytes:
        """Return the next decoded piece, b"" if there is none now."""
        while True:
            if self._decoder.pending:
                piece = self._decoder.decode(b"", DECODE_STEP)
            elif self.raw:
                raw = self.raw.popleft()
                if not raw:
                    self._output.split(self.decoded_bytes)
                    continue
                self.raw_size -= len(raw)
                piece = self._decoder.decode(raw, DECODE_STEP)
            else:
                if eof:
                    self._decoder.finish()
                    self.complete = True
                return b""
            if piece:
                return piece
