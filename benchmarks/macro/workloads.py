"""The workloads of the macro benchmark, one declarative entry each; a new entry is all that a new workload takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Workload:
    """What one operation asks for and how many are in flight.

    *target* is the path and query; with *distinct* each operation gets its own by ``target % (number, number)``.
    *reply* is what every reply body starts with: a client that does not deliver it has not done the work and is not
    timed. *host* overrides the address in the URL (the server is always on 127.0.0.1), for what depends on a name.
    *cookies* is the Cookie header of every request, in which a client sends back what the server has set; the reply to
    *login*, a target that is asked for once before, sets what the replies that are timed do not.
    """

    name: str
    title: str
    target: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    data: bytes | None = None
    in_flight: int = 32
    distinct: bool = False
    base_url: bool = False
    tls: bool = False
    parse_json: bool = False
    cookies: str = ""
    login: str | None = None
    host: str | None = None
    reply: bytes = b'{"hello":"wrld"}'

    def options(self) -> dict[str, Any]:
        """The keyword arguments of one request for a client with aiohttp's API; empty for a plain GET."""
        given = {"headers": dict(self.headers), "params": dict(self.params), "json": self.json, "data": self.data}
        return {name: value for name, value in given.items() if value}

    def body(self) -> bytes | None:
        """The request body as bytes, as a hand-written client would send it."""
        return json.dumps(self.json).encode() if self.json is not None else self.data


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
    "X-Request-Id": "5c1a0f1e-8f0c-4c55-9d6c-0d6f4c7f9a10",
    "Accept-Language": "en-GB,en;q=0.8",
    "Cache-Control": "no-cache",
}

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
        reply=b'{"id": 1729',
    ),
    Workload(
        "jar",
        "small GET with 2 cookies of the jar",
        host="localhost",
        cookies="pref=dark-4; sid=3f9a6c1be2",
        login="/login",
    ),
    Workload("distinct", "small GET, every URL distinct", "/any/item-%d/detail?page=%d", distinct=True),
    Workload("headers", "small GET with 4 headers of its own", headers=API_HEADERS),
    Workload(
        "params",
        "small GET by base_url and 3 params",
        "/any/search",
        base_url=True,
        params={"q": "eudorcas thomsonii", "page": "2", "sort": "name"},
    ),
    Workload("post_json", "POST of 500 bytes as json=", "/post", method="POST", json=ORDER, reply=b'{"received":'),
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
