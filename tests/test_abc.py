"""The interfaces that users implement: what must be overridden, and the defaults of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import BaseCookie, Morsel, SimpleCookie
from typing import Any

import pytest
from yarl import URL

from gazelle.abc import AbstractCookieJar, AbstractResolver, AbstractStreamWriter


class ListJar(AbstractCookieJar):
    """A jar that overrides only the abstract methods."""

    def __iter__(self) -> Iterator[Morsel[str]]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def clear(self, predicate: Any = None) -> None:
        return

    def clear_domain(self, domain: str) -> None:
        return

    def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None:  # noqa: B008
        return

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        return SimpleCookie()


@pytest.mark.parametrize(
    ("interface", "methods"),
    [
        (AbstractResolver, {"resolve", "close"}),
        (AbstractStreamWriter, {"write", "write_eof", "drain"}),
        (
            AbstractCookieJar,
            {"__iter__", "__len__", "clear", "clear_domain", "update_cookies", "filter_cookies"},
        ),
    ],
)
def test_these_methods_must_be_overridden(interface: Any, methods: set[str]) -> None:
    assert interface.__abstractmethods__ == methods
    with pytest.raises(TypeError, match="abstract"):
        interface()


def test_a_jar_that_overrides_nothing_more_has_the_documented_defaults() -> None:
    jar = ListJar()
    assert (jar.unsafe, jar.quote_cookie) == (False, True)
    assert (jar.treat_as_secure_origin, jar.host_only_cookies) == (frozenset(), frozenset())
    assert dict(jar.cookies) == {}
    with pytest.raises(TypeError):
        jar.cookies["h", "/"] = SimpleCookie()  # type: ignore[index]


def test_a_jar_that_does_not_parse_headers_says_so_with_its_class() -> None:
    with pytest.raises(NotImplementedError, match="ListJar takes cookies through update_cookies only"):
        ListJar().update_cookies_from_headers(["a=b"], URL("http://h/"))
