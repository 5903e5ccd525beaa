"""What a call asks for becomes a complete request: locate → fields → framing → head."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from multidict import CIMultiDict, istr
from yarl import URL

from gazelle import hdrs
from gazelle._impl import Origin, Origins, serialize_headers
from gazelle.abc import AbstractCookieJar
from gazelle.body.codings import accept_encoding
from gazelle.body.payload import Payload
from gazelle.checks import check_names
from gazelle.net.key import ConnectionKey
from gazelle.types import HttpVersion, HttpVersion10, LooseHeaders
from gazelle.version import __version__
from gazelle.wire.request_framing import (
    BODILESS_METHODS,
    FRAMING_FIELDS,
    Encoded,
    Framing,
    Wanted,
    frame,
    framing_fields,
    reframe,
)
from gazelle.wire.request_head import Fields, HeadTemplate, check_method, check_value, render_head

from .content import BINARY_LINE, Content, encode
from .cookie_field import CookieSource
from .credentials import Credentials
from .locate import Location, Locator, host_field, key_of
from .policy import Policy
from .request import ClientRequest

_USER_AGENT: Final = f"Python/{sys.version_info.major}.{sys.version_info.minor} gazelle/{__version__}"
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_USUAL_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_NO_BODY: Final = Framing()
# Fields that a plain call may not pass: they replace what the engine adds, or need a check of their own.
_NOT_PLAIN: Final = FRAMING_FIELDS | {"authorization", "connection", "content-type", "cookie", "host"}
# Of these a default field changes how requests without a body of their own are built.
_NOT_PLAIN_DEFAULTS: Final = FRAMING_FIELDS | {"connection", "cookie"}
# Origins that only calls with TLS settings of their own use: those hold objects of the caller, so few are kept.
_MAX_SPECIAL_ORIGINS: Final = 16


class Defaults(NamedTuple):
    """What the session adds to every request.

    Args:
        headers: default header fields; changes of it are noticed.
        skip_auto_headers: automatic header fields that are not sent.
        version: HTTP version.
        force_close: whether connections are for one request only.
    """

    headers: CIMultiDict[Any]
    skip_auto_headers: frozenset[istr]
    version: HttpVersion
    force_close: bool


class RequestBuilder:
    """Builds the requests of a session. What it remembers is per origin (`Origin`), nothing is per URL.

    Args:
        locator: resolves URLs.
        defaults: what the session adds to every request.
        credentials: says who is asking.
        jar: the cookies.
        serialize: makes the bytes of a body passed as `json`.
        bucket_of: returns the pool's record of the connections with a key.
    """

    def __init__(
        self,
        locator: Locator,
        defaults: Defaults,
        credentials: Credentials,
        jar: AbstractCookieJar,
        serialize: Callable[[Any], bytes],
        bucket_of: Callable[[ConnectionKey], Any],
    ) -> None:
        self.locator = locator
        self.defaults = defaults
        self.credentials = credentials
        self.cookies = CookieSource(jar)
        self.serialize = serialize
        self._bucket_of = bucket_of
        self._skip = frozenset(name.lower() for name in defaults.skip_auto_headers)
        # Persistence that is not the default of the version has to be asked for (RFC 9112 §9.3).
        asking = b"Connection: keep-alive\r\n" if defaults.version == HttpVersion10 else b""
        self._connection_line = b"Connection: close\r\n" if defaults.force_close else asking
        self.origins = Origins(defaults.headers)
        self._special_origins = Origins(defaults.headers, _MAX_SPECIAL_ORIGINS)

    def build(self, policy: Policy, method: str, location: Location, content: Content) -> ClientRequest:
        """Return the request for a call.

        Args:
            policy: how it will be carried out.
            method: HTTP method.
            location: where it goes.
            content: what is sent; for the errors see `ClientSession.request`.
        """
        if method not in _USUAL_METHODS or type(method) is not str:
            method = check_method(method)
        origin = self.origins.get(location.site) if policy.uses_default_tls else None
        if origin is None:
            origin = self._origin(policy, location)
        template: HeadTemplate = origin.template
        if content.skip_auto_headers is not None or content.withheld:
            template = self._template(origin, content)
        fields: Fields = ()
        given = template.names
        if content.headers:
            fields = _listed(content.headers)
            given = given.union([name.lower() for name, _ in fields])
        fields, lines = self._secrets(content, location, origin, fields, given)
        framing = self._frame(method, content, given, fields)
        ending = b"\r\n" if "connection" in given else origin.ending
        head = template.render(method, location.target, fields, b"".join((lines, framing.lines, ending)))
        request = ClientRequest(method, origin.key, head, framing.ready, location.site, location.target)
        request.original_url = location.url
        if location.auth is not None:
            request.url_auth = location.auth
        if content.upload_tracker is not None:
            request.tracker = content.upload_tracker
        if framing.payload is not None or framing.source is not None or framing.unframed is not None:
            request.framing = framing
        return request

    def _secrets(
        self, content: Content, location: Location, origin: Origin, fields: Fields, given: frozenset[str]
    ) -> tuple[Fields, bytes]:
        """Return the fields of a call, and the Cookie and the Authorization line."""
        lines = b""
        cookies = self.cookies
        if content.cookies or cookies.stored or cookies.stored is None:
            passed = self._given_cookies(given, fields)
            fields, lines = cookies.add(content.cookies, location, origin, fields, passed)
        if content.auth is not None or location.auth is not None or origin.authorization:
            lines += self.credentials.line(content.auth, location.auth, given, origin)
        return fields, lines

    def _given_cookies(self, given: frozenset[str], fields: Fields) -> str | None:
        """Return the Cookie field that was passed, that of the call before that of the session."""
        if "cookie" not in given:
            return None
        for name, value in (*fields, *self.defaults.headers.items()):
            if name.lower() == "cookie":
                check_value(name, value)
                return str(value)
        return None

    def _frame(self, method: str, content: Content, given: frozenset[str], fields: Fields) -> Framing:
        """Return the body of a call, framed."""
        if content.data is None and content.json is None and method in BODILESS_METHODS:
            asked = content.compress or content.chunked or content.expect100
            if not asked and given.isdisjoint(FRAMING_FIELDS):
                return _NO_BODY
        encoded = encode(content.data, content.json, self.serialize)
        if encoded.body is None and method in _BODY_METHODS:
            encoded = Encoded(None, BINARY_LINE)
        if "content-type" in given:
            encoded = Encoded(encoded.body)
        passed: dict[str, str] = {}
        if not given.isdisjoint(FRAMING_FIELDS):
            passed = framing_fields(self.defaults.headers.items()) | framing_fields(fields)
        wanted = Wanted(content.compress, content.chunked, content.expect100, content.upload_tracker is not None)
        return frame(method, encoded, passed, wanted, self.defaults.version)

    # Requests that a middleware has changed.

    def replace_body(self, headers: CIMultiDict[str], data: object) -> bytes | Payload:
        """Return another body, after making header fields describe it that describe the old one."""
        encoded = encode(data, None, self.serialize)
        for name in ("Content-Length", "Content-Encoding", "Transfer-Encoding", "Content-Type"):
            headers.popall(name, None)
        body = b"" if encoded.body is None else encoded.body
        ready = body if isinstance(body, bytes) else body.body_bytes()
        length = len(ready) if ready is not None else None if isinstance(body, bytes) else body.size
        if length is None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(length)
        if encoded.type_line:
            headers["Content-Type"] = encoded.type_line.decode()[len("Content-Type: ") :].rstrip()
        return body if ready is None else ready

    def rebuild(
        self,
        policy: Policy,
        original: ClientRequest,
        target: tuple[str, URL],
        headers: CIMultiDict[str],
        body: bytes | Payload,
    ) -> ClientRequest:
        """Return a request with exactly these fields; everything else is that of the original.

        Args:
            policy: how it will be carried out.
            original: the request before it was changed.
            target: method and URL.
            headers: all its fields.
            body: its body.

        Raises:
            InvalidURL: the URL cannot be used.
            ValueError: something cannot go on the wire, or the fields do not say where the body ends, or not just once.
        """
        method = check_method(target[0])
        location = self.locator.locate(target[1])
        key = key_of(location.url, policy.ssl, policy.server_hostname)
        if key != original.connection_key and headers.get("Host") == original.headers.get("Host"):
            headers["Host"] = host_field(key)
        if len(hosts := headers.getall("Host", [])) > 1:
            raise ValueError(f"More than one Host header: {hosts!r}")
        coding = original.coding if body is original.payload else None
        framing = reframe(headers, body, coding, original.tracker is not None, self.defaults.version)
        head = render_head(method, location.target, self.defaults.version, headers.items())
        request = ClientRequest(method, key, head, framing.ready, location.site, location.target)
        request.original_url = location.url
        request.tracker = original.tracker
        request.framing = framing
        return request

    # Origins.

    def open_origin(self, site: str) -> Origin | None:
        """Return the origin of the site of a plain URL, None if it cannot be requested."""
        try:
            url, _ = self.locator.parse(site)
        except ValueError:
            return None
        return self._remember(self.origins, site, url, key_of(url))

    def _origin(self, policy: Policy, location: Location) -> Origin:
        """Return an origin that is not known, or that only calls with TLS settings of their own use."""
        if policy.uses_default_tls:
            return self._remember(self.origins, location.site, location.url, key_of(location.url))
        key = key_of(location.url, policy.ssl, policy.server_hostname)
        return self._special_origins.get(key) or self._remember(self._special_origins, key, location.url, key)

    def _remember(self, origins: Origins, name: object, url: URL, key: ConnectionKey) -> Origin:
        template = self._make_template(key, self._skip)
        origin = Origin(key, self._bucket_of(key), f"{url.scheme}://{url.raw_authority}", template)
        origin.ending = self._connection_line + b"\r\n"
        origin.identified = "authorization" in template.names
        origin.typed = "content-type" in template.names
        origin.own = self.locator.base_url is None or self.locator.base_url.origin() == url.origin()
        origin.secure = self.cookies.is_secure(url, key)
        origin.authorization = self.credentials.origin_line(origin)
        origin.fixed = template.names | _NOT_PLAIN
        if not origin.authorization:
            origin.fixed -= {"authorization"}
        clash = bool(origin.authorization) and "authorization" in template.names
        origin.plain = not clash and template.names.isdisjoint(_NOT_PLAIN_DEFAULTS)
        origins.put(name, origin)
        return origin

    def forget_origins(self) -> None:
        """Forget the origins: something has changed that they hold."""
        self.origins.clear()
        self._special_origins.clear()

    def use_connections_of(self, bucket_of: Callable[[ConnectionKey], Any]) -> None:
        """Use another pool. Origins hold records of the old one, so they are forgotten."""
        self._bucket_of = bucket_of
        self.forget_origins()

    def _template(self, origin: Origin, content: Content) -> HeadTemplate:
        """Return the template of an origin, without the fields that a call or a redirect leaves out."""
        template: HeadTemplate = origin.template
        skipped, withheld = content.skip_auto_headers, content.withheld
        if skipped is None and withheld.isdisjoint(template.names):
            return template
        skip = self._skip.union([name.lower() for name in check_names("skip_auto_headers", skipped)])
        return self._make_template(origin.key, skip, withheld)

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
        defaults = [(name, value) for name, value in self.defaults.headers.items() if name.lower() not in withheld]
        return HeadTemplate(self.defaults.version, host_field(key), defaults, automatic, suppressed)


def _listed(headers: LooseHeaders) -> Fields:
    """Return the fields of a call as pairs.

    Raises:
        TypeError: a name is not a str.
    """
    fields = list(headers.items() if isinstance(headers, Mapping) else headers)
    for name, _ in fields:
        if not isinstance(name, str):
            serialize_headers(fields)  # raises the error that names it
    return fields
