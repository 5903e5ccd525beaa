"""The table of options: what is written out elsewhere agrees with it, and every option is checked."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import re
import ssl
import typing
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

import gazelle
from gazelle.client.options import (
    ABSENT,
    CALL_DEFAULTS,
    OF_CALL,
    OF_SESSION,
    OPTIONS,
    Kind,
    RequestOptions,
    check_settings,
    is_plain,
    split,
)
from gazelle.client.policy import Policy
from gazelle.net.deprecated import OLD_TLS_ARGUMENTS
from gazelle.types import sentinel
from tests.support.clean import assert_clean, said_at_collection
from tests.support.server import ScriptedServer, response, send

HELLO = {"*": [send(response(b"hello"))]}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "requests.md"
# The keywords that a method names in its signature, next to those of the dictionary.
VERBS: dict[str, dict[str, object]] = {
    "get": {"allow_redirects": True},
    "options": {"allow_redirects": True},
    "head": {"allow_redirects": False},
    "post": {"data": None},
    "put": {"data": None},
    "patch": {"data": None},
    "delete": {},
}


class Bool:
    """A flag of another library, named as numpy names its own."""

    def __init__(self, value: bool) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return self.value


Bool.__name__ = "bool_"


class Index:
    """A whole number of another library."""

    def __index__(self) -> int:
        return 7


async def middleware(request: Any, handler: Any) -> Any:
    return await handler(request)


async def look(response: gazelle.ClientResponse) -> None:
    assert response.status == 200


class Response(gazelle.ClientResponse):
    """A subclass."""


FLAGS: list[Any] = [True, False, 0, 1, Bool(True), Bool(False)]
NO_FLAGS: list[tuple[Any, type[Exception]]] = [(bad, TypeError) for bad in ("x", "", "false", 2, -1, 0.0, [], object())]
NONE: tuple[Any, type[Exception]] = (None, TypeError)
NO_SIZES: list[tuple[Any, type[Exception]]] = [
    *((bad, TypeError) for bad in ("x", "10", 1.5, True, False, [1])),
    *((bad, ValueError) for bad in (-1, 2**40 + 1, 10**30)),
]
NO_FUNCTIONS: list[tuple[Any, type[Exception]]] = [(bad, TypeError) for bad in ("x", 3, ["x"])]
NO_PAIRS: list[tuple[Any, type[Exception]]] = [(bad, TypeError) for bad in ("a=b", b"a", 3, [1], ["ab"], [("a",)])]
NO_PROXY: list[tuple[Any, type[Exception]]] = [(bad, NotImplementedError) for bad in ("http://a.test", 3)]
NO_SECONDS: list[tuple[Any, type[Exception]]] = [("x", TypeError), (True, TypeError), (-1, ValueError)]

BAD: dict[str, list[tuple[Any, type[Exception]]]] = {
    "params": [(3, TypeError), (b"a=b", TypeError), ("a\nb", ValueError)],
    "data": [(3, TypeError), ([1], TypeError)],
    "json": [(object(), TypeError)],
    "base_url": [(3, TypeError), (b"http://a/", TypeError), ("/", ValueError), ("http://a/b", ValueError)],
    "json_serialize": [*NO_FUNCTIONS, NONE],
    "json_serialize_bytes": NO_FUNCTIONS,
    "headers": NO_PAIRS,
    "cookies": NO_PAIRS,
    "skip_auto_headers": [("User-Agent", TypeError), (3, TypeError), ([1], TypeError), ([b"User-Agent"], TypeError)],
    "cookie_jar": [({}, TypeError), ("x", TypeError), (gazelle.CookieJar, TypeError)],
    "auth": [("login", TypeError), (("login", "secret"), TypeError), (3, TypeError)],
    "version": [("1.1", ValueError), ((2, 0), ValueError), (None, ValueError)],
    "compress": [("x", ValueError), (3, TypeError), (b"gzip", TypeError), (object(), TypeError)],
    "chunked": [("x", TypeError), (-1, TypeError), (1.5, TypeError), (object(), TypeError)],
    "expect100": NO_FLAGS,
    "raise_for_status": [("x", TypeError), (3, TypeError), ([], TypeError)],
    "error_body_size": NO_SIZES,
    "allow_redirects": [*NO_FLAGS, NONE],
    "max_redirects": [*NO_SIZES, NONE],
    "retry": NO_FLAGS,
    "middlewares": [(middleware, TypeError), ([3], TypeError), ("x", TypeError), ({}, TypeError), (3, TypeError)],
    "read_until_eof": [*NO_FLAGS, NONE],
    "read_bufsize": [*NO_SIZES, (0, ValueError)],
    "auto_decompress": NO_FLAGS,
    "max_line_size": NO_SIZES,
    "max_field_size": NO_SIZES,
    "max_headers": NO_SIZES,
    "ssl": [(0, TypeError), (1, TypeError), ("x", TypeError), (b"\0" * 32, TypeError)],
    "server_hostname": [(3, TypeError), (b"a", TypeError), ("", ValueError), (".a", ValueError), ("a\0b", ValueError)],
    "proxy": NO_PROXY,
    "proxy_auth": NO_PROXY,
    "proxy_headers": [*NO_PROXY, ({"A": "b"}, NotImplementedError)],
    "read_timeout": NO_SECONDS,
    "conn_timeout": [*NO_SECONDS, (float("nan"), ValueError), (float("inf"), ValueError)],
    "verify_ssl": NO_FLAGS,
    "ssl_context": [(True, TypeError), ("x", TypeError)],
    "fingerprint": [("x" * 32, TypeError), (3, TypeError), (b"x", ValueError), (b"\0" * 16, ValueError)],
    "connector": [("x", TypeError), (3, TypeError), (gazelle.TCPConnector, TypeError)],
    "connector_owner": [*NO_FLAGS, NONE],
    "loop": [("x", TypeError), (3, TypeError)],
    "requote_redirect_url": [*NO_FLAGS, NONE],
    "trust_env": NO_FLAGS,
    "response_class": [("x", TypeError), (dict, TypeError), (None, TypeError)],
    "fallback_charset_resolver": NO_FUNCTIONS,
    "trace_configs": [(3, TypeError), ([3], TypeError), (gazelle.TraceConfig(), TypeError)],
    "trace_request_ctx": [],
    "upload_tracker": [(3, TypeError), ("x", TypeError), (gazelle.UploadTracker, TypeError)],
}
BAD_FOR_SESSION = BAD | {
    "timeout": [(5, ValueError), ("x", ValueError), (gazelle.ClientTimeout, ValueError)],
    "retry": [*NO_FLAGS, NONE],
    "auto_decompress": [*NO_FLAGS, NONE],
    "read_bufsize": [*BAD["read_bufsize"], NONE],
    "max_line_size": [*NO_SIZES, NONE],
    "max_field_size": [*NO_SIZES, NONE],
    "max_headers": [*NO_SIZES, NONE],
    "error_body_size": [*NO_SIZES, NONE],
}
BAD_FOR_CALL = BAD | {"timeout": [*NO_SECONDS, ((1, 2), TypeError), (float("nan"), ValueError)]}
# The libraries that encode these say what is wrong with a value, and do not know the name of the parameter.
WITHOUT_NAME = {"params", "data", "json"}

# Functions of no arguments, for those that need an event loop or are used up.
GOOD: dict[str, list[Any]] = {
    "params": [None, {"a": "1"}, [("a", "1")], "a=1"],
    "data": [None, b"a", "a", {"a": "1"}],
    "json": [None, {}, 0],
    "base_url": [None, "http://a.test/", URL("http://a.test/b/")],
    "json_serialize": [json.dumps, str],
    "json_serialize_bytes": [None, lambda value: b"1"],
    "headers": [None, {}, {"A": "b"}, CIMultiDict(A="b"), [("A", "b")], [["A", "b"]], lambda: iter([("A", "b")])],
    "cookies": [None, {}, {"a": "b"}, [("a", "b")], lambda: iter([("a", "b")])],
    "skip_auto_headers": [None, [], ["User-Agent"], ("Accept",), {"accept"}, lambda: iter(["Accept"])],
    "cookie_jar": [None, gazelle.CookieJar(), gazelle.DummyCookieJar()],
    "auth": [None, gazelle.BasicAuth("login", "secret")],
    "version": [gazelle.HttpVersion11, gazelle.HttpVersion10, (1, 1)],
    "compress": [None, *FLAGS, "gzip", "deflate", ""],
    "chunked": [None, *FLAGS, 1024],
    "expect100": [None, *FLAGS],
    "timeout": [None, gazelle.ClientTimeout(), gazelle.ClientTimeout(total=5), sentinel],
    "raise_for_status": [None, *FLAGS, lambda: look, lambda: lambda response: None],
    "error_body_size": [0, 1, 2**40, Index()],
    "allow_redirects": FLAGS,
    "max_redirects": [0, 1, 10, Index()],
    "retry": FLAGS,
    "middlewares": [None, (), [], [middleware], (middleware, middleware), lambda: iter([middleware])],
    "read_until_eof": FLAGS,
    "read_bufsize": [1, 2**18, Index()],
    "auto_decompress": FLAGS,
    "max_line_size": [100, 2**40],
    "max_field_size": [100, 2**40],
    "max_headers": [Index(), 2**40],
    "ssl": [None, True, False, gazelle.Fingerprint(b"\0" * 32), ssl.create_default_context()],
    "server_hostname": [None, "a.test", "xn--bcher-kva.test", "127.0.0.1"],
    "proxy": [None],
    "proxy_auth": [None],
    "proxy_headers": [None, {}],
    "read_timeout": [None, 5, 0.5],
    "conn_timeout": [None, 5, 0.5],
    "verify_ssl": [None, *FLAGS],
    "ssl_context": [None, ssl.create_default_context()],
    "fingerprint": [None, b"\0" * 32, bytearray(32)],
    "connector": [None, lambda: gazelle.TCPConnector()],
    "connector_owner": [True, 1, Bool(True)],
    "loop": [None, asyncio.get_running_loop],
    "requote_redirect_url": FLAGS,
    "trust_env": [None, *FLAGS],
    "response_class": [gazelle.ClientResponse, Response],
    "fallback_charset_resolver": [None, lambda: lambda response, body: "utf-8"],
    "trace_configs": [None, [], lambda: [gazelle.TraceConfig()], lambda: iter([gazelle.TraceConfig()])],
    "trace_request_ctx": [None, 3, {}],
    "upload_tracker": [None, lambda: gazelle.UploadTracker()],
}
# Functions that are values themselves and not makers of one.
MADE = {"json_serialize", "json_serialize_bytes"}


def goods(name: str) -> list[Any]:
    """The good values of an option, made anew."""
    is_made = name not in MADE
    return [value() if is_made and inspect.isroutine(value) else value for value in GOOD[name]]


# --- what is written out -----------------------------------------------------------------------------------------


def documented(text: str | None) -> list[str]:
    """The names that the Args of a docstring list."""
    section = re.search(r"^Args:\n((?:    .*\n|\n)*)", inspect.cleandoc(text or "") + "\n", re.MULTILINE)
    assert section is not None
    entries = re.findall(r"^    (\w[\w, ]*): ", section[1], re.MULTILINE)
    return [name for entry in entries for name in entry.split(", ")]


def keywords_of(function: Callable[..., Any]) -> tuple[dict[str, object], set[str]]:
    """The keywords that a signature names with their defaults, and those of its dictionary."""
    parameters = inspect.signature(function).parameters.values()
    named = {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}
    (rest,) = [one for one in parameters if one.kind is one.VAR_KEYWORD]
    assert typing.get_origin(rest.annotation) is typing.Unpack
    return named, set(typing.get_args(rest.annotation)[0].__annotations__)


def test_the_names_of_the_table_are_unique_and_each_belongs_somewhere() -> None:
    names = [option.name for option in OPTIONS]
    assert len(set(names)) == len(names)
    assert {*OF_SESSION, *OF_CALL} == set(names)


def test_the_signature_of_a_session_is_the_table() -> None:
    parameters = [*inspect.signature(gazelle.ClientSession).parameters.values()]
    assert {one.name: one.default for one in parameters} == {name: one.session for name, one in OF_SESSION.items()}
    first, *rest = parameters
    assert (first.name, first.kind) == ("base_url", first.POSITIONAL_OR_KEYWORD)
    assert {one.kind for one in rest} == {inspect.Parameter.KEYWORD_ONLY}


def test_the_keywords_of_a_call_are_the_table() -> None:
    assert set(RequestOptions.__annotations__) == set(OF_CALL)
    assert keywords_of(gazelle.ClientSession.request) == ({}, set(OF_CALL))
    assert [*inspect.signature(gazelle.ClientSession.request).parameters][:3] == ["self", "method", "url"]


@pytest.mark.parametrize("verb", VERBS)
def test_the_keywords_of_a_verb_are_the_table(verb: str) -> None:
    named, rest = keywords_of(getattr(gazelle.ClientSession, verb))
    assert named == VERBS[verb]
    assert not rest & named.keys()
    assert rest | named.keys() == set(OF_CALL)
    others = {name: value for name, value in named.items() if verb != "head"}
    assert all(OF_CALL[name].call is value for name, value in others.items())


def test_the_keywords_of_the_module_function_are_the_table() -> None:
    named, rest = keywords_of(gazelle.request)
    assert named == {name: OF_SESSION[name].session for name in ("version", "connector", "loop")}
    assert rest == set(OF_CALL)


def test_the_docstrings_list_every_option_once() -> None:
    assert sorted(documented(gazelle.ClientSession.__doc__)) == sorted(OF_SESSION)
    assert sorted(documented(gazelle.ClientSession.request.__doc__)) == sorted({"method", "url", *OF_CALL})
    assert sorted(documented(gazelle.request.__doc__)) == sorted(["method", "url", "version", "connector", "loop"])


def test_the_reference_page_lists_every_option_and_the_defaults_of_a_session() -> None:
    page = PAGE.read_text(encoding="utf-8")
    session, request = page.split("\nclass ClientSession(")[1].split("### `ClientSession.request`")
    request = request.split("\n### ")[0]
    for text, names in ((session, OF_SESSION), (request, OF_CALL)):
        listed = [
            name for line in re.findall(r"^- ((?:`\w+`(?:, )?)+): ", text, re.MULTILINE) for name in line.split(", ")
        ]
        assert {f"`{name}`" for name in names} <= set(listed)
        assert len(set(listed)) == len(listed)
    signature = session.split("\n)")[0]
    parameters = dict(re.findall(r"^    (\w+): .* = (.*),$", signature, re.MULTILINE))
    assert list(parameters) == list(inspect.signature(gazelle.ClientSession).parameters)
    for name, default in parameters.items():
        value = OF_SESSION[name].session
        if isinstance(value, bool | int) or value is None:
            assert default == ("DEFAULT_READ_BUFSIZE" if name == "read_bufsize" else repr(value))


def test_what_a_session_takes_too_is_left_to_it_by_default() -> None:
    both = OF_SESSION.keys() & OF_CALL.keys()
    assert {OF_CALL[name].call for name in both} == {None, sentinel}


def test_a_policy_has_every_setting_of_a_call() -> None:
    settings = {name for name, option in OF_CALL.items() if option.kind is Kind.SETTING}
    assert set(Policy.NAMES) == settings - OLD_TLS_ARGUMENTS - {"proxy", "proxy_auth", "proxy_headers"}
    assert {name: OF_CALL[name].call for name in settings if OF_CALL[name].session is ABSENT} == CALL_DEFAULTS


def test_a_default_passes_the_check_of_its_option() -> None:
    for option in OF_SESSION.values():
        option.check(option.name, option.session)
    for name in CALL_DEFAULTS:
        OF_CALL[name].check_for_call(OF_CALL[name].call)


def test_the_values_below_are_of_every_option() -> None:
    names = {option.name for option in OPTIONS}
    assert BAD_FOR_SESSION.keys() == BAD_FOR_CALL.keys() == GOOD.keys() == names


# --- checks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_CALL)
async def test_a_call_refuses_a_bad_value_with_its_name_and_sends_nothing(name: str) -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession() as session:
        for value, error in BAD_FOR_CALL[name]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                with pytest.raises(error, match=None if name in WITHOUT_NAME else name) as caught:
                    await session.post(server.url(), **{name: value})
                assert caught.type is error, value
        assert server.accepted == 0
        async with session.post(server.url()) as answer:
            assert await answer.read() == b"hello"
        await assert_clean(session, server)


@pytest.mark.parametrize("name", OF_CALL)
async def test_a_bad_value_is_reported_where_the_request_is_awaited(name: str) -> None:
    """As errors of a request are: a program that gathers requests gets them as results."""
    async with gazelle.ClientSession() as session:
        for value, error in BAD_FOR_CALL[name]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                options: Any = {name: value}
                (result,) = await asyncio.gather(session.put("http://127.0.0.1:1/", **options), return_exceptions=True)
            assert type(result) is error


@pytest.mark.parametrize("name", OF_SESSION)
async def test_a_session_refuses_a_bad_value_with_its_name_and_leaves_nothing(name: str) -> None:
    for value, error in BAD_FOR_SESSION[name]:
        with said_at_collection() as said:
            with pytest.raises(error, match=name) as caught:
                gazelle.ClientSession(**{name: value})
            assert caught.type is error, value
            del caught
            gc.collect()
        assert said.messages == []
        assert [text for kind, text in said.warned if issubclass(kind, ResourceWarning)] == []


@pytest.mark.parametrize("name", OF_CALL)
async def test_a_call_takes_the_good_values(name: str) -> None:
    extra = [None] if name in OF_SESSION else []  # None is what the session says, or no time limit
    numbers = [5, 0.5, 0] if name == "timeout" else []
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession() as session:
        for value in [*goods(name), *extra, *numbers]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                options: Any = {name: value}
                async with session.post(server.url(), **options) as answer:
                    assert await answer.read() == b"hello"
        await assert_clean(session, server)


@pytest.mark.parametrize("name", OF_SESSION)
async def test_a_session_takes_the_good_values(name: str) -> None:
    async with ScriptedServer(HELLO) as server:
        for value in goods(name):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                options: Any = {name: value}
                async with gazelle.ClientSession(**options) as session, session.post(server.url(), json=1) as answer:
                    assert await answer.read() == b"hello"


@pytest.mark.parametrize("name", ["cookies", "headers", "auth"])
async def test_an_error_does_not_show_what_may_be_a_secret(name: str) -> None:
    values: list[Any] = ["secret", ["secret"], ("secret", "secret")]
    for value in values:
        with pytest.raises(TypeError, match=name) as caught:
            gazelle.ClientSession(**{name: value})
        assert "secret" not in str(caught.value)
        async with gazelle.ClientSession() as session:
            with pytest.raises(TypeError, match=name) as of_call:
                await session.get("http://127.0.0.1:1/", **{name: value})
        assert "secret" not in str(of_call.value)


async def test_an_error_does_not_repeat_a_long_value() -> None:
    with pytest.raises(TypeError, match="read_bufsize") as caught:
        gazelle.ClientSession(read_bufsize="x" * 10**6)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


async def test_a_flag_that_is_no_bool_becomes_one() -> None:
    for value in (0, Bool(False)):
        async with gazelle.ClientSession(auto_decompress=value) as session:  # type: ignore[arg-type]
            assert session.auto_decompress is False
    for value in (1, Bool(True)):
        async with gazelle.ClientSession(raise_for_status=value) as session:  # type: ignore[arg-type]
            assert session.raise_for_status is True


async def test_a_status_is_an_error_for_a_flag_of_another_library() -> None:
    routes = {"*": [send(response(b"", status="404 Not Found"))]}
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientResponseError):
            await session.get(server.url(), raise_for_status=Bool(True))  # type: ignore[arg-type]
        async with session.get(server.url(), raise_for_status=Bool(False)) as answer:  # type: ignore[arg-type]
            assert answer.status == 404


@pytest.mark.parametrize("method", ["request", *VERBS])
async def test_an_unknown_name_is_refused_and_nothing_is_sent(method: str) -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession() as session:
        for known in ({}, {"headers": {"A": "b"}}, {"timeout": 5}, {"json": 1}):
            arguments = ("GET", server.url()) if method == "request" else (server.url(),)
            with pytest.raises(TypeError, match="unexpected keyword argument 'allow_redirect'"):
                await getattr(session, method)(*arguments, **known, allow_redirect=False)
        assert server.accepted == 0
        with pytest.raises(TypeError, match="allow_redirect"):
            gazelle.ClientSession(allow_redirect=False)  # type: ignore[call-arg]


# --- splitting ---------------------------------------------------------------------------------------------------


def test_split_takes_settings_and_leaves_content() -> None:
    arguments: dict[str, Any] = {"json": 1, "timeout": 5, "headers": {"A": "b"}, "chunked": 1, "ssl": False}
    assert split(arguments) == {"timeout": 5, "ssl": False}
    assert arguments == {"json": 1, "headers": {"A": "b"}, "chunked": True}
    assert arguments["chunked"] is True


def test_split_drops_what_leaves_a_setting_to_the_session() -> None:
    arguments = {name: option.call for name, option in OF_CALL.items() if option.kind is Kind.SETTING}
    assert split(arguments) == {}
    assert arguments == {}
    assert check_settings({"server_hostname": None, "proxy_headers": {}}) == {}


def test_split_makes_lists_of_iterators_that_are_read_again() -> None:
    arguments: dict[str, Any] = {
        "headers": iter([("A", "b")]),
        "cookies": iter([("a", "b")]),
        "skip_auto_headers": iter(["Accept"]),
    }
    assert split(arguments) == {}
    assert arguments == {"headers": [("A", "b")], "cookies": [("a", "b")], "skip_auto_headers": ["Accept"]}


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [
        ({}, True),
        ({"params": [1], "data": 3, "json": object(), "auth": 5}, True),
        ({"headers": {}, "cookies": None, "skip_auto_headers": None}, True),
        ({"headers": CIMultiDict()}, True),
        ({"headers": iter([])}, False),
        ({"cookies": [("a", "b")]}, False),
        ({"skip_auto_headers": "x"}, False),
        ({"chunked": None}, False),
        ({"timeout": 5}, False),
        ({"upload_tracker": None}, False),
        ({"no_such": 1}, False),
    ],
)
def test_plain_arguments_need_neither_a_check_nor_a_policy(arguments: dict[str, Any], plain: bool) -> None:
    assert is_plain(arguments) is plain
