"""Who gets a cookie: domains, paths, public suffixes (RFC 6265 §5.1.2 to §5.1.4, §5.3, §5.4)."""

from __future__ import annotations

import subprocess
import sys

import pytest
from yarl import URL

from gazelle.cookies.cookie import default_path, path_matches
from gazelle.cookies.domains import canonical_host, is_address
from gazelle.cookies.jar import CookieJar


def sent(jar: CookieJar, url: str) -> str | None:
    """The Cookie header of a request."""
    target = URL(url)
    return jar.header_for(target.raw_host or "", target.raw_path, jar.is_secure(target))


def jar_of(source: str, *fields: str, unsafe: bool = False, public_suffixes: bool = False) -> CookieJar:
    """A jar that has seen one response."""
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
def test_a_domain_attribute_widens_who_gets_a_cookie_but_only_to_domains_the_host_is_in(attribute: str) -> None:
    jar = jar_of(HOME, f"a=b{attribute}; Path=/")
    assert [host for host in HOSTS if sent(jar, f"http://{host}/") == "a=b"] == DOMAINS[attribute].split()
    assert len(jar) == bool(DOMAINS[attribute])


def test_hosts_are_the_same_in_any_case_with_a_final_dot_and_as_labels_of_either_kind() -> None:
    jar = jar_of("http://BÜCHER.example/", "a=1; Domain=bücher.example", "b=2; Domain=xn--bcher-kva.EXAMPLE", "c=3")
    for host in ("bücher.example", "xn--bcher-kva.example", "XN--bcher-kva.example", "bücher.example."):
        assert sent(jar, f"http://{host}/") == "a=1; b=2; c=3"
    assert sent(jar, "http://sub.bücher.example/") == "a=1; b=2"
    assert sent(jar, "http://bucher.example/") is None


def test_hosts_that_cannot_be_are_nobodys() -> None:
    assert canonical_host("a" * 5000) == ""
    assert canonical_host("ü" * 5000) == ""
    assert canonical_host("\u2028ü") == ""
    assert canonical_host("[::1]") == "::1"
    jar = CookieJar()
    jar.update_cookies_from_headers(["a=b"], URL("http://" + "a." * 200 + "example/"))
    jar.update_cookies_from_headers(["a=b"], URL())
    jar.update_cookies_from_headers(["a=b"], URL("/relative"))
    assert len(jar) == 0


ADDRESSES = ["127.0.0.1", "10.1", "2130706433", "0x7f000001", "0x7f.1", "0x", "1.2.3.4.", "::1", "fe80::1%eth0"]


@pytest.mark.parametrize("host", ADDRESSES)
def test_addresses_in_every_spelling_are_addresses(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize("host", ["localhost", "1a", "a1", "1.example", "x0x1", "0xg", "example.c0m"])
def test_names_are_no_addresses(host: str) -> None:
    assert not is_address(host)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]/", "http://10.1/"])
def test_addresses_get_cookies_only_from_an_unsafe_jar_and_share_them_with_nobody(url: str) -> None:
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


PATHS = {
    ("/", "/"): True,
    ("/x", "/"): True,
    ("/x", "/x"): True,
    ("/x/", "/x"): True,
    ("/x/y", "/x"): True,
    ("/x/y", "/x/"): True,
    ("/x//y", "/x/"): True,
    ("/x", "/x/"): False,
    ("/xy", "/x"): False,
    ("/X", "/x"): False,
    ("/", "/x"): False,
    ("/y/x", "/x"): False,
    ("/x%2Fy", "/x"): False,
    ("/x", "/%78"): False,
    ("/x", "/x?"): False,
}


@pytest.mark.parametrize(("path", "of_cookie"), PATHS)
def test_a_path_matches_itself_and_what_is_below_it(path: str, of_cookie: str) -> None:
    assert path_matches(path, of_cookie) is PATHS[path, of_cookie]
    jar = jar_of(HOME, f"a=b; Path={of_cookie}")
    assert (jar.header_for("home.example.org", path, False) == "a=b") is PATHS[path, of_cookie]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "/"),
        ("/", "/"),
        ("/x", "/"),
        ("/x/", "/x"),
        ("/x/y", "/x"),
        ("/x/y/", "/x/y"),
        ("//", "/"),
        ("x/y", "/"),
        ("*", "/"),
    ],
)
def test_the_default_path_is_the_folder(path: str, expected: str) -> None:
    assert default_path(path) == expected


@pytest.mark.parametrize("attribute", ["", "; Path", "; Path=", "; Path=x", '; Path="/y"', "; Path=/y; Path="])
def test_a_cookie_without_a_path_is_for_the_folder_of_its_page(attribute: str) -> None:
    jar = jar_of(HOME, f"a=b{attribute}")
    assert sent(jar, "http://home.example.org/cookie/other") == "a=b"
    assert sent(jar, "http://home.example.org/cookie?x") == "a=b"
    assert sent(jar, "http://home.example.org/") is None


def test_paths_are_compared_as_they_are_sent() -> None:
    jar = jar_of("http://example.org/a b/page", "a=1", "b=2; Path=/a%20b", "c=3; Path=/a b")
    assert sent(jar, "http://example.org/a b/") == "a=1; b=2"


# --- public suffixes -----------------------------------------------------------------------------

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


def test_a_host_that_is_a_public_suffix_keeps_its_cookies_to_itself() -> None:
    pytest.importorskip("publicsuffixlist")
    jar = jar_of("http://github.io/", "a=b; Domain=github.io", public_suffixes=True)
    assert sent(jar, "http://github.io/") == "a=b"
    assert sent(jar, "http://me.github.io/") is None
    assert jar.host_only_cookies == {("github.io", "", "a")}


def test_without_the_list_the_option_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['publicsuffixlist'] = None\n"
        "from gazelle.cookies.jar import CookieJar\n"
        "CookieJar()\n"
        "try: CookieJar(public_suffixes=True)\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'gazelle[psl]'" in done.stdout
