"""What hostile responses cost: memory stops at the budget, time grows with the bytes and not with their square."""

import gc
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain, repeat
from typing import Any

import pytest

from gazelle.errors import BadHttpMessage
from tests.support import feeding
from tests.support.corpus import Limits
from tests.support.growth import FACTOR, assert_linear
from tests.support.twins import Twin

PIECE = 65536
OFFERED = 1 << 30
BUDGET = Limits().budget
START = b"HTTP/1.1 200 OK\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"


def parser_of(twin: Twin) -> Any:
    """A parser whose sink forgets everything."""
    parser = twin.http_parser.ResponseParser(twin.sink.ResponseSink())
    parser.start()
    return parser


def filled(unit: bytes, size: int = PIECE) -> bytes:
    """`size` bytes of a repeated unit."""
    return (unit * (size // len(unit) + 1))[:size]


# --- memory --------------------------------------------------------------------------------------


def offer(parser: Any, first: bytes, piece: bytes) -> tuple[int, str | None]:
    """Feeds up to a gigabyte and says how much was taken until which error."""
    fed = 0
    for data in chain([first], repeat(piece, OFFERED // len(piece))):
        try:
            fed += parser.feed(data)
        except BadHttpMessage as error:
            return fed, type(error).__name__
    return fed, None


ENDLESS: dict[str, tuple[bytes, bytes, str]] = {
    "status_line": (b"HTTP/1.1 200 ", b"r" * PIECE, "LineTooLong"),
    "header_value": (START + b"A: ", b"v" * PIECE, "LineTooLong"),
    "header_name": (START, b"n" * PIECE, "LineTooLong"),
    "headers": (START, filled(b"Name: value\r\n"), "LineTooLong"),
    "headers_without_crlf": (START, filled(b"Name: value\n"), "LineTooLong"),
    "folded_header": (START + b"A: b\r\n", filled(b" folded\r\n"), "LineTooLong"),
    "folds_of_nothing": (START + b"A: b\r\n", filled(b" \r\n"), "LineTooLong"),
    "white_space_in_a_value": (START + b"A: b", b" " * PIECE, "LineTooLong"),
    "blank_lines": (b"", b"\r\n" * (PIECE // 2), "LineTooLong"),
    "bare_cr": (START, b"\r" * PIECE, "LineTooLong"),
    "zeros_in_the_head": (START, bytes(PIECE), "LineTooLong"),
    "interim_answers": (b"", filled(b"HTTP/1.1 100 Continue\r\n\r\n"), "BadHttpMessage"),
    "large_interim_answers": (b"", b"HTTP/1.1 103 E\r\nA: " + b"v" * 8000 + b"\r\n\r\n", "LineTooLong"),
    "interim_answer_that_never_ends": (b"HTTP/1.1 103 E\r\n", filled(b"Name: value\r\n"), "LineTooLong"),
    "chunk_size_line": (CHUNKED + b"1", b"0" * PIECE, "TransferEncodingError"),
    "chunk_size_padding": (CHUNKED + b"1", b" " * PIECE, "TransferEncodingError"),
    "chunk_extension": (CHUNKED + b"1;", b"e" * PIECE, "TransferEncodingError"),
    "chunk_extensions_of_many_chunks": (CHUNKED, filled(b"1;extension\r\nx\r\n", 16 * 4096), "TransferEncodingError"),
    "chunk_size_line_of_letters": (CHUNKED, b"z" * PIECE, "TransferEncodingError"),
    "trailers": (CHUNKED + b"0\r\n", filled(b"Name: value\r\n"), "LineTooLong"),
    "trailer_value": (CHUNKED + b"0\r\nA: ", b"v" * PIECE, "LineTooLong"),
    "trailer_name": (CHUNKED + b"0\r\n", b"n" * PIECE, "LineTooLong"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_part_of_a_head_stops_at_the_budget(twin: Twin, name: str) -> None:
    first, piece, expected = ENDLESS[name]
    parser = parser_of(twin)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        fed, error = offer(parser, first, piece)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert error == expected
    assert fed <= BUDGET + len(first)
    # What is kept, and as much again: the piece that breaks the limit, or a copy on the way.
    assert peak <= BUDGET + PIECE + 16384, f"{peak:_} bytes"


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_part_of_a_head_in_small_pieces_stops_at_the_budget(twin: Twin, name: str) -> None:
    first, piece, expected = ENDLESS[name]
    parser = parser_of(twin)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        fed, error = 0, None
        for data in chain([first], (piece[n : n + 100] for _ in range(10) for n in range(0, len(piece), 100))):
            try:
                fed += parser.feed(data)
            except BadHttpMessage as caught:
                error = type(caught).__name__
                break
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert error == expected
    if "chunks" not in name:  # extensions are counted, the chunks between them are not
        assert fed <= BUDGET + len(first)
    assert peak <= BUDGET + PIECE + 16384, f"{peak:_} bytes"


@pytest.mark.parametrize(
    "head", [b"\r\n", b"Content-Length: 99999999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfffffffffff\r\n"]
)
def test_a_long_body_is_not_kept(twin: Twin, head: bytes) -> None:
    parser = parser_of(twin)
    piece = b"b" * PIECE
    parser.feed(START + head)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(1000):
            assert parser.feed(piece) == PIECE
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak <= 2 * PIECE


def test_a_head_at_its_largest_takes_a_small_multiple_of_its_size(twin: Twin) -> None:
    """Thousands of the shortest fields are refused for their number, and until then cost not much more than bytes."""
    for line in (b"a:\n", b"a:b\r\n", b"a:b\n c\n", b"connection:a\n", b"A: " + b"v" * 8000 + b"\r\n"):
        data = START + filled(line, (BUDGET - 200) // len(line) * len(line)) + b"\r\n"
        gc.collect()
        tracemalloc.start()
        try:
            with suppress(BadHttpMessage):
                parser_of(twin).feed(data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak <= 80 * BUDGET, f"{line!r}: {peak:_} bytes"


def test_a_parser_starts_every_response_with_nothing_kept(twin: Twin) -> None:
    parser = parser_of(twin)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            for half in (
                START + b"A: " + b"v" * 60000,
                CHUNKED + b"0\r\nA: " + b"v" * 60000,
                CHUNKED + b"1;" + b"e" * 4000,
            ):
                parser.start()
                parser.feed(half[:50])
                parser.feed(half[50:])
        parser.start()
        del half
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert left <= PIECE + 8192


# --- time ----------------------------------------------------------------------------------------


def in_bytes(data: bytes) -> Iterable[bytes]:
    return feeding.byte_by_byte(data)


def in_packets(data: bytes) -> Iterable[bytes]:
    return feeding.slices(data, 1460)


def at_once(data: bytes) -> Iterable[bytes]:
    return (data,)


def long_head(size: int) -> bytes:
    return START + b"A: b\r\n" * 100 + b"B: " + b"v" * (size - 700)


SHAPES: dict[str, tuple[Callable[[int], bytes], Callable[[bytes], Iterable[bytes]], int]] = {
    "one_byte_chunks": (lambda n: CHUNKED + b"1\r\nx\r\n" * n, at_once, 100_000),
    "one_byte_chunks_in_packets": (lambda n: CHUNKED + b"1\r\nx\r\n" * n, in_packets, 100_000),
    "one_byte_chunks_in_bytes": (lambda n: CHUNKED + b"1\r\nx\r\n" * n, in_bytes, 10_000),
    "one_byte_chunks_with_padding": (lambda n: CHUNKED + b"1        \r\nx\r\n" * n, at_once, 50_000),
    "body_in_bytes": (lambda n: START + b"Content-Length: %d\r\n\r\n" % n + b"b" * n, in_bytes, 60_000),
    "body_until_eof_in_bytes": (lambda n: START + b"\r\n" + b"b" * n, in_bytes, 60_000),
    "chunk_in_bytes": (lambda n: CHUNKED + b"%x\r\n" % n + b"b" * n, in_bytes, 60_000),
    "head_in_bytes": (long_head, in_bytes, 64_000),
    "many_fields_in_bytes": (lambda n: START + filled(b"A: b\r\n", n), in_bytes, 64_000),
    "blank_lines_in_bytes": (lambda n: b"\n" * n, in_bytes, 64_000),
    "folds_in_bytes": (lambda n: START + b"A: b\r\n" + filled(b" \r\n", n), in_bytes, 64_000),
    "folds": (lambda n: START + b"A: b\r\n" + filled(b" \r\n", n // 3 * 3) + b"\r\n", at_once, 64_000),
    "white_space_before_a_fold": (lambda n: START + b"A: b" + b" " * n + b"c\r\n d\r\n\r\n", at_once, 64_000),
    "white_space_after_a_value": (lambda n: START + b"A: b" + b" " * n + b"\r\n\r\n", at_once, 64_000),
    "white_space_inside_a_value": (lambda n: START + b"A: b" + b" \t" * (n // 2) + b"c\r\n\r\n", at_once, 64_000),
    "tabs_between_folds": (
        lambda n: START + b"A: b" + filled(b"\r\n" + b"\t" * 100, n) + b"c\r\n\r\n",
        at_once,
        64_000,
    ),
    "many_fields": (lambda n: START + filled(b"a:\n", n // 3 * 3) + b"\r\n", at_once, 64_000),
    "many_connection_fields": (lambda n: START + filled(b"connection:a\n", n // 13 * 13) + b"\n", at_once, 64_000),
    "connection_options": (lambda n: START + b"Connection: " + b"a," * (n // 2) + b"\r\n\r\n", at_once, 8_000),
    "carriage_returns": (lambda n: START + b"A: " + b"\r" * n + b"\n\n", at_once, 64_000),
    "trailer_in_bytes": (lambda n: CHUNKED + b"0\r\nA: " + b"v" * n, in_bytes, 64_000),
    "trailers_in_bytes": (lambda n: CHUNKED + b"0\r\n" + filled(b"A: b\r\n", n), in_bytes, 64_000),
    "trailers": (lambda n: CHUNKED + b"0\r\n" + b"A: b\r\n" * (n // 6) + b"\r\n", at_once, 64_000),
    "chunk_size_line_in_bytes": (lambda n: CHUNKED + b"1;" + b"e" * n, in_bytes, 4_000),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_time_grows_with_the_bytes_and_not_with_their_square(twin: Twin, shape: str) -> None:
    build, cut, size = SHAPES[shape]
    pieces = {n: list(cut(build(n))) for n in (size // FACTOR, size)}

    def make(n: int) -> Callable[[], None]:
        parser = parser_of(twin)

        def parse() -> None:
            with suppress(BadHttpMessage):
                for piece in pieces[n]:
                    parser.feed(piece)

        return parse

    assert_linear(make, size)
