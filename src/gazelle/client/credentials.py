"""The Authorization field of a request: of the call, of its URL, of the session, of the netrc file."""

from collections.abc import Callable

from gazelle._impl import Origin, serialize_headers
from gazelle.auth import BasicAuth
from gazelle.checks import check_auth


class Credentials:
    """Says who is asking, for the requests of a session.

    Args:
        auth: credentials of the session. They are sent to all origins, or with a base URL to that of it.
        find: returns the credentials that the environment has for a host; None if it is not asked.
    """

    def __init__(self, auth: BasicAuth | None, find: Callable[[str], BasicAuth | None] | None) -> None:
        self._auth = auth
        self._find = find

    def origin_line(self, origin: Origin) -> bytes:
        """Return the line for calls to an origin that have no credentials of their own."""
        if self._auth is not None and origin.own:
            return _line(self._auth)
        if self._find is None or "authorization" in origin.template.names:
            return b""
        found = self._find(origin.key.host)
        return b"" if found is None else _line(found)

    def line(self, auth: BasicAuth | None, url_auth: BasicAuth | None, given: frozenset[str], origin: Origin) -> bytes:
        """Return the line with the credentials of a call.

        Args:
            auth: those of the call.
            url_auth: those in its URL.
            given: lower-case names of the fields that were passed.
            origin: where it goes.

        Raises:
            ValueError: more than one of these says who is asking.
            TypeError: `auth` is something else than credentials.
        """
        if auth is not None and url_auth is not None:
            raise ValueError("Cannot combine AUTH argument with credentials encoded in URL")
        auth = url_auth if auth is None else auth
        own = self._auth is not None and origin.own
        if "authorization" in given:
            if auth is not None or own:
                raise ValueError("Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded in URL")
            return b""
        return origin.authorization if auth is None else _line(check_auth("auth", auth))


def _line(auth: BasicAuth) -> bytes:
    return serialize_headers((("Authorization", auth.encode()),))
