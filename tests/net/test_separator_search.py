"""A separator is found in any division into pieces, each of which is scanned once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle.errors import LineTooLong
from gazelle.net.piece_buffer import PieceBuffer
from gazelle.net.separator_search import SeparatorSearch


@given(
    pieces=st.lists(st.text("ab-", min_size=1, max_size=5).map(str.encode), max_size=12),
    separator=st.text("ab-", min_size=1, max_size=4).map(str.encode),
    taken=st.integers(0, 4),
)
def test_the_separator_is_found_as_in_the_joined_pieces(pieces: list[bytes], separator: bytes, taken: int) -> None:
    buffer = PieceBuffer()
    if pieces:
        buffer.append(pieces[0])
    skipped = len(buffer.take(min(taken, max(buffer.size - 1, 0)))) if pieces else 0
    search = SeparatorSearch(buffer, separator, 1000)
    found = search.run()
    for piece in pieces[1:]:
        if found:
            break
        buffer.append(piece)
        found = search.run()
    body = b"".join(pieces)[skipped:]
    assert found == (body.index(separator) + len(separator) if separator in body else 0)


@pytest.mark.parametrize("pieces", [[b"abcd-"], [b"ab", b"cd-"], [b"abcd", b"-"], [b"abcde"], [b"abc", b"de"]])
def test_more_bytes_than_the_limit_are_an_error_that_consumes_nothing(pieces: list[bytes]) -> None:
    buffer = PieceBuffer()
    for piece in pieces:
        buffer.append(piece)
    with pytest.raises(LineTooLong):
        SeparatorSearch(buffer, b"-", 4).run()
    assert buffer.take(9) == b"".join(pieces)


def test_as_many_bytes_as_the_limit_are_found() -> None:
    buffer = PieceBuffer()
    buffer.append(b"ab")
    search = SeparatorSearch(buffer, b"-", 4)
    assert search.run() == 0
    buffer.append(b"c-d")
    assert search.run() == 4
