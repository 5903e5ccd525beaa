"""A call becomes requests: the first one, and for each of them the middlewares and the exchange."""

from gazelle.types import StrOrURL

from .attempt import History, attempt
from .content import Content
from .core import Context
from .middlewares import DraftRequest, run_middlewares
from .request import ClientRequest
from .response import ClientResponse


async def prepare(context: Context, method: str, url: StrOrURL, content: Content) -> ClientRequest:
    """Return a request of a call; what the environment says of its host is looked up anew for each.

    Raises:
        Exception: see `ClientSession.request`.
    """
    core = context.core
    if core.netrc is not None:
        await core.learn_environment()
    location = core.builder.locator.locate(url, content.params)
    return core.builder.build(context.policy, method, location, content)


async def hop(context: Context, request: ClientRequest, history: History) -> ClientResponse:
    """Send one request through the middlewares, and return its response. A body that is not sent is closed here."""
    if context.policy.middlewares:
        return await _through_middlewares(context, request, history)
    if request.payload is None:
        return await attempt(context, request, history)
    try:
        return await attempt(context, request, history)
    except BaseException:
        await request.payload.close()
        raise


async def _through_middlewares(context: Context, request: ClientRequest, history: History) -> ClientResponse:
    unsent = request.payload

    async def last(request: ClientRequest) -> ClientResponse:
        nonlocal unsent
        if unsent is not None and unsent is not request.payload:
            await unsent.close()
        unsent = request.payload
        response = await attempt(context, request, history)
        unsent = None
        return response

    draft = DraftRequest(context.session, context.core.builder, context.policy, request)
    try:
        return await run_middlewares(context.policy.middlewares, draft, last)
    finally:
        if unsent is not None:  # and only now: a middleware may have tried again
            await unsent.close()
