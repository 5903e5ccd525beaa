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
        login: may be empty, holds no colon (RFC 7617 §2).
        password: may be empty. Default "".
        encoding: makes bytes of both. Default "latin1".

    Raises:
        ValueError: login or password is None or holds a control character, or there is a colon in the login.
        TypeError: login or password is something else than a str.
    """

    __slots__ = ()

    def __new__(cls, login: str, password: str = "", encoding: str = "latin1") -> Self:
        _check("login", login)
        _check("password", password)
        if ":" in login:
            raise ValueError('A ":" is not allowed in login (RFC 7617 §2)')
        return super().__new__(cls, login, password, encoding)

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]  # has no other signature
        # What the tuple's own methods make is checked like everything else.
        return cls(*iterable)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(login={self.login!r}, password='***', encoding={self.encoding!r})"

    @classmethod
    def decode(cls, auth_header: str, encoding: str = "latin1") -> Self:
        """Return the credentials in the value of an Authorization field.

        Args:
            auth_header: the value, like `Basic dXNlcjpwYXNz`; the case of the scheme does not matter.
            encoding: of login and password. Default "latin1".

        Raises:
            ValueError: the scheme is another, or the rest is not what Basic authentication sends.
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
            # Not chained: the error would carry the password along.
            raise ValueError(f"Credentials are not encoded in {encoding}.") from None
        login, colon, password = text.partition(":")
        if not colon:
            raise ValueError("Invalid credentials.")
        return cls(login, password, encoding)

    @classmethod
    def from_url(cls, url: URL, *, encoding: str = "latin1") -> Self | None:
        """Return the credentials in a URL, None if it has none. One that is missing is empty.

        Args:
            url: the URL.
            encoding: what `encode` makes bytes with. Default "latin1".

        Raises:
            TypeError: the URL is not a `yarl.URL`.
            ValueError: the credentials cannot be used, as for the class.
        """
        if not isinstance(url, URL):
            raise TypeError("url should be yarl.URL instance")
        # The bare fields first: decoding them costs more.
        if url.raw_user is None and url.raw_password is None:
            return None
        return cls(url.user or "", url.password or "", encoding)

    def encode(self) -> str:
        """Return the value of an Authorization field (str).

        Raises:
            ValueError: login or password has a character that is not in the encoding.
            LookupError: Python does not know the encoding.
        """
        try:
            raw = f"{self.login}:{self.password}".encode(self.encoding)
        except UnicodeEncodeError:
            raise ValueError(f"login or password cannot be encoded in {self.encoding}, try encoding='utf-8'") from None
        return f"Basic {base64.b64encode(raw).decode('ascii')}"


def encode_basic_auth(login: str, password: str = "", encoding: str = "utf-8") -> str:
    """Return the value of an Authorization field for HTTP Basic authentication (RFC 7617).

    Args:
        login: may be empty, holds no colon.
        password: may be empty. Default "".
        encoding: makes bytes of both. Default "utf-8".

    Raises:
        ValueError: as for `BasicAuth` and its `encode`.
        TypeError: login or password is not a str.
        LookupError: Python does not know the encoding.
    """
    return BasicAuth(login, password, encoding).encode()


def split_credentials(url: URL) -> tuple[URL, BasicAuth | None]:
    """Return a URL without its credentials, and the credentials.

    They are encoded in Latin-1 like those of `BasicAuth`, and in UTF-8 where that is not enough.

    Raises:
        ValueError: the credentials cannot be used.
    """
    auth = BasicAuth.from_url(url)
    # A URL made with `encoded=True` keeps an "@" even if nothing stands before it.
    bare = url.with_user(None) if "@" in url.raw_authority else url
    return bare, None if auth is None else widen(auth)


def without_userinfo(url: str) -> str:
    """Return the text of a URL without its credentials, also if it is no valid URL, for messages."""
    return _USERINFO.sub("//", url)


def widen(auth: BasicAuth) -> BasicAuth:
    """Return the credentials, in UTF-8 if they cannot be sent in their own encoding."""
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
