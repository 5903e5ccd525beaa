"""One exchange for a request: when it is sent once more, and what is left of a connection after each way out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

import gazelle
from gazelle.client.attempt import attempt, plain_error, response_error
from gazelle.client.core import Context
from gazelle.client.response import ClientResponse
from gazelle.errors import BadHttpMessage, ServerDisconnectedError
from tests.support.bodies import Watched, yielding
from tests.support.calls import context_of, core_of, observer_of, request_of
from tests.support.clean import eventually, idle
from tests.support.connectors import END, ForeignConnector, Reply, ScriptedConnector

URL: Final = "http://h/"
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PART: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok"
LOST: Final = ConnectionResetError("reset")
DEAD: Final = {"end": END, "loss": LOST}


@asynccontextmanager
async def session_over(*connections: list[Reply], **options: Any) -> AsyncIterator[tuple[gazelle.ClientSession, Any]]:
    """A session, and its connector with scripted connections; at the end no connection may be in use."""
    connector = options.pop("kind", ScriptedConnector)(*connections, limit=1)
    async with gazelle.ClientSession(connector=connector, **options) as session:
        yield session, connector
        await eventually(lambda: not connector._acquired, "a connection is still in use")


async def run(context: Context, method: str = "GET", **content: Any) -> ClientResponse:
    return await attempt(context, request_of(context, method, URL, **content), ())


async def warm(context: Context) -> None:
    """Make the connection one that has carried a request."""
    assert await (await run(context)).read() == b"ok"


# The one retry.


@pytest.mark.parametrize("how", DEAD)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
async def test_an_idempotent_request_on_a_dead_connection_is_sent_again_on_a_new_one(method: str, how: str) -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if method == "HEAD" else OK
    async with session_over([OK, DEAD[how]], [ok]) as (session, connector):
        context = context_of(session)
        await warm(context)
        response = await run(context, method)
        assert response.status == 200
        first, second = connector.heads
        assert first[1:] == second
        assert idle(connector) == 1


@pytest.mark.parametrize("how", DEAD)
async def test_a_request_is_sent_again_once(how: str) -> None:
    async with session_over([OK, DEAD[how]], [DEAD[how]], [OK]) as (session, connector):
        context = context_of(session)
        await warm(context)
        with pytest.raises((ServerDisconnectedError, gazelle.ClientOSError)):
            await run(context)
        assert [len(heads) for heads in connector.heads] == [2, 1]


async def test_the_second_connection_is_a_new_one_although_another_is_idle() -> None:
    connector = ScriptedConnector([OK, END], [OK, OK], [OK])
    async with gazelle.ClientSession(connector=connector) as session:
        context = context_of(session)
        one = asyncio.ensure_future(run(context))
        other = asyncio.ensure_future(run(context))
        await asyncio.gather(one, other)
        assert idle(connector) == 2
        connector.transports[1].replies = [END]
        connector.transports[0].replies = [END]
        assert (await run(context)).status == 200
        assert sorted(len(heads) for heads in connector.heads) == [1, 1, 2]
        assert len(connector.heads[2]) == 1


NOT_AGAIN: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "a method that is not idempotent": ("POST", {}, {}),
    "retry=False": ("GET", {}, {"retry": False}),
}


@pytest.mark.parametrize("how", DEAD)
@pytest.mark.parametrize("case", NOT_AGAIN)
async def test_a_request_is_not_sent_again_with(case: str, how: str) -> None:
    method, content, settings = NOT_AGAIN[case]
    async with session_over([OK, DEAD[how]], [OK]) as (session, connector):
        await warm(context_of(session))
        with pytest.raises((ServerDisconnectedError, gazelle.ClientOSError)):
            await run(context_of(session, **settings), method, **content)
        assert [len(heads) for heads in connector.heads] == [2]


async def test_a_request_on_a_new_connection_is_not_sent_again() -> None:
    async with session_over([END], [OK]) as (session, connector):
        with pytest.raises(ServerDisconnectedError):
            await run(context_of(session))
        assert len(connector.heads) == 1


async def test_a_request_is_not_sent_again_after_the_response_has_begun() -> None:
    async with session_over([OK, b"HTTP/1.1 200"], [OK]) as (session, connector):
        context = context_of(session)
        await warm(context)
        task = asyncio.ensure_future(run(context))
        await eventually(lambda: not connector.transports[0].replies and len(connector.heads[0]) == 2)
        await asyncio.sleep(0)
        connector.transports[0].end()
        with pytest.raises((ServerDisconnectedError, gazelle.ClientResponseError)):
            await task
        assert len(connector.heads) == 1


async def test_a_body_that_can_be_read_again_is_sent_again() -> None:
    async with session_over([OK, None], [None]) as (session, connector):
        context = context_of(session)
        await warm(context)
        task = asyncio.ensure_future(run(context, "PUT", data=Watched(b"body")))
        await eventually(lambda: connector.transports[0].body == b"body")
        connector.transports[0].lose(LOST)
        await eventually(lambda: len(connector.transports) == 2 and connector.transports[1].body == b"body")
        connector.transports[1].deliver(OK)
        response = await task
        assert response.status == 200
        await response.wait_for_close()


async def test_a_body_that_was_read_and_cannot_be_read_again_is_not_sent_again() -> None:
    async with session_over([OK, None], [OK]) as (session, connector):
        context = context_of(session)
        await warm(context)
        task = asyncio.ensure_future(run(context, "PUT", data=yielding(b"once")))
        await eventually(lambda: b"once" in connector.transports[0].body)
        connector.transports[0].lose(LOST)
        with pytest.raises(gazelle.ClientOSError):
            await task
        assert len(connector.transports) == 1


async def test_a_request_that_could_not_be_written_is_sent_again_whatever_its_method() -> None:
    """The connection was closed after it was chosen and before the write: nothing of the request has been sent."""

    class Closing(ForeignConnector):
        async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
            made = await super().connect(req, traces, timeout)
            if len(self.made) == 2:
                made.protocol.close()
            return made

    async with session_over([OK], [OK], kind=Closing) as (session, connector):
        context = context_of(session)
        await warm(context)
        assert await (await run(context, "POST", data=b"x")).read() == b"ok"
        assert [len(heads) for heads in connector.heads] == [1, 1]


ERRORS: Final = [
    ConnectionError("handler"),
    ServerDisconnectedError(),
    gazelle.ClientOSError(104, "handler"),
    KeyError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_an_error_of_a_trace_does_not_cause_a_retry(error: Exception) -> None:
    failing = gazelle.TraceConfig()

    async def fail(session: Any, context: Any, params: Any) -> None:
        raise error

    failing.on_request_headers_sent.append(fail)
    async with session_over([OK, None], [OK]) as (session, connector):
        await warm(context_of(session))
        observer, _ = await observer_of(session, [failing], "GET", URL)
        with pytest.raises(type(error)) as caught:
            await run(context_of(session, observer))
        assert caught.value is error
        assert [len(heads) for heads in connector.heads] == [2]
        assert connector.transports[0].aborted


async def test_the_tracker_counts_a_retry_as_another_attempt() -> None:
    async with session_over([OK, END], [None]) as (session, connector):
        context = context_of(session)
        await warm(context)
        tracker = gazelle.UploadTracker()
        task = asyncio.ensure_future(run(context, "PUT", data=b"body", upload_tracker=tracker))
        await eventually(lambda: len(connector.transports) == 2 and connector.transports[1].body == b"body")
        connector.transports[1].deliver(OK)
        await (await task).wait_for_close()
        assert (tracker.attempts, tracker.bytes_written) == (2, 4)


# The ways out.


async def test_a_complete_response_has_given_its_connection_back() -> None:
    async with session_over([OK]) as (session, connector):
        response = await run(context_of(session))
        assert (response.closed, idle(connector), len(connector._acquired)) == (True, 1, 0)
        assert await response.read() == b"ok"


async def test_a_response_whose_body_is_still_to_come_holds_its_connection() -> None:
    async with session_over([PART]) as (session, connector):
        response = await run(context_of(session))
        assert (response.closed, idle(connector), len(connector._acquired)) == (False, 0, 1)
        connector.transports[0].deliver(b"ay")
        assert await response.read() == b"okay"
        assert (response.closed, idle(connector), len(connector._acquired)) == (True, 1, 0)


@pytest.mark.parametrize("data", [None, b"x", "pieces"])
async def test_a_cancelled_request_closes_its_connection_and_ends_its_upload(data: Any) -> None:
    async with session_over([None]) as (session, connector):
        body = Watched(b"x") if data == "pieces" else data
        task = asyncio.ensure_future(run(context_of(session), "POST", data=body))
        await eventually(lambda: connector.transports and connector.transports[0].heads)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert connector.transports[0].aborted
        assert not [one for one in asyncio.all_tasks() if "_send" in repr(one.get_coro())]


async def test_a_malformed_response_is_an_error_with_the_request_and_the_history() -> None:
    async with session_over([OK, b"HTTP/1.1 abc\r\n\r\n"]) as (session, connector):
        context = context_of(session)
        first = await run(context)
        with pytest.raises(gazelle.ClientResponseError) as caught:
            await attempt(context, request_of(context, "PUT", URL + "a", data=b"x"), (first,))
        error = caught.value
        assert (error.status, error.history, error.request_info.method) == (400, (first,), "PUT")
        assert str(error.request_info.url) == URL + "a"
        assert connector.transports[0].aborted
        assert len(connector.heads) == 1


async def test_an_error_of_the_jar_closes_the_response() -> None:
    class Jar(gazelle.CookieJar):
        def update_cookies_from_headers(self, *_: Any) -> None:
            raise LookupError

        def update_cookies(self, *_: Any) -> None:
            raise LookupError

    setting = PART.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n", 1)
    async with session_over([setting], cookie_jar=Jar()) as (session, connector):
        with pytest.raises(LookupError):
            await run(context_of(session))
        assert connector.transports[0].aborted


async def test_an_error_of_the_trace_of_the_response_head_closes_the_response() -> None:
    failing = gazelle.TraceConfig()

    async def fail(session: Any, context: Any, params: Any) -> None:
        raise LookupError

    failing.on_response_headers_received.append(fail)
    async with session_over([PART]) as (session, connector):
        observer, _ = await observer_of(session, [failing], "GET", URL)
        with pytest.raises(LookupError):
            await run(context_of(session, observer))
        assert connector.transports[0].aborted


# Getting a connection.


class Stuck(ScriptedConnector):
    """A connector that opens no connection."""

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:
        await asyncio.get_running_loop().create_future()


async def test_the_total_limit_covers_getting_a_connection() -> None:
    async with session_over(kind=Stuck) as (session, _):
        context = context_of(session, timeout=gazelle.ClientTimeout(total=0.05))
        with pytest.raises(TimeoutError, match=r"Total timeout of 0\.05 s exceeded getting a connection to h:80"):
            await run(context)


async def test_a_timeout_of_the_connector_itself_stays_as_it_is() -> None:
    class Own(ScriptedConnector):
        async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
            raise TimeoutError("own")

    async with session_over(kind=Own) as (session, _):
        with pytest.raises(TimeoutError, match=r"^own$"):
            await run(context_of(session, timeout=gazelle.ClientTimeout(total=60)))


async def test_without_a_connection_the_error_is_that_of_the_connector() -> None:
    async with session_over() as (session, _):
        with pytest.raises(gazelle.ClientConnectorError):
            await run(context_of(session))


# Connections of another class.


async def test_a_foreign_connection_is_released_with_a_complete_response() -> None:
    async with session_over([OK, OK], kind=ForeignConnector) as (session, connector):
        for _ in range(2):
            assert await (await run(context_of(session))).read() == b"ok"
        assert [made.ends for made in connector.made] == [["release"], ["release"]]
        assert len(connector.transports) == 1


async def test_a_foreign_connection_is_released_at_the_end_of_a_streamed_body() -> None:
    async with session_over([PART], kind=ForeignConnector) as (session, connector):
        response = await run(context_of(session))
        (made,) = connector.made
        assert made.ends == []
        connector.transports[0].deliver(b"ay")
        assert await response.read() == b"okay"
        assert made.ends == ["release"]


@pytest.mark.parametrize("reply", [END, LOST, b"HTTP/1.1 abc\r\n\r\n"], ids=["end", "loss", "malformed"])
async def test_a_foreign_connection_is_closed_once_when_the_exchange_fails(reply: Reply) -> None:
    async with session_over([reply], kind=ForeignConnector) as (session, connector):
        with pytest.raises(gazelle.ClientError):
            await run(context_of(session))
        assert [made.ends for made in connector.made] == [["close"]]


async def test_a_foreign_connection_is_closed_when_the_request_is_cancelled() -> None:
    async with session_over([None], kind=ForeignConnector) as (session, connector):
        task = asyncio.ensure_future(run(context_of(session)))
        await eventually(lambda: connector.transports and connector.transports[0].heads)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [made.ends for made in connector.made] == [["close"]]


# Errors.


async def test_the_error_of_a_plain_call_is_translated_if_it_is_one_of_the_wire() -> None:
    async with session_over() as (session, _):
        request = request_of(context_of(session), "GET", URL)
        wire = BadHttpMessage("bad")
        error = plain_error(request, wire)
        assert isinstance(error, gazelle.ClientResponseError)
        assert (error.status, error.message, error.history) == (wire.code, wire.message, ())
        assert response_error(request, wire, ()).request_info == request.request_info
        for other in (ServerDisconnectedError(), asyncio.CancelledError(), TimeoutError()):
            assert plain_error(request, other) is other
        assert core_of(session).plan.error is plain_error
