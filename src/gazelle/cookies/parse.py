"""The grammar of cookies: Set-Cookie as browsers read it, Cookie as servers do (RFC 6265 §5.2, §5.4)."""

import re
from collections.abc import Iterable, Iterator
from http.cookies import Morsel, SimpleCookie
from typing import Final

from gazelle.fields.dates import MAX_TIME, parse_date
from gazelle.fields.grammar import QUOTED_TEXT

from .cookie import is_clean, make_morsel, unquote

MAX_SET_COOKIES: Final = 50
"""Most cookies that are taken from one response."""

MAX_PAIR_SIZE: Final = 4096
"""Longest name and value of a received cookie, together, in bytes."""

MAX_ATTRIBUTES: Final = 32
"""Most attributes that are looked at in one Set-Cookie field."""

MAX_ATTRIBUTE_SIZE: Final = 1024
"""Longest value of an attribute; a longer one counts as not there."""

MAX_SENT: Final = 150
"""Most cookies in one Cookie header."""

MAX_HEADER_SIZE: Final = 8190
"""Longest Cookie header, name and value, in bytes: servers refuse longer fields."""

_WHITE: Final = " \t"
_MAX_AGE: Final = re.compile(r"-?[0-9]+")
# More digits than this are more seconds than there are until the year 9999.
_MAX_DIGITS: Final = len(str(MAX_TIME))
_OVERHEAD: Final = len("Cookie: ")
# A quoted value may hold semicolons, as long as nothing but white space follows its closing quote. Every match begins
# where the one before it ended.
_PAIR: Final = re.compile(rf'([^=;]*)(?:=[ \t]*("{QUOTED_TEXT}"[ \t]*(?=;|$)|[^;]*))?(?:;|$)')
# Attributes that become attributes of a Morsel as they were written.
_TEXTS: Final = frozenset({"expires", "max-age", "domain", "path", "samesite", "comment", "version"})
_FLAGS: Final = frozenset({"secure", "httponly", "partitioned"})


class SetCookie:
    """What one Set-Cookie field says.

    `name`, `coded` (the value with any quotes it had); `domain` and `path` as they were written, empty if they were not
    or say nothing; `expires` in seconds since 1970 and `max_age` in seconds, None if they were not given or make no
    sense; `attributes` by the names that `http.cookies.Morsel` uses, flags as True.
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
        """The Domain attribute."""
        return str(self.attributes.get("domain", ""))

    @property
    def path(self) -> str:
        """The Path attribute if it is a path, or else ""."""
        path = str(self.attributes.get("path", ""))
        return path if path.startswith("/") else ""

    @property
    def secure(self) -> bool:
        """Whether it is only to be sent over a secure connection."""
        return "secure" in self.attributes

    def morsel(self) -> "Morsel[str]":
        """Returns it as a Morsel, with the attributes as they were written."""
        return make_morsel(self.name, self.value, self.coded, self.attributes)

    def _add(self, name: str, text: str) -> None:
        """Takes an attribute in, over one of the same name that came before (RFC 6265 §5.2.1 to §5.2.6)."""
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
    """Returns a Max-Age as seconds, 0 if it is negative, or None if it is none; of any length (RFC 6265 §5.2.2)."""
    if _MAX_AGE.fullmatch(text) is None:
        return None
    if text[0] == "-":
        return 0
    digits = text.lstrip("0")
    return min(int(digits or "0"), MAX_TIME) if len(digits) <= _MAX_DIGITS else MAX_TIME


def parse_set_cookie(field: str) -> SetCookie | None:
    """Returns the one cookie of a Set-Cookie field, or None if there is none to be taken (RFC 6265 §5.2).

    Whatever a browser reads is read: names and values of any characters but controls, quotes kept as they are,
    unknown attributes passed over, the last of several with one name. Refused are: no name, a control character, bytes
    that are no UTF-8, more than `MAX_PAIR_SIZE` bytes, and names that start with `__Secure-` or `__Host-` without
    what these promise (draft-ietf-httpbis-rfc6265bis §4.1.3).
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
        cookie._add(attribute.strip(" ").lower(), text.strip(" "))
    return cookie if keeps_promise(name, cookie.attributes) else None


def keeps_promise(name: str, attributes: "dict[str, str | bool] | Morsel[str]") -> bool:
    """Returns whether a cookie is what the prefix of its name, in any case, says (rfc6265bis §4.1.3)."""
    if not name.startswith("__"):
        return True
    name = name[:9].lower()
    if name.startswith("__host-"):
        return bool(attributes.get("secure")) and not attributes.get("domain") and attributes.get("path") == "/"
    return name != "__secure-" or bool(attributes.get("secure"))


def is_promise(name: str) -> bool:
    """Returns whether the prefix of a name says that the cookie came over a secure connection."""
    return name.startswith("__") and name[:9].lower().startswith(("__host-", "__secure-"))


def parse_set_cookies(fields: Iterable[str]) -> Iterator[SetCookie]:
    """Yields the cookies of the Set-Cookie fields of one response, at most `MAX_SET_COOKIES`."""
    taken = 0
    for field in fields:
        cookie = parse_set_cookie(field)
        if cookie is not None:
            yield cookie
            taken += 1
            if taken == MAX_SET_COOKIES:
                return


def response_cookies(fields: Iterable[str]) -> SimpleCookie:
    """Returns the cookies of the Set-Cookie fields of one response; the last of each name."""
    found = SimpleCookie()
    for cookie in parse_set_cookies(fields):
        found[cookie.name] = cookie.morsel()
    return found


def parse_cookie_header(header: str) -> list[tuple[str, str]]:
    """Returns the names and values of a Cookie header as a user writes it, values as they are, with their quotes.

    Semicolons between quotes are part of a value. What has no name or no equals sign is left out.
    """
    pairs = []
    for found in _PAIR.finditer(header):
        name = found[1].strip(_WHITE)
        if name and found[2] is not None:
            pairs.append((name, found[2].strip(_WHITE)))
    return pairs


def within_limits(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns the pairs that fit into one Cookie header, by name; where there are too many, the first ones.

    Of pairs with one name only the first counts. A pair that is too long gives way to shorter ones after it.
    """
    wanted: dict[str, str] = {}
    for name, coded in pairs:
        wanted.setdefault(name, coded)
    chosen: dict[str, str] = {}
    room = MAX_HEADER_SIZE - _OVERHEAD + len("; ")
    for name, coded in wanted.items():
        size = len("; =") + _size(name) + _size(coded)
        if size <= room:
            chosen[name] = coded
            room -= size
            if len(chosen) == MAX_SENT:
                break
    return chosen


def build_cookie_header(pairs: Iterable[tuple[str, str]]) -> str | None:
    """Returns the value of a Cookie header, sorted by name, or None if there is nothing to send.

    Args:
        pairs: names and values as they are sent, in order of precedence: the first of a name counts, and when there are
            more than `MAX_SENT` of them or more than `MAX_HEADER_SIZE` bytes, the first ones are sent.
    """
    return join_pairs(sorted(within_limits(pairs).items()))


def join_pairs(pairs: Iterable[tuple[str, str]]) -> str | None:
    """Returns the value of a Cookie header that holds these names and values, or None if there are none."""
    return "; ".join([f"{name}={coded}" for name, coded in pairs]) or None


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
