"""The rest of a body is received into its final object, behind what was buffered."""

from __future__ import annotations

from typing import Any

import pytest

from gazelle.net.direct_read import DirectRead
from gazelle.net.piece_buffer import PieceBuffer
from gazelle.net.stream import StreamReader


class Source:
    """A connection that accepts a sink or not."""

    def __init__(self, accepts: bool) -> None:
        self.accepts = accepts
        self.sink: Any = None

    def pause_reading(self) -> None:
        raise AssertionError

    def resume_reading(self) -> None:
        raise AssertionError

    def receive_into(self, sink: Any) -> bool:
        self.sink = sink if self.accepts else None
        return self.accepts

    def stop_receiving(self, sink: Any) -> None:
        assert self.sink is sink
        self.sink = None

    def receive(self, data: bytes) -> None:
        while data:
            view = self.sink.buffer(len(data))
            size = min(len(view), len(data))
            view[:size] = data[:size]
            self.sink.wrote(size)
            data = data[size:]


@pytest.mark.parametrize("taken", [0, 2, 3])
def test_the_body_is_one_piece_afterwards(taken: int) -> None:
    pieces, stream, source = PieceBuffer(), StreamReader(None), Source(True)
    for piece in (b"abc", b"de"):
        pieces.append(piece)
    pieces.take(taken)
    read = DirectRead(stream, pieces, source)
    source.receive(b"f" * 1000)
    source.receive(b"g")
    read.give_back()
    assert source.sink is None
    assert stream.total_raw_bytes == 1001
    assert len(pieces.pieces) == 1
    assert (pieces.cursor, pieces.take(2000)) == (taken, b"abcde"[taken:] + b"f" * 1000 + b"g")


def test_without_received_bytes_the_pieces_stay() -> None:
    pieces, source = PieceBuffer(), Source(True)
    pieces.append(b"abc")
    DirectRead(StreamReader(None), pieces, source).give_back()
    assert source.sink is None
    assert list(pieces.pieces) == [b"abc"]


def test_a_connection_that_declines_is_left_alone() -> None:
    pieces, source = PieceBuffer(), Source(False)
    pieces.append(b"abc")
    DirectRead(StreamReader(None), pieces, source).give_back()
    assert list(pieces.pieces) == [b"abc"]
