"""Cookies: those of the call, of the session, and those that servers set."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

from tests.differential.call import Call, Library, Options, fixed
from tests.support.server import Script, response, send


def _simple() -> SimpleCookie:
    cookie: SimpleCookie = SimpleCookie()
    cookie["a"] = "1"
    cookie["a"]["path"] = "/x"
    cookie["b"] = "x y"
    return cookie


GIVEN: dict[str, Options] = {
    "dict": fixed(cookies={"b": "2", "a": "1"}),
    "pairs": fixed(cookies=[("b", "2"), ("a", "1")]),
    "same name twice": fixed(cookies=[("a", "1"), ("a", "2")]),
    "SimpleCookie": lambda _: {"cookies": _simple()},
    "empty": fixed(cookies={}),
    "space": fixed(cookies={"a": "x y"}),
    "comma": fixed(cookies={"a": "x,y"}),
    "semicolon": fixed(cookies={"a": "x;y"}),
    "quotes": fixed(cookies={"a": '"x"'}),
    "quote inside": fixed(cookies={"a": 'x"y'}),
    "backslash": fixed(cookies={"a": "x\\y"}),
    "equals": fixed(cookies={"a": "x=y"}),
    "alphabet": fixed(cookies={"a": "ä"}),
    "empty value": fixed(cookies={"a": ""}),
    "number": fixed(cookies={"a": 5}),
    "line end": fixed(cookies={"a": "x\r\ny"}),
    "bad name": fixed(cookies={"a b": "x"}),
    "name with brackets": fixed(cookies={"a[1]": "x"}),
    "name reserved": fixed(cookies={"path": "x"}),
    "and Cookie field": fixed(cookies={"a": "1"}, headers={"Cookie": "b=2; a=3"}),
    "and Cookie field quoted": fixed(cookies={"z": "1"}, headers={"Cookie": 'b="x y"'}),
    "str": fixed(cookies="a=1"),
    "many": fixed(cookies={f"n{number}": "v" * 40 for number in range(40)}),
}

SET = {
    "plain": ["a=1"],
    "two": ["a=1", "b=2"],
    "same name": ["a=1", "a=2"],
    "same name on two paths": ["a=1; Path=/", "a=2; Path=/next"],
    "path": ["a=1; Path=/next"],
    "other path": ["a=1; Path=/elsewhere"],
    "path prefix": ["a=1; Path=/ne"],
    "path with slash": ["a=1; Path=/next/"],
    "path without slash": ["a=1; Path=next"],
    "path empty": ["a=1; Path="],
    "path quoted": ['a=1; Path="/next"'],
    "domain": ["a=1; Domain=127.0.0.1"],
    "foreign domain": ["a=1; Domain=example.com"],
    "dotted domain": ["a=1; Domain=.localhost"],
    "domain localhost": ["a=1; Domain=localhost"],
    "domain empty": ["a=1; Domain="],
    "secure": ["a=1; Secure"],
    "http only": ["a=1; HttpOnly"],
    "same site": ["a=1; SameSite=Lax"],
    "partitioned": ["a=1; Secure; Partitioned"],
    "max-age": ["a=1; Max-Age=100"],
    "max-age 0": ["a=1; Max-Age=0"],
    "max-age negative": ["a=1; Max-Age=-1"],
    "max-age nonsense": ["a=1; Max-Age=x"],
    "max-age signed": ["a=1; Max-Age=+5"],
    "max-age deletes": ["a=1", "a=2; Max-Age=0"],
    "expires": ["a=1; Expires=Wed, 09 Jun 2100 10:18:14 GMT"],
    "expires past": ["a=1; Expires=Wed, 09 Jun 2000 10:18:14 GMT"],
    "expires old format": ["a=1; Expires=Wednesday, 09-Jun-99 10:18:14 GMT"],
    "expires nonsense": ["a=1; Expires=never"],
    "expires epoch": ["a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    "max-age before expires": ["a=1; Max-Age=100; Expires=Wed, 09 Jun 2000 10:18:14 GMT"],
    "quoted": ['a="x y"'],
    "quoted with escapes": ['a="x\\"y\\054"'],
    "quoted semicolon": ['a="x;y"; Path=/'],
    "unquoted spaces": ["a=x y"],
    "comma": ["a=x,y"],
    "equals": ["a=x=y=="],
    "empty value": ["a="],
    "no equals": ["a"],
    "no name": ["=x"],
    "empty": [""],
    "spaces": ["  a  =  1  ;  Path = / "],
    "attributes in capitals": ["a=1; PATH=/; HTTPONLY"],
    "unknown attribute": ["a=1; Foo=bar; Baz"],
    "trailing semicolons": ["a=1;;;"],
    "bad name": ["a b=1"],
    "name with brackets": ["a[1]=x"],
    "name with colon": ["a:b=x"],
    "name in curly brackets": ["{a}=x"],
    "name with comma": ["a,b=x"],
    "name alphabet": ["ä=1"],
    "name reserved": ["path=1"],
    "name starts with dollar": ["$a=1"],
    "json value": ['a={"b":"c"}'],
    "value alphabet": ["a=ä"],
    "value with tab": ["a=x\ty"],
    "value with control": ["a=x\x01y"],
    "one bad of two": ["a b=1", "c=2"],
    "prefix host": ["__Host-a=1; Path=/; Secure"],
    "prefix secure": ["__Secure-a=1; Secure"],
    "two in one field": ["a=1, b=2"],
    "big": ["a=" + "x" * 4000],
    "too big": ["a=" + "x" * 5000],
    "fifty": [f"n{number}=1" for number in range(50)],
    "sixty": [f"n{number}=1" for number in range(60)],
    "version 1": ['a="1"; Version="1"'],
}


def _setting(*fields: str) -> dict[str, Script]:
    lines = "".join(f"\r\nSet-Cookie: {field}" for field in fields)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: 0{lines}\r\n\r\n".encode("utf-8", "surrogateescape")
    return {"/set": [send(head)], "*": [send(response(b"ok"))]}


def _set_then_ask(host: str, *asked: str) -> Any:
    async def talk(_: Library, session: Any, base: str) -> object:
        base = base.replace("127.0.0.1", host)
        async with session.get(f"{base}/set") as response:
            seen = sorted((name, morsel.OutputString()) for name, morsel in response.cookies.items())
        for path in asked:
            async with session.get(base + path) as response:
                await response.read()
        return seen, len(session.cookie_jar)

    return talk


def _unsafe(library: Library) -> dict[str, Any]:
    return {"cookie_jar": library.CookieJar(unsafe=True)}


def _unquoted(library: Library) -> dict[str, Any]:
    return {"cookie_jar": library.CookieJar(unsafe=True, quote_cookie=False)}


def _dummy(library: Library) -> dict[str, Any]:
    return {"cookie_jar": library.DummyCookieJar()}


def calls() -> Iterator[Call]:
    """The calls of this theme."""
    for kind, options in GIVEN.items():
        yield Call(f"cookies/of the call/{kind}", options=options)
    for kind in ("dict", "pairs", "SimpleCookie", "space", "alphabet", "bad name", "quotes", "line end", "number"):
        yield Call(f"cookies/of the session/{kind}", session=GIVEN[kind])
    for kind in ("dict", "space", "quotes", "comma"):
        yield Call(f"cookies/of the call, not quoted/{kind}", options=GIVEN[kind], session=_unquoted)
    for kind, fields in SET.items():
        talk = _set_then_ask("localhost", "/", "/next", "/next/a", "/nextdoor")
        yield Call(f"cookies/set/{kind}", talk=talk, routes=_setting(*fields))
    for kind in ("plain", "domain", "path", "quoted"):
        talk = _set_then_ask("127.0.0.1", "/", "/next")
        yield Call(f"cookies/set by an address/{kind}", talk=talk, routes=_setting(*SET[kind]))
        yield Call(f"cookies/set by an address, unsafe/{kind}", talk=talk, routes=_setting(*SET[kind]), session=_unsafe)
        yield Call(f"cookies/set, no jar/{kind}", talk=talk, routes=_setting(*SET[kind]), session=_dummy)
        yield Call(f"cookies/set, not quoted/{kind}", talk=talk, routes=_setting(*SET[kind]), session=_unquoted)
    both: Options = lambda library: {"cookies": {"s": "1", "a": "session"}} | _unsafe(library)  # noqa: E731
    yield Call(
        "cookies/of all sources", options=fixed(cookies={"c": "1", "a": "call"}), session=both, routes=_setting("a=1")
    )
    yield Call("cookies/shared", talk=_shared)
    yield Call("cookies/cleared", talk=_cleared, routes=_setting("a=1", "b=2; Path=/next"), session=_unsafe)
    yield Call("cookies/filtered", talk=_filtered, routes=_setting("a=1", "b=2; Path=/next"), session=_unsafe)


async def _shared(_: Library, session: Any, base: str) -> object:
    session.cookie_jar.update_cookies({"a": "1"})
    for host in ("127.0.0.1", "localhost"):
        async with session.get(base.replace("127.0.0.1", host)) as response:
            await response.read()
    return len(session.cookie_jar)


async def _cleared(_: Library, session: Any, base: str) -> object:
    counts = []
    async with session.get(f"{base}/set"):
        counts.append(len(session.cookie_jar))
    session.cookie_jar.clear(lambda morsel: morsel.key == "a")
    counts.append(len(session.cookie_jar))
    session.cookie_jar.clear_domain("127.0.0.1")
    counts.append(len(session.cookie_jar))
    session.cookie_jar.update_cookies({"c": "3"})
    session.cookie_jar.clear()
    return [*counts, len(session.cookie_jar)]


async def _filtered(library: Library, session: Any, base: str) -> object:
    async with session.get(f"{base}/set") as response:
        url = response.url
    jar = session.cookie_jar
    cookies = [jar.filter_cookies(item) for item in (url, url.with_path("/next"), url.with_host("other.example"))]
    return [sorted((name, morsel.value) for name, morsel in found.items()) for found in cookies]
