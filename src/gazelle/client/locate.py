"""Where a call goes: its URL, the route of its connection, the request target, the credentials in the URL."""

import re
from typing import Final

from yarl import URL

from gazelle.auth import BasicAuth, split_credentials, without_userinfo
from gazelle.errors import InvalidUrlClientError, NonHttpUrlClientError
from gazelle.net.key import ConnectionKey
from gazelle.net.tls import TlsPolicy
from gazelle.types import Query, StrOrURL
from gazelle.wire.request_head import NOT_IN_TARGET, check_target

_SECURE: Final = {"http": False, "ws": False, "https": True, "wss": True}
_DEFAULT_PORTS: Final = {False: 80, True: 443}
# yarl leaves out tabs, line ends and halves of surrogate pairs: what is asked for would be another URL than what was
# passed, and perhaps looked at before. No URL has them, nor other control characters (RFC 3986 §2).
_NOT_IN_URL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Location:
    """Where a request goes.

    Args:
        url: the absolute URL, with its fragment, without credentials.
        auth: the credentials that were in the URL.

    Attributes:
        site: scheme and authority of the URL, as text.
        target: the request target (RFC 9112 §3.2.1).

    Raises:
        ValueError: the target holds a character that may not go into a request line.
    """

    __slots__ = ("auth", "site", "target", "url")

    def __init__(self, url: URL, auth: BasicAuth | None) -> None:
        self.url = url
        self.auth = auth
        self.site = f"{url.scheme}://{url.raw_authority}"
        target = self.target = url.raw_path_qs
        if NOT_IN_TARGET.search(target) is not None:
            check_target(target)


class Locator:
    """Resolves the URLs of a session.

    Args:
        base_url: relative URLs are joined to it; None if there is none.
        allowed_schemes: schemes of URLs that the connector takes.
    """

    def __init__(self, base_url: URL | None, allowed_schemes: frozenset[str]) -> None:
        self.base_url = base_url
        self._allowed_schemes = allowed_schemes

    def locate(self, url: StrOrURL, params: Query = None) -> Location:
        """Return where a call goes.

        Raises:
            InvalidURL: the URL cannot be requested.
            NonHttpUrlClientError: the connector does not take its scheme.
            TypeError: it is neither a str nor a URL.
            ValueError: `params` cannot be part of a URL.
        """
        parsed, auth = self.parse(url)
        if params:
            parsed = add_params(parsed, params)
        return Location(parsed, auth)

    def parse(self, url: StrOrURL) -> tuple[URL, BasicAuth | None]:
        """Return the absolute URL of a call without its credentials, and those.

        Raises:
            InvalidURL: the URL cannot be requested.
            NonHttpUrlClientError: the connector does not take its scheme.
            TypeError: it is neither a str nor a URL.
        """
        try:
            if type(url) is not str or not url.isprintable() or url[:1] == " ":
                _check_given(url)
            parsed = URL(url)
        except ValueError as error:
            raise InvalidUrlClientError(_to_show(url), str(error)) from error
        except TypeError:
            raise TypeError(f"url should be a str or a yarl.URL, got {url!r}") from None
        if self.base_url is not None and not parsed.scheme:
            parsed = self.base_url.join(parsed)
        if parsed.scheme not in self._allowed_schemes:
            raise NonHttpUrlClientError(_to_show(url))
        if not parsed.raw_host:
            raise InvalidUrlClientError(_to_show(url), "it has no host")
        if "@" not in parsed.raw_authority:
            return parsed, None
        try:
            return split_credentials(parsed)
        except ValueError as error:
            raise InvalidUrlClientError(parsed.with_user(None), str(error)) from error


def _check_given(url: object) -> None:
    if isinstance(url, str):
        check_url(url)


def key_of(url: URL, ssl: TlsPolicy = True, server_hostname: str | None = None) -> ConnectionKey:
    """Return the route of the connections for a URL; the TLS settings of a call mean nothing without TLS."""
    is_ssl = _SECURE.get(url.scheme, False)
    host, port = url.raw_host, url.port
    assert host is not None
    if port is None:
        port = _DEFAULT_PORTS[is_ssl]
    if not is_ssl:
        return ConnectionKey(host, port, False, True)
    return ConnectionKey(host, port, True, ssl, server_hostname=server_hostname)


def host_field(key: ConnectionKey) -> str:
    """Return the Host field (RFC 9112 §3.2): the default port and the final dot of a name are left out."""
    host = f"[{key.host}]" if ":" in key.host else key.host.rstrip(".")
    return host if key.port == _DEFAULT_PORTS[key.is_ssl] else f"{host}:{key.port}"


def check_url(text: str) -> None:
    """Check text that becomes a URL.

    Raises:
        ValueError: it holds what `check_url_text` refuses, or begins with a space.
    """
    check_url_text(text)
    if str.startswith(text, " "):  # yarl leaves it out; a space anywhere else is encoded
        raise ValueError("it begins with a space, which no URL does")


def check_url_text(text: str) -> None:
    """Check text that becomes part of a URL.

    Raises:
        ValueError: it holds a control character or half of a surrogate pair, which has to be percent-encoded.
    """
    # The methods of `str` itself, not those of a subclass. Most text is printable, which is quicker to see.
    if not str.isprintable(text) and (found := _NOT_IN_URL.search(text)) is not None:
        raise ValueError(f"it holds {found[0]!r} at position {found.start()}, which no URL may hold")


def add_params(url: URL, params: Query) -> URL:
    """Add parameters to the query of a URL.

    Text is taken as it is where it is encoded already, and encoded where it is not; nothing is encoded twice.

    Raises:
        ValueError: the text holds a control character.
    """
    if isinstance(params, str):
        try:
            check_url_text(params)
        except ValueError as error:
            raise ValueError(f"params cannot be part of a URL: {error}") from None
        params = params.replace("#", "%23")  # there is no fragment in a query
        bare = url.with_fragment(None)
        separator = "&" if bare.raw_query_string else "?"
        return URL(f"{bare}{separator}{params}").with_fragment(url.fragment or None)
    return url.extend_query(params)


def _to_show(url: StrOrURL) -> StrOrURL:
    """Return a URL without its credentials: errors end up in logs."""
    text = str(url)
    return url if "@" not in text else without_userinfo(text)
