"""Secrets and redirects: thousands of chains over real sockets, and the raw bytes that each origin has received."""

from __future__ import annotations

import asyncio
import base64
import itertools
import random
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from yarl import URL

import gazelle
from gazelle.auth import BasicAuth
from gazelle.cookies.jar import CookieJar
from tests.conftest import Tls
from tests.support.resolvers import TableResolver

CHAINS = 5_000
HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "localhost", "gazelle.test", "a.gazelle.test")
NAMES = {name: ["127.0.0.1"] for name in HOSTS if not name[0].isdigit()}
STATUSES = (301, 302, 303, 307, 308)
MARK = re.compile(rb"SECRET-[a-z0-9]+")
BASIC = re.compile(rb"Basic ([A-Za-z0-9+/=]+)")


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


class Seen(NamedTuple):
    """One request as its server has received it."""

    scheme: str
    head: bytes

    @property
    def origin(self) -> Origin:
        host, _, port = self.fields("host")[0].rpartition(":")
        return Origin(self.scheme, host, int(port))

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    def fields(self, name: str) -> list[str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(": ") for line in lines if line)
        return [value for key, _, value in pairs if key.lower() == name]

    @property
    def cookies(self) -> set[str]:
        values = self.fields("cookie")
        assert len(values) < 2, self.head
        return set(values[0].split("; ")) if values else set()

    @property
    def secrets(self) -> set[bytes]:
        """The marks of all secrets anywhere in the bytes, also inside of Basic credentials."""
        decoded = b" ".join(base64.b64decode(text) for text in BASIC.findall(self.head))
        return set(MARK.findall(self.head)) | set(MARK.findall(decoded))


class World:
    """Servers for all origins; each answers a target with the bytes that were laid down for it."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.seen: list[Seen] = []
        self.ports: dict[str, list[int]] = {"http": [], "https": []}
        self.transports: set[Any] = set()

    def origins(self) -> list[Origin]:
        return [Origin(scheme, host, port) for scheme, ports in self.ports.items() for port in ports for host in HOSTS]

    def lay(self, target: str, status: int, *lines: str) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status} X", *lines, "Content-Length: 0"])
        self.answers[target] = head.encode() + b"\r\n\r\n"

    def take(self) -> list[Seen]:
        seen, self.seen = self.seen, []
        self.answers.clear()
        return seen


class Site(asyncio.Protocol):
    """One connection of a server."""

    def __init__(self, world: World, scheme: str) -> None:
        self.world = world
        self.scheme = scheme
        self.data = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.world.transports.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.world.transports.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"(?i)\r\nContent-Length: (\d+)", self.data[:end])
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self.data) < size:
                return
            seen = Seen(self.scheme, self.data[: end + 2])
            self.data = self.data[size:]
            self.world.seen.append(seen)
            self.transport.write(self.world.answers[seen.target])


@asynccontextmanager
async def world_of(tls: ssl.SSLContext, http_ports: int = 2) -> AsyncIterator[World]:
    loop = asyncio.get_running_loop()
    world = World()
    servers = []
    for scheme, context in [*[("http", None)] * http_ports, ("https", tls)]:
        server = await loop.create_server(lambda scheme=scheme: Site(world, scheme), "0.0.0.0", 0, ssl=context)
        world.ports[scheme].append(server.sockets[0].getsockname()[1])
        servers.append(server)
    try:
        yield world
    finally:
        for server in servers:
            server.close()
        for transport in list(world.transports):
            transport.abort()
        for server in servers:
            await server.wait_closed()


# --- chains ----------------------------------------------------------------------------------------------------------


@dataclass
class Hop:
    """One request of a chain: where it goes, and what brings it there."""

    origin: Origin
    status: int = 0
    location: str = ""
    userinfo: str = ""
    set_cookies: list[tuple[str, bool, str]] = field(default_factory=list)
    """(pair, Secure, Domain) that the answer of this hop sets."""


@dataclass
class Chain:
    """A call, and the redirects that it meets."""

    method: str
    hops: list[Hop]
    base: Origin | None = None
    session_auth: str = ""
    session_headers: list[tuple[str, str]] = field(default_factory=list)
    auth: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)
    jar: list[tuple[Origin, str, str]] = field(default_factory=list)


def odd_case(rng: random.Random, name: str) -> str:
    return rng.choice([name, name.lower(), name.upper(), name.swapcase()])


def make_chain(rng: random.Random, origins: list[Origin], number: int) -> Chain:
    names = (f"SECRET-{kind}x{number}" for kind in iter(lambda: f"{rng.randrange(1 << 30):x}", None))
    few = rng.sample(origins, 4)  # so that chains come back to where they have been

    def origin() -> Origin:
        return rng.choice(few)

    first = Hop(origin())
    chain = Chain(rng.choice(["GET", "GET", "GET", "POST", "PUT", "HEAD"]), [first])
    own = rng.choice(["none", "none", "auth", "header", "header", "userinfo", "session header"])
    if own == "auth":
        chain.auth = next(names)
    elif own == "userinfo":
        first.userinfo = next(names)
    elif own != "none":
        fields = [(odd_case(rng, "Authorization"), f"Bearer {next(names)}") for _ in range(rng.choice([1, 1, 2]))]
        (chain.headers if own == "header" else chain.session_headers).extend(fields)
    if rng.random() < 0.3:
        chain.base = origin()
    if rng.random() < 0.3 and not ("header" in own and chain.base in (None, first.origin)):
        chain.session_auth = next(names)
    for name in ("Cookie", "Proxy-Authorization"):
        if rng.random() < 0.25:
            value = f"c{number}={next(names)}" if name == "Cookie" else next(names)
            rng.choice([chain.headers, chain.session_headers]).append((odd_case(rng, name), value))
    if rng.random() < 0.25:
        chain.cookies = {f"own{index}": next(names) for index in range(rng.choice([1, 2]))}
    for index in range(rng.choice([0, 0, 0, 1, 2])):
        chain.jar.append((origin(), f"jar{index}", next(names)))
    here = first.origin
    length = 1
    while length < 10 and rng.random() < 0.72:
        length += 1
    for index in range(length):
        hop = chain.hops[-1]
        hop.status = rng.choice(STATUSES)
        if rng.random() < 0.2:
            domain = "gazelle.test" if hop.origin.host.endswith("gazelle.test") and rng.random() < 0.5 else ""
            hop.set_cookies.append((f"set{index}={next(names)}", rng.random() < 0.3, domain))
        path = f"/{number}/{index + 1}"
        shape = rng.choice(["absolute", "absolute", "absolute", "relative", "network"])
        userinfo = next(names) if shape != "relative" and rng.random() < 0.15 else ""
        if shape == "relative":
            hop.location = path
        else:
            there = origin()
            if shape == "network" and there.scheme != here.scheme:
                shape = "absolute"
            scheme = f"{rng.choice([there.scheme, there.scheme.upper()])}:" if shape == "absolute" else ""
            host = rng.choice([there.host, there.host, there.host.upper()])
            at = f"user:{userinfo}@" if userinfo else ""
            hop.location = f"{scheme}//{at}{host}:{there.port}{path}"
            here = there
        chain.hops.append(Hop(here, userinfo=userinfo))
    return chain


# --- what each origin may see ----------------------------------------------------------------------------------------


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"user:{password}".encode()).decode()


class Allowed(NamedTuple):
    origin: Origin
    target: str
    authorization: list[str]
    proxy_authorization: list[str]
    cookies: set[str]


def model(chain: Chain, number: int) -> Iterator[Allowed]:
    """What the requests of a chain may, and must, carry.

    What was passed stays with the origin that it was passed for, and does not return with the chain. Credentials in a
    URL replace others, and are passed on like those. Credentials of the session go where it says, cookies of the jar to
    their hosts.
    """
    given = chain.session_headers + [(name, value) for name, value in chain.headers]
    passed: dict[str, list[str]] = {"authorization": [], "proxy-authorization": [], "cookie": []}
    for name, value in given:
        passed[name.lower()].append(value)
    auth = chain.auth
    own = {f"{name}={value}" for name, value in chain.cookies.items()}
    stored = {(owner.host, False, "", name): value for owner, name, value in chain.jar}
    before = chain.hops[0].origin
    for index, hop in enumerate(chain.hops):
        if hop.origin != before:
            passed = {name: [] for name in passed}
            auth = ""
            own = set()
        if hop.userinfo:
            passed["authorization"] = []
            auth = hop.userinfo
        password = auth or (chain.session_auth if chain.base in (None, hop.origin) else "")
        authorization = passed["authorization"] or ([basic(password)] if password else [])
        jar: dict[str, str] = {}
        for (host, secure, domain, name), value in stored.items():
            fits = hop.origin.host == host if not domain else hop.origin.host.endswith(domain)
            if fits and (not secure or hop.origin.scheme == "https"):
                jar[name] = value
        yield Allowed(
            hop.origin,
            f"/{number}/{index}",
            authorization,
            passed["proxy-authorization"],
            own | set(passed["cookie"]) | {f"{name}={value}" for name, value in jar.items()},
        )
        for pair, secure, domain in hop.set_cookies:
            name, _, value = pair.partition("=")
            stored[hop.origin.host, secure, domain, name] = value
        before = hop.origin


async def walk(chain: Chain, number: int, world: World, connector: gazelle.BaseConnector, client: Any) -> list[Seen]:
    """Makes the call of a chain and returns what the servers have received."""
    for index, hop in enumerate(chain.hops):
        lines = [f"Location: {hop.location}"] if hop.location else []
        for pair, secure, domain in hop.set_cookies:
            attributes = "; Path=/" + "; Secure" * secure + f"; Domain={domain}" * bool(domain)
            lines.append(f"Set-Cookie: {pair}{attributes}")
        world.lay(f"/{number}/{index}", hop.status if hop.location else 200, *lines)
    jar = CookieJar(unsafe=True)
    for origin, name, value in chain.jar:
        jar.update_cookies({name: value}, URL(str(origin)))
    first = chain.hops[0]
    at = f"user:{first.userinfo}@" if first.userinfo else ""
    url = f"{first.origin.scheme}://{at}{first.origin.host}:{first.origin.port}/{number}/0"
    async with gazelle.ClientSession(
        base_url=None if chain.base is None else f"{chain.base}/",
        connector=connector,
        connector_owner=False,
        cookie_jar=jar,
        headers=chain.session_headers,
        auth=BasicAuth("user", chain.session_auth) if chain.session_auth else None,
    ) as session:
        async with session.request(
            chain.method,
            url,
            data=b"body" if chain.method in ("POST", "PUT") else None,
            headers=chain.headers,
            auth=BasicAuth("user", chain.auth) if chain.auth else None,
            cookies=chain.cookies,
            max_redirects=20,
            allow_redirects=True,
            ssl=client,
        ) as answer:
            assert answer.status == 200
            assert len(answer.history) == len(chain.hops) - 1
            assert "SECRET" not in f"{answer.url} {[str(past.url) for past in answer.history]}"
    return world.take()


@pytest.mark.timeout(600)
async def test_five_thousand_chains_bring_each_secret_where_it_belongs_and_nowhere_else(
    tls: Tls, event_loop_name: str
) -> None:
    rng = random.Random(f"gazelle {event_loop_name}")
    hops = crossings = 0
    async with world_of(tls.server(*HOSTS)) as world:
        connector = gazelle.TCPConnector(resolver=TableResolver(NAMES), limit=0)
        origins = world.origins()
        for number in range(CHAINS):
            chain = make_chain(rng, origins, number)
            seen = await walk(chain, number, world, connector, tls.client)
            allowed = list(model(chain, number))
            assert len(seen) == len(allowed), chain
            hops += len(seen)
            for request, may in zip(seen, allowed, strict=True):
                where = f"{may} of {chain}"
                assert (request.origin, request.target) == (may.origin, may.target), where
                assert request.fields("authorization") == may.authorization, where
                assert request.fields("proxy-authorization") == may.proxy_authorization, where
                assert request.cookies == may.cookies, where
                meant = " ".join([*may.authorization, *may.proxy_authorization, *may.cookies]).encode()
                assert request.secrets == Seen("", meant).secrets, where
            crossings += sum(one.origin != two.origin for one, two in itertools.pairwise(allowed))
        await connector.close()
    assert hops > 4 * CHAINS
    assert crossings > CHAINS


# --- one by one ------------------------------------------------------------------------------------------------------

FIELDS = [("Authorization", "Bearer SECRET-1"), ("Cookie", "a=SECRET-2"), ("Proxy-Authorization", "SECRET-3")]


@asynccontextmanager
async def two_origins(**arguments: Any) -> AsyncIterator[tuple[World, gazelle.ClientSession, str, str]]:
    """Two origins of one host, and a session."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with world_of(context) as world:
        one, two = (f"http://127.0.0.1:{port}" for port in world.ports["http"])
        async with gazelle.ClientSession(cookie_jar=CookieJar(unsafe=True), **arguments) as session:
            yield world, session, one, two


@pytest.mark.parametrize("of_session", [True, False])
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: str(field[0]))
async def test_a_secret_header_stays_with_its_origin_and_does_not_come_back(
    field: tuple[str, str], of_session: bool
) -> None:
    settings, call = ({"headers": [field]}, {}) if of_session else ({}, {"headers": [field]})
    async with two_origins(**settings) as (world, session, one, two):
        world.lay("/0", 302, "Location: /1")
        world.lay("/1", 302, f"Location: {two}/2")
        world.lay("/2", 302, f"Location: {one}/3")
        world.lay("/3", 200)
        async with session.get(f"{one}/0", **call):  # type: ignore[arg-type]
            pass
        assert [bool(request.secrets) for request in world.take()] == [True, True, False, False]


async def test_a_session_header_that_was_withheld_goes_with_the_next_call_again() -> None:
    async with two_origins(headers=FIELDS) as (world, session, one, two):
        for _ in range(2):
            world.lay("/0", 302, f"Location: {two}/1")
            world.lay("/1", 200)
            async with session.get(f"{one}/0"):
                pass
            assert [len(request.secrets) for request in world.take()] == [3, 0]
        world.lay("/1", 200)
        async with session.get(f"{two}/1"):
            pass
        assert [len(request.secrets) for request in world.take()] == [3]


async def test_a_host_field_of_the_call_is_not_sent_to_another_origin() -> None:
    for settings, call in (({}, {"headers": {"Host": "internal:1"}}), ({"headers": {"Host": "internal:1"}}, {})):
        async with two_origins(**settings) as (world, session, one, two):
            world.lay("/0", 302, f"Location: {two}/1")
            world.lay("/1", 200)
            async with session.get(f"{one}/0", **call):  # type: ignore[arg-type]
                pass
            assert [request.fields("host") for request in world.take()] == [
                ["internal:1"],
                [two.removeprefix("http://")],
            ]


async def test_credentials_of_the_url_stay_on_the_way_within_its_origin() -> None:
    async with two_origins() as (world, session, one, two):
        world.lay("/0", 302, "Location: /1")
        world.lay("/1", 302, "Location: /2")
        world.lay("/2", 302, f"Location: {two}/3")
        world.lay("/3", 302, f"Location: {one}/4")
        world.lay("/4", 200)
        async with session.get(f"{one.replace('//', '//user:SECRET-1@')}/0"):
            pass
        assert [bool(request.secrets) for request in world.take()] == [True, True, True, False, False]


async def test_credentials_of_a_location_replace_a_header_of_the_session() -> None:
    async with two_origins(headers=FIELDS[:1]) as (world, session, one, _):
        world.lay("/0", 302, f"Location: {one.replace('//', '//user:SECRET-4@')}/1")
        world.lay("/1", 302, "Location: /2")
        world.lay("/2", 200)
        async with session.get(f"{one}/0"):
            pass
        seen = world.take()
        assert [request.secrets for request in seen] == [{b"SECRET-1"}, {b"SECRET-4"}, {b"SECRET-4"}]


async def test_credentials_of_a_session_with_a_base_url_go_to_its_origin_only() -> None:
    async with two_origins() as (world, _, one, two):
        async with gazelle.ClientSession(f"{one}/", auth=BasicAuth("user", "SECRET-1")) as session:
            world.lay("/0", 302, f"Location: {two}/1")
            world.lay("/1", 302, f"Location: {one}/2")
            world.lay("/2", 200)
            async with session.get("0"):
                pass
            assert [bool(request.secrets) for request in world.take()] == [True, False, True]
            world.lay("/3", 200)
            async with session.get(f"{two}/3"):
                pass
            assert [bool(request.secrets) for request in world.take()] == [False]


async def test_errors_in_a_redirect_chain_do_not_show_credentials() -> None:
    async with two_origins() as (world, session, one, _):
        for location in ("ftp://user:SECRET-1@127.0.0.1/", "http://user:SECRET-1@127.0.0.1:99999/", "//u:SECRET-1@/"):
            world.lay("/0", 302, f"Location: {location}")
            with pytest.raises(gazelle.InvalidURL if location[0] != "f" else gazelle.NonHttpUrlClientError) as caught:
                await session.get(f"{one.replace('//', '//user:SECRET-2@')}/0")
            error: BaseException | None = caught.value
            while error is not None:
                assert "SECRET" not in f"{error!r} {error}"
                error = error.__cause__
        world.lay("/0", 302, f"Location: {one.replace('//', '//user:SECRET-1@')}/0")
        with pytest.raises(gazelle.TooManyRedirects) as too_many:
            await session.get(f"{one}/0")
        assert "SECRET" not in f"{too_many.value} {[str(past.url) for past in too_many.value.history]}"
