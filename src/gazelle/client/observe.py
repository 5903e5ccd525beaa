"""Traces of one request behind one object, which is None when there are no trace configurations."""

from collections.abc import Sequence
from typing import Any

from multidict import CIMultiDict
from yarl import URL

from gazelle.tracing import Trace, TraceConfig, TracedResponse, heard_by
from gazelle.wire.request_head import collect_fields, merge_fields

from .content import Content
from .request import ClientRequest


class Observer:
    """Notifies the traces of one call. Callers ask `heard` first, so that nothing is made for signals without handlers.

    Args:
        traces: the traces, each with its own context.
        heard: names of the signals that have handlers in any of them.
        method: method of the call.
        url: URL of the call, with its parameters.
        headers: header fields of the session and the call; handlers of `on_request_start` may change them.
    """

    __slots__ = ("_method", "_url", "headers", "heard", "traces")

    def __init__(
        self, traces: list[Trace], heard: frozenset[str], method: str, url: URL, headers: CIMultiDict[str]
    ) -> None:
        self.traces = traces
        self.heard = heard
        self._method = method
        self._url = url
        self.headers = headers

    async def started(self) -> None:
        """Notify `on_request_start`."""
        for trace in self.traces:
            await trace.send_request_start(self._method, self._url, self.headers)

    async def ended(self, response: TracedResponse) -> None:
        """Notify `on_request_end`."""
        if "on_request_end" in self.heard:
            for trace in self.traces:
                await trace.send_request_end(self._method, self._url, self.headers, response)

    async def failed(self, error: BaseException) -> None:
        """Notify `on_request_exception`."""
        for trace in self.traces:
            await trace.send_request_exception(self._method, self._url, self.headers, error)

    async def redirected(self, request: ClientRequest, response: TracedResponse) -> None:
        """Notify `on_request_redirect`."""
        for trace in self.traces:
            await trace.send_request_redirect(request.method, request.url, CIMultiDict(request.headers), response)

    async def reused(self) -> None:
        """Notify `on_connection_reuseconn`."""
        for trace in self.traces:
            await trace.send_connection_reuseconn()

    async def sent(self, request: ClientRequest) -> None:
        """Notify `on_request_headers_sent`, and `on_request_chunk_sent` of a body that went with the head."""
        content = request.content
        for trace in self.traces:
            await trace.send_request_headers(request.method, request.url, CIMultiDict(request.headers))
            if content and isinstance(content, bytes):
                await trace.send_request_chunk_sent(request.method, request.url, content)

    async def answered(self, request: ClientRequest, response: TracedResponse) -> None:
        """Notify `on_response_headers_received`."""
        for trace in self.traces:
            await trace.send_response_headers(
                request.method,
                request.url,
                CIMultiDict(request.headers),
                response.status,
                response.reason or "",
                response.headers,
            )

    async def received(self, method: str, url: URL, body: bytes) -> None:
        """Notify `on_response_chunk_received` of a body that was read whole."""
        for trace in self.traces:
            await trace.send_response_chunk_received(method, url, body)


def observe(
    session: Any, configs: Sequence[TraceConfig], asked: tuple[str, URL], content: Content, context: Any
) -> Observer:
    """Return the observer of a call.

    Args:
        session: first argument of the handlers.
        configs: the trace configurations.
        asked: method and URL of the call.
        content: what it sends.
        context: `trace_request_ctx` of the call.
    """
    traces = [Trace.begin(session, config, context) for config in configs]
    heard = heard_by(configs[0]) if len(configs) == 1 else frozenset().union(*map(heard_by, configs))
    defaults: CIMultiDict[str] = session.headers
    headers = CIMultiDict(defaults)
    if content.headers:
        headers = CIMultiDict(merge_fields(defaults.items(), collect_fields(content.headers).items()))
    return Observer(traces, heard, asked[0].upper(), asked[1], headers)
