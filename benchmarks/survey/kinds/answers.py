"""Kinds that differ in what the server answers, or in how the answer is taken."""

from __future__ import annotations

import gzip
import json
from typing import Any

from benchmarks.canned import chunked, reply
from benchmarks.macro.workloads import Site, Workload

_JSON_TYPE = ("Content-Type", "application/json")
_TEXT_TYPE = ("Content-Type", "text/plain; charset=utf-8")
_GZIP = ("Content-Encoding", "gzip")
_CHUNKED = ("Transfer-Encoding", "chunked")

SMALL = b'{"hello":"wrld"}'
DOCUMENT = {
    "id": 1729,
    "name": "thomson's gazelle",
    "tags": ["mammal", "bovid", "savanna"],
    "speed": {"sprint_kmh": 88.5, "cruise_kmh": 64.0},
    "owner": {"login": "serengeti", "admin": False},
    "text": "A small antelope of the plains; what it lacks in size it makes up for in turns.",
    "parent": None,
}
"""About 300 bytes of JSON."""

DOCUMENT_TEXT = json.dumps(DOCUMENT).encode()
PAGE = (b"Eudorcas thomsonii runs, turns and runs. " * 200)[:8192]
CHUNKS = tuple(b"%015d\n" % number * 64 for number in range(20))
LINES = b"".join(b"%d a short line of text\n" % number for number in range(100))
LARGE = b"gazelle\n" * 8192
"""64 KiB."""

EXTRA_FIELDS = [(f"X-Field-{number}", f"value-{number}") for number in range(21)]
"""With Server, Date, Content-Type and Content-Length these are 25."""


def _count_cookies(changing: int) -> list[bytes]:
    """Return replies that set a session cookie to *changing* values in turn."""
    cookies = (f"session={number * 2654435761 % 2**32:08x}; Path=/; HttpOnly" for number in range(changing))
    return [reply("200 OK", [_JSON_TYPE, ("Set-Cookie", cookie)], SMALL) for cookie in cookies]


async def read(at: Site) -> Any:
    """The body as bytes."""
    async with at.session.get(at.url) as response:
        return await response.read()


async def read_text(at: Site) -> Any:
    """The body as text."""
    async with at.session.get(at.url) as response:
        return await response.text()


async def read_json(at: Site) -> Any:
    """The body as what JSON says."""
    async with at.session.get(at.url) as response:
        return await response.json()


async def take_status(at: Site) -> Any:
    """The status of a reply that the caller also reads."""
    async with at.session.get(at.url) as response:
        await response.read()
        return response.status


async def ask_head(at: Site) -> Any:
    """A HEAD."""
    async with at.session.head(at.url) as response:
        await response.read()
        return response.headers["Content-Length"]


async def revalidate(at: Site) -> Any:
    """A conditional GET of what has not changed."""
    async with at.session.get(at.url, headers={"If-None-Match": '"2c4-9f2d4b7a1e"'}) as response:
        await response.read()
        return response.status


async def raise_in_call(at: Site) -> Any:
    """An error status that becomes an exception."""
    try:
        async with at.session.get(at.url, raise_for_status=True) as response:
            return await response.read()
    except at.api.ClientResponseError as error:
        return error.status


async def count_lines(at: Site) -> Any:
    """The lines of a body."""
    count = 0
    async with at.session.get(at.url) as response:
        async for _ in response.content:
            count += 1
    return count


async def count_any(at: Site) -> Any:
    """The bytes of a body as they come."""
    size = 0
    async with at.session.get(at.url) as response:
        async for piece in response.content.iter_any():
            size += len(piece)
    return size


async def count_chunks(at: Site) -> Any:
    """The bytes of a body chunk by chunk."""
    size = 0
    async with at.session.get(at.url) as response:
        async for piece, _ in response.content.iter_chunks():
            size += len(piece)
    return size


async def read_attributes(at: Site) -> Any:
    """Everything that a response says of itself."""
    async with at.session.get(at.url) as response:
        body = await response.read()
        seen = (response.ok, response.url, response.headers, response.content_type, response.charset)
        return body, bool(seen), len(response.history), response.request_info.method


async def release(at: Site) -> Any:
    """Without `async with`."""
    response = await at.session.get(at.url)
    body = await response.read()
    response.release()
    return body


KINDS = (
    Workload(
        "json_small",
        "GET of 300 bytes of JSON, json()",
        "/survey/json",
        call=read_json,
        answer=DOCUMENT,
        replies={"/survey/json": [reply("200 OK", [_JSON_TYPE], DOCUMENT_TEXT)]},
    ),
    Workload(
        "text_8k",
        "8 KB, text()",
        "/survey/page",
        call=read_text,
        answer=PAGE.decode(),
        replies={"/survey/page": [reply("200 OK", [_TEXT_TYPE], PAGE)]},
    ),
    Workload("read_8k", "8 KB, read()", "/survey/page", reply=PAGE),
    Workload(
        "read_64k",
        "64 KB, read()",
        "/survey/large",
        reply=LARGE,
        replies={"/survey/large": [reply("200 OK", [_TEXT_TYPE], LARGE)]},
    ),
    Workload(
        "gzip",
        "gzip, 300 bytes, read()",
        "/survey/gzip",
        call=read,
        reply=DOCUMENT_TEXT,
        replies={"/survey/gzip": [reply("200 OK", [_JSON_TYPE, _GZIP], gzip.compress(DOCUMENT_TEXT, mtime=0))]},
    ),
    Workload("gzip_json", "gzip, 300 bytes, json()", "/survey/gzip", call=read_json, answer=DOCUMENT),
    Workload(
        "chunk",
        "one chunk, read()",
        "/survey/chunk",
        call=read,
        replies={"/survey/chunk": [reply("200 OK", [_JSON_TYPE, _CHUNKED], chunked([SMALL]), length=False)]},
    ),
    Workload(
        "chunks",
        "20 chunks of 1 KB, read()",
        "/survey/chunks",
        call=read,
        reply=b"".join(CHUNKS),
        replies={"/survey/chunks": [reply("200 OK", [_TEXT_TYPE, _CHUNKED], chunked(CHUNKS), length=False)]},
    ),
    Workload(
        "fields",
        "25 reply fields",
        "/survey/fields",
        replies={"/survey/fields": [reply("200 OK", [_JSON_TYPE, *EXTRA_FIELDS], SMALL)]},
    ),
    Workload(
        "set_cookie_two",
        "two Set-Cookie in every reply",
        "/survey/cookies",
        host="localhost",
        cookies="sid=3f9a6c1be2; pref=dark-4",
        replies={
            "/survey/cookies": [
                reply(
                    "200 OK",
                    [
                        _JSON_TYPE,
                        ("Set-Cookie", "sid=3f9a6c1be2; Path=/; HttpOnly; SameSite=Lax"),
                        ("Set-Cookie", "pref=dark-4; Path=/; Max-Age=31536000"),
                    ],
                    SMALL,
                )
            ]
        },
    ),
    Workload(
        "set_cookie_changing",
        "a Set-Cookie whose value is always new",
        "/survey/session",
        host="localhost",
        cookies="session=00000000",
        replies={"/survey/session": _count_cookies(1000)},
    ),
    Workload(
        "redirect",
        "302, then 200",
        "/survey/moved",
        call=read,
        replies={"/survey/moved": [reply("302 Found", [("Location", "/any/place")])]},
    ),
    Workload(
        "not_found",
        "404 with a body",
        "/survey/missing",
        reply=b'{"error":',
        replies={"/survey/missing": [reply("404 Not Found", [_JSON_TYPE], b'{"error":"no such animal"}')]},
    ),
    Workload(
        "raise_session",
        "raise_for_status=True of the session",
        call=read,
        session=lambda api: {"raise_for_status": True},
    ),
    Workload("raise_call", "raise_for_status=True of the call, 404", "/survey/missing", call=raise_in_call, answer=404),
    Workload("head", "HEAD", call=ask_head, answer="16"),
    Workload("no_content", "204", "/empty", call=take_status, answer=204),
    Workload(
        "not_modified",
        "If-None-Match, 304",
        "/survey/unchanged",
        call=revalidate,
        answer=304,
        replies={"/survey/unchanged": [reply("304 Not Modified", [("ETag", '"2c4-9f2d4b7a1e"')], length=False)]},
    ),
    Workload(
        "lines",
        "100 short lines by async for",
        "/survey/lines",
        call=count_lines,
        answer=100,
        replies={"/survey/lines": [reply("200 OK", [_TEXT_TYPE], LINES)]},
    ),
    Workload("iter_any", "64 KB by iter_any()", "/survey/large", call=count_any, answer=len(LARGE)),
    Workload("iter_chunks", "20 chunks by iter_chunks()", "/survey/chunks", call=count_chunks, answer=20 * 1024),
    Workload(
        "attributes",
        "ok, url, headers, content_type, charset, history, request_info read",
        call=read_attributes,
        answer=(SMALL, True, 0, "GET"),
    ),
    Workload("release", "await s.get(), read(), release()", call=release),
)
