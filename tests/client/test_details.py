"""Small things that programs rely on, each of which once differed from what they were used to."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

import gazelle
from tests.support.server import ScriptedServer, fin, response, send

HELLO = {"*": [send(response(b"hello"))]}


@pytest.mark.parametrize("data", [object(), 5, {"a"}, {"a": "1"}.items()])
async def test_what_cannot_be_a_body_is_a_type_error(data: object) -> None:
    async with gazelle.ClientSession() as session:
        with pytest.raises(TypeError):
            await session.post("http://127.0.0.1:1/", data=data)


async def test_a_number_sign_in_a_text_of_parameters_is_not_a_fragment() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/"), params="a=1#f") as answer:
            assert answer.url.fragment == ""
    assert server.requests[0].target == "/?a=1%23f"


@pytest.mark.parametrize(("force_close", "field"), [(False, "keep-alive"), (True, "close")])
async def test_http_1_0_says_what_is_to_become_of_the_connection(force_close: bool, field: str) -> None:
    async with ScriptedServer(HELLO) as server:
        connector = gazelle.TCPConnector(force_close=force_close)
        async with gazelle.ClientSession(connector=connector, version=gazelle.HttpVersion10) as session:
            async with session.get(server.url()) as answer:
                await answer.read()
    assert server.requests[0].header("connection") == field


async def test_a_reference_without_a_scheme_has_that_of_the_base_url() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession("http://127.0.0.1:1/api/") as session:
        async with session.get(f"//127.0.0.1:{server.port}/x") as answer:
            assert answer.url == URL(server.url("/x"))


async def test_what_has_broken_a_body_is_said_again_by_whoever_reads_it_again() -> None:
    script = [send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), fin()]
    async with ScriptedServer({"*": script}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            for read in (answer.read, answer.text, answer.json, answer.read):
                with pytest.raises(gazelle.ClientPayloadError):
                    await read()


@pytest.mark.parametrize("field", ["/", "text/", "text/plain, text/html", "text /plain", "a/b/c", "text"])
async def test_a_content_type_that_is_none_is_a_stream_of_bytes(field: str) -> None:
    routes = {"*": [send(response(b"x", headers=f"Content-Type: {field}"))]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert answer.content_type == "application/octet-stream"


@pytest.mark.parametrize("parameter", ["charset=", 'charset=""', "charset"])
async def test_an_empty_charset_is_none(parameter: str) -> None:
    routes = {"*": [send(response(b"x", headers=f"Content-Type: text/plain; {parameter}"))]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert answer.charset is None
            assert await answer.text() == "x"


async def test_no_timeout_of_a_session_is_the_default_one() -> None:
    async with gazelle.ClientSession(timeout=None) as session:
        assert session.timeout.total == 300


@pytest.mark.parametrize(
    ("location", "target"),
    [("/a b", "/a%20b"), ("/ä", "/%C3%A4"), ("/%7e?a=b c%2f", "/%7e?a=b%20c%2f"), ("/a%2Fb", "/a%2Fb")],
)
async def test_a_target_as_it_came_is_encoded_where_no_request_line_can_hold_it(location: str, target: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n".encode()
    async with ScriptedServer({"/from": [send(head)], **HELLO}) as server:
        async with gazelle.ClientSession(requote_redirect_url=False) as session:
            async with session.get(server.url("/from")) as answer:
                assert answer.status == 200
    assert server.requests[1].target == target


async def test_a_resolver_is_asked_for_the_encoding_that_is_not_declared() -> None:
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


async def test_the_length_of_a_body_is_what_its_field_says() -> None:
    routes = {"/none": [send(b"HTTP/1.1 200 OK\r\n\r\nx"), fin()], **HELLO}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url()) as answer:
            assert answer.content_length == 5
        async with session.get(server.url("/none")) as answer:
            assert answer.content_length is None


async def test_waiting_for_the_end_of_a_response_releases_it() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        await answer.wait_for_close()
        assert answer.closed


async def test_a_single_request_can_be_of_another_version() -> None:
    async with ScriptedServer(HELLO) as server:
        async with gazelle.request("GET", server.url(), version=gazelle.HttpVersion10) as answer:
            assert await answer.read() == b"hello"
    assert server.requests[0].head.startswith(b"GET / HTTP/1.0\r\n")


async def test_a_cookie_jar_asked_for_nothing_gives_the_shared_cookies() -> None:
    jar = gazelle.CookieJar()
    jar.update_cookies({"a": "1"})
    jar.update_cookies({"b": "2"}, URL("http://b.example/"))
    assert list(jar.filter_cookies()) == ["a"]


class Liar(str):
    """A text that says that there is nothing wrong with it."""

    __slots__ = ()

    def isprintable(self) -> bool:
        return True


@pytest.mark.parametrize("bad", ["\t", "\n", "\r", "\x00", "\x1f", "\x7f", "\ud800"])
@pytest.mark.parametrize(
    "place", ["{bad}{url}/", "{url}{bad}/", "{url}/a{bad}b", "{url}/?{bad}", "{url}/#{bad}", "{url}/{bad}"]
)
async def test_a_url_that_holds_what_would_be_left_out_of_it_is_refused_and_told_where(bad: str, place: str) -> None:
    async def elsewhere(request: Any, handler: Any) -> Any:
        request.url = text
        return await handler(request)

    async with ScriptedServer(HELLO) as server:
        text = place.format(bad=bad, url=server.url(""))
        for settings in ({}, {"trust_env": True}, {"trace_configs": [gazelle.TraceConfig()]}):
            async with gazelle.ClientSession(**settings) as session:
                for url in (text, Liar(text)):
                    with pytest.raises(gazelle.InvalidURL, match=f"at position {text.index(bad)}") as caught:
                        await session.get(url)
                    assert str(caught.value).isprintable()
        async with gazelle.ClientSession(middlewares=[elsewhere]) as session:
            with pytest.raises(gazelle.InvalidURL, match="position"):
                await session.get(server.url())
        assert server.accepted == 0


async def test_what_is_unusual_in_the_text_of_a_url_is_encoded() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession() as session:
        for text in (" ", "\x85", "\u2028", "\ufeff", "\U0001f600"):
            async with session.get(server.url(f"/a{text}b")):
                pass
            assert server.requests[-1].target == "/a" + quote(text) + "b"


@pytest.mark.parametrize("names", ["User-Agent", [1], [b"User-Agent"], ["User-Agent", None]])
async def test_names_of_fields_to_skip_are_several_texts(names: Any) -> None:
    with pytest.raises(TypeError, match="skip_auto_headers"):
        gazelle.ClientSession(skip_auto_headers=names)
    async with gazelle.ClientSession() as session:
        with pytest.raises(TypeError, match="skip_auto_headers"):
            await session.get("http://127.0.0.1:1/", skip_auto_headers=names)
