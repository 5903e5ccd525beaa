"""The cookie jar as its caller sees it: what responses and callers set, and what requests get (RFC 6265)."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from multidict import MultiDict
from yarl import URL

from gazelle.abc import AbstractCookieJar
from gazelle.cookies.cookie import path_matches
from gazelle.cookies.dummy import DummyCookieJar
from gazelle.cookies.jar import CookieJar
from tests.cookies.jars import SECURE_SITE, SITE, Clock, receive, sent


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


def test_a_subdomain_can_neither_replace_nor_remove_a_host_only_cookie(jar: CookieJar) -> None:
    receive(jar, "sid=secret; Path=/")
    receive(jar, "sid=forged; Domain=example.org; Path=/", url="http://evil.example.org/")
    assert sent(jar) == "sid=secret"
    assert sent(jar, "http://evil.example.org/") == "sid=forged"
    receive(jar, "sid=; Domain=example.org; Path=/; Max-Age=0", url="http://evil.example.org/")
    assert sent(jar) == "sid=secret"
    assert sent(jar, "http://evil.example.org/") is None
    assert jar.host_only_cookies == {("example.org", "", "sid")}


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


def test_a_url_without_origin_cannot_be_treated_as_secure() -> None:
    with pytest.raises(ValueError):
        CookieJar(treat_as_secure_origin="/path")


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


def test_values_of_callers_are_sent_without_quotes_on_request() -> None:
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


def test_a_jar_has_a_length_and_yields_morsels_with_all_attributes(jar: CookieJar) -> None:
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


def test_filtered_cookies_have_no_attributes_and_belong_to_the_caller(jar: CookieJar) -> None:
    receive(jar, "a b=1; Path=/; HttpOnly", 'q="x"')
    found = jar.filter_cookies(SITE)
    assert found.output(header="", sep=";") == ' a b=1; q="x"'
    found["q"].set("q", "changed", "changed")
    assert sent(jar) == 'a b=1; q="x"'
    with pytest.warns(DeprecationWarning):
        assert list(jar.filter_cookies("http://example.org/")) == ["a b", "q"]  # type: ignore[arg-type]
    assert dict(CookieJar().filter_cookies(SITE)) == {}


def test_clear_removes_all_cookies_or_those_a_predicate_selects(jar: CookieJar, clock: Clock) -> None:
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


def test_clear_domain_removes_a_domain_and_its_subdomains(jar: CookieJar) -> None:
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


def test_5000_fields_of_one_response_leave_50_cookies(jar: CookieJar) -> None:
    receive(jar, *(f"c{n}=v" for n in range(5000)))
    assert len(jar) == 50


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


HOSTS = ["example.org", "a.example.org", "b.a.example.org", "other.test"]


PATHS = ["/", "/x", "/x/", "/x/y", "/xy"]


class JarAgainstList(RuleBasedStateMachine):
    """A jar sends what a search of a plain list by the rules of RFC 6265 §5.4 finds."""

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
