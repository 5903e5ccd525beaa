"""The fields of a response that say what its body is: media type, charset, length."""

from __future__ import annotations

import pytest

import gazelle
from tests.support.server import ScriptedServer, fin, response, send

HELLO = {"*": [send(response(b"hello"))]}


@pytest.mark.parametrize("field", ["/", "text/", "text/plain, text/html", "text /plain", "a/b/c", "text"])
async def test_an_invalid_content_type_is_read_as_octet_stream(field: str) -> None:
    routes = {"*": [send(response(b"x", headers=f"Content-Type: {field}"))]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert answer.content_type == "application/octet-stream"


@pytest.mark.parametrize("parameter", ["charset=", 'charset=""', "charset"])
async def test_an_empty_charset_parameter_counts_as_absent(parameter: str) -> None:
    routes = {"*": [send(response(b"x", headers=f"Content-Type: text/plain; {parameter}"))]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert answer.charset is None
            assert await answer.text() == "x"


async def test_the_charset_resolver_is_called_only_without_a_declared_charset() -> None:
    asked = []

    def resolve(answer: gazelle.ClientResponse, body: bytes) -> str:
        asked.append((answer.status, body))
        return "latin-1"

    routes = {
        "/declared": [send(response("ä".encode(), headers="Content-Type: text/plain; charset=utf-8"))],
        "*": [send(response(b"\xe4", headers="Content-Type: text/plain"))],
    }
    async with ScriptedServer(routes) as server:
        async with gazelle.ClientSession(fallback_charset_resolver=resolve) as session:
            async with session.get(server.url("/declared")) as answer:
                assert await answer.text() == "ä"
            assert asked == []
            async with session.get(server.url("/"), allow_redirects=False) as answer:
                assert await answer.text() == "ä"
    assert asked == [(200, b"\xe4")]


async def test_content_length_is_the_value_of_the_field() -> None:
    routes = {"/none": [send(b"HTTP/1.1 200 OK\r\n\r\nx"), fin()], **HELLO}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert answer.content_length == 5
        async with session.get(server.url("/none")) as answer:
            assert answer.content_length is None
