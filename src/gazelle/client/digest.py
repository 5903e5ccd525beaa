"""Digest authentication (RFC 7616), as a middleware."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Protocol, TypeVar

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle import hdrs
from gazelle.errors import ClientError
from gazelle.fields.challenges import parse_challenges, parse_parameters
from gazelle.fields.grammar import CONTROL, NOT_IN_VALUE, encode_ext_value, quote_string

from .redirects import Origin, origin_of


def _hashes() -> dict[str, str]:
    names = {"MD5": "md5", "SHA": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}
    if "sha512_256" in hashlib.algorithms_available:  # OpenSSL has it almost everywhere, Python does not
        names["SHA-512-256"] = "sha512_256"
    # Spelled without its first hyphen it is no registered name, but servers use it.
    return names | {"SHA256": "sha256", "SHA512": "sha512"}


_HASHES: Final = _hashes()

ALGORITHMS: Final = tuple(f"{name}{suffix}" for name in _HASHES for suffix in ("", "-SESS"))
"""Algorithms that are understood, in upper case."""

_SCHEME: Final = "Digest "
# Bytes that are not UTF-8 arrive as surrogates, and could not be sent back.
_UNSENDABLE: Final = re.compile(rf"{NOT_IN_VALUE}|[\ud800-\udfff]")
_CONTROL: Final = re.compile(CONTROL)


class SizedBody(Protocol):
    """A body that can tell its bytes."""

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes: ...


class DigestRequest(Protocol):
    """What the middleware needs of a request; it is a `ClientRequest`."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> URL: ...
    @property
    def headers(self) -> CIMultiDict[str]: ...
    @property
    def body(self) -> object: ...
    @property
    def compress(self) -> str | None: ...


class DigestResponse(Protocol):
    """What the middleware needs of a response; it is a `ClientResponse`."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> CIMultiDictProxy[str]: ...
    def release(self) -> object: ...


_Request = TypeVar("_Request", bound=DigestRequest)
_Response = TypeVar("_Response", bound=DigestResponse)


# --- the computation -------------------------------------------------------------------------------------------------


class DigestChallenge(NamedTuple):
    """What the server asks for, see RFC 7616 §3.3. Texts are unescaped.

    Args:
        realm: what the login is for.
        nonce: the server's nonce.
        algorithm: its name as the server wrote it, None if it wrote none, which means MD5.
        qops: qualities of protection that are offered and known, `auth` and `auth-int`; empty if none is asked for,
            as in RFC 2069.
        opaque: to be sent back.
        domain: URIs of the protection space.
        stale: whether only the nonce was refused, not login and password.
        utf8: whether the server says that login and password are in UTF-8.
        userhash: whether the login is to be sent as a hash.
    """

    realm: str
    nonce: str
    algorithm: str | None = None
    qops: tuple[str, ...] = ()
    opaque: str | None = None
    domain: tuple[str, ...] = ()
    stale: bool = False
    utf8: bool = False
    userhash: bool = False

    @property
    def hash_name(self) -> str:
        """Name of the hash function for `hashlib`."""
        return _HASHES[(self.algorithm or "MD5").upper().removesuffix("-SESS")]

    @property
    def has_session_key(self) -> bool:
        """Whether the nonces are part of the key (`-sess`)."""
        return (self.algorithm or "").upper().endswith("-SESS")


def read_challenge(parameters: dict[str, str]) -> DigestChallenge:
    """Return a challenge from the parameters of its field.

    Raises:
        ValueError: it is malformed, or asks for what is not understood.
    """
    for name in ("realm", "nonce"):
        if name not in parameters:
            raise ValueError(f"there is no {name}")
    if not parameters["nonce"]:
        raise ValueError("its nonce is empty")
    for name in ("realm", "nonce", "opaque", "algorithm"):
        if _UNSENDABLE.search(parameters.get(name, "")) is not None:
            raise ValueError(f"its {name} holds what cannot be sent back")
    algorithm = parameters.get("algorithm") or None
    if algorithm is not None and algorithm.upper() not in ALGORITHMS:
        raise ValueError(f"algorithm {algorithm!r} is not one of {', '.join(ALGORITHMS)}")
    offered = parameters.get("qop", "").replace(",", " ").lower().split()
    qops = tuple(name for name in ("auth", "auth-int") if name in offered)
    if offered and not qops:
        raise ValueError(f"qop {parameters['qop']!r} is neither auth nor auth-int")
    return DigestChallenge(
        parameters["realm"],
        parameters["nonce"],
        algorithm,
        qops,
        parameters.get("opaque"),
        tuple(parameters.get("domain", "").split()),
        parameters.get("stale", "").lower() == "true",
        parameters.get("charset", "").upper() == "UTF-8",
        parameters.get("userhash", "").lower() == "true",
    )


def digest_response(
    challenge: DigestChallenge,
    login: str,
    password: str,
    method: str,
    uri: str,
    *,
    qop: str | None,
    nonce_count: int,
    cnonce: str,
    body: bytes = b"",
) -> str:
    """Return the `response` parameter (RFC 7616 §3.4.1), in hexadecimal.

    Args:
        challenge: what the server asks for.
        login: the login.
        password: the password.
        method: of the request.
        uri: target of the request.
        qop: "auth", "auth-int", or None for the way of RFC 2069.
        nonce_count: how many requests were sent with this nonce, this one included.
        cnonce: the client's nonce.
        body: of the request, for "auth-int".
    """
    name = challenge.hash_name
    secret = _hash(name, f"{_text(challenge, login)}:{challenge.realm}:{_text(challenge, password)}")
    if challenge.has_session_key:
        secret = _hash(name, f"{secret}:{challenge.nonce}:{cnonce}")
    asked = f"{method}:{uri}"
    if qop == "auth-int":
        asked = f"{asked}:{_hash(name, body)}"
    asked = _hash(name, asked)
    if qop is None:
        return _hash(name, f"{secret}:{challenge.nonce}:{asked}")
    return _hash(name, f"{secret}:{challenge.nonce}:{nonce_count:08x}:{cnonce}:{qop}:{asked}")


def authorization(
    challenge: DigestChallenge,
    login: str,
    password: str,
    method: str,
    uri: str,
    *,
    qop: str | None,
    nonce_count: int,
    cnonce: str,
    body: bytes = b"",
) -> str:
    """Return the value of the Authorization field (RFC 7616 §3.4). Arguments as for `digest_response`."""
    response = digest_response(
        challenge, login, password, method, uri, qop=qop, nonce_count=nonce_count, cnonce=cnonce, body=body
    )
    fields = [
        _username(challenge, login),
        f"realm={quote_string(challenge.realm)}",
        f"nonce={quote_string(challenge.nonce)}",
        f"uri={quote_string(uri)}",
        f'response="{response}"',
    ]
    if challenge.algorithm is not None:
        fields.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque is not None:
        fields.append(f"opaque={quote_string(challenge.opaque)}")
    if qop is not None:
        fields += [f"qop={qop}", f"nc={nonce_count:08x}"]
    if qop is not None or challenge.has_session_key:
        fields.append(f"cnonce={quote_string(cnonce)}")
    if challenge.userhash:
        fields.append("userhash=true")
    return _SCHEME + ", ".join(fields)


def _username(challenge: DigestChallenge, login: str) -> str:
    text = _text(challenge, login)
    if challenge.userhash:
        return f'username="{_hash(challenge.hash_name, f"{text}:{challenge.realm}")}"'
    if challenge.utf8 and not text.isascii():
        return f"username*={encode_ext_value(text)}"
    return f"username={quote_string(text)}"


def _text(challenge: DigestChallenge, text: str) -> str:
    # RFC 7616 §4. Without that the encoding is anybody's guess, and UTF-8 what most mean.
    return unicodedata.normalize("NFC", text) if challenge.utf8 else text


def _hash(name: str, data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return hashlib.new(name, raw, usedforsecurity=False).hexdigest()


# --- the middleware --------------------------------------------------------------------------------------------------


class _Session:
    """A challenge and how often it was answered."""

    __slots__ = ("challenge", "cnonce", "count")

    def __init__(self, challenge: DigestChallenge) -> None:
        self.challenge = challenge
        self.count = 0
        self.cnonce = os.urandom(16).hex()

    def next(self) -> tuple[int, str]:
        """Return the nonce count and the client's nonce of the next request."""
        self.count += 1
        # The key of a session is made of its first one, so that it stays (RFC 7616 §3.4.2).
        if self.count > 1 and not self.challenge.has_session_key:
            return self.count, os.urandom(16).hex()
        return self.count, self.cnonce


class DigestAuthMiddleware:
    """Answers challenges of Digest authentication (RFC 7616).

    Knows the qualities of protection `auth` and `auth-int`, and MD5, SHA, SHA-256, SHA-512 and SHA-512-256, each of
    them with `-sess` too.

    A response of status 401 with such a challenge is released and the request sent once more, with the answer. Login
    and password belong to one origin, that of the first request: no other gets an answer, whatever redirects to it
    and whatever it asks for. Use one middleware for each origin.

    Args:
        login: holds no colon.
        password: the password.
        preemptive: whether later requests to the protection space, which is the origin or what the challenge says, are
            sent with an answer to the last challenge at once. Default True.

    Raises:
        ValueError: login or password is None, or the login holds a colon or a control character.
        ClientError: when called: the server asks for what is not understood, or its challenge is malformed.
    """

    def __init__(self, login: str, password: str, preemptive: bool = True) -> None:
        if login is None:
            raise ValueError("None is not allowed as login value")
        if password is None:
            raise ValueError("None is not allowed as password value")
        if ":" in login:
            raise ValueError('A ":" is not allowed in login (RFC 7616 §3.4.4)')
        if _CONTROL.search(login) is not None:
            raise ValueError("A control character is not allowed in login (RFC 7616 §3.4)")
        self._login = login
        self._password = password
        self._preemptive = preemptive
        self._origin: Origin | None = None
        self._session: _Session | None = None
        self._spaces: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} login={self._login!r} preemptive={self._preemptive}>"

    async def __call__(self, request: _Request, handler: Callable[[_Request], Awaitable[_Response]]) -> _Response:
        """Send a request, and send it again if the response is a challenge that can be answered.

        Args:
            request: the request; its Authorization field is set.
            handler: what sends it.
        """
        origin = origin_of(request.url)
        if self._origin is None:
            self._origin = origin
        if origin != self._origin:
            return await handler(request)
        session = self._session
        if (
            self._preemptive
            and session is not None
            # Somebody else's are left alone; an answer that an earlier try left there must not be sent twice.
            and request.headers.get(hdrs.AUTHORIZATION, _SCHEME).startswith(_SCHEME)
            and self._is_protected(request.url)
        ):
            await self._answer(request, session)
        response = await handler(request)
        try:
            session = self._read(request.url, response)
            if session is None:
                return response
            await self._answer(request, session)
        except BaseException:
            response.release()
            raise
        response.release()
        response = await handler(request)
        # Login and password were refused if it is a challenge again; its nonce is as good as any.
        with suppress(ClientError):
            self._read(request.url, response)
        return response

    def _read(self, url: URL, response: DigestResponse) -> _Session | None:
        """Remembers what a response says, and returns what to answer, if there is anything.

        Raises:
            ClientError: the response is a challenge that cannot be answered.
        """
        if response.status != 401:
            self._read_next_nonce(response)
            return None
        challenge = _choose(response.headers.getall(hdrs.WWW_AUTHENTICATE, ()))
        if challenge is None:
            return None
        session = self._session
        if session is None or (session.challenge.nonce, session.challenge.realm) != (challenge.nonce, challenge.realm):
            session = _Session(challenge)
        else:
            # The same nonce goes on counting (RFC 7616 §3.4).
            session.challenge = challenge
        self._session = session
        self._spaces = _spaces(url, challenge.domain)
        return session

    def _read_next_nonce(self, response: DigestResponse) -> None:
        """Take the nonce that the server wants to see next (RFC 7616 §3.5)."""
        session = self._session
        field = response.headers.get(hdrs.AUTHENTICATION_INFO)
        if session is None or not field:
            return
        nonce = parse_parameters(field).get("nextnonce")
        if nonce and nonce != session.challenge.nonce and _UNSENDABLE.search(nonce) is None:
            self._session = _Session(session.challenge._replace(nonce=nonce))

    def _is_protected(self, url: URL) -> bool:
        path = url.raw_path
        return any(path == space or path.startswith(space.rstrip("/") + "/") for space in self._spaces)

    async def _answer(self, request: DigestRequest, session: _Session) -> None:
        challenge = session.challenge
        body = b""
        qop: str | None = None
        if challenge.qops:
            # The body is protected too if the server offers it and there are bytes to tell it by.
            qop = challenge.qops[-1]
            if qop == "auth-int":
                # What is protected is what is sent (RFC 7616 §3.4.3), and a coding is put on only then.
                known = None if request.compress else await _body_bytes(request.body)
                if known is not None:
                    body = known
                elif "auth" in challenge.qops:
                    qop = "auth"
                else:
                    raise ClientError(
                        "Digest challenge asks for qop auth-int, and the body is no bytes, or is compressed on its way"
                    )
        # After the last `await`, so that counts go out in their order.
        count, cnonce = session.next()
        request.headers[hdrs.AUTHORIZATION] = authorization(
            challenge,
            self._login,
            self._password,
            request.method,
            request.url.raw_path_qs,
            qop=qop,
            nonce_count=count,
            cnonce=cnonce,
            body=body,
        )


async def _body_bytes(body: object) -> bytes | None:
    """Return the bytes of a body, None if it cannot tell them."""
    if body is None:
        return b""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    as_bytes: Callable[[], Awaitable[bytes]] | None = getattr(body, "as_bytes", None)
    return None if as_bytes is None else await as_bytes()


def _choose(values: Sequence[str]) -> DigestChallenge | None:
    """Return the first Digest challenge that can be answered (RFC 7616 §3.7), None if there is none at all.

    Raises:
        ClientError: none of them can be answered.
    """
    problem: ValueError | None = None
    for scheme, parameters in parse_challenges(values):
        if scheme == "digest":
            try:
                return read_challenge(parameters)
            except ValueError as error:
                problem = problem or error
    if problem is not None:
        raise ClientError(f"Digest challenge cannot be answered: {problem}") from problem
    return None


def _spaces(url: URL, domain: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths of the protection space, as far as it is in the origin of a URL (RFC 7616 §3.3)."""
    if not domain:
        return ("/",)
    paths = []
    for text in domain:
        try:
            target = url.join(URL(text))
        except ValueError:
            continue
        if origin_of(target) == origin_of(url):
            paths.append(target.raw_path)
    return tuple(paths)
