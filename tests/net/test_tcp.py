"""How a `TCPConnector` finds the addresses of a host."""

from __future__ import annotations

from typing import Any

import pytest

import gazelle
from gazelle.errors import ClientConnectorDNSError
from gazelle.net.tcp import TCPConnector
from tests.support.connectors import Ask
from tests.support.resolvers import TableResolver
from tests.support.server import ScriptedServer, response, send

HELLO = {"*": [send(response(b"hello"))]}
NO_LIMITS = gazelle.ClientTimeout()


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "1", "a.0x", "a.1"]
)
async def test_an_ipv4_address_in_another_spelling_is_refused(host: str) -> None:
    async with TCPConnector() as connector:
        with pytest.raises(gazelle.InvalidURL, match="not a canonical IPv4 address"):
            await connector.connect(Ask(host), (), NO_LIMITS)
        assert not connector._acquired


async def test_an_address_literal_is_connected_to_without_a_lookup() -> None:
    resolver = TableResolver({})
    async with ScriptedServer(HELLO) as server, TCPConnector(resolver=resolver) as connector:
        connection = await connector.connect(Ask("127.0.0.1", server.port), (), NO_LIMITS)
        assert connection.protocol is not None
        connection.close()
    assert resolver.asked == []


async def test_a_name_is_connected_to_at_the_address_of_the_resolver() -> None:
    async with ScriptedServer(HELLO) as server:
        resolver = TableResolver({"name.example": [("127.0.0.1", server.port)]})
        async with TCPConnector(resolver=resolver) as connector:
            connection = await connector.connect(Ask("name.example", server.port), (), NO_LIMITS)
            connection.close()
            assert connector.cached_hosts.keys() == {("name.example", server.port)}
            connector.clear_dns_cache()
            assert not connector.cached_hosts


async def test_a_name_without_an_address_is_an_error_of_the_lookup_and_frees_its_slot() -> None:
    async with TCPConnector(resolver=TableResolver({}), limit=1) as connector:
        for _ in range(2):
            with pytest.raises(ClientConnectorDNSError):
                await connector.connect(Ask("name.example"), (), NO_LIMITS)
        assert not connector._acquired


@pytest.mark.parametrize("given", [{"host": "h"}, {"port": 80}])
async def test_a_cache_entry_is_cleared_by_host_and_port_together(given: dict[str, Any]) -> None:
    async with TCPConnector() as connector:
        with pytest.raises(ValueError, match="either both host and port"):
            connector.clear_dns_cache(**given)
