"""Every case of the corpus, on both twins, cut in every way."""

import random
from typing import Any

import pytest

from gazelle.errors import BadHttpMessage, ServerDisconnectedError
from tests.support import corpus, feeding
from tests.support.corpus import Limits
from tests.support.transcript import check, listen, new_parser, transcribe_case
from tests.support.twins import Twin

CASES = corpus.load()
# Inputs up to here are cut at every place; longer ones at random places and around their end.
EVERY_SPLIT = 400
BYTE_BY_BYTE = 20000

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CASES) >= 300
    assert all(case.why for case in CASES)


@each_case
def test_a_response_fed_whole_gives_the_expected_answer(twin: Twin, case: corpus.Case) -> None:
    check(case, transcribe_case(twin, case, feeding.whole(case.data)))


@each_case
def test_a_response_fed_byte_by_byte_gives_the_expected_answer(twin: Twin, case: corpus.Case) -> None:
    pieces = feeding.byte_by_byte(case.data[-BYTE_BY_BYTE:])
    if len(case.data) > BYTE_BY_BYTE:
        pieces = (case.data[:-BYTE_BY_BYTE], *pieces)
    check(case, transcribe_case(twin, case, pieces))


@each_case
def test_a_response_cut_anywhere_gives_the_same_answer(twin: Twin, case: corpus.Case) -> None:
    if len(case.data) <= EVERY_SPLIT:
        ways = list(feeding.every_split(case.data))
    else:
        ways = list(feeding.random_splits(case.data, rounds=40))
        ways += [feeding.cut(case.data, [len(case.data) - back]) for back in range(1, 40)]
        ways += [feeding.slices(case.data, size) for size in (100, 1460, 4096)]
    answer = transcribe_case(twin, case, feeding.whole(case.data)).without_position()
    for pieces in ways:
        assert transcribe_case(twin, case, pieces).without_position() == answer, pieces[:2]


def test_one_parser_serves_response_after_response_whatever_came_before(twin: Twin) -> None:
    parser, recorder = new_parser(twin.http_parser, twin.sink)
    cases = [case for case in CASES if case.limits == Limits() and len(case.data) < 10000] * 3
    rng = random.Random(2)
    rng.shuffle(cases)
    for case in cases:
        parser.start(case.method, upgrade=case.upgrade, read_until_eof=case.read_until_eof)
        assert not parser.done
        assert not parser.started
        pieces = feeding.cut(case.data, (rng.randrange(len(case.data) + 1) for _ in range(3)))
        check(case, listen(parser, recorder, pieces, case.eof))


def test_a_response_that_was_given_up_leaves_nothing_to_the_next(twin: Twin) -> None:
    parser, recorder = new_parser(twin.http_parser, twin.sink)
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    given_up = next(case.data for case in CASES if case.id == "interim-three_early_hints") + good
    given_up += b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n"
    for cut in range(len(given_up)):
        for method in ("GET", "HEAD", "CONNECT"):
            parser.start(method, upgrade=True, read_until_eof=False)
            parser.feed(given_up[:cut])
            recorder.finish()
            parser.start()
            transcript = listen(parser, recorder, (good,), eof=True)
            assert transcript.body == b"hi"
            assert transcript.done
            assert transcript.error is None


def test_the_budget_begins_anew_with_each_response(twin: Twin) -> None:
    parser, recorder = new_parser(twin.http_parser, twin.sink)
    large = b"HTTP/1.1 103 E\r\n\r\n" * 20 + b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"v" * 8000 + b"\r\n") * 7
    for _ in range(5):
        parser.start()
        transcript = listen(
            parser, recorder, (large + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n",), eof=True
        )
        assert transcript.done


def feed_all(parser: Any, pieces: feeding.Pieces) -> None:
    for piece in pieces:
        parser.feed(piece)


def test_an_error_of_the_sink_comes_through_and_ends_the_response(twin: Twin) -> None:
    response_sink: Any = twin.sink.ResponseSink

    class Failing(response_sink):  # type: ignore[misc]
        at = ""

        def fail(self, name: str) -> None:
            if self.at == name:
                raise ZeroDivisionError(name)

        def on_interim(self, head: Any) -> None:
            self.fail("on_interim")

        def on_head(self, head: Any) -> None:
            self.fail("on_head")

        def on_body(self, data: bytes) -> None:
            self.fail("on_body")

        def on_chunk_end(self) -> None:
            self.fail("on_chunk_end")

        def on_end(self) -> None:
            self.fail("on_end")

    data = b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    sink = Failing()
    parser = twin.http_parser.ResponseParser(sink)
    for name in ("on_interim", "on_head", "on_body", "on_chunk_end", "on_end"):
        for pieces in (feeding.whole(data), feeding.byte_by_byte(data)):
            sink.at = name
            parser.start()
            with pytest.raises(ZeroDivisionError, match=name):
                feed_all(parser, pieces)
            with pytest.raises(BadHttpMessage):
                parser.feed(b"HTTP/1.1 200 OK\r\n")
            sink.at = ""
            parser.start()
            assert parser.feed(data) == len(data)
            assert parser.done


def test_no_bytes_are_no_response(twin: Twin) -> None:
    parser, recorder = new_parser(twin.http_parser, twin.sink)
    parser.start()
    assert parser.feed(b"") == 0
    assert not parser.started
    parser.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nh")
    assert parser.feed(b"") == 0
    assert parser.feed(b"i\r\n0\r\n\r\n") == 8
    assert parser.feed(b"") == 0
    parser.feed_eof()
    parser.feed_eof()
    assert [kind for kind, _ in recorder.finish()] == ["head", "body", "chunk_end", "end"]
    parser.start()
    with pytest.raises(ServerDisconnectedError):
        parser.feed_eof()


def test_a_parser_is_armed_when_it_is_made(twin: Twin) -> None:
    parser, recorder = new_parser(twin.http_parser, twin.sink)
    assert parser.feed(b"HTTP/1.1 204 No Content\r\n\r\nrest") == 27
    assert parser.done
    assert recorder.finish()[0][1].status == 204


@pytest.mark.parametrize("data", [None, "text", 5, object()])
def test_what_is_no_bytes_is_refused(twin: Twin, data: Any) -> None:
    if twin.name == "accel":  # the readable twin leaves types to mypy
        parser, _ = new_parser(twin.http_parser, twin.sink)
        with pytest.raises(TypeError):
            parser.feed(data)


def test_limits_that_are_set_hold_from_the_next_start_on(twin: Twin) -> None:
    parser, _ = new_parser(twin.http_parser, twin.sink)
    line = b"HTTP/1.1 204 " + b"r" * 20 + b"\r\n"
    for limits, data in (((20, 100, 2), line), ((100, 3, 2), b"A: bcd\r\n"), ((100, 100, 1), b"A: b\r\nC: d\r\n")):
        head = data + b"\r\n" if data is line else b"HTTP/1.1 204 OK\r\n" + data + b"\r\n"
        parser.set_limits(*limits)
        parser.start()
        with pytest.raises(BadHttpMessage):
            parser.feed(head)
        parser.set_limits(8190, 8190, 128)
        parser.start()
        assert parser.feed(head) == len(head)
    wide = b"HTTP/1.1 204 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n"
    parser.set_limits(max_line_size=8190, max_field_size=80_000, max_headers=128)
    parser.start()
    assert parser.feed(wide) == len(wide)  # the budget of a whole head grows with its lines
