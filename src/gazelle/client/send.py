"""The way of a request: a connection, one exchange, a response; and the next request, where that redirects."""

import asyncio
from time import monotonic
from typing import Any, Protocol

from multidict import CIMultiDict

from gazelle._impl import HttpConnection
from gazelle.abc import AbstractCookieJar
from gazelle.cookies.jar import store_response_cookies
from gazelle.errors import (
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    HttpProcessingError,
    ServerDisconnectedError,
    TooManyRedirects,
)
from gazelle.net.connector import BaseConnector, Connection
from gazelle.net.stream import StreamReader
from gazelle.types import StrOrURL

from .policy import Policy
from .redirects import REDIRECT_STATUSES, carry, find_redirect
from .request import ClientRequest, RequestBuilder
from .response import ClientResponse
from .upload import Upload


class Sender(Protocol):
    """What is needed of a session."""

    _builder: RequestBuilder
    _connector: BaseConnector | None
    _cookie_jar: AbstractCookieJar
    _requote_redirect_url: bool
    _response_class: type[ClientResponse]


async def send(session: Sender, policy: Policy, method: str, url: StrOrURL, call: dict[str, Any]) -> ClientResponse:
    """Makes a request, and those that its response redirects to, and returns the last response when its head is there.

    Args:
        session: whose settings, cookies and connections are used.
        policy: how.
        method: HTTP method.
        url: where.
        call: what, see `RequestBuilder.build`.

    Raises:
        ClientError: no connection, no valid response, or a status that is an error; see its subclasses.
        TimeoutError: a time limit was exceeded.
    """
    start = monotonic()
    builder = session._builder
    history: tuple[ClientResponse, ...] = ()
    uploaded: Upload | None = None
    while True:
        connector = session._connector
        if connector is None or connector._closed:
            raise RuntimeError("Session is closed")
        request = None if call else builder.recall(method, url)
        if request is None:
            request = builder.build(policy, method, url, remember=not call, **call)
        retry = policy.retry and request.idempotent
        connection = connector.take(request.connection_key)
        if connection is None:
            connection = await _open(connector, request, policy, start)
        while True:
            generation = connection.generation + 1
            try:
                waiter = connection.exchange(
                    request.head,
                    request.body,
                    request.method,
                    policy.open_stream,
                    policy.total,
                    start,
                    policy.sock_read,
                    policy.read_until_eof,
                    request.payload is not None,
                )
                if request.payload is None:
                    head = await waiter
                else:
                    uploaded = Upload(
                        connection, request.payload, request.length, request.coding, expect=request.expect
                    )
                    try:
                        head = await waiter
                    except BaseException:
                        await uploaded.stop()
                        raise
                break
            except (ServerDisconnectedError, ClientOSError):
                # The server may close an idle connection at the moment it is used again (RFC 9112 §9.3.1).
                if not retry or not connection.reused or connection.response_started or _is_spent(request):
                    raise
                retry = False
            except HttpProcessingError as error:
                raise ClientResponseError(
                    request.request_info, history, status=error.code, message=error.message, headers=error.headers
                ) from error
            except BaseException:
                # A cancellation can come after the exchange was over: then the connection is idle, or serves another.
                if connection.busy and connection.generation == generation:
                    connection.close()
                raise
            connection = await _open(connector, request, policy, start, reuse=False)
        body = head.body
        handle = None
        if type(body) is not bytes and isinstance(body, StreamReader) and body.feeding:
            handle = Connection(connector, request.connection_key, connection)
        response = session._response_class(request, head, handle, policy, history)
        if uploaded is not None:
            response._upload = uploaded
        if head.has_cookies:
            store_response_cookies(session._cookie_jar, response.headers.getall("Set-Cookie"), request.url)
        if head.status in REDIRECT_STATUSES and policy.allow_redirects:
            try:
                redirect = find_redirect(
                    request.method,
                    request.url,
                    head.status,
                    response.headers,
                    requote=session._requote_redirect_url,
                )
            except BaseException:
                response.close()
                raise
            if redirect is not None:
                response.release()
                if uploaded is not None:
                    await uploaded.stop()
                    uploaded = None
                history = (*history, response)
                if policy.max_redirects and len(history) >= policy.max_redirects:
                    raise TooManyRedirects(history[0].request_info, history)
                if redirect.keep_body and _is_spent(request):
                    raise ClientPayloadError(
                        "Cannot follow redirect with a consumed request body: "
                        "pass a body that can be read again, or allow_redirects=False"
                    )
                method, url, call = redirect.method, redirect.url, _next_call(call, redirect)
                continue
        if policy.raise_for_status:
            if policy.raise_for_status is True:
                response.raise_for_status()
            else:
                await policy.raise_for_status(response)
        return response


def _next_call(call: dict[str, Any], redirect: Any) -> dict[str, Any]:
    """Returns what of a call goes into the request that follows a redirect."""
    carried = carry(redirect, CIMultiDict(call.get("headers") or ()), call.get("auth"), call.get("cookies"))
    dropped = {"params"} if redirect.keep_body else {"params", "data", "json", "compress", "chunked", "expect100"}
    following = {name: value for name, value in call.items() if name not in dropped}
    return following | {"headers": carried.headers, "auth": carried.auth, "cookies": carried.cookies}


def _is_spent(request: ClientRequest) -> bool:
    return request.payload is not None and request.payload.consumed


async def _open(
    connector: BaseConnector, request: ClientRequest, policy: Policy, start: float, *, reuse: bool = True
) -> HttpConnection:
    """Waits for a connection, within the total time limit too."""
    if not policy.total:
        return await connector.acquire(request, (), policy.timeout, reuse=reuse)
    try:
        async with asyncio.timeout(policy.total - (monotonic() - start)) as limit:
            return await connector.acquire(request, (), policy.timeout, reuse=reuse)
    except TimeoutError as error:
        if not limit.expired():
            raise
        key = request.connection_key
        raise TimeoutError(
            f"Total timeout of {policy.total:g} s exceeded getting a connection to {key.host}:{key.port}"
        ) from error
