"""Control characters in any argument that reaches the wire: refused, or percent-encoded where URLs allow it."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

import pytest
from multidict import CIMultiDict
from yarl import URL

import gazelle
from gazelle.auth import BasicAuth
from gazelle.body.formdata import FormData
from gazelle.body.multipart import MultipartWriter
from gazelle.body.payload import BytesPayload
from gazelle.cookies.jar import CookieJar
from gazelle.types import HttpVersion
from tests.support.clean import connector_of
from tests.support.server import ScriptedServer, response, send

OK = [send(response(b"ok"))]
CONTROLS = [chr(code) for code in (*range(0x20), 0x7F)]
SEPARATOR, SURROGATE = "\u2028", "\ud800"
BAD = [*CONTROLS, "\r\nX-Injected: 1", "\r\n\r\n", SEPARATOR, "\u010a", SURROGATE]
EMPTY_URL = URL()
PLACES = ("{}ab", "a{}b", "ab{}")

Call = Callable[[gazelle.ClientSession, str, str], Awaitable[Any]]


class Rule(NamedTuple):
    """What becomes of a bad text: an error that names the parameter, or bytes on the wire."""

    names: str
    """What the error has to name, in lower case; empty if there must not be one."""
    sent: dict[str, bytes]
    """Characters that are sent nevertheless, and as what."""
    encoded: bool = False
    """Whether everything else is sent percent-encoded, in UTF-8."""
    url: bool = False
    """Whether it is part of a URL that was parsed before: tab, CR and LF are not part of it (WHATWG URL §4.4)."""
    text: bool = False
    """Whether it is the text of a URL: it holds no control characters and no halves of surrogate pairs."""


def refused(names: str) -> Rule:
    return Rule(names, {})


# RFC 9110 §5.5: a value may hold HTAB and bytes from 0x80 on. Cookies, credentials and names may not hold the first.
NOT_ASCII = {SEPARATOR: SEPARATOR.encode(), "\u010a": "\u010a".encode()}
VALUE = {"\t": b"\t", **NOT_ASCII}


def header_value(names: str) -> Rule:
    return Rule(names.lower(), VALUE)


def text(names: str) -> Rule:
    return Rule(names.lower(), NOT_ASCII)


# RFC 3986 §2.1 has a way to say everything but half a surrogate pair, which yarl leaves out of parameters.
URL_TEXT = Rule("url", {}, encoded=True, text=True)
BASE_TEXT = Rule("base_url", {}, encoded=True, text=True)
PARAMS_TEXT = Rule("params", {}, encoded=True, text=True)
PARAMS = Rule("", {SURROGATE: b""}, encoded=True)
FORM = Rule("", {}, encoded=True)


def multipart(**arguments: Any) -> FormData:
    form = FormData()
    form.add_field(arguments.pop("name", "field"), arguments.pop("value", b"content"), **arguments)
    return form


def part(headers: dict[str, str]) -> MultipartWriter:
    writer = MultipartWriter("mixed")
    writer.append(b"content", CIMultiDict(headers))
    return writer


def named_file(name: str) -> io.BytesIO:
    file = io.BytesIO(b"content")
    file.name = name
    return file


def morsel(name: str, coded: str) -> SimpleCookie:
    made: Morsel[str] = Morsel()
    made.__setstate__({"key": name, "value": coded, "coded_value": coded})  # type: ignore[attr-defined]
    cookies = SimpleCookie()
    dict.__setitem__(cookies, name, made)
    return cookies


async def of_session(url: str, path: str = "/", **settings: Any) -> None:
    async with gazelle.ClientSession(**settings) as session:
        async with session.get(url + path):
            pass


async def of_base(url: str) -> None:
    async with gazelle.ClientSession(url) as session:
        async with session.get("y"):
            pass


# Credentials of a URL go out in base64, in UTF-8 if need be. Half a pair, percent-encoded, stays that.
USERINFO = Rule("url", NOT_ASCII, text=True)
QUOTED = Rule("", {**NOT_ASCII, SURROGATE: b""})


class Foreign:
    """Credentials of another library."""

    login = "user"

    @classmethod
    def saying(cls, field: str) -> Any:
        made = cls()
        made.field = field
        return made

    field = ""

    def encode(self) -> str:
        return self.field


def at(url: str, userinfo: str) -> str:
    return url.replace("//", f"//{userinfo}@")


PARAMETERS: dict[str, tuple[Call, Rule]] = {
    "method": (lambda s, u, t: s.request(t, u), Rule("method", {})),
    # URLs.
    "path": (lambda s, u, t: s.get(f"{u}/x{t}y"), URL_TEXT),
    "query": (lambda s, u, t: s.get(f"{u}/?a=x{t}y"), URL_TEXT),
    "path of an encoded URL": (lambda s, u, t: s.get(URL(f"{u}/x{t}y", encoded=True)), Rule("url", {}, url=True)),
    "query of an encoded URL": (
        lambda s, u, t: s.get(URL(f"{u}/?x{t}y", encoded=True)),
        Rule("url", {}, url=True),
    ),
    "host": (lambda s, u, t: s.get(f"http://x{t}y.test/"), Rule("url", {"\u010a": b""}, text=True)),
    "port": (lambda s, u, t: s.get(f"{u}{t}/"), refused("url")),
    "user": (lambda s, u, t: s.get(at(u, f"x{t}y:p")), USERINFO),
    "password": (lambda s, u, t: s.get(at(u, f"u:x{t}y")), USERINFO),
    "user, encoded": (lambda s, u, t: s.get(at(u, f"{quote(t, errors='surrogatepass')}:p")), QUOTED),
    "password, encoded": (lambda s, u, t: s.get(at(u, f"u:{quote(t, errors='surrogatepass')}")), QUOTED),
    "params, name": (lambda s, u, t: s.get(u, params={f"x{t}y": "1"}), PARAMS),
    "params, value": (lambda s, u, t: s.get(u, params={"a": f"x{t}y"}), PARAMS),
    "params, pairs": (lambda s, u, t: s.get(u, params=[("a", f"x{t}y")]), PARAMS),
    "params, text": (lambda s, u, t: s.get(u, params=f"a=x{t}y"), PARAMS_TEXT),
    "base_url": (lambda s, u, t: of_base(f"{u}/x{t}y/"), BASE_TEXT),
    # Header fields.
    "header name": (lambda s, u, t: s.get(u, headers={f"X{t}Y": "1"}), refused("header")),
    "header value": (lambda s, u, t: s.get(u, headers={"X-One": f"x{t}y"}), header_value("x-one")),
    "header value that replaces": (lambda s, u, t: s.get(u, headers={"Accept": f"x{t}y"}), header_value("accept")),
    "Host": (lambda s, u, t: s.get(u, headers={"Host": f"x{t}y"}), header_value("host")),
    "Content-Type": (lambda s, u, t: s.post(u, data=b"x", headers={"Content-Type": t}), header_value("content-type")),
    "Authorization": (lambda s, u, t: s.get(u, headers={"Authorization": t}), header_value("authorization")),
    "Content-Length": (lambda s, u, t: s.post(u, data=b"x", headers={"Content-Length": f"1{t}"}), refused("length")),
    "Transfer-Encoding": (
        lambda s, u, t: s.post(u, data=b"x", headers={"Transfer-Encoding": f"chunked{t}"}),
        refused("transfer-encoding"),
    ),
    "Expect": (lambda s, u, t: s.post(u, data=b"x", headers={"Expect": f"x{t}"}), header_value("expect")),
    "header name of the session": (lambda s, u, t: of_session(u, headers={f"X{t}Y": "1"}), refused("header")),
    "header value of the session": (lambda s, u, t: of_session(u, headers={"X-One": f"x{t}y"}), header_value("x-one")),
    "compress": (lambda s, u, t: s.post(u, data=b"x", compress=f"gzip{t}"), refused("")),
    # Cookies.
    "cookie name": (lambda s, u, t: s.get(u, cookies={f"x{t}y": "1"}), text("cookie")),
    "cookie value": (lambda s, u, t: s.get(u, cookies={"name": f"x{t}y"}), text("cookie")),
    "cookie as Morsel": (lambda s, u, t: s.get(u, cookies=morsel("name", f"x{t}y")), text("cookie")),
    "cookie as Morsel, name": (lambda s, u, t: s.get(u, cookies=morsel(f"x{t}y", "1")), text("cookie")),
    "cookie name of the session": (lambda s, u, t: of_session(u, cookies={f"x{t}y": "1"}), text("cookie")),
    "cookie value of the session": (lambda s, u, t: of_session(u, cookies={"name": f"x{t}y"}), text("cookie")),
    # Credentials: what is not in their encoding, which is Latin-1 unless one says so, is refused.
    "auth, login": (lambda s, u, t: s.get(u, auth=BasicAuth(f"x{t}y", "p")), refused("login")),
    "auth, password": (lambda s, u, t: s.get(u, auth=BasicAuth("u", f"x{t}y")), refused("password")),
    "auth of the session": (lambda s, u, t: of_session(u, auth=BasicAuth("u", f"x{t}y")), refused("password")),
    "auth of another library": (lambda s, u, t: s.get(u, auth=Foreign.saying(f"x{t}y")), header_value("authorization")),
    # Bodies.
    "form, name": (lambda s, u, t: s.post(u, data={f"x{t}y": "1"}), FORM),
    "form, value": (lambda s, u, t: s.post(u, data={"a": f"x{t}y"}), FORM),
    "multipart, name": (lambda s, u, t: s.post(u, data=multipart(name=f"x{t}y")), text("name")),
    "multipart, file name": (lambda s, u, t: s.post(u, data=multipart(filename=f"x{t}y")), text("filename")),
    "multipart, content type": (
        lambda s, u, t: s.post(u, data=multipart(content_type=f"x/{t}y")),
        text("content_type"),
    ),
    "multipart, transfer encoding": (
        lambda s, u, t: s.post(u, data=multipart(content_transfer_encoding=f"x{t}y")),
        text("content_transfer_encoding"),
    ),
    "multipart, name of a file": (lambda s, u, t: s.post(u, data={"f": named_file(f"x{t}y")}), text("filename")),
    "part, header name": (lambda s, u, t: s.post(u, data=part({f"X{t}Y": "1"})), refused("header")),
    "part, header value": (lambda s, u, t: s.post(u, data=part({"X-One": f"x{t}y"})), header_value("x-one")),
    "boundary": (
        lambda s, u, t: s.post(u, data=MultipartWriter("mixed", boundary=f"x{t}y")),
        refused("boundary"),
    ),
    "subtype": (lambda s, u, t: s.post(u, data=MultipartWriter(f"x{t}y")), refused("subtype")),
    "payload, content type": (
        lambda s, u, t: s.post(u, data=BytesPayload(b"x", content_type=f"x/{t}y")),
        text("content_type"),
    ),
    "payload, header": (
        lambda s, u, t: s.post(u, data=BytesPayload(b"x", headers={"Content-Type": f"x{t}y"})),
        header_value("content-type"),
    ),
}


def test_the_table_covers_enough() -> None:
    assert len(PARAMETERS) * len(BAD) * len(PLACES) >= 1_500


@pytest.mark.parametrize("parameter", PARAMETERS)
async def test_nothing_is_sent_or_it_is_encoded(parameter: str) -> None:
    call, rule = PARAMETERS[parameter]
    wrong = []
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            url = server.url("")
            for bad in BAD:
                for place in PLACES:
                    server.requests.clear()
                    accepted, connector = server.accepted, connector_of(session)
                    try:
                        awaited = await call(session, url, place.format(bad))
                        if awaited is not None:
                            awaited.release()
                        outcome: Any = "sent"
                    except Exception as error:
                        outcome = error
                    problem = judge(rule, bad, outcome, server, server.accepted - accepted)
                    if connector._acquired:
                        problem += "; a connection is not given back"
                    if problem:
                        wrong.append(f"{place.format(bad)!r}: {problem}")
    assert not wrong, "\n".join([parameter, *wrong])


def judge(rule: Rule, bad: str, outcome: Any, server: ScriptedServer, accepted: int) -> str:
    """What is wrong with an outcome, or nothing."""
    raw = b"".join(request.raw for request in server.requests)
    if strays := b"".join(bytes(peer.stray) for peer in server.peers):
        return f"the server got {strays!r}"
    if b"X-Injected: 1\r\n" in raw or len(server.requests) > 1:
        return f"injected: {raw!r}"
    left = bad.translate({9: None, 10: None, 13: None}) if rule.url else bad
    bad_text = rule.text and (bad == SURROGATE or any(char in CONTROLS for char in bad))
    by_rules = (rule.encoded and bad != SURROGATE and not bad_text) or not left
    either = rule.url and len(left) > 1  # one cannot tell what is left of it from what was meant
    allowed = bad in rule.sent or by_rules or either
    if isinstance(outcome, gazelle.ClientConnectorDNSError):
        return "" if allowed else f"looked up: {outcome!r}"
    if isinstance(outcome, Exception):
        if raw or accepted:
            return f"{outcome!r}, but the server got {raw!r}"
        if not isinstance(outcome, ValueError):
            return f"{outcome!r} is no ValueError"
        if allowed and not either:
            return f"refused: {outcome!r}"
        told = f"{type(outcome).__name__} {outcome}".lower()
        return "" if rule.names in told else f"does not name {rule.names}: {outcome!r}"
    if not allowed:
        return f"not refused: {raw!r}"
    if rule.encoded and bad != SURROGATE:
        start = raw if raw.startswith(b"POST") else raw.split(b" HTTP/", 1)[0]
        said = unquote_to_bytes(start.replace(b"+", b" "))
        return "" if left.encode() in said else f"not encoded: {start!r}"
    return "" if raw else "not sent"


# --- texts that are not what they say --------------------------------------------------------------------------------

INJECTED = "x\r\nX-Injected: 1"


class Liar(str):
    """A text that says something else when it is asked."""

    __slots__ = ()

    def __str__(self) -> str:
        return INJECTED

    def __format__(self, spec: str) -> str:
        return INJECTED

    def _lie(self, *args: Any, **kwargs: Any) -> Any:
        return INJECTED

    upper = lower = strip = replace = title = join = translate = casefold = _lie

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        return INJECTED.encode()


LIES: dict[str, Callable[[gazelle.ClientSession, str], Awaitable[Any]]] = {
    "method": lambda s, u: s.request(Liar("GET"), u),
    "url": lambda s, u: s.get(Liar(u)),
    "params, name": lambda s, u: s.get(u, params={Liar("a"): "1"}),
    "params, value": lambda s, u: s.get(u, params={"a": Liar("1")}),
    "params, text": lambda s, u: s.get(u, params=Liar("a=1")),
    "header name": lambda s, u: s.get(u, headers=[(Liar("X-One"), "1")]),
    "header value": lambda s, u: s.get(u, headers=[("X-One", Liar("1"))]),
    "cookie name": lambda s, u: s.get(u, cookies=[(Liar("a"), "1")]),
    "cookie value": lambda s, u: s.get(u, cookies={"a": Liar("1")}),
    "login": lambda s, u: s.get(u, auth=BasicAuth(Liar("u"), "p")),
    "auth": lambda s, u: s.get(u, auth=Foreign.saying(Liar("Basic x"))),
    "form, name": lambda s, u: s.post(u, data={Liar("a"): "1"}),
    "form, value": lambda s, u: s.post(u, data={"a": Liar("1")}),
    "multipart, name": lambda s, u: s.post(u, data=multipart(name=Liar("a"))),
    "multipart, file name": lambda s, u: s.post(u, data=multipart(filename=Liar("a"))),
    "multipart, content type": lambda s, u: s.post(u, data=multipart(content_type=Liar("a/b"))),
    "part, header": lambda s, u: s.post(u, data=part({"X-One": Liar("a")})),
    "boundary": lambda s, u: s.post(u, data=MultipartWriter("mixed", boundary=Liar("a"))),
    "subtype": lambda s, u: s.post(u, data=MultipartWriter(Liar("mixed"))),
    "content type": lambda s, u: s.post(u, data=BytesPayload(b"x", content_type=Liar("a/b"))),
    "compress": lambda s, u: s.post(u, data=b"x", compress=Liar("gzip")),
    "Host": lambda s, u: s.get(u, headers={"Host": Liar("a")}),
    "Expect": lambda s, u: s.post(u, data=b"x", headers={"Expect": Liar("a")}),
    "Cookie": lambda s, u: s.get(u, headers={"Cookie": Liar("a=1")}, cookies={"b": "2"}),
}


@pytest.mark.parametrize("parameter", LIES)
async def test_a_str_subclass_with_false_answers_injects_nothing(parameter: str) -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            try:
                (await LIES[parameter](session, server.url("/"))).release()
            except (ValueError, TypeError, LookupError, gazelle.ClientError):
                assert server.requests == []
            for request in server.requests:
                assert b"\r\nX-Injected: 1\r\n" not in request.raw
                assert request.path == "/"


@pytest.mark.parametrize(
    "version",
    [
        HttpVersion(1, "1\r\nX-Injected: 1"),  # type: ignore[arg-type]
        HttpVersion("1", 1),  # type: ignore[arg-type]
        HttpVersion(2, 0),
        HttpVersion(1, -1),
        (1, "1\r\nX-Injected: 1"),
        "HTTP/1.1\r\nX-Injected: 1",
        "1.1",
    ],
)
async def test_only_two_versions_can_be_spoken(version: Any) -> None:
    async with ScriptedServer({"*": OK}) as server:
        with pytest.raises((ValueError, TypeError), match="version"):
            await of_session(server.url("/"), path="", version=version)
        assert server.accepted == 0


async def test_cookies_of_a_custom_jar_are_checked() -> None:
    class Jar(CookieJar):
        def filter_cookies(self, request_url: URL = EMPTY_URL) -> SimpleCookie:
            return morsel("name", INJECTED)

    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=Jar()) as session:
            async with session.get(server.url("/")):
                pass
        assert b"X-Injected" not in server.requests[0].head


async def test_session_headers_that_become_bad_are_refused() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/")):
            pass
        session.headers["X-One"] = INJECTED
        for _ in range(2):
            with pytest.raises(ValueError, match="X-One"):
                await session.get(server.url("/"))
        del session.headers["X-One"]
        async with session.get(server.url("/")):
            pass
        assert len(server.requests) == 2


NO_TEXTS = (1, b"1", None)
# Fields that are looked at on the way, and one that is not.
FIELDS = ("Accept", "Authorization", "Content-Encoding", "Content-Length", "Content-Type", "Cookie", "Expect", "Host")
OTHERS = ("Transfer-Encoding", "X-One")


@pytest.mark.parametrize("value", NO_TEXTS)
@pytest.mark.parametrize("name", FIELDS + OTHERS)
async def test_a_header_value_that_is_no_text_is_a_type_error_that_names_header_and_type(name: str, value: Any) -> None:
    message = f"header '{name}' must be str, not {type(value).__name__}"
    call: dict[str, Any] = {"data": b"x", "cookies": {"a": "1"}}
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(headers={name: value}) as session:
            with pytest.raises(TypeError, match=message):
                await session.post(server.url(), **call)
            session.headers[name] = "1"
        for settings in ({}, {"trust_env": True}, {"trace_configs": [gazelle.TraceConfig()]}):
            async with gazelle.ClientSession(**settings) as session:
                for headers in ({name: value}, [(name, value)]):
                    with pytest.raises(TypeError, match=message):
                        await session.post(server.url(), headers=headers, **call)
        assert server.accepted == 0


@pytest.mark.parametrize("name", NO_TEXTS)
async def test_a_header_name_that_is_no_text_is_a_type_error_that_names_header_and_type(name: Any) -> None:
    message = f"Header names must be str, not {type(name).__name__}: {name!r}"
    async with ScriptedServer({"*": OK}) as server:
        for headers in ({name: "x"}, [("X-One", "1"), (name, "x")], {"X-One": "1", name: "x"}):
            with pytest.raises(TypeError, match=message):
                await of_session(server.url(), headers=headers)
            for settings in ({}, {"trust_env": True}, {"trace_configs": [gazelle.TraceConfig()]}):
                async with gazelle.ClientSession(**settings) as session:
                    for method in ("GET", "POST"):
                        with pytest.raises(TypeError, match=message):
                            await session.request(method, server.url(), headers=headers)
        assert server.accepted == 0
