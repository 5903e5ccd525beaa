"""Tracing: calls the user's coroutine functions at the events of a request."""

from collections.abc import Awaitable, Callable, Iterable, MutableSequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, Generic, Protocol, Self, SupportsIndex, TypeVar, overload

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle.messages import RequestInfo
from gazelle.types import HttpVersion

_Params = TypeVar("_Params")
_Handler = TypeVar("_Handler", bound=Callable[..., Awaitable[object]])


class TracedResponse(Protocol):
    """The attributes of a `ClientResponse` that handlers may use."""

    @property
    def status(self) -> int: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def version(self) -> HttpVersion | None: ...
    @property
    def method(self) -> str: ...
    @property
    def url(self) -> URL: ...
    @property
    def real_url(self) -> URL: ...
    @property
    def headers(self) -> CIMultiDictProxy[str]: ...
    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]: ...
    @property
    def content_type(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def request_info(self) -> RequestInfo: ...


# --- parameters ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TraceRequestStartParams:
    """A request starts. Handlers may change `headers` before they are sent."""

    method: str
    url: URL
    headers: CIMultiDict[str]


@dataclass(frozen=True, slots=True)
class TraceRequestHeadersSentParams:
    """The head of a request was written."""

    method: str
    url: URL
    headers: CIMultiDict[str]


@dataclass(frozen=True, slots=True)
class TraceRequestChunkSentParams:
    """A piece of the body of a request was written."""

    method: str
    url: URL
    chunk: bytes


@dataclass(frozen=True, slots=True)
class TraceRequestEndParams:
    """A request has its final response, of which the head was received and the body perhaps not yet."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: TracedResponse


@dataclass(frozen=True, slots=True)
class TraceRequestExceptionParams:
    """A request failed."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    exception: BaseException


@dataclass(frozen=True, slots=True)
class TraceRequestRedirectParams:
    """A response redirects and is followed."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: TracedResponse


@dataclass(frozen=True, slots=True)
class TraceResponseHeadersReceivedParams:
    """The head of a response was received; `headers` are those of the request."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    status: int
    reason: str
    response_headers: CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class TraceResponseChunkReceivedParams:
    """A decoded piece of the body of a response was read from the stream, or the whole body by `read()`."""

    method: str
    url: URL
    chunk: bytes


@dataclass(frozen=True, slots=True)
class TraceConnectionQueuedStartParams:
    """A request starts to wait for a free slot in the pool."""


@dataclass(frozen=True, slots=True)
class TraceConnectionQueuedEndParams:
    """The wait for a free slot in the pool has ended."""


@dataclass(frozen=True, slots=True)
class TraceConnectionCreateStartParams:
    """A connection is about to be opened."""


@dataclass(frozen=True, slots=True)
class TraceConnectionCreateEndParams:
    """A connection was opened."""


@dataclass(frozen=True, slots=True)
class TraceConnectionReuseconnParams:
    """An idle connection of the pool is reused."""


@dataclass(frozen=True, slots=True)
class TraceDnsResolveHostStartParams:
    """A name is about to be resolved."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsResolveHostEndParams:
    """A name was resolved."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsCacheHitParams:
    """The addresses of a name were in the cache."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsCacheMissParams:
    """The addresses of a name were not in the cache."""

    host: str


# --- signals ---------------------------------------------------------------------------------------------------------


class Signal(MutableSequence[Callable[[Any, Any, _Params], Awaitable[object]]], Generic[_Params]):
    """A list of handlers, coroutine functions `(session, trace_config_ctx, params)`, which can be frozen.

    Calling it appends a handler and returns the handler, so that it can be used as a decorator.
    """

    __slots__ = ("_frozen", "_handlers")

    def __init__(self, handlers: Iterable[Callable[[Any, Any, _Params], Awaitable[object]]] = ()) -> None:
        self._handlers = list(handlers)
        self._frozen = False

    @property
    def frozen(self) -> bool:
        """Whether the list is read-only."""
        return self._frozen

    def freeze(self) -> None:
        """Make the list read-only."""
        self._frozen = True

    async def send(self, session: object, trace_config_ctx: object, params: _Params) -> None:
        """Await the handlers in order; an exception of one propagates and skips the rest.

        Raises:
            RuntimeError: the list is not frozen.
        """
        if not self._frozen:
            raise RuntimeError("Cannot send non-frozen signal.")
        for handler in self._handlers:
            await handler(session, trace_config_ctx, params)

    def __call__(self, handler: _Handler) -> _Handler:
        self.append(handler)
        return handler

    def _changeable(self) -> list[Callable[[Any, Any, _Params], Awaitable[object]]]:
        if self._frozen:
            raise RuntimeError("Cannot modify frozen list.")
        return self._handlers

    @overload
    def __getitem__(self, index: SupportsIndex) -> Callable[[Any, Any, _Params], Awaitable[object]]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Callable[[Any, Any, _Params], Awaitable[object]]]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._handlers[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._changeable()[index] = value

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        del self._changeable()[index]

    def __len__(self) -> int:
        return len(self._handlers)

    def insert(self, index: int, value: Callable[[Any, Any, _Params], Awaitable[object]]) -> None:
        """Insert a handler before the one at `index`."""
        self._changeable().insert(index, value)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Signal | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<{type(self).__name__} frozen={self._frozen} {self._handlers!r}>"


class TraceConfig:
    """Handlers for the events of the requests of a session, in lists named `on_...`.

    A handler is called as `(session, trace_config_ctx, params)` and awaited before the request continues; an exception
    that it raises fails the request. The events are those of aiohttp's `TraceConfig`, with two additions:
    `on_response_headers_received` is sent for every response, before its body is read. `on_response_chunk_received` is
    sent not only by `read()`, once with the whole body, but also for every piece that is read from the stream
    (`content`), before the caller gets it; `content.read_nowait()` sends none.

    Args:
        trace_config_ctx_factory: creates the context of a request; called with the keyword argument
            `trace_request_ctx`, the option of the request with that name. Default `types.SimpleNamespace`.
    """

    def __init__(self, trace_config_ctx_factory: Callable[..., Any] = SimpleNamespace) -> None:
        self.on_request_start: Final = Signal[TraceRequestStartParams]()
        self.on_request_headers_sent: Final = Signal[TraceRequestHeadersSentParams]()
        self.on_request_chunk_sent: Final = Signal[TraceRequestChunkSentParams]()
        self.on_request_end: Final = Signal[TraceRequestEndParams]()
        self.on_request_exception: Final = Signal[TraceRequestExceptionParams]()
        self.on_request_redirect: Final = Signal[TraceRequestRedirectParams]()
        self.on_response_headers_received: Final = Signal[TraceResponseHeadersReceivedParams]()
        self.on_response_chunk_received: Final = Signal[TraceResponseChunkReceivedParams]()
        self.on_connection_queued_start: Final = Signal[TraceConnectionQueuedStartParams]()
        self.on_connection_queued_end: Final = Signal[TraceConnectionQueuedEndParams]()
        self.on_connection_create_start: Final = Signal[TraceConnectionCreateStartParams]()
        self.on_connection_create_end: Final = Signal[TraceConnectionCreateEndParams]()
        self.on_connection_reuseconn: Final = Signal[TraceConnectionReuseconnParams]()
        self.on_dns_resolvehost_start: Final = Signal[TraceDnsResolveHostStartParams]()
        self.on_dns_resolvehost_end: Final = Signal[TraceDnsResolveHostEndParams]()
        self.on_dns_cache_hit: Final = Signal[TraceDnsCacheHitParams]()
        self.on_dns_cache_miss: Final = Signal[TraceDnsCacheMissParams]()
        self._trace_config_ctx_factory = trace_config_ctx_factory
        self._heard: frozenset[str] | None = None

    def trace_config_ctx(self, trace_request_ctx: Any = None) -> Any:
        """Return a new context for a request."""
        return self._trace_config_ctx_factory(trace_request_ctx=trace_request_ctx)

    def freeze(self) -> None:
        """Make all lists read-only; a session does so with its trace configurations."""
        signals = {name: value for name, value in vars(self).items() if isinstance(value, Signal)}
        for signal in signals.values():
            signal.freeze()
        self._heard = frozenset(name for name, signal in signals.items() if signal)

    @property
    def heard(self) -> frozenset[str] | None:
        """Names of the lists that have handlers; None until the lists are frozen."""
        return self._heard


class Trace:
    """Sends the events of one request to one `TraceConfig`. Parameters are created only for events with handlers.

    Args:
        session: session of the request, the first argument of the handlers.
        trace_config: frozen configuration; aiohttp's works, too.
        trace_config_ctx: context of the request, the second argument of the handlers.
    """

    __slots__ = ("_session", "_trace_config", "_trace_config_ctx")

    def __init__(self, session: object, trace_config: TraceConfig, trace_config_ctx: object) -> None:
        self._session = session
        self._trace_config = trace_config
        self._trace_config_ctx = trace_config_ctx

    @classmethod
    def begin(cls, session: object, trace_config: TraceConfig, trace_request_ctx: object = None) -> Self:
        """Return the trace of a new request, with a new context."""
        return cls(session, trace_config, trace_config.trace_config_ctx(trace_request_ctx=trace_request_ctx))

    async def send_request_start(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        """A request starts."""
        if signal := self._trace_config.on_request_start:
            params = TraceRequestStartParams(method, url, headers)
            await signal.send(self._session, self._trace_config_ctx, params)

    async def send_request_headers(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        """The head of a request was written."""
        if signal := self._trace_config.on_request_headers_sent:
            params = TraceRequestHeadersSentParams(method, url, headers)
            await signal.send(self._session, self._trace_config_ctx, params)

    async def send_request_chunk_sent(self, method: str, url: URL, chunk: bytes) -> None:
        """A piece of the body of a request was written."""
        if signal := self._trace_config.on_request_chunk_sent:
            params = TraceRequestChunkSentParams(method, url, chunk)
            await signal.send(self._session, self._trace_config_ctx, params)

    async def send_request_end(
        self, method: str, url: URL, headers: CIMultiDict[str], response: TracedResponse
    ) -> None:
        """A request has its final response."""
        if signal := self._trace_config.on_request_end:
            params = TraceRequestEndParams(method, url, headers, response)
            await signal.send(self._session, self._trace_config_ctx, params)

    async def send_request_exception(
        self, method: str, url: URL, headers: CIMultiDict[str], exception: BaseException
    ) -> None:
        """A request failed."""
        if signal := self._trace_config.on_request_exception:
            params = TraceRequestExceptionParams(method, url, headers, exception)
            await signal.send(self._session, self._trace_config_ctx, params)

    async def send_request_redirect(
        self, method: str, url: URL, headers: CIMultiDict[str], response: TracedResponse
    ) -> None:
        """A response redirects."""
        if signal := self._trace_config.on_request_redirect:
            params = TraceRequestRedirectParams(method, url, headers, response)
            await signal.send(self._session, self._trace_config_ctx, params)

    async def send_response_headers(
        self,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
        status: int,
        reason: str,
        response_headers: CIMultiDictProxy[str],
    ) -> None:
        """The head of a response was received."""
        # aiohttp's TraceConfig, which is accepted here, does not have this list.
        if signal := getattr(self._trace_config, "on_response_headers_received", None):
            params = TraceResponseHeadersReceivedParams(method, url, headers, status, reason, response_headers)
            await signal.send(self._session, self._trace_config_ctx, params)

    async def send_response_chunk_received(self, method: str, url: URL, chunk: bytes) -> None:
        """A piece of the body of a response was read."""
        if signal := self._trace_config.on_response_chunk_received:
            params = TraceResponseChunkReceivedParams(method, url, chunk)
            await signal.send(self._session, self._trace_config_ctx, params)

    async def send_connection_queued_start(self) -> None:
        """The wait for a free slot in the pool starts."""
        if signal := self._trace_config.on_connection_queued_start:
            await signal.send(self._session, self._trace_config_ctx, TraceConnectionQueuedStartParams())

    async def send_connection_queued_end(self) -> None:
        """The wait for a free slot in the pool has ended."""
        if signal := self._trace_config.on_connection_queued_end:
            await signal.send(self._session, self._trace_config_ctx, TraceConnectionQueuedEndParams())

    async def send_connection_create_start(self) -> None:
        """A connection is about to be opened."""
        if signal := self._trace_config.on_connection_create_start:
            await signal.send(self._session, self._trace_config_ctx, TraceConnectionCreateStartParams())

    async def send_connection_create_end(self) -> None:
        """A connection was opened."""
        if signal := self._trace_config.on_connection_create_end:
            await signal.send(self._session, self._trace_config_ctx, TraceConnectionCreateEndParams())

    async def send_connection_reuseconn(self) -> None:
        """An idle connection of the pool is reused."""
        if signal := self._trace_config.on_connection_reuseconn:
            await signal.send(self._session, self._trace_config_ctx, TraceConnectionReuseconnParams())

    async def send_dns_resolvehost_start(self, host: str) -> None:
        """A name is about to be resolved."""
        if signal := self._trace_config.on_dns_resolvehost_start:
            await signal.send(self._session, self._trace_config_ctx, TraceDnsResolveHostStartParams(host))

    async def send_dns_resolvehost_end(self, host: str) -> None:
        """A name was resolved."""
        if signal := self._trace_config.on_dns_resolvehost_end:
            await signal.send(self._session, self._trace_config_ctx, TraceDnsResolveHostEndParams(host))

    async def send_dns_cache_hit(self, host: str) -> None:
        """The addresses of a name were in the cache."""
        if signal := self._trace_config.on_dns_cache_hit:
            await signal.send(self._session, self._trace_config_ctx, TraceDnsCacheHitParams(host))

    async def send_dns_cache_miss(self, host: str) -> None:
        """The addresses of a name were not in the cache."""
        if signal := self._trace_config.on_dns_cache_miss:
            await signal.send(self._session, self._trace_config_ctx, TraceDnsCacheMissParams(host))


def heard_by(config: TraceConfig) -> frozenset[str]:
    """Return the names of the lists with handlers of a trace configuration, which may be one of aiohttp."""
    heard = getattr(config, "heard", None)
    if heard is None:
        heard = frozenset(name for name in _SIGNALS if getattr(config, name, None))
    return heard


_SIGNALS: Final = tuple(name for name in vars(TraceConfig()) if name.startswith("on_"))
