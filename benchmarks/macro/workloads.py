"""The workloads of the macro benchmark, one declarative entry each; a new entry is all that a new workload takes."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.canned import Replies


class Site:
    """What the function of a workload finds: the module with aiohttp's API, a session of it, the URL, and numbers.

    *given* is what `Workload.given` made, once for all calls.
    """

    def __init__(self, api: Any, session: Any, origin: str, target: str) -> None:
        self.api = api
        self.session = session
        self.origin = origin
        self.url = origin + target
        self.given: Any = None
        self.next = itertools.count().__next__

    def close(self) -> None:
        """Close what was given, if it is something to be closed."""
        if hasattr(self.given, "close"):
            self.given.close()


Call = Callable[[Site], Awaitable[Any]]
"""One operation of a workload, written as a user of aiohttp's API would write it; returns what is then checked."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What one operation asks for and how many are in flight.

    *target* is the path and query; with *distinct* each operation gets its own by ``target % (number, number)``.
    *changing* names an option and a key of it whose value is such a template, so that no two calls are equal.
    *reply* is what every reply body starts with: a client that does not deliver it has not done the work and is not
    timed. *host* overrides the address in the URL (the server is always on 127.0.0.1), for what depends on a name.
    *cookies* is the Cookie header of every request, in which a client sends back what the server has set; the reply to
    *login*, a target that is asked for once before, sets what the replies that are timed do not.

    What only a client with aiohttp's API can do is in *call*, one operation of it; then *answer* is what it returns
    (None: bytes that begin with *reply*), *session* makes the options of its session out of the module, and *given*
    whatever all its calls share. *hosts* is the number of hosts that the operations go to in turn; *replies* are the
    server's replies that belong to this workload alone. *bare* says that the floor, too, can do what *call* does, from
    the other fields or by a function of its own. *fresh*: the floor opens a connection for every operation.
    """

    name: str
    title: str
    target: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    data: bytes | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    changing: tuple[str, str] | None = None
    in_flight: int = 32
    distinct: bool = False
    base_url: bool = False
    tls: bool = False
    parse_json: bool = False
    cookies: str = ""
    login: str | None = None
    host: str | None = None
    reply: bytes = b'{"hello":"wrld"}'
    call: Call | None = None
    answer: Any = None
    session: Callable[[Any], dict[str, Any]] | None = None
    given: Callable[[Site], Any] | None = None
    hosts: int = 0
    replies: Replies = field(default_factory=dict)
    bare: bool | Call = False
    fresh: bool = False

    @property
    def has_floor(self) -> bool:
        """Whether the floor can do what this workload asks for."""
        return self.call is None or bool(self.bare)

    def options(self) -> dict[str, Any]:
        """The keyword arguments of one request for a client with aiohttp's API; empty for a plain GET."""
        given = {
            "headers": dict(self.headers),
            "params": dict(self.params),
            "json": self.json,
            "data": dict(self.form) if self.form else self.data,
        }
        return {name: value for name, value in given.items() if value}

    def numbered(self, options: dict[str, Any]) -> Callable[[int], dict[str, Any]]:
        """Return a function that makes the keyword arguments of an operation, out of *options*, from its number."""
        if self.changing is None:
            return lambda number: options
        option, key = self.changing
        fixed, values = options, options[option]
        template = values[key]
        return lambda number: {**fixed, option: {**values, key: template % number}}

    def check(self, value: Any) -> bool:
        """Whether *value*, what a client has delivered, is what the server has sent."""
        if self.parse_json:
            return isinstance(value, dict) and value.get("id") == 1729
        if self.answer is not None:
            return bool(value == self.answer)
        return isinstance(value, bytes) and value.startswith(self.reply)


ORDER = {
    "order": {
        "id": 90125,
        "currency": "EUR",
        "total": 129.95,
        "paid": False,
        "note": "leave it with the neighbour, please",
    },
    "items": [{"sku": f"GZ-{number:04d}", "count": number % 3 + 1, "price": 12.5 + number} for number in range(6)],
    "customer": {"name": "A. Springbok", "mail": "springbok@example.org", "tags": ["new", "newsletter"]},
}
"""About 500 bytes of JSON, as a web API is sent."""

API_HEADERS = {
    "Authorization": "Bearer 3b1c5c6a0e9f4d5f9a7c0d2e",
    "X-Request-Id": "5c1a0f1e-8f0c-4c55-9d6c-%012d",
    "Accept-Language": "en-GB,en;q=0.8",
    "Cache-Control": "no-cache",
}


async def new_timeout(at: Site) -> Any:
    """A ClientTimeout made for each call."""
    async with at.session.get(at.url, timeout=at.api.ClientTimeout(total=30, sock_connect=5)) as response:
        return await response.read()


HOSTS = 200
"""Hosts of the crawl: h0.example and so on, names that only the resolver of the workload knows."""


async def crawl(at: Site) -> Any:
    """A page of the next host; no URL comes twice."""
    number = at.next()
    host, port = number % HOSTS, at.given
    async with at.session.get(f"http://h{host}.example:{port}/any/item-{number}/detail?page={number}") as response:
        return await response.read()


def loopback_names(api: Any) -> dict[str, Any]:
    """Session options with which every host name is 127.0.0.1."""

    class Loopback(api.abc.AbstractResolver):  # type: ignore[misc, name-defined, unused-ignore]
        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[dict[str, Any]]:
            found = {"hostname": host, "host": "127.0.0.1", "port": port, "proto": 0}
            return [{**found, "family": socket.AF_INET, "flags": socket.AI_NUMERICHOST}]

        async def close(self) -> None:
            pass

    return {"connector": api.TCPConnector(resolver=Loopback())}


_ENTRIES = (
    Workload("get", "small keep-alive GET + read(), 32 in flight"),
    Workload("get1", "small keep-alive GET + read(), one in flight", in_flight=1),
    Workload(
        "json",
        "JSON API GET: 12 headers, Set-Cookie, reads headers and json()",
        "/json",
        host="localhost",  # a cookie of a bare address would be dropped; of a name it is kept and sent back
        parse_json=True,
        cookies="sid=3f9a6c1be2",
    ),
    Workload(
        "jar",
        "small GET with 2 cookies of the jar",
        host="localhost",
        cookies="pref=dark-4; sid=3f9a6c1be2",
        login="/login",
    ),
    Workload("distinct", "small GET, every URL distinct", "/any/item-%d/detail?page=%d", distinct=True),
    Workload("queries", "small GET, every query distinct", "/any/search?q=gazelle&from=%d&page=%d", distinct=True),
    Workload(
        "crawl",
        f"small GET, every URL distinct, {HOSTS} hosts in turn",
        "/any/item-%d/detail?page=%d",
        distinct=True,
        hosts=HOSTS,
        call=crawl,
        session=loopback_names,
        given=lambda at: at.origin.rpartition(":")[2],
        bare=True,
    ),
    Workload(
        "headers",
        "small GET with headers=, 4 of them, one always new",
        headers=API_HEADERS,
        changing=("headers", "X-Request-Id"),
    ),
    Workload(
        "params",
        "small GET with params=, 3 of them, one always new",
        "/any/search",
        params={"q": "eudorcas thomsonii", "page": "%d", "sort": "name"},
        changing=("params", "page"),
    ),
    Workload("base_url", "small GET of a path on the base_url of the session", "/any/animals/1729", base_url=True),
    Workload("timeout", "small GET with timeout=, always a new ClientTimeout", call=new_timeout, bare=True),
    Workload("post_json", "POST of 500 bytes as json=", "/post", method="POST", json=ORDER, reply=b'{"received":'),
    Workload(
        "post_form",
        "POST of a form of 4 fields, one always new",
        "/post",
        method="POST",
        form={"name": "A. Springbok", "mail": "springbok@example.org", "plan": "basic", "order": "%08d"},
        changing=("data", "order"),
        reply=b'{"received":',
    ),
    Workload(
        "post_bytes",
        "POST of 4 KiB as bytes",
        "/post",
        method="POST",
        data=b"gazelle\n" * 512,
        reply=b'{"received":4096}',
    ),
    Workload("https", "small keep-alive GET + read() over TLS, 32 in flight", tls=True),
    Workload("https1", "small keep-alive GET + read() over TLS, one in flight", tls=True, in_flight=1),
)

WORKLOADS: dict[str, Workload] = {entry.name: entry for entry in _ENTRIES}
"""All workloads by name, in the order in which they are run."""
