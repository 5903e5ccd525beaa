"""The Cookie field of requests: precedence, the jar that is queried, and when the field is made anew."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from yarl import URL

import gazelle
from gazelle.abc import AbstractCookieJar
from gazelle.cookies.dummy import DummyCookieJar
from gazelle.cookies.jar import CookieJar
from tests.support.clean import assert_clean
from tests.support.server import Peer, ScriptedServer, response, send

OK = [send(response(b"ok"))]


def setting(*cookies: str) -> list[Any]:
    return [send(response(b"ok", headers="\r\n".join(f"Set-Cookie: {cookie}" for cookie in cookies)))]


async def get(session: gazelle.ClientSession, url: str, **arguments: Any) -> gazelle.ClientResponse:
    async with session.get(url, **arguments) as answer:
        await answer.read()
        return answer


def jar(**cookies: str) -> CookieJar:
    """A jar that has cookies for 127.0.0.1."""
    made = CookieJar(unsafe=True)
    made.update_cookies(cookies, URL("http://127.0.0.1/"))
    return made


# --- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({}, "jar=1; session=1"),
        ({"cookies": {"own": "1"}}, "jar=1; own=1; session=1"),
        ({"cookies": {"jar": "2", "session": "2"}}, "jar=2; session=2"),
        ({"cookies": [("b", "1"), ("a", "1")]}, "a=1; b=1; jar=1; session=1"),
        ({"cookies": SimpleCookie("own=1")}, "jar=1; own=1; session=1"),
        ({"cookies": {}}, "jar=1; session=1"),
        ({"headers": {"Cookie": "field=1"}}, "field=1; jar=1; session=1"),
        ({"headers": {"cOOKIE": "field=1; jar=2"}}, "field=1; jar=1; session=1"),
        ({"headers": {"Cookie": "own=2"}, "cookies": {"own": "1"}}, "jar=1; own=1; session=1"),
        ({"cookies": {"own": "a b"}}, 'jar=1; own="a b"; session=1'),
        ({"cookies": {"own": "a;b"}}, 'jar=1; own="a\\073b"; session=1'),
        ({"headers": {"Cookie": 'field="a b"'}}, 'field="a b"; jar=1; session=1'),
    ],
)
async def test_cookies_of_a_call_win_over_the_jar_and_both_over_the_header(
    arguments: dict[str, Any], sent: str
) -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=jar(jar="1"), cookies={"session": "1"}) as session:
            await get(session, server.url(), **arguments)
            await get(session, server.url())
        assert [request.header("cookie") for request in server.requests] == [sent, "jar=1; session=1"]


async def test_without_a_jar_the_header_goes_out_as_it_came() -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=DummyCookieJar()) as session:
            await get(session, server.url(), headers={"Cookie": "b=1; a=2;c"})
        assert server.requests[0].header("cookie") == "b=1; a=2;c"


async def test_a_cookie_header_of_the_session_is_merged_too() -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=jar(jar="1"), headers={"Cookie": "field=1; jar=2"}) as session:
            await get(session, server.url())
            await get(session, server.url(), headers={"Cookie": "other=1"})
        assert [request.header("cookie") for request in server.requests] == ["field=1; jar=1", "jar=1; other=1"]


async def test_cookies_of_a_call_are_not_kept() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        await get(session, server.url(), cookies={"own": "1"})
        assert len(session.cookie_jar) == 0
        await get(session, server.url())
        assert [request.header("cookie") for request in server.requests] == ["own=1", None]


@pytest.mark.parametrize("unsafe", [True, False])
async def test_addresses_have_cookies_only_if_that_is_wanted(unsafe: bool) -> None:
    async with ScriptedServer({"/set": setting("a=1"), "*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=unsafe)) as session:
            answer = await get(session, server.url("/set"))
            assert answer.cookies["a"].value == "1"
            await get(session, server.url("/next"))
        assert server.requests[1].header("cookie") == ("a=1" if unsafe else None)


async def test_a_path_narrows_a_cookie() -> None:
    routes = {"/a/set": setting("root=1; Path=/", "here=1", "deep=1; Path=/a/b", "x=root; Path=/", "x=deep; Path=/a/b")}
    async with ScriptedServer(routes | {"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            await get(session, server.url("/a/set"))
            for path in ("/", "/a", "/a/b/c?q=/", "/ab"):
                await get(session, server.url(path))
        assert [request.header("cookie") for request in server.requests[1:]] == [
            "root=1; x=root",
            "here=1; root=1; x=root",
            "deep=1; here=1; root=1; x=deep",
            "root=1; x=root",
        ]


async def test_values_go_back_as_they_came() -> None:
    values = ['"quoted"', '"a b"', "a=b", "", "a%20b", "caf\xe9", '"unbalanced', "x y"]
    async with ScriptedServer({"/set": setting(*[f"c{i}={v}" for i, v in enumerate(values)]), "*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            await get(session, server.url("/set"))
            await get(session, server.url("/next"))
        sent = dict(pair.split("=", 1) for pair in (server.requests[1].header("cookie") or "").split("; "))
        assert {name: sent.get(name) for name in ("c0", "c1", "c2", "c3", "c4", "c7")} == {
            f"c{i}": values[i] for i in (0, 1, 2, 3, 4, 7)
        }


# --- what an answer tells --------------------------------------------------------------------------------------------


async def test_an_answer_tells_the_last_cookie_of_each_name_and_the_jar_keeps_all() -> None:
    routes = {"/x/set": setting("a=1; Path=/", "a=2; Path=/x; HttpOnly", "b=3; Max-Age=60", "=bad", "bad")}
    async with ScriptedServer(routes) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            answer = await get(session, server.url("/x/set"))
            assert {name: morsel.value for name, morsel in answer.cookies.items()} == {"a": "2", "b": "3"}
            assert answer.cookies["a"]["httponly"] is True
            assert answer.cookies["b"]["max-age"] == "60"
            assert sorted((m.key, m.value) for m in session.cookie_jar) == [("a", "1"), ("a", "2"), ("b", "3")]


@pytest.mark.parametrize("status", ["204 No Content", "404 Not Found", "500 Oops", "304 Not Modified", "401 No"])
async def test_every_answer_may_set_cookies(status: str) -> None:
    script = [send(response(status=status, headers="Set-Cookie: a=1", length=status[0] not in "23"))]
    async with ScriptedServer({"/set": script, "*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            await get(session, server.url("/set"))
            await get(session, server.url("/next"))
        assert server.requests[1].header("cookie") == "a=1"


async def test_an_answer_that_raises_has_set_its_cookies() -> None:
    routes = {"/set": [send(response(status="500 Oops", headers="Set-Cookie: a=1"))], "*": OK}
    async with ScriptedServer(routes) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True), raise_for_status=True) as session:
            with pytest.raises(gazelle.ClientResponseError):
                await session.get(server.url("/set"))
            await get(session, server.url("/next"))
        assert server.requests[1].header("cookie") == "a=1"


async def test_set_cookie_of_an_interim_answer_is_not_kept() -> None:
    script = [send(b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=1\r\n\r\n" + response(b"ok"))]
    async with ScriptedServer({"/set": script, "*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            await get(session, server.url("/set"))
            await get(session, server.url("/next"))
        assert server.requests[1].header("cookie") is None


# --- requests that are remembered ------------------------------------------------------------------------------------


async def test_a_remembered_request_sees_each_change_of_the_jar() -> None:
    """The second call of the same URL is not built anew; what the jar says must be looked at all the same."""
    sets = iter(
        ["a=1", "a=1; Path=/", "a=2", "b=3", "a=; Max-Age=0", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", None]
    )

    async def step(peer: Peer) -> None:
        cookie = next(sets)
        await peer.send(response(b"ok", headers=f"Set-Cookie: {cookie}" if cookie else ""))

    async with ScriptedServer({"/": step}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            for _ in range(7):
                await get(session, server.url())
        sent = [request.header("cookie") for request in server.requests]
        assert sent == [None, "a=1", "a=1", "a=2", "a=2; b=3", "b=3", None]
        assert server.accepted == 1


async def test_a_remembered_request_sees_what_the_user_does_to_the_jar() -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=jar()) as session:
            here = URL("http://127.0.0.1/")

            async def sent() -> str | None:
                await get(session, server.url())
                return server.requests[-1].header("cookie")

            assert [await sent(), await sent()] == [None, None]
            session.cookie_jar.update_cookies({"a": "1"}, here)
            assert [await sent(), await sent()] == ["a=1", "a=1"]
            session.cookie_jar.update_cookies({"b": "2"})
            assert [await sent(), await sent()] == ["a=1; b=2", "a=1; b=2"]
            session.cookie_jar.clear(lambda morsel: morsel.key == "a")
            assert [await sent(), await sent()] == ["b=2", "b=2"]
            session.cookie_jar.update_cookies({"a": "3"}, here)
            session.cookie_jar.clear_domain("127.0.0.1")
            assert [await sent(), await sent()] == ["b=2", "b=2"]
            session.cookie_jar.clear()
            assert [await sent(), await sent()] == [None, None]


async def test_a_remembered_request_sees_that_a_cookie_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("gazelle.cookies.jar.time", lambda: now)
    routes = {"/set": setting("a=1; Max-Age=10; Path=/", "b=1; Path=/"), "*": OK}
    async with ScriptedServer(routes) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            await get(session, server.url("/set"))
            for later in (0, 5, 9, 11, 12):
                monkeypatch.setattr("gazelle.cookies.jar.time", lambda later=later: now + later)
                await get(session, server.url("/"))
        sent = [request.header("cookie") for request in server.seen("/")]
        assert sent == ["a=1; b=1"] * 3 + ["b=1"] * 2


async def test_a_remembered_request_sees_that_the_last_cookie_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("gazelle.cookies.jar.time", lambda: now)
    async with ScriptedServer({"/set": setting("a=1; Max-Age=10; Path=/"), "*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            await get(session, server.url("/set"))
            for later in (0, 0, 11, 11):
                monkeypatch.setattr("gazelle.cookies.jar.time", lambda later=later: now + later)
                await get(session, server.url("/"))
        assert [request.header("cookie") for request in server.seen("/")] == ["a=1", "a=1", None, None]


async def test_a_secure_cookie_does_not_go_over_http_unless_the_origin_counts_as_secure() -> None:
    for secure in (False, True):
        async with ScriptedServer({"/set": setting("a=1; Secure; Path=/"), "*": OK}) as server:
            origin = server.url("") if secure else None
            made = CookieJar(unsafe=True, treat_as_secure_origin=origin)
            async with gazelle.ClientSession(cookie_jar=made) as session:
                await get(session, server.url("/set"))
                await get(session, server.url("/"))
                await get(session, server.url("/"))
            assert [request.header("cookie") for request in server.seen("/")] == ["a=1" if secure else None] * 2


# --- jars ------------------------------------------------------------------------------------------------------------


async def test_a_dummy_jar_keeps_nothing() -> None:
    async with ScriptedServer({"*": setting("a=1; Path=/")}) as server:
        async with gazelle.ClientSession(cookie_jar=DummyCookieJar(), cookies={"session": "1"}) as session:
            for _ in range(2):
                answer = await get(session, server.url())
                assert answer.cookies["a"].value == "1"
            await get(session, server.url(), cookies={"own": "1"})
        assert [request.header("cookie") for request in server.requests] == [None, None, "own=1"]


async def test_two_sessions_can_share_a_jar() -> None:
    shared = CookieJar(unsafe=True)
    async with ScriptedServer({"/set": setting("a=1; Path=/"), "*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=shared) as one, gazelle.ClientSession(cookie_jar=shared) as two:
            await get(two, server.url("/"))
            await get(one, server.url("/set"))
            await get(two, server.url("/"))
            await get(one, server.url("/"))
        assert [request.header("cookie") for request in server.seen("/")] == [None, "a=1", "a=1"]
        assert len(shared) == 1


class UserJar(AbstractCookieJar):
    """A jar with the methods that the interface asks for, and no others."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, str] = {}
        self.asked: list[URL] = []
        self.told: list[URL] = []

    def __iter__(self) -> Iterator[Morsel[str]]:
        return iter(self.filter_cookies(URL()).values())

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def quote_cookie(self) -> bool:
        return True

    def clear(self, predicate: Any = None) -> None:
        self.stored.clear()

    def clear_domain(self, domain: str) -> None:
        self.stored.clear()

    def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None:  # noqa: B008
        self.told.append(response_url)
        for name, value in cookies.items() if isinstance(cookies, Mapping) else cookies:
            self.stored[name] = value.value if isinstance(value, Morsel) else value

    def filter_cookies(self, request_url: URL) -> SimpleCookie:
        self.asked.append(request_url)
        found = SimpleCookie()
        for name, value in self.stored.items():
            found[name] = value
        return found


async def test_a_jar_of_the_user_is_asked_for_each_request() -> None:
    made = UserJar()
    async with ScriptedServer({"/set": setting("a=1", "b=x y"), "*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=made) as session:
            await get(session, server.url("/set"))
            assert made.told == [URL(server.url("/set"))]
            for _ in range(2):
                await get(session, server.url("/"))
            made.clear()
            await get(session, server.url("/"), cookies={"own": "1"})
            await get(session, server.url("/"))
            await assert_clean(session, server)
        sent = [request.header("cookie") for request in server.seen("/")]
        assert [text and sorted(text.split("; ")) for text in sent[:2]] == [["a=1", 'b="x y"']] * 2
        assert sent[2:] == ["own=1", None]
        assert [url.path for url in made.asked] == ["/set", "/", "/", "/", "/"]


async def test_a_jar_of_the_user_that_takes_headers_gets_them() -> None:
    taken: list[Sequence[str]] = []

    class HeaderJar(UserJar):
        def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
            taken.append(list(headers))

    async with ScriptedServer({"*": setting("a=1", "b=2; HttpOnly")}) as server:
        async with gazelle.ClientSession(cookie_jar=HeaderJar()) as session:
            await get(session, server.url())
    assert taken == [["a=1", "b=2; HttpOnly"]]


async def test_a_jar_that_raises_fails_the_request_and_leaves_nothing_behind() -> None:
    class Broken(UserJar):
        def filter_cookies(self, request_url: URL) -> SimpleCookie:
            raise ZeroDivisionError("mine")

    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession(cookie_jar=Broken()) as session:
        with pytest.raises(ZeroDivisionError):
            await session.get(server.url())
        assert server.accepted == 0
        await assert_clean(session, server)


async def test_ten_thousand_cookies_make_one_header_of_bounded_size() -> None:
    routes = {f"/{number}": setting(*[f"n{number}x{i}=1; Path=/" for i in range(50)]) for number in range(20)}
    async with ScriptedServer(routes | {"*": OK}) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            for number in range(20):
                await get(session, server.url(f"/{number}"))
            await get(session, server.url("/end"))
        sent = server.requests[-1].header("cookie") or ""
        assert 100 <= len(sent.split("; ")) <= 180
        assert len("Cookie: ") + len(sent) <= 8190


async def test_each_request_has_the_value_of_the_response_before_and_the_default_path_of_its_page() -> None:
    replies = {f"/{folder}/{n}": setting(f"a={n}; HttpOnly", "b=1; Path=/") for folder in "xy" for n in range(4)}
    async with ScriptedServer(replies) as server:
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            for number in range(4):
                for folder in "xy":
                    await get(session, server.url(f"/{folder}/{number}?q={number}"))
        for folder in "xy":
            sent = [request.header("cookie") for request in server.requests if request.target.startswith(f"/{folder}")]
            first = None if folder == "x" else "b=1"
            assert sent == [first, "a=0; b=1", "a=1; b=1", "a=2; b=1"]


@pytest.mark.parametrize("trusted", [True, False])
async def test_an_origin_that_counts_as_secure_may_set_cookies_with_a_secure_prefix(trusted: bool) -> None:
    async with ScriptedServer({"*": setting("__Secure-a=1; Secure; Path=/", "b=1; Path=/")}) as server:
        origins = server.url("/") if trusted else "http://127.0.0.2/"
        made = CookieJar(unsafe=True, treat_as_secure_origin=origins)
        async with gazelle.ClientSession(cookie_jar=made) as session:
            for _ in range(3):
                await get(session, server.url())
        sent = [request.header("cookie") for request in server.requests]
        assert sent == [None] + ["__Secure-a=1; b=1" if trusted else "b=1"] * 2
