"""A plain call sends the same bytes and gives the same result as the full way, for any arguments and any reply.

One session makes plain calls where it can, a second one never; both get the same arguments and the same script.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

import gazelle
from gazelle.client import session as session_module
from tests.conftest import LOOPS
from tests.support.running import run_strictly
from tests.support.server import Peer, ScriptedServer, chunked, fin, response

PLAIN: Final = os.environ.get("GAZELLE_PLAIN", "1") != "0"
EXAMPLES: Final = 150
METHODS: Final = ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"]
# Replies by the first segment of the path.
REPLIES: Final = {
    "ok": response(b"hello"),
    "empty": response(b"", status="204 No Content", length=False),
    "chunks": response(b"", headers="Transfer-Encoding: chunked", length=False) + chunked(b"one", b"two"),
    "gzip": response(bytes.fromhex("1f8b08000000000000034bce0700a2b3c0e702000000"), headers="Content-Encoding: gzip"),
    "cookie": response(b"", headers="Set-Cookie: a=1\r\nSet-Cookie: b=2; Path=/ok; HttpOnly"),
    "expired": response(b"", headers="Set-Cookie: a=; Max-Age=0"),
    "moved": response(b"gone", status="302 Found", headers="Location: /ok?x=1"),
    "kept": response(b"gone", status="307 Temporary Redirect", headers="Location: /cookie"),
    "lost": response(b"", status="301 Moved Permanently"),
    "circle": response(b"", status="302 Found", headers="Location: /circle"),
    "unchanged": response(b"", status="304 Not Modified", length=False),
    "missing": response(b"what?", status="404 Not Found"),
    "broken": response(b"sorry", status="500 Internal Server Error", headers="Set-Cookie: e=5"),
    "malformed": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "nonsense": b"what?\r\n\r\n",
    "short": response(b"", headers="Content-Length: 10", length=False) + b"123",
    "closing": response(b"bye", headers="Connection: close"),
}
CLOSING: Final = {"malformed", "nonsense", "short", "closing"}


async def answer(peer: Peer) -> None:
    """Answer by the first segment of the path; `dead` closes a connection that was used before."""
    kind = peer.request.path.strip("/").split("/")[0]
    if kind == "dead":
        if len(peer.requests) > 1:
            await fin()(peer)
            return
        kind = "ok"
    reply = REPLIES.get(kind, REPLIES["ok"])
    if peer.request.method == "HEAD":
        reply = reply.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    with contextlib.suppress(ConnectionError):
        await peer.send(reply)
        if kind in CLOSING:
            await fin()(peer)


# --- what is compared -----------------------------------------------------------------------------------


def without_port(text: object, server: ScriptedServer) -> str:
    return str(text).replace(str(server.port), "PORT")


async def outcome(session: gazelle.ClientSession, server: ScriptedServer, arguments: dict[str, Any]) -> Any:
    """Make a call, and return everything that shows of its result."""
    try:
        async with session.request(**arguments) as reply:
            seen: list[Any] = [
                reply.status,
                reply.reason,
                [(one.status, without_port(one.url, server)) for one in reply.history],
                [without_port(part, server) for part in (reply.url, reply.real_url, reply.host)],
                [without_port(part, server) for part in (reply.request_info.url, reply.request_info.real_url)],
                reply.request_info.method,
                [(name, without_port(value, server)) for name, value in reply.request_info.headers.items()],
                reply.raw_headers,
                reply.cookies.output(),
            ]
            try:
                seen.append(await reply.read())
            except Exception as error:
                seen.append((type(error), without_port(error, server)))
            return seen
    except Exception as error:
        return [type(error), without_port(error, server), type(error.__cause__)]


@contextlib.contextmanager
def counting_full_calls() -> Iterator[list[str]]:
    """Yield a list that grows with the method of each call that goes the full way."""
    methods: list[str] = []
    send = vars(session_module)["send"]

    async def counted(context: Any, method: str, *rest: Any) -> Any:
        methods.append(method)
        return await send(context, method, *rest)

    with mock.patch.object(session_module, "send", counted):
        yield methods


Call = Callable[[ScriptedServer], dict[str, Any]]
Run = tuple[list[Any], list[bytes], list[str]]


async def run(plain: bool, options: dict[str, Any], cookies: dict[str, str], calls: list[Call]) -> tuple[Run, int]:
    """Make the calls of one session; return results, bytes on the wire and cookies, and how many calls were plain."""
    async with ScriptedServer({"*": answer}) as server:
        base = options.get("base_url")
        if base is not None:
            options = options | {"base_url": server.url(base)}
        jar = gazelle.CookieJar(unsafe=True)
        async with gazelle.ClientSession(cookie_jar=jar, cookies=cookies, **options) as session:
            session._core.plan.plain = session._core.plan.plain and plain
            results, count = [], 0
            for call in calls:
                with contextlib.suppress(Exception):  # a connection to take
                    await (await session.get(server.url("/ok"))).read()
                with counting_full_calls() as full:
                    results.append(await outcome(session, server, call(server)))
                count += not full and type(results[-1][0]) is int
            kept = sorted(f"{cookie.key}={cookie.value} {cookie['path']}" for cookie in jar)
        wire = [request.raw.replace(str(server.port).encode(), b"PORT") for request in server.requests]
        return (results, wire, kept), count


async def compare(options: dict[str, Any], cookies: dict[str, str], calls: list[Call]) -> int:
    """Make the same calls on both sessions, compare them, and return how many were plain."""
    mine, count = await run(True, options, cookies, calls)
    other, none = await run(False, options, cookies, calls)
    for one, another in zip(mine, other, strict=True):
        assert one == another
    assert none == 0
    return count


# --- arguments ------------------------------------------------------------------------------------------


class Text(str):
    __slots__ = ()


class Bytes(bytes):
    __slots__ = ()


class Table(dict[str, Any]):
    pass


_text = st.text(st.sampled_from("aZ09-._~!$&'()*+,;=:@/?%# é€\x7f\ud800"), max_size=6)
_kinds = st.sampled_from([*REPLIES, "dead", "ok", "ok"])
_tails = st.one_of(
    st.sampled_from(
        ["", "/", "//", "?", "?a=1", "?a=1&", "?a=1&&", "?&", "?a=%20+b", "?a=b=c&d", "?é=1", "#f", "?q#f"]
    ),
    st.sampled_from(
        ["/./x", "/../x", "/.x", "/%2e/x", "/%41", "/%2F", "/%zz", "/a b", "/a%20b", "/é", "/;p=1", "/a:b"]
    ),
    st.text("aZ0/.-_~!$&'()*+,;=:@?%#é ", max_size=10).map("/".__add__),
)
_pairs = st.lists(st.tuples(_text, st.one_of(_text, st.integers(), st.booleans(), st.floats(), st.none())), max_size=3)
_params = st.one_of(
    st.none(),
    _pairs.map(dict),
    _pairs,
    _pairs.map(tuple),
    _text,
    _pairs.map(lambda pairs: Table(pairs)),
    st.dictionaries(_text, st.lists(_text, max_size=2), max_size=2),
)
_names = st.sampled_from(
    [
        *("X-A", "x-a", "X-B", "Accept", "accept", "User-Agent", "Authorization", "Cookie", "Host", "Content-Type"),
        *("Content-Length", "Transfer-Encoding", "Connection", "Expect", "If-None-Match", "X Y", "", "Xé", Text("X-A")),
    ]
)
_values = st.one_of(st.sampled_from(["1", "a b", "", " a ", "close", "chunked", "é", "a\nb", Text("t"), 1, b"b"]))
_fields = st.lists(st.tuples(_names, _values), max_size=3)
_headers = st.one_of(
    st.none(),
    _fields.map(dict),
    _fields,
    _fields.map(CIMultiDict),
    _fields.map(Table),
    st.sampled_from(["", 0, (), {}]),
)
_json = st.one_of(st.none(), st.just(object()), st.recursive(_text | st.integers() | st.none(), st.lists, max_leaves=4))
_data = st.one_of(
    st.none(),
    st.binary(max_size=5),
    _text,
    st.just(b"x" * 40000),
    st.binary(max_size=3).map(Bytes),
    _text.map(Text),
    st.dictionaries(_text, st.one_of(_text, st.integers(), st.floats(), st.none()), max_size=3),
    st.dictionaries(_text, _text, max_size=2).map(Table),
    st.sampled_from([[("a", "1")], bytearray(b"ab"), 3, [], ()]),
)
_timeouts = st.sampled_from(
    [
        *(None, 60, 60.5, 0, True, "x", -1, float("nan"), float("inf"), 1e9, 2e9),
        *(gazelle.ClientTimeout(), gazelle.ClientTimeout(60, 60, 60, 60), gazelle.ClientTimeout(connect=60)),
    ]
)
_optional: dict[str, st.SearchStrategy[Any]] = {
    "params": _params,
    "headers": _headers,
    "json": _json,
    "data": _data,
    "timeout": _timeouts,
    "allow_redirects": st.sampled_from([True, False, 1, None]),
    "raise_for_status": st.sampled_from([True, False, None]),
    "auth": st.sampled_from([None, gazelle.BasicAuth("u", "p"), "u"]),
    "cookies": st.sampled_from([None, {}, {"a": "9"}]),
    "max_redirects": st.just(2),
    "ssl": st.sampled_from([True, False, None]),
    "unknown": st.none(),
}


_words = st.text("aZ09-._~!$&'()*+,;=:@/?%# é€", max_size=6)
_word_pairs = st.lists(st.tuples(_words, st.one_of(_words, st.integers())), min_size=1, max_size=3)
_token_fields = st.lists(st.tuples(st.sampled_from(["X-A", "x-a", "X-B", "If-None-Match"]), _words), max_size=3)
_plain: dict[str, st.SearchStrategy[Any]] = {
    "params": st.one_of(_word_pairs, _word_pairs.map(dict), _word_pairs.map(tuple)),
    "headers": st.one_of(_token_fields.map(dict), _token_fields.map(CIMultiDict)),
    "json": st.recursive(_words | st.integers() | st.none(), st.lists, max_leaves=4),
    "data": st.one_of(st.binary(max_size=5), _words, _word_pairs.map(dict), st.just(b"x" * 40000)),
    "timeout": st.sampled_from([None, 60, 60.5, gazelle.ClientTimeout(60, 60, 60, 60)]),
    "allow_redirects": st.booleans(),
}


@st.composite
def _plain_calls(draw: st.DrawFn) -> Call:
    """Calls that are plain, or that are so near to it that the difference is easily missed."""
    kind, method = draw(_kinds), draw(st.sampled_from(METHODS))
    tail = draw(st.one_of(_tails, st.sampled_from(["", "/a", "?a=1", "?a=1&", "/%20?b=%2B"])))
    names = draw(st.sets(st.sampled_from(sorted(_plain)), max_size=2))
    arguments: dict[str, Any] = {name: draw(_plain[name]) for name in sorted(names)}
    return lambda server: {"method": method, "url": server.url(f"/{kind}{tail}"), **arguments}


@st.composite
def _odd_calls(draw: st.DrawFn) -> Call:
    """Calls of all kinds, also of those that are refused."""
    kind, tail = draw(_kinds), draw(_tails)
    method = draw(st.sampled_from([*METHODS, "get", "TRACE", "X-Y", "G T", Text("GET")]))
    start = draw(st.sampled_from(["http://127.0.0.1:PORT", "HTTP://127.0.0.1:PORT", "http://u:p@127.0.0.1:PORT", ""]))
    root = draw(st.sampled_from(["/", "/", "/", "", "//"])) if not start else "/"
    names = draw(st.sets(st.sampled_from(sorted(_optional)), max_size=3))
    arguments: dict[str, Any] = {name: draw(_optional[name]) for name in sorted(names)}
    as_type = draw(st.sampled_from([str, str, str, Text, URL]))

    def call(server: ScriptedServer) -> dict[str, Any]:
        text = f"{start}{root}{kind}{tail}".replace("PORT", str(server.port))
        url: Any = text
        with contextlib.suppress(ValueError):
            url = as_type(text)
        return {"method": method, "url": url, **arguments}

    return call


_calls = st.one_of(_plain_calls(), _plain_calls(), _odd_calls())


def _look(reply: gazelle.ClientResponse) -> None:
    if reply.status == 200:
        raise LookupError(reply.status)


_cookies: st.SearchStrategy[dict[str, str]] = st.sampled_from([{}, {}, {"a": "0"}])
_sessions: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {},
    optional={
        "base_url": st.sampled_from(["/", "/ok/", "/ok/a%20b/"]),
        "headers": st.sampled_from(
            [{"X-A": "s"}, {"Content-Type": "x/y"}, {"Authorization": "x"}, {"Cookie": "s=1"}, {"Host": "h"}]
        ),
        "auth": st.just(gazelle.BasicAuth("s", "p")),
        "skip_auto_headers": st.sampled_from([["Accept"], ["content-type", "User-Agent"]]),
        "raise_for_status": st.sampled_from([True, _look]),
        "error_body_size": st.just(3),
        "retry": st.booleans(),
        "version": st.sampled_from([gazelle.HttpVersion10, gazelle.HttpVersion11]),
        "trust_env": st.booleans(),
        "timeout": st.just(gazelle.ClientTimeout(total=120, sock_read=60)),
        "requote_redirect_url": st.booleans(),
        "json_serialize": st.just(repr),
        "auto_decompress": st.booleans(),
    },
)


@pytest.mark.parametrize("loop", list(LOOPS))
def test_a_plain_call_is_the_full_one(loop: str, pytestconfig: pytest.Config) -> None:
    option = pytestconfig.getoption
    if LOOPS[loop] is None or option("--loop") not in (None, loop):
        pytest.skip(f"not on {loop}")
    counts: list[int] = []

    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.data_too_large], derandomize=True)
    @given(options=_sessions, cookies=_cookies, calls=st.lists(_calls, min_size=1, max_size=5))
    def check(options: dict[str, Any], cookies: dict[str, str], calls: list[Call]) -> None:
        async def noted() -> None:
            counts.append(await compare(options, cookies, calls))

        assert run_strictly(noted(), LOOPS[loop], debug=option("--loop-debug"), eager=option("--eager")) == []

    check()
    if PLAIN:
        assert sum(counts) >= EXAMPLES / 4  # else next to nothing was compared


# --- what has to be plain --------------------------------------------------------------------------------

MUST_BE_PLAIN: Final[dict[str, dict[str, Any]]] = {
    "nothing": {},
    "params as a dict": {"params": {"a": 1, "b": "x y"}},
    "params as a list": {"params": [("a", "1"), ("a", "2")]},
    "headers": {"headers": {"X-A": "1"}},
    "headers as a multidict": {"headers": CIMultiDict([("X-A", "1"), ("x-a", "2")])},
    "bytes": {"data": b"abc"},
    "text": {"data": "abc"},
    "a form": {"data": {"a": "1"}},
    "json": {"json": {"a": [1, None]}},
    "a timeout": {"timeout": 30},
    "a ClientTimeout": {"timeout": gazelle.ClientTimeout(total=30, connect=5, sock_read=10)},
    "no timeout": {"timeout": None},
    "no redirects": {"allow_redirects": False},
}


@pytest.mark.skipif(not PLAIN, reason="GAZELLE_PLAIN=0")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["ok", "chunks", "cookie", "missing"])
async def test_simple_calls_are_plain(method: str, kind: str) -> None:
    async with ScriptedServer({"*": answer}) as server, gazelle.ClientSession() as session:
        await (await session.get(server.url("/ok"))).read()
        with counting_full_calls() as full:
            for arguments in MUST_BE_PLAIN.values():
                async with session.request(method, server.url(f"/{kind}"), **arguments) as reply:
                    await reply.read()
        assert full == []
        assert server.accepted == 1


@pytest.mark.skipif(not PLAIN, reason="GAZELLE_PLAIN=0")
@pytest.mark.parametrize(
    "options", [{"base_url": "/"}, {"trust_env": True}, {"raise_for_status": True}, {"cookies": {"a": "1"}}]
)
async def test_calls_of_sessions_with_options_are_plain(options: dict[str, Any]) -> None:
    async with ScriptedServer({"*": answer}) as server:
        if "base_url" in options:
            options = {"base_url": server.url("/")}
        async with gazelle.ClientSession(**options) as session:
            await (await session.get(server.url("/ok"))).read()
            with counting_full_calls() as full:
                for url in [server.url("/ok"), server.url("/ok/x?y=1")] + ["/ok", "ok"] * ("base_url" in options):
                    await (await session.get(url)).read()
            assert full == []
            assert server.accepted == 1
