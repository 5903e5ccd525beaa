"""Request bodies on the wire: bytes, text and JSON."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

import gazelle
from tests.support.clean import assert_clean
from tests.support.server import ScriptedServer, response, send

OK = [send(response(b"taken"))]


async def sent(**arguments: Any) -> Any:
    """The request that the server saw for `session.post(url, **arguments)`."""
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url(), **arguments) as answer:
            assert await answer.read() == b"taken"
        await assert_clean(session, server)
        [request] = server.requests
        return request


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)), b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", b"y" * 200_000])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_bytes_go_out_as_they_are(body: bytes, kind: Any) -> None:
    request = await sent(data=kind(body))
    assert request.body == body
    assert request.header("content-length") == str(len(body))
    assert request.header("content-type") == "application/octet-stream"
    assert request.header("transfer-encoding") is None


@pytest.mark.parametrize("text", ["plain", "grüße, 日本, 🦌", "line\r\nline"])
async def test_text_goes_out_as_utf_8(text: str) -> None:
    request = await sent(data=text)
    assert request.body == text.encode()
    assert request.header("content-length") == str(len(text.encode()))
    assert request.header("content-type") == "text/plain; charset=utf-8"


@pytest.mark.parametrize("value", [{}, [], 0, False, "", "ü", {"a": [1, None, {"b": 2.5}]}])
async def test_json_goes_out_as_json(value: Any) -> None:
    request = await sent(json=value)
    assert json.loads(request.body) == value
    assert request.header("content-length") == str(len(request.body))
    assert request.header("content-type") == "application/json"


async def test_json_none_is_no_body() -> None:
    request = await sent(json=None)
    assert request.body == b""
    assert request.header("content-length") == "0"


async def test_json_serialize_of_the_session_makes_the_json_body() -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(json_serialize=lambda value: f"<{value}>") as session:
            async with session.post(server.url(), json=5):
                pass
        assert server.requests[0].body == b"<5>"


class OwnBytes(bytes):
    """Bytes of another kind."""


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, OwnBytes])
@pytest.mark.parametrize("options", [{}, {"chunked": True}, {"compress": "deflate"}, {"headers": {"X-A": "1"}}])
async def test_a_json_serializer_may_return_any_bytes_like_object(kind: Any, options: dict[str, Any]) -> None:
    def serialize(value: object) -> Any:
        return kind(json.dumps(value).encode())

    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(json_serialize_bytes=serialize) as session:
            for number in (1, 22):
                await (await session.post(server.url(), json=[number], **options)).read()
        bodies = [zlib.decompress(one.body) if "compress" in options else one.body for one in server.requests]
        assert bodies == [b"[1]", b"[22]"]


@pytest.mark.parametrize("made", [None, 5, [b"x"]])
async def test_a_json_serializer_must_return_text_or_bytes(made: Any) -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(json_serialize=lambda value: made) as session:
            with pytest.raises(TypeError, match=f"str or bytes, got {type(made).__name__}"):
                await session.post(server.url(), json={})
        assert server.accepted == 0


async def test_a_function_put_in_the_place_of_json_dumps_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "dumps", lambda value: f"<{value}>")
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(json_serialize=json.dumps) as session:
            await (await session.post(server.url(), json=5)).read()
        async with gazelle.ClientSession() as session:
            await (await session.post(server.url(), json=5)).read()
        assert [request.body for request in server.requests] == [b"<5>", b"5"]


@pytest.mark.parametrize("options", [{}, {"chunked": True}, {"headers": {"X-A": "1"}}])
async def test_bytes_of_another_kind_are_a_body_too(options: dict[str, Any]) -> None:
    request = await sent(data=OwnBytes(b"abc"), **options)
    assert request.body == b"abc"


async def test_data_and_json_together_are_refused() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        with pytest.raises(ValueError):
            await session.post(server.url(), data=b"x", json={})
        assert server.requests == []


async def test_a_content_type_of_the_caller_stays() -> None:
    request = await sent(json={"a": 1}, headers={"content-type": "application/vnd.mine+json"})
    assert request.header("content-type") == "application/vnd.mine+json"
    request = await sent(data=b"<a/>", headers={"Content-Type": "text/xml"})
    assert request.header("content-type") == "text/xml"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_method_that_may_have_a_body_sends_content_length_0_without_one(method: str) -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        async with session.request(method, server.url()):
            pass
        assert server.requests[0].header("content-length") == "0"


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "PURGE"])
async def test_any_method_may_carry_a_body(method: str) -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        async with session.request(method, server.url(), data=b"body") as answer:
            assert await answer.read() == b"taken"
        assert server.requests[0].body == b"body"


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_ten_megabytes_arrive_unchanged_and_the_connection_is_kept() -> None:
    body = bytes(range(256)) * 40_960
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        for _ in range(2):
            async with session.post(server.url(), data=memoryview(body)) as answer:
                assert await answer.read() == b"taken"
        assert [request.body == body for request in server.requests] == [True, True]
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_posts_follow_one_another_on_one_connection() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        for number in range(200):
            async with session.post(server.url(f"/{number}"), json={"number": number}) as answer:
                assert await answer.read() == b"taken"
        assert server.accepted == 1
        assert [json.loads(request.body)["number"] for request in server.requests] == list(range(200))


@pytest.mark.parametrize("data", [object(), 5, {"a"}, {"a": "1"}.items()])
async def test_a_value_that_cannot_be_a_body_is_a_type_error(data: object) -> None:
    async with gazelle.ClientSession() as session:
        with pytest.raises(TypeError):
            await session.post("http://127.0.0.1:1/", data=data)
