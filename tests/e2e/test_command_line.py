"""`gazelle get` and `gazelle bench` against a real nginx, over http and over https with a private authority."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import run_gazelle
from tests.conftest import Tls
from tests.e2e.conftest import LARGE, SMALL, TEXT, Nginx

SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


@SCHEMES
def test_get_writes_the_body(nginx: Nginx, tls: Tls, scheme: str) -> None:
    result = run_gazelle("get", "--cacert", str(tls.ca_pem), nginx.url(scheme, "/small.txt"))
    assert (result.returncode, result.stdout) == (0, SMALL)


@SCHEMES
def test_get_decodes_and_saves(nginx: Nginx, tls: Tls, scheme: str, tmp_path: Path) -> None:
    for name, content in (("/gzip/text.txt", TEXT), ("/large.bin", LARGE)):
        target = tmp_path / "body"
        result = run_gazelle("get", "--cacert", str(tls.ca_pem), "-o", str(target), nginx.url(scheme, name))
        assert (result.returncode, target.read_bytes() == content) == (0, True), result.stderr


@SCHEMES
def test_get_shows_the_heads(nginx: Nginx, tls: Tls, scheme: str) -> None:
    result = run_gazelle("get", "-v", "--cacert", str(tls.ca_pem), nginx.url(scheme, "/small.txt"))
    assert result.stdout == SMALL
    assert b"> GET /small.txt HTTP/1.1" in result.stderr
    assert b"< HTTP/1.1 200 OK" in result.stderr
    assert b"nginx" in result.stderr


def test_get_refuses_an_unknown_authority(nginx: Nginx) -> None:
    result = run_gazelle("get", nginx.url("https", "/small.txt"))
    assert (result.returncode, result.stdout) == (4, b"")


def test_get_fails_on_an_error_status_if_asked_to(nginx: Nginx) -> None:
    assert run_gazelle("get", nginx.url("http", "/status/404")).returncode == 0
    assert run_gazelle("get", "-f", nginx.url("http", "/status/404")).returncode == 22


@SCHEMES
def test_bench_counts_what_it_sends(nginx: Nginx, tls: Tls, scheme: str) -> None:
    words = ("-c", "8", "-n", "2000", "--json", "--cacert", str(tls.ca_pem))
    result = run_gazelle("bench", *words, nginx.url(scheme, "/small.txt"))
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["statusCodeDistribution"] == {"200": 2000}
    assert document["errorDistribution"] == {}
    assert document["summary"]["successRate"] == 1
    assert document["summary"]["totalData"] == 2000 * len(SMALL)
    assert document["summary"]["requestsPerSec"] > 0
    assert 0 < document["latencyPercentiles"]["p50"] <= document["latencyPercentiles"]["p99"]


@SCHEMES
def test_bench_prints_percentiles(nginx: Nginx, tls: Tls, scheme: str) -> None:
    result = run_gazelle(
        "bench", "-c", "4", "-n", "200", "--cacert", str(tls.ca_pem), nginx.url(scheme, "/chunked/text.txt")
    )
    assert result.returncode == 0, result.stderr
    assert b"99" in result.stdout
    assert b"200" in result.stdout
