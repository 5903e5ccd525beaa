"""The grammar of Set-Cookie, as browsers parse it, and of Cookie (RFC 6265 §5.2, §5.4)."""

import re
from collections.abc import Iterable, Iterator
from http.cookies import Morsel, SimpleCookie
from typing import Final

from gazelle.fields.dates import MAX_TIME, parse_date
from gazelle.fields.grammar import QUOTED_TEXT

from .cookie import is_clean, make_morsel, unquote

MAX_SET_COOKIES: Final = 50
"""Limit of cookies stored per response."""

MAX_PAIR_SIZE: Final = 4096
"""Limit of name and value of a received cookie together, in bytes."""

MAX_ATTRIBUTES: Final = 32
"""Limit of attributes parsed per Set-Cookie field; the rest is ignored."""

MAX_ATTRIBUTE_SIZE: Final = 1024
"""Limit of the value of an attribute; a longer one is ignored."""

MAX_SENT: Final = 150
"""Limit of cookies per Cookie header."""

MAX_HEADER_SIZE: Final = 8190
"""Limit of a Cookie header, name and value, in bytes: servers refuse longer fields."""

MAX_TEXT: Final = MAX_HEADER_SIZE - len("Cookie: ")
"""Limit of the value of a Cookie header, in bytes."""

_WHITE: Final = " \t"
_MAX_AGE: Final = re.compile(r"-?[0-9]+")
# A number of more digits exceeds `MAX_TIME`, the end of the year 9999.
_MAX_DIGITS: Final = len(str(MAX_TIME))
# A quoted value may hold semicolons if only white space follows its closing quote. Matches are adjacent, so that
# `finditer` takes linear time.
_PAIR: Final = re.compile(rf'([^=;]*)(?:=[ \t]*("{QUOTED_TEXT}"[ \t]*(?=;|$)|[^;]*))?(?:;|$)')
# Attributes that a Morsel gets as they were written.
_TEXTS: Final = frozenset({"expires", "max-age", "domain", "path", "samesite", "comment", "version"})
_FLAGS: Final = frozenset({"secure", "httponly", "partitioned"})


class SetCookie:
    """A parsed Set-Cookie field.

    Args:
        name: name of the cookie.
        coded: its value, with the quotes it was sent with.

    Attributes:
        expires: the Expires attribute in seconds since 1970, None if it is absent or invalid.
        max_age: the Max-Age attribute in seconds, None if it is absent or invalid.
        attributes: all attributes as they were written, by the names that `http.cookies.Morsel` uses; flags are True.
    """

    __slots__ = ("attributes", "coded", "expires", "max_age", "name")

    def __init__(self, name: str, coded: str) -> None:
        self.name = name
        self.coded = coded
        self.expires: int | None = None
        self.max_age: int | None = None
        self.attributes: dict[str, str | bool] = {}

    def __repr__(self) -> str:
        return f"<SetCookie {self.name}>"

    @property
    def value(self) -> str:
        """The value without quotes."""
        return unquote(self.coded)

    @property
    def domain(self) -> str:
        """The Domain attribute as it was written, or ""."""
        return str(self.attributes.get("domain", ""))

    @property
    def path(self) -> str:
        """The Path attribute if it begins with a slash, or else ""."""
        path = str(self.attributes.get("path", ""))
        return path if path.startswith("/") else ""

    @property
    def secure(self) -> bool:
        """Whether it has the Secure attribute."""
        return "secure" in self.attributes

    def morsel(self) -> "Morsel[str]":
        """Return the cookie as a Morsel, with the attributes as they were written."""
        return make_morsel(self.name, self.value, self.coded, self.attributes)

    def add(self, name: str, text: str) -> None:
        """Add an attribute; the last of one name wins (RFC 6265 §5.2.1 to §5.2.6)."""
        if name in _FLAGS:
            self.attributes[name] = True
            return
        if name not in _TEXTS or len(text) > MAX_ATTRIBUTE_SIZE:
            return
        if name == "max-age":
            seconds = parse_max_age(text)
            if seconds is None:
                return
            self.max_age = seconds
        elif name == "expires":
            date = parse_date(text)
            if date is None:
                return
            self.expires = date
        elif name == "domain" and not text:
            return
        self.attributes[name] = text


def parse_max_age(text: str) -> int | None:
    """Return a Max-Age in seconds, 0 if it is negative, None if it is invalid (RFC 6265 §5.2.2)."""
    if _MAX_AGE.fullmatch(text) is None:
        return None
    if text[0] == "-":
        return 0
    digits = text.lstrip("0")
    return min(int(digits or "0"), MAX_TIME) if len(digits) <= _MAX_DIGITS else MAX_TIME


def parse_set_cookie(field: str) -> SetCookie | None:
    """Return the cookie of a Set-Cookie field, or None if it has to be refused (RFC 6265 §5.2).

    As in browsers, names and values may have all characters but controls, quotes are kept, unknown attributes are
    ignored, and of several attributes with one name the last wins. Refused are an empty name, control characters, bytes
    that are not UTF-8, more than `MAX_PAIR_SIZE` bytes, and the name prefixes `__Secure-` and `__Host-` without the
    attributes they require (draft-ietf-httpbis-rfc6265bis §4.1.3).
    """
    pair, *rest = field.split(";", MAX_ATTRIBUTES + 1)
    name, equals, coded = pair.partition("=")
    name, coded = name.strip(_WHITE), coded.strip(_WHITE)
    if not equals or not name or len(name) + len(coded) > MAX_PAIR_SIZE or not (is_clean(name) and is_clean(coded)):
        return None
    if not pair.isascii() and len(name.encode()) + len(coded.encode()) > MAX_PAIR_SIZE:
        return None
    cookie = SetCookie(name, coded)
    for part in rest[:MAX_ATTRIBUTES]:
        part = part.replace("\t", " ")
        if not is_clean(part):
            return None
        attribute, _, text = part.partition("=")
        cookie.add(attribute.strip(" ").lower(), text.strip(" "))
    return cookie if keeps_prefix(name, cookie.attributes) else None


def keeps_prefix(name: str, attributes: "dict[str, str | bool] | Morsel[str]") -> bool:
    """Return whether a cookie has the attributes that the prefix of its name requires (rfc6265bis §4.1.3)."""
    if not name.startswith("__"):
        return True
    name = name[:9].lower()
    if name.startswith("__host-"):
        return bool(attributes.get("secure")) and not attributes.get("domain") and attributes.get("path") == "/"
    return name != "__secure-" or bool(attributes.get("secure"))


def requires_security(name: str) -> bool:
    """Return whether the prefix of a name requires a secure connection (rfc6265bis §4.1.3)."""
    return name.startswith("__") and name[:9].lower().startswith(("__host-", "__secure-"))


def parse_set_cookies(fields: Iterable[str]) -> Iterator[SetCookie]:
    """Yield the cookies of the Set-Cookie fields of one response, at most `MAX_SET_COOKIES`."""
    taken = 0
    for field in fields:
        cookie = parse_set_cookie(field)
        if cookie is not None:
            yield cookie
            taken += 1
            if taken == MAX_SET_COOKIES:
                return


def response_cookies(fields: Iterable[str]) -> SimpleCookie:
    """Return the cookies of the Set-Cookie fields of one response; the last of each name."""
    found = SimpleCookie()
    for cookie in parse_set_cookies(fields):
        found[cookie.name] = cookie.morsel()
    return found


def parse_cookie_header(header: str) -> list[tuple[str, str]]:
    """Return the names and values of a Cookie header that a caller has written; quotes are kept.

    Semicolons between quotes are part of a value. Parts without a name or an equals sign are left out.
    """
    pairs = []
    for found in _PAIR.finditer(header):
        name = found[1].strip(_WHITE)
        if name and found[2] is not None:
            pairs.append((name, found[2].strip(_WHITE)))
    return pairs


def within_limits(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the pairs that fit into one Cookie header, by name, in order of precedence.

    Of pairs with one name the first wins. A pair that exceeds the room left is skipped; shorter ones after it still
    count.
    """
    wanted: dict[str, str] = {}
    for name, coded in pairs:
        wanted.setdefault(name, coded)
    room = MAX_TEXT + len("; ")  # the first pair has no "; "
    if len(wanted) <= MAX_SENT:
        text = "".join([*wanted, *wanted.values()])
        if len(text) + len("; =") * len(wanted) <= room and text.isascii():
            return wanted
    chosen: dict[str, str] = {}
    for name, coded in wanted.items():
        size = len("; =") + _size(name) + _size(coded)
        if size <= room:
            chosen[name] = coded
            room -= size
            if len(chosen) == MAX_SENT:
                break
    return chosen


def build_cookie_header(pairs: Iterable[tuple[str, str]]) -> str | None:
    """Return the value of a Cookie header, sorted by name, or None if there are no cookies to send.

    Args:
        pairs: names and values as they are sent, in order of precedence, which decides what `within_limits` leaves out.
    """
    return join_pairs(sorted(within_limits(pairs).items()))


def join_pairs(pairs: Iterable[tuple[str, str]]) -> str | None:
    """Return the value of a Cookie header with these names and values, or None if there are none."""
    return "; ".join([f"{name}={coded}" for name, coded in pairs]) or None


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
