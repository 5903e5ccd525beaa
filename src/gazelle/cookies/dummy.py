"""The cookie jar that stores nothing."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from http.cookies import Morsel, SimpleCookie

from yarl import URL

from gazelle.abc import AbstractCookieJar
from gazelle.types import LooseCookies


class DummyCookieJar(AbstractCookieJar):
    """Store nothing and send nothing.

    Args:
        loop: deprecated, has no effect.
    """

    version = 0
    """The version of a jar that never changes."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(loop=loop)

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> "Iterator[Morsel[str]]":
        return iter(())

    def clear(self, predicate: "Callable[[Morsel[str]], bool] | None" = None) -> None:
        """Do nothing."""

    def clear_domain(self, domain: str) -> None:
        """Do nothing."""

    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:  # noqa: B008  (immutable)
        """Do nothing."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Do nothing."""

    def filter_cookies(self, request_url: URL) -> SimpleCookie:
        """Return no cookies."""
        return SimpleCookie()
