"""What the parser calls on an exchange, and a connection on its owner, on both twins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.twins import Twin

RESPONSE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def parse(twin: Twin, sink: Any, data: bytes) -> Any:
    parser = twin.http_parser.ResponseParser(sink)
    parser.start("GET")
    parser.feed(data)
    return parser


def test_the_outcomes_are_distinct_and_the_same_on_both_twins(both_twins: tuple[Twin, Twin]) -> None:
    names = ("PENDING", "REUSE", "CLOSE", "SWITCH")
    pure, accel = ([getattr(twin.sink, name) for name in names] for twin in both_twins)
    assert pure == accel
    assert len(set(pure)) == len(names)


def test_the_parts_of_a_response_are_received_in_order(twin: Twin) -> None:
    calls: list[Any] = []

    class Sink(twin.sink.ResponseSink):  # type: ignore[misc, name-defined]
        def on_interim(self, head: Any) -> None:
            calls.append(("interim", head.status))

        def on_head(self, head: Any) -> None:
            calls.append(("head", head.status))

        def on_body(self, data: bytes) -> None:
            calls.append(data)

        def on_chunk_end(self) -> None:
            calls.append("chunk end")

        def on_end(self) -> None:
            calls.append("end")

    parse(twin, Sink(), INTERIM + RESPONSE)
    assert calls == [("interim", 103), ("head", 200), b"abc", "chunk end", b"de", "chunk end", "end"]


def test_a_sink_overrides_only_what_it_needs(twin: Twin) -> None:
    pieces: list[bytes] = []

    class Sink(twin.sink.ResponseSink):  # type: ignore[misc, name-defined]
        def on_body(self, data: bytes) -> None:
            pieces.append(data)

    parse(twin, Sink(), INTERIM + RESPONSE)
    assert pieces == [b"abc", b"de"]


def test_an_exception_of_a_sink_is_raised_to_the_caller_of_the_parser(twin: Twin) -> None:
    class Sink(twin.sink.ResponseSink):  # type: ignore[misc, name-defined]
        def on_body(self, data: bytes) -> None:
            raise LookupError(data)

    with pytest.raises(LookupError) as caught:
        parse(twin, Sink(), RESPONSE)
    assert caught.value.args == (b"abc",)


def test_an_owner_that_overrides_nothing_ignores_every_notification(twin: Twin) -> None:
    owner = twin.sink.ConnectionOwner()
    assert owner.ended(object(), twin.sink.REUSE, b"") is None
    assert owner.lost(object()) is None
