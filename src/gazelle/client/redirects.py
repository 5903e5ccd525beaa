"""Redirects: which responses are one, what the next request is, and which secrets go with it."""

import re
from collections.abc import Mapping
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote

from multidict import CIMultiDict
from yarl import URL

from gazelle import hdrs
from gazelle._impl import split_url
from gazelle.auth import BasicAuth, split_credentials, without_userinfo
from gazelle.errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError
from gazelle.fields.grammar import CONTROL

Origin: TypeAlias = tuple[str, str | None, int | None]
"""Scheme, host and port, see `origin_of`."""

_Auth = TypeVar("_Auth")
_Cookies = TypeVar("_Cookies")

REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
"""Statuses that are followed. 300, 304 and 305 are not: there is nothing, or nothing safe, to follow."""

SECRET_FIELDS: Final = (str(hdrs.AUTHORIZATION), str(hdrs.COOKIE), str(hdrs.PROXY_AUTHORIZATION))
"""Header fields that no other origin may see."""

ORIGIN_FIELDS: Final = (*SECRET_FIELDS, str(hdrs.HOST))
"""Header fields that belong to an origin; the name of the old one is wrong for the new one."""

BODY_FIELDS: Final = (
    str(hdrs.CONTENT_DIGEST),
    str(hdrs.CONTENT_ENCODING),
    str(hdrs.CONTENT_LANGUAGE),
    str(hdrs.CONTENT_LENGTH),
    str(hdrs.CONTENT_LOCATION),
    str(hdrs.CONTENT_MD5),
    str(hdrs.CONTENT_TYPE),
    str(hdrs.DIGEST),
    str(hdrs.EXPECT),
    str(hdrs.LAST_MODIFIED),
    str(hdrs.REPR_DIGEST),
    str(hdrs.TRAILER),
    str(hdrs.TRANSFER_ENCODING),
)
"""Header fields that speak of a body, and go with it (RFC 9110 §15.4)."""

_WITHHELD: Final = frozenset(name.lower() for name in ORIGIN_FIELDS)
_HTTP: Final = frozenset({"http", "https"})
_WEBSOCKET: Final = {"ws": "http", "wss": "https"}  # the handshake is a request to this origin (RFC 6455 §4.1)

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROL: Final = re.compile(CONTROL)
_NOT_UTF8: Final = re.compile(r"[\udc80-\udcff]")
_NOT_IN_TARGET: Final = re.compile(r"[^\x21-\x7e]+")
_SITE: Final = re.compile(r"\A((?://[^/?#]*)?)")
_NO_HOST: Final = re.compile(r"//(?:[/?#]|\Z)")
# A registered name, an address, or an IPv6 address without its brackets (RFC 3986 §3.2.2).
_HOST: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:%-]+")


class Redirect(NamedTuple):
    """What the next request is.

    Args:
        method: its method.
        url: its URL, absolute, without credentials, with the fragment of the redirect.
        auth: the credentials of the redirect's URL, None if it had none.
        keep_body: whether the body is sent again.
        same_origin: whether scheme, host and port are those of the request before; ws counts as http, wss as https.
    """

    method: str
    url: URL
    auth: BasicAuth | None
    keep_body: bool
    same_origin: bool


class Carried(NamedTuple, Generic[_Auth, _Cookies]):
    """What of a call goes on with a redirect: header fields, `auth` and `cookies`."""

    headers: CIMultiDict[str]
    auth: _Auth | BasicAuth | None
    cookies: _Cookies | None


def find_redirect(
    method: str, url: URL, status: int, headers: Mapping[str, str], *, requote: bool = True
) -> Redirect | None:
    """Return where a response redirects to, None if it is to be handed out instead.

    The target is that of Location, or of URI if Location is missing or empty; without either there is no redirect.

    Args:
        method: of the request that was answered, in upper case.
        url: of the request that was answered.
        status: of the response.
        headers: of the response; names without regard to case.
        requote: whether the target is made canonical, like any URL; else its path and query are sent as they came.

    Raises:
        InvalidUrlRedirectClientError: the target is malformed.
        NonHttpUrlRedirectClientError: the scheme of the target is none that can be followed.
    """
    if status not in REDIRECT_STATUSES:
        return None
    location = headers.get(hdrs.LOCATION) or headers.get(hdrs.URI)
    if not location:
        return None
    next_method, keep_body = rewrite_method(method, status)
    target = _plain_target(url, location) if requote else None
    if target is not None:
        return Redirect(next_method, target, None, keep_body, origin_of(url) == origin_of(target))
    target = _resolve(url, location, requote)
    try:
        target, auth = split_credentials(target)
    except ValueError as error:
        raise InvalidUrlRedirectClientError(without_userinfo(location), str(error)) from None
    return Redirect(next_method, target, auth, keep_body, origin_of(url) == origin_of(target))


def _plain_target(url: URL, location: str) -> URL | None:
    """Return the target of a Location that needs no resolving: an absolute URL or path that yarl leaves as it is."""
    if location[:1] == "/" and url.scheme in _HTTP:
        location = f"{url.scheme}://{url.raw_authority}{location}" if location[1:2] != "/" else ""
    try:
        return None if split_url(location) is None else URL(location)
    except ValueError:
        return None  # a port out of range


def origin_of(url: URL) -> Origin:
    """Return scheme, host and port of a URL, which together decide who may see a secret (RFC 6454 §4).

    The handshake of a WebSocket is an HTTP request: ws is http here, and wss https.
    """
    return _WEBSOCKET.get(url.scheme, url.scheme), url.raw_host and url.raw_host.lower(), url.port


def rewrite_method(method: str, status: int) -> tuple[str, bool]:
    """Return the method that follows a redirect, and whether the body goes with it (RFC 9110 §15.4).

    | status   | HEAD | GET                   | POST                   | others                |
    |----------|------|-----------------------|------------------------|-----------------------|
    | 301, 302 | HEAD | GET                   | GET without a body     | unchanged, body kept  |
    | 303      | HEAD | GET without a body    | GET without a body     | GET without a body    |
    | 307, 308 | HEAD | GET                   | POST, body kept        | unchanged, body kept  |
    """
    if method == hdrs.METH_HEAD:
        return method, True
    if status == 303 or (status in (301, 302) and method == hdrs.METH_POST):
        return str(hdrs.METH_GET), False
    return method, True


def carry(
    redirect: Redirect, headers: CIMultiDict[str], auth: _Auth | None, cookies: _Cookies | None
) -> Carried[_Auth, _Cookies]:
    """Return what of a call goes on with a redirect. This is the one place that decides about secrets.

    | what                                       | same origin           | another origin |
    |--------------------------------------------|-----------------------|----------------|
    | credentials in the URL of the redirect     | used, instead of both that follow      |
    | `auth` of the call                         | kept                  | dropped        |
    | Authorization field                        | kept                  | dropped        |
    | Cookie, Proxy-Authorization, Host fields   | kept                  | dropped        |
    | `cookies` of the call                      | kept                  | dropped        |
    | fields about the body                      | go with the body                       |
    | the same fields of the session             | kept, see `withheld`  | dropped        |

    Fields are dropped however often they are there and however their names are written. The cookie jar, netrc and the
    session's own credentials are asked again for every hop, by its URL; that is up to the caller.

    Args:
        redirect: the redirect.
        headers: header fields of the request before, as they were passed; they are not changed.
        auth: credentials that were passed.
        cookies: cookies that were passed.
    """
    headers = headers.copy()
    if not redirect.keep_body:
        _drop(headers, BODY_FIELDS)
    if not redirect.same_origin:
        _drop(headers, ORIGIN_FIELDS)
        auth = cookies = None
    if redirect.auth is not None:
        _drop(headers, (str(hdrs.AUTHORIZATION),))
        return Carried(headers, redirect.auth, cookies)
    return Carried(headers, auth, cookies)


def withheld(redirect: Redirect) -> frozenset[str]:
    """Return the names, in lower case, of the session's fields that do not go with a redirect, nor with later ones."""
    names = frozenset() if redirect.same_origin else _WITHHELD
    return names if redirect.auth is None else names | {"authorization"}


def _drop(headers: CIMultiDict[str], names: tuple[str, ...]) -> None:
    for name in names:
        headers.popall(name, None)


def _resolve(base: URL, location: str, requote: bool) -> URL:
    """Return the absolute URL that a Location means (RFC 9110 §10.2.2, RFC 3986 §5)."""
    if _CONTROL.search(location) is not None:
        raise InvalidUrlRedirectClientError(without_userinfo(location), "it holds a control character")
    # Bytes that are not UTF-8 mean themselves, as everywhere on the web.
    text = _NOT_UTF8.sub(lambda match: f"%{ord(match[0]) - 0xDC00:02X}", location)
    scheme, text = _split_scheme(base, text)
    if not requote:
        # Path and query as they came, but for what no request line can hold (RFC 9112 §3.2).
        _, site, rest = _SITE.split(text, 1)
        text = site + _NOT_IN_TARGET.sub(lambda match: quote(match[0]), rest)
    try:
        # yarl would take `http:/x` and `///x` as relative, and keep the host of the base.
        if (scheme and not text.startswith("//")) or _NO_HOST.match(text) is not None:
            raise ValueError("it has no host")
        reference = URL(f"{scheme}:{text}" if scheme else text, encoded=not requote)
        # Neither credentials nor the fragment of the request are passed on, but yarl keeps what the base has.
        target = base.with_user(None).with_fragment(None).join(reference)
        if not target.raw_host:
            raise ValueError("it has no host")
        if not requote:
            # What is to stay as it came is the path and the query; a host is a name, and has one spelling.
            target = target.with_host(target.raw_host)
        if target.raw_host is None or _HOST.fullmatch(target.raw_host) is None:
            raise ValueError("its host is malformed")
    except ValueError as error:
        raise InvalidUrlRedirectClientError(without_userinfo(location), str(error)) from error
    return target


def _split_scheme(base: URL, location: str) -> tuple[str, str]:
    """Return the scheme of an absolute reference, or "", and the rest.

    `http:path` and `http:/path` are relative if the base has the same scheme (RFC 3986 §5.2.2, the old way).
    """
    match = _SCHEME.match(location)
    if match is None:
        return "", location
    scheme = match[1].lower()
    allowed = _HTTP | _WEBSOCKET.keys() if base.scheme in _WEBSOCKET else _HTTP
    if scheme not in allowed:
        raise NonHttpUrlRedirectClientError(without_userinfo(location))
    rest = location[match.end() :]
    if scheme == base.scheme and rest and not rest.startswith("//"):
        # A colon in the first segment would look like another scheme.
        return "", rest if rest[0] in "/?#" else f"./{rest}"
    return scheme, rest
