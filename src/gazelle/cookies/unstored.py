"""Cookies that a caller sends with one request, without a jar."""

from collections.abc import Iterable, Mapping
from http.cookies import Morsel
from time import time
from typing import Any

from gazelle.types import LooseCookies

from .acceptance import check_name, check_value, cookie_of_caller, expiry
from .cookie import is_simple, strip_quotes
from .parse import keeps_prefix, within_limits


def unstored_pairs(cookies: LooseCookies, *, quoted: bool) -> list[tuple[str, str]]:
    """Return names and values as they are sent, sorted by name: the shared cookies of a jar with nothing else in it.

    Morsels with a Domain or a Path other than "/" are left out, as they belong to some requests only; one that has
    expired also removes a cookie before it with the same name.

    Args:
        cookies: as in `CookieJar.update_cookies`.
        quoted: whether values are sent with quotes.

    Raises:
        TypeError: a name is not text.
        ValueError: a name or a value cannot be put into a header.
    """
    pairs: Iterable[tuple[str, Any]] = (
        cookies.items() if type(cookies) is dict or isinstance(cookies, Mapping) else cookies
    )
    sent: dict[str, str] = {}
    for name, value in pairs:
        if type(name) is str and type(value) is str and is_simple(name) and is_simple(value):
            coded = value
        elif isinstance(value, Morsel):
            given = cookie_of_caller(name, value, quoted=quoted)
            if not keeps_prefix(given.name, given.attributes) or given.domain or given.path not in ("", "/"):
                continue
            name, coded, expires = given.name, given.coded, expiry(given.max_age, given.expires, now := time())
            if expires is not None and expires <= now:
                sent.pop(name, None)
                continue
        else:
            name = check_name(name)
            coded = check_value(name, value, quoted=quoted)
        sent.pop(name, None)  # the last of a name is the newest
        sent[name] = coded
    if not quoted:
        sent = {name: strip_quotes(coded) for name, coded in sent.items()}
    # The newest get in if there are too many.
    return sorted(within_limits(reversed(sent.items())).items())
