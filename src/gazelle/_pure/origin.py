"""What all requests to one origin share."""

from typing import Any, Final

from multidict import CIMultiDict, getversion

from .request_text import assemble

MAX_ORIGINS: Final = 1024


class Origin:
    """What all requests to one origin share.

    Args:
        key: the `ConnectionKey` of the origin.
        bucket: the pool's record of the connections with that key.
        site: scheme, host and port as in a URL.
        template: the template of its heads: `lead` is the head from the HTTP version to the end of the default fields,
            `tail` are the automatic fields.

    Attributes:
        ending: the Connection field, if there is one, and the empty line.
        fixed: lower-case names of fields that a plain call may not pass, because they would replace one of the above
            or need a check of their own.
        authorization: the line with the credentials for calls that have none of their own.
        plain: whether plain calls may be sent there at all.
        typed: whether the default fields have a Content-Type.
        cookie_line: the Cookie line for any path, valid while the jar has the version `cookie_version`; -1 if none.
        own: whether the credentials of the session may be sent there.
        secure: whether Secure cookies may be sent there.
    """

    __slots__ = (
        "authorization",
        "bucket",
        "cookie_line",
        "cookie_version",
        "ending",
        "fixed",
        "key",
        "lead",
        "own",
        "plain",
        "secure",
        "site",
        "tail",
        "template",
        "typed",
    )

    def __init__(self, key: Any, bucket: Any, site: str, template: Any) -> None:
        self.key = key
        self.bucket = bucket
        self.site = site
        self.template = template
        self.lead: bytes = template.lead
        self.tail: bytes = template.tail
        self.fixed: frozenset[str] = frozenset()
        self.ending = b""
        self.authorization = b""
        self.plain = False
        self.typed = False
        self.own = False
        self.secure = False
        self.cookie_line = b""
        self.cookie_version = -1

    def head(self, method: str, target: str, fields: bytes, cookies: bytes, lines: bytes) -> bytes:
        """Return the head of a plain request.

        Args:
            method: HTTP method.
            target: request target.
            fields: lines of the fields of the call.
            cookies: the Cookie line.
            lines: lines that describe the body.
        """
        return assemble(method, target, (self.lead, fields, self.tail, cookies, self.authorization, lines, self.ending))


class Origins:
    """The origins a session knows, least recently used first.

    Everything in them depends on the default header fields: when those change, all origins are dropped.

    Args:
        headers: the default header fields.
        limit: how many origins are kept.
    """

    __slots__ = ("_headers", "_known", "_last", "_last_name", "_limit", "_version")

    def __init__(self, headers: CIMultiDict[Any], limit: int = MAX_ORIGINS) -> None:
        self._headers = headers
        self._version = getversion(headers)
        self._limit = limit
        self._known: dict[object, Origin] = {}
        self._last_name: object = None
        self._last: Origin | None = None

    def __len__(self) -> int:
        return len(self._known)

    def get(self, name: object) -> Origin | None:
        """Return the origin that was put under `name`, or None."""
        if getversion(self._headers) != self._version:
            self.clear()
            return None
        if self._last is not None and name == self._last_name:
            return self._last
        origin = self._known.pop(name, None)
        if origin is not None:
            self._known[name] = origin  # to the end: the most recently used
            self._last_name = name
            self._last = origin
        return origin

    def put(self, name: object, origin: Origin) -> None:
        """Keep an origin; the least recently used one goes if there are too many."""
        if getversion(self._headers) != self._version:
            self.clear()
        self._known.pop(name, None)  # the place of the old one is not the last
        if len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[name] = origin
        self._last_name = name
        self._last = origin

    def clear(self) -> None:
        """Drop all origins."""
        self._version = getversion(self._headers)
        self._known.clear()
        self._last_name = None
        self._last = None
