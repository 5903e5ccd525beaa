"""`UploadTracker`: progress of a request body, attempts, and the result of the upload."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

import gazelle
from gazelle import ClientHandlerType
from tests.support.clean import assert_clean, eventually
from tests.support.server import Early, Peer, ScriptedServer, fin, read_body, response, send, stall

TAKEN = [send(response(b"taken"))]
TO_ROOT = "Location: /"


async def pieces(count: int = 3, size: int = 1000) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"data": b"x" * 1000}, 1000),
        ({"data": b""}, 0),
        ({"data": "é" * 10}, 20),
        ({"data": {"a": "b"}}, 3),
        ({"data": io.BytesIO(b"x" * 70_000)}, 70_000),
        ({"data": b"x" * 1000, "chunked": True}, 1000),
        ({"data": b"x" * 100_000, "compress": "gzip"}, 100_000),
        ({"data": b"x" * 1000, "headers": {"Content-Length": "10"}}, 10),
        ({"json": {"a": 1}}, 8),
        ({}, 0),
    ],
    ids=str,
)
async def test_the_whole_body_is_counted_without_its_codings(options: dict[str, Any], size: int) -> None:
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        assert (tracker.bytes_written, tracker.attempts, tracker.upload_complete.done()) == (0, 0, False)
        async with session.post(server.url(), upload_tracker=tracker, **options) as answer:
            assert await answer.read() == b"taken"
        await tracker.upload_complete
        assert (tracker.bytes_written, tracker.attempts) == (size, 1)
        assert server.accepted == 1
        await assert_clean(session, server)


@pytest.mark.parametrize("options", [{"data": b"abc"}, {"json": [1]}, {"data": {"a": "b"}}, {"data": "text"}, {}])
async def test_the_same_is_sent_as_without_a_tracker(options: dict[str, Any]) -> None:
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        for tracker in (None, gazelle.UploadTracker()):
            async with session.post(server.url(), upload_tracker=tracker, **options):
                pass
        one, other = server.requests
        assert (one.body, sorted(one.headers)) == (other.body, sorted(other.headers))


async def test_a_body_that_is_iterated_over_is_counted_while_it_is_sent() -> None:
    go = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        await go.wait()
        yield b"x" * 500

    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        task = asyncio.ensure_future(session.post(server.url(), data=body(), upload_tracker=tracker))
        await eventually(lambda: tracker.bytes_written == 1000)
        assert not tracker.upload_complete.done()
        assert (tracker.attempts, "1000 bytes" in repr(tracker)) == (1, True)
        go.set()
        async with await task as answer:
            assert await answer.read() == b"taken"
        await tracker.upload_complete
        assert tracker.bytes_written == 1500


async def test_bytes_buffered_by_the_transport_do_not_count_as_written() -> None:
    size = 32 << 20
    go = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await go.wait()
        await peer.read_body()
        await peer.send(response(b"taken"))

    async with ScriptedServer({"*": Early([slow])}) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        task = asyncio.ensure_future(session.post(server.url(), data=b"x" * size, upload_tracker=tracker))
        await eventually(lambda: tracker.bytes_written > 0)
        assert tracker.bytes_written < size
        go.set()
        async with await task as answer:
            assert await answer.read() == b"taken"
        await tracker.upload_complete
        assert tracker.bytes_written == size


@pytest.mark.parametrize(("status", "size"), [("307 Temporary Redirect", 1000), ("303 See Other", 0)])
async def test_a_redirect_is_another_attempt(status: str, size: int) -> None:
    routes = {"/from": [send(response(status=status, headers=TO_ROOT))], "/": TAKEN}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        async with session.post(server.url("/from"), data=b"x" * 1000, upload_tracker=tracker) as answer:
            assert await answer.read() == b"taken"
        await tracker.upload_complete
        assert (tracker.attempts, tracker.bytes_written) == (2, size)
        assert [len(request.body) for request in server.requests] == [1000, size]


async def test_a_retry_is_another_attempt() -> None:
    async def once(peer: Peer) -> None:
        if peer.request.connection == 1:
            await fin()(peer)
        else:
            await peer.send(response(b"taken"))

    async with ScriptedServer({"/": TAKEN, "/put": once}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()):
            pass
        tracker = gazelle.UploadTracker()
        async with session.put(server.url("/put"), data=b"x" * 1000, upload_tracker=tracker) as answer:
            assert await answer.read() == b"taken"
        await tracker.upload_complete
        assert (tracker.attempts, tracker.bytes_written, server.accepted) == (2, 1000, 2)


async def test_a_middleware_that_sends_twice_makes_two_attempts() -> None:
    async def twice(request: Any, handler: ClientHandlerType) -> gazelle.ClientResponse:
        (await handler(request)).release()
        await request.update_body(b"other")
        return await handler(request)

    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession(middlewares=[twice]) as session:
        tracker = gazelle.UploadTracker()
        async with session.post(server.url(), data=b"x" * 1000, upload_tracker=tracker):
            pass
        await tracker.upload_complete
        assert (tracker.attempts, tracker.bytes_written) == (2, 5)
        assert [request.body for request in server.requests] == [b"x" * 1000, b"other"]


async def test_a_tracker_is_for_one_request() -> None:
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        async with session.post(server.url(), data=b"x", upload_tracker=tracker):
            pass
        with pytest.raises(RuntimeError, match="already bound"):
            await session.post(server.url(), data=b"x", upload_tracker=tracker)
        assert len(server.requests) == 1


def test_a_tracker_needs_an_event_loop() -> None:
    with pytest.raises(RuntimeError):
        gazelle.UploadTracker()


async def test_a_body_that_fails_is_an_aborted_upload_with_its_cause() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ZeroDivisionError

    async with ScriptedServer({"*": Early([read_body(), *TAKEN])}) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        with pytest.raises(ZeroDivisionError) as caught:
            await session.post(server.url(), data=failing(), upload_tracker=tracker)
        with pytest.raises(gazelle.UploadAbortedError) as aborted:
            await tracker.upload_complete
        assert aborted.value.__cause__ is caught.value
        assert (tracker.attempts, tracker.bytes_written) == (1, 3)
        await assert_clean(session, server)


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_request_that_is_cancelled_is_an_aborted_upload(streamed: bool) -> None:
    async with ScriptedServer({"*": Early([stall()])}) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        data = pieces(1 << 20, 65536) if streamed else b"x" * (32 << 20)
        task = asyncio.ensure_future(session.post(server.url(), data=data, upload_tracker=tracker))
        await eventually(lambda: tracker.bytes_written > 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(gazelle.UploadAbortedError):
            await tracker.upload_complete
        await assert_clean(session, server)


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_response_that_does_not_wait_for_the_body_is_an_aborted_upload(streamed: bool) -> None:
    refused = Early([send(response(b"no", status="413 Content Too Large")), stall()])
    async with ScriptedServer({"*": refused}) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        data = pieces(1 << 20, 65536) if streamed else b"x" * (32 << 20)
        async with session.post(server.url(), data=data, upload_tracker=tracker) as answer:
            assert (answer.status, await answer.read()) == (413, b"no")
        with pytest.raises(gazelle.UploadAbortedError):
            await tracker.upload_complete


async def test_no_connection_is_an_aborted_upload_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        with pytest.raises(gazelle.ClientConnectorError):
            await session.post("http://127.0.0.1:1/", data=b"x", upload_tracker=tracker)
        assert isinstance(tracker.upload_complete.exception(), gazelle.UploadAbortedError)
        assert (tracker.attempts, tracker.bytes_written) == (1, 0)
        del tracker
        tracker = gazelle.UploadTracker()
        with pytest.raises(gazelle.InvalidURL):
            await session.post("http://", data=b"x", upload_tracker=tracker)
        assert tracker.attempts == 0
        del tracker
        gc.collect()
        await asyncio.sleep(0)
    assert not caplog.records


async def test_a_body_that_the_server_does_not_ask_for_is_an_aborted_upload() -> None:
    refused = Early([send(response(b"no", status="417 Expectation Failed"))])
    async with ScriptedServer({"*": refused}) as server, gazelle.ClientSession() as session:
        tracker = gazelle.UploadTracker()
        async with session.post(server.url(), data=b"x", expect100=True, upload_tracker=tracker) as answer:
            assert answer.status == 417
        with pytest.raises(gazelle.UploadAbortedError):
            await tracker.upload_complete
        assert tracker.bytes_written == 0
