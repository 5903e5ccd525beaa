"""The Cookie field of a request, made of the jar, the cookies of the call and a Cookie field of the call."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from gazelle._impl import Origin, WireRequest, serialize_headers
from gazelle.abc import AbstractCookieJar
from gazelle.cookies.any_jar import cookies_for_request, store_response_cookies
from gazelle.cookies.dummy import DummyCookieJar
from gazelle.cookies.jar import CookieJar
from gazelle.cookies.parse import build_cookie_header, join_pairs, parse_cookie_header
from gazelle.cookies.unstored import unstored_pairs
from gazelle.net.key import ConnectionKey
from gazelle.types import LooseCookies
from gazelle.wire.request_head import Fields

from .locate import Location
from .response import ClientResponse


class CookieSource:
    """Make the Cookie fields of the requests of a session, and store the cookies of its responses.

    Args:
        jar: the jar of the session.

    Attributes:
        jar: the jar of the session.
        stored: a mapping that is empty as long as the jar has no cookies; None for a jar of another class, which is
            queried for each request.
    """

    def __init__(self, jar: AbstractCookieJar) -> None:
        self.jar = jar
        self.stored: Mapping[str, Any] | None = None
        self._own: CookieJar | None = None
        self._secure_origins = False
        if type(jar) is CookieJar:
            self.stored = jar.by_domain
            self._own = jar
            self._secure_origins = bool(jar.treat_as_secure_origin)
        elif type(jar) is DummyCookieJar:
            self.stored = {}

    def is_secure(self, url: URL, key: ConnectionKey) -> bool:
        """Return whether Secure cookies may be sent to a URL."""
        return self.jar.is_secure(url) if isinstance(self.jar, CookieJar) else key.is_ssl

    def plain_line(self, origin: Origin, target: str) -> bytes:
        """Return the Cookie line of a plain request. A line that is valid for all paths is remembered at the origin."""
        jar = self._own
        assert jar is not None
        version = jar.version
        if origin.cookie_version == version:
            return origin.cookie_line
        selection = jar.select(origin.key.host, target.partition("?")[0], origin.secure)
        header = selection.header
        line = b"" if header is None else serialize_headers((("Cookie", header),))
        if selection.for_all_paths:
            origin.cookie_line = line
            origin.cookie_version = version
        return line

    def add(
        self, cookies: LooseCookies | None, location: Location, origin: Origin, fields: Fields, given: str | None
    ) -> tuple[Fields, bytes]:
        """Return the header fields of a call and the Cookie line.

        Cookies of the call take precedence over those of the jar, and both over those in a Cookie field of the call.

        Args:
            cookies: cookies of the call.
            location: URL and target of the request.
            origin: origin of the URL.
            fields: header fields of the call.
            given: value of the Cookie field of the call, None if there is none. With it the Cookie line is empty, and
                all cookies are in that field.
        """
        jar = self.jar
        if not cookies:
            if self.stored is not None and not self.stored:
                return fields, b""
            if self.stored and given is None:
                return fields, self.plain_line(origin, location.target)
        if self._own is not None:
            pairs = list(self._own.pairs_for(origin.key.host, location.target.partition("?")[0], origin.secure))
        else:
            pairs = list(cookies_for_request(jar, location.url))
        if cookies:
            own = unstored_pairs(cookies, quoted=jar.quote_cookie)
            if not pairs and given is None:
                line = join_pairs(own)
                return fields, b"" if line is None else serialize_headers((("Cookie", line),))
            pairs = own + pairs
        if not pairs:
            return fields, b""
        if given is None:
            line = build_cookie_header(pairs)
            return fields, b"" if line is None else serialize_headers((("Cookie", line),))
        pairs += parse_cookie_header(given)
        rest = [(name, value) for name, value in fields if name.lower() != "cookie"]
        return [*rest, ("Cookie", build_cookie_header(pairs) or "")], b""

    def store(self, request: WireRequest, fields: list[str], response: ClientResponse) -> None:
        """Store the cookies that a response sets.

        Args:
            request: its request.
            fields: the values of its Set-Cookie fields.
            response: the response.
        """
        jar = self._own
        if jar is None:
            store_response_cookies(self.jar, fields, response.url)
        elif type(request) is WireRequest and not self._secure_origins:
            # Fast path, for a plain request: no URL object.
            key = request.connection_key
            jar.store_fields(fields, key.host, request.target.partition("?")[0], key.is_ssl)
        else:
            jar.update_cookies_from_headers(fields, response.url)
