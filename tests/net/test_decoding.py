"""Encoded pieces are decoded in bounded steps, with the ends of their HTTP chunks."""

from __future__ import annotations

import gzip

import pytest

from gazelle.body.codings import make_decoder
from gazelle.errors import ContentEncodingError
from gazelle.net.decoding import DECODE_STEP, Decoding
from gazelle.net.piece_buffer import PieceBuffer


def decoding() -> tuple[Decoding, PieceBuffer]:
    output = PieceBuffer()
    decoder = make_decoder("gzip")
    assert decoder is not None
    return Decoding(decoder, output), output


def drain(one: Decoding) -> None:
    while one.step(True):
        pass


def test_a_step_yields_a_bounded_piece() -> None:
    body = bytes(3 * DECODE_STEP + 1)
    one, output = decoding()
    encoded = gzip.compress(body)
    assert one.feed(encoded) == one.raw_size == len(encoded)
    sizes = []
    while one.step(True):
        sizes.append(output.size)
        assert output.take(output.size) == bytes(sizes[-1])
    assert (sum(sizes), one.decoded_bytes) == (len(body), len(body))
    assert max(sizes) <= DECODE_STEP
    assert (one.complete, one.raw_size, one.step(True)) == (True, 0, False)


def test_nothing_is_decoded_without_input_and_the_end_only_at_the_end() -> None:
    one, output = decoding()
    assert not one.step(False)
    one.feed(gzip.compress(b"hello"))
    assert one.step(False)
    assert not one.step(False)
    assert not one.complete
    assert not one.step(True)
    assert (one.complete, output.take(9)) == (True, b"hello")


def test_the_end_of_a_chunk_is_noted_behind_its_decoded_bytes() -> None:
    one, output = decoding()
    encoded = gzip.compress(b"hello")
    one.end_chunk()
    one.feed(encoded[:-8])
    one.end_chunk()
    one.feed(encoded[-8:])
    one.end_chunk()
    drain(one)
    assert (list(output.splits), output.size) == ([5], 5)


@pytest.mark.parametrize("raw", [b"no gzip at all", gzip.compress(b"hello")[:-1]], ids=["junk", "cut"])
def test_damage_is_an_error_that_drops_the_input(raw: bytes) -> None:
    one, _ = decoding()
    one.feed(raw)
    with pytest.raises(ContentEncodingError):
        drain(one)
    assert (one.raw_size, len(one.raw), one.complete) == (0, 0, False)
