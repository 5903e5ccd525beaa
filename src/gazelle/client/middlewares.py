"""Middlewares: code of the user around each exchange."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from multidict import CIMultiDict, getversion
from yarl import URL

from gazelle.body.payload import Payload
from gazelle.messages import RequestInfo
from gazelle.types import HttpVersion

from .builder import RequestBuilder
from .policy import Policy
from .request import ClientRequest

if TYPE_CHECKING:
    from .response import ClientResponse


class DraftRequest:
    """A request as a middleware sees it: what is changed here changes what is sent.

    Attributes:
        method: HTTP method.
        url: URL without a fragment; another host means another connection.
        headers: all header fields that will be sent, in order.
    """

    __slots__ = (
        "_body",
        "_builder",
        "_headers_version",
        "_original",
        "_policy",
        "headers",
        "method",
        "session",
        "url",
    )

    def __init__(self, session: object, builder: RequestBuilder, policy: Policy, request: ClientRequest) -> None:
        self.session = session
        self.method = request.method
        self.url: URL = request.url
        self.headers: CIMultiDict[str] = CIMultiDict(request.headers)
        self._headers_version = getversion(self.headers)  # type: ignore[arg-type]
        self._body: bytes | Payload = request.content
        self._original = request
        self._builder = builder
        self._policy = policy

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method} {self.url}>"

    @property
    def original_url(self) -> URL:
        """The URL that was asked for, with its fragment."""
        return self._original.original_url

    @property
    def body(self) -> bytes | Payload:
        """The body: bytes, not in chunks, or a payload if it is not in memory. `update_body` changes it."""
        return self._body

    @property
    def chunked(self) -> bool:
        """Whether the body is sent in chunks."""
        return self.headers.get("Transfer-Encoding", "").lower() == "chunked"

    @property
    def compress(self) -> str | None:
        """Content coding that the body is put into while it is sent."""
        return self._original.coding if self._body is self._original.payload else None

    @property
    def version(self) -> HttpVersion:
        """HTTP version of the request."""
        return self._builder.defaults.version

    @property
    def ssl(self) -> Any:
        """The TLS checks."""
        return self._policy.ssl

    @property
    def server_hostname(self) -> str | None:
        """The name that a certificate is checked against, if it is not that of the URL."""
        return self._policy.server_hostname

    @property
    def request_info(self) -> RequestInfo:
        """What responses and errors tell of the request as it was."""
        return self._original.request_info

    def is_ssl(self) -> bool:
        """Return whether the request goes over TLS."""
        return self.url.scheme in ("https", "wss")

    async def update_body(self, body: Any) -> None:
        """Set another body, anything that `data=` takes; the fields that describe it follow."""
        self._body = self._builder.replace_body(self.headers, body)

    def finish(self) -> ClientRequest:
        """Return the request to send: the original, if nothing was changed."""
        original = self._original
        same_headers = getversion(self.headers) == self._headers_version  # type: ignore[arg-type]
        same_body = self._body is original.content
        if same_headers and same_body and self.method == original.method and self.url is original.url:
            return original
        return self._builder.rebuild(self._policy, original, (self.method, self.url), self.headers, self._body)


ClientHandlerType: TypeAlias = "Callable[[DraftRequest], Awaitable[ClientResponse]]"
"""What a middleware calls to go on; it may do so more than once."""

ClientMiddlewareType: TypeAlias = "Callable[[DraftRequest, ClientHandlerType], Awaitable[ClientResponse]]"
"""A middleware: given a request and what to go on with, it returns a response."""


async def run_middlewares(
    middlewares: Sequence[ClientMiddlewareType],
    draft: DraftRequest,
    last: "Callable[[ClientRequest], Awaitable[ClientResponse]]",
) -> "ClientResponse":
    """Hand a request through middlewares, the first one first, and what comes out of them to `last`."""

    async def send_draft(request: DraftRequest) -> "ClientResponse":
        return await last(request.finish())

    handler: ClientHandlerType = send_draft
    for middleware in reversed(middlewares):
        handler = partial(_step, middleware, handler)
    return await handler(draft)


async def _step(
    middleware: ClientMiddlewareType, handler: ClientHandlerType, request: DraftRequest
) -> "ClientResponse":
    return await middleware(request, handler)
