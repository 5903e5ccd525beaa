"""The way of a request: one exchange, its response; and the next request, where that redirects."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from multidict import CIMultiDict

from gazelle._impl import HttpConnection, monotonic
from gazelle.abc import AbstractCookieJar
from gazelle.cookies.jar import store_response_cookies
from gazelle.errors import (
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    HttpProcessingError,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    ServerDisconnectedError,
    TooManyRedirects,
)
from gazelle.net.connector import BaseConnector, Connection, trace_connection
from gazelle.net.environment import lookup_netrc
from gazelle.net.stream import StreamReader
from gazelle.tracing import Trace
from gazelle.types import StrOrURL

from .middlewares import DraftRequest, through
from .policy import Policy, look_at_status
from .redirects import REDIRECT_STATUSES, Redirect, carry, find_redirect, withheld
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
    _trust_env: bool


class Hop(NamedTuple):
    """One exchange of several that a call leads to.

    Args:
        start: when the call began (`time.monotonic` seconds).
        history: responses that redirected here.
        request: the request, if it is made already.
    """

    start: float
    history: tuple[ClientResponse, ...]
    request: ClientRequest | None = None


async def send(
    session: Sender,
    policy: Policy,
    method: str,
    url: StrOrURL,
    call: dict[str, Any],
    traces: Sequence[Trace] = (),
    hop: Hop | None = None,
) -> ClientResponse:
    """Makes a request, and those that its response redirects to, and returns the last response when its head is there.

    The server may close an idle connection at the moment it is used again. A request for which being sent twice is the
    same as being sent once is then sent again, on a new connection (RFC 9112 §9.3.1).

    Args:
        session: whose settings, cookies and connections are used.
        policy: how.
        method: HTTP method.
        url: where.
        call: what, see `RequestBuilder.build`.
        traces: who is told.
        hop: given for one exchange of several, whose response is returned as it is.

    Raises:
        ClientError: no connection, no valid response, or a status that is an error; see its subclasses.
        TimeoutError: a time limit was exceeded.
    """
    connector = session._connector
    if connector is None or connector._closed:
        raise RuntimeError("Session is closed")
    request: ClientRequest | None = None
    history: tuple[ClientResponse, ...] = ()
    if hop is None:
        start = monotonic()
    else:
        start, history, request = hop
    if request is None:
        if session._trust_env:
            call = await _with_netrc(session._builder, url, call)
        plain = not call and policy.trusts_as_usual
        if plain:
            request = session._builder.recall(method, url)
        if request is None:
            request = session._builder.build(policy, method, url, remember=plain, **call)
        if policy.middlewares:
            response = await _send_through(session, policy, Hop(start, history, request), traces)
            return await _conclude(session, policy, call, request, response, start, traces) if hop is None else response
    again = False
    upload: Upload | None = None
    attempt = None if request.tracker is None else request.tracker._begin()
    connection = connector.take(request.connection_key)
    if connection is None:
        connection = await _open(connector, request, policy, start, traces)
    elif traces:
        await _trace_reuse(traces, connection, request, policy)
    while True:
        waiter = None
        try:
            waiter = connection.exchange(
                request.head,
                request.body,
                request.method,
                policy.traced_settings if traces else policy.settings,
                start,
                request.payload is not None,
            )
            if request.payload is not None:
                upload = Upload(connection, request, traces, attempt)
            if traces:
                await _trace_sent(traces, request)
            head, status, has_cookies, body = await waiter
            break
        except (ServerDisconnectedError, ClientOSError):
            own = waiter is None or waiter.done()  # a trace can raise such an error, too
            dead = own and connection.reused and not connection.response_started
            connection.abandon(waiter)
            if upload is not None:
                await upload.stop()
            spent = request.payload is not None and request.payload.consumed
            repeatable = request.idempotent or waiter is None  # None: nothing of it was sent
            if again or not (dead and policy.retry and repeatable) or spent:
                await _end_body(request, policy)
                raise
            again = True
            attempt = None if request.tracker is None else request.tracker._begin()
        except BaseException as error:
            connection.abandon(waiter)  # a cancellation can come after the exchange was over
            if upload is not None:
                await upload.stop()
            await _end_body(request, policy)
            if isinstance(error, HttpProcessingError):
                raise ClientResponseError(
                    request.request_info, history, status=error.code, message=error.message, headers=error.headers
                ) from error
            raise
        connection = await _open(connector, request, policy, start, traces, reuse=False)
    if attempt is not None and upload is None:
        attempt.payload_bytes = len(request.body)
        attempt.end(None)
    handle = None
    if type(body) is not bytes and isinstance(body, StreamReader) and body.feeding:
        handle = Connection(connector, request.connection_key, connection)
    response = session._response_class(request, head, status, body, handle, policy, history)
    if upload is not None:
        response._upload = upload
    if has_cookies:
        store_response_cookies(session._cookie_jar, response.headers.getall("Set-Cookie"), request.url)
    if traces:
        response._tell(traces)
        await _trace_response(traces, request, response)
    # Not all of 3xx are redirects, but comparing costs less than looking them up.
    if hop is None and (300 <= status < 400 or policy.raise_for_status):
        return await _conclude(session, policy, call, request, response, start, traces)
    return response


async def _conclude(
    session: Sender,
    policy: Policy,
    call: dict[str, Any],
    request: ClientRequest,
    response: ClientResponse,
    start: float,
    traces: Sequence[Trace],
) -> ClientResponse:
    """Follows redirects, and looks at the status of the last response."""
    history: tuple[ClientResponse, ...] = ()
    try:
        while response.status in REDIRECT_STATUSES and policy.allow_redirects:
            redirect = _redirect_of(session, request, response)
            if redirect is None:
                break
            for trace in traces:
                headers = CIMultiDict(request.headers)
                await trace.send_request_redirect(request.method, request.url, headers, response)
            response.release()
            if response._upload is not None:
                await response._upload.stop()  # and no more: the body may be wanted again
            history = (*history, response)
            if policy.max_redirects and len(history) >= policy.max_redirects:
                raise TooManyRedirects(history[0].request_info, history)
            request, call = await _next_request(session, policy, call, request, redirect)
            hop = Hop(start, history, request)
            try:
                if policy.middlewares:
                    response = await _send_through(session, policy, hop, traces)
                else:
                    response = await send(session, policy, redirect.method, redirect.url, call, traces, hop)
            except InvalidUrlClientError as error:  # of the connector, which knows spellings of hosts it does not take
                raise InvalidUrlRedirectClientError(error.url, error.description) from error
        if policy.raise_for_status is True:
            if response.status >= 400 and policy.error_body_size:
                await _raise_with_body(response, policy.error_body_size)
            response.raise_for_status()
        elif policy.raise_for_status:
            await look_at_status(policy.raise_for_status, response)
    except BaseException:
        response.release()
        if response._upload is not None:
            await response._upload.finish()
        raise
    return response


async def _raise_with_body(response: ClientResponse, size: int) -> None:
    """Raises the error of a response, with the start of its body, or with what there is of it if it breaks off."""
    pieces = []
    try:
        while size and (piece := await response.content.read(size)):
            pieces.append(piece)
            size -= len(piece)
    except (ClientError, TimeoutError):
        pass  # the status says more than that its explanation is not whole
    try:
        response.raise_for_status()
    except ClientResponseError as error:
        error.body = b"".join(pieces)
        raise


async def _next_request(
    session: Sender, policy: Policy, call: dict[str, Any], request: ClientRequest, redirect: Redirect
) -> tuple[ClientRequest, dict[str, Any]]:
    """Returns the request that follows a redirect, and what it was made from."""
    if redirect.keep_body and request.payload is not None and request.payload.consumed:
        raise ClientPayloadError(
            "Cannot follow redirect with a consumed request body: "
            "pass a body that can be read again, or allow_redirects=False"
        )
    call = _next_call(call, request, redirect)
    if session._trust_env:
        call = await _with_netrc(session._builder, redirect.url, call)
    try:
        return session._builder.build(policy, redirect.method, redirect.url, **call), call
    except InvalidUrlClientError as error:
        raise InvalidUrlRedirectClientError(error.url, error.description) from error


async def _send_through(session: Sender, policy: Policy, hop: Hop, traces: Sequence[Trace]) -> ClientResponse:
    """Hands a request through the middlewares, and sends what comes out of them."""
    assert hop.request is not None
    unsent = hop.request.payload

    async def last(request: ClientRequest) -> ClientResponse:
        nonlocal unsent
        if unsent is not None and unsent is not request.payload:
            await unsent.close()
        unsent = request.payload
        made = hop._replace(request=request)
        response = await send(session, policy, request.method, request.url, {}, traces, made)
        unsent = None
        return response

    try:
        return await through(policy.middlewares, DraftRequest(session, session._builder, policy, hop.request), last)
    finally:
        if unsent is not None:  # and only now: a middleware may have tried again
            await unsent.close()


async def _end_body(request: ClientRequest, policy: Policy) -> None:
    """Closes the body of a request that has failed. A middleware may try again, so it is closed behind those."""
    if request.payload is not None and not policy.middlewares:
        await request.payload.close()


async def _trace_reuse(
    traces: Sequence[Trace], connection: HttpConnection, request: ClientRequest, policy: Policy
) -> None:
    try:
        await trace_connection(traces, connection, reused=True)
    except BaseException:
        await _end_body(request, policy)
        raise


async def _trace_response(traces: Sequence[Trace], request: ClientRequest, response: ClientResponse) -> None:
    headers = CIMultiDict(request.headers)
    try:
        for trace in traces:
            await trace.send_response_headers(
                request.method, request.url, headers, response.status, response.reason, response.headers
            )
    except BaseException:
        response.close()
        raise


async def _trace_sent(traces: Sequence[Trace], request: ClientRequest) -> None:
    """Tells that the head of a request was written, and the body that went with it, without its chunks."""
    content = request.content
    for trace in traces:
        await trace.send_request_headers(request.method, request.url, CIMultiDict(request.headers))
        if content and isinstance(content, bytes):
            await trace.send_request_chunk_sent(request.method, request.url, content)


async def _with_netrc(builder: RequestBuilder, url: StrOrURL, call: dict[str, Any]) -> dict[str, Any]:
    """Returns the call with the credentials that netrc has for its host, if it has none of its own."""
    host = builder.without_credentials(url, call)
    auth = None if host is None else await lookup_netrc(host)
    return call if auth is None else call | {"auth": auth}


def _redirect_of(session: Sender, request: ClientRequest, response: ClientResponse) -> Redirect | None:
    """Returns where a response redirects to, if it does."""
    try:
        return find_redirect(
            request.method,
            request.url,
            response.status,
            response.headers,
            requote=session._requote_redirect_url,
        )
    except BaseException:
        response.close()
        raise


def _next_call(call: dict[str, Any], request: ClientRequest, redirect: Redirect) -> dict[str, Any]:
    """Returns what of a call goes into the request that follows a redirect."""
    auth = call.get("auth") or request.url_auth
    carried = carry(redirect, CIMultiDict(call.get("headers") or ()), auth, call.get("cookies"))
    dropped = {"params"} if redirect.keep_body else {"params", "data", "json", "compress", "chunked", "expect100"}
    following = {name: value for name, value in call.items() if name not in dropped}
    if redirect.keep_body and request.source is not None:
        following["data"] = request.source  # it knows where it began; what it was made from may not
    following["withheld"] = call.get("withheld", frozenset()) | withheld(redirect)
    return following | {"headers": carried.headers, "auth": carried.auth, "cookies": carried.cookies}


async def _open(
    connector: BaseConnector,
    request: ClientRequest,
    policy: Policy,
    start: float,
    traces: Sequence[Trace],
    *,
    reuse: bool = True,
) -> HttpConnection:
    """Waits for a connection, within the total time limit too."""
    try:
        return await _acquire(connector, request, policy, start, traces, reuse)
    except BaseException:
        await _end_body(request, policy)
        raise


async def _acquire(
    connector: BaseConnector,
    request: ClientRequest,
    policy: Policy,
    start: float,
    traces: Sequence[Trace],
    reuse: bool,
) -> HttpConnection:
    if not policy.total:
        return await connector.acquire(request, traces, policy.timeout, reuse=reuse)
    try:
        async with asyncio.timeout(policy.total - (monotonic() - start)) as limit:
            return await connector.acquire(request, traces, policy.timeout, reuse=reuse)
    except TimeoutError as error:
        if not limit.expired():
            raise
        key = request.connection_key
        raise TimeoutError(
            f"Total timeout of {policy.total:g} s exceeded getting a connection to {key.host}:{key.port}"
        ) from error
