"""A request that is complete: where it goes, and the bytes to send."""

from functools import cached_property
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle._impl import WireRequest
from gazelle.auth import BasicAuth
from gazelle.body.payload import Payload
from gazelle.messages import RequestInfo
from gazelle.net.key import ConnectionKey
from gazelle.wire.request_framing import Framing
from gazelle.wire.request_head import parse_head_fields

from .tracker import UploadTracker

IDEMPOTENT_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods of requests for which being sent twice is the same as being sent once (RFC 9110 §9.2.2)."""


class ClientRequest(WireRequest):
    """A request as it goes over the wire. It is complete, and does not change.

    Attributes:
        method: HTTP method.
        connection_key: the route of its connection.
        head: its head, ready for the wire.
        body: its body, ready for the wire, if that is sent together with the head.
        framing: how its body is sent, if there is more to it.
        tracker: counts what is sent of its body.
        url_auth: credentials that were in the URL.
        fresh: whether it may not be sent on a connection that was used before.
    """

    framing: Framing | None = None
    tracker: UploadTracker | None = None
    url_auth: BasicAuth | None = None
    fresh: bool = False

    def __init__(
        self, method: str, connection_key: ConnectionKey, head: bytes, body: bytes, site: str, target: str
    ) -> None:
        super().__init__(method, connection_key, head, body, site, target)

    def __repr__(self) -> str:
        return f"<ClientRequest {self.method} {self.url}>"

    @property
    def idempotent(self) -> bool:
        """Whether being sent twice is the same as being sent once (RFC 9110 §9.2.2)."""
        return self.method in IDEMPOTENT_METHODS

    @property
    def payload(self) -> Payload | None:
        """Its body, if that is sent in pieces, see `upload`."""
        return None if self.framing is None else self.framing.payload

    @property
    def source(self) -> Payload | None:
        """What its body was made from, if that was a payload: it can make it again."""
        return None if self.framing is None else self.framing.source

    @property
    def content(self) -> bytes | Payload:
        """Its body as it is before it is divided into chunks: bytes, or `payload`."""
        framing = self.framing
        if framing is None:
            return self.body
        if framing.unframed is not None:
            return framing.unframed
        return self.body if framing.payload is None else framing.payload

    @property
    def length(self) -> int | None:
        """Bytes of `payload` that the head promises, None if it is chunked."""
        return None if self.framing is None else self.framing.length

    @property
    def coding(self) -> str | None:
        """Content coding that `payload` still has to be put into."""
        return None if self.framing is None else self.framing.coding

    @property
    def expect(self) -> bool:
        """Whether the server is asked first whether it wants the body."""
        return self.framing is not None and self.framing.expect

    @cached_property
    def original_url(self) -> URL:
        """The URL with its fragment."""
        return URL(self.site + self.target)  # a plain call has none

    @cached_property
    def url(self) -> URL:
        """The URL without its fragment."""
        return self.original_url.with_fragment(None)

    @cached_property
    def headers(self) -> CIMultiDictProxy[str]:
        """The header fields that are sent."""
        return CIMultiDictProxy(CIMultiDict(parse_head_fields(self.head)))

    @property
    def request_info(self) -> RequestInfo:
        """What responses and errors tell of the request."""
        return RequestInfo(self.url, self.method, self.headers, self.original_url)

    def renewed(self) -> "ClientRequest":
        """Return the same request for a connection that was not used before."""
        again = type(self)(self.method, self.connection_key, self.head, self.body, self.site, self.target)
        again.__dict__.update(self.__dict__)
        again.fresh = True
        return again

    def is_ssl(self) -> bool:
        """Return whether the request goes over TLS."""
        return bool(self.connection_key.is_ssl)


def complete(request: WireRequest) -> ClientRequest:
    """Return the request of a plain call as a `ClientRequest`; one that is one already is returned as it is."""
    if isinstance(request, ClientRequest):
        return request
    return ClientRequest(
        request.method, request.connection_key, request.head, request.body, request.site, request.target
    )
