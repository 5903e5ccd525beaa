"""Traces of one request behind one object, which is None when there are no trace configurations."""

from collections.abc import Sequence
from typing import Any, Self

from multidict import CIMultiDict
from yarl import URL

from gazelle.tracing import Trace, TraceConfig, TracedResponse, listeners
from gazelle.wire.request_head import collect_fields, merge_fields

from .content import Content
from .request import ClientRequest


class Observer:
    """Notifies the traces of one call. Nothing is made for signals without handlers.

    Args:
        traces: the traces, each with its own context.
        method: method of the call.
        url: URL of the call, with its parameters.
        headers: header fields of the session and the call; handlers of `on_request_start` may change them.
    """

    __slots__ = ("_headers", "_method", "_url", "hears_chunks", "traces")

    def __init__(self, traces: list[Trace], method: str, url: URL, headers: CIMultiDict[str]) -> None:
        self.traces = traces
        self.hears_chunks = bool(listeners(traces, "on_response_chunk_received"))
        self._method = method
        self._url = url
        self._headers = headers

    @classmethod
    async def begin(
        cls, session: object, configs: Sequence[TraceConfig], asked: tuple[str, URL], content: Content, context: Any
    ) -> tuple[Self, Content]:
        """Return the observer of a call that starts, and what is sent after handlers may have changed its fields.

        Args:
            session: first argument of the handlers.
            configs: the trace configurations.
            asked: method and URL of the call.
            content: what it sends.
            context: `trace_request_ctx` of the call.
        """
        traces = [Trace.begin(session, config, context) for config in configs]
        defaults: CIMultiDict[str] = session.headers  # type: ignore[attr-defined]
        headers = CIMultiDict(merge_fields(defaults.items(), collect_fields(content.headers).items()))
        observer = cls(traces, asked[0].upper(), asked[1], headers)
        started = listeners(traces, "on_request_start")
        for trace in started:
            await trace.send_request_start(observer._method, observer._url, headers)
        return observer, content.replace(headers=headers) if started else content

    async def ended(self, response: TracedResponse) -> None:
        """Notify `on_request_end`."""
        for trace in listeners(self.traces, "on_request_end"):
            await trace.send_request_end(self._method, self._url, self._headers, response)

    async def failed(self, error: BaseException) -> None:
        """Notify `on_request_exception`."""
        for trace in listeners(self.traces, "on_request_exception"):
            await trace.send_request_exception(self._method, self._url, self._headers, error)

    async def redirected(self, request: ClientRequest, response: TracedResponse) -> None:
        """Notify `on_request_redirect`."""
        for trace in listeners(self.traces, "on_request_redirect"):
            await trace.send_request_redirect(request.method, request.url, CIMultiDict(request.headers), response)

    async def sent(self, request: ClientRequest) -> None:
        """Notify `on_request_headers_sent`, and `on_request_chunk_sent` of a body that went with the head."""
        for trace in listeners(self.traces, "on_request_headers_sent"):
            await trace.send_request_headers(request.method, request.url, CIMultiDict(request.headers))
        content = request.content
        if content and isinstance(content, bytes):
            for trace in listeners(self.traces, "on_request_chunk_sent"):
                await trace.send_request_chunk_sent(request.method, request.url, content)

    async def answered(self, request: ClientRequest, response: TracedResponse) -> None:
        """Notify `on_response_headers_received`."""
        for trace in listeners(self.traces, "on_response_headers_received"):
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
