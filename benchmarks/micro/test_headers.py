"""Header fields in and out: the multidict of a response, the lines of a request."""

from __future__ import annotations

from typing import Any

from benchmarks.micro.conftest import Twin
from benchmarks.micro.replies import TWELVE_FIELDS


def test_build_headers_of_12_fields(benchmark: Any, twin: Twin) -> None:
    build_headers = twin.module("headers").build_headers
    fields = tuple((name.encode(), value.encode()) for name, value in TWELVE_FIELDS)
    assert benchmark(build_headers, fields)["etag"] == 'W/"2c4-9f2d4b7a1e"'


def test_build_headers_of_names_never_seen(benchmark: Any, twin: Twin) -> None:
    """The price when a server makes names up, as a hostile one would: nothing can be found in a table."""
    build_headers = twin.module("headers").build_headers
    batches = [tuple((b"X-Made-Up-%d-%d" % (batch, n), b"value") for n in range(12)) for batch in range(1000)]
    turn = iter(range(10**9))
    assert len(benchmark(lambda: build_headers(batches[next(turn) % 1000]))) == 12


def test_serialize_6_headers(benchmark: Any, twin: Twin) -> None:
    serialize_headers = twin.module("headers").serialize_headers
    fields = [
        ("Host", "api.example.org"),
        ("Authorization", "Bearer 3b1c5c6a0e9f4d5f9a7c0d2e"),
        ("X-Request-Id", "5c1a0f1e-8f0c-4c55-9d6c-0d6f4c7f9a10"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("User-Agent", "Python/3.13 gazelle/0.1"),
    ]
    assert benchmark(serialize_headers, fields).startswith(b"Host: api.example.org\r\n")
