"""`ChunkedDecoder` alone: every byte at every interesting place, random bodies at random cuts, on both twins."""

import random
from typing import Any

import pytest

from gazelle.errors import BadHttpMessage, LineTooLong, TransferEncodingError
from tests.support import feeding
from tests.support.transcript import recorder_class
from tests.support.twins import Twin

HEX = b"0123456789abcdefABCDEF"
TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
EVERY_BYTE = [bytes([byte]) for byte in range(256)]
BUDGET = 65536


class Decoding:
    """A decoder and what it said."""

    def __init__(self, twin: Twin, budget: int = BUDGET) -> None:
        self.sink = recorder_class(twin.sink.ResponseSink)()
        self.decoder = twin.chunked.ChunkedDecoder(self.sink)
        self.decoder.start(budget)
        self.consumed = 0
        self.said: list[tuple[str, Any]] = []

    def feed(self, *pieces: bytes) -> "Decoding":
        for piece in pieces:
            if self.decoder.done:
                break
            self.consumed += self.decoder.feed(piece, 0, len(piece))
        return self

    @property
    def events(self) -> list[tuple[str, Any]]:
        self.said += self.sink.finish()
        return self.said

    @property
    def body(self) -> bytes:
        return b"".join(value for kind, value in self.events if kind == "body")

    @property
    def chunks(self) -> int:
        return sum(kind == "chunk_end" for kind, _ in self.events)


def outcome(twin: Twin, *pieces: bytes) -> Any:
    """The body and whether it has ended, or the class of the error."""
    decoding = Decoding(twin)
    try:
        decoding.feed(*pieces)
    except BadHttpMessage as error:
        return type(error)
    return decoding.body, decoding.decoder.done


def encoded(rng: random.Random) -> tuple[bytes, list[bytes]]:
    """A random chunked body, its size lines and trailers in all legal spellings, and its chunks."""
    chunks = [rng.randbytes(rng.choice((1, 2, 15, 16, 17, 255, 300))) for _ in range(rng.randrange(6))]
    lines = []
    for chunk in [*chunks, b""]:
        size = rng.choice((b"%x", b"%X", b"0%x", b"%016x")) % len(chunk)
        extension = rng.choice((b"", b" ", b"\t ", b";", b";a", b" ;a=b", b';a="\xff;"', b";\t" + b"e" * 50))
        lines.append(size + extension + b"\r\n" + chunk + (b"\r\n" if chunk else b""))
    trailers = rng.choice((b"", b"A: b\r\n", b"Content-Length: 9\r\nHost:\r\n", b"x:" + b"y" * 500 + b"\r\n"))
    return b"".join(lines) + trailers + b"\r\n", chunks


def test_random_bodies_come_out_as_they_went_in_at_any_cuts(twin: Twin) -> None:
    rng = random.Random(1)
    for seed in range(400):
        data, chunks = encoded(rng)
        ways = [feeding.whole(data), feeding.byte_by_byte(data), *feeding.random_splits(data, 3, seed)]
        for pieces in ways:
            decoding = Decoding(twin).feed(*pieces)
            assert decoding.decoder.done
            assert decoding.body == b"".join(chunks)
            assert decoding.chunks == len(chunks)
            assert decoding.consumed == len(data)


def test_decoding_begins_and_stops_where_it_is_told(twin: Twin) -> None:
    decoding = Decoding(twin)
    data = b"head5\r\nhello\r\n0\r\n\r\nrest"
    assert decoding.decoder.feed(data, 4, 9) == 9
    assert decoding.body == b"he"
    assert decoding.decoder.feed(data, 9, len(data)) == len(data) - 4
    assert decoding.decoder.done
    assert decoding.body == b"hello"
    assert decoding.decoder.feed(data, 0, len(data)) == 0


def test_a_decoder_can_be_used_again_and_again(twin: Twin) -> None:
    decoding = Decoding(twin)
    for n in range(1, 5):
        for half in (b"3\r\nab", b"3;unended", b"0\r\nTrailer: unended", b"3\r\nabc\r"):
            decoding.decoder.start(BUDGET)
            decoding.decoder.feed(half, 0, len(half))
        decoding.decoder.start(BUDGET)
        decoding.events.clear()
        assert not decoding.decoder.done
        assert decoding.feed(b"%x\r\n" % n + b"x" * n + b"\r\n0\r\n\r\n").body == b"x" * n


def test_every_byte_of_a_size_is_a_digit_or_an_error(twin: Twin) -> None:
    rest = b"\r\n" + b"x" * 256 + b"\r\n0\r\n\r\n"
    for byte in EVERY_BYTE:
        for line in (byte, b"1" + byte):
            got = outcome(twin, line + rest)
            if byte in HEX:
                size = int(line, 16)
                body = b"\r\n" + b"x" * size + b"\r\n0\r\n\r\n"
                assert outcome(twin, line + body)[0] == b"x" * size if size else got is TransferEncodingError
            elif len(line) == 2 and byte in b" \t;":
                assert outcome(twin, line + b"\r\nx\r\n0\r\n\r\n") == (b"x", True)
            else:
                assert got is TransferEncodingError, line


def test_every_byte_of_an_extension_is_harmless_or_an_error(twin: Twin) -> None:
    for byte in EVERY_BYTE:
        fine = byte == b"\t" or (byte >= b" " and byte != b"\x7f")
        for line in (b"1;" + byte, b"1;a" + byte + b"b", b"1 ; " + byte, b'1;a="' + byte + b'"'):
            got = outcome(twin, line + b"\r\nx\r\n0\r\n\r\n")
            assert got == ((b"x", True) if fine else TransferEncodingError), line


def test_chunk_data_must_be_followed_by_cr_and_lf(twin: Twin) -> None:
    for byte in EVERY_BYTE:
        for end in (byte + b"\n", b"\r" + byte, byte):
            data = b"1\r\nx" + end + b"0\r\n\r\n"
            for pieces in ((data,), feeding.byte_by_byte(data)):
                assert outcome(twin, *pieces) == ((b"x", True) if end == b"\r\n" else TransferEncodingError), end


def test_every_byte_of_a_trailer_is_checked(twin: Twin) -> None:
    for byte in EVERY_BYTE:
        name = outcome(twin, b"0\r\nA" + byte + b": v\r\n\r\n")
        value = outcome(twin, b"0\r\nA: b" + byte + b"c\r\n\r\n")
        assert name == ((b"", True) if byte in TOKEN + b":" else TransferEncodingError), byte
        assert value == (TransferEncodingError if byte in b"\0\r\n" else (b"", True)), byte


@pytest.mark.parametrize("digits", range(1, 20))
def test_a_size_has_one_to_sixteen_digits_and_63_bits(twin: Twin, digits: int) -> None:
    for first in b"0178f":
        line = bytes([first]) + b"f" * (digits - 1)
        fits = digits <= 16 and int(line, 16) < 2**63
        decoding = Decoding(twin)
        if fits:
            decoding.feed(line + b"\r\n")
            assert not decoding.decoder.done
        else:
            with pytest.raises(TransferEncodingError):
                decoding.feed(line + b"\r\n")


def test_a_huge_chunk_takes_all_bytes_and_never_ends(twin: Twin) -> None:
    decoding = Decoding(twin).feed(b"7fffffffffffffff\r\n")
    for _ in range(10):
        decoding.feed(b"\r\n0\r\n\r\n")
    assert decoding.body == b"\r\n0\r\n\r\n" * 10
    assert not decoding.decoder.done


def test_trailers_stop_at_their_budget(twin: Twin) -> None:
    section = b"A: b\r\nC: d\r\n\r\n"
    for cut in range(1, len(section)):
        assert Decoding(twin, len(section)).feed(b"0\r\n", section[:cut], section[cut:]).decoder.done
        for budget in range(len(section)):
            decoding = Decoding(twin, budget)
            with pytest.raises(LineTooLong):
                decoding.feed(b"0\r\n", section[:cut], section[cut:])


def test_extensions_of_all_chunks_count_together(twin: Twin) -> None:
    limit = twin.chunked.MAX_EXTENSIONS
    assert limit == 16384
    chunk = b"1;" + b"e" * 1023 + b"\r\nx\r\n"
    decoding = Decoding(twin).feed(chunk * (limit // 1024))
    assert decoding.chunks == limit // 1024
    with pytest.raises(TransferEncodingError):
        decoding.feed(b"0;\r\n")
    again = Decoding(twin).feed(chunk * (limit // 1024) + b"0\r\n\r\n")
    assert again.decoder.done
    again.decoder.start(BUDGET)
    assert again.feed(chunk + b"0\r\n\r\n").decoder.done  # a new body begins at zero


def test_a_size_line_stops_at_its_limit_whether_it_ends_or_not(twin: Twin) -> None:
    limit = twin.chunked.MAX_SIZE_LINE
    assert limit == 4096
    line = b"1;" + b"e" * (limit - 4) + b"\r\n"
    for pieces in (feeding.whole(line), feeding.byte_by_byte(line)):
        assert Decoding(twin).feed(*pieces, b"x\r\n0\r\n\r\n").decoder.done
    for cut in (1, limit // 2, limit):
        decoding = Decoding(twin)
        decoding.feed((b"1;" + b"e" * limit)[:cut])
        with pytest.raises(TransferEncodingError):
            decoding.feed(b"e" * (limit + 1 - cut))


@pytest.mark.parametrize(("position", "size"), [(0, 8), (-1, 7), (5, 4), (8, 8)])
def test_a_range_outside_of_the_data_is_refused(twin: Twin, position: int, size: int) -> None:
    decoder = twin.chunked.ChunkedDecoder(twin.sink.ResponseSink())
    decoder.start(100)
    with pytest.raises(ValueError, match="outside"):
        decoder.feed(b"3\r\nabcd", position, size)
    assert decoder.feed(b"3\r\nabc", 0, 6) == 6
