"""What a call asks for becomes a complete request: whom to connect to, and the bytes to send."""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from multidict import CIMultiDict, CIMultiDictProxy, getversion, istr
from yarl import URL

from gazelle import hdrs
from gazelle.body.codings import accept_encoding
from gazelle.errors import InvalidUrlClientError, NonHttpUrlClientError
from gazelle.messages import RequestInfo
from gazelle.net.key import ConnectionKey
from gazelle.types import HttpVersion, HttpVersion11, LooseHeaders, Query, StrOrURL
from gazelle.version import __version__
from gazelle.wire.request_head import Fields, HeadTemplate, check_method, check_target, parse_head_fields

from .policy import Policy

IDEMPOTENT_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

_USER_AGENT: Final = f"Python/{sys.version_info.major}.{sys.version_info.minor} gazelle/{__version__}"
# Requests with these methods have no body unless one is given, and do not say so (RFC 9110 §8.6).
_BODILESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_FRAMING_NAMES: Final = frozenset({"content-length", "transfer-encoding"})
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
_CACHE_SIZE: Final = 1024


class ClientRequest:
    """A request as it goes over the wire. It is complete, and never changes, so that equal calls can share one."""

    __slots__ = (
        "_headers",
        "_source",
        "_url",
        "body",
        "connection_key",
        "head",
        "idempotent",
        "method",
        "parser_limits",
    )

    def __init__(
        self,
        method: str,
        source: StrOrURL,
        connection_key: ConnectionKey,
        head: bytes,
        body: bytes,
        parser_limits: tuple[int, int, int],
    ) -> None:
        self.method = method
        self.connection_key = connection_key
        self.head = head
        self.body = body
        self.idempotent = method in IDEMPOTENT_METHODS
        self.parser_limits = parser_limits
        self._source = source
        self._url: URL | None = None
        self._headers: CIMultiDictProxy[str] | None = None

    def __repr__(self) -> str:
        return f"<ClientRequest {self.method} {self.url}>"

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

    __slots__ = ("key", "template")

    def __init__(self, key: ConnectionKey, template: HeadTemplate) -> None:
        self.key = key
        self.template = template


class RequestBuilder:
    """Builds the requests of a session, and remembers what it can use again.

    Args:
        base_url: relative URLs are joined to it; None if there is none.
        headers: default header fields; changes of it are noticed.
        skip_auto_headers: automatic header fields that are not sent.
        json_serialize: makes text of what is passed as `json`.
        allowed_schemes: schemes of URLs the connector can be asked for.
        force_close: whether connections are for one request only.
        parser_limits: longest status line, longest field (bytes), most fields of a response head.
        version: HTTP version.
    """

    def __init__(
        self,
        *,
        base_url: URL | None,
        headers: CIMultiDict[Any],
        skip_auto_headers: frozenset[istr],
        json_serialize: Callable[[Any], str],
        allowed_schemes: frozenset[str],
        force_close: bool,
        parser_limits: tuple[int, int, int],
        version: HttpVersion = HttpVersion11,
    ) -> None:
        self._base_url = base_url
        self._headers = headers
        self._headers_version = getversion(headers)
        self._skip = frozenset(name.lower() for name in skip_auto_headers)
        self._json_serialize = json_serialize
        self._allowed_schemes = allowed_schemes
        self._force_close = force_close
        self._limits = parser_limits
        self._version = version
        # By method, as it is spelled on the wire, and URL, as it was passed.
        self._remembered: dict[str, dict[str, ClientRequest]] = {}
        self._origins: dict[object, _Origin] = {}

    def recall(self, method: str, url: StrOrURL) -> ClientRequest | None:
        """Returns the request of an earlier call that passed nothing but this method and URL."""
        requests = self._remembered.get(method)
        if requests is None or type(url) is not str:
            return None
        request = requests.get(url)
        if request is not None and getversion(self._headers) == self._headers_version:
            return request
        return None

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
        skip_auto_headers: Iterable[str] | None = None,
        remember: bool = False,
    ) -> ClientRequest:
        """Returns the request for a call.

        Args:
            policy: how it will be carried out.
            method: HTTP method.
            url: absolute, or relative to the base URL.
            params: added to the query of the URL.
            data: the body.
            json: the body, to be serialised.
            headers: header fields put over the default ones.
            skip_auto_headers: more automatic header fields that are not sent.
            remember: keep the request for `recall`.

        Raises:
            InvalidURL: the URL cannot be used.
            ValueError: the arguments contradict each other, or cannot go on the wire.
            TypeError: an argument has a type it must not have.
        """
        if getversion(self._headers) != self._headers_version:
            self._forget()
        requests = self._remembered.get(method)
        if requests is None:
            requests = self._remembered[check_method(method)] = {}
            method = check_method(method)
        source, origin, target = self._locate(policy, url, params)
        template = origin.template
        if skip_auto_headers is not None:
            template = self._make_template(origin.key, self._skip | {name.lower() for name in skip_auto_headers})
        body: bytes | None
        content_type: bytes | None
        if json is not None:
            if data is not None:
                raise ValueError("data and json parameters can not be used at the same time")
            body, content_type = self._json_serialize(json).encode(), _JSON
        elif data is not None:
            body, content_type = _encode_body(data)
        else:
            body = content_type = None
        given = template.names
        fields: Fields = ()
        if headers:
            fields = list(headers.items() if isinstance(headers, Mapping) else headers)
            given = given.union([name.lower() for name, _ in fields])
        ending = self._ending(method, body, content_type, given)
        if not given.isdisjoint(_FRAMING_NAMES):
            self._check_framing(body, fields)
        head = template.render(method, target, fields, ending)
        request = ClientRequest(method, source, origin.key, head, body or b"", self._limits)
        if remember and type(url) is str:
            if len(requests) >= _CACHE_SIZE:
                requests.clear()
            requests[url] = request
        return request

    def _forget(self) -> None:
        """Forgets everything that the default headers are in, because they have changed."""
        self._headers_version = getversion(self._headers)
        self._remembered.clear()
        self._origins.clear()

    def _locate(self, policy: Policy, url: StrOrURL, params: Query) -> tuple[StrOrURL, _Origin, str]:
        """Returns the URL, what is known of its origin, and the request target."""
        plain = policy.ssl is True and policy.server_hostname is None
        if plain and not params and type(url) is str:
            match = _PLAIN_URL.fullmatch(url)
            if match is not None:
                site, path, query = match.groups()
                origin = self._origins.get(site)
                if origin is None:
                    origin = self._remember_origin(site, self._parse(site), policy)
                return url, origin, (path or "/") + (query or "")
        parsed = self._parse(url)
        if params:
            parsed = add_params(parsed, params)
        cache_key = (parsed.scheme, parsed.raw_host, parsed.port, policy.ssl, policy.server_hostname)
        origin = self._origins.get(cache_key)
        if origin is None:
            origin = self._remember_origin(cache_key, parsed, policy)
        return parsed, origin, check_target(parsed.raw_path_qs)

    def _parse(self, url: StrOrURL) -> URL:
        try:
            parsed = URL(url)
        except ValueError as error:
            raise InvalidUrlClientError(url, str(error)) from error
        except TypeError:
            raise TypeError(f"url should be a str or a yarl.URL, got {url!r}") from None
        if self._base_url is not None and not parsed.absolute:
            parsed = self._base_url.join(parsed)
        if parsed.scheme not in self._allowed_schemes:
            raise NonHttpUrlClientError(url)
        if not parsed.raw_host:
            raise InvalidUrlClientError(url, "it has no host")
        if parsed.raw_user is not None or parsed.raw_password is not None:
            raise InvalidUrlClientError(parsed.with_user(None), "credentials in a URL are not supported")
        return parsed

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
        if len(self._origins) >= _CACHE_SIZE:
            self._origins.clear()
        origin = self._origins[cache_key] = _Origin(key, self._make_template(key, self._skip))
        return origin

    def _make_template(self, key: ConnectionKey, skip: frozenset[str]) -> HeadTemplate:
        host = f"[{key.host}]" if ":" in key.host else key.host.rstrip(".")
        if key.port != _DEFAULT_PORTS[key.is_ssl]:
            host = f"{host}:{key.port}"
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
        return HeadTemplate(self._version, host, list(self._headers.items()), automatic, suppressed)

    def _ending(self, method: str, body: bytes | None, content_type: bytes | None, given: Collection[str]) -> bytes:
        """Returns the end of a head: what describes the body (RFC 9110 §8.6) and the connection (RFC 9112 §9.3)."""
        lines = b""
        if body is not None or method not in _BODILESS_METHODS:
            if "content-length" not in given:
                lines = b"Content-Length: %d\r\n" % len(body or b"")
            if content_type is None and method in _BODY_METHODS:
                content_type = _BINARY
            if content_type is not None and "content-type" not in given:
                lines += content_type
        if self._force_close and "connection" not in given:
            lines += b"Connection: close\r\n"
        return lines + b"\r\n"

    def _check_framing(self, body: bytes | None, fields: Fields) -> None:
        """Refuses fields that would frame another body than the one that is sent."""
        length = str(len(body or b""))
        for name, value in (*fields, *self._headers.items()):
            key = name.lower()
            if key == "transfer-encoding":
                raise ValueError("Transfer-Encoding is set by the client, it can not be passed as a header")
            if key == "content-length" and value != length:
                raise ValueError(f"Content-Length is passed as {value!r}, but the body has {length} bytes")


def _encode_body(data: object) -> tuple[bytes, bytes]:
    """Returns the body, and the line with its media type."""
    if isinstance(data, bytes):
        return data, _BINARY
    if isinstance(data, str):
        return data.encode(), _TEXT
    if isinstance(data, bytearray | memoryview):
        return bytes(data), _BINARY
    raise TypeError(f"data should be bytes, bytearray, memoryview or str, not {type(data).__name__}")


def add_params(url: URL, params: Query) -> URL:
    """Adds parameters to the query of a URL.

    Text is taken as it is where it is encoded already, and encoded where it is not; nothing is encoded twice.
    """
    if isinstance(params, str):
        bare = url.with_fragment(None)
        separator = "&" if bare.raw_query_string else "?"
        return URL(f"{bare}{separator}{params}").with_fragment(url.fragment or None)
    return url.extend_query(params)
