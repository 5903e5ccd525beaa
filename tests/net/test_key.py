"""The route of a connection as a value: what makes two routes differ, and what a route does not show."""

from __future__ import annotations

import copy
import pickle
import ssl
from typing import Any

import pytest
from yarl import URL

import gazelle
from gazelle.net.key import ConnectionKey

PLAIN = ConnectionKey("example.com", 80, False, True)
SECURE = ConnectionKey("example.com", 443, True, True)
PROXIED = SECURE._replace(
    proxy=URL("http://proxy.example:3128"),
    proxy_auth=gazelle.BasicAuth("user", "secret"),
    proxy_headers=(("X-Token", "secret"),),
    proxy_headers_hash=hash((("X-Token", "secret"),)),
)

OTHERS: dict[str, ConnectionKey] = {
    "another host": SECURE._replace(host="example.org"),
    "another port": SECURE._replace(port=8443),
    "no TLS": SECURE._replace(is_ssl=False),
    "no checks": SECURE._replace(ssl=False),
    "a pinned certificate": SECURE._replace(ssl=gazelle.Fingerprint(b"x" * 32)),
    "a context": SECURE._replace(ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
    "another name": SECURE._replace(server_hostname="example.net"),
    "a proxy": SECURE._replace(proxy=URL("http://proxy.example:3128")),
    "credentials for the proxy": PROXIED,
    "other credentials for the proxy": PROXIED._replace(proxy_auth=gazelle.BasicAuth("user", "other")),
    "other fields for the proxy": PROXIED._replace(proxy_headers=(("X-Token", "other"),)),
    "fields of the proxy in another order": PROXIED._replace(proxy_headers=(("A", "1"), ("B", "2"))),
    "and the other way round": PROXIED._replace(proxy_headers=(("B", "2"), ("A", "1"))),
    "a Unix socket": SECURE._replace(path="/run/server.sock"),
    "another Unix socket": SECURE._replace(path="/run/other.sock"),
    "another protocol": SECURE._replace(alpn=("h2", "http/1.1")),
}


def test_routes_that_differ_in_one_field_are_different_keys() -> None:
    routes = [PLAIN, SECURE, *OTHERS.values()]
    assert len(set(routes)) == len(routes)
    assert {route: number for number, route in enumerate(routes)}[PROXIED._replace()] == routes.index(PROXIED)


def test_equal_hashes_of_fields_for_a_proxy_do_not_make_two_routes_one() -> None:
    one = PROXIED._replace(proxy_headers=(("A", "1"),), proxy_headers_hash=7)
    assert one != PROXIED._replace(proxy_headers=(("A", "2"),), proxy_headers_hash=7)


def test_a_route_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        PLAIN.host = "other"  # type: ignore[misc]


def test_the_first_eight_fields_are_those_that_users_of_aiohttp_read() -> None:
    assert ConnectionKey._fields[:8] == (
        "host",
        "port",
        "is_ssl",
        "ssl",
        "proxy",
        "proxy_auth",
        "proxy_headers_hash",
        "server_hostname",
    )


def test_a_repr_shows_no_secret() -> None:
    assert repr(PLAIN) == "ConnectionKey(host='example.com', port=80, is_ssl=False, ssl=True)"
    assert "secret" not in repr(PROXIED)
    assert str(hash((("X-Token", "secret"),))) not in repr(PROXIED)
    assert "proxy_auth='***'" in repr(PROXIED)
    assert "proxy.example" in repr(PROXIED)


def test_a_pickle_holds_no_secret() -> None:
    pickled = pickle.dumps(PROXIED)
    assert b"secret" not in pickled
    assert pickle.loads(pickled) == PROXIED._replace(proxy_auth=None, proxy_headers=(), proxy_headers_hash=None)
    assert pickle.loads(pickle.dumps(PLAIN)) == PLAIN


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_route_itself(duplicate: Any) -> None:
    assert duplicate(PROXIED) is PROXIED


@pytest.mark.parametrize(
    "error",
    [gazelle.ClientConnectorError, gazelle.ClientConnectorDNSError, gazelle.ClientProxyConnectionError],
)
def test_the_text_of_an_error_shows_no_secret(error: type[gazelle.ClientConnectorError]) -> None:
    raised = error(PROXIED, OSError(111, "Connection refused"))
    assert "secret" not in str(raised) + repr(raised)
    assert b"secret" not in pickle.dumps(raised)


def test_the_address_of_a_route_is_host_and_port_or_the_path_of_the_socket() -> None:
    assert PLAIN.address == "example.com:80"
    assert OTHERS["a Unix socket"].address == "/run/server.sock"


async def test_a_pool_keeps_routes_apart() -> None:
    async with gazelle.TCPConnector() as connector:
        buckets = [connector.pool.bucket(route) for route in (PLAIN, SECURE, *OTHERS.values())]
        assert len({id(bucket) for bucket in buckets}) == len(buckets)
        assert connector.pool.bucket(PROXIED._replace()) is connector.pool.bucket(PROXIED)
