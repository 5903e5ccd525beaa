"""Equal calls that pass only a body: no state of the first call may leak into the next."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie
from typing import Any

import pytest
from yarl import URL

import gazelle
from tests.support.server import ScriptedServer, response, send

OK = [send(response(b"taken"))]


async def test_equal_calls_send_each_its_own_body() -> None:
    """The second call finds the start of its head made; the body and what says of it is never the one before."""
    growing: dict[str, Any] = {"n": 0}
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession() as session:
            for number in (1, 22, 333):
                growing["n"] = 10**number
                await (await session.post(server.url("/"), json=growing)).read()
            for data in (b"a", b"bcd", "é", bytearray(b"xy"), {"k": "v"}, b""):
                await (await session.post(server.url("/"), data=data)).read()
            await (await session.post(server.url("/"))).read()
            await (await session.put(server.url("/"), json=[])).read()
            await (await session.post(server.url("/"), json=False)).read()
    sent = [(one.method, one.header("content-length"), one.header("content-type"), one.body) for one in server.requests]
    json_type, bytes_type = "application/json", "application/octet-stream"
    assert sent == [
        ("POST", "9", json_type, b'{"n": 10}'),
        ("POST", "30", json_type, b'{"n": 1' + b"0" * 22 + b"}"),
        ("POST", "341", json_type, b'{"n": 1' + b"0" * 333 + b"}"),
        ("POST", "1", bytes_type, b"a"),
        ("POST", "3", bytes_type, b"bcd"),
        ("POST", "2", "text/plain; charset=utf-8", "é".encode()),
        ("POST", "2", bytes_type, b"xy"),
        ("POST", "3", "application/x-www-form-urlencoded", b"k=v"),
        ("POST", "0", bytes_type, b""),
        ("POST", "0", bytes_type, b""),
        ("PUT", "2", json_type, b"[]"),
        ("POST", "5", json_type, b"false"),
    ]


async def test_equal_calls_see_that_the_headers_of_the_session_have_changed() -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(headers={"X-A": "1"}) as session:

            async def sent(**options: Any) -> tuple[str | None, str | None]:
                await (await session.post(server.url("/"), json={}, **options)).read()
                last = server.requests[-1]
                return last.header("x-a"), last.header("content-type")

            assert [await sent(), await sent()] == [("1", "application/json")] * 2
            session.headers["X-A"] = "2"
            assert [await sent(), await sent()] == [("2", "application/json")] * 2
            session.headers["Content-Type"] = "application/vnd.a+json"
            assert [await sent(), await sent()] == [("2", "application/vnd.a+json")] * 2
            del session.headers["X-A"], session.headers["Content-Type"]
            assert [await sent(), await sent()] == [(None, "application/json")] * 2
            assert await sent(headers={"X-A": "3"}) == ("3", "application/json")
            assert await sent() == (None, "application/json")
            session.headers["X-A"] = "4\r\nX-Injected: 1"
            with pytest.raises(ValueError, match="control character"):
                await sent()


async def test_equal_calls_see_each_change_of_the_jar(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("gazelle.cookies.jar.time", lambda: now)
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=gazelle.CookieJar(unsafe=True)) as session:
            here = URL("http://127.0.0.1/")

            async def sent(**options: Any) -> str | None:
                await (await session.post(server.url("/"), json={}, **options)).read()
                assert server.requests[-1].body == b"{}"
                return server.requests[-1].header("cookie")

            assert [await sent(), await sent()] == [None, None]
            session.cookie_jar.update_cookies({"a": "1"}, here)
            assert [await sent(), await sent()] == ["a=1", "a=1"]
            assert await sent(cookies={"b": "2"}) == "a=1; b=2"
            morsel = SimpleCookie("c=3; Max-Age=10")
            session.cookie_jar.update_cookies(morsel, here)
            assert [await sent(), await sent()] == ["a=1; c=3"] * 2
            monkeypatch.setattr("gazelle.cookies.jar.time", lambda: now + 20)
            assert [await sent(), await sent()] == ["a=1", "a=1"]
            session.cookie_jar.clear()
            assert [await sent(), await sent()] == [None, None]


async def test_a_jar_of_the_user_is_asked_for_every_call_with_a_body() -> None:
    class Counting(gazelle.CookieJar):
        """A jar whose cookie is another one every time."""

        asked = 0

        def filter_cookies(self, request_url: URL = URL()) -> SimpleCookie:  # noqa: B008  (immutable)
            self.asked += 1
            return SimpleCookie({"n": str(self.asked)})

    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=Counting(unsafe=True)) as session:
            for _ in range(3):
                await (await session.post(server.url("/"), json={})).read()
    assert [one.header("cookie") for one in server.requests] == ["n=1", "n=2", "n=3"]
