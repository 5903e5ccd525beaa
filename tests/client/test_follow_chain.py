"""One call from its first response to its last, over connections in memory: requests, history, body, status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

import gazelle
from gazelle.client.content import Content
from gazelle.client.follow import send
from gazelle.client.response import ClientResponse
from tests.support.bodies import Watched, yielding
from tests.support.calls import context_of, observer_of
from tests.support.clean import eventually
from tests.support.connectors import Reply, ScriptedConnector

URL: Final = "http://h/"
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def to(location: str, status: int = 302, body: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status} R\r\nLocation: {location}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Chain:
    """A session over scripted connections, and the calls that it makes."""

    def __init__(self, session: gazelle.ClientSession, connector: ScriptedConnector) -> None:
        self.session = session
        self.connector = connector

    async def __call__(
        self, method: str = "GET", url: str = URL, settings: Any = None, **content: Any
    ) -> ClientResponse:
        return await send(context_of(self.session, **(settings or {})), method, url, Content(content))

    @property
    def lines(self) -> list[str]:
        """The request lines, in order."""
        heads = [head for heads in self.connector.heads for head in heads]
        return [head.decode().partition(" HTTP/")[0] for head in heads]

    def fields(self, name: str) -> list[str | None]:
        """The values of a field in the requests, in order."""
        found: list[str | None] = []
        for head in (head for heads in self.connector.heads for head in heads):
            lines = [line for line in head.decode().split("\r\n") if line.lower().startswith(f"{name.lower()}: ")]
            found.append(lines[0].partition(": ")[2] if lines else None)
        return found


@asynccontextmanager
async def chain(*connections: Sequence[Reply], **options: Any) -> AsyncIterator[Chain]:
    """At the end no connection may be in use."""
    connector = ScriptedConnector(*connections)
    async with gazelle.ClientSession(connector=connector, **options) as session:
        yield Chain(session, connector)
        await eventually(lambda: not connector._acquired, "a connection is still in use")


async def test_a_response_that_does_not_redirect_is_the_last() -> None:
    async with chain([OK]) as call:
        response = await call()
        assert (response.status, response.history, call.lines) == (200, (), ["GET /"])


async def test_the_responses_before_the_last_are_the_history_in_order() -> None:
    async with chain([to("/b"), to("/c", 301), OK]) as call:
        response = await call()
        assert call.lines == ["GET /", "GET /b", "GET /c"]
        assert [one.status for one in response.history] == [302, 301]
        assert [str(one.url) for one in response.history] == ["http://h/", "http://h/b"]
        assert [len(one.history) for one in response.history] == [0, 1]
        assert str(response.url) == "http://h/c"


async def test_a_redirect_is_not_followed_if_the_call_says_so() -> None:
    async with chain([to("/b")]) as call:
        response = await call(settings={"allow_redirects": False})
        assert (response.status, call.lines) == (302, ["GET /"])


@pytest.mark.parametrize("status", [300, 304, 305, 306])
async def test_other_statuses_of_3xx_are_not_followed(status: int) -> None:
    async with chain([to("/b", status)]) as call:
        assert (await call()).status == status


async def test_a_redirect_without_a_target_is_the_last_response() -> None:
    async with chain([b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"]) as call:
        assert (await call()).status == 302


@pytest.mark.parametrize(("limit", "allowed"), [(1, False), (2, False), (3, True), (0, True)])
async def test_a_number_of_redirects_is_too_many(limit: int, allowed: bool) -> None:
    async with chain([to("/b"), to("/c"), OK]) as call:
        if allowed:
            assert (await call(settings={"max_redirects": limit})).status == 200
            return
        with pytest.raises(gazelle.TooManyRedirects) as caught:
            await call(settings={"max_redirects": limit})
        assert len(caught.value.history) == limit
        assert len(call.lines) == limit


@pytest.mark.parametrize("location", ["http://h:99999/", "http://", "http://[h/"])
async def test_a_target_that_cannot_be_requested_is_an_error_and_the_response_is_closed(location: str) -> None:
    async with chain([to(location, body=b"x" * 10)[:-1]]) as call:
        with pytest.raises(gazelle.InvalidUrlRedirectClientError):
            await call()
        assert call.connector.transports[0].aborted


async def test_a_scheme_that_is_not_http_is_an_error_of_its_own() -> None:
    async with chain([to("ftp://h/")]) as call:
        with pytest.raises(gazelle.NonHttpUrlRedirectClientError):
            await call()


# The content of the requests that follow.


@pytest.mark.parametrize(
    ("status", "method", "body"), [(303, "GET", b""), (302, "GET", b""), (307, "POST", b"body"), (308, "POST", b"body")]
)
async def test_a_body_is_dropped_or_sent_again_as_the_status_says(status: int, method: str, body: bytes) -> None:
    async with chain([to("/b", status), OK]) as call:
        await call("POST", data=b"body")
        assert call.lines == ["POST /", f"{method} /b"]
        assert call.connector.transports[0].body == body
        assert call.fields("Content-Length") == ["4", "4" if body else None]


async def test_parameters_are_for_the_first_request_only() -> None:
    async with chain([to("/b?y"), OK]) as call:
        await call(params={"x": "1"})
        assert call.lines == ["GET /?x=1", "GET /b?y"]


async def test_a_payload_in_memory_is_sent_again_and_not_what_it_was_made_from() -> None:
    async with chain([to("/b", 307), OK]) as call:
        data = bytearray(b"body")
        await call("POST", data=data)
        assert call.connector.transports[0].body == b"body"


async def test_a_body_in_pieces_is_sent_again_and_closed_once() -> None:
    async with chain([None, None]) as call:
        body = Watched(b"body")
        task = asyncio.ensure_future(call("POST", data=body))
        for answer in (to("/b", 307), OK):
            await eventually(lambda: call.connector.transports and call.connector.transports[0].body == b"body")
            transport = call.connector.transports[0]
            transport.heads.append(b"none yet")  # so that the next body is not taken for this one
            transport.written += b"none yet"
            transport.deliver(answer)
        response = await task
        assert body.closed == 0
        await response.wait_for_close()
        assert body.closed == 1


async def test_a_body_that_was_read_and_cannot_be_read_again_ends_the_chain() -> None:
    async with chain([None]) as call:
        task = asyncio.ensure_future(call("POST", data=yielding(b"once")))
        await eventually(lambda: call.connector.transports and b"0\r\n\r\n" in call.connector.transports[0].body)
        call.connector.transports[0].deliver(to("/b", 307))
        with pytest.raises(gazelle.ClientPayloadError, match="consumed request body"):
            await task
        assert len(call.lines) == 1


async def test_credentials_and_cookies_of_the_call_stay_with_their_origin() -> None:
    secret = {"Authorization": "Bearer x", "X-Other": "1"}
    async with chain([to("/b"), to("http://g/")], [OK]) as call:
        await call(headers=secret, cookies={"a": "1"})
        assert call.lines == ["GET /", "GET /b", "GET /"]
        assert call.fields("Authorization") == ["Bearer x", "Bearer x", None]
        assert call.fields("Cookie") == ["a=1", "a=1", None]
        assert call.fields("X-Other") == ["1", "1", "1"]


async def test_a_default_field_that_was_withheld_does_not_come_back_in_the_chain() -> None:
    of_h, of_g = [to("http://g/"), OK, OK], [to("http://h/")]
    async with chain(of_h, of_g, headers={"Authorization": "Bearer x"}) as call:
        await call()
        assert call.fields("Authorization") == ["Bearer x", None, None]  # twice to h, once to g
        await call()
        assert call.fields("Authorization") == ["Bearer x", None, "Bearer x", None]


# The status of the last response.


def status(code: int, body: bytes = b"gone") -> bytes:
    return f"HTTP/1.1 {code} Word\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("code", "raises"), [(200, False), (302, False), (399, False), (400, True), (404, True), (599, True)]
)
async def test_a_status_from_400_on_is_an_error_if_the_call_says_so(code: int, raises: bool) -> None:
    async with chain([status(code)]) as call:
        if not raises:
            assert (await call(settings={"raise_for_status": True})).status == code
            return
        with pytest.raises(gazelle.ClientResponseError) as caught:
            await call(settings={"raise_for_status": True})
        error = caught.value
        assert (error.status, error.message, error.history, error.body) == (code, "Word", (), None)


async def test_a_function_looks_at_the_last_response_only_and_its_error_releases_it() -> None:
    seen = []

    def look(response: ClientResponse) -> None:
        seen.append(response.status)
        raise LookupError

    async with chain([to("/b"), status(200, b"x" * 10)[:-1]]) as call:
        with pytest.raises(LookupError):
            await call(settings={"raise_for_status": look})
        assert seen == [200]
        assert call.connector.transports[0].aborted


@pytest.mark.parametrize(("size", "body"), [(2, b"go"), (4, b"gone"), (9, b"gone")])
async def test_an_error_keeps_the_start_of_the_body(size: int, body: bytes) -> None:
    async with chain([status(404)]) as call:
        with pytest.raises(gazelle.ClientResponseError) as caught:
            await call(settings={"raise_for_status": True, "error_body_size": size})
        assert caught.value.body == body


async def test_an_error_keeps_the_part_of_a_truncated_body_that_arrived() -> None:
    async with chain([status(404)[:-2]]) as call:
        task = asyncio.ensure_future(call(settings={"raise_for_status": True, "error_body_size": 100}))
        await eventually(lambda: call.connector.transports and call.connector.transports[0].heads)
        for _ in range(5):
            await asyncio.sleep(0)
        call.connector.transports[0].lose(ConnectionResetError("reset"))
        with pytest.raises(gazelle.ClientResponseError) as caught:
            await task
        assert (caught.value.status, caught.value.body) == (404, b"go")


# Traces.


async def test_traces_are_notified_of_each_redirect_with_its_request_and_response() -> None:
    seen: list[Any] = []
    config = gazelle.TraceConfig()

    async def redirected(session: Any, context: Any, params: Any) -> None:
        seen.append((params.method, str(params.url), params.response.status))

    config.on_request_redirect.append(redirected)
    async with chain([to("/b", 303), to("/c", 307), OK]) as call:
        observer, content = await observer_of(call.session, [config], "POST", URL, data=b"x")
        await send(context_of(call.session, observer), "POST", URL, content)
        assert seen == [("POST", "http://h/", 303), ("GET", "http://h/b", 307)]


async def test_an_error_of_a_trace_of_a_redirect_releases_the_response() -> None:
    config = gazelle.TraceConfig()

    async def fail(session: Any, context: Any, params: Any) -> None:
        raise LookupError

    config.on_request_redirect.append(fail)
    async with chain([to("/b", body=b"x" * 10)[:-1]]) as call:
        observer, content = await observer_of(call.session, [config], "GET", URL)
        with pytest.raises(LookupError):
            await send(context_of(call.session, observer), "GET", URL, content)
        assert call.connector.transports[0].aborted
