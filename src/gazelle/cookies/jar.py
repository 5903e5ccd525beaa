"""Cookie jars: what is stored, who gets it, and what it costs a request (RFC 6265 §5.3, §5.4)."""

import asyncio
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush, nsmallest
from http.cookies import BaseCookie, Morsel, SimpleCookie
from itertools import chain
from math import ceil
from time import time
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from yarl import URL

from gazelle.abc import AbstractCookieJar
from gazelle.fields.dates import parse_date
from gazelle.types import LooseCookies, StrOrURL

from . import files
from .cookie import Cookie, default_path, is_clean, is_name, make_morsel, path_matches, quote
from .domains import PublicSuffixes, canonical_domain, canonical_host, is_address, parents
from .domains import public_suffixes as known_public_suffixes
from .parse import (
    SetCookie,
    is_promise,
    join_pairs,
    keeps_promise,
    parse_max_age,
    parse_set_cookies,
    within_limits,
)

MAX_PER_DOMAIN: Final = 150
"""How many cookies of a domain are left when it has had `PRUNE_DOMAIN_AT` of them; the oldest go."""

PRUNE_DOMAIN_AT: Final = 180
"""How many cookies a domain may have before the oldest go."""

MAX_TOTAL: Final = 3000
"""How many cookies are left when there have been `PRUNE_TOTAL_AT` of them; the oldest go."""

PRUNE_TOTAL_AT: Final = 3300
"""How many cookies there may be before the oldest go."""

_SECURE_SCHEMES: Final = frozenset({"https", "wss"})
# Hosts and headers that are remembered; together with the limits of a header they bound the memory that takes.
_MAX_VIEWS: Final = 256
_MAX_HEADERS: Final = 1024
# How many entries of the heap may be out of date: a few for each cookie.
_HEAP_SLACK: Final = 4
_HEAP_MIN: Final = 64
# The cookies that all hosts get are filed under this domain. Only users put them there.
_SHARED: Final = ""

_Key: TypeAlias = tuple[str, str, bool]
_Pairs: TypeAlias = tuple[tuple[str, str], ...]


class _Sent(NamedTuple):
    """What goes with a request: the header, its pairs sorted by name, and the values without quotes by name."""

    header: str | None
    pairs: _Pairs
    values: dict[str, str]


class _View:
    """What one host gets: its cookies, the most specific first, and the headers made of them."""

    __slots__ = ("cookies", "made", "paths")

    def __init__(self, cookies: list[Cookie]) -> None:
        self.cookies = sorted(cookies, key=lambda cookie: cookie.rank, reverse=True)
        # Of the cookie paths that match a request path, each is the beginning of the next. So the longest tells which
        # of them match, and what is sent depends on nothing else of the request path.
        self.paths = sorted({cookie.path for cookie in cookies} - {"/"}, key=len, reverse=True)
        self.made: dict[tuple[str, bool], _Sent] = {}

    def longest_path(self, path: str) -> str:
        """Returns the longest path of a cookie that matches a request path."""
        for of_cookie in self.paths:
            if path_matches(path, of_cookie):
                return of_cookie
        return "/"


class CookieJar(AbstractCookieJar):
    """Keeps cookies as browsers do (RFC 6265), and finds those of a request no matter how many there are.

    It needs no event loop. Of the cookies with one name only the most specific is sent: that of the longest domain,
    then of the longest path. A domain keeps about 150 cookies and the jar about 3 000; then those go that were set
    longest ago. A Cookie header has at most 150 of them and 8190 bytes.

    Args:
        unsafe: take cookies from IP addresses and send cookies there. Default False.
        quote_cookie: send values with the quotes that servers gave them, and put quotes around values of users that
            need them (RFC 2109). If False, values are sent without quotes. Default True.
        treat_as_secure_origin: URL or URLs, of whose origins Secure cookies are taken and to which they are sent,
            although their scheme is not secure.
        loop: deprecated, has no effect.
        public_suffixes: refuse cookies for domains under which anybody can get a name, like `com` and `co.uk`
            (RFC 6265 §5.3, 5). Needs the package `publicsuffixlist`, in the extra `psl`. Default False.

    Raises:
        ValueError: a URL of `treat_as_secure_origin` has no origin.
        ImportError: `public_suffixes` without the package.
    """

    def __init__(
        self,
        *,
        unsafe: bool = False,
        quote_cookie: bool = True,
        treat_as_secure_origin: StrOrURL | Iterable[StrOrURL] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        public_suffixes: bool = False,
    ) -> None:
        super().__init__(loop=loop)
        self._unsafe = unsafe
        self._quote_cookie = quote_cookie
        self._secure_origins = _origins(treat_as_secure_origin)
        self._public_suffixes: PublicSuffixes | None = known_public_suffixes() if public_suffixes else None
        self._domains: dict[str, dict[_Key, Cookie]] = {}
        self._count = 0
        self._serial = 0
        self._version = 0
        # (expires, serial, domain, key) of cookies that expire. An entry is out of date when the cookie under the key
        # has another serial number.
        self._expiring: list[tuple[int, int, str, _Key]] = []
        self._views: dict[str, _View] = {}
        self._made = 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._count} cookies>"

    def __len__(self) -> int:
        if self._expiring:
            self._expire(time())
        return self._count

    def __iter__(self) -> "Iterator[Morsel[str]]":
        return (cookie.morsel() for cookie in self._all())

    @property
    def unsafe(self) -> bool:
        """Whether cookies of IP addresses are taken and sent."""
        return self._unsafe

    @property
    def quote_cookie(self) -> bool:
        """Whether values are sent with quotes."""
        return self._quote_cookie

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins to which Secure cookies are sent although their scheme is not secure."""
        return self._secure_origins

    @property
    def cookies(self) -> Mapping[tuple[str, str], SimpleCookie]:
        """The cookies by domain and path without slashes at its end; made for the occasion."""
        found: dict[tuple[str, str], SimpleCookie] = {}
        for cookie in self._all():
            found.setdefault((cookie.domain, cookie.path.rstrip("/")), SimpleCookie())[cookie.name] = cookie.morsel()
        return MappingProxyType(found)

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """Domain, path without slashes at its end, and name of the cookies that hosts below their domain do not get."""
        return frozenset(
            (cookie.domain, cookie.path.rstrip("/"), cookie.name) for cookie in self._all() if cookie.host_only
        )

    @property
    def by_domain(self) -> Mapping[str, Mapping[Any, Cookie]]:
        """The stored cookies by domain, as long as the jar lives; empty if and only if there are none."""
        return self._domains

    @property
    def version(self) -> int:
        """A number that changes whenever what is sent to some host may change, also because a cookie has expired."""
        if self._expiring:
            self._expire(time())
        return self._version

    # What is sent.

    def header_for(self, host: str, path: str, is_secure: bool) -> str | None:
        """Returns the value of the Cookie header of a request, or None if there is nothing to send.

        Args:
            host: host of the URL, as `URL.raw_host` has it.
            path: path of the URL as it is sent, without the query.
            is_secure: whether Secure cookies may be sent, see `is_secure`.
        """
        return self._sent(host, path, is_secure).header if self._domains else None

    def varies_by_path(self, host: str) -> bool:
        """Return whether what a host gets depends on the path of the request."""
        view = self._views.get(host)
        return view is None or bool(view.paths)

    def pairs_for(self, host: str, path: str, is_secure: bool) -> tuple[tuple[str, str], ...]:
        """Returns what `header_for` is made of: names and values as they are sent, sorted by name."""
        return self._sent(host, path, is_secure).pairs if self._domains else ()

    def is_secure(self, url: URL) -> bool:
        """Returns whether Secure cookies may be sent to a URL, and taken from it when their name insists on it."""
        if url.scheme in _SECURE_SCHEMES:
            return True
        return bool(self._secure_origins) and url.absolute and url.origin() in self._secure_origins

    def filter_cookies(self, request_url: URL = URL()) -> SimpleCookie:  # noqa: B008  (immutable)
        """Returns the cookies to send with a request to a URL, without their attributes; by default the shared ones."""
        found = SimpleCookie()
        if not self._domains:
            return found
        if not isinstance(request_url, URL):
            warnings.warn("filter_cookies takes a yarl.URL", DeprecationWarning, stacklevel=2)
            request_url = URL(request_url)
        sent = self._sent(request_url.raw_host or "", request_url.raw_path, self.is_secure(request_url))
        for name, coded in sent.pairs:
            found[name] = make_morsel(name, sent.values[name], coded)
        return found

    def _sent(self, host: str, path: str, is_secure: bool) -> _Sent:
        if self._expiring and self._expiring[0][0] <= (now := time()):
            self._expire(now)
        view = self._views.get(host)
        if view is None:
            view = self._view(host)
        place = (view.longest_path(path) if view.paths else "/", is_secure)
        made = view.made.get(place)
        if made is None:
            if self._made >= _MAX_HEADERS:
                self._forget_headers()
                self._views[host] = view
                view.made.clear()
            made = view.made[place] = self._make(view, *place)
            self._made += 1
        return made

    def _view(self, host: str) -> _View:
        if len(self._views) >= _MAX_VIEWS:
            self._forget_headers()
        view = self._views[host] = _View(list(self._candidates(canonical_host(host))))
        return view

    def _candidates(self, host: str) -> Iterator[Cookie]:
        """Yields the cookies that some request to a host may carry (RFC 6265 §5.1.3)."""
        domains = self._domains
        yield from domains.get(_SHARED, {}).values()
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

    def _make(self, view: _View, path: str, is_secure: bool) -> _Sent:
        cookies: dict[str, Cookie] = {}
        for cookie in view.cookies:
            if (is_secure or not cookie.secure) and path_matches(path, cookie.path):
                cookies.setdefault(cookie.name, cookie)
        quoted = self._quote_cookie
        chosen = within_limits((name, cookie.coded if quoted else cookie.plain()) for name, cookie in cookies.items())
        pairs = tuple(sorted(chosen.items()))
        return _Sent(join_pairs(pairs), pairs, {name: cookies[name].value for name in chosen})

    def _forget_headers(self) -> None:
        self._views.clear()
        self._made = 0

    # What is stored.

    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:  # noqa: B008  (immutable)
        """Stores cookies of the user.

        Args:
            cookies: a mapping of names to values or Morsels, a `SimpleCookie`, or (name, value) pairs. Morsels count as
                if a server had set them, with their attributes. Values that are no text are made into it.
            response_url: where they come from, and whom they are sent to again. Default: the empty URL; its cookies
                are shared, they are sent to all hosts.

        Raises:
            TypeError: a name is no text.
            ValueError: a name or a value cannot be put into a header; nothing is stored.
        """
        pairs: Iterable[tuple[str, Any]] = cookies.items() if isinstance(cookies, Mapping) else cookies
        found = [(self._given(name, value), isinstance(value, Morsel)) for name, value in pairs]
        now = time()
        self._expire(now)
        origin = _Origin(self, response_url)
        for given, of_server in found:
            if not of_server or keeps_promise(given.name, given.attributes):
                self._store(given, origin, now, of_server=of_server)

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Stores the cookies of a response; those that a browser would refuse are passed over.

        Args:
            headers: the values of its Set-Cookie fields; 50 cookies of them are taken.
            response_url: where it comes from; without a host nothing is stored.
        """
        now = time()
        self._expire(now)
        origin = _Origin(self, response_url)
        if origin.host:
            for given in parse_set_cookies(headers):
                self._store(given, origin, now, of_server=True)

    def _given(self, name: str, value: object) -> SetCookie:
        """Returns what a user gives as if it had come from a server."""
        name = str.__str__(name)  # what it is, not what a subclass says that it is
        if not is_name(name):
            raise ValueError(f"{name!r} cannot be the name of a cookie")
        if isinstance(value, Morsel):
            coded = str.__str__(value.coded_value) if isinstance(value.coded_value, str) else str(value.coded_value)
            given = SetCookie(name, coded)
            for attribute, text in value.items():
                if text is not None and text is not False and text != "":
                    given.attributes[attribute] = text if text is True else str(text)
            given.max_age = parse_max_age(str(given.attributes.get("max-age", "")))
            given.expires = parse_date(str(given.attributes.get("expires", "")))
        else:
            text = str.__str__(value) if isinstance(value, str) else str(value)
            given = SetCookie(name, quote(text) if self._quote_cookie and is_clean(text) else text)
        for part in (given.coded, *given.attributes.values()):
            if not is_clean(str(part)):
                raise ValueError(f"the cookie {name!r} holds a control character or half a surrogate pair: {part!r}")
        return given

    def _store(self, given: SetCookie, origin: "_Origin", now: float, *, of_server: bool) -> None:
        """Stores a cookie, or removes the one in its place if it says so (RFC 6265 §5.3)."""
        place = origin.place(given.domain)
        if place is None or (of_server and origin.host and not origin.is_secure and is_promise(given.name)):
            return
        domain, host_only = place
        expires = given.expires
        if given.max_age is not None:
            expires = ceil(now + given.max_age) if given.max_age else 0
        attributes = {name: text for name, text in given.attributes.items() if name not in ("domain", "path", "secure")}
        cookie = Cookie(
            given.name,
            given.value,
            given.coded,
            domain=domain,
            path=given.path or origin.default_path,
            host_only=host_only,
            secure=given.secure,
            expires=expires,
            attributes=attributes,
        )
        if expires is not None and expires <= now:
            self._remove(cookie)
        else:
            self._put(cookie)

    def _put(self, cookie: Cookie) -> None:
        domain, key = cookie.domain, cookie.key
        bucket = self._domains.setdefault(domain, {})
        old = bucket.pop(key, None)
        self._serial = cookie.serial = self._serial + 1
        bucket[key] = cookie  # at the end: buckets are in the order in which their cookies were set
        if cookie.expires is not None:
            heappush(self._expiring, (cookie.expires, cookie.serial, domain, key))
            if len(self._expiring) > _HEAP_MIN + _HEAP_SLACK * self._count:
                self._rebuild_heap()
        if old is None:
            self._count += 1
            if domain != _SHARED:
                self._prune(bucket)
        elif old.coded == cookie.coded and old.value == cookie.value and old.secure == cookie.secure:
            # Servers set the same cookie with every response: no header gets a different one.
            return
        self._changed()

    def _remove(self, cookie: Cookie) -> None:
        bucket = self._domains.get(cookie.domain)
        if bucket is not None and bucket.pop(cookie.key, None) is not None:
            self._count -= 1
            if not bucket:
                del self._domains[cookie.domain]
            self._changed()

    def _prune(self, bucket: dict[_Key, Cookie]) -> None:
        """Removes what was set longest ago from a domain, or from the jar, that has grown too large."""
        if len(bucket) > PRUNE_DOMAIN_AT:
            for cookie in list(bucket.values())[: len(bucket) - MAX_PER_DOMAIN]:
                self._remove(cookie)
        if self._count > PRUNE_TOTAL_AT:
            # What is shared is not of servers, and stays.
            candidates = (cookie for cookie in self._all() if cookie.domain != _SHARED)
            for cookie in nsmallest(self._count - MAX_TOTAL, candidates, key=lambda cookie: cookie.serial):
                self._remove(cookie)

    def _expire(self, now: float) -> None:
        expiring = self._expiring
        while expiring and expiring[0][0] <= now:
            _, serial, domain, key = heappop(expiring)
            cookie = self._domains.get(domain, {}).get(key)
            if cookie is not None and cookie.serial == serial:
                self._remove(cookie)

    def _rebuild_heap(self) -> None:
        self._expiring = [
            (cookie.expires, cookie.serial, domain, key)
            for domain, bucket in self._domains.items()
            for key, cookie in bucket.items()
            if cookie.expires is not None
        ]
        heapify(self._expiring)

    def _changed(self) -> None:
        self._version += 1
        if self._views:
            self._forget_headers()

    def _all(self) -> list[Cookie]:
        self._expire(time())
        return list(chain.from_iterable(bucket.values() for bucket in self._domains.values()))

    # What is removed.

    def clear(self, predicate: "Callable[[Morsel[str]], bool] | None" = None) -> None:
        """Removes all cookies, or those for which the predicate returns True; and what has expired."""
        for cookie in self._all():
            if predicate is None or predicate(cookie.morsel()):
                self._remove(cookie)
        self._rebuild_heap()

    def clear_domain(self, domain: str) -> None:
        """Removes the cookies of a domain and of the domains below it."""
        domain = canonical_host(domain.removeprefix("."))
        below = f".{domain}"
        for cookie in self._all():
            if domain and (cookie.domain == domain or cookie.domain.endswith(below)):
                self._remove(cookie)
        self._rebuild_heap()

    # Files.

    def save(self, file_path: str | os.PathLike[str], format: Literal["json", "pickle"] = "json") -> None:
        """Writes the cookies to a file, also those that end with the session. Only its owner may read it (mode 0600).

        Args:
            file_path: where to. A file that is there is replaced as a whole.
            format: "json", or "pickle" for programs that want that. Default "json".

        Raises:
            OSError: the file cannot be written.
            ValueError: the format is neither.
        """
        if format not in ("json", "pickle"):
            raise ValueError(f"format should be 'json' or 'pickle', got {format!r}")
        cookies = sorted(self._all(), key=lambda cookie: cookie.serial)
        files.write_private(file_path, files.dump_json(cookies) if format == "json" else files.dump_pickle(cookies))

    def load(self, file_path: str | os.PathLike[str]) -> None:
        """Replaces the cookies by those in a file, of either format. Pickles can hold cookies and nothing else.

        Of pickles that other programs wrote all cookies are taken as host-only, because they do not say which are.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no file of cookies; the jar is as it was.
        """
        now = time()
        loaded = files.load(files.read_limited(file_path), now)
        self.clear()
        self._changed()
        for cookie in loaded:
            if cookie.expires is None or cookie.expires > now:
                self._put(cookie)


class DummyCookieJar(AbstractCookieJar):
    """Stores nothing and has nothing to send.

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
        """Does nothing."""

    def clear_domain(self, domain: str) -> None:
        """Does nothing."""

    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:  # noqa: B008  (immutable)
        """Does nothing."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Does nothing."""

    def filter_cookies(self, request_url: URL) -> SimpleCookie:
        """Returns no cookies."""
        return SimpleCookie()


class _Origin:
    """Where cookies come from: a URL, taken apart once for all of them."""

    def __init__(self, jar: CookieJar, url: URL) -> None:
        self.host = canonical_host(url.raw_host or "")
        self.default_path = default_path(url.raw_path)
        self.is_secure = jar.is_secure(url)
        self._is_address = is_address(self.host)
        self._refused = (self._is_address and not jar.unsafe) or bool(url.raw_host and not self.host)
        self._public_suffixes = jar._public_suffixes

    def place(self, attribute: str) -> tuple[str, bool] | None:
        """Returns the domain of a cookie and whether it is host-only, or None to refuse it (RFC 6265 §5.3, 4 to 6).

        Args:
            attribute: the Domain attribute, empty if there is none.
        """
        if self._refused:
            return None
        if not self.host:
            domain = canonical_host(attribute.removeprefix("."))
            return (domain, False) if domain or not attribute else None
        domain = canonical_domain(attribute)
        if not domain:
            # A value that is too long or no name at all is not the same as none.
            return (self.host, True) if not attribute or attribute.endswith(".") or attribute == "." else None
        if domain == self.host:
            return domain, self._is_address or self._is_public(domain)
        if self._is_address or not self.host.endswith(f".{domain}") or self._is_public(domain):
            return None
        return domain, False

    def _is_public(self, domain: str) -> bool:
        return self._public_suffixes is not None and domain in self._public_suffixes


def cookies_for_request(jar: AbstractCookieJar, url: URL) -> tuple[tuple[str, str], ...]:
    """Returns names and values of the cookies that any jar has for a request, as they are sent, sorted by name.

    A jar that is no `CookieJar`, or overrides `filter_cookies`, is asked through that; what it says that cannot be put
    into a header is left out.
    """
    if isinstance(jar, CookieJar) and type(jar).filter_cookies is CookieJar.filter_cookies:
        return jar.pairs_for(url.raw_host or "", url.raw_path, jar.is_secure(url)) if jar._domains else ()
    found: BaseCookie[str] = jar.filter_cookies(url)
    pairs = ((str(name), str(morsel.coded_value)) for name, morsel in found.items())
    return tuple(sorted(within_limits(pair for pair in pairs if is_name(pair[0]) and is_clean(pair[1])).items()))


def store_response_cookies(jar: AbstractCookieJar, headers: Sequence[str], url: URL) -> None:
    """Hands the Set-Cookie fields of a response to any jar, also to one that only has `update_cookies`."""
    own = getattr(type(jar), "update_cookies_from_headers", None)
    inherited = own is None or own is AbstractCookieJar.update_cookies_from_headers
    # What a subclass of CookieJar does in `update_cookies` is meant for all cookies.
    narrowed = isinstance(jar, CookieJar) and own is CookieJar.update_cookies_from_headers
    if inherited or (narrowed and type(jar).update_cookies is not CookieJar.update_cookies):
        morsels = [(cookie.name, cookie.morsel()) for cookie in parse_set_cookies(headers)]
        if morsels:
            jar.update_cookies(morsels, url)
    else:
        jar.update_cookies_from_headers(headers, url)


def _origins(urls: StrOrURL | Iterable[StrOrURL] | None) -> frozenset[URL]:
    if urls is None:
        return frozenset()
    if isinstance(urls, str | URL):
        urls = [urls]
    return frozenset(URL(url).origin() for url in urls)
