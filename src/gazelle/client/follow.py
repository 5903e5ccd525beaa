"""Redirects are followed, and the status of the last response is looked at."""

from multidict import CIMultiDict

from gazelle.errors import (
    ClientError,
    ClientPayloadError,
    ClientResponseError,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    TooManyRedirects,
)
from gazelle.types import StrOrURL

from .attempt import History, attempt
from .content import Content
from .core import Context
from .policy import look_at_status
from .redirects import REDIRECT_STATUSES, Redirect, carry, find_redirect, withheld
from .request import ClientRequest
from .response import ClientResponse
from .send import hop, prepare


async def send(context: Context, method: str, url: StrOrURL, content: Content) -> ClientResponse:
    """Make a request, and those that its response redirects to, and return the last response when its head is there.

    Args:
        context: of the call.
        method: HTTP method.
        url: where.
        content: what is sent.

    Raises:
        ClientError: no connection, no valid response, or a status that is an error; see its subclasses.
        TimeoutError: a time limit was exceeded.
        RuntimeError: the session is closed.
    """
    if context.core.connector is None:
        raise RuntimeError("Session is closed")
    request = await prepare(context, method, url, content)
    if request.framing is None and not context.policy.middlewares:
        response = await attempt(context, request, ())  # all that `hop` would do
    else:
        response = await hop(context, request, ())
    # Not all of 3xx are redirects, but comparing costs less than looking them up.
    if 300 <= response.status < 400 or context.policy.raise_for_status:
        return await follow(context, content, request, response)
    return response


async def follow(
    context: Context, content: Content, request: ClientRequest, response: ClientResponse
) -> ClientResponse:
    """Return the last response after a response, or raise the error for its status.

    Args:
        context: of the call.
        content: what the request was made from.
        request: the request.
        response: the response to it.
    """
    history: History = ()
    policy = context.policy
    try:
        while response.status in REDIRECT_STATUSES and policy.allow_redirects:
            redirect = _redirect_of(context, request, response)
            if redirect is None:
                break
            if context.observer is not None and "on_request_redirect" in context.observer.heard:
                await context.observer.redirected(request, response)
            await response.stop()  # and no more: the body may be wanted again
            history = (*history, response)
            if policy.max_redirects and len(history) >= policy.max_redirects:
                raise TooManyRedirects(history[0].request_info, history)
            content = _next_content(content, request, redirect)
            request, response = await _hop_to(context, redirect, content, history)
        if policy.raise_for_status:
            await _check_status(context, response)
    except BaseException:
        await response.wait_for_close()
        raise
    return response


async def _hop_to(
    context: Context, redirect: Redirect, content: Content, history: History
) -> tuple[ClientRequest, ClientResponse]:
    """Send the request that a redirect leads to."""
    try:
        request = await prepare(context, redirect.method, redirect.url, content)
        return request, await hop(context, request, history)
    except InvalidUrlRedirectClientError:
        raise
    except (
        InvalidUrlClientError
    ) as error:  # of the URL, or of the connector, which does not take all spellings of hosts
        raise InvalidUrlRedirectClientError(error.url, error.description) from error


def _redirect_of(context: Context, request: ClientRequest, response: ClientResponse) -> Redirect | None:
    """Return where a response redirects to, if it does."""
    try:
        return find_redirect(
            request.method,
            request.url,
            response.status,
            response.headers,
            requote=context.core.requote_redirect_url,
        )
    except BaseException:
        response.close()
        raise


def _next_content(content: Content, request: ClientRequest, redirect: Redirect) -> Content:
    """Return what of a call goes into the request that follows a redirect.

    Raises:
        ClientPayloadError: the body has to be sent again, and cannot be.
    """
    if redirect.keep_body and request.payload is not None and request.payload.consumed:
        raise ClientPayloadError(
            "Cannot follow redirect with a consumed request body: "
            "pass a body that can be read again, or allow_redirects=False"
        )
    auth = content.auth or request.url_auth
    carried = carry(redirect, CIMultiDict(content.headers or ()), auth, content.cookies)
    following = content.replace(
        params=None,
        withheld=content.withheld | withheld(redirect),
        headers=carried.headers,
        auth=carried.auth,
        cookies=carried.cookies,
    )
    if not redirect.keep_body:
        return following.replace(data=None, json=None, compress=None, chunked=None, expect100=False)
    if request.source is not None:
        # A payload can be read again from its beginning; what it was made from may not.
        return following.replace(data=request.source)
    return following


async def _check_status(context: Context, response: ClientResponse) -> None:
    """Raise the error of a response, or have the caller's function look at it."""
    policy = context.policy
    if callable(policy.raise_for_status):
        await look_at_status(policy.raise_for_status, response)
        return
    if response.status >= 400 and policy.error_body_size:
        await _raise_with_body(response, policy.error_body_size)
    response.raise_for_status()


async def _raise_with_body(response: ClientResponse, size: int) -> None:
    """Raise the error of a response with the start of its body, or with what there is of it if it breaks off."""
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
