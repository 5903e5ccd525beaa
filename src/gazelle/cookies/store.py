"""The stored cookies: their order, their limits and their expiry (RFC 6265 §5.3)."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush, nsmallest
from itertools import chain
from typing import Final

from gazelle.fields.dates import MAX_TIME

from .acceptance import expiry
from .cookie import Cookie, Key, Recipe, default_path
from .parse import MAX_PAIR_SIZE
from .views import SHARED, Views

MAX_PER_DOMAIN: Final = 150
"""How many cookies a domain keeps when `PRUNE_DOMAIN_AT` is exceeded; the oldest are evicted."""

PRUNE_DOMAIN_AT: Final = 180
"""How many cookies a domain may have before the oldest are evicted."""

MAX_TOTAL: Final = 3000
"""How many cookies are kept when `PRUNE_TOTAL_AT` is exceeded; the oldest are evicted."""

PRUNE_TOTAL_AT: Final = 3300
"""How many cookies there may be before the oldest are evicted."""

# Limit of outdated entries of the heap, per cookie and in any case.
_HEAP_SLACK: Final = 4
_HEAP_MIN: Final = 64
# Limit of name and attribute text of a recipe: it bounds the memory that recipes take.
_MAX_RECIPE: Final = 512


class CookieStore:
    """Cookies by domain. Under one domain and key there is one `Cookie` object from its addition to its removal.

    Args:
        domains: where the cookies are put, by domain; each domain has them in the order in which they were set.
        views: told of every change.

    Attributes:
        domains: the cookies by domain; a domain without cookies is not in it.
        recipes: cookies by the Set-Cookie that stored them, without its value. A cookie has one recipe at most.
        version: changes with every change of what may be sent.
        count: how many cookies there are.
    """

    def __init__(self, domains: dict[str, dict[Key, Cookie]], views: Views) -> None:
        self.domains = domains
        self.recipes: dict[Recipe, Cookie] = {}
        self.version = 0
        self.count = 0
        # (expiry time, serial, domain, key). An entry is outdated unless the cookie has that expiry time.
        self.expiring: list[tuple[int, int, str, Key]] = []
        self._views = views
        self._serial = 0

    def __iter__(self) -> Iterator[Cookie]:
        """Iterate over a copy, so that cookies may be removed meanwhile."""
        return iter(list(chain.from_iterable(bucket.values() for bucket in self.domains.values())))

    def put(self, cookie: Cookie) -> Cookie:
        """Store a cookie under its domain and key, as the newest, and return the stored object."""
        bucket = self.domains.setdefault(cookie.domain, {})
        old = bucket.pop(cookie.key, None)
        if old is None:
            bucket[cookie.key] = cookie
            self._serial = cookie.serial = self._serial + 1
            self.count += 1
            self._push(cookie)
            if cookie.domain != SHARED:
                self._prune(bucket)
            self.changed()
            return cookie
        bucket[cookie.key] = old  # at the end: the order is that in which cookies were set
        self._serial = old.serial = self._serial + 1
        self._forget_recipe(old)
        if old.secure != cookie.secure:
            self.changed()
        expires = old.expires
        if old.become(cookie):
            self.version += 1
            self._views.refresh(old)
        if old.expires != expires:
            self._push(old)
        return old

    def remember(self, cookie: Cookie, recipe: Recipe) -> None:
        """Make `renew` possible for the next Set-Cookie that differs from the one that stored a cookie in the value."""
        _, _, name, attributes = recipe
        if len(name) + len(attributes) <= _MAX_RECIPE and name.isascii():
            other = self.recipes.get(recipe)
            if other is not None:
                other.recipe = None
            cookie.recipe = recipe
            self.recipes[recipe] = cookie

    def renew(self, cookie: Cookie, coded: str, path: str, now: float) -> bool:
        """Store a Set-Cookie with the recipe of a stored cookie, if `put` would change its value and Max-Age only.

        Args:
            cookie: the stored cookie.
            coded: the value of the Set-Cookie.
            path: path of the response.
            now: the time in seconds since 1970; what has expired was removed.

        Returns:
            Whether it is stored. If not, it has to be parsed.
        """
        if cookie.default_path and cookie.path != default_path(path):
            return False
        changed = coded != cookie.coded
        if changed:
            plain = coded.isascii() and coded.isprintable() and '"' not in coded
            if not plain or len(cookie.name) + len(coded) > MAX_PAIR_SIZE:
                return False
            cookie.value = cookie.coded = coded
        if cookie.serial != self._serial:
            bucket = self.domains[cookie.domain]
            del bucket[cookie.key]
            bucket[cookie.key] = cookie
            self._serial = cookie.serial = self._serial + 1
        if cookie.max_age is not None:
            self._prolong(cookie, now)
        if changed:
            self.version += 1
            self._views.refresh(cookie)
        return True

    def remove(self, cookie: Cookie) -> None:
        """Remove the cookie with the domain and key of another, if there is one."""
        bucket = self.domains.get(cookie.domain)
        found = None if bucket is None else bucket.pop(cookie.key, None)
        if bucket is None or found is None:
            return
        self._forget_recipe(found)
        self.count -= 1
        if not bucket:
            del self.domains[cookie.domain]
        self.changed()

    def expire(self, now: float) -> None:
        """Remove the cookies whose expiry time has come."""
        expiring = self.expiring
        while expiring and expiring[0][0] <= now:
            expires, _, domain, key = heappop(expiring)
            cookie = self.domains.get(domain, {}).get(key)
            if cookie is not None and cookie.expires == expires:
                self.remove(cookie)

    def rebuild_heap(self) -> None:
        """Drop the outdated entries of the heap."""
        self.expiring = [
            (cookie.expires, cookie.serial, domain, key)
            for domain, bucket in self.domains.items()
            for key, cookie in bucket.items()
            if cookie.expires is not None
        ]
        heapify(self.expiring)

    def changed(self) -> None:
        """Count a change that may concern every host."""
        self.version += 1
        self._views.forget()

    def _prolong(self, cookie: Cookie, now: float) -> None:
        expires = min(expiry(cookie.max_age, None, now) or 0, MAX_TIME)
        if expires != cookie.expires:
            cookie.expires = expires
            self._push(cookie)

    def _push(self, cookie: Cookie) -> None:
        if cookie.expires is not None:
            heappush(self.expiring, (cookie.expires, cookie.serial, cookie.domain, cookie.key))
            if len(self.expiring) > _HEAP_MIN + _HEAP_SLACK * self.count:
                self.rebuild_heap()

    def _forget_recipe(self, cookie: Cookie) -> None:
        if cookie.recipe is not None:
            del self.recipes[cookie.recipe]
            cookie.recipe = None

    def _prune(self, bucket: dict[Key, Cookie]) -> None:
        """Evict the cookies that were set longest ago from a domain, or from the store, that is too large."""
        if len(bucket) > PRUNE_DOMAIN_AT:
            for cookie in list(bucket.values())[: len(bucket) - MAX_PER_DOMAIN]:
                self.remove(cookie)
        if self.count > PRUNE_TOTAL_AT:
            # Shared cookies are set by callers, not by servers, and stay.
            candidates = (cookie for cookie in self if cookie.domain != SHARED)
            for cookie in nsmallest(self.count - MAX_TOTAL, candidates, key=lambda cookie: cookie.serial):
                self.remove(cookie)
