"""The Cookie headers of hosts: precedence, limits, and the bounds of what is remembered (RFC 6265 §5.4)."""

from __future__ import annotations

from gazelle.cookies.jar import CookieJar
from gazelle.cookies.parse import (
    MAX_HEADER_SIZE,
    MAX_SENT,
)
from gazelle.cookies.views import MAX_SELECTIONS, MAX_VIEWS, Views
from tests.cookies.jars import SECURE_SITE, receive, sent


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


def test_remembered_hosts_and_headers_have_limits(jar: CookieJar) -> None:
    receive(jar, *(f"a=1; Path=/{n}" for n in range(40)))
    views = Views(jar.by_domain, unsafe=False, quoted=True)
    for n in range(3000):
        assert views.select(f"h{n}.test", "/", False).header is None
        selection = views.select("example.org", f"/{n % 50}/{n}", n % 3 == 0)
        assert selection.header == ("a=1" if n % 50 < 40 else None)
        hosts, headers = views.size
        assert hosts <= MAX_VIEWS
        assert headers <= MAX_SELECTIONS
    assert views.size > (1, 1)


def test_a_changed_value_reaches_every_host_that_gets_the_cookie_and_no_other(jar: CookieJar) -> None:
    receive(jar, "a=1; Domain=example.org; Path=/", "b=1; Path=/x")
    receive(jar, "c=1", url="http://other.test/")
    urls = ["http://example.org/", "http://example.org/x", "http://sub.example.org/", "http://other.test/"]
    assert [sent(jar, url) for url in urls] == ["a=1", "a=1; b=1", "a=1", "c=1"]
    receive(jar, "a=2; Domain=example.org; Path=/")
    assert [sent(jar, url) for url in urls] == ["a=2", "a=2; b=1", "a=2", "c=1"]
    receive(jar, "b=2; Path=/x")
    assert [sent(jar, url) for url in urls] == ["a=2", "a=2; b=2", "a=2", "c=1"]
    receive(jar, "b=2; Path=/x; Secure", url=SECURE_SITE)
    assert [sent(jar, url) for url in urls] == ["a=2", "a=2", "a=2", "c=1"]


def test_a_value_that_grows_over_the_limit_of_the_header_leaves_out_the_oldest(jar: CookieJar) -> None:
    receive(jar, "a=1", "b=1", "c=1")
    assert sent(jar) == "a=1; b=1; c=1"
    receive(jar, f"b={'b' * 4000}")
    receive(jar, f"c={'c' * 4000}")
    assert sent(jar) == f"a=1; b={'b' * 4000}; c={'c' * 4000}"
    receive(jar, f"a={'a' * 4000}")
    assert sent(jar) == f"a={'a' * 4000}; c={'c' * 4000}"
    receive(jar, "a=2")
    assert sent(jar) == f"a=2; b={'b' * 4000}; c={'c' * 4000}"


def test_values_of_several_bytes_per_character_count_in_bytes(jar: CookieJar) -> None:
    receive(jar, "a=1", "b=1")
    assert sent(jar) == "a=1; b=1"
    for name in "ab":
        receive(jar, f"{name}={'é' * 2040}")
    assert sent(jar) == f"a={'é' * 2040}; b={'é' * 2040}"
    receive(jar, "c=1", f"d={'x' * 40}")
    header = sent(jar)
    assert header is not None
    assert len(f"Cookie: {header}".encode()) <= MAX_HEADER_SIZE
