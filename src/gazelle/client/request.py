"""What a call asks for becomes a complete request: whom to connect to, and the bytes to send."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from json import dumps
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from multidict import CIMultiDict, CIMultiDictProxy, getversion, istr
from yarl import URL

from gazelle import hdrs
from gazelle._impl import serialize_headers, serialize_json
from gazelle.abc import AbstractCookieJar
from gazelle.auth import BasicAuth, split_credentials, without_userinfo
from gazelle.body.codings import accept_encoding
from gazelle.body.compress import coding_of
from gazelle.body.formdata import FormData
from gazelle.body.payload import Payload, get_payload
from gazelle.checks import check_auth, check_names
from gazelle.cookies.jar import CookieJar, DummyCookieJar, cookies_for_request
from gazelle.cookies.parse import build_cookie_header, parse_cookie_header
from gazelle.errors import InvalidUrlClientError, NonHttpUrlClientError
from gazelle.messages import RequestInfo
from gazelle.net.key import ConnectionKey
from gazelle.types import HttpVersion, HttpVersion10, HttpVersion11, LooseCookies, LooseHeaders, Query, StrOrURL
from gazelle.version import __version__
from gazelle.wire.request_head import (
    Fields,
    HeadTemplate,
    check_method,
    check_target,
    check_value,
    collect_fields,
    parse_head_fields,
    render_head,
)

from .policy import Policy
from .tracker import UploadTracker

IDEMPOTENT_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

_USER_AGENT: Final = f"Python/{sys.version_info.major}.{sys.version_info.minor} gazelle/{__version__}"
# Requests with these methods have no body unless one is given, and do not say so (RFC 9110 §8.6).
_BODILESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_FRAMING: Final = frozenset({"content-encoding", "content-length", "expect", "transfer-encoding"})
_LENGTHS: Final = frozenset({"content-length", "transfer-encoding"})
_JSON: Final = b"Content-Type: application/json\r\n"
_TEXT: Final = b"Content-Type: text/plain; charset=utf-8\r\n"
_BINARY: Final = b"Content-Type: application/octet-stream\r\n"
_SECURE: Final = {"http": False, "ws": False, "https": True, "wss": True}
_DEFAULT_PORTS: Final = {False: 80, True: 443}

# URLs on which yarl changes nothing, taken apart without it: parsing one costs more than the rest of a request.
_PLAIN_URL: Final = re.compile(
    r"(https?://(?!xn--)[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.(?!xn--)[a-z0-9]+(?:-+[a-z0-9]+)*)*(?::[1-9][0-9]{1,4})?)"
    r"((?:/(?!\.)[A-Za-z0-9._~-]*)*)"
    r"(\?[A-Za-z0-9._~=&/-]+)?"
)
# yarl leaves out tabs, line ends and halves of surrogate pairs: what is asked for would be another URL than what was
# passed, and perhaps looked at before. No URL has them, nor other control characters (RFC 3986 §2).
_NOT_IN_URL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_CACHE_SIZE: Final = 1024
_MAX_METHODS: Final = 32

_Kept = TypeVar("_Kept")
_CookieScope: TypeAlias = tuple[str, str, bool]


class ClientRequest:
    """A request as it goes over the wire. It is complete, and never changes, so that equal calls can share one.

    Attributes:
        method: HTTP method.
        connection_key: which connections it may use.
        head: its head, ready for the wire.
        body: its body, ready for the wire, if that is sent together with the head.
        payload: its body, if that is sent in pieces, see `upload`.
        cookie: the cookies that the jar had for it, as they are sent.
        cookie_scope: what the jar was asked with: host, path, whether the origin is secure.
        idempotent: whether being sent twice is the same as being sent once (RFC 9110 §9.2.2).
        tracker: who counts what is sent of its body.
        url_auth: credentials that were in the URL.
    """

    __slots__ = (
        "_headers",
        "_made",
        "_source",
        "_url",
        "body",
        "connection_key",
        "cookie",
        "cookie_scope",
        "head",
        "idempotent",
        "method",
        "payload",
        "tracker",
        "url_auth",
    )

    def __init__(
        self,
        method: str,
        source: StrOrURL,
        connection_key: ConnectionKey,
        head: bytes,
        body: bytes,
        made: "_Body | None",
        cookie: str | None,
        cookie_scope: _CookieScope,
        url_auth: BasicAuth | None = None,
        tracker: UploadTracker | None = None,
    ) -> None:
        self.method = method
        self.connection_key = connection_key
        self.head = head
        self.body = body
        self.payload = None if made is None else made.payload
        self.cookie = cookie
        self.cookie_scope = cookie_scope
        self.idempotent = method in IDEMPOTENT_METHODS
        self.tracker = tracker
        self.url_auth = url_auth
        self._made = made
        self._source = source
        self._url: URL | None = None
        self._headers: CIMultiDictProxy[str] | None = None

    def __repr__(self) -> str:
        return f"<ClientRequest {self.method} {self.url}>"

    @property
    def source(self) -> Payload | None:
        """What its body was made from, if that was a payload: it can make it again."""
        return None if self._made is None else self._made.source

    @property
    def content(self) -> bytes | Payload:
        """Its body as it is before it is divided into chunks: bytes, or `payload`."""
        made = self._made
        if made is None or made.unframed is None:
            return self.body if self.payload is None else self.payload
        return made.unframed

    @property
    def length(self) -> int | None:
        """Bytes of `payload` that the head promises, None if it is chunked."""
        return None if self._made is None else self._made.length

    @property
    def coding(self) -> str | None:
        """Content coding that `payload` still has to be put into."""
        return None if self._made is None else self._made.coding

    @property
    def expect(self) -> bool:
        """Whether the server is asked first whether it wants the body."""
        return self._made is not None and self._made.expect

    @property
    def original_url(self) -> URL:
        """The URL with its fragment."""
        return URL(self._source) if isinstance(self._source, str) else self._source

    @property
    def url(self) -> URL:
        """The URL without its fragment."""
        if self._url is None:
            self._url = self.original_url.with_fragment(None)
        return self._url

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The header fields that are sent."""
        if self._headers is None:
            self._headers = CIMultiDictProxy(CIMultiDict(parse_head_fields(self.head)))
        return self._headers

    @property
    def request_info(self) -> RequestInfo:
        """What responses and errors tell of the request."""
        return RequestInfo(self.url, self.method, self.headers, self.original_url)

    def is_ssl(self) -> bool:
        """Returns whether the request goes over TLS."""
        return self.connection_key.is_ssl


class _Origin:
    """What all requests to one origin have in common: whom to connect to, and most of the head."""

    __slots__ = ("host", "key", "own", "secure", "template")

    def __init__(self, key: ConnectionKey, host: str, template: HeadTemplate, secure: bool, own: bool) -> None:
        self.key = key
        self.host = host  # as the Host field has it
        self.template = template
        self.secure = secure  # Secure cookies may be sent there
        self.own = own  # the credentials of the session may be sent there


class _Body(NamedTuple):
    """A request body, and the fields that describe it."""

    lines: bytes = b""
    ready: bytes = b""
    payload: Payload | None = None
    length: int | None = None
    coding: str | None = None
    expect: bool = False
    source: Payload | None = None
    unframed: bytes | None = None  # what `ready` holds in chunks


class _Opening(NamedTuple):
    """A request without what its body adds."""

    method: str
    source: StrOrURL
    key: ConnectionKey
    cookie: str | None
    scope: _CookieScope
    url_auth: BasicAuth | None
    fields: Fields
    given: frozenset[str]  # names of the fields that were passed, in lower case
    start: bytes  # the head before the fields of the body
    ending: bytes  # and after them


_Location: TypeAlias = tuple[StrOrURL, _Origin, str, BasicAuth | None]


class RequestBuilder:
    """Builds the requests of a session, and remembers what it can use again.

    Args:
        base_url: relative URLs are joined to it; None if there is none.
        headers: default header fields; changes of it are noticed.
        skip_auto_headers: automatic header fields that are not sent.
        auth: credentials for every request, or with `base_url` for those to its origin.
        jar: the cookies.
        json_serialize: makes text or bytes of what is passed as `json`.
        allowed_schemes: schemes of URLs the connector can be asked for.
        force_close: whether connections are for one request only.
        version: HTTP version.
    """

    def __init__(
        self,
        *,
        base_url: URL | None,
        headers: CIMultiDict[Any],
        skip_auto_headers: frozenset[istr],
        auth: BasicAuth | None,
        jar: AbstractCookieJar,
        json_serialize: Callable[[Any], str | bytes],
        allowed_schemes: frozenset[str],
        force_close: bool,
        version: HttpVersion = HttpVersion11,
    ) -> None:
        self._base_url = base_url
        self._headers = headers
        self._headers_version = getversion(headers)
        self._skip = frozenset(name.lower() for name in skip_auto_headers)
        self._auth = auth
        self._jar = jar
        # What tells at once that there are no cookies. A jar of the user has to be asked each time.
        self._stored: Mapping[str, Any] | None = None
        if type(jar) is CookieJar:
            self._stored = jar.by_domain
        elif type(jar) is DummyCookieJar:
            self._stored = {}
        # The function itself: a program can put another one into the module.
        self._serialize = serialize_json if json_serialize is dumps else _to_bytes(json_serialize)
        self._allowed_schemes = allowed_schemes
        # What is not the default of the version has to be said (RFC 9112 §9.3).
        asking = b"Connection: keep-alive\r\n" if version == HttpVersion10 else b""
        self._connection_line = b"Connection: close\r\n" if force_close else asking
        self._version = _check_version(version)
        # By method, as it is spelled on the wire, and URL, as it was passed.
        self._remembered: dict[str, dict[str, ClientRequest]] = {}
        # The same of calls that passed nothing but a body.
        self._openings: dict[str, dict[str, _Opening]] = {}
        self._origins: dict[object, _Origin] = {}
        self._locations: dict[str, _Location] = {}

    def recall(self, method: str, url: StrOrURL) -> ClientRequest | None:
        """Returns the request of an earlier call that passed nothing but this method and URL."""
        requests = self._remembered.get(method)
        if requests is None or type(url) is not str:
            return None
        request = requests.get(url)
        if request is None or getversion(self._headers) != self._headers_version:
            return None
        if self._stored:
            if request.cookie != self._jar.header_for(*request.cookie_scope):  # type: ignore[attr-defined]
                return None
        elif request.cookie is not None or self._stored is None:
            return None
        return request

    def build(
        self,
        policy: Policy,
        method: str,
        url: StrOrURL,
        *,
        params: Query = None,
        data: object = None,
        json: Any = None,
        headers: LooseHeaders | None = None,
        auth: BasicAuth | None = None,
        cookies: LooseCookies | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        compress: str | bool | None = None,
        chunked: bool | None = None,
        expect100: bool = False,
        withheld: frozenset[str] = frozenset(),
        upload_tracker: UploadTracker | None = None,
        remember: bool = False,
    ) -> ClientRequest:
        """Returns the request for a call; for the arguments see `ClientSession.request`.

        Args:
            policy: how it will be carried out.
            withheld: names, in lower case, of default header fields that are not meant for whom the request goes to.
            upload_tracker: who counts what is sent of the body, which is then sent in pieces whatever it is.
            remember: keep the request for `recall`.

        Raises:
            InvalidURL: the URL cannot be used.
            ValueError: the arguments contradict each other, or cannot go on the wire.
            TypeError: an argument has a type it must not have.
        """
        if getversion(self._headers) != self._headers_version:
            self._forget()
        bare = (
            not remember
            and params is None
            and headers is None
            and auth is None
            and cookies is None
            and skip_auto_headers is None
            and not withheld
            and policy.trusts_as_usual
        )
        opening = self._recall_opening(method, url) if bare else None
        if opening is None:
            kept = not remember
            opening = self._open(policy, method, url, params, headers, auth, cookies, skip_auto_headers, withheld, kept)
            if bare and type(url) is str and self._stored is not None:
                _keep(_of_method(self._openings, opening.method), url, opening)
        method, source, key, cookie, scope, url_auth, fields, given, start, ending = opening
        body = None
        ready = lines = b""
        streamed = upload_tracker is not None
        framed = given and not given.isdisjoint(_FRAMING)
        if compress or chunked or expect100 or data is not None or framed or (streamed and json is not None):
            body = self._make_body(method, data, json, given, fields, compress, chunked, expect100, streamed)
            lines = body.lines
            ready = body.ready
        elif json is not None or method not in _BODILESS_METHODS:
            ready = b"" if json is None else self._serialize(json)
            lines = b"Content-Length: %d\r\n" % len(ready)
            if "content-type" not in given:
                lines += _JSON if json is not None else _BINARY if method in _BODY_METHODS else b""
        head = start + lines + ending
        request = ClientRequest(method, source, key, head, ready, body, cookie, scope, url_auth, upload_tracker)
        if remember and type(url) is str and self._stored is not None:
            _keep(self._remembered[method], url, request)
        return request

    def _open(
        self,
        policy: Policy,
        method: str,
        url: StrOrURL,
        params: Query,
        headers: LooseHeaders | None,
        auth: BasicAuth | None,
        cookies: LooseCookies | None,
        skip_auto_headers: Iterable[str] | None,
        withheld: frozenset[str],
        keep_location: bool,
    ) -> _Opening:
        """Returns everything of a request that does not depend on its body."""
        if type(method) is not str or method not in self._remembered:
            method = check_method(method)  # a str for sure, as the engine wants it
            _of_method(self._remembered, method)
        source, origin, target, url_auth = self._locate(policy, url, params, keep=keep_location)
        key, template = origin.key, origin.template
        if skip_auto_headers is not None or (withheld and not withheld.isdisjoint(template.names)):
            skip = self._skip.union([name.lower() for name in check_names("skip_auto_headers", skip_auto_headers)])
            template = self._make_template(key, skip, withheld)
        given = template.names
        fields: Fields = ()
        if headers:
            fields = list(headers.items() if isinstance(headers, Mapping) else headers)
            try:
                given = template.names.union([name.lower() for name, _ in fields])
            except AttributeError:
                serialize_headers(fields)  # says which name is no text
                raise
        # After the other fields, in this order: Cookie, Authorization, the fields of the body, Connection.
        lines = b""
        cookie = None
        scope = (key.host, target.partition("?")[0], origin.secure)
        if self._stored or self._stored is None or cookies:
            cookie, fields, lines = self._add_cookies(source, scope, cookies, given, fields)
        if auth is not None or url_auth is not None or self._auth is not None:
            lines += self._authorization(auth, url_auth, given, own=origin.own)
        start = template.render(method, target, fields, lines)
        ending = b"\r\n"
        if self._connection_line and "connection" not in given:
            ending = self._connection_line + ending
        return _Opening(method, source, key, cookie, scope, url_auth, fields, given, start, ending)

    def _recall_opening(self, method: str, url: StrOrURL) -> _Opening | None:
        """Returns the opening of an earlier call that passed this method and URL, and else only a body."""
        openings = self._openings.get(method)
        opening = None if openings is None or type(url) is not str else openings.get(url)
        if opening is None:
            return None
        current = self._jar.header_for(*opening.scope) if self._stored else None  # type: ignore[attr-defined]
        return opening if opening.cookie == current else None

    def absolute(self, url: StrOrURL, params: Query) -> URL:
        """Returns the URL that a call asks for.

        Raises:
            InvalidURL: it cannot be requested.
        """
        parsed, _ = self._parse(url)
        return add_params(parsed, params) if params else parsed

    def without_credentials(self, url: StrOrURL, call: Mapping[str, Any]) -> str | None:
        """Returns the host of a call for which nobody has said who is asking; None if somebody has."""
        parsed, url_auth = self._parse(url)
        headers = collect_fields(call.get("headers"))
        own = self._auth is not None and (self._base_url is None or self._base_url.origin() == parsed.origin())
        if call.get("auth") is not None or url_auth is not None or own:
            return None
        return None if "Authorization" in headers or "Authorization" in self._headers else parsed.host

    @property
    def version(self) -> HttpVersion:
        """HTTP version of the requests."""
        return self._version

    def replace_body(self, headers: CIMultiDict[str], data: object) -> bytes | Payload:
        """Returns another body, after making header fields describe it that describe the old one."""
        payload, content_type = self._encode(data, None)
        for name in ("Content-Length", "Content-Encoding", "Transfer-Encoding", "Content-Type"):
            headers.popall(name, None)
        body = b"" if payload is None else payload
        ready = body if isinstance(body, bytes) else body.body_bytes()
        length = len(ready) if ready is not None else None if isinstance(body, bytes) else body.size
        if length is None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(length)
        if content_type is not None:
            headers["Content-Type"] = content_type.decode()[len("Content-Type: ") :].rstrip()
        return body if ready is None else ready

    def rebuild(
        self,
        policy: Policy,
        original: ClientRequest,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
        body: bytes | Payload,
    ) -> ClientRequest:
        """Returns a request with exactly these fields; everything else is that of the original.

        Raises:
            InvalidURL: the URL cannot be used.
            ValueError: something cannot go on the wire, or the fields do not say where the body ends, or not just once.
        """
        method = check_method(method)
        source, origin, target, _ = self._locate(policy, url, None)
        if origin.key != original.connection_key and headers.get("Host") == original.headers.get("Host"):
            headers["Host"] = origin.host
        if len(hosts := headers.getall("Host", [])) > 1:
            raise ValueError(f"More than one Host header: {hosts!r}")
        made = self._frame(original, headers, body)
        head = render_head(method, target, self._version, headers.items())
        return ClientRequest(
            method,
            source,
            origin.key,
            head,
            made.ready,
            made,
            original.cookie,
            original.cookie_scope,
            tracker=original.tracker,
        )

    def _forget(self) -> None:
        """Forgets everything that the default headers are in, because they have changed."""
        self._headers_version = getversion(self._headers)
        self._remembered.clear()
        self._openings.clear()
        self._origins.clear()
        self._locations.clear()

    def _locate(self, policy: Policy, url: StrOrURL, params: Query, *, keep: bool = True) -> _Location:
        """Returns the URL, what is known of its origin, the request target, and the credentials of the URL."""
        if policy.trusts_as_usual and not params and type(url) is str:
            location = self._locations.get(url)
            if location is not None:
                return location
            match = _PLAIN_URL.fullmatch(url)
            if match is not None:
                site, path, query = match.groups()
                origin = self._origins.get(site)
                if origin is None:
                    origin = self._remember_origin(site, self._parse(site)[0], policy)
                location = url, origin, (path or "/") + (query or ""), None
                if keep:
                    _keep(self._locations, url, location)
                return location
        parsed, auth = self._parse(url)
        if params:
            parsed = add_params(parsed, params)
        cache_key = (parsed.scheme, parsed.raw_host, parsed.port, policy.ssl, policy.server_hostname)
        origin = self._origins.get(cache_key)
        if origin is None:
            origin = self._remember_origin(cache_key, parsed, policy)
        return parsed, origin, check_target(parsed.raw_path_qs), auth

    def _parse(self, url: StrOrURL) -> tuple[URL, BasicAuth | None]:
        try:
            if isinstance(url, str):
                check_url(url)
            parsed = URL(url)
        except ValueError as error:
            raise InvalidUrlClientError(_to_show(url), str(error)) from error
        except TypeError:
            raise TypeError(f"url should be a str or a yarl.URL, got {url!r}") from None
        if self._base_url is not None and not parsed.scheme:
            parsed = self._base_url.join(parsed)
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

    def _remember_origin(self, cache_key: object, url: URL, policy: Policy) -> _Origin:
        is_ssl = _SECURE.get(url.scheme, False)
        port = url.port
        host = url.raw_host
        assert host is not None
        key = ConnectionKey(
            host,
            _DEFAULT_PORTS[is_ssl] if port is None else port,
            is_ssl,
            policy.ssl if is_ssl else True,
            server_hostname=policy.server_hostname if is_ssl else None,
        )
        jar = self._jar
        secure = jar.is_secure(url) if isinstance(jar, CookieJar) else is_ssl
        own = self._base_url is None or self._base_url.origin() == url.origin()
        if len(self._origins) >= _CACHE_SIZE:
            self._origins.clear()
        origin = self._origins[cache_key] = _Origin(
            key, _host_of(key), self._make_template(key, self._skip), secure, own
        )
        return origin

    def _make_template(
        self, key: ConnectionKey, skip: frozenset[str], withheld: frozenset[str] = frozenset()
    ) -> HeadTemplate:
        automatic = [
            (str(name), value)
            for name, value in (
                (hdrs.ACCEPT, "*/*"),
                (hdrs.ACCEPT_ENCODING, accept_encoding()),
                (hdrs.USER_AGENT, _USER_AGENT),
            )
            if name.lower() not in skip
        ]
        # A Content-Type that is not wanted is treated like one that is given.
        suppressed = skip & {"content-type"}
        defaults = [(name, value) for name, value in self._headers.items() if name.lower() not in withheld]
        return HeadTemplate(self._version, _host_of(key), defaults, automatic, suppressed)

    def _add_cookies(
        self,
        source: StrOrURL,
        scope: tuple[str, str, bool],
        cookies: LooseCookies | None,
        given: frozenset[str],
        fields: Fields,
    ) -> tuple[str | None, Fields, bytes]:
        """Returns the cookies of the jar as they are sent, the fields of the call, and the line with all cookies.

        Cookies of the call win over those of the jar, and both win over those in a Cookie field that was passed.
        """
        jar = self._jar
        from_jar: str | None
        if self._stored is None or not isinstance(jar, CookieJar):
            pairs = list(cookies_for_request(jar, URL(source)))
            from_jar = None
        else:
            from_jar = jar.header_for(*scope)
            if from_jar is not None and not cookies and "cookie" not in given:
                return from_jar, fields, serialize_headers([("Cookie", from_jar)])
            pairs = list(jar.pairs_for(*scope))
        if cookies:
            pairs = _cookie_pairs(cookies, quoted=jar.quote_cookie) + pairs
        if not pairs:
            return from_jar, fields, b""
        if "cookie" not in given:
            line = build_cookie_header(pairs)
            return from_jar, fields, b"" if line is None else serialize_headers([("Cookie", line)])
        for name, value in (*fields, *self._headers.items()):
            if name.lower() == "cookie":
                check_value(name, value)
                pairs += parse_cookie_header(value)
                break
        rest = [(name, value) for name, value in fields if name.lower() != "cookie"]
        return from_jar, [*rest, ("Cookie", build_cookie_header(pairs) or "")], b""

    def _authorization(
        self, auth: BasicAuth | None, url_auth: BasicAuth | None, given: frozenset[str], *, own: bool
    ) -> bytes:
        """Returns the line with the credentials of the call, of the URL or of the session."""
        if auth is not None and url_auth is not None:
            raise ValueError("Cannot combine AUTH argument with credentials encoded in URL")
        auth = auth or url_auth or (self._auth if own else None)
        if auth is None:
            return b""
        if "authorization" in given:
            raise ValueError("Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded in URL")
        return serialize_headers([("Authorization", check_auth("auth", auth).encode())])

    def _make_body(
        self,
        method: str,
        data: object,
        json: Any,
        given: frozenset[str],
        fields: Fields,
        compress: str | bool | None,
        chunked: bool | None,
        expect: bool,
        streamed: bool,
    ) -> _Body:
        """Returns the body of a call (RFC 9110 §8.6, RFC 9112 §6)."""
        lines = b""  # Content-Encoding, Content-Length, Content-Type, Transfer-Encoding, Expect: those that are needed
        passed = {} if given.isdisjoint(_FRAMING) else self._framing_fields(fields)
        ask = expect and "expect" not in passed
        if "expect" in passed:
            expect = expect or passed["expect"].strip().lower() == "100-continue"
        payload, content_type = self._encode(data, json)
        body = payload if isinstance(payload, bytes) else payload.body_bytes() if payload is not None else None
        length = len(body) if body is not None else payload.size if isinstance(payload, Payload) else 0
        if payload is None and method in _BODY_METHODS:
            content_type = _BINARY
        if content_type is not None and "content-type" not in given:
            lines += content_type
        coding = coding_of(compress)
        if coding is not None:
            if "content-encoding" in passed:
                raise ValueError("compress can not be set if Content-Encoding header is set")
            if "content-length" in passed:
                raise ValueError("compress can not be set if Content-Length header is set")
            if payload is None or body == b"":
                coding = None
            else:
                lines = b"Content-Encoding: %s\r\n%b" % (coding.encode(), lines)
                chunked = True
        if "transfer-encoding" in passed:
            if passed["transfer-encoding"].strip().lower() != "chunked":
                raise ValueError("The only Transfer-Encoding that can be passed is chunked")
            if chunked:
                raise ValueError("chunked can not be set if 'Transfer-Encoding: chunked' header is set")
            chunked = True
        if chunked and "content-length" in passed:
            raise ValueError("chunked can not be set if Content-Length header is set")
        if "content-length" in passed:
            promised = _check_length(passed["content-length"])
            if (body is not None and promised > len(body)) or (payload is None and promised):
                raise ValueError(f"Content-Length is passed as {promised}, but the body has {length} bytes")
            length = promised
            body = None if body is None else body[:promised]
        elif payload is not None and (chunked or length is None):
            if self._version == HttpVersion10:
                raise ValueError("HTTP/1.0 has no chunked coding: the body needs a length")
            length = None
            if "transfer-encoding" not in passed:
                lines += b"Transfer-Encoding: chunked\r\n"
        elif payload is not None or method not in _BODILESS_METHODS:
            lines = b"Content-Length: %d\r\n" % (length or 0) + lines
        if ask:
            lines += b"Expect: 100-continue\r\n"
        if payload is None:
            if "transfer-encoding" in passed:
                raise ValueError("Transfer-Encoding is passed, but there is no body")
            return _Body(lines)
        if body is not None and coding is None and not expect and not streamed:
            source = payload if isinstance(payload, Payload) else None
            if length is None:
                return _Body(lines, _in_chunks(body), source=source, unframed=body)
            return _Body(lines, body, source=source)
        if isinstance(payload, bytes):
            payload = get_payload(payload)
        return _Body(lines, b"", payload, length, coding, expect, payload)

    def _frame(self, original: ClientRequest, headers: CIMultiDict[str], body: bytes | Payload) -> _Body:
        """Returns the body of a changed request, sent as its fields say.

        A server that believed another field, or another length, would take what follows for the next request
        (RFC 9112 §6.3, §11.2).
        """
        passed = _framing_of(headers.items())
        chunked = "transfer-encoding" in passed
        length = _check_length(passed["content-length"]) if "content-length" in passed else None
        if chunked and length is not None:
            raise ValueError("Content-Length and Transfer-Encoding are both set")
        if chunked and passed["transfer-encoding"].strip().lower() != "chunked":
            raise ValueError("The only Transfer-Encoding that can be set is chunked")
        if chunked and self._version == HttpVersion10:
            raise ValueError("HTTP/1.0 has no chunked coding: the body needs a length")
        coding = original.coding if body is original.payload else None
        if coding is not None:
            # The field says which one the body is in; without it, it is in none.
            named = ", ".join(headers.getall("Content-Encoding", [])).strip().lower()
            if not named:
                coding = None
            elif named != coding:
                raise ValueError(f"Content-Encoding is set to {named!r}, but the body is put into {coding}")
        expect = passed.get("expect", "").strip().lower() == "100-continue"
        if isinstance(body, bytes):
            if not chunked:
                if len(body) != (length or 0):
                    raise ValueError(f"Content-Length is set to {length}, but the body has {len(body)} bytes")
                return _Body(ready=body)
            if original.tracker is None and not expect:
                return _Body(ready=_in_chunks(body), unframed=body)
            body = get_payload(body)
        elif not chunked and (length is None or coding is not None):
            # What is compressed has no length before it is sent.
            raise ValueError("Transfer-Encoding is not set, but the length of the body is not known")
        return _Body(b"", b"", body, length, coding, expect, body)

    def _framing_fields(self, fields: Fields) -> dict[str, str]:
        """Returns the fields that were passed and that speak about the body, by name in lower case."""
        return _framing_of(self._headers.items()) | _framing_of(fields)

    def _encode(self, data: object, json: Any) -> tuple[bytes | Payload | None, bytes | None]:
        """Returns the body, and the line with its media type."""
        if json is not None:
            if data is not None:
                raise ValueError("data and json parameters can not be used at the same time")
            return self._serialize(json), _JSON
        if data is None:
            return None, None
        if isinstance(data, bytes):
            return data if type(data) is bytes else _exactly(data), _BINARY
        if isinstance(data, str):
            return str.encode(data), _TEXT
        if isinstance(data, FormData):
            data = data()
        elif isinstance(data, Mapping | list | tuple):
            data = FormData(data)()
        if not isinstance(data, Payload):
            try:
                data = get_payload(data)
            except LookupError:  # a form, or the TypeError that says what forms are made of
                data = FormData(data)()
        return data, serialize_headers([("Content-Type", data.content_type)])


def _exactly(data: bytes | bytearray | memoryview) -> bytes:
    """Returns bytes that are nothing but bytes, as the engine wants them: what a buffer holds, whatever its kind."""
    return memoryview(data).tobytes()


def _to_bytes(serialize: Callable[[Any], str | bytes]) -> Callable[[Any], bytes]:
    def serialize_to_bytes(value: Any) -> bytes:
        made: object = serialize(value)
        if isinstance(made, str):
            return str.encode(made)
        if isinstance(made, bytes | bytearray | memoryview):
            return made if type(made) is bytes else _exactly(made)
        raise TypeError(f"What serialises json should return str or bytes, got {type(made).__name__}")

    return serialize_to_bytes


def _of_method(memory: dict[str, dict[str, _Kept]], method: str) -> dict[str, _Kept]:
    """Returns what is remembered for a method, and forgets the other methods when there are too many of them."""
    found = memory.get(method)
    if found is None:
        if len(memory) >= _MAX_METHODS:
            memory.clear()
        found = memory[method] = {}
    return found


def _in_chunks(body: bytes) -> bytes:
    """Returns a body in the chunked coding (RFC 9112 §7.1)."""
    return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"


def _keep(memory: dict[str, _Kept], url: str, made: _Kept) -> None:
    """Remembers what was made for a URL, and forgets the others when there are too many of them."""
    if len(memory) >= _CACHE_SIZE:
        memory.clear()
    memory[url] = made


def _host_of(key: ConnectionKey) -> str:
    """Returns the Host field (RFC 9112 §3.2): the default port and the final dot of a name are left out."""
    host = f"[{key.host}]" if ":" in key.host else key.host.rstrip(".")
    return host if key.port == _DEFAULT_PORTS[key.is_ssl] else f"{host}:{key.port}"


def check_url(text: str) -> None:
    """Checks text that becomes a URL.

    Raises:
        ValueError: it holds what `check_url_text` refuses, or begins with a space.
    """
    check_url_text(text)
    if str.startswith(text, " "):  # yarl leaves it out; a space anywhere else is encoded
        raise ValueError("it begins with a space, which no URL does")


def check_url_text(text: str) -> None:
    """Checks text that becomes part of a URL.

    Raises:
        ValueError: it holds a control character or half of a surrogate pair, which has to be percent-encoded.
    """
    # Not what a subclass says of itself. Most text is printable, and that is found out sooner.
    if not str.isprintable(text) and (found := _NOT_IN_URL.search(text)) is not None:
        raise ValueError(f"it holds {found[0]!r} at position {found.start()}, which no URL may hold")


def _to_show(url: StrOrURL) -> StrOrURL:
    """Returns a URL as an error may tell it: errors end up in logs."""
    text = str(url)
    return url if "@" not in text else without_userinfo(text)


def _check_version(version: object) -> HttpVersion:
    for known in (HttpVersion11, HttpVersion10):
        if version == known:
            return known  # and not what was given, which goes into every request line
    raise ValueError(f"version should be HttpVersion11 or HttpVersion10, got {version!r}")


def _framing_of(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns the fields that speak about the body, by name in lower case."""
    found: dict[str, str] = {}
    for name, value in fields:
        key = name.lower()
        if key in _FRAMING:
            check_value(name, value)
            if key in found and key in _LENGTHS:
                # Where the body ends must not depend on which of them a server believes (RFC 9112 §6.3).
                raise ValueError(f"{name} is passed more than once")
            found.setdefault(key, value)
    return found


def _check_length(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"Content-Length should be a number, got {value!r}")
    return int(value)


def _cookie_pairs(cookies: LooseCookies, *, quoted: bool) -> list[tuple[str, str]]:
    """Returns the cookies of a call as they are sent."""
    jar = CookieJar(unsafe=True, quote_cookie=quoted)
    jar.update_cookies(cookies)
    return list(jar.pairs_for("", "/", True))


def add_params(url: URL, params: Query) -> URL:
    """Adds parameters to the query of a URL.

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
