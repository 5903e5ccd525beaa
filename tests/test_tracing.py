"""`TraceConfig`, its signals and their parameters."""

from __future__ import annotations

import dataclasses
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle import tracing
from gazelle.client.response import ClientResponse
from gazelle.tracing import Signal, Trace, TraceConfig, TracedResponse

METHOD, SITE = "GET", URL("http://host/")
HEADERS: CIMultiDict[str] = CIMultiDict({"A": "1"})
RECEIVED: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict({"B": "2"}))
RESPONSE: Any = object()
ERROR = OSError()

# signal, the method that sends it, its arguments, the class of the parameters, and their fields
SIGNALS: list[tuple[str, str, tuple[Any, ...], str, tuple[str, ...]]] = [
    (
        "on_request_start",
        "send_request_start",
        (METHOD, SITE, HEADERS),
        "TraceRequestStartParams",
        ("method", "url", "headers"),
    ),
    (
        "on_request_headers_sent",
        "send_request_headers",
        (METHOD, SITE, HEADERS),
        "TraceRequestHeadersSentParams",
        ("method", "url", "headers"),
    ),
    (
        "on_request_chunk_sent",
        "send_request_chunk_sent",
        (METHOD, SITE, b"x"),
        "TraceRequestChunkSentParams",
        ("method", "url", "chunk"),
    ),
    (
        "on_request_end",
        "send_request_end",
        (METHOD, SITE, HEADERS, RESPONSE),
        "TraceRequestEndParams",
        ("method", "url", "headers", "response"),
    ),
    (
        "on_request_exception",
        "send_request_exception",
        (METHOD, SITE, HEADERS, ERROR),
        "TraceRequestExceptionParams",
        ("method", "url", "headers", "exception"),
    ),
    (
        "on_request_redirect",
        "send_request_redirect",
        (METHOD, SITE, HEADERS, RESPONSE),
        "TraceRequestRedirectParams",
        ("method", "url", "headers", "response"),
    ),
    (
        "on_response_headers_received",
        "send_response_headers",
        (METHOD, SITE, HEADERS, 200, "OK", RECEIVED),
        "TraceResponseHeadersReceivedParams",
        ("method", "url", "headers", "status", "reason", "response_headers"),
    ),
    (
        "on_response_chunk_received",
        "send_response_chunk_received",
        (METHOD, SITE, b"x"),
        "TraceResponseChunkReceivedParams",
        ("method", "url", "chunk"),
    ),
    ("on_connection_queued_start", "send_connection_queued_start", (), "TraceConnectionQueuedStartParams", ()),
    ("on_connection_queued_end", "send_connection_queued_end", (), "TraceConnectionQueuedEndParams", ()),
    ("on_connection_create_start", "send_connection_create_start", (), "TraceConnectionCreateStartParams", ()),
    ("on_connection_create_end", "send_connection_create_end", (), "TraceConnectionCreateEndParams", ()),
    ("on_connection_reuseconn", "send_connection_reuseconn", (), "TraceConnectionReuseconnParams", ()),
    (
        "on_dns_resolvehost_start",
        "send_dns_resolvehost_start",
        ("host",),
        "TraceDnsResolveHostStartParams",
        ("host",),
    ),
    ("on_dns_resolvehost_end", "send_dns_resolvehost_end", ("host",), "TraceDnsResolveHostEndParams", ("host",)),
    ("on_dns_cache_hit", "send_dns_cache_hit", ("host",), "TraceDnsCacheHitParams", ("host",)),
    ("on_dns_cache_miss", "send_dns_cache_miss", ("host",), "TraceDnsCacheMissParams", ("host",)),
]
IDS = [signal for signal, *_ in SIGNALS]


def test_the_table_names_every_signal_every_method_and_every_class() -> None:
    assert {name for name in vars(TraceConfig()) if name.startswith("on_")} == set(IDS)
    assert {name for name in vars(Trace) if name.startswith("send_")} == {row[1] for row in SIGNALS}
    assert {name for name in vars(tracing) if name.endswith("Params") and name[0] != "_"} == {row[3] for row in SIGNALS}


@pytest.mark.parametrize(("signal", "method", "arguments", "params", "fields"), SIGNALS, ids=IDS)
async def test_a_signal_comes_with_the_session_the_context_and_its_parameters(
    signal: str, method: str, arguments: tuple[Any, ...], params: str, fields: tuple[str, ...]
) -> None:
    heard: list[tuple[object, ...]] = []

    async def listen(*received: object) -> None:
        heard.append(received)

    config = TraceConfig()
    getattr(config, signal).append(listen)
    config.freeze()
    session, context = object(), object()
    await getattr(Trace(session, config, context), method)(*arguments)
    cls = getattr(tracing, params)
    assert tuple(field.name for field in dataclasses.fields(cls)) == fields
    assert heard == [(session, context, cls(*arguments))]
    if fields:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(heard[0][2], fields[0], None)


@pytest.mark.parametrize(("signal", "method", "arguments", "params", "fields"), SIGNALS, ids=IDS)
async def test_nothing_happens_if_nobody_listens(
    signal: str, method: str, arguments: tuple[Any, ...], params: str, fields: tuple[str, ...]
) -> None:
    config = TraceConfig()  # not frozen: a signal that was sent would raise
    await getattr(Trace(None, config, None), method)(*arguments)


async def test_handlers_run_in_their_order_and_an_error_ends_them() -> None:
    heard: list[int] = []

    async def first(*_: object) -> None:
        heard.append(1)

    async def second(*_: object) -> None:
        heard.append(2)
        raise LookupError

    config = TraceConfig()
    config.on_request_start.extend([first, second, first])
    config.freeze()
    with pytest.raises(LookupError):
        await Trace(None, config, None).send_request_start(METHOD, SITE, HEADERS)
    assert heard == [1, 2]


def test_every_request_has_a_context_of_its_own() -> None:
    config = TraceConfig()
    context = config.trace_config_ctx(trace_request_ctx={"id": 1})
    assert context == SimpleNamespace(trace_request_ctx={"id": 1})
    assert config.trace_config_ctx() == SimpleNamespace(trace_request_ctx=None)
    assert config.trace_config_ctx() is not config.trace_config_ctx()


async def test_a_trace_begins_with_a_context_from_the_factory() -> None:
    heard: list[object] = []

    async def listen(session: object, context: object, params: object) -> None:
        heard.append(context)

    def factory(trace_request_ctx: object) -> list[object]:
        return ["context", trace_request_ctx]

    config = TraceConfig(trace_config_ctx_factory=factory)
    config.on_connection_reuseconn.append(listen)
    config.freeze()
    await Trace.begin(None, config, "mine").send_connection_reuseconn()
    assert heard == [["context", "mine"]]


async def test_a_trace_config_without_our_additions_will_do() -> None:
    """That of another library with the same API, for example."""
    config: Any = SimpleNamespace(on_request_start=Signal())
    config.on_request_start.freeze()
    trace = Trace(None, config, None)
    await trace.send_request_start(METHOD, SITE, HEADERS)
    await trace.send_response_headers(METHOD, SITE, HEADERS, 200, "OK", RECEIVED)


async def handler(*_: object) -> None:
    """A handler."""


async def other(*_: object) -> None:
    """Another one."""


def test_a_signal_is_a_list() -> None:
    signal: Signal[None] = Signal([handler])
    signal.append(other)
    signal.insert(0, other)
    assert list(signal) == [other, handler, other]
    assert signal == [other, handler, other] == Signal([other, handler, other])
    assert signal != [handler]
    assert signal != "handler"
    assert signal[1] is handler
    assert signal[1:] == [handler, other]
    signal[1] = other
    del signal[0]
    signal.remove(other)
    assert len(signal) == 1
    assert handler not in signal
    assert repr(signal).startswith("<Signal frozen=False [<function other")


def test_a_signal_is_a_decorator() -> None:
    config = TraceConfig()

    @config.on_request_end
    async def done(*_: object) -> None:
        """Is added, and stays what it is."""

    assert config.on_request_end == [done]
    assert inspect.iscoroutinefunction(done)


@pytest.mark.parametrize(
    "change",
    [
        lambda signal: signal.append(handler),
        lambda signal: signal.insert(0, handler),
        lambda signal: signal.extend([handler]),
        lambda signal: signal.remove(handler),
        lambda signal: signal.pop(),
        lambda signal: signal.clear(),
        lambda signal: signal.reverse(),
        lambda signal: signal.__setitem__(0, handler),
        lambda signal: signal.__delitem__(0),
        lambda signal: signal.__iadd__([handler]),
        lambda signal: signal(handler),
    ],
)
def test_a_frozen_signal_cannot_be_changed(change: Any) -> None:
    signal: Signal[None] = Signal([handler, other])
    signal.freeze()
    assert signal.frozen
    with pytest.raises(RuntimeError, match="Cannot modify frozen list"):
        change(signal)
    assert signal == [handler, other]


async def test_a_signal_that_is_not_frozen_is_not_sent() -> None:
    with pytest.raises(RuntimeError, match="Cannot send non-frozen signal"):
        await Signal([handler]).send(None, None, None)


def test_freezing_a_config_freezes_all_its_signals() -> None:
    config = TraceConfig()
    assert not any(getattr(config, signal).frozen for signal in IDS)
    config.freeze()
    assert all(getattr(config, signal).frozen for signal in IDS)


def as_tracers_see_it(response: ClientResponse) -> TracedResponse:
    """Says to the type checker that a response is one."""
    return response


def test_a_response_has_what_tracers_are_promised() -> None:
    names = {name for name in vars(TracedResponse) if name[0] != "_"}
    assert "status" in names
    # `status` and `method` are attributes of its instances.
    assert names - set(dir(ClientResponse)) <= {"status", "method"}
