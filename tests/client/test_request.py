"""A complete request: what it says of its body, and what responses and errors show of it."""

from __future__ import annotations

from typing import Any, Final

import pytest
from yarl import URL

from gazelle._impl import WireRequest
from gazelle.auth import BasicAuth
from gazelle.client.locate import key_of
from gazelle.client.request import ClientRequest, complete
from gazelle.wire.request_framing import Framing
from tests.support.bodies import Watched

HEAD: Final = b"POST /a?b HTTP/1.1\r\nHost: h\r\nX: 1\r\nx: 2\r\n\r\n"


def made(method: str = "POST", body: bytes = b"", framing: Framing | None = None) -> ClientRequest:
    request = ClientRequest(method, key_of(URL("http://h/")), HEAD, body, "http://h", "/a?b")
    request.framing = framing
    return request


@pytest.mark.parametrize(
    ("method", "idempotent"),
    [
        ("GET", True),
        ("HEAD", True),
        ("OPTIONS", True),
        ("TRACE", True),
        ("PUT", True),
        ("DELETE", True),
        ("POST", False),
        ("PATCH", False),
        ("CONNECT", False),
        ("PROPFIND", False),
    ],
)
def test_a_method_is_idempotent_as_rfc_9110_says(method: str, idempotent: bool) -> None:
    assert made(method).idempotent is idempotent


def test_a_body_without_framing_is_in_the_request() -> None:
    request = made(body=b"body")
    assert (request.content, request.payload, request.source) == (b"body", None, None)
    assert (request.length, request.coding, request.expect) == (None, None, False)


def test_a_chunked_body_is_shown_without_its_chunks() -> None:
    payload = Watched(b"body")
    request = made(body=b"4\r\nbody\r\n0\r\n\r\n", framing=Framing(source=payload, unframed=b"body"))
    assert (request.content, request.payload, request.source) == (b"body", None, payload)


def test_an_empty_chunked_body_is_shown_empty() -> None:
    assert made(body=b"0\r\n\r\n", framing=Framing(unframed=b"")).content == b""


def test_a_body_that_is_sent_in_pieces_is_a_payload() -> None:
    payload = Watched(b"body")
    request = made(framing=Framing(payload=payload, length=4, coding="gzip", expect=True, source=payload))
    assert request.content is request.payload is request.source is payload
    assert (request.length, request.coding, request.expect) == (4, "gzip", True)


def test_a_body_in_memory_that_came_from_a_payload_is_shown_as_bytes() -> None:
    payload = Watched(b"body")
    request = made(body=b"body", framing=Framing(ready=b"body", source=payload))
    assert (request.content, request.source) == (b"body", payload)


def test_the_url_is_made_of_site_and_target_and_loses_its_fragment() -> None:
    request = made()
    assert (request.url, request.original_url) == (URL("http://h/a?b"), URL("http://h/a?b"))
    request = made()
    request.original_url = URL("http://h/a?b#c")
    assert (request.url, request.original_url) == (URL("http://h/a?b"), URL("http://h/a?b#c"))
    assert repr(request) == "<ClientRequest POST http://h/a?b>"


def test_the_headers_are_those_of_the_head() -> None:
    assert list(made().headers.items()) == [("Host", "h"), ("X", "1"), ("x", "2")]


def test_the_request_info_is_that_of_the_request() -> None:
    request = made()
    request.original_url = URL("http://h/a?b#c")
    info = request.request_info
    assert (info.url, info.method, info.real_url) == (URL("http://h/a?b"), "POST", URL("http://h/a?b#c"))
    assert info.headers == request.headers


def test_the_renewed_request_is_the_same_for_a_new_connection() -> None:
    payload = Watched(b"body")
    request = made(framing=Framing(payload=payload, length=4))
    request.url_auth = BasicAuth("u")
    request.original_url = URL("http://h/a?b#c")
    again = request.renewed()
    assert (request.fresh, again.fresh) == (False, True)
    names = ("method", "connection_key", "head", "body", "site", "target", "framing", "tracker", "url_auth")
    assert [getattr(again, name) for name in names] == [getattr(request, name) for name in names]
    assert (again.url, again.original_url) == (request.url, request.original_url)


@pytest.mark.parametrize(("url", "is_ssl"), [("http://h/", False), ("https://h/", True)])
def test_a_request_goes_over_tls_if_its_key_says_so(url: str, is_ssl: Any) -> None:
    request = ClientRequest("GET", key_of(URL(url)), HEAD, b"", url[:-1], "/")
    assert request.is_ssl() is is_ssl


def test_the_request_of_a_plain_call_is_completed_and_a_complete_one_is_kept() -> None:
    wire = WireRequest("GET", key_of(URL("http://h/")), HEAD, b"body", "http://h", "/a?b")
    request = complete(wire)
    assert (request.url, request.content, request.head) == (URL("http://h/a?b"), b"body", HEAD)
    assert complete(request) is request
