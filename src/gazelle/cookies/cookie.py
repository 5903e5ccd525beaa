"""One cookie as a jar keeps it, and its values in and out of quotes."""

import re
from collections.abc import Mapping
from http.cookies import Morsel, SimpleCookie
from typing import Any, Final

from gazelle.fields.dates import MAX_TIME

# No cookie holds these: not in its name, not in its value, not in an attribute (RFC 6265 §4.1.1, CVE-2026-3644). Bytes
# of a response that are no UTF-8 arrive as surrogates and could not be sent back.
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_NAME_END: Final = re.compile("[=;]")
_ESCAPE: Final = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")
_ENCODER: Final = SimpleCookie()


def is_clean(text: str) -> bool:
    """Returns whether a text is free of control characters and of what cannot be encoded as UTF-8."""
    return _FORBIDDEN.search(text) is None


def is_name(name: str) -> bool:
    """Returns whether a text can be told from the rest of a Cookie header as the name of a cookie."""
    return bool(name) and is_clean(name) and name == name.strip(" ") and _NAME_END.search(name) is None


def quote(value: str) -> str:
    """Returns a value as it goes into a Cookie header, between quotes if it needs them (RFC 2109 §10.1.3)."""
    return str(_ENCODER.value_encode(value)[1])


def unquote(coded: str) -> str:
    r"""Returns a value without the quotes around it and the escapes in it, in time linear in its length.

    A value whose octal escapes stand for control characters stays as it is.
    """
    if len(coded) < 2 or coded[0] != '"' or coded[-1] != '"':
        return coded
    value = _ESCAPE.sub(lambda found: chr(int(found[1], 8)) if found[1] else found[2], coded[1:-1])
    return value if is_clean(value) else coded


def make_morsel(name: str, value: str, coded: str, attributes: Mapping[str, Any] | None = None) -> "Morsel[str]":
    """Returns a Morsel with any name, which `Morsel.set` would not take. The caller has checked name and values.

    Attributes that the `http.cookies` of this Python does not know yet are left out.
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
        domain: the domain it belongs to, in lower case; empty for one that is shared by all hosts.
        path: the path it belongs to.
        host_only: whether hosts below `domain` do not get it.
        secure: whether it is only sent over a secure connection.
        expires: when it ends, in seconds since 1970; None for the end of the session.
        attributes: what else was said about it, by the names that `http.cookies.Morsel` uses.
    """

    __slots__ = (
        "attributes",
        "coded",
        "domain",
        "expires",
        "host_only",
        "name",
        "path",
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
        self.serial = 0

    def __repr__(self) -> str:
        return f"<Cookie {self.name} of {self.domain or 'all hosts'}{self.path}>"

    @property
    def key(self) -> tuple[str, str, bool]:
        """What tells it from the other cookies of its domain.

        The host-only flag is part of it, so that no subdomain can replace, by a cookie for the domain they share, one
        that a host keeps to itself.
        """
        return self.path, self.name, self.host_only

    @property
    def rank(self) -> tuple[int, int, bool, int]:
        """How specific it is, then how new; the greatest of a name is sent."""
        return len(self.domain), len(self.path), self.host_only, self.serial

    def plain(self) -> str:
        """Returns the value as it is sent without quotes; with them where it would become several cookies."""
        return self.value if ";" not in self.value and is_clean(self.value) else self.coded

    def morsel(self) -> "Morsel[str]":
        """Returns a Morsel with all that is known."""
        morsel = make_morsel(self.name, self.value, self.coded, self.attributes)
        morsel["domain"] = self.domain
        morsel["path"] = self.path
        if self.secure:
            morsel["secure"] = True
        return morsel


def path_matches(path: str, of_cookie: str) -> bool:
    """Returns whether a request path is, or is below, the path of a cookie (RFC 6265 §5.1.4)."""
    return path.startswith(of_cookie) and (
        len(path) == len(of_cookie) or of_cookie.endswith("/") or path[len(of_cookie)] == "/"
    )


def default_path(path: str) -> str:
    """Returns the path of a cookie that names none: the folder of the request path (RFC 6265 §5.1.4)."""
    return path[: path.rfind("/")] or "/" if path.startswith("/") else "/"
