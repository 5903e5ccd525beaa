"""What a jar stores, for how long, and in which order it sends it (RFC 6265 §5.3, §5.4)."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from http.cookies import BaseCookie, Morsel, SimpleCookie
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from multidict import MultiDict
from yarl import URL

from gazelle.abc import AbstractCookieJar
from gazelle.cookies.cookie import path_matches
from gazelle.cookies.jar import (
    MAX_PER_DOMAIN,
    MAX_TOTAL,
    PRUNE_DOMAIN_AT,
    PRUNE_TOTAL_AT,
    CookieJar,
    DummyCookieJar,
    cookies_for_request,
    store_response_cookies,
)
from gazelle.cookies.parse import MAX_HEADER_SIZE, MAX_SENT
from tests.cookies.conftest import Clock

SITE = URL("http://example.org/")
SECURE_SITE = URL("https://example.org/")


def sent(jar: CookieJar, url: str | URL = SITE) -> str | None:
    """The Cookie header of a request; the other ways to ask for it have the same answer."""
    target = URL(url)
    place = (target.raw_host or "", target.raw_path, jar.is_secure(target))
    header = jar.header_for(*place)
    pairs = jar.pairs_for(*place)
    assert "; ".join(f"{name}={coded}" for name, coded in pairs) == (header or "")
    assert cookies_for_request(jar, target) == pairs
    assert {name: morsel.coded_value for name, morsel in jar.filter_cookies(target).items()} == dict(pairs)
    return header


def receive(jar: AbstractCookieJar, *fields: str, url: str | URL = SITE) -> None:
    """A response arrives."""
    jar.update_cookies_from_headers(fields, URL(url))


@pytest.fixture
def jar(clock: Clock) -> CookieJar:
    return CookieJar()


# --- one after the other -------------------------------------------------------------------------


def test_cookies_are_sorted_by_name(jar: CookieJar) -> None:
    receive(jar, "z=1", "a=2", "m=3", "A=4")
    assert sent(jar) == "A=4; a=2; m=3; z=1"


def test_a_cookie_takes_the_place_of_the_one_with_its_name_domain_and_path(jar: CookieJar) -> None:
    receive(jar, "a=1", "a=2")
    receive(jar, "a=3; HttpOnly; SameSite=Strict")
    assert sent(jar) == "a=3"
    assert len(jar) == 1
    receive(jar, "A=4", "a=5; Path=/x", "a=6; Domain=example.org")
    assert len(jar) == 4


def test_of_the_cookies_with_a_name_the_most_specific_is_sent(jar: CookieJar) -> None:
    source = "http://a.b.example.org/x/y/z"
    jar.update_cookies({"k": "shared"})
    assert sent(jar, source) == "k=shared"
    for field in (
        "k=1; Domain=example.org; Path=/",
        "k=2; Domain=example.org; Path=/x/y",
        "k=3; Domain=b.example.org; Path=/",
        "k=4; Domain=a.b.example.org; Path=/",
        "k=5; Path=/",
        "k=6; Domain=a.b.example.org; Path=/x",
        "k=7; Path=/x/y",
    ):
        receive(jar, field, url=source)
        assert sent(jar, source) == field.partition(";")[0]
        receive(jar, "k=0; Domain=example.org; Path=/", url=source)
    assert len(jar) == 8
    assert sent(jar, "http://a.b.example.org/") == "k=5"
    assert sent(jar, "http://c.a.b.example.org/x/y/z") == "k=6"
    assert sent(jar, "http://example.org/x/y") == "k=2"
    assert sent(jar, "http://elsewhere.test/") == "k=shared"


def test_a_subdomain_can_neither_replace_nor_remove_what_a_host_keeps_to_itself(jar: CookieJar) -> None:
    receive(jar, "sid=secret; Path=/")
    receive(jar, "sid=forged; Domain=example.org; Path=/", url="http://evil.example.org/")
    assert sent(jar) == "sid=secret"
    assert sent(jar, "http://evil.example.org/") == "sid=forged"
    receive(jar, "sid=; Domain=example.org; Path=/; Max-Age=0", url="http://evil.example.org/")
    assert sent(jar) == "sid=secret"
    assert sent(jar, "http://evil.example.org/") is None
    assert jar.host_only_cookies == {("example.org", "", "sid")}


# --- time ----------------------------------------------------------------------------------------


def test_a_cookie_ends_when_its_max_age_is_over(jar: CookieJar, clock: Clock) -> None:
    receive(jar, "a=1; Max-Age=10", "b=2")
    clock.now += 9.5
    assert sent(jar) == "a=1; b=2"
    clock.now += 1.5
    assert sent(jar) == "b=2"
    assert len(jar) == 1
    assert [morsel.key for morsel in jar] == ["b"]


def test_a_cookie_ends_when_its_date_has_come(jar: CookieJar, clock: Clock) -> None:
    clock.now = 1893456000.0
    receive(jar, "a=1; Expires=Tue, 01 Jan 2030 00:00:05 GMT")
    clock.now += 4.9
    assert sent(jar) == "a=1"
    clock.now += 0.1
    assert sent(jar) is None
    assert len(jar) == 0


@pytest.mark.parametrize(
    ("attributes", "stays"),
    [
        ("Max-Age=0", False),
        ("Max-Age=-1", False),
        ("Max-Age=9223372036854775808", True),
        ("Max-Age=" + "9" * 400, True),
        ("Max-Age=1e400", True),
        ("Max-Age=x", True),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("Expires=Mon, 01 Jan 1601 00:00:00 GMT", False),
        ("Expires=Mon, 01 Jan 1600 00:00:00 GMT", True),  # no date
        ("Expires=Fri, 31 Dec 9999 23:59:59 GMT", True),
        ("Expires=tomorrow", True),
        ("Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5", True),
        ("Max-Age=0; Expires=Fri, 31 Dec 9999 23:59:59 GMT", False),
        ("Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
    ],
    ids=lambda text: str(text)[:40],
)
def test_a_cookie_of_the_past_removes_the_one_in_its_place(jar: CookieJar, attributes: str, stays: bool) -> None:
    receive(jar, "a=1", "b=2")
    receive(jar, f"a=3; {attributes}", f"c=4; {attributes}")
    assert sent(jar) == ("a=3; b=2; c=4" if stays else "b=2")


def test_a_cookie_that_is_set_again_lives_on(jar: CookieJar, clock: Clock) -> None:
    receive(jar, "a=1; Max-Age=10")
    clock.now += 8
    receive(jar, "a=1; Max-Age=10")
    clock.now += 8
    assert sent(jar) == "a=1"
    receive(jar, "a=1")
    clock.now += 1000
    assert sent(jar) == "a=1"
    receive(jar, "a=1; Max-Age=10")
    clock.now += 11
    assert sent(jar) is None


def test_the_version_tells_when_something_else_may_be_sent(jar: CookieJar, clock: Clock) -> None:
    versions = [jar.version]

    def changed() -> bool:
        versions.append(jar.version)
        return versions[-1] != versions[-2]

    assert not changed()
    receive(jar, "a=1; Max-Age=10", "bad")
    assert changed()
    receive(jar, "a=1; Max-Age=20", "a=1; Max-Age=20; HttpOnly", "=", "x=1; Domain=elsewhere.test")
    assert not changed()
    receive(jar, "a=2; Max-Age=20")
    assert changed()
    receive(jar, "a=2; Max-Age=20; Secure")
    assert changed()
    sent(jar)
    len(jar)
    assert not changed()
    clock.now += 19
    assert not changed()
    clock.now += 2
    assert changed()
    jar.update_cookies({"s": "1"})
    assert changed()
    jar.clear()
    assert changed()
    jar.clear()
    assert not changed()


# --- where it is safe ----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "ws", "https", "wss"])
def test_secure_cookies_go_over_secure_connections_only(jar: CookieJar, scheme: str) -> None:
    receive(jar, "a=1; Secure", "b=2", url=SECURE_SITE)
    shared: SimpleCookie = SimpleCookie()
    shared["s"] = "3"
    shared["s"]["secure"] = True
    jar.update_cookies(shared)
    expected = "a=1; b=2; s=3" if scheme in ("https", "wss") else "b=2"
    assert sent(jar, f"{scheme}://example.org/") == expected


@pytest.mark.parametrize(
    "origins",
    [
        "http://example.org:8080/path",
        URL("http://example.org:8080"),
        ["http://elsewhere.test", "http://example.org:8080"],
        (URL("http://example.org:8080/x?y"),),
    ],
    ids=repr,
)
def test_an_origin_can_be_treated_as_secure(origins: Any) -> None:
    jar = CookieJar(treat_as_secure_origin=origins)
    receive(jar, "a=1; Secure", "__Host-b=2; Secure; Path=/", url="http://example.org:8080")
    assert sent(jar, "http://example.org:8080/x") == "__Host-b=2; a=1"
    assert sent(jar, "http://user:pass@example.org:8080/") == "__Host-b=2; a=1"
    assert sent(jar, "http://example.org/") is None
    assert sent(jar, "http://example.org:8081/") is None
    assert URL("http://example.org:8080") in jar.treat_as_secure_origin


def test_what_has_no_origin_cannot_be_treated_as_secure() -> None:
    with pytest.raises(ValueError):
        CookieJar(treat_as_secure_origin="/path")


def test_names_that_promise_a_secure_connection_are_taken_from_one_only(jar: CookieJar) -> None:
    fields = ["__Secure-a=1; Secure", "__HOST-b=2; Secure; Path=/", "__Hostc=3"]
    receive(jar, *fields)
    assert sent(jar, SECURE_SITE) == "__Hostc=3"
    receive(jar, *fields, url=SECURE_SITE)
    assert sent(jar, SECURE_SITE) == "__HOST-b=2; __Hostc=3; __Secure-a=1"
    morsel: Morsel[str] = Morsel()
    morsel.set("__Host-d", "4", "4")
    jar.update_cookies({"__Host-d": morsel}, SECURE_SITE)
    assert len(jar) == 3


# --- cookies of users ----------------------------------------------------------------------------


def test_shared_cookies_go_everywhere(jar: CookieJar) -> None:
    jar.update_cookies({"a": "1"})
    for url in ("http://example.org/", "https://x.test/y", "http://127.0.0.1/", "http://[::1]/", "ws://localhost/"):
        assert sent(jar, url) == "a=1"


def simple_cookie() -> SimpleCookie:
    cookie: SimpleCookie = SimpleCookie()
    cookie["a"] = "1"
    cookie["b"] = "x y"
    return cookie


@pytest.mark.parametrize(
    "cookies",
    [
        {"a": "1", "b": "x y"},
        [("a", "0"), ("a", "1"), ("b", "x y")],
        MultiDict([("a", "0"), ("a", "1"), ("b", "x y")]),
        {"a": 1, "b": "x y"},
        simple_cookie(),
        dict(simple_cookie()),
        list(simple_cookie().items()),
        iter([("a", "1"), ("b", "x y")]),
    ],
    ids=lambda cookies: type(cookies).__name__,
)
def test_cookies_are_taken_in_all_their_forms(cookies: Any) -> None:
    jar = CookieJar()
    jar.update_cookies(cookies, SITE)
    assert sent(jar) == 'a=1; b="x y"'
    assert jar.filter_cookies(SITE)["b"].value == "x y"
    assert sent(jar, "http://sub.example.org/") is None


def test_values_of_users_go_without_quotes_if_that_is_what_they_want() -> None:
    jar = CookieJar(quote_cookie=False)
    assert not jar.quote_cookie
    jar.update_cookies({"a": "x y", "b": ""}, SITE)
    jar.update_cookies(simple_cookie(), URL("http://other.test/"))
    assert sent(jar) == "a=x y; b="
    assert sent(jar, "http://other.test/") == "a=1; b=x y"


def test_attributes_of_morsels_count(jar: CookieJar, clock: Clock) -> None:
    cookies: SimpleCookie = SimpleCookie()
    cookies["a"] = "1"
    cookies["a"]["domain"] = ".Example.org"
    cookies["a"]["path"] = "/x"
    cookies["a"]["max-age"] = 10
    cookies["gone"] = "2"
    cookies["gone"]["max-age"] = 0
    cookies["c"] = "3"
    cookies["c"]["domain"] = "elsewhere.test"
    cookies["d"] = "4"
    cookies["d"]["expires"] = "Thu, 01 Jan 1970 00:00:00 GMT"
    jar.update_cookies({"gone": "x", "d": "x"}, SITE)
    jar.update_cookies(cookies, SITE)
    assert sent(jar, "http://sub.example.org/x/y") == "a=1"
    assert len(jar) == 1
    (morsel,) = jar
    assert (morsel["domain"], morsel["path"], morsel["max-age"]) == ("example.org", "/x", "10")
    assert cookies["a"]["domain"] == ".Example.org"  # what is given is not changed
    clock.now += 11
    assert len(jar) == 0


def test_a_morsel_with_a_domain_needs_no_url(jar: CookieJar) -> None:
    cookies: SimpleCookie = SimpleCookie()
    for name, domain in (("a", "example.org"), ("b", ".example.org."), ("c", "a" * 300)):
        cookies[name] = "1"
        cookies[name]["domain"] = domain
    jar.update_cookies(cookies)
    assert sent(jar, "http://sub.example.org/") == "a=1; b=1"
    assert sent(jar, "http://elsewhere.test/") is None
    assert len(jar) == 2


class Liar(str):
    """Text that says it were something else."""

    def __str__(self) -> str:
        return "x\r\ny: z"

    def __format__(self, spec: str) -> str:
        return "x\r\ny: z"

    def encode(self, *args: Any) -> bytes:
        return b"x\r\ny: z"


@pytest.mark.parametrize("quote_cookie", [True, False])
@pytest.mark.parametrize("bad", [chr(code) for code in (*range(32), 127)] + ["\ud800"], ids=ascii)
def test_control_characters_of_users_are_refused_with_the_name(bad: str, quote_cookie: bool) -> None:
    jar = CookieJar(quote_cookie=quote_cookie)
    with pytest.raises(ValueError, match="'name'"):
        jar.update_cookies([("before", "1"), ("name", f"a{bad}b")], SITE)
    with pytest.raises(ValueError, match="name of a cookie"):
        jar.update_cookies({f"na{bad}me": "value"}, SITE)
    morsel: Morsel[str] = Morsel()
    morsel.__setstate__({"key": "name", "value": "v", "coded_value": "v"})  # type: ignore[attr-defined]
    dict.__setitem__(morsel, "path", f"/{bad}")
    with pytest.raises(ValueError, match="'name'"):
        jar.update_cookies({"name": morsel}, SITE)
    assert len(jar) == 0


@pytest.mark.parametrize("name", ["", " ", "a=b", "a;b", " a", "a ", ";", "="])
def test_a_name_that_could_not_be_told_from_the_rest_is_refused(jar: CookieJar, name: str) -> None:
    with pytest.raises(ValueError):
        jar.update_cookies({name: "value"})
    with pytest.raises(TypeError):
        jar.update_cookies([(1, "value")])  # type: ignore[list-item]


def test_text_is_what_it_is_and_not_what_it_says(jar: CookieJar) -> None:
    cookies: dict[str, str] = {Liar("name"): Liar("value")}
    jar.update_cookies(cookies)
    assert sent(jar) == "name=value"
    header = sent(jar)
    assert type(header) is str


def test_quotes_of_servers_are_kept_or_taken_off() -> None:
    fields = ['a="x y"', 'b="1"', 'c="\\073;', 'd="a\\073b"', "e=x y", 'f="\\012"']
    jar = CookieJar()
    receive(jar, *fields)
    assert sent(jar) == 'a="x y"; b="1"; c="\\073; d="a\\073b"; e=x y; f="\\012"'
    assert [morsel.value for morsel in jar] == ["x y", "1", '"\\073', "a;b", "x y", '"\\012"']
    plain = CookieJar(quote_cookie=False)
    receive(plain, *fields)
    # What would become a cookie of its own stays between its quotes.
    assert sent(plain) == 'a=x y; b=1; c="\\073; d="a\\073b"; e=x y; f="\\012"'


# --- looking and removing ------------------------------------------------------------------------


def test_a_jar_has_a_length_and_yields_morsels_with_what_is_known(jar: CookieJar) -> None:
    assert not jar
    receive(jar, "a=1; Path=/x; Secure; HttpOnly; SameSite=Lax; Max-Age=5; Domain=.EXAMPLE.org", "b=2")
    jar.update_cookies({"s": "3"})
    assert len(jar) == 3
    assert jar
    a, b, s = jar
    assert isinstance(a, Morsel)
    assert (a["domain"], a["path"], a["secure"], a["httponly"], a["samesite"]) == (
        "example.org",
        "/x",
        True,
        True,
        "Lax",
    )
    assert (b["domain"], b["path"], b["secure"]) == ("example.org", "/", "")
    assert (s["domain"], s["path"]) == ("", "/")
    a["domain"] = "elsewhere.test"
    assert next(iter(jar))["domain"] == "example.org"
    assert {place: list(found) for place, found in jar.cookies.items()} == {
        ("example.org", "/x"): ["a"],
        ("example.org", ""): ["b"],
        ("", ""): ["s"],
    }
    assert jar.host_only_cookies == {("example.org", "", "b")}
    with pytest.raises(TypeError):
        jar.cookies["x", "y"] = SimpleCookie()  # type: ignore[index]


def test_what_is_filtered_has_no_attributes_and_belongs_to_the_caller(jar: CookieJar) -> None:
    receive(jar, "a b=1; Path=/; HttpOnly", 'q="x"')
    found = jar.filter_cookies(SITE)
    assert found.output(header="", sep=";") == ' a b=1; q="x"'
    found["q"].set("q", "changed", "changed")
    assert sent(jar) == 'a b=1; q="x"'
    with pytest.warns(DeprecationWarning):
        assert list(jar.filter_cookies("http://example.org/")) == ["a b", "q"]  # type: ignore[arg-type]
    assert dict(CookieJar().filter_cookies(SITE)) == {}


def test_clear_removes_everything_or_what_a_predicate_picks(jar: CookieJar, clock: Clock) -> None:
    receive(jar, "a=1", "b=2; Path=/x", "c=3; Max-Age=5")
    jar.update_cookies({"s": "4"})
    jar.clear(lambda morsel: morsel["path"] == "/x" or morsel.key == "s")
    assert [morsel.key for morsel in jar] == ["a", "c"]
    seen: list[str] = []
    clock.now += 6

    def note(morsel: Morsel[str]) -> bool:
        seen.append(morsel.key)
        return False

    jar.clear(note)
    assert seen == ["a"]
    assert len(jar) == 1
    jar.clear()
    assert len(jar) == 0
    assert sent(jar) is None


def test_clear_domain_removes_a_domain_and_those_below(jar: CookieJar) -> None:
    hosts = ["example.org", "a.example.org", "b.a.example.org", "xexample.org", "org"]

    def fill() -> None:
        jar.clear()
        for host in hosts:
            receive(jar, "a=1", url=f"http://{host}/")
        jar.update_cookies({"s": "shared"})

    for domain in ("example.org", "EXAMPLE.org", ".example.org", "example.org."):
        fill()
        jar.clear_domain(domain)
        assert [morsel["domain"] for morsel in jar] == ["xexample.org", "org", ""]
    fill()
    jar.clear_domain("b.a.example.org")
    assert len(jar) == 5
    jar.clear_domain("")
    assert len(jar) == 5


# --- limits --------------------------------------------------------------------------------------


def test_a_domain_keeps_its_newest_150_or_so(jar: CookieJar) -> None:
    receive(jar, "keep=1", url="http://sub.example.org/")
    for n in range(PRUNE_DOMAIN_AT):
        receive(jar, f"c{n}=v; Max-Age=1000")
    assert len(jar) == PRUNE_DOMAIN_AT + 1
    receive(jar, "c0=again")  # that makes it the newest
    receive(jar, "last=1")
    assert len(jar) == MAX_PER_DOMAIN + 1
    names = [morsel.key for morsel in jar if morsel["domain"] == "example.org"]
    assert names == [f"c{n}" for n in range(PRUNE_DOMAIN_AT - MAX_PER_DOMAIN + 2, PRUNE_DOMAIN_AT)] + ["c0", "last"]


def test_a_jar_keeps_its_newest_3000_or_so_and_what_users_share(jar: CookieJar) -> None:
    jar.update_cookies({f"s{n}": "shared" for n in range(200)})
    for n in range(PRUNE_TOTAL_AT - 200):
        receive(jar, "c=v", url=f"http://h{n}.test/")
    assert len(jar) == PRUNE_TOTAL_AT
    receive(jar, "last=1")
    assert len(jar) == MAX_TOTAL
    assert sum(morsel["domain"] == "" for morsel in jar) == 200
    assert "last=1" in (sent(jar) or "")
    assert "c=v" not in (sent(jar, "http://h300.test/") or "")
    assert "c=v" in (sent(jar, "http://h301.test/") or "")


def test_a_header_has_limits_and_the_most_specific_and_newest_get_in(jar: CookieJar) -> None:
    jar.update_cookies({f"s{n:04}": "shared" for n in range(1000)})
    receive(jar, *(f"d{n}=v" for n in range(50)))
    names = [pair.partition("=")[0] for pair in (sent(jar) or "").split("; ")]
    assert len(names) == MAX_SENT
    assert sum(name.startswith("d") for name in names) == 50
    assert names[50:] == [f"s{n:04}" for n in range(900, 1000)]


def test_10_000_names_and_large_values_do_not_make_requests_that_servers_refuse(jar: CookieJar) -> None:
    for n in range(10_000):
        receive(jar, f"n{n}={'é' * (n % 2000)}; Domain=example.org", url=f"http://h{n % 7}.example.org/")
    for host in ("example.org", "h1.example.org"):
        header = sent(jar, f"http://{host}/")
        assert header is not None
        assert len(f"Cookie: {header}".encode()) <= MAX_HEADER_SIZE
        assert len(header.split("; ")) <= MAX_SENT


def test_5000_fields_of_one_response_leave_50_cookies(jar: CookieJar) -> None:
    receive(jar, *(f"c{n}=v" for n in range(5000)))
    assert len(jar) == 50


def test_what_is_remembered_of_requests_has_bounds(jar: CookieJar) -> None:
    receive(jar, *(f"a=1; Path=/{n}" for n in range(40)))
    for n in range(3000):
        assert jar.header_for(f"h{n}.test", "/", False) is None
        assert jar.header_for("example.org", f"/{n % 50}/{n}", n % 3 == 0) == ("a=1" if n % 50 < 40 else None)
        assert len(jar._views) <= 257
        assert sum(len(view.made) for view in jar._views.values()) <= 1025


def test_a_cookie_that_is_set_over_and_over_takes_no_memory(jar: CookieJar) -> None:
    for n in range(5000):
        receive(jar, f"a={n}; Max-Age={100 + n}")
    assert len(jar._expiring) <= 100


# --- any loop or none, any jar -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [CookieJar, DummyCookieJar])
def test_a_jar_needs_no_loop_and_warns_of_one(kind: Callable[..., AbstractCookieJar]) -> None:
    kind()
    loop = asyncio.new_event_loop()
    try:
        with pytest.warns(DeprecationWarning, match="loop") as caught:
            kind(loop=loop)
    finally:
        loop.close()
    assert len(caught) == 1


def test_a_jar_is_an_ordinary_object(jar: CookieJar) -> None:
    class Own(CookieJar):
        pass

    own = Own(unsafe=True)
    own.attribute = 1  # type: ignore[attr-defined]
    ref = weakref.ref(own)
    del own
    gc.collect()
    assert ref() is None
    assert repr(jar) == "<CookieJar of 0 cookies>"


def test_a_dummy_jar_stores_nothing() -> None:
    jar = DummyCookieJar()
    jar.update_cookies({"a": "b"})
    receive(jar, "a=b")
    jar.clear()
    jar.clear_domain("example.org")
    assert len(jar) == 0
    assert not jar
    assert list(jar) == []
    assert dict(jar.filter_cookies(SITE)) == {}
    assert cookies_for_request(jar, SITE) == ()
    assert (jar.version, jar.unsafe, jar.quote_cookie) == (0, False, True)
    assert jar.treat_as_secure_origin == frozenset()
    assert jar.host_only_cookies == frozenset()
    assert dict(jar.cookies) == {}


class ListJar(AbstractCookieJar):
    """A jar as users wrote them: it knows nothing but the four methods."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Morsel[str]] = {}

    def __len__(self) -> int:
        return len(self.kept)

    def __iter__(self) -> Iterator[Morsel[str]]:
        return iter(self.kept.values())

    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        self.kept.clear()

    def clear_domain(self, domain: str) -> None:
        self.kept.clear()

    def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None:  # noqa: B008
        self.kept.update(cookies)

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        found: SimpleCookie = SimpleCookie()
        for name, morsel in self.kept.items():
            found[name] = morsel
        return found


def test_a_jar_of_a_user_gets_parsed_cookies_and_is_asked_for_them() -> None:
    jar = ListJar()
    with pytest.raises(NotImplementedError):
        receive(jar, "a=b")
    store_response_cookies(jar, ['b="x y"; Path=/', "a=1, c=2", "nothing"], SITE)
    assert {name: morsel.value for name, morsel in jar.kept.items()} == {"b": "x y", "a": "1, c=2"}
    bad: Morsel[str] = Morsel()
    dict.__init__(bad)
    bad.__setstate__({"key": "bad", "value": "v", "coded_value": "v"})  # type: ignore[attr-defined]
    jar.kept["bad;"] = bad
    assert cookies_for_request(jar, SITE) == (("a", "1, c=2"), ("b", '"x y"'))


def test_a_subclass_that_overrides_a_method_is_asked_through_it() -> None:
    class NoTrackers(CookieJar):
        def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None:  # noqa: B008
            super().update_cookies([(name, value) for name, value in cookies if name != "track"], response_url)

        def filter_cookies(self, request_url: URL = URL()) -> SimpleCookie:  # noqa: B008
            found = super().filter_cookies(request_url)
            found["added"] = "1"
            return found

    jar = NoTrackers()
    store_response_cookies(jar, ["track=1", "a=2; Domain=example.org; Max-Age=100"], SITE)
    assert cookies_for_request(jar, URL("http://sub.example.org/")) == (("a", "2"), ("added", "1"))
    plain = CookieJar()
    store_response_cookies(plain, ["a=2"], SITE)
    assert cookies_for_request(plain, SITE) == (("a", "2"),)


# --- a jar against a list ------------------------------------------------------------------------

HOSTS = ["example.org", "a.example.org", "b.a.example.org", "other.test"]
PATHS = ["/", "/x", "/x/", "/x/y", "/xy"]


class JarAgainstList(RuleBasedStateMachine):
    """Whatever happens to it, a jar sends what a list of cookies and the sentences of the RFC say."""

    def __init__(self) -> None:
        super().__init__()
        self.jar = CookieJar()
        # (domain, host-only, path, name) → (value, secure)
        self.model: dict[tuple[str, bool, str, str], tuple[str, bool]] = {}

    @rule(
        host=st.sampled_from(HOSTS),
        domain=st.sampled_from([None, *HOSTS]),
        path=st.sampled_from(PATHS),
        name=st.sampled_from("ab"),
        value=st.sampled_from("123"),
        secure=st.booleans(),
        gone=st.booleans(),
    )
    def set_cookie(
        self, host: str, domain: str | None, path: str, name: str, value: str, secure: bool, gone: bool
    ) -> None:
        field = f"{name}={value}; Path={path}" + "; Secure" * secure + "; Max-Age=0" * gone
        field += f"; Domain={domain}" if domain else ""
        receive(self.jar, field, url=f"https://{host}/")
        if domain is None or host == domain or host.endswith(f".{domain}"):
            self.model.pop((domain or host, domain is None, path, name), None)
            if not gone:
                self.model[domain or host, domain is None, path, name] = (value, secure)

    @rule(domain=st.sampled_from(HOSTS))
    def clear_domain(self, domain: str) -> None:
        self.jar.clear_domain(domain)
        for key in list(self.model):
            if key[0] == domain or key[0].endswith(f".{domain}"):
                del self.model[key]

    @rule(name=st.sampled_from("ab"))
    def clear_some(self, name: str) -> None:
        self.jar.clear(lambda morsel: morsel.key == name)
        for key in list(self.model):
            if key[3] == name:
                del self.model[key]

    @invariant()
    def sends_what_the_model_sends(self) -> None:
        assert len(self.jar) == len(self.model)
        for host in HOSTS:
            for path in (*PATHS, "/x/y/z", "/y"):
                for is_secure in (True, False):
                    best: dict[str, tuple[tuple[int, int, bool], str]] = {}
                    for (domain, host_only, of_cookie, name), (value, secure) in self.model.items():
                        matches = host == domain or (not host_only and host.endswith(f".{domain}"))
                        if matches and path_matches(path, of_cookie) and (is_secure or not secure):
                            rank = (len(domain), len(of_cookie), host_only)
                            best[name] = max(best.get(name, ((0, 0, False), "")), (rank, value))
                    expected = "; ".join(f"{name}={value}" for name, (_, value) in sorted(best.items()))
                    assert (self.jar.header_for(host, path, is_secure) or "") == expected


TestJarAgainstList = JarAgainstList.TestCase
TestJarAgainstList.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
