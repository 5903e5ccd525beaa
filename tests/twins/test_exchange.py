"""Each row of the state table of `exchange`, on both twins."""

from __future__ import annotations

import asyncio

import pytest

from gazelle.errors import BadHttpMessage, ClientPayloadError, ServerDisconnectedError
from tests.support.connections import RecordingStream
from tests.support.twins import Twin

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
LIMITS = (8190, 8190, 128)


class Case:
    """An exchange under way, with its waiter."""

    def __init__(self, twin: Twin, method: str = "GET", *, uploading: bool = False, upgrade: bool = False) -> None:
        self.module = twin.exchange
        self.sink = twin.sink
        self.settings = twin.exchange.ExchangeSettings(RecordingStream, 0.0, 0.0, True, LIMITS)
        self.exchange = twin.exchange.Exchange(asyncio.get_running_loop().create_future, "control")
        self.begin(method, uploading=uploading, upgrade=upgrade)

    def begin(self, method: str = "GET", *, uploading: bool = False, upgrade: bool = False) -> None:
        self.waiter = self.exchange.begin(method, self.settings, uploading, upgrade)

    def finish(self, error: Exception | None = None) -> None:
        waiter, stream = self.exchange.waiter, self.exchange.stream
        answer = self.exchange.finish()
        assert self.exchange.state == self.module.IDLE
        self.module.deliver(waiter, stream, answer, error)


async def test_begin_arms_the_parser_and_leaves_the_waiter_pending(twin: Twin) -> None:
    case = Case(twin)
    assert (case.exchange.state, case.waiter.done()) == (case.module.SENT, False)
    assert not case.exchange.started
    assert repr(case.exchange) == "<Exchange sent>"


async def test_a_response_in_one_read_is_done_and_its_waiter_gets_the_body(twin: Twin) -> None:
    case = Case(twin)
    assert case.exchange.feed(HEAD + b"hello") == case.sink.REUSE
    assert (case.exchange.state, case.waiter.done()) == (case.module.DONE, False)
    case.finish()
    head, status, has_cookies, body = case.waiter.result()
    assert (head.status, status, has_cookies, body) == (200, 200, False, b"hello")


async def test_a_part_of_a_head_changes_nothing(twin: Twin) -> None:
    case = Case(twin)
    assert case.exchange.feed(HEAD[:20]) == case.sink.PENDING
    assert (case.exchange.state, case.exchange.started) == (case.module.SENT, True)


async def test_the_end_of_the_read_opens_the_stream_with_what_came_of_the_body(twin: Twin) -> None:
    case = Case(twin)
    assert case.exchange.feed(HEAD + b"he") == case.sink.PENDING
    assert case.exchange.state == case.module.BODY
    _, status, _, stream = case.waiter.result()
    assert (status, stream.control, stream.got) == (200, "control", [b"he"])
    assert case.exchange.feed(b"l") == case.sink.PENDING
    assert case.exchange.feed(b"lo") == case.sink.REUSE
    assert stream.got == [b"he", b"l", b"lo"]
    case.finish()
    assert stream.got[-1] == "end"


async def test_the_chunks_before_the_end_of_the_read_go_into_the_stream_in_order(twin: Twin) -> None:
    case = Case(twin)
    case.exchange.feed(CHUNKED_HEAD + b"2\r\nab\r\n1\r\nc\r\n3\r\nde")
    stream = case.waiter.result()[3]
    assert stream.got == [b"ab", None, b"c", None, b"de"]
    assert case.exchange.feed(b"f\r\n0\r\n\r\n") == case.sink.REUSE
    assert stream.got[-2:] == [b"f", None]


async def test_the_chunks_of_a_whole_response_are_a_list_in_which_none_ends_a_chunk(twin: Twin) -> None:
    case = Case(twin)
    assert case.exchange.feed(CHUNKED_HEAD + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n") == case.sink.REUSE
    case.finish()
    assert case.waiter.result()[3] == [b"ab", None, b"c", None]


async def test_a_whole_body_with_a_content_coding_is_a_list_of_pieces(twin: Twin) -> None:
    case = Case(twin)
    case.exchange.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\nxx")
    case.finish()
    assert case.waiter.result()[3] == [b"xx"]


async def test_a_malformed_head_leaves_the_error_to_the_waiter(twin: Twin) -> None:
    case = Case(twin)
    with pytest.raises(BadHttpMessage) as raised:
        case.exchange.feed(b"HTTP/1.1 20x OK\r\n\r\n")
    case.finish(raised.value)
    assert case.waiter.exception() is raised.value


async def test_a_malformed_body_opens_the_stream_so_that_its_reader_gets_the_error(twin: Twin) -> None:
    case = Case(twin)
    with pytest.raises(BadHttpMessage) as raised:
        case.exchange.feed(CHUNKED_HEAD + b"1\r\na\r\nxyz\r\n")
    assert case.exchange.state == case.module.BODY
    stream = case.waiter.result()[3]
    case.finish(raised.value)
    assert stream.got == [b"a", None, raised.value]


async def test_an_error_of_the_connection_becomes_one_of_the_payload_for_a_stream(twin: Twin) -> None:
    case = Case(twin)
    case.exchange.feed(HEAD)
    stream = case.waiter.result()[3]
    error = ServerDisconnectedError()
    case.finish(error)
    assert isinstance(stream.got[0], ClientPayloadError)
    assert stream.got[0].__cause__ is error


@pytest.mark.parametrize("response", [HEAD + b"hello!", b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"])
async def test_what_follows_a_response_and_a_response_that_ends_its_connection_close_it(
    twin: Twin, response: bytes
) -> None:
    case = Case(twin)
    assert case.exchange.feed(response) == case.sink.CLOSE


async def test_a_response_that_comes_before_the_request_is_complete_closes_the_connection(twin: Twin) -> None:
    case = Case(twin, "POST", uploading=True)
    assert repr(case.exchange) == "<Exchange sent uploading>"
    assert case.exchange.feed(HEAD + b"hello") == case.sink.CLOSE
    case.finish()
    case.begin("POST", uploading=True)
    case.exchange.uploading = False
    assert case.exchange.feed(HEAD + b"hello") == case.sink.REUSE


async def test_only_the_end_of_the_connection_ends_a_body_without_a_length(twin: Twin) -> None:
    case = Case(twin)
    assert case.exchange.feed(b"HTTP/1.1 200 OK\r\n\r\nab") == case.sink.PENDING
    stream = case.waiter.result()[3]
    assert case.exchange.feed_eof() == case.sink.CLOSE
    case.finish()
    assert stream.got == [b"ab", "end"]


async def test_an_end_before_the_head_is_an_error(twin: Twin) -> None:
    with pytest.raises(ServerDisconnectedError):
        Case(twin).exchange.feed_eof()


@pytest.mark.parametrize("late", [False, True])
async def test_100_continue_completes_the_future_of_an_upload_whoever_is_first(twin: Twin, late: bool) -> None:
    case = Case(twin, "POST", uploading=True)
    wanted = None if late else case.exchange.wait_for_continue()
    assert case.exchange.feed(CONTINUE) == case.sink.PENDING
    assert case.exchange.state == case.module.SENT
    assert (wanted or case.exchange.wait_for_continue()).result() is True


async def test_another_interim_response_means_nothing(twin: Twin) -> None:
    case = Case(twin, "POST", uploading=True)
    wanted = case.exchange.wait_for_continue()
    case.exchange.feed(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert not wanted.done()


@pytest.mark.parametrize("late", [False, True])
async def test_the_final_head_tells_an_upload_that_it_is_not_wanted(twin: Twin, late: bool) -> None:
    case = Case(twin, "POST", uploading=True)
    wanted = None if late else case.exchange.wait_for_continue()
    case.exchange.feed(HEAD)
    assert (wanted or case.exchange.wait_for_continue()).result() is False


async def test_an_exchange_that_fails_tells_an_upload_that_it_is_not_wanted(twin: Twin) -> None:
    case = Case(twin, "POST", uploading=True)
    wanted = case.exchange.wait_for_continue()
    case.finish(OSError())
    assert wanted.result() is False
    assert isinstance(case.waiter.exception(), OSError)


async def test_101_that_was_asked_for_switches_and_keeps_what_follows(twin: Twin) -> None:
    case = Case(twin, upgrade=True)
    assert case.exchange.feed(SWITCHING + b"frames") == case.sink.SWITCH
    assert case.exchange.left_over == b"frames"
    case.finish()
    assert case.waiter.result()[1:] == (101, False, b"")


async def test_another_answer_to_an_upgrade_is_an_ordinary_response(twin: Twin) -> None:
    case = Case(twin, upgrade=True)
    assert case.exchange.feed(HEAD + b"hello") == case.sink.REUSE


@pytest.mark.parametrize(("method", "upgrade"), [("GET", False), ("CONNECT", False), ("CONNECT", True)])
async def test_101_that_was_not_asked_for_is_an_error(twin: Twin, method: str, upgrade: bool) -> None:
    with pytest.raises(BadHttpMessage):
        Case(twin, method, upgrade=upgrade).exchange.feed(SWITCHING)


@pytest.mark.parametrize("upgrade", [False, True])
async def test_2xx_to_connect_switches_for_a_caller_who_takes_over(twin: Twin, upgrade: bool) -> None:
    case = Case(twin, "CONNECT", upgrade=upgrade)
    outcome = case.exchange.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")  # RFC 9110 §9.3.6: no body
    assert outcome == (case.sink.SWITCH if upgrade else case.sink.CLOSE)
    case.finish()
    assert case.waiter.result()[3] == b""


async def test_a_refused_connect_has_a_body(twin: Twin) -> None:
    case = Case(twin, "CONNECT", upgrade=True)
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"
    assert case.exchange.feed(refusal) == case.sink.REUSE
    case.finish()
    assert case.waiter.result()[3] == b"no"


async def test_101_before_the_request_is_complete_closes_the_connection(twin: Twin) -> None:
    assert Case(twin, upgrade=True, uploading=True).exchange.feed(SWITCHING) == twin.sink.CLOSE


async def test_an_answer_for_a_cancelled_waiter_is_dropped(twin: Twin) -> None:
    case = Case(twin)
    case.waiter.cancel()
    assert case.exchange.feed(HEAD + b"hello") == case.sink.REUSE
    case.finish()
    assert case.waiter.cancelled()


async def test_one_exchange_after_the_other_begins_anew(twin: Twin) -> None:
    case = Case(twin)
    for number in range(3):
        body = b"%05d" % number
        assert case.exchange.feed(HEAD + body) == case.sink.REUSE
        case.finish()
        assert case.waiter.result()[3] == body
        assert case.exchange.started
        case.begin()
        assert not case.exchange.started
    case.exchange.feed(b"H")
    case.exchange.forget_response()
    assert not case.exchange.started


async def test_a_base_sink_and_a_base_owner_ignore_everything(twin: Twin) -> None:
    owner, sink = twin.sink.ConnectionOwner(), twin.sink.ResponseSink()
    assert owner.ended(None, twin.sink.CLOSE, b"") is None
    assert owner.lost(None) is None
    assert sink.on_end() is None
