"""Acceptance of cookies: domains, default paths, addresses, public suffixes, callers (RFC 6265 §5.3)."""

from __future__ import annotations

from http.cookies import Morsel
from typing import Any

import pytest
from yarl import URL

from gazelle.cookies.domains import canonical_host
from gazelle.cookies.jar import CookieJar
from tests.cookies.jars import SECURE_SITE, SITE, receive, sent


def jar_of(source: str, *fields: str, unsafe: bool = False, public_suffixes: bool = False) -> CookieJar:
    """Return a jar with the cookies of one response."""
    jar = CookieJar(unsafe=unsafe, public_suffixes=public_suffixes)
    jar.update_cookies_from_headers(fields, URL(source))
    return jar


HOME = "http://home.example.org:8888/cookie/page"


# Domain attribute → hosts that get the cookie, of those below.
HOSTS = ("example.org", "home.example.org", "sub.home.example.org", "sibling.example.org", "xhome.example.org", "org")


DOMAINS: dict[str, str] = {
    "": "home.example.org",
    "; Domain=": "home.example.org",
    "; Domain=home.example.org": "home.example.org sub.home.example.org",
    "; Domain=.home.example.org": "home.example.org sub.home.example.org",
    "; Domain=  .home.example.org": "home.example.org sub.home.example.org",
    "; Domain=hOmE.Example.ORG": "home.example.org sub.home.example.org",
    "; Domain=example.org": "example.org home.example.org sub.home.example.org sibling.example.org xhome.example.org",
    "; Domain=.example.org": "example.org home.example.org sub.home.example.org sibling.example.org xhome.example.org",
    "; Domain=.example.org; Domain=home.example.org": "home.example.org sub.home.example.org",
    "; Domain=home.example.com; Domain=home.example.org": "home.example.org sub.home.example.org",
    "; Domain=home.example.org; Domain=": "home.example.org sub.home.example.org",
    "; Domain=home.example.org; Domain=home.example.com": "",
    "; Domain=..home.example.org": "",
    "; Domain=home..example.org": "",
    "; Domain=. home.example.org": "",
    '; Domain="home.example.org"': "",
    "; Domain=home.example.org:8888": "",
    "; Domain=sibling.example.org": "",
    "; Domain=sub.home.example.org": "",
    "; Domain=ome.example.org": "",
    "; Domain=xample.org": "",
    "; Domain=home.example.orgx": "",
    "; Domain=home.example.org/": "",
    "; Domain=*.example.org": "",
    "; Domain=%65xample.org": "",
    "; Domain=10.0.0.1": "",
    "; Domain=" + "a" * 300: "",
    # A final dot makes the attribute count as none.
    "; Domain=home.example.org.": "home.example.org",
    "; Domain=example.org.": "home.example.org",
    "; Domain=.org.": "home.example.org",
    "; Domain=.": "home.example.org",
}


@pytest.mark.parametrize("attribute", DOMAINS, ids=lambda text: text[:60])
def test_a_domain_attribute_extends_a_cookie_to_the_subdomains_of_the_host_or_its_parents_only(attribute: str) -> None:
    jar = jar_of(HOME, f"a=b{attribute}; Path=/")
    assert [host for host in HOSTS if sent(jar, f"http://{host}/") == "a=b"] == DOMAINS[attribute].split()
    assert len(jar) == bool(DOMAINS[attribute])


def test_hosts_are_the_same_in_any_case_with_a_final_dot_and_as_labels_of_either_kind() -> None:
    jar = jar_of("http://BÜCHER.example/", "a=1; Domain=bücher.example", "b=2; Domain=xn--bcher-kva.EXAMPLE", "c=3")
    for host in ("bücher.example", "xn--bcher-kva.example", "XN--bcher-kva.example", "bücher.example."):
        assert sent(jar, f"http://{host}/") == "a=1; b=2; c=3"
    assert sent(jar, "http://sub.bücher.example/") == "a=1; b=2"
    assert sent(jar, "http://bucher.example/") is None


def test_invalid_hosts_set_no_cookies() -> None:
    assert canonical_host("a" * 5000) == ""
    assert canonical_host("ü" * 5000) == ""
    assert canonical_host("\u2028ü") == ""
    assert canonical_host("[::1]") == "::1"
    jar = CookieJar()
    jar.update_cookies_from_headers(["a=b"], URL("http://" + "a." * 200 + "example/"))
    jar.update_cookies_from_headers(["a=b"], URL())
    jar.update_cookies_from_headers(["a=b"], URL("/relative"))
    assert len(jar) == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]/", "http://10.1/"])
def test_addresses_get_cookies_from_an_unsafe_jar_only_and_share_none(url: str) -> None:
    host = URL(url).raw_host
    fields = ["a=1", f"b=2; Domain={host}", f"c=3; Domain=.{host}", "d=4; Domain=1"]
    safe = jar_of(url, *fields)
    assert len(safe) == 0
    safe.update_cookies({"s": "shared"})
    assert sent(safe, url) == "s=shared"
    unsafe = jar_of(url, *fields, unsafe=True)
    assert sent(unsafe, url) == "a=1; b=2; c=3"
    assert sent(unsafe, f"http://sub.{host}/" if ":" not in (host or "") else "http://sub.localhost/") is None
    assert unsafe.unsafe
    assert all(morsel["domain"] == host for morsel in unsafe)


def test_a_jar_that_has_cookies_of_an_address_sends_them_only_if_it_is_unsafe() -> None:
    jar = CookieJar()
    jar.update_cookies({"a": "b"}, URL("http://127.0.0.1/"))
    assert len(jar) == 0


@pytest.mark.parametrize("attribute", ["", "; Path", "; Path=", "; Path=x", '; Path="/y"', "; Path=/y; Path="])
def test_a_cookie_without_a_path_is_for_the_folder_of_its_page(attribute: str) -> None:
    jar = jar_of(HOME, f"a=b{attribute}")
    assert sent(jar, "http://home.example.org/cookie/other") == "a=b"
    assert sent(jar, "http://home.example.org/cookie?x") == "a=b"
    assert sent(jar, "http://home.example.org/") is None


def test_paths_are_compared_as_they_are_sent() -> None:
    jar = jar_of("http://example.org/a b/page", "a=1", "b=2; Path=/a%20b", "c=3; Path=/a b")
    assert sent(jar, "http://example.org/a b/") == "a=1; b=2"


SUFFIXES = {
    ("www.example.com", "com"): False,
    ("www.example.com", "COM"): False,
    ("www.example.com", ".cOm"): False,
    ("www.example.co.uk", "co.uk"): False,
    ("www.example.co.uk", "Co.UK"): False,
    ("www.example.co.uk", ".uk"): False,
    ("www.example.co.uk", "example.co.uk"): True,
    ("www.example.com", "example.com"): True,
    ("www.example.com", "EXAMPLE.com"): True,
    ("www.city.kobe.jp", "city.kobe.jp"): True,
    ("www.example.kobe.jp", "example.kobe.jp"): False,
    ("www.example.ck", "example.ck"): False,
    ("www.www.ck", "www.ck"): True,
    ("a.b.example", "example"): False,
    ("a.公司.cn", "公司.cn"): False,
    ("a.公司.cn", "xn--55qx5d.cn"): False,
    ("a.b.公司.cn", "b.公司.cn"): True,
    ("me.github.io", "github.io"): False,
}


@pytest.mark.parametrize(("host", "domain"), SUFFIXES)
def test_public_suffixes_are_refused_when_the_option_is_on(host: str, domain: str) -> None:
    pytest.importorskip("publicsuffixlist")
    jar = jar_of(f"http://{host}/", f"a=b; Domain={domain}", public_suffixes=True)
    assert (sent(jar, f"http://{host}/") == "a=b") is SUFFIXES[host, domain]
    assert len(jar_of(f"http://{host}/", f"a=b; Domain={domain}")) == 1  # off by default


@pytest.mark.parametrize("domain", ["com.", "co.uk.", ".CO.uk.", "com.."])
@pytest.mark.parametrize("host", ["example.co.uk", "example.co.uk.", "example.com", "com.", "co.uk."])
def test_a_final_dot_lets_no_public_suffix_through(host: str, domain: str) -> None:
    pytest.importorskip("publicsuffixlist")
    jar = jar_of(f"http://{host}/", f"a=b; Domain={domain}", public_suffixes=True)
    assert sent(jar, "http://other.com/") is None
    assert sent(jar, "http://other.co.uk/") is None


def test_a_host_that_is_a_public_suffix_sets_host_only_cookies() -> None:
    pytest.importorskip("publicsuffixlist")
    jar = jar_of("http://github.io/", "a=b; Domain=github.io", public_suffixes=True)
    assert sent(jar, "http://github.io/") == "a=b"
    assert sent(jar, "http://me.github.io/") is None
    assert jar.host_only_cookies == {("github.io", "", "a")}


def test_cookies_with_a_secure_prefix_are_accepted_over_secure_connections_only(jar: CookieJar) -> None:
    fields = ["__Secure-a=1; Secure", "__HOST-b=2; Secure; Path=/", "__Hostc=3"]
    receive(jar, *fields)
    assert sent(jar, SECURE_SITE) == "__Hostc=3"
    receive(jar, *fields, url=SECURE_SITE)
    assert sent(jar, SECURE_SITE) == "__HOST-b=2; __Hostc=3; __Secure-a=1"
    morsel: Morsel[str] = Morsel()
    morsel.set("__Host-d", "4", "4")
    jar.update_cookies({"__Host-d": morsel}, SECURE_SITE)
    assert len(jar) == 3


class Deceptive(str):
    """A str whose conversions return other text."""

    def __str__(self) -> str:
        return "x\r\ny: z"

    def __format__(self, spec: str) -> str:
        return "x\r\ny: z"

    def encode(self, *args: Any) -> bytes:
        return b"x\r\ny: z"


@pytest.mark.parametrize("quote_cookie", [True, False])
@pytest.mark.parametrize("bad", [chr(code) for code in (*range(32), 127)] + ["\ud800"], ids=ascii)
def test_control_characters_of_callers_are_refused_and_the_error_has_the_name(bad: str, quote_cookie: bool) -> None:
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
def test_an_invalid_name_is_refused(jar: CookieJar, name: str) -> None:
    with pytest.raises(ValueError):
        jar.update_cookies({name: "value"})
    with pytest.raises(TypeError):
        jar.update_cookies([(1, "value")])  # type: ignore[list-item]


def test_a_subclass_of_str_counts_with_its_own_text(jar: CookieJar) -> None:
    cookies: dict[str, str] = {Deceptive("name"): Deceptive("value")}
    jar.update_cookies(cookies)
    assert sent(jar) == "name=value"
    header = sent(jar)
    assert type(header) is str
