"""Bodies that are received into the memory of their readers, and transports that are always buffered, on both twins."""

from __future__ import annotations

import asyncio

import pytest

from gazelle.errors import ServerDisconnectedError, SocketTimeoutError
from tests.support.clean import eventually
from tests.support.connections import HELLO, ConnectionCase
from tests.support.transport import ScriptedTransport
from tests.support.twins import Twin


class Memory:
    """A sink that offers a few bytes at a time."""

    def __init__(self, most: int = 100_000) -> None:
        self.received = bytearray()
        self.most = most

    def buffer(self, hint: int) -> memoryview:
        self.view = memoryview(bytearray(min(hint, self.most)))
        return self.view

    def wrote(self, size: int) -> None:
        self.received += self.view[:size]


SIZE = 600_000
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE


async def test_a_large_body_goes_past_the_parser_into_the_sink(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.deliver(LARGE + b"a" * 10)
    stream = (await waiter)[3]
    sink = Memory()
    assert case.connection.receive_into(sink)
    assert not case.connection.receive_into(Memory())
    assert isinstance(case.transport.protocol, asyncio.BufferedProtocol)
    case.transport.deliver(b"b" * (SIZE - 11))
    assert case.connection.busy
    case.transport.deliver(b"c")
    assert stream.got == [b"a" * 10, "end"]
    assert sink.received == b"b" * (SIZE - 11) + b"c"
    assert case.transport.protocol is case.connection
    assert case.events == [(case.sink.REUSE, b"")]
    waiter = case.send()
    case.transport.deliver(HELLO)
    assert (await waiter)[3] == b"hello"


async def test_a_reader_that_goes_leaves_the_rest_to_the_stream(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.deliver(LARGE)
    stream = (await waiter)[3]
    sink = Memory()
    assert case.connection.receive_into(sink)
    case.transport.deliver(b"b" * 300_000)
    case.connection.stop_receiving(Memory())
    assert case.transport.protocol is not case.connection
    case.connection.stop_receiving(sink)
    case.transport.deliver(b"c" * 300_000)
    assert (len(sink.received), stream.got) == (300_000, [b"c" * 300_000, "end"])


@pytest.mark.parametrize("how", ["end", "lose", "close"])
async def test_a_body_that_breaks_off_ends_the_stream_with_an_error(twin: Twin, how: str) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.deliver(LARGE)
    stream = (await waiter)[3]
    assert case.connection.receive_into(Memory())
    case.transport.deliver(b"b")
    {"end": case.transport.end, "lose": case.transport.lose, "close": case.connection.close}[how]()
    assert isinstance(stream.got[0], Exception)
    assert case.events[0] == (case.sink.CLOSE, b"")
    await eventually(lambda: case.events[-1] == "lost")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf0000\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["small", "chunked", "until the end"],
)
async def test_other_bodies_go_to_the_stream(twin: Twin, head: bytes) -> None:
    case = ConnectionCase(twin)
    waiter = case.send()
    case.transport.deliver(head)
    await waiter
    assert not case.connection.receive_into(Memory())
    assert case.transport.protocol is case.connection


async def test_a_transport_that_is_always_buffered_reads_into_one_buffer_and_into_the_sink(twin: Twin) -> None:
    case = ConnectionCase(twin)
    case.transport = ScriptedTransport(case.connection.as_buffered())
    protocol = case.transport.protocol
    waiter = case.send()
    case.transport.deliver(HELLO)
    assert (await waiter)[3] == b"hello"
    waiter = case.send()
    case.transport.deliver(LARGE + b"a")
    stream = (await waiter)[3]
    sink = Memory()
    assert case.connection.receive_into(sink)
    case.transport.deliver(b"b" * 300_000)
    case.connection.stop_receiving(sink)
    case.transport.deliver(b"c" * (SIZE - 300_001))
    assert (len(sink.received), b"".join(stream.got[:-1])) == (300_000, b"a" + b"c" * (SIZE - 300_001))
    assert (stream.got[-1], case.transport.protocol) == ("end", protocol)
    other = ConnectionCase(twin)
    other.transport = ScriptedTransport(other.connection.as_buffered())
    assert other.transport.protocol.get_buffer(-1) is case.transport.protocol.get_buffer(-1)  # one for the loop
    case.transport.end()
    assert case.connection.closed
    await eventually(lambda: case.events[-1] == "lost")


async def test_a_buffered_transport_notifies_of_the_loss_and_of_flow_control(twin: Twin) -> None:
    case = ConnectionCase(twin)
    case.transport = ScriptedTransport(case.connection.as_buffered())
    waiter = case.send("POST", uploading=True)
    case.transport.protocol.pause_writing()
    drained = case.connection.send_body(1, b"x")
    case.transport.protocol.resume_writing()
    assert drained.done()
    case.transport.lose()
    assert isinstance(waiter.exception(), ServerDisconnectedError)
    assert case.events == [(case.sink.CLOSE, b""), "lost"]


async def test_the_silence_of_a_server_counts_while_a_body_is_received(twin: Twin) -> None:
    case = ConnectionCase(twin)
    waiter = case.send(settings=case.settings(sock_read=1e-3))
    case.transport.deliver(LARGE)
    stream = (await waiter)[3]
    assert case.connection.receive_into(Memory())
    case.transport.deliver(b"b")
    await eventually(lambda: not case.connection.busy)
    assert isinstance(stream.got[-1], SocketTimeoutError)
