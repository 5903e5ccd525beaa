"""Digest authentication: the vectors of the RFCs, and the middleware against a server that checks every answer."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from urllib.request import parse_http_list, parse_keqv_list

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

import gazelle
from gazelle.client.digest import (
    ALGORITHMS,
    DigestAuthMiddleware,
    DigestChallenge,
    authorization,
    digest_response,
    read_challenge,
)
from gazelle.errors import ClientError
from gazelle.fields.challenges import parse_challenges
from tests.support.server import Peer, ScriptedServer
from tests.support.server import response as raw_response

LOGIN, PASSWORD = "Mufasa", "Circle of Life"
HASHES: dict[str, Callable[[bytes], Any]] = {
    "MD5": hashlib.md5,
    "SHA": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA256": hashlib.sha256,
    "SHA-512": hashlib.sha512,
    "SHA512": hashlib.sha512,
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data),
}
needs_sha512_256 = pytest.mark.skipif("SHA-512-256" not in ALGORITHMS, reason="this Python has no SHA-512/256")


def challenge_of(value: str) -> DigestChallenge:
    return read_challenge(parse_challenges([value])[0].parameters)


def fields_of(value: str) -> dict[str, str]:
    """Reads an Authorization field with the parser of the standard library."""
    scheme, _, rest = value.partition(" ")
    assert scheme == "Digest"
    return dict(parse_keqv_list(parse_http_list(rest)))


# --- vectors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_section_3_9_1(algorithm: str, response: str) -> None:
    challenge = challenge_of(
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=' + algorithm + ", "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    value = authorization(
        challenge,
        "Mufasa",
        "Circle of Life",
        "GET",
        "/dir/index.html",
        qop="auth",
        nonce_count=1,
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert fields_of(value) == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        "qop": "auth",
        "response": response,
        "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    }


RFC_7616_3_9_2 = (
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, '
    'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", '
    'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8'
)


@needs_sha512_256
@pytest.mark.parametrize(
    ("userhash", "username"),
    [
        (
            ", userhash=true",
            'username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", ',
        ),
        ("", "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, "),
        (", userhash=false", "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, "),
    ],
)
@pytest.mark.parametrize("login", ["Jäsøn Doe", "Ja\u0308søn Doe"])  # composed and decomposed: NFC makes them one
def test_the_example_of_rfc_7616_section_3_9_2(userhash: str, username: str, login: str) -> None:
    """With the hashes of erratum 4897: those of the RFC are of another function than SHA-512/256."""
    value = authorization(
        challenge_of(RFC_7616_3_9_2 + userhash),
        login,
        "Secret, or not?",
        "GET",
        "/doe.json",
        qop="auth",
        nonce_count=1,
        cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    )
    assert value.startswith(f"Digest {username}")
    fields = fields_of(value)
    assert fields["response"] == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    assert fields.get("userhash") == ("true" if "true" in userhash else None)


def test_the_example_of_rfc_2617_section_3_5() -> None:
    challenge = challenge_of(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    value = authorization(
        challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", qop="auth", nonce_count=1, cnonce="0a4f113b"
    )
    assert fields_of(value) == {
        "username": "Mufasa",
        "realm": "testrealm@host.com",
        "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "uri": "/dir/index.html",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
        "response": "6629fae49393a05397450978507c4ef1",
        "opaque": "5ccc069c403ebaf9f0171e9517f40e41",
    }


def test_without_qop_the_way_is_that_of_rfc_2069() -> None:
    """The example of RFC 2069 §2.4, with the response of its erratum 749."""
    challenge = challenge_of(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    value = authorization(
        challenge, "Mufasa", "CircleOfLife", "GET", "/dir/index.html", qop=None, nonce_count=1, cnonce="unused"
    )
    fields = fields_of(value)
    assert fields["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert fields.keys() == {"username", "realm", "nonce", "uri", "response", "opaque"}


def test_what_is_quoted_is_escaped_and_counted_unescaped() -> None:
    challenge = challenge_of(r'Digest realm="a \"b\" \\ c", nonce="n\"", opaque="\\"')
    assert challenge.realm == r'a "b" \ c'
    value = authorization(challenge, 'me"', "p", "GET", '/"', qop=None, nonce_count=1, cnonce="")
    assert r'realm="a \"b\" \\ c"' in value
    assert r'nonce="n\""' in value
    assert r'opaque="\\"' in value
    assert r'username="me\""' in value
    secret = hashlib.md5(b'me":a "b" \\ c:p').hexdigest()
    asked = hashlib.md5(b'GET:/"').hexdigest()
    assert f'response="{hashlib.md5(f"{secret}:n{chr(34)}:{asked}".encode()).hexdigest()}"' in value


def test_a_session_key_needs_the_clients_nonce_even_without_qop() -> None:
    challenge = challenge_of('Digest realm="r", nonce="n", algorithm=MD5-sess')
    value = authorization(challenge, "u", "p", "GET", "/", qop=None, nonce_count=1, cnonce="c")
    assert fields_of(value)["cnonce"] == "c"
    assert digest_response(challenge, "u", "p", "GET", "/", qop=None, nonce_count=1, cnonce="c") != digest_response(
        challenge, "u", "p", "GET", "/", qop=None, nonce_count=1, cnonce="d"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('Digest nonce="n"', "no realm"),
        ('Digest realm="r"', "no nonce"),
        ('Digest realm="r", nonce=""', "nonce is empty"),
        ('Digest realm="r", nonce="n", algorithm=SHA-3', "algorithm 'SHA-3' is not one of MD5, "),
        ('Digest realm="r", nonce="n", qop="auth-conf"', "neither auth nor auth-int"),
        ('Digest realm="r\x01", nonce="n"', "realm holds what cannot be sent back"),
        ('Digest realm="r\udce9", nonce="n"', "realm holds what cannot be sent back"),
        ('Digest realm="r", nonce="n\x7f"', "nonce holds what cannot be sent back"),
        ('Digest realm="r", nonce="n", opaque="\x1f"', "opaque holds what cannot be sent back"),
    ],
)
def test_a_challenge_that_cannot_be_answered_says_why(value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        challenge_of(value)


# --- a server --------------------------------------------------------------------------------------------------------


@dataclass
class Body:
    """A body that is no bytes, but can tell them."""

    data: bytes

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        await asyncio.sleep(0)
        return self.data


@dataclass
class Sent:
    """A request as the middleware knows it."""

    url: URL
    method: str = "GET"
    body: object = b""
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    compress: str | None = None

    @property
    def data(self) -> bytes:
        return self.body.data if isinstance(self.body, Body) else bytes(self.body or b"")  # type: ignore[call-overload]


@dataclass
class Got:
    """A response as the middleware knows it."""

    status: int
    headers: CIMultiDictProxy[str]
    released: bool = False

    def release(self) -> None:
        self.released = True


@dataclass
class Server:
    """A server that protects everything with Digest authentication, and works out by itself what it wants to see."""

    algorithm: str | None = None
    qop: str | None = "auth"
    realm: str = "the realm"
    parameters: str = ""
    uses: int = 1000  # answers to one nonce before it is stale
    login: str = LOGIN
    password: str = PASSWORD
    nonces: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    log: list[dict[str, str] | None] = field(default_factory=list)
    responses: list[Got] = field(default_factory=list)
    info: str | None = None

    async def __call__(self, request: Sent) -> Got:
        await asyncio.sleep(0)
        value = request.headers.get("Authorization")
        fields = None if value is None else fields_of(value)
        self.log.append(fields)
        problem = "no answer" if fields is None else self.problem(request, fields)
        if problem is None:
            headers = CIMultiDict({"Authentication-Info": self.info} if self.info else {})
            return self.reply(200, headers)
        self.refused.append(problem)
        return self.reply(401, CIMultiDict({"WWW-Authenticate": self.challenge(stale=problem == "stale")}))

    def reply(self, status: int, headers: CIMultiDict[str]) -> Got:
        self.responses.append(Got(status, CIMultiDictProxy(headers)))
        return self.responses[-1]

    def challenge(self, *, stale: bool = False) -> str:
        self.nonces += 1
        nonce = f"nonce-{self.nonces}"
        self.counts[nonce] = 0
        parts = [f'realm="{self.realm}"', f'nonce="{nonce}"']
        if self.algorithm is not None:
            parts.append(f"algorithm={self.algorithm}")
        if self.qop is not None:
            parts.append(f'qop="{self.qop}"')
        if stale:
            parts.append("stale=TRUE")
        return "Digest " + ", ".join(parts) + self.parameters

    def problem(self, request: Sent, fields: dict[str, str]) -> str | None:
        algorithm = self.algorithm or "MD5"

        def digest(text: str | bytes) -> str:
            data = text if isinstance(text, bytes) else text.encode()
            name = algorithm.upper().removesuffix("-SESS")
            found: str = HASHES[name](data).hexdigest()
            return found

        nonce = fields["nonce"]
        if nonce not in self.counts:
            return "unknown nonce"
        if fields.get("algorithm") != self.algorithm:
            return "algorithm"
        if fields["uri"] != request.url.raw_path_qs:
            return "uri"
        username = unquote(fields["username*"].removeprefix("UTF-8''")) if "username*" in fields else fields["username"]
        if username != (digest(f"{self.login}:{self.realm}") if "userhash=true" in self.parameters else self.login):
            return "username"
        a1 = digest(f"{self.login}:{self.realm}:{self.password}")
        if algorithm.upper().endswith("-SESS"):
            a1 = digest(f"{a1}:{nonce}:{fields['cnonce']}")
        a2 = f"{request.method}:{fields['uri']}"
        if self.qop is None:
            expected = digest(f"{a1}:{nonce}:{digest(a2)}")
        else:
            if fields["qop"] not in self.qop.replace(" ", "").split(","):
                return "qop"
            if fields["qop"] == "auth-int":
                a2 += f":{digest(request.data)}"
            if int(fields["nc"], 16) != self.counts[nonce] + 1 or len(fields["nc"]) != 8:
                return "replay"
            expected = digest(f"{a1}:{nonce}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{digest(a2)}")
        if fields["response"] != expected:
            return "response"
        if self.counts[nonce] >= self.uses:
            return "stale"
        self.counts[nonce] += 1
        return None


def get(path: str = "/", method: str = "GET", body: object = b"", origin: str = "http://host") -> Sent:
    return Sent(URL(origin + path), method, body)


SITE = "http://host"

# --- the middleware --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [None, *ALGORITHMS, "md5", "Sha-256-Sess"])
@pytest.mark.parametrize("qop", [None, "auth", "auth-int", "auth,auth-int", "auth-int , auth", "auth-conf,auth"])
async def test_every_algorithm_and_quality_of_protection_is_answered(algorithm: str | None, qop: str | None) -> None:
    server = Server(algorithm, qop)
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    for number, request in enumerate(
        (get("/a?b=%20c"), get("/b", "POST", b"body"), get("/c", "PUT", Body(b"payload")))
    ):
        response = await middleware(request, server)
        assert response.status == 200
        assert len(server.log) == number + 2
    assert server.refused == ["no answer"]


async def test_a_challenged_request_is_sent_twice_and_its_first_response_released() -> None:
    server = Server()
    response = await DigestAuthMiddleware(LOGIN, PASSWORD)(get(), server)
    assert [(one.status, one.released) for one in server.responses] == [(401, True), (200, False)]
    assert response is server.responses[1]


async def test_a_response_that_is_no_challenge_is_returned_as_it_is() -> None:
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    for status, headers in (
        (200, {}),
        (403, {"WWW-Authenticate": 'Digest realm="r", nonce="n"'}),
        (401, {}),
        (401, {"WWW-Authenticate": 'Basic realm="r"'}),
        (401, {"Proxy-Authenticate": 'Digest realm="r", nonce="n"'}),
    ):
        server = Server()
        reply = server.reply(status, CIMultiDict(headers))

        async def handler(request: Sent, reply: Got = reply) -> Got:
            assert "Authorization" not in request.headers
            return reply

        assert await middleware(get(), handler) is reply
        assert not reply.released


async def test_a_wrong_password_is_tried_once_only() -> None:
    server = Server()
    response = await DigestAuthMiddleware(LOGIN, "wrong")(get(), server)
    assert response.status == 401
    assert not response.released
    assert server.refused == ["no answer", "response"]


async def test_later_requests_are_answered_before_they_are_challenged() -> None:
    server = Server()
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    for _ in range(3):
        await middleware(get(), server)
    fields = [one for one in server.log if one is not None]
    assert [one["nc"] for one in fields] == ["00000001", "00000002", "00000003"]
    assert len({one["cnonce"] for one in fields}) == 3
    assert server.refused == ["no answer"]


async def test_unless_they_are_not_to_be() -> None:
    server = Server()
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD, preemptive=False)
    for _ in range(2):
        assert (await middleware(get(), server)).status == 200
    assert server.refused == ["no answer", "no answer"]


async def test_a_session_keeps_the_nonce_its_key_is_made_of() -> None:
    server = Server("SHA-256-sess")
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    for _ in range(3):
        assert (await middleware(get(), server)).status == 200
    assert len({one["cnonce"] for one in server.log if one is not None}) == 1


async def test_a_stale_nonce_is_replaced_by_the_new_one() -> None:
    server = Server(uses=2)
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    for _ in range(5):
        assert (await middleware(get(), server)).status == 200
    assert server.refused == ["no answer", "stale", "stale"]


async def test_the_same_nonce_in_a_new_challenge_goes_on_counting() -> None:
    """As it does when a server asks anew for everything outside of what it protected at first."""
    challenge = 'Digest realm="the realm", nonce="same", qop="auth"'
    counts = []

    async def handler(request: Sent) -> Got:
        value = request.headers.get("Authorization")
        if value is None:
            return Got(401, CIMultiDictProxy(CIMultiDict({"WWW-Authenticate": challenge})))
        counts.append(fields_of(value)["nc"])
        return Got(200, CIMultiDictProxy(CIMultiDict()))

    middleware = DigestAuthMiddleware(LOGIN, PASSWORD, preemptive=False)
    for _ in range(3):
        await middleware(get(), handler)
    assert counts == ["00000001", "00000002", "00000003"]


async def test_the_server_may_name_the_next_nonce() -> None:
    server = Server(info='nextnonce="nonce-next"')
    server.counts["nonce-next"] = 0
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    for _ in range(3):
        assert (await middleware(get(), server)).status == 200
    assert [one and (one["nonce"], one["nc"]) for one in server.log] == [
        None,
        ("nonce-1", "00000001"),
        ("nonce-next", "00000001"),
        ("nonce-next", "00000002"),
    ]


async def test_the_first_challenge_that_is_understood_is_answered() -> None:
    server = Server("SHA-256")
    extra = CIMultiDict(
        [
            ("WWW-Authenticate", 'Negotiate, Digest realm="x", nonce="x", algorithm=SHA-3, Basic realm="x"'),
            ("WWW-Authenticate", server.challenge()),
            ("WWW-Authenticate", 'Digest realm="weak", nonce="x", algorithm=MD5'),
        ]
    )
    asked: list[Sent] = []

    async def handler(request: Sent) -> Got:
        asked.append(request)
        return server.reply(401, extra) if len(asked) == 1 else await server(request)

    assert (await DigestAuthMiddleware(LOGIN, PASSWORD)(get(), handler)).status == 200


@pytest.mark.parametrize(
    "challenge", ['Digest realm="r"', 'Digest realm="r", nonce="n", algorithm=SHA-3', 'Digest realm="r\x01", nonce="n"']
)
async def test_what_is_not_understood_is_an_error_and_the_response_released(challenge: str) -> None:
    reply = Got(401, CIMultiDictProxy(CIMultiDict({"WWW-Authenticate": challenge})))

    async def handler(request: Sent) -> Got:
        return reply

    with pytest.raises(ClientError, match="Digest challenge cannot be answered: "):
        await DigestAuthMiddleware(LOGIN, PASSWORD)(get(), handler)
    assert reply.released


async def test_a_body_that_is_no_bytes_is_not_protected_unless_it_must_be() -> None:
    server = Server(qop="auth,auth-int")
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    assert (await middleware(get(method="POST", body=b"x"), server)).status == 200
    response = await middleware(Sent(URL(SITE), "POST", iter([b"x"])), StreamTaker(server))
    assert response.status == 200
    assert [one and one["qop"] for one in server.log] == [None, "auth-int", "auth"]
    must = Server(qop="auth-int")
    with pytest.raises(ClientError, match="the body is no bytes"):
        await DigestAuthMiddleware(LOGIN, PASSWORD)(Sent(URL(SITE), "POST", iter([b"x"])), StreamTaker(must))
    assert must.responses[0].released


@dataclass
class StreamTaker:
    """Takes a body of any kind, and does not look at it."""

    server: Server

    async def __call__(self, request: Sent) -> Got:
        return await self.server(Sent(request.url, request.method, b"", request.headers))


async def test_requests_at_the_same_time_do_not_count_the_same() -> None:
    server = Server()
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    await middleware(get(), server)
    responses = await asyncio.gather(*(middleware(get(f"/{number}"), server) for number in range(20)))
    assert {one.status for one in responses} == {200}
    assert server.refused == ["no answer"]


async def test_requests_that_are_challenged_at_the_same_time_are_all_answered() -> None:
    server = Server()
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    responses = await asyncio.gather(*(middleware(get(f"/{number}"), server) for number in range(5)))
    assert {one.status for one in responses} == {200}


@pytest.mark.parametrize(
    "origin", ["http://other", "http://host:81", "https://host", "http://sub.host", "http://host.", "https://host:80"]
)
async def test_no_other_origin_gets_an_answer(origin: str) -> None:
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    home, evil = Server(), Server()
    await middleware(get(), home)
    response = await middleware(get(origin=origin), evil)
    assert response.status == 401
    assert evil.log == [None]
    assert (await middleware(get(), home)).status == 200
    assert home.refused == ["no answer"]


async def test_not_even_if_it_is_the_first_to_ask() -> None:
    """A redirect from the first origin, which wanted nothing."""
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    evil = Server()

    async def redirecting(request: Sent) -> Got:
        return Got(302, CIMultiDictProxy(CIMultiDict({"Location": "http://evil/"})))

    await middleware(get(), redirecting)
    assert (await middleware(get(origin="http://evil"), evil)).status == 401
    assert evil.log == [None]


@pytest.mark.parametrize(
    ("domain", "path", "preemptive"),
    [
        ("/private", "/private", True),
        ("/private", "/private/x?y", True),
        ("/private/", "/private/x", True),
        ("/private", "/privateer", False),
        ("/private", "/", False),
        ("/a /private", "/private", True),
        ("http://host/private", "/private", True),
        ("http://other/private", "/private", False),
        ("http://[::1 /private", "/private", True),
        ("/", "/anything", True),
        ("", "/anything", True),
    ],
)
async def test_the_protection_space_is_what_the_domain_says(domain: str, path: str, preemptive: bool) -> None:
    server = Server(parameters=f', domain="{domain}"')
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    await middleware(get("/private"), server)
    assert (await middleware(get(path), server)).status == 200
    assert (server.log[2] is not None) is preemptive


async def test_the_login_can_be_a_hash() -> None:
    server = Server("SHA-256", parameters=", userhash=true, charset=UTF-8")
    assert (await DigestAuthMiddleware(LOGIN, PASSWORD)(get(), server)).status == 200


@pytest.mark.parametrize("charset", ["", ", charset=UTF-8"])
async def test_login_and_password_are_sent_in_utf8(charset: str) -> None:
    server = Server(parameters=charset, login="Jäsøn", password="Gehéim€")
    assert (await DigestAuthMiddleware("Jäsøn", "Gehéim€")(get(), server)).status == 200


async def test_somebody_elses_authorization_is_left_alone() -> None:
    server = Server()
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    await middleware(get(), server)
    request = get()
    request.headers["Authorization"] = "Bearer token"
    sent = []

    async def handler(request: Sent) -> Got:
        sent.append(request.headers["Authorization"])
        return Got(200, CIMultiDictProxy(CIMultiDict()))

    await middleware(request, handler)
    assert sent == ["Bearer token"]


async def test_the_same_request_can_come_again() -> None:
    """As it does from a middleware that tries again; an answer that was used is worth nothing."""
    server = Server()
    middleware = DigestAuthMiddleware(LOGIN, PASSWORD)
    request = get()
    for _ in range(3):
        assert (await middleware(request, server)).status == 200
    assert server.refused == ["no answer"]


@pytest.mark.parametrize(
    ("login", "password", "message"),
    [
        (None, "p", "None is not allowed as login value"),
        ("u", None, "None is not allowed as password value"),
        ("a:b", "p", '":" is not allowed in login'),
        ("a\r\nb", "p", "control character is not allowed in login"),
    ],
)
def test_bad_credentials_are_refused_at_once(login: str, password: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DigestAuthMiddleware(login, password)


def test_the_password_is_not_in_the_repr() -> None:
    assert repr(DigestAuthMiddleware("user", "secret")) == "<DigestAuthMiddleware login='user' preemptive=True>"


@pytest.mark.parametrize("qop", ["auth,auth-int", "auth-int"])
async def test_a_body_that_is_compressed_while_it_is_sent_is_not_protected_by_what_it_was_before(qop: str) -> None:
    async def check(peer: Peer) -> None:
        value = peer.request.header("authorization")
        if value is None:
            challenge = f'WWW-Authenticate: Digest realm="r", nonce="n", qop="{qop}"'
            await peer.send(raw_response(status="401 Unauthorized", headers=challenge))
        else:
            assert fields_of(value)["qop"] == "auth"
            assert gzip.decompress(peer.request.body) == b"a body"
            await peer.send(raw_response(b"taken"))

    digest = DigestAuthMiddleware(LOGIN, PASSWORD)
    async with ScriptedServer({"*": [check]}) as server, gazelle.ClientSession(middlewares=[digest]) as session:
        call = session.post(server.url(), data=b"a body", compress="gzip")
        if qop == "auth-int":
            with pytest.raises(ClientError, match="compressed on its way"):
                await call
        else:
            async with call as answer:
                assert await answer.read() == b"taken"
