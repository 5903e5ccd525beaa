"""A clock that tests set, and the exchanges of a jar."""

from __future__ import annotations

from yarl import URL

from gazelle.abc import AbstractCookieJar
from gazelle.cookies.any_jar import cookies_for_request
from gazelle.cookies.jar import CookieJar

SITE = URL("http://example.org/")
SECURE_SITE = URL("https://example.org/")


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.25

    def __call__(self) -> float:
        return self.now


def sent(jar: CookieJar, url: str | URL = SITE) -> str | None:
    """Return the Cookie header of a request, and check that the other queries agree with it."""
    target = URL(url)
    place = (target.raw_host or "", target.raw_path, jar.is_secure(target))
    header = jar.header_for(*place)
    pairs = jar.pairs_for(*place)
    assert "; ".join(f"{name}={coded}" for name, coded in pairs) == (header or "")
    assert cookies_for_request(jar, target) == pairs
    assert {name: morsel.coded_value for name, morsel in jar.filter_cookies(target).items()} == dict(pairs)
    return header


def receive(jar: AbstractCookieJar, *fields: str, url: str | URL = SITE) -> None:
    """Pass the Set-Cookie fields of a response to a jar."""
    jar.update_cookies_from_headers(fields, URL(url))
