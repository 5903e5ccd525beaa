"""Redirects: methods, bodies, targets, secrets, limits."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tests.differential.call import Call, Library, Options, fixed, greet
from tests.support.server import Script, response, send


def _to(location: str, status: str = "302 Found", *, more: str = "", name: str = "Location") -> Script:
    async def script(peer: Any) -> None:
        target = location.replace("{port}", str(peer.server.port)).encode("utf-8", "surrogateescape")
        extra = f"\r\n{more}" if more else ""
        await peer.send(f"HTTP/1.1 {status}\r\nContent-Length: 0{extra}\r\n{name}: ".encode() + target + b"\r\n\r\n")

    return script


def _found(location: str, status: str = "302 Found", **keywords: str) -> dict[str, Script]:
    return {"/from": _to(location, status, **keywords), "*": greet}


async def _stream() -> AsyncIterator[bytes]:
    yield b"stream"


STATUSES = (
    "300 Multiple Choices",
    "301 Moved",
    "302 Found",
    "303 See Other",
    "304 Not Modified",
    "305 Use Proxy",
    "307 Temporary",
    "308 Permanent",
)
METHODS: dict[str, tuple[str, Options]] = {
    "GET": ("GET", fixed()),
    "HEAD": ("HEAD", fixed(allow_redirects=True)),
    "OPTIONS": ("OPTIONS", fixed()),
    "DELETE": ("DELETE", fixed()),
    "POST": ("POST", fixed(data=b"abc")),
    "POST without a body": ("POST", fixed()),
    "PUT": ("PUT", fixed(data="text")),
    "PATCH": ("PATCH", fixed(json={"a": 1})),
    "GET with a body": ("GET", fixed(data=b"abc")),
    "PROPFIND": ("PROPFIND", fixed(data=b"<a/>")),
    "POST form": ("POST", fixed(data={"a": "1"})),
}
BODIES: dict[str, Options] = {
    "file": lambda _: {"data": io.BytesIO(b"buffer")},
    "stream": lambda _: {"data": _stream()},
    "chunked": fixed(data=b"abc", chunked=True),
    "compress": fixed(data=b"abc", compress=True),
    "Content-Type": fixed(data=b"abc", headers={"Content-Type": "x/y"}),
    "Content-Length": fixed(data=b"abc", headers={"Content-Length": "3"}),
    "Content-Language": fixed(data=b"abc", headers={"Content-Language": "de"}),
    "multipart": lambda library: {"data": library.FormData({"f": io.BytesIO(b"x")})},
    "expect": fixed(data=b"abc", headers={"X-Expect": "no"}),
}
TARGETS = (
    "/to", "to", "./to", "../to", "?k=1", "#f", "/to#f", "//127.0.0.1:{port}/to", "http://127.0.0.1:{port}/to", "HTTP://127.0.0.1:{port}/to", "http:/to", "http:to", "/a b", "/ä", "/%7eb", "/a%2fb",
    "/to?a=b c", "/to?a=%2B+", "", " ", "http://", "http:///to", "http://127.0.0.1:x/", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "javascript:alert(1)", "mailto:a@b.c", "data:text/plain,a",
    "http://u:p@127.0.0.1:{port}/to", "http://[::1/", "\\to", "/to\\a", "/a/../to", "/a/./to", "//", "///to", "https:to", "/to;a=b", "/\udcff", "http://127.0.0.1:{port}", "/from/../to", "/ /", ".", "..", "/%",
    "/to?x=1&amp;y=2", "/to|a", "/to{a}", 'http://127.0.0.1:{port}/"to"', "http://nowhere.invalid/", "http://127.1:{port}/to",
)  # fmt: skip
SECRETS: dict[str, tuple[Options, Options]] = {
    "auth": (lambda library: {"auth": library.BasicAuth("u", "p")}, fixed()),
    "auth of the session": (fixed(), lambda library: {"auth": library.BasicAuth("u", "p")}),
    "Authorization": (fixed(headers={"Authorization": "Bearer x"}), fixed()),
    "Authorization of the session": (fixed(), fixed(headers={"Authorization": "Bearer x"})),
    "Cookie": (fixed(headers={"Cookie": "a=1"}), fixed()),
    "Cookie of the session": (fixed(), fixed(headers={"Cookie": "a=1"})),
    "cookies": (fixed(cookies={"a": "1"}), fixed()),
    "cookies of the session": (fixed(), fixed(cookies={"a": "1"})),
    "Proxy-Authorization": (fixed(headers={"Proxy-Authorization": "x"}), fixed()),
    "Host": (fixed(headers={"Host": "a.example"}), fixed()),
    "X-Api-Key": (fixed(headers={"X-Api-Key": "x"}), fixed()),
    "Referer": (fixed(headers={"Referer": "http://a.example/"}), fixed()),
}


def _chain(length: int) -> dict[str, Script]:
    routes: dict[str, Script] = {f"/{number}": _to(f"/{number + 1}") for number in range(length)}
    return routes | {"*": greet}


def calls() -> Iterator[Call]:
    """The calls of this theme."""
    for status in STATUSES:
        for kind, (method, options) in METHODS.items():
            yield Call(f"redirects/{status[:3]}/{kind}", method, "/from", options, routes=_found("/to", status))
    for status in ("301 Moved", "303 See Other", "307 Temporary"):
        for kind, options in BODIES.items():
            yield Call(f"redirects/body/{kind} on {status[:3]}", "POST", "/from", options, routes=_found("/to", status))
    for target in TARGETS:
        yield Call(f"redirects/target/{target!r}", url="/from", routes=_found(target))
        if "%" in target or "ä" in target or " " in target:
            session = fixed(requote_redirect_url=False)
            yield Call(f"redirects/target as it came/{target!r}", url="/from", routes=_found(target), session=session)
    for kind, (options, session) in SECRETS.items():
        yield Call(f"redirects/same origin/{kind}", "GET", "/from", options, session, _found("/to"))
        elsewhere = _found("http://localhost:{port}/to")
        yield Call(f"redirects/other origin/{kind}", "GET", "/from", options, session, elsewhere)
        there_and_back: dict[str, Script] = {
            "/from": _to("http://localhost:{port}/mid"),
            "/mid": _to("http://127.0.0.1:{port}/to"),
            "*": greet,
        }
        yield Call(f"redirects/there and back/{kind}", "GET", "/from", options, session, there_and_back)
    for limit in range(5):
        yield Call(f"redirects/limit/{limit}", url="/0", options=fixed(max_redirects=limit), routes=_chain(2))
    yield Call("redirects/limit/default", url="/0", routes=_chain(12))
    yield Call("redirects/limit/just below", url="/0", routes=_chain(9))
    yield Call("redirects/limit/loop", url="/from", routes=_found("/from"))
    plain: dict[str, tuple[str, str, Options]] = {
        "not followed": ("GET", "/from", fixed(allow_redirects=False)),
        "of HEAD": ("HEAD", "/from", fixed()),
        "params": ("GET", "/from", fixed(params={"a": "1"})),
        "fragment": ("GET", "/from#old", fixed()),
        "headers": ("GET", "/from", fixed(headers={"X-A": "1"})),
        "skip_auto_headers": ("GET", "/from", fixed(skip_auto_headers=["User-Agent"])),
        "URL credentials": ("GET", "http://u:p@127.0.0.1:{port}/from", fixed()),
        "raise_for_status": ("GET", "/from", fixed(raise_for_status=True)),
    }
    for kind, (method, url, options) in plain.items():
        yield Call(f"redirects/{kind}", method, url, options, routes=_found("/to"))
    yield Call(
        "redirects/URL credentials elsewhere",
        url="http://u:p@127.0.0.1:{port}/from",
        routes=_found("http://localhost:{port}/to"),
    )
    yield Call("redirects/URI", url="/from", routes=_found("/to", name="URI"))
    yield Call("redirects/no target", url="/from", routes=_found("/to", name="X-Location"))
    yield Call("redirects/two targets", url="/from", routes=_found("/to", more="Location: /first"))
    yield Call(
        "redirects/cookie on the way", url="http://localhost:{port}/from", routes=_found("/to", more="Set-Cookie: a=1")
    )
    yield Call(
        "redirects/cookie for another host",
        url="http://localhost:{port}/from",
        routes=_found("http://127.0.0.1:{port}/to", more="Set-Cookie: a=1"),
    )
    yield Call("redirects/close", url="/from", routes=_found("/to", more="Connection: close"))
    yield Call(
        "redirects/with a body",
        url="/from",
        routes={"/from": [send(response(b"moved", status="302 Found", headers="Location: /to"))], "*": greet},
    )
    yield Call(
        "redirects/with half a body",
        url="/from",
        routes={
            "/from": [send(b"HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 100\r\n\r\nmoved")],
            "*": greet,
        },
    )
    yield Call(
        "redirects/error at the end",
        url="/from",
        options=fixed(raise_for_status=True),
        routes={"/from": _to("/to"), "*": [send(response(b"", status="500 No"))]},
    )
    yield Call("redirects/history", talk=_history, routes=_chain(3))


async def _history(_: Library, session: Any, base: str) -> object:
    seen: list[object] = []
    async with session.get(f"{base}/0") as response:
        for item in response.history:
            try:
                await item.read()
            except Exception as error:
                seen.append(type(error).__name__)
            seen.append((item.status, item.closed, len(item.history), item.headers["Location"]))
    return seen
