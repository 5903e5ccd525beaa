"""The requests of a call: the first, those that follow, and for each of them the middlewares and its body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any, Final

import pytest

import gazelle
from gazelle.auth import BasicAuth
from gazelle.client.content import Content
from gazelle.client.core import Context
from gazelle.client.credentials import Credentials
from gazelle.client.send import hop, prepare
from gazelle.net.environment import NetrcFile
from tests.support.bodies import Watched
from tests.support.calls import context_of, request_of
from tests.support.clean import eventually
from tests.support.connectors import END, Reply, ScriptedConnector

URL: Final = "http://h/"
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def context_over(*connections: list[Reply], **options: Any) -> AsyncIterator[tuple[Context, ScriptedConnector]]:
    """The context of a call over scripted connections; at the end no connection may be in use."""
    connector = ScriptedConnector(*connections)
    async with gazelle.ClientSession(connector=connector, **options) as session:
        yield context_of(session), connector
        await eventually(lambda: not connector._acquired, "a connection is still in use")


# The request.


async def test_the_first_request_has_what_the_call_passes() -> None:
    async with context_over() as (context, _):
        content = Content({"params": {"a": "1"}, "data": b"x", "headers": {"X": "1"}})
        request = await prepare(context, "post", URL + "#f", content)
        assert (request.method, request.target, request.body, request.headers["X"]) == ("POST", "/?a=1", b"x", "1")
        assert str(request.original_url) == "http://h/?a=1#f"


async def test_a_closed_session_sends_nothing() -> None:
    session = gazelle.ClientSession(connector=ScriptedConnector())
    context = context_of(session)
    await session.close()
    with pytest.raises(RuntimeError, match="Session is closed"):
        await hop(context, await prepare(context, "GET", URL, Content({})), ())


async def test_the_environment_is_read_again_for_every_request() -> None:
    class Netrc(NetrcFile):
        reads = 0

        async def refresh(self) -> bool:
            self.reads += 1
            self.known_until = -inf
            return True

        def find(self, host: str) -> BasicAuth | None:
            return BasicAuth(f"{host}{self.reads}")

    async with context_over() as (context, _):
        netrc = context.core.netrc = Netrc()
        context.core.builder.credentials = Credentials(None, netrc.find)
        context.core.plan.known_until = -inf
        one = await prepare(context, "GET", URL, Content({}))
        other = await prepare(context, "GET", "http://g/", Content({}))
        again = await prepare(context, "GET", "http://g/", Content({}))
        fields = [BasicAuth.decode(request.headers["Authorization"]).login for request in (one, other, again)]
        assert fields == ["h1", "g2", "g3"]


@pytest.mark.parametrize(
    "content",
    [
        {"data": b"x", "json": 1},
        {"headers": {"X": "\n"}},
        {"chunked": True, "headers": {"Content-Length": "1"}, "data": b"x"},
    ],
)
async def test_a_request_that_cannot_be_built_is_an_error_before_a_connection_is_opened(
    content: dict[str, Any],
) -> None:
    async with context_over() as (context, connector):
        with pytest.raises(ValueError):
            await prepare(context, "POST", URL, Content(content))
        assert connector.transports == []


# The body.


async def test_a_body_in_memory_goes_out_with_the_head() -> None:
    async with context_over([OK]) as (context, connector):
        response = await hop(context, request_of(context, "POST", URL, data=b"body"), ())
        assert (response.status, connector.transports[0].body) == (200, b"body")


async def test_a_body_stays_open_after_the_response_because_a_redirect_may_need_it() -> None:
    body = Watched(b"body")
    async with context_over([OK]) as (context, _):
        response = await hop(context, request_of(context, "POST", URL, data=body), ())
        assert body.closed == 0
        await response.wait_for_close()
        assert body.closed == 1


FAILURES: Final[dict[str, list[list[Reply]]]] = {
    "no connection": [],
    "a lost connection": [[ConnectionResetError("reset")]],
    "an ended connection": [[END]],
    "a malformed response": [[b"HTTP/1.1 abc\r\n\r\n"]],
}


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("middlewares", [False, True])
async def test_a_body_is_closed_once_after(case: str, middlewares: bool) -> None:
    async def through(request: Any, handler: Any) -> Any:
        return await handler(request)

    body = Watched(b"body")
    options = {"middlewares": [through]} if middlewares else {}
    async with context_over(*FAILURES[case], **options) as (context, _):
        with pytest.raises(gazelle.ClientError):
            await hop(context, request_of(context, "POST", URL, data=body), ())
        assert body.closed == 1


@pytest.mark.parametrize("middlewares", [False, True])
async def test_a_body_is_closed_once_when_the_request_is_cancelled(middlewares: bool) -> None:
    async def through(request: Any, handler: Any) -> Any:
        return await handler(request)

    body = Watched(b"body")
    options = {"middlewares": [through]} if middlewares else {}
    async with context_over([None], **options) as (context, connector):
        task = asyncio.ensure_future(hop(context, request_of(context, "POST", URL, data=body), ()))
        await eventually(lambda: connector.transports and connector.transports[0].body)
        assert body.closed == 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.closed == 1


# Middlewares.


async def test_the_first_middleware_is_called_first_and_returns_last() -> None:
    log: list[str] = []

    def named(name: str) -> Any:
        async def middleware(request: Any, handler: Any) -> Any:
            log.append(f"{name} in")
            response = await handler(request)
            log.append(f"{name} out")
            return response

        return middleware

    async with context_over([OK], middlewares=[named("a"), named("b")]) as (context, _):
        await hop(context, request_of(context, "GET", URL), ())
        assert log == ["a in", "b in", "b out", "a out"]


async def test_a_middleware_that_changes_nothing_sends_the_bytes_of_the_request() -> None:
    seen = []

    async def look(request: Any, handler: Any) -> Any:
        seen.append((request.method, str(request.url), request.body))
        return await handler(request)

    async with context_over([OK], middlewares=[look]) as (context, connector):
        request = request_of(context, "POST", URL, data=b"body")
        await hop(context, request, ())
        assert connector.heads == [[request.head]]
        assert seen == [("POST", URL, b"body")]


async def test_a_middleware_may_send_the_same_body_twice() -> None:
    async def twice(request: Any, handler: Any) -> Any:
        with pytest.raises(gazelle.ClientError):
            await handler(request)
        assert body.closed == 0
        return await handler(request)

    body = Watched(b"body")
    async with context_over([END], [OK], middlewares=[twice]) as (context, connector):
        response = await hop(context, request_of(context, "POST", URL, data=body), ())
        await response.wait_for_close()
        assert body.closed == 1
        assert len(connector.transports) == 2


async def test_a_body_that_a_middleware_replaces_is_closed() -> None:
    async def replace(request: Any, handler: Any) -> Any:
        await request.update_body(b"other")
        return await handler(request)

    body = Watched(b"body")
    async with context_over([OK], middlewares=[replace]) as (context, connector):
        await hop(context, request_of(context, "POST", URL, data=body), ())
        assert (body.closed, connector.transports[0].body) == (1, b"other")


@pytest.mark.parametrize("raises", [False, True])
async def test_a_body_is_closed_when_a_middleware_answers_itself(raises: bool) -> None:
    answer: Any = object()

    async def instead(request: Any, handler: Any) -> Any:
        if raises:
            raise LookupError
        return answer

    body = Watched(b"body")
    async with context_over(middlewares=[instead]) as (context, connector):
        call = hop(context, request_of(context, "POST", URL, data=body), ())
        if raises:
            with pytest.raises(LookupError):
                await call
        else:
            assert await call is answer
        assert (body.closed, connector.transports) == (1, [])
