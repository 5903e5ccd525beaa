"""The Cookie headers of hosts, remembered until a cookie in them changes (RFC 6265 §5.4)."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from .cookie import Cookie, Key, path_matches
from .domains import canonical_host, is_address, parents
from .parse import MAX_TEXT, within_limits

MAX_VIEWS: Final = 256
"""Limit of hosts that are remembered."""

MAX_SELECTIONS: Final = 1024
"""Limit of headers that are remembered, of all hosts together."""

SHARED: Final = ""
"""The domain of cookies that are sent to all hosts. Only callers set them."""

_Place: TypeAlias = tuple[str, bool]


class Selection:
    """The cookies that one host gets for some of its paths, and the header made of them.

    Args:
        cookies: the cookies, sorted by name.
        quoted: whether values are sent with their quotes.
        for_all_paths: whether the host gets these cookies for every path.

    Attributes:
        header: value of the Cookie header, None if there are no cookies. Outdated while `stale` is set.
        stale: whether a value has changed since the header was made.
    """

    __slots__ = ("_quoted", "cookies", "for_all_paths", "header", "stale")

    def __init__(self, cookies: list[Cookie], quoted: bool, for_all_paths: bool) -> None:
        self.cookies = cookies
        self.for_all_paths = for_all_paths
        self._quoted = quoted
        self.header: str | None = None
        self.stale = True
        self.renew()

    def renew(self) -> bool:
        """Make the header anew from the same cookies, and return whether they still fit into one."""
        cookies = self.cookies
        if self._quoted:
            header = "; ".join([f"{cookie.name}={cookie.coded}" for cookie in cookies])
        else:
            header = "; ".join([f"{cookie.name}={cookie.plain()}" for cookie in cookies])
        self.header = header or None
        self.stale = False
        return len(header) <= MAX_TEXT and header.isascii()

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return names and values as they are sent."""
        quoted = self._quoted
        return tuple([(cookie.name, cookie.coded if quoted else cookie.plain()) for cookie in self.cookies])


class View:
    """The cookies that requests to one host may carry, and the selections of them by path and security.

    Attributes:
        cookies: the cookies, in order of precedence.
        members: the cookies as a set.
        paths: paths of the cookies, the longest first, without "/".
        selections: the selections that were made.
        whole: whether no selection had to leave out a cookie because of the limits of a header.
    """

    __slots__ = ("cookies", "members", "paths", "selections", "whole")

    def __init__(self, cookies: list[Cookie]) -> None:
        self.cookies = sorted(cookies, key=lambda cookie: cookie.rank, reverse=True)
        self.members = frozenset(cookies)
        # The cookie paths that match a request path are prefixes of each other, so that the longest of them determines
        # the others, and with them the selection.
        self.paths = sorted({cookie.path for cookie in cookies} - {"/"}, key=len, reverse=True)
        self.selections: dict[_Place, Selection] = {}
        self.whole = True

    def longest_path(self, path: str) -> str:
        """Return the longest path of a cookie that matches a request path."""
        for of_cookie in self.paths:
            if path_matches(path, of_cookie):
                return of_cookie
        return "/"

    def select(self, place: _Place, quoted: bool) -> Selection:
        """Return a new selection, of the cookie with the highest precedence for each name, and remember it."""
        path, is_secure = place
        cookies: dict[str, Cookie] = {}
        for cookie in self.cookies:
            if (is_secure or not cookie.secure) and path_matches(path, cookie.path):
                cookies.setdefault(cookie.name, cookie)
        sent = within_limits((name, cookie.coded if quoted else cookie.plain()) for name, cookie in cookies.items())
        self.whole = self.whole and len(sent) == len(cookies)
        selection = self.selections[place] = Selection([cookies[name] for name in sorted(sent)], quoted, not self.paths)
        return selection


class Views:
    """The views of hosts. `CookieStore` reports changes of its cookies.

    Args:
        domains: the stored cookies by domain.
        unsafe: whether cookies are sent to IP addresses.
        quoted: whether values are sent with their quotes.
    """

    def __init__(self, domains: Mapping[str, Mapping[Key, Cookie]], *, unsafe: bool, quoted: bool) -> None:
        self._domains = domains
        self._unsafe = unsafe
        self._quoted = quoted
        self._by_host: dict[str, View] = {}
        self._count = 0

    @property
    def size(self) -> tuple[int, int]:
        """How many hosts and how many headers are remembered."""
        return len(self._by_host), sum(len(view.selections) for view in self._by_host.values())

    def select(self, host: str, path: str, is_secure: bool) -> Selection:
        """Return the cookies for a request; its `header` is up to date until a cookie changes."""
        view = self._by_host.get(host)
        if view is None:
            view = self._open(host)
        place = (view.longest_path(path) if view.paths else "/", is_secure)
        selection = view.selections.get(place)
        if selection is None:
            return self._add(host, view, place)
        if selection.stale and not selection.renew():
            # Precedence decides again which cookies are left out, and newer ones come first.
            self._drop(host)
            return self._add(host, self._open(host), place)
        return selection

    def forget(self) -> None:
        """Forget everything: a cookie was added or removed, or is Secure now, or no more."""
        if self._by_host:
            self._by_host.clear()
            self._count = 0

    def refresh(self, cookie: Cookie) -> None:
        """Bring the views of a cookie up to date: its value has changed."""
        partial = []
        for host, view in self._by_host.items():
            if cookie not in view.members:
                continue
            if view.whole:
                for selection in view.selections.values():
                    selection.stale = True
            else:
                partial.append(host)
        for host in partial:
            self._drop(host)

    def _open(self, host: str) -> View:
        if len(self._by_host) >= MAX_VIEWS:
            self.forget()
        view = self._by_host[host] = View(list(self._candidates(canonical_host(host))))
        return view

    def _add(self, host: str, view: View, place: _Place) -> Selection:
        if self._count >= MAX_SELECTIONS:
            self.forget()
            self._by_host[host] = view
            view.selections.clear()
        self._count += 1
        return view.select(place, self._quoted)

    def _drop(self, host: str) -> None:
        self._count -= len(self._by_host.pop(host).selections)

    def _candidates(self, host: str) -> Iterator[Cookie]:
        """Yield the cookies that some request to a host may carry (RFC 6265 §5.1.3)."""
        domains = self._domains
        yield from domains.get(SHARED, {}).values()
        if not host:
            return
        if is_address(host):
            if self._unsafe:
                yield from domains.get(host, {}).values()
            return
        yield from domains.get(host, {}).values()
        for domain in parents(host):
            if domain in domains:
                yield from (cookie for cookie in domains[domain].values() if not cookie.host_only)
