"""The state machine that all content codings share, over an engine of a trivial coding."""

from __future__ import annotations

import pytest

from gazelle.body.decoder import MAX_MEMBERS, CodingDecoder, Engine
from gazelle.errors import ContentEncodingError


class BrokenDataError(Exception):
    """The engine refuses a byte."""


class Doubling:
    """Decodes each byte to two of them, up to a full stop; an exclamation mark is an error."""

    def __init__(self) -> None:
        self.eof = False
        self.unused_data = b""
        self._out = b""
        self._ended = False

    @property
    def needs_input(self) -> bool:
        return not self._out

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if b"!" in data:
            raise BrokenDataError("exclamation mark")
        body, stop, rest = data.partition(b".")
        self._out += b"".join(body[at : at + 1] * 2 for at in range(len(body)))
        if stop:
            self.unused_data = rest
            self._ended = True
        end = len(self._out) if max_length < 0 else max_length
        piece, self._out = self._out[:end], self._out[end:]
        self.eof = self._ended and not self._out
        return piece


class Single(CodingDecoder):
    """One member; it takes two bytes to choose the engine."""

    name = "doubling"

    def __init__(self) -> None:
        super().__init__(BrokenDataError)

    def _start(self) -> Engine | None:
        return Doubling() if len(self._data) - self._position >= 2 else None


class Several(Single):
    """Any number of members."""

    multi_member = True


def decode_in_steps(decoder: CodingDecoder, pieces: list[bytes], step: int = -1) -> bytes:
    out = []
    for piece in pieces:
        out.append(decoder.decode(piece, step))
        while decoder.pending:
            out.append(decoder.decode(b"", step))
    assert step < 0 or all(len(piece) <= step for piece in out)
    out.append(decoder.finish())
    return b"".join(out)


@pytest.mark.parametrize("step", [1, 2, 3, 100, -1])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pieces_and_steps_of_any_size_give_the_same_output(size: int, step: int) -> None:
    raw = b"abcdefgh."
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert decode_in_steps(Single(), pieces, step) == b"aabbccddeeffgghh"
    assert decode_in_steps(Several(), [*pieces, *pieces], step) == b"aabbccddeeffgghh" * 2


def test_it_needs_input_until_an_engine_can_be_chosen() -> None:
    decoder = Single()
    assert decoder.decode(b"a") == b""
    assert (decoder.pending, decoder.needs_input) == (False, True)
    assert decoder.decode(b"b") == b"aabb"


def test_output_beyond_the_limit_stays_pending() -> None:
    decoder = Single()
    assert decoder.decode(b"abc.", 4) == b"aabb"
    assert decoder.pending
    assert decoder.decode(b"", 4) == b"cc"
    assert not decoder.pending
    assert decoder.finish() == b""


def test_a_body_without_a_byte_is_empty() -> None:
    assert Single().finish() == b""


@pytest.mark.parametrize("raw", [b"a", b"ab", b"abcdef"])
def test_a_body_without_its_end_mark_is_cut_short(raw: bytes) -> None:
    decoder = Single()
    decoder.decode(raw)
    with pytest.raises(ContentEncodingError, match=r"doubling \(the data ends before its end mark\)"):
        decoder.finish()


def test_data_after_the_end_mark_is_an_error_after_the_output() -> None:
    decoder = Single()
    assert decoder.decode(b"ab.cd.") == b"aabb"
    assert decoder.pending
    with pytest.raises(ContentEncodingError, match="trailing data"):
        decoder.decode(b"")


def test_the_first_error_is_raised_again_by_every_later_call() -> None:
    decoder = Several()
    assert decoder.decode(b"ab.") == b"aabb"
    with pytest.raises(ContentEncodingError, match="exclamation mark"):
        decoder.decode(b"cd!")
    for data in (b"ef.", b""):
        with pytest.raises(ContentEncodingError, match="exclamation mark"):
            decoder.decode(data)
    with pytest.raises(ContentEncodingError, match="exclamation mark"):
        decoder.finish()
    assert decoder.pending


def test_the_number_of_members_is_limited() -> None:
    member = b"a."
    assert decode_in_steps(Several(), [member * MAX_MEMBERS]) == b"aa" * MAX_MEMBERS
    with pytest.raises(ContentEncodingError, match=f"more than {MAX_MEMBERS} members"):
        decode_in_steps(Several(), [member * (MAX_MEMBERS + 1)])
