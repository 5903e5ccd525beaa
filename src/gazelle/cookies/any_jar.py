"""Access to the cookies of any jar, also of one that a user has written."""

from collections.abc import Sequence
from http.cookies import BaseCookie

from yarl import URL

from gazelle.abc import AbstractCookieJar

from .cookie import is_clean, is_name
from .jar import CookieJar
from .parse import parse_set_cookies, within_limits


def cookies_for_request(jar: AbstractCookieJar, url: URL) -> tuple[tuple[str, str], ...]:
    """Return names and values of the cookies that any jar has for a request, as they are sent, sorted by name.

    A jar of another class, or of a subclass that overrides `filter_cookies`, is queried through that method; cookies
    that cannot be put into a header are left out.
    """
    if isinstance(jar, CookieJar) and type(jar).filter_cookies is CookieJar.filter_cookies:
        return jar.pairs_for(url.raw_host or "", url.raw_path, jar.is_secure(url)) if jar.by_domain else ()
    found: BaseCookie[str] = jar.filter_cookies(url)
    pairs = ((str(name), str(morsel.coded_value)) for name, morsel in found.items())
    return tuple(sorted(within_limits(pair for pair in pairs if is_name(pair[0]) and is_clean(pair[1])).items()))


def store_response_cookies(jar: AbstractCookieJar, headers: Sequence[str], url: URL) -> None:
    """Pass the Set-Cookie fields of a response to any jar, also to one that only has `update_cookies`."""
    own = getattr(type(jar), "update_cookies_from_headers", None)
    inherited = own is None or own is AbstractCookieJar.update_cookies_from_headers
    # A subclass of CookieJar that overrides `update_cookies` gets all cookies through it.
    narrowed = isinstance(jar, CookieJar) and own is CookieJar.update_cookies_from_headers
    if inherited or (narrowed and type(jar).update_cookies is not CookieJar.update_cookies):
        morsels = [(cookie.name, cookie.morsel()) for cookie in parse_set_cookies(headers)]
        if morsels:
            jar.update_cookies(morsels, url)
    else:
        jar.update_cookies_from_headers(headers, url)
