"""Credentials of HTTP Basic authentication (RFC 7617)."""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Self

from yarl import URL

# User-id and password must not hold control characters (RFC 7617 §2).
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_USERINFO: Final = re.compile(r"//[^/?#]*@")


class _BasicAuthFields(NamedTuple):
    login: str
    password: str
    encoding: str


class BasicAuth(_BasicAuthFields):
    """Login and password for HTTP Basic authentication, a tuple of `login`, `password` and `encoding` (all str).

    Its repr does not show the password, since reprs end up in logs.

    Args:
        login: user-id, which must not contain a colon (RFC 7617 §2); may be empty.
        password: may be empty. Default "".
        encoding: charset of login and password. Default "latin1".

    Raises:
        ValueError: login or password is None or holds a control character, or the login contains a colon.
        TypeError: login or password is not a str.
    """

    __slots__ = ()

    def __new__(cls, login: str, password: str = "", encoding: str = "latin1") -> Self:
        _check("login", login)
        _check("password", password)
        if ":" in login:
            raise ValueError('A ":" is not allowed in login (RFC 7617 §2)')
        return super().__new__(cls, login, password, encoding)

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]  # as a named tuple has it
        # `_replace` and `_make` of the tuple must not bypass the checks.
        return cls(*iterable)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(login={self.login!r}, password='***', encoding={self.encoding!r})"

    @classmethod
    def decode(cls, auth_header: str, encoding: str = "latin1") -> Self:
        """Return the credentials in the value of an Authorization field (RFC 7617 §2).

        Args:
            auth_header: the value, like `Basic dXNlcjpwYXNz`; the scheme is case-insensitive.
            encoding: charset of login and password. Default "latin1".

        Raises:
            ValueError: the scheme is not Basic, or the credentials are malformed.
        """
        scheme, _, encoded = auth_header.strip().partition(" ")
        encoded = encoded.strip()
        if not encoded:
            raise ValueError("Could not parse authorization header.")
        if scheme.lower() != "basic":
            raise ValueError(f"Unknown authorization method {scheme}")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("Invalid base64 encoding.") from None
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            # Not chained: the UnicodeDecodeError holds the password.
            raise ValueError(f"Credentials are not encoded in {encoding}.") from None
        login, colon, password = text.partition(":")
        if not colon:
            raise ValueError("Invalid credentials.")
        return cls(login, password, encoding)

    @classmethod
    def from_url(cls, url: URL, *, encoding: str = "latin1") -> Self | None:
        """Return the credentials in a URL, None if it has none. A missing login or password is empty.

        Args:
            url: the URL.
            encoding: charset in which `encode` encodes them. Default "latin1".

        Raises:
            TypeError: the URL is not a `yarl.URL`.
            ValueError: the credentials are invalid, as for the class.
        """
        if not isinstance(url, URL):
            raise TypeError("url should be yarl.URL instance")
        # The raw parts are checked first because decoding is slower.
        if url.raw_user is None and url.raw_password is None:
            return None
        return cls(url.user or "", url.password or "", encoding)

    def encode(self) -> str:
        """Return the value of an Authorization field (str).

        Raises:
            ValueError: the encoding cannot encode login or password.
            LookupError: the encoding is unknown.
        """
        try:
            raw = f"{self.login}:{self.password}".encode(self.encoding)
        except UnicodeEncodeError:
            raise ValueError(f"login or password cannot be encoded in {self.encoding}, try encoding='utf-8'") from None
        return f"Basic {base64.b64encode(raw).decode('ascii')}"


def encode_basic_auth(login: str, password: str = "", encoding: str = "utf-8") -> str:
    """Return the value of an Authorization field for HTTP Basic authentication (RFC 7617).

    Args:
        login: user-id, which must not contain a colon; may be empty.
        password: may be empty. Default "".
        encoding: charset of login and password. Default "utf-8".

    Raises:
        ValueError: as for `BasicAuth` and its `encode`.
        TypeError: login or password is not a str.
        LookupError: the encoding is unknown.
    """
    return BasicAuth(login, password, encoding).encode()


def split_credentials(url: URL) -> tuple[URL, BasicAuth | None]:
    """Return a URL without its credentials, and the credentials.

    Their encoding is Latin-1, the default of `BasicAuth`, or UTF-8 if Latin-1 cannot encode them.

    Raises:
        ValueError: the credentials are invalid, as for `BasicAuth`.
    """
    auth = BasicAuth.from_url(url)
    # A URL built with `encoded=True` keeps an "@" with nothing before it.
    bare = url.with_user(None) if "@" in url.raw_authority else url
    return bare, None if auth is None else widen(auth)


def without_userinfo(url: str) -> str:
    """Return the text of a URL without its credentials, for messages; the URL may be invalid."""
    return _USERINFO.sub("//", url)


def widen(auth: BasicAuth) -> BasicAuth:
    """Return the credentials, with UTF-8 as encoding if their own cannot encode them."""
    try:
        f"{auth.login}{auth.password}".encode(auth.encoding)
    except UnicodeEncodeError:
        return auth._replace(encoding="utf-8")
    return auth


def _check(name: str, value: object) -> None:
    if value is None:
        raise ValueError(f"None is not allowed as {name} value")
    if not isinstance(value, str):
        raise TypeError(f"{name} should be a str, not {type(value).__name__}")
    if _CONTROL.search(value) is not None:
        raise ValueError(f"A control character is not allowed in {name} (RFC 7617 §2)")
