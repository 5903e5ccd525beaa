"""Cookies: what they cost a request, and what a Set-Cookie field costs."""

from __future__ import annotations

from typing import Any

import pytest
from yarl import URL

from gazelle.cookies.jar import CookieJar
from gazelle.cookies.parse import parse_set_cookie, response_cookies

SITE = URL("http://h1.example1.test/path/page")
HOST, PATH = "h1.example1.test", "/path/page"
FIELD = "sid=3b1c5c6a0e9f4d5f9a7c0d2e; Path=/; Expires=Wed, 09 Jun 2099 10:18:14 GMT; HttpOnly; SameSite=Lax"


def filled(count: int) -> CookieJar:
    """Return a jar with *count* cookies, two per host."""
    jar = CookieJar()
    for n in range(count // 2):
        fields = [f"sid=value{n}; Path=/; Max-Age=10000", f"pref=value{n}; Path=/path"]
        jar.update_cookies_from_headers(fields, URL(f"http://h{n}.example{n % 50}.test/"))
    return jar


@pytest.mark.parametrize("count", [0, 4, 3000])
def test_header_for(benchmark: Any, count: int) -> None:
    """The header of a request to a host that was asked before."""
    jar = filled(count)
    header = benchmark(jar.header_for, HOST, PATH, False)
    assert header == ("pref=value1; sid=value1" if count else None)


@pytest.mark.parametrize("count", [4, 3000])
def test_header_for_after_a_change(benchmark: Any, count: int) -> None:
    """The header after a response has set another cookie, and setting it."""
    jar = filled(count)
    numbers = iter(range(10**9))

    def exchange() -> str | None:
        jar.update_cookies_from_headers([f"sid=value{next(numbers)}; Path=/"], SITE)
        return jar.header_for(HOST, PATH, False)

    assert benchmark(exchange).startswith("pref=value1; sid=value")


def test_set_cookie_that_changes_nothing(benchmark: Any) -> None:
    """Most servers set the same cookie with every response."""
    jar = filled(3000)
    jar.update_cookies_from_headers([FIELD], SITE)
    version = jar.version
    benchmark(jar.update_cookies_from_headers, [FIELD], SITE)
    assert jar.version == version


def test_filter_cookies(benchmark: Any) -> None:
    jar = filled(3000)
    assert len(benchmark(jar.filter_cookies, SITE)) == 2


def test_parse_set_cookie(benchmark: Any) -> None:
    assert benchmark(parse_set_cookie, FIELD).name == "sid"


def test_cookies_of_a_response(benchmark: Any) -> None:
    assert benchmark(response_cookies, [FIELD])["sid"]["samesite"] == "Lax"
