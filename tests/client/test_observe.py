"""The traces of one call: which signals are sent, in which order, and with which values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import pytest
from multidict import CIMultiDict
from yarl import URL

import gazelle
from gazelle.client.locate import key_of
from gazelle.client.observe import Observer
from gazelle.client.request import ClientRequest
from gazelle.wire.request_framing import Framing
from tests.support.bodies import Watched
from tests.support.calls import observer_of

URL_OF_CALL: Final = URL("http://h/a")
HEAD: Final = b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n"
RESPONSE: Final[Any] = SimpleNamespace(status=204, reason=None, headers=CIMultiDict({"X": "1"}))


class Recorder(gazelle.TraceConfig):
    """A trace configuration that keeps what its handlers are called with, for some signals or for all."""

    def __init__(self, *signals: str, log: list[Any] | None = None, name: str = "") -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = [] if log is None else log
        for signal in signals:
            getattr(self, signal).append(self._handler(signal, name))

    def _handler(self, signal: str, name: str) -> Any:
        async def handler(session: Any, context: Any, params: Any) -> None:
            self.calls.append((name + signal, params))

        return handler


def request(body: bytes = b"", framing: Framing | None = None) -> ClientRequest:
    made = ClientRequest("GET", key_of(URL("http://h/")), HEAD, body, "http://h", "/b")
    made.framing = framing
    return made


def session_with(**headers: str) -> Any:
    return SimpleNamespace(headers=CIMultiDict(headers))


async def observe(*configs: Recorder, session: Any = None, **content: Any) -> Observer:
    observer, _ = await observer_of(session or session_with(), configs, "get", URL_OF_CALL, **content)
    for config in configs:
        config.calls.clear()
    return observer


async def test_the_start_is_sent_the_fields_of_session_and_call() -> None:
    config = Recorder("on_request_start")
    session = session_with(A="1", B="2")
    _, content = await observer_of(session, [config], "get", URL_OF_CALL, headers={"b": "3", "C": "4"}, data=b"x")
    [(_, params)] = config.calls
    assert (params.method, params.url) == ("GET", URL_OF_CALL)
    assert list(params.headers.items()) == [("A", "1"), ("b", "3"), ("C", "4")]
    assert content.headers is params.headers
    assert content.data == b"x"


async def test_a_handler_of_the_start_may_change_the_fields_that_are_sent() -> None:
    config = gazelle.TraceConfig()

    async def sign(session: Any, context: Any, params: Any) -> None:
        params.headers["X-Signed"] = "yes"

    config.on_request_start.append(sign)
    _, content = await observer_of(session_with(A="1"), [config], "get", URL_OF_CALL)
    assert isinstance(content.headers, CIMultiDict)
    assert content.headers == CIMultiDict({"A": "1", "X-Signed": "yes"})


async def test_without_a_handler_of_the_start_the_content_is_that_of_the_call() -> None:
    headers = {"b": "3"}
    _, content = await observer_of(
        session_with(A="1"), [Recorder("on_request_end")], "get", URL_OF_CALL, headers=headers
    )
    assert content.headers is headers


async def test_the_traces_of_a_call_are_notified_in_order() -> None:
    log: list[Any] = []
    configs = [Recorder("on_request_end", log=log, name=name) for name in ("first ", "second ")]
    observer = await observe(*configs)
    await observer.ended(RESPONSE)
    assert [name for name, _ in log] == ["first on_request_end", "second on_request_end"]


@pytest.mark.parametrize(
    ("signal", "hears"), [("on_response_chunk_received", True), ("on_request_end", False), ("on_request_start", False)]
)
async def test_only_a_handler_of_response_chunks_needs_a_traced_stream(signal: str, hears: bool) -> None:
    observer = await observe(Recorder(signal))
    assert observer.hears_chunks is hears


async def test_the_end_and_a_failure_have_the_values_of_the_call() -> None:
    config = Recorder("on_request_end", "on_request_exception")
    observer = await observe(config, session=session_with(A="1"))
    error = OSError("x")
    await observer.ended(RESPONSE)
    await observer.failed(error)
    (_, end), (_, failure) = config.calls
    assert (end.method, end.url, end.response) == ("GET", URL_OF_CALL, RESPONSE)
    assert (failure.url, failure.exception) == (URL_OF_CALL, error)
    assert end.headers == failure.headers == CIMultiDict({"A": "1"})


async def test_a_redirect_and_a_response_head_have_the_values_of_the_request() -> None:
    config = Recorder("on_request_redirect", "on_response_headers_received")
    observer = await observe(config)
    await observer.redirected(request(), RESPONSE)
    await observer.answered(request(), RESPONSE)
    (_, redirect), (_, head) = config.calls
    assert redirect.url == head.url == URL("http://h/b")
    assert redirect.headers == head.headers == CIMultiDict({"Host": "h"})
    assert (head.status, head.reason, head.response_headers) == (204, "", RESPONSE.headers)


SENT: Final = {
    "no body": (request(), []),
    "a body in memory": (request(b"body"), [b"body"]),
    "a chunked body": (request(b"4\r\nbody\r\n0\r\n\r\n", Framing(unframed=b"body")), [b"body"]),
    "an empty chunked body": (request(b"0\r\n\r\n", Framing(unframed=b"")), []),
    "a body in pieces": (request(framing=Framing(payload=Watched(b"body"), length=4)), []),
}


@pytest.mark.parametrize("case", SENT)
async def test_a_body_that_went_with_the_head_is_one_chunk(case: str) -> None:
    made, chunks = SENT[case]
    config = Recorder("on_request_headers_sent", "on_request_chunk_sent")
    observer = await observe(config)
    await observer.sent(made)
    (name, head), *rest = config.calls
    assert (name, head.url) == ("on_request_headers_sent", URL("http://h/b"))
    assert [params.chunk for _, params in rest] == chunks


async def test_a_body_that_was_read_whole_is_one_chunk() -> None:
    config = Recorder("on_response_chunk_received")
    observer = await observe(config)
    await observer.received("GET", URL_OF_CALL, b"body")
    [(_, params)] = config.calls
    assert (params.method, params.url, params.chunk) == ("GET", URL_OF_CALL, b"body")


async def test_a_handler_that_raises_ends_the_notification() -> None:
    log: list[Any] = []
    failing = gazelle.TraceConfig()

    async def fail(session: Any, context: Any, params: Any) -> None:
        raise LookupError

    failing.on_request_end.append(fail)
    observer, _ = await observer_of(session_with(), [failing, Recorder("on_request_end", log=log)], "GET", URL_OF_CALL)
    with pytest.raises(LookupError):
        await observer.ended(RESPONSE)
    assert log == []
