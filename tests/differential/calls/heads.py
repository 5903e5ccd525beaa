"""Request targets, queries, header fields and credentials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from multidict import CIMultiDict, MultiDict
from yarl import URL

from tests.differential.call import Call, Library, Options, fixed

PATHS = (
    "", "/", "/a/b", "/a%20b", "/a b", "/ä", "/%C3%A4", "/%c3%a4", "/%7Euser", "/~user", "/a/../b", "/a/./b", "/a//b", "/%2F", "/%2e%2e/b",
    "/a;b=c", "/a:b", "/a@b", "/a'b", '/a"b', "/a<b>", "/a|b", "/a\\b", "/a^b", "/a`b", "/{a}", "/[a]", "/a+b", "/a%2Bb", "/a%zz", "/%", "/a%00b",
    "/?", "/?a", "/?a=", "/?a=1&b=2", "/?a=b c", "/?a=b+c", "/?a=b%20c", "/?a=b%2Bc", "/?a=ä", "/?a=%c3%a4", "/?a=1&a=2", "/?&&", "/?a=/b?c", "/?a='b'", "/?a=%",
    "/?a=%26", "/?a;b", "/?a[]=1", "/#f", "/a#f", "/?a=1#f", "/#", "/a\tb", "/a\nb", "/a\x00b", "/a\x7fb", "/a\ud800b", "/a\n", "/a b?c d", "/😀",
)  # fmt: skip

URLS = (
    "HTTP://127.0.0.1:{port}/", "http://127.0.0.1:{port}", "http://127.0.0.1:{port}?a=1", "http://127.0.0.1:{port}#f", "http://localhost:{port}/", "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/", "http://user:pass@127.0.0.1:{port}/", "http://user@127.0.0.1:{port}/", "http://:pass@127.0.0.1:{port}/", "http://us%3Aer:p%40ss@127.0.0.1:{port}/",
    "http://ä:ö@127.0.0.1:{port}/", "ws://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/", "file:///etc/passwd", "//127.0.0.1:{port}/", "127.0.0.1:{port}/", "/relative-only", "", "http://", "http:///a",
    "http://:{port}/", "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://[::1/", "http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://127.0.0.1:0/", "http://a b/",
    "http://exa_mple.invalid/", "http://-a.invalid/", "http://a..invalid/", "http://xn--a.invalid/", "javascript:1", "http:127.0.0.1:{port}/", "http://127.0.0.1:{port}/\r\nX: 1", "http://127.0.0.1:{port}\\a", "http://user:pa ss@127.0.0.1:{port}/",
)  # fmt: skip

PARAMS: dict[str, Any] = {
    "dict": {"a": "1", "b": "2"},
    "int": {"a": 1},
    "float": {"a": 1.5},
    "int subclass bool": {"a": True},
    "None": {"a": None},
    "empty": {},
    "empty str": "",
    "spaces": {"a b": "c d"},
    "plus": {"a": "b+c"},
    "percent": {"a": "50%"},
    "encoded value": {"a": "%20"},
    "alphabet": {"тест": "ä"},
    "separators": {"a": "b&c=d#e?f/g;h"},
    "list value": {"a": ["1", "2"]},
    "list of int value": {"a": [1, 2]},
    "tuple value": {"a": ("1", "2")},
    "pairs": [("a", "1"), ("a", "2")],
    "tuple of pairs": (("a", "1"),),
    "multidict": MultiDict([("a", "1"), ("a", "2")]),
    "str": "a=1&b=2",
    "str encoded": "c=%20d&e=%C3%A4",
    "str plus": "a=b+c",
    "str spaces": "a=b c",
    "str alphabet": "a=ä",
    "str leading question mark": "?a=1",
    "str with fragment": "a=1#f",
    "str with line end": "a=1\nb=2",
    "str without value": "flag",
    "bytes": b"a=1",
    "number": 5,
    "bytes value": {"a": b"1"},
    "dict value": {"a": {"b": "c"}},
    "nan": {"a": float("nan")},
    "empty value": {"a": ""},
    "empty key": {"": "a"},
}

HEADERS: dict[str, Options] = {
    "dict": fixed(headers={"X-A": "1", "X-B": "2"}),
    "pairs": fixed(headers=[("X-A", "1"), ("x-a", "2")]),
    "multidict": fixed(headers=CIMultiDict([("X-A", "1"), ("X-A", "2")])),
    "plain multidict": fixed(headers=MultiDict([("X-A", "1"), ("x-A", "2")])),
    "empty": fixed(headers={}),
    "lower case": fixed(headers={"accept": "text/html"}),
    "User-Agent": fixed(headers={"User-Agent": "mine"}),
    "User-Agent empty": fixed(headers={"User-Agent": ""}),
    "Accept-Encoding": fixed(headers={"Accept-Encoding": "identity"}),
    "Host": fixed(headers={"Host": "other.example"}),
    "Host twice": fixed(headers=[("Host", "a.example"), ("Host", "b.example")]),
    "Connection close": fixed(headers={"Connection": "close"}),
    "Connection keep-alive": fixed(headers={"Connection": "keep-alive"}),
    "Connection upgrade": fixed(headers={"Connection": "Upgrade", "Upgrade": "x"}),
    "Authorization": fixed(headers={"Authorization": "Bearer x"}),
    "Cookie": fixed(headers={"Cookie": "b=2; a=1"}),
    "Cookie with spaces": fixed(headers={"Cookie": 'a="x y"; b=c=d'}),
    "Referer": fixed(headers={"Referer": "http://a.example/"}),
    "Range": fixed(headers={"Range": "bytes=0-1"}),
    "alphabet": fixed(headers={"X-A": "тест"}),
    "latin-1": fixed(headers={"X-A": "ä"}),
    "surrogate": fixed(headers={"X-A": "\udcff"}),
    "tab": fixed(headers={"X-A": "a\tb"}),
    "empty value": fixed(headers={"X-A": ""}),
    "spaces around": fixed(headers={"X-A": "  a  "}),
    "CR": fixed(headers={"X-A": "a\rb"}),
    "LF": fixed(headers={"X-A": "a\nb"}),
    "CRLF": fixed(headers={"X-A": "a\r\nX-B: b"}),
    "NUL": fixed(headers={"X-A": "a\x00b"}),
    "BEL": fixed(headers={"X-A": "a\x07b"}),
    "DEL": fixed(headers={"X-A": "a\x7fb"}),
    "name with LF": fixed(headers={"X\nA": "a"}),
    "name with space": fixed(headers={"X A": "a"}),
    "name with colon": fixed(headers={"X:A": "a"}),
    "name empty": fixed(headers={"": "a"}),
    "name of another alphabet": fixed(headers={"Ü": "a"}),
    "int value": fixed(headers={"X-A": 5}),
    "bytes value": fixed(headers={"X-A": b"5"}),
    "None value": fixed(headers={"X-A": None}),
    "str": fixed(headers="X-A: 1"),
    "skip all": fixed(skip_auto_headers=["User-Agent", "Accept", "Accept-Encoding"]),
    "skip in lower case": fixed(skip_auto_headers=["user-agent"]),
    "skip what is passed": fixed(skip_auto_headers=["Accept"], headers={"Accept": "text/html"}),
    "skip Host": fixed(skip_auto_headers=["Host"]),
    "skip unknown": fixed(skip_auto_headers=["X-A"]),
    "many": fixed(headers=[(f"X-{number}", str(number)) for number in range(60)]),
    "long": fixed(headers={"X-A": "a" * 20000}),
}

METHODS = ("get", "Post", "M-SEARCH", "A!#$%&'*+-.^_`|~1", "", "G T", "GET\r\nX: 1", "GÄT", "G/T", "a" * 300)


def _basic(*arguments: Any, **keywords: Any) -> Options:
    return lambda library: {"auth": library.BasicAuth(*arguments, **keywords)}


def _session_basic(*arguments: Any) -> Options:
    return lambda library: {"auth": library.BasicAuth(*arguments)}


def _joined(*options: Options) -> Options:
    def make(library: Library) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for one in options:
            made |= one(library)
        return made

    return make


AUTH: dict[str, tuple[str, Options, Options]] = {
    "basic": ("/", _basic("user", "pass"), fixed()),
    "basic without password": ("/", _basic("user"), fixed()),
    "basic latin-1": ("/", _basic("üser", "päss"), fixed()),
    "basic utf-8": ("/", _basic("üser", "тест", "utf-8"), fixed()),
    "basic not encodable": ("/", _basic("тест", "x"), fixed()),
    "of the session": ("/", fixed(), _session_basic("user", "pass")),
    "of both": ("/", _basic("call", "c"), _session_basic("user", "pass")),
    "and Authorization": ("/", _joined(_basic("a", "b"), fixed(headers={"Authorization": "x"})), fixed()),
    "of the session and Authorization": ("/", fixed(headers={"Authorization": "x"}), _session_basic("a", "b")),
    "and Authorization of the session": ("/", _basic("a", "b"), fixed(headers={"Authorization": "x"})),
    "and URL": ("http://u:p@127.0.0.1:{port}/", _basic("a", "b"), fixed()),
    "of the session and URL": ("http://u:p@127.0.0.1:{port}/", fixed(), _session_basic("a", "b")),
    "URL and Authorization": ("http://u:p@127.0.0.1:{port}/", fixed(headers={"Authorization": "x"}), fixed()),
    "tuple": ("/", fixed(auth=("a", "b")), fixed()),
    "str": ("/", fixed(auth="a:b"), fixed()),
    "of the session a tuple": ("/", fixed(), fixed(auth=("a", "b"))),
    "colon in the name": ("/", _basic("a:b", "c"), fixed()),
}

SESSIONS: dict[str, tuple[Options, Options]] = {
    "headers": (fixed(headers={"X-A": "session", "X-B": "session"}), fixed(headers={"X-B": "call", "X-C": "call"})),
    "headers in pairs": (fixed(headers=[("X-A", "1"), ("X-A", "2")]), fixed()),
    "headers replaced by pairs": (
        fixed(headers=[("X-A", "1"), ("X-A", "2"), ("X-Z", "z")]),
        fixed(headers=[("x-a", "3"), ("x-a", "4")]),
    ),
    "User-Agent": (fixed(headers={"User-Agent": "mine"}), fixed()),
    "User-Agent of both": (fixed(headers={"User-Agent": "mine"}), fixed(headers={"user-agent": "call"})),
    "Host": (fixed(headers={"Host": "a.example"}), fixed()),
    "Content-Type": (fixed(headers={"Content-Type": "x/y"}), fixed(data=b"abc")),
    "Content-Length": (fixed(headers={"Content-Length": "3"}), fixed(data=b"abc")),
    "Cookie": (fixed(headers={"Cookie": "a=1"}), fixed(cookies={"b": "2"})),
    "skip": (fixed(skip_auto_headers=["User-Agent"]), fixed(skip_auto_headers=["Accept"])),
    "version 1.0": (lambda library: {"version": library.HttpVersion10}, fixed()),
    "version 1.0 with a body": (lambda library: {"version": library.HttpVersion10}, fixed(data=b"abc")),
    "version 1.0 chunked": (lambda library: {"version": library.HttpVersion10}, fixed(data=b"abc", chunked=True)),
    "version 1.0 and Connection": (
        lambda library: {"version": library.HttpVersion10},
        fixed(headers={"Connection": "close"}),
    ),
    "json_serialize": (fixed(json_serialize=lambda value: "<" + json.dumps(value) + ">"), fixed(json={"a": 1})),
    "json_serialize_bytes": (
        fixed(json_serialize_bytes=lambda value: b"<" + json.dumps(value).encode() + b">"),
        fixed(json={"a": 1}),
    ),
    "force_close": (lambda library: {"connector": library.TCPConnector(force_close=True)}, fixed()),
    "force_close and Connection": (
        lambda library: {"connector": library.TCPConnector(force_close=True)},
        fixed(headers={"Connection": "keep-alive"}),
    ),
    "cookies": (fixed(cookies={"a": "1"}), fixed(cookies={"b": "2"})),
    "timeout a number": (fixed(timeout=5), fixed()),
    "timeout None": (fixed(timeout=None), fixed()),
    "base_url relative": (fixed(base_url="a/"), fixed()),
    "base_url without a slash": (fixed(base_url="http://127.0.0.1/a"), fixed()),
    "base_url no host": (fixed(base_url="/a/"), fixed()),
    "headers str": (fixed(headers="a"), fixed()),
    "unknown argument": (fixed(no_such=1), fixed()),
}

RELATIVE = (
    "",
    "b",
    "/b",
    "../b",
    "./b",
    "b?x=1",
    "?x=1",
    "#f",
    "//127.0.0.1:{port}/c",
    "http://127.0.0.1:{port}/c",
    "b c",
    "b/",
    "b:c",
)

_QUERY_URLS = ("/", "/?x=1", "/?x=a%20b", "/#f", "/?x=1#f")

# Targets with an explicit `encoded=True` go out as they are.
ENCODED = ("/%7euser", "/a%2fb?c=%2B", "/?sig=%3d%3D", "/a/../b")


def calls() -> Iterator[Call]:
    """The calls of this theme."""
    for path in PATHS:
        yield Call(f"heads/path/{path!r}", url="http://127.0.0.1:{port}" + path)
    for url in URLS:
        yield Call(f"heads/url/{url!r}", url=url)
    for kind, params in PARAMS.items():
        yield Call(f"heads/params/{kind}", options=fixed(params=params))
    for url in _QUERY_URLS[1:]:
        for kind in ("dict", "str", "empty", "pairs"):
            yield Call(f"heads/params/{kind} to {url}", url=url, options=fixed(params=PARAMS[kind]))
    for kind, options in HEADERS.items():
        yield Call(f"heads/headers/{kind}", options=options)
    for method in METHODS:
        yield Call(f"heads/method/{method[:20]!r}", method)
    for kind, (url, options, session) in AUTH.items():
        yield Call(f"heads/auth/{kind}", url=url, options=options, session=session)
    for kind, (session, options) in SESSIONS.items():
        yield Call(
            f"heads/session/{kind}",
            "POST" if "json" in kind or kind.startswith("Content") or "body" in kind else "GET",
            options=options,
            session=session,
        )
    for url in RELATIVE:
        yield Call(f"heads/base_url/{url}", talk=_relative(url))
    for target in ENCODED:
        yield Call(f"heads/encoded/{target}", talk=_encoded(target))
    yield Call("heads/session/headers changed", talk=_changed)


def _relative(url: str) -> Any:
    async def talk(library: Library, _: Any, base: str) -> object:
        async with library.ClientSession(f"{base}/api/v1/") as session:
            async with session.get(url.replace("{port}", base.rpartition(":")[2])) as response:
                return str(response.url), str(response.real_url)

    return talk


def _encoded(target: str) -> Any:
    async def talk(_: Library, session: Any, base: str) -> object:
        async with session.get(URL(base + target, encoded=True)) as response:
            return str(response.url)

    return talk


async def _changed(_: Library, session: Any, base: str) -> object:
    for value in ("1", "2"):
        session.headers["X-A"] = value
        async with session.get(base) as response:
            await response.read()
    del session.headers["X-A"]
    async with session.get(base) as response:
        return dict(session.headers)
