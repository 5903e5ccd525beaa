"""The cookie jar of a session (RFC 6265 §5.3, §5.4)."""

import asyncio
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http.cookies import Morsel, SimpleCookie
from time import time
from types import MappingProxyType
from typing import Any, Final, Literal

from yarl import URL

from gazelle.abc import AbstractCookieJar
from gazelle.types import LooseCookies, StrOrURL

from . import files
from .acceptance import Source, cookie_of_caller
from .cookie import Cookie, Key, make_morsel
from .domains import PublicSuffixes, canonical_host
from .domains import public_suffixes as known_public_suffixes
from .parse import MAX_SET_COOKIES, keeps_prefix, parse_set_cookie
from .store import CookieStore
from .views import Selection, Views

_SECURE_SCHEMES: Final = frozenset({"https", "wss"})


class CookieJar(AbstractCookieJar):
    """Store cookies as browsers do (RFC 6265), and select those of a request in time independent of their number.

    A jar works without an event loop. Of several cookies with one name only the most specific is sent: the one with the
    longest domain, then the longest path. A domain keeps about 150 cookies and the jar about 3 000; beyond that those
    set longest ago are evicted. A Cookie header has at most 150 cookies and 8190 bytes.

    Args:
        unsafe: accept cookies from IP addresses and send cookies there. Default False.
        quote_cookie: send values with the quotes that servers gave them, and quote values of callers that need it
            (RFC 2109). If False, values are sent without quotes. Default True.
        treat_as_secure_origin: URL or URLs whose origins may set Secure cookies and get them, although their scheme is
            not secure.
        loop: deprecated, has no effect.
        public_suffixes: refuse cookies for domains under which anyone can register names, like `com` and `co.uk`
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
        self._domains: dict[str, dict[Key, Cookie]] = {}
        self._views = Views(self._domains, unsafe=unsafe, quoted=quote_cookie)
        self._store = CookieStore(self._domains, self._views)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._store.count} cookies>"

    def __len__(self) -> int:
        return self._current().count

    def __iter__(self) -> "Iterator[Morsel[str]]":
        return (cookie.morsel() for cookie in self._current())

    @property
    def unsafe(self) -> bool:
        """Whether cookies of IP addresses are accepted and sent."""
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
        """The cookies by domain and path without trailing slashes; a new mapping each time."""
        found: dict[tuple[str, str], SimpleCookie] = {}
        for cookie in self._current():
            found.setdefault((cookie.domain, cookie.path.rstrip("/")), SimpleCookie())[cookie.name] = cookie.morsel()
        return MappingProxyType(found)

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """Domain, path without trailing slashes, and name of the cookies that are not sent to subdomains."""
        return frozenset(
            (cookie.domain, cookie.path.rstrip("/"), cookie.name) for cookie in self._current() if cookie.host_only
        )

    @property
    def by_domain(self) -> Mapping[str, Mapping[Any, Cookie]]:
        """The stored cookies by domain: one mapping for the life of the jar, empty if and only if there are none."""
        return self._domains

    @property
    def version(self) -> int:
        """A number that changes whenever what is sent to some host may change, also because a cookie has expired."""
        store = self._store
        if store.expiring and store.expiring[0][0] <= (now := time()):
            store.expire(now)
        return store.version

    # What is sent.

    def select(self, host: str, path: str, is_secure: bool) -> Selection:
        """Return the cookies of a request together with their header.

        Args:
            host: host of the URL, as `URL.raw_host` has it.
            path: path of the URL as it is sent, without the query.
            is_secure: whether Secure cookies may be sent, see `is_secure`.
        """
        store = self._store
        if store.expiring and store.expiring[0][0] <= (now := time()):
            store.expire(now)
        return self._views.select(host, path, is_secure)

    def header_for(self, host: str, path: str, is_secure: bool) -> str | None:
        """Return the value of the Cookie header of a request, see `select`, or None if there are no cookies to send."""
        return self.select(host, path, is_secure).header if self._domains else None

    def pairs_for(self, host: str, path: str, is_secure: bool) -> tuple[tuple[str, str], ...]:
        """Return the cookies in the header of `header_for`: names and values as they are sent, sorted by name."""
        return self.select(host, path, is_secure).pairs() if self._domains else ()

    def is_secure(self, url: URL) -> bool:
        """Return whether a URL may get Secure cookies, and may set those whose name requires a secure connection."""
        if url.scheme in _SECURE_SCHEMES:
            return True
        return bool(self._secure_origins) and url.absolute and url.origin() in self._secure_origins

    def filter_cookies(self, request_url: URL = URL()) -> SimpleCookie:  # noqa: B008  (immutable)
        """Return the cookies to send with a request to a URL, without attributes; by default the shared cookies."""
        found = SimpleCookie()
        if not self._domains:
            return found
        if not isinstance(request_url, URL):
            warnings.warn("filter_cookies takes a yarl.URL", DeprecationWarning, stacklevel=2)
            request_url = URL(request_url)
        selection = self.select(request_url.raw_host or "", request_url.raw_path, self.is_secure(request_url))
        for (name, coded), cookie in zip(selection.pairs(), selection.cookies, strict=True):
            found[name] = make_morsel(name, cookie.value, coded)
        return found

    # What is stored.

    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:  # noqa: B008  (immutable)
        """Store cookies of the caller.

        Args:
            cookies: a mapping of names to values or Morsels, a `SimpleCookie`, or (name, value) pairs. Morsels are
                treated as if a server had set them, with their attributes. Values that are not text are converted.
            response_url: the URL they belong to. Default: the empty URL; its cookies are shared, they are sent to all
                hosts.

        Raises:
            TypeError: a name is not text.
            ValueError: a name or a value cannot be put into a header; nothing is stored.
        """
        pairs: Iterable[tuple[str, Any]] = cookies.items() if isinstance(cookies, Mapping) else cookies
        quoted = self._quote_cookie
        found = [(cookie_of_caller(name, value, quoted=quoted), isinstance(value, Morsel)) for name, value in pairs]
        now = time()
        self._store.expire(now)
        source = self._source(response_url.raw_host or "", response_url.raw_path, self.is_secure(response_url))
        for given, of_server in found:
            if not of_server or keeps_prefix(given.name, given.attributes):
                self._put(source.accept(given, now, of_server=of_server), now)

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Store the cookies of a response, except those that a browser would refuse.

        Args:
            headers: the values of its Set-Cookie fields; at most 50 cookies of them are stored.
            response_url: the URL of the response; without a host nothing is stored.
        """
        host, path = response_url.raw_host or "", response_url.raw_path
        CookieJar.store_fields(self, headers, host, path, self.is_secure(response_url))

    def store_fields(self, fields: Sequence[str], host: str, path: str, is_secure: bool) -> None:
        """Store the cookies of a response, as `update_cookies_from_headers` does, without a URL object.

        Args:
            fields: the values of its Set-Cookie fields.
            host: host of its URL, as `URL.raw_host` has it.
            path: path of its URL without the query, as `URL.raw_path` has it.
            is_secure: whether its URL may get Secure cookies, see `is_secure`.
        """
        if not host:
            return
        now, store, source, taken = time(), self._store, None, 0
        if store.expiring and store.expiring[0][0] <= now:
            store.expire(now)
        for field in fields:
            pair, _, attributes = field.partition(";")
            name, _, coded = pair.partition("=")
            recipe = (host, is_secure, name, attributes)
            known = store.recipes.get(recipe)
            # Fast path: most servers set a cookie again and again, with the same attributes.
            if known is None or not store.renew(known, coded.strip(" \t"), path, now):
                given = parse_set_cookie(field)
                if given is None:
                    continue
                source = source or self._source(host, path, is_secure)
                stored = self._put(source.accept(given, now, of_server=True), now)
                if stored is not None:
                    store.remember(stored, recipe)
            taken += 1
            if taken == MAX_SET_COOKIES:
                return

    def _source(self, host: str, path: str, is_secure: bool) -> Source:
        return Source(host, path, is_secure, self._unsafe, self._public_suffixes)

    def _put(self, cookie: Cookie | None, now: float) -> Cookie | None:
        """Store an accepted cookie and return the stored object, or remove the stored one if the cookie has expired."""
        if cookie is None:
            return None
        if cookie.expires is not None and cookie.expires <= now:
            self._store.remove(cookie)
            return None
        return self._store.put(cookie)

    def _current(self) -> CookieStore:
        """Return the stored cookies, after the removal of those that have expired."""
        if self._store.expiring:
            self._store.expire(time())
        return self._store

    # What is removed.

    def clear(self, predicate: "Callable[[Morsel[str]], bool] | None" = None) -> None:
        """Remove all cookies, or those for which the predicate returns True; and those that have expired."""
        for cookie in self._current():
            if predicate is None or predicate(cookie.morsel()):
                self._store.remove(cookie)
        self._store.rebuild_heap()

    def clear_domain(self, domain: str) -> None:
        """Remove the cookies of a domain and of its subdomains."""
        domain = canonical_host(domain.removeprefix("."))
        below = f".{domain}"
        for cookie in self._current():
            if domain and (cookie.domain == domain or cookie.domain.endswith(below)):
                self._store.remove(cookie)
        self._store.rebuild_heap()

    # Files.

    def save(self, file_path: str | os.PathLike[str], format: Literal["json", "pickle"] = "json") -> None:
        """Write the cookies to a file, session cookies too. Only its owner may read it (mode 0600).

        Args:
            file_path: path of the file. An existing file is replaced atomically.
            format: "json", or "pickle" for programs that need it. Default "json".

        Raises:
            OSError: the file cannot be written.
            ValueError: the format is neither.
        """
        if format not in ("json", "pickle"):
            raise ValueError(f"format should be 'json' or 'pickle', got {format!r}")
        cookies = sorted(self._current(), key=lambda cookie: cookie.serial)
        files.write_private(file_path, files.dump_json(cookies) if format == "json" else files.dump_pickle(cookies))

    def load(self, file_path: str | os.PathLike[str]) -> None:
        """Replace the cookies by those in a file of either format. Pickles of other objects are refused.

        In pickles of other programs all cookies count as host-only, because the format has no such flag.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not a file of cookies; the jar is unchanged.
        """
        now = time()
        loaded = files.load(files.read_limited(file_path), now)
        self.clear()
        self._store.changed()
        for cookie in loaded:
            if cookie.expires is None or cookie.expires > now:
                self._store.put(cookie)


def _origins(urls: StrOrURL | Iterable[StrOrURL] | None) -> frozenset[URL]:
    if urls is None:
        return frozenset()
    if isinstance(urls, str | URL):
        urls = [urls]
    return frozenset(URL(url).origin() for url in urls)
