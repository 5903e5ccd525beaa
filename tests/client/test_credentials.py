"""Whose credentials a request carries: of the call, of its URL, of the session, of the netrc file."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import pytest

from gazelle.auth import BasicAuth
from gazelle.client.credentials import Credentials

CALL, IN_URL, SESSION, NETRC = (BasicAuth(name, "secret") for name in ("call", "url", "session", "netrc"))
NONE: Final[frozenset[str]] = frozenset()
GIVEN: Final = frozenset({"authorization"})


def line(auth: BasicAuth) -> bytes:
    return f"Authorization: {auth.encode()}\r\n".encode()


def origin(credentials: Credentials, *, own: bool = True, defaults: frozenset[str] = NONE) -> Any:
    """Return what credentials are asked with: an origin, after its line was made."""
    made = SimpleNamespace(own=own, key=SimpleNamespace(host="h"), template=SimpleNamespace(names=defaults))
    made.authorization = credentials.origin_line(made)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(
    ("session", "own", "found", "defaults", "expected"),
    [
        (None, True, None, NONE, b""),
        (SESSION, True, None, NONE, line(SESSION)),
        (SESSION, True, NETRC, NONE, line(SESSION)),
        (SESSION, False, None, NONE, b""),
        (SESSION, False, NETRC, NONE, line(NETRC)),
        (None, True, NETRC, NONE, line(NETRC)),
        (None, True, NETRC, GIVEN, b""),
        (SESSION, True, None, GIVEN, line(SESSION)),
    ],
)
def test_an_origin_gets_the_credentials_of_the_session_before_those_of_netrc(
    session: BasicAuth | None, own: bool, found: BasicAuth | None, defaults: frozenset[str], expected: bytes
) -> None:
    credentials = Credentials(session, lambda host: found if host == "h" else None)
    assert origin(credentials, own=own, defaults=defaults).authorization == expected


def test_netrc_is_not_read_unless_the_environment_is_trusted() -> None:
    assert origin(Credentials(None, None)).authorization == b""


@pytest.mark.parametrize(
    ("auth", "url_auth", "expected"), [(None, None, SESSION), (CALL, None, CALL), (None, IN_URL, IN_URL)]
)
def test_a_call_sends_its_own_credentials_before_those_of_the_session(
    auth: BasicAuth | None, url_auth: BasicAuth | None, expected: BasicAuth
) -> None:
    credentials = Credentials(SESSION, None)
    assert credentials.line(auth, url_auth, NONE, origin(credentials)) == line(expected)


def test_a_call_may_have_credentials_in_one_place_only() -> None:
    credentials = Credentials(None, None)
    with pytest.raises(ValueError, match="AUTH argument with credentials encoded in URL"):
        credentials.line(CALL, IN_URL, NONE, origin(credentials))


@pytest.mark.parametrize(
    ("session", "auth", "url_auth"), [(None, CALL, None), (None, None, IN_URL), (SESSION, None, None)]
)
def test_an_authorization_field_excludes_other_credentials(
    session: BasicAuth | None, auth: BasicAuth | None, url_auth: BasicAuth | None
) -> None:
    credentials = Credentials(session, None)
    with pytest.raises(ValueError, match="Cannot combine AUTHORIZATION header"):
        credentials.line(auth, url_auth, GIVEN, origin(credentials))


@pytest.mark.parametrize(("session", "own"), [(None, True), (SESSION, False)])
def test_an_authorization_field_is_sent_alone(session: BasicAuth | None, own: bool) -> None:
    credentials = Credentials(session, lambda host: NETRC)
    assert credentials.line(None, None, GIVEN, origin(credentials, own=own)) == b""


@pytest.mark.parametrize("wrong", ["call:secret", ("call", "secret"), 5])
def test_credentials_of_another_type_are_refused(wrong: Any) -> None:
    credentials = Credentials(None, None)
    with pytest.raises(TypeError, match="auth"):
        credentials.line(wrong, None, NONE, origin(credentials))
