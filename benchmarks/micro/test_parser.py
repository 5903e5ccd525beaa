"""Response heads, whole responses and the chunked coding."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.micro.conftest import Twin
from benchmarks.micro.replies import CHUNKED_16, CHUNKED_1000, LARGE, SMALL, TWELVE, head_of, pieces_of

HEADS = {"small": head_of(SMALL), "12-fields": head_of(TWELVE)}
REPLIES = {
    "small": [SMALL],
    "12-fields": [TWELVE],
    "16-chunks": [CHUNKED_16],
    "1-MiB-in-64-KiB-reads": pieces_of(LARGE, 65536),
    "small-byte-by-byte": pieces_of(SMALL, 1),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_parse_head(benchmark: Any, twin: Twin, head: bytes) -> None:
    parse_head = twin.module("head").parse_head
    size = len(head)
    assert benchmark(parse_head, head, 0, size).status == 200


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_parse_head_and_read_headers(benchmark: Any, twin: Twin, head: bytes) -> None:
    parse_head = twin.module("head").parse_head
    size = len(head)

    def work() -> Any:
        return parse_head(head, 0, size).headers

    assert len(benchmark(work)) >= 4


@pytest.mark.parametrize("pieces", REPLIES.values(), ids=REPLIES)
def test_feed(benchmark: Any, twin: Twin, pieces: list[bytes]) -> None:
    parser = twin.module("http_parser").ResponseParser(twin.module("sink").ResponseSink())
    start, feed = parser.start, parser.feed

    def work() -> None:
        start("GET", False, True)
        for piece in pieces:
            feed(piece)

    benchmark(work)
    assert parser.done


def test_decode_1000_chunks(benchmark: Any, twin: Twin) -> None:
    decoder = twin.module("chunked").ChunkedDecoder(twin.module("sink").ResponseSink())
    size = len(CHUNKED_1000)

    def work() -> Any:
        decoder.start(65536)
        return decoder.feed(CHUNKED_1000, 0, size)

    assert benchmark(work) == size
    assert decoder.done
