"""The Cookie field of a request: what the jar has, what the call passes, what stands in a Cookie field already."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from gazelle._impl import Origin, serialize_headers
from gazelle.abc import AbstractCookieJar
from gazelle.cookies.jar import CookieJar, DummyCookieJar, cookies_for_request
from gazelle.cookies.parse import build_cookie_header, parse_cookie_header
from gazelle.net.key import ConnectionKey
from gazelle.types import LooseCookies
from gazelle.wire.request_head import Fields

from .locate import Location


class CookieSource:
    """Makes the Cookie fields of the requests of a session.

    Args:
        jar: the cookies.

    Attributes:
        jar: the cookies.
        stored: a mapping that is empty as long as the jar has no cookies; None for a jar of another class, which has to
            be asked each time.
    """

    def __init__(self, jar: AbstractCookieJar) -> None:
        self.jar = jar
        self.stored: Mapping[str, Any] | None = None
        if type(jar) is CookieJar:
            self.stored = jar.by_domain
        elif type(jar) is DummyCookieJar:
            self.stored = {}

    def is_secure(self, url: URL, key: ConnectionKey) -> bool:
        """Return whether Secure cookies may be sent to a URL."""
        return self.jar.is_secure(url) if isinstance(self.jar, CookieJar) else key.is_ssl

    def plain_line(self, origin: Origin, target: str) -> bytes:
        """Return the Cookie line of a plain request. One that is the same for all paths is kept with the origin."""
        jar = self.jar
        assert isinstance(jar, CookieJar)
        version = jar.version
        if origin.cookie_version == version:
            return origin.cookie_line
        host = origin.key.host
        header = jar.header_for(host, target.partition("?")[0], origin.secure)
        line = b"" if header is None else serialize_headers((("Cookie", header),))
        if not jar.varies_by_path(host):
            origin.cookie_line = line
            origin.cookie_version = version
        return line

    def add(
        self, cookies: LooseCookies | None, location: Location, origin: Origin, fields: Fields, given: str | None
    ) -> tuple[Fields, bytes]:
        """Return the fields of a call and the line with all cookies.

        Cookies of the call win over those of the jar, and both win over those in a Cookie field that was passed.

        Args:
            cookies: cookies of the call.
            location: where the request goes.
            origin: the origin of it.
            fields: fields of the call.
            given: a Cookie field that was passed; then all cookies go into that one.
        """
        jar = self.jar
        if not cookies:
            if self.stored is not None and not self.stored:
                return fields, b""
            if self.stored and given is None:
                return fields, self.plain_line(origin, location.target)
        if self.stored is not None and isinstance(jar, CookieJar):
            pairs = list(jar.pairs_for(origin.key.host, location.target.partition("?")[0], origin.secure))
        else:
            pairs = list(cookies_for_request(jar, location.url))
        if cookies:
            pairs = _pairs(cookies, quoted=jar.quote_cookie) + pairs
        if not pairs:
            return fields, b""
        if given is None:
            line = build_cookie_header(pairs)
            return fields, b"" if line is None else serialize_headers((("Cookie", line),))
        pairs += parse_cookie_header(given)
        rest = [(name, value) for name, value in fields if name.lower() != "cookie"]
        return [*rest, ("Cookie", build_cookie_header(pairs) or "")], b""


def _pairs(cookies: LooseCookies, *, quoted: bool) -> list[tuple[str, str]]:
    """Return the cookies of a call as they are sent."""
    jar = CookieJar(unsafe=True, quote_cookie=quoted)
    jar.update_cookies(cookies)
    return list(jar.pairs_for("", "/", True))
