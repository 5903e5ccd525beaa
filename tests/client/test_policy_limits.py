"""Limits of the response head: those of the session, and those of one call put over them."""

from __future__ import annotations

from typing import Any

import pytest

import gazelle
from tests.support.clean import assert_clean
from tests.support.server import ScriptedServer, response, send

LONG_LINE = b"HTTP/1.1 200 " + b"r" * 9000 + b"\r\nContent-Length: 2\r\n\r\nok"
LONG_FIELD = response(b"ok", headers="X-Long: " + "v" * 9000)
MANY_FIELDS = response(b"ok", headers="\r\n".join(f"X-{number}: v" for number in range(200)))
ROUTES = {"/line": [send(LONG_LINE)], "/field": [send(LONG_FIELD)], "/many": [send(MANY_FIELDS)]}
SHORT = [send(response(b"ok"))]
RAISED: dict[str, dict[str, Any]] = {
    "/line": {"max_line_size": 10_000},
    "/field": {"max_field_size": 10_000},
    "/many": {"max_headers": 300},
}


@pytest.mark.parametrize("path", RAISED)
async def test_a_call_can_raise_a_limit_of_the_session(path: str) -> None:
    async with ScriptedServer(ROUTES) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientResponseError) as caught:
            await session.get(server.url(path))
        assert caught.value.status == 400
        async with session.get(server.url(path), **RAISED[path]) as answer:
            assert await answer.read() == b"ok"
        with pytest.raises(gazelle.ClientResponseError):
            await session.get(server.url(path))
        await assert_clean(session, server)


@pytest.mark.parametrize("lowered", [{"max_line_size": 5}, {"max_field_size": 5}, {"max_headers": 0}])
async def test_a_call_can_lower_a_limit_of_the_session(lowered: dict[str, Any]) -> None:
    async with ScriptedServer({"*": SHORT}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientResponseError) as caught:
            await session.get(server.url(), **lowered)
        assert caught.value.status == 400
        async with session.get(server.url()) as answer:
            assert await answer.read() == b"ok"
        await assert_clean(session, server)


async def test_one_pooled_connection_serves_calls_with_different_limits() -> None:
    async with ScriptedServer({**ROUTES, "*": SHORT}) as server, gazelle.ClientSession() as session:
        for _ in range(2):
            for path, raised in RAISED.items():
                async with session.get(server.url(path), **raised) as answer:
                    assert await answer.read() == b"ok"
                async with session.get(server.url()) as answer:
                    assert await answer.read() == b"ok"
        assert server.accepted == 1
        with pytest.raises(gazelle.ClientResponseError):  # what an earlier call had raised is not raised any more
            await session.get(server.url("/field"))
        assert server.accepted == 1
        await assert_clean(session, server)


async def test_a_limit_of_none_is_that_of_the_session() -> None:
    async with ScriptedServer(ROUTES) as server, gazelle.ClientSession(max_field_size=10_000) as session:
        none: dict[str, Any] = {"max_line_size": None, "max_field_size": None, "max_headers": None}
        async with session.get(server.url("/field"), **none) as answer:
            assert await answer.read() == b"ok"
        await assert_clean(session, server)


async def test_limits_of_a_call_apply_to_its_redirects() -> None:
    routes = {**ROUTES, "/": [send(response(status="302 Found", headers="Location: /field"))]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        async with session.get(server.url(), max_field_size=10_000) as answer:
            assert await answer.read() == b"ok"
        with pytest.raises(gazelle.ClientResponseError):
            await session.get(server.url())


@pytest.mark.parametrize("name", ["max_line_size", "max_field_size", "max_headers"])
@pytest.mark.parametrize(
    ("wrong", "error"), [(-1, ValueError), (2**41, ValueError), (1.5, TypeError), ("10", TypeError), (True, TypeError)]
)
async def test_a_limit_that_is_no_size_is_refused_and_nothing_is_sent(
    name: str, wrong: Any, error: type[Exception]
) -> None:
    async with ScriptedServer({"*": SHORT}) as server, gazelle.ClientSession() as session:
        options: dict[str, Any] = {name: wrong}
        with pytest.raises(error, match=name):
            await session.get(server.url(), **options)
        assert server.accepted == 0
        with pytest.raises(error, match=name):
            gazelle.ClientSession(**options)
