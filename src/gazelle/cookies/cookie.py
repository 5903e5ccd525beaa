"""A stored cookie, its value with and without quotes, and the match of its path."""

import re
from collections.abc import Mapping
from http.cookies import Morsel, SimpleCookie
from typing import Any, Final, TypeAlias

from gazelle.fields.dates import MAX_TIME

# Forbidden in names, values and attributes (RFC 6265 §4.1.1, CVE-2026-3644). Bytes of a response that are not UTF-8
# arrive as surrogates and could not be sent back.
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_NAME_END: Final = re.compile("[=;]")
is_simple: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~:]+").fullmatch
"""Match text that is a valid name, and a valid value that needs no quotes, without further checks."""

_ESCAPE: Final = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")
_ENCODER: Final = SimpleCookie()

Recipe: TypeAlias = tuple[str, bool, str, str]
"""Host, secure connection, name and attribute text of a Set-Cookie: with a value, all that decides what is stored."""

Key: TypeAlias = tuple[str, str, bool]
"""The identity of a cookie within its domain: path, name, host-only flag."""


def is_clean(text: str) -> bool:
    """Return whether text has no control character and can be encoded as UTF-8."""
    return _FORBIDDEN.search(text) is None


def is_name(name: str) -> bool:
    """Return whether text can be the name of a cookie: no `=` or `;`, no space at either end, not empty."""
    if is_simple(name) is not None:
        return True
    return bool(name) and is_clean(name) and name == name.strip(" ") and _NAME_END.search(name) is None


def quote(value: str) -> str:
    """Return a value as a Cookie header holds it, between quotes if it needs them (RFC 2109 §10.1.3)."""
    if is_simple(value) is not None:
        return value
    return str(_ENCODER.value_encode(value)[1])


def unquote(coded: str) -> str:
    r"""Return a value without its quotes and escapes, in time linear in its length.

    A value whose octal escapes stand for control characters is returned unchanged.
    """
    if len(coded) < 2 or coded[0] != '"' or coded[-1] != '"':
        return coded
    value = _ESCAPE.sub(lambda found: chr(int(found[1], 8)) if found[1] else found[2], coded[1:-1])
    return value if is_clean(value) else coded


def strip_quotes(coded: str) -> str:
    """Return a value as it is sent without quotes. Keep them where the value would become several cookies."""
    value = unquote(coded)
    return value if ";" not in value and is_clean(value) else coded


def make_morsel(name: str, value: str, coded: str, attributes: Mapping[str, Any] | None = None) -> "Morsel[str]":
    """Return a Morsel with any name, also one that `Morsel.set` refuses. The caller has checked name and values.

    Attributes that `http.cookies` of the running Python does not know are left out.
    """
    morsel: Morsel[str] = Morsel()
    morsel.__setstate__({"key": name, "value": value, "coded_value": coded})  # type: ignore[attr-defined]
    for attribute, text in (attributes or {}).items():
        if attribute in morsel:
            morsel[attribute] = text
    return morsel


class Cookie:
    """A stored cookie (RFC 6265 §5.3).

    Args:
        name: its name.
        value: its value without quotes.
        coded: its value as it is sent.
        domain: its domain, in lower case; empty for a cookie that is sent to all hosts.
        path: its path.
        host_only: whether subdomains of `domain` are excluded.
        secure: whether it is sent over secure connections only.
        expires: its expiry time, in seconds since 1970; None at the end of the session.
        attributes: the remaining attributes, under the names that `http.cookies.Morsel` uses.

    Attributes:
        key: its identity within its domain. It includes the host-only flag, so that a cookie that a subdomain sets for
            the common domain cannot replace a host-only one.
        serial: its position in the order in which cookies were set.
        recipe: the key under which `CookieStore` finds it again for a Set-Cookie that differs in the value only;
            None if there is none.
        max_age: its Max-Age, which counts anew from each Set-Cookie.
        default_path: whether its path is the default path of the response that set it.
    """

    __slots__ = (
        "attributes",
        "coded",
        "default_path",
        "domain",
        "expires",
        "host_only",
        "key",
        "max_age",
        "name",
        "path",
        "recipe",
        "secure",
        "serial",
        "value",
    )

    def __init__(
        self,
        name: str,
        value: str,
        coded: str,
        *,
        domain: str = "",
        path: str = "/",
        host_only: bool = False,
        secure: bool = False,
        expires: int | None = None,
        attributes: Mapping[str, str | bool] | None = None,
    ) -> None:
        self.name = name
        self.value = value
        self.coded = coded
        self.domain = domain
        self.path = path
        self.host_only = host_only
        self.secure = secure
        self.expires = None if expires is None else min(expires, MAX_TIME)
        self.attributes = attributes or {}
        self.key = (path, name, host_only)
        self.serial = 0
        self.recipe: Recipe | None = None
        self.max_age: int | None = None
        self.default_path = False

    def __repr__(self) -> str:
        return f"<Cookie {self.name} of {self.domain or 'all hosts'}{self.path}>"

    @property
    def rank(self) -> tuple[int, int, bool, int]:
        """The order of precedence: more specific first, then newer. Of one name the greatest is sent."""
        return len(self.domain), len(self.path), self.host_only, self.serial

    def become(self, other: "Cookie") -> bool:
        """Take over value, expiry and attributes of a cookie with the same domain and key.

        Returns:
            Whether the value that is sent has changed.
        """
        changed = self.coded != other.coded or self.value != other.value
        self.value = other.value
        self.coded = other.coded
        self.secure = other.secure
        self.expires = other.expires
        self.attributes = other.attributes
        self.max_age = other.max_age
        self.default_path = other.default_path
        return changed

    def plain(self) -> str:
        """Return the value as it is sent without quotes. Keep them where it would become several cookies."""
        return self.value if ";" not in self.value and is_clean(self.value) else self.coded

    def morsel(self) -> "Morsel[str]":
        """Return the cookie as a Morsel, with all attributes."""
        morsel = make_morsel(self.name, self.value, self.coded, self.attributes)
        morsel["domain"] = self.domain
        morsel["path"] = self.path
        if self.secure:
            morsel["secure"] = True
        return morsel


def path_matches(path: str, of_cookie: str) -> bool:
    """Return whether a request path equals the path of a cookie or is below it (RFC 6265 §5.1.4)."""
    return path.startswith(of_cookie) and (
        len(path) == len(of_cookie) or of_cookie.endswith("/") or path[len(of_cookie)] == "/"
    )


def default_path(path: str) -> str:
    """Return the path of a cookie without Path attribute: the folder of the request path (RFC 6265 §5.1.4)."""
    return path[: path.rfind("/")] or "/" if path.startswith("/") else "/"
