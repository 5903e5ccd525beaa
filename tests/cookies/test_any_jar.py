"""Access to any jar: jars of users with the abstract methods alone, and subclasses that override some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.cookies import BaseCookie, Morsel, SimpleCookie
from typing import Any

import pytest
from yarl import URL

from gazelle.abc import AbstractCookieJar
from gazelle.cookies.any_jar import cookies_for_request, store_response_cookies
from gazelle.cookies.jar import CookieJar
from tests.cookies.jars import SITE, receive


class ListJar(AbstractCookieJar):
    """A jar of a user, with the abstract methods only."""

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


def test_a_jar_of_a_user_gets_parsed_cookies_and_is_queried_for_them() -> None:
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


def test_a_subclass_that_overrides_a_method_is_called_through_it() -> None:
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
