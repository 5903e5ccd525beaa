"""What a connection does between its transport and its owner, on both twins."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from gazelle.errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientOSError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from tests.support.clean import eventually
from tests.support.connections import HELLO, ConnectionCase
from tests.support.twins import Twin

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"


async def test_an_exchange_notifies_the_owner_before_the_caller(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    assert (bytes(case.transport.written), case.connection.busy) == (b"HEAD;", True)
    waiter.add_done_callback(lambda _: case.events.append("answer"))
    case.transport.deliver(HELLO)
    await waiter
    await asyncio.sleep(0)
    assert case.events == [(case.sink.REUSE, b""), "answer"]
    assert waiter.result()[3] == b"hello"
    assert (case.connection.is_idle(), case.connection.reused, case.connection.generation) == (True, True, 1)


@pytest.mark.parametrize("size", [10, 20000])
async def test_head_and_body_leave_in_order(twin: Twin, size: int) -> None:
    case = ConnectionCase(twin)
    case.send("POST", b"x" * size)
    assert case.transport.written == b"HEAD;" + b"x" * size


async def test_an_answer_while_the_request_body_waits_in_the_transport_closes_the_connection(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send("POST", b"x" * 20000)
    case.transport.unsent = 1
    case.transport.deliver(HELLO)
    assert (await waiter)[1] == 200
    assert case.events == [(case.sink.CLOSE, b"")]
    assert case.transport.aborted


async def test_a_closed_or_busy_connection_takes_no_request(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    with pytest.raises(ServerDisconnectedError):
        case.send()
    case.transport.deliver(HELLO)
    assert (await waiter)[3] == b"hello"
    assert case.connection.response_started
    case.connection.close()
    with pytest.raises(ServerDisconnectedError):
        case.send()
    assert not case.connection.response_started


@pytest.mark.parametrize("unasked", ["bytes", "end"])
async def test_whatever_comes_while_the_connection_is_idle_closes_it(twin: Twin, unasked: str) -> None:
    case = ConnectionCase(twin)
    case.transport.deliver(b"HTTP/1.1") if unasked == "bytes" else case.transport.end()
    assert case.connection.closed
    assert not case.connection.is_reusable()
    assert case.events == [(case.sink.CLOSE, b"")]
    await asyncio.sleep(0)
    assert case.events[1:] == ["lost"]


async def test_a_transport_that_is_closing_makes_a_connection_unusable(twin: Twin) -> None:
    case = ConnectionCase(twin)
    assert case.connection.is_reusable()
    case.transport.aborted = True
    assert not case.connection.is_reusable()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, ServerDisconnectedError),
        (ConnectionResetError(104, "reset"), ClientOSError),
        (ValueError("odd"), ClientConnectionError),
    ],
)
async def test_the_loss_of_the_connection_ends_the_exchange(
    twin: Twin, error: Exception | None, expected: type[Exception]
) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.lose(error)
    with pytest.raises(expected):
        await waiter
    assert case.events == [(case.sink.CLOSE, b""), "lost"]
    assert not case.connection.reused


async def test_an_end_before_the_response_is_an_error_and_after_a_body_without_a_length_its_end(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.end()
    assert isinstance(waiter.exception(), ServerDisconnectedError)
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.deliver(b"HTTP/1.1 200 OK\r\n\r\nab")
    case.transport.end()
    assert waiter.result()[3].got == [b"ab", "end"]


class Tls:
    """What is left of a TLS connection at its end."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def read(self, size: int) -> bytes:
        if self._error is not None:
            raise self._error
        return b"x"


@pytest.mark.parametrize(
    ("error", "whole"), [(ssl.SSLZeroReturnError(), True), (ssl.SSLWantReadError(), False), (None, False)]
)
async def test_only_close_notify_ends_a_body_under_tls(twin: Twin, error: Exception | None, whole: bool) -> None:
    case = ConnectionCase(twin, ssl_object=Tls(error))
    waiter = case.send()
    case.transport.deliver(b"HTTP/1.1 200 OK\r\n\r\nab")
    case.transport.end()
    stream = waiter.result()[3]
    assert (stream.got[1] == "end") is whole


async def test_a_malformed_response_closes_the_connection(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.deliver(b"HTTP/1.1 20x OK\r\n\r\n")
    assert waiter.exception() is not None
    assert case.events == [(case.sink.CLOSE, b"")]
    assert case.connection.response_started


# --- handing over -----------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), (b"in flight",)])
async def test_a_switched_connection_hands_its_transport_over_once(twin: Twin, more: tuple[bytes, ...]) -> None:
    case = ConnectionCase(twin)
    waiter = case.send(upgrade=True)
    case.transport.deliver(SWITCHING + b"frames")
    for data in more:
        case.connection.data_received(data)
    assert (await waiter)[1] == 101
    assert case.events == [(case.sink.SWITCH, b"frames")]
    assert (case.connection.switched, case.transport.paused, case.transport.aborted) == (True, True, False)
    assert case.connection.detach() == (case.transport, b"frames" + b"".join(more))
    assert (case.connection.closed, case.connection.transport) == (True, None)
    with pytest.raises(RuntimeError):
        case.connection.detach()
    case.connection.close()
    assert not case.transport.aborted


async def test_a_connection_that_has_not_switched_hands_nothing_over(twin: Twin) -> None:
    case = ConnectionCase(twin)
    with pytest.raises(RuntimeError):
        case.connection.detach()


@pytest.mark.parametrize("how", ["close", "end", "lose"])
async def test_a_switched_connection_that_ends_has_nothing_to_hand_over(twin: Twin, how: str) -> None:
    case = ConnectionCase(twin)
    case.send(upgrade=True)
    case.transport.deliver(SWITCHING)
    {"close": case.connection.close, "end": case.transport.end, "lose": case.transport.lose}[how]()
    assert case.events[:2] == [(case.sink.SWITCH, b""), (case.sink.CLOSE, b"")]
    with pytest.raises(RuntimeError):
        case.connection.detach()


# --- flow control -----------------------------------------------------------------------------------


async def test_a_stream_pauses_and_resumes_the_transport_while_its_exchange_is_under_way(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.deliver(HELLO[:-3])
    control = (await waiter)[3].control
    control.pause_reading()
    control.pause_reading()
    assert case.transport.paused
    case.transport.deliver(HELLO[-3:-1])
    control.resume_reading()
    await asyncio.sleep(0)
    assert not case.transport.paused
    control.pause_reading()
    case.connection.data_received(HELLO[-1:])  # in flight when reading was paused
    assert (case.connection.is_idle(), case.transport.paused) == (True, False)
    control.pause_reading()
    assert not case.transport.paused


async def test_an_upload_waits_while_the_peer_does_not_read(twin: Twin) -> None:
    case = ConnectionCase(twin)
    case.send("POST", uploading=True)
    connection, generation = case.connection, case.connection.generation
    assert connection.send_body(generation, b"one") is None
    connection.pause_writing()
    drained = connection.send_body(generation, b"two")
    assert connection.send_body(generation, b"three") is drained
    assert not drained.done()
    connection.resume_writing()
    assert drained.result() is None
    connection.end_body(generation)
    case.transport.deliver(HELLO)
    assert case.transport.written == b"HEAD;onetwothree"
    assert case.events == [(case.sink.REUSE, b"")]
    with pytest.raises(ClientConnectionResetError):
        connection.send_body(generation, b"four")
    connection.fail_body(generation, ValueError())
    assert connection.is_idle()


async def test_the_end_of_an_exchange_lets_an_upload_go(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send("POST", uploading=True)
    case.connection.pause_writing()
    drained = case.connection.send_body(1, b"x")
    error = ValueError("the body cannot be made")
    case.connection.fail_body(1, error)
    assert drained.done()
    assert waiter.exception() is error


async def test_an_upload_is_told_whether_it_is_wanted(twin: Twin) -> None:
    case = ConnectionCase(twin)
    case.send("POST", uploading=True)
    wanted = case.connection.wait_for_continue()
    case.transport.deliver(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert await wanted is True


# --- ends from outside --------------------------------------------------------------------------------


async def test_abandoning_closes_only_an_exchange_under_way(twin: Twin) -> None:
    case = ConnectionCase(twin)
    first = case.send()
    case.transport.deliver(HELLO)
    second = case.send()
    case.connection.abandon(first)
    assert case.connection.busy
    case.connection.abandon(second)
    assert (case.connection.closed, second.cancelled()) == (True, True)
    case = ConnectionCase(twin)
    case.connection.abandon(None)
    assert case.connection.closed


async def test_close_ends_the_exchange_with_an_error_and_is_idempotent(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.connection.close()
    case.connection.close()
    assert isinstance(waiter.exception(), ClientConnectionError)
    assert case.events == [(case.sink.CLOSE, b"")]


def test_a_connection_of_a_closed_loop_is_closed_without_a_callback(twin: Twin) -> None:
    async def make() -> ConnectionCase:
        case = ConnectionCase(twin)
        case.send()
        return case

    with asyncio.Runner() as runner:
        case = runner.run(make())
    case.connection.close()
    assert (case.connection.closed, case.events, case.transport.aborted) == (True, [], False)


# --- deadlines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "expected"), [({"total": 1e-6}, TimeoutError), ({"sock_read": 1e-6}, SocketTimeoutError)]
)
async def test_a_deadline_that_passes_ends_the_exchange(
    twin: Twin, limits: dict[str, float], expected: type[Exception]
) -> None:
    case = ConnectionCase(twin)
    waiter = case.send(settings=case.settings(**limits))
    with pytest.raises(expected, match=r"waiting for the response head from example\.org:80"):
        await waiter
    assert case.events[0] == (case.sink.CLOSE, b"")
    assert len(case.deadlines) == 0


async def test_a_reader_that_does_not_read_is_not_a_silent_server(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send(settings=case.settings(sock_read=1e-3))
    case.transport.deliver(HELLO[:-3])
    stream = (await waiter)[3]
    stream.control.pause_reading()
    await asyncio.sleep(0.02)
    assert case.connection.busy
    stream.control.resume_reading()
    await eventually(lambda: not case.connection.busy)
    assert isinstance(stream.got[-1], SocketTimeoutError)


async def test_deadlines_end_with_the_exchange(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send(settings=case.settings(total=60.0, sock_read=60.0))
    assert len(case.deadlines) == 2
    case.transport.deliver(HELLO)
    await waiter
    assert len(case.deadlines) == 0
    case.deadlines.close()
