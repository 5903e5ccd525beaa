"""Pieces of a body go in as they arrive, and bytes come out as they are asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gazelle.net.piece_buffer import PieceBuffer


def filled(*pieces: bytes) -> PieceBuffer:
    buffer = PieceBuffer()
    for piece in pieces:
        buffer.append(piece)
    return buffer


def test_a_whole_piece_is_not_copied() -> None:
    piece, other = b"x" * 100, b"y" * 100
    buffer = filled(piece, other)
    assert buffer.take(100) is piece
    assert buffer.take(1000) is other
    assert buffer.take(1) == b""


def test_bytes_of_several_pieces_are_joined() -> None:
    buffer = filled(b"abc", b"de", b"fgh")
    assert [buffer.take(n) for n in (1, 3, 3, 9)] == [b"a", b"bcd", b"efg", b"h"]
    assert (buffer.size, buffer.cursor, buffer.offset) == (0, 8, 0)


def test_bytes_that_are_put_back_come_first() -> None:
    buffer = filled(b"abc", b"de")
    buffer.put_back(buffer.take(2))
    assert (buffer.size, buffer.cursor) == (5, 0)
    assert buffer.take(5) == b"abcde"


def test_splits_behind_the_cursor_are_dropped_and_empty_chunks_ignored() -> None:
    buffer = filled(b"abcdef")
    for position in (0, 2, 2, 4, 6):
        buffer.split(position)
    assert list(buffer.splits) == [2, 4, 6]
    buffer.take(4)
    assert list(buffer.splits) == [4, 6]
    buffer.take(1)
    assert list(buffer.splits) == [6]


def test_one_piece_replaces_all() -> None:
    buffer = filled(b"abc", b"de")
    buffer.take(1)
    buffer.replace(b"bcdefg")
    assert (buffer.size, buffer.cursor, buffer.take(9)) == (6, 1, b"bcdefg")


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=9), max_size=20),
    takes=st.lists(st.tuples(st.integers(1, 30), st.booleans())),
)
def test_any_takes_of_any_pieces_give_the_bytes_in_order(pieces: list[bytes], takes: list[tuple[int, bool]]) -> None:
    buffer, body = filled(*pieces), b"".join(pieces)
    position = 0
    for n, put_back in takes:
        piece = buffer.take(n)
        assert piece == body[position : position + n]
        if put_back and piece:
            buffer.put_back(piece)
        else:
            position += len(piece)
        assert (buffer.cursor, buffer.size) == (position, len(body) - position)
