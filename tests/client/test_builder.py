"""Requests out of calls: what is kept is per origin, bounded, and never another call's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from yarl import URL

import gazelle
from gazelle.client.builder import RequestBuilder
from gazelle.client.content import Content
from gazelle.client.options import check_settings
from gazelle.client.policy import Policy
from gazelle.client.request import ClientRequest
from tests.support.server import ScriptedServer, response, send


class Building:
    """Builds requests as a session does."""

    def __init__(self, session: gazelle.ClientSession) -> None:
        self.builder: RequestBuilder = session._core.builder
        self.policy: Policy = session._policy

    def __call__(
        self, method: str, url: str | URL, settings: dict[str, Any] | None = None, **content: Any
    ) -> ClientRequest:
        policy = self.policy.override(settings, check_settings) if settings else self.policy
        location = self.builder.locator.locate(url, content.get("params"))
        return self.builder.build(policy, method, location, Content(content))


@asynccontextmanager
async def building(**options: Any) -> AsyncIterator[Building]:
    async with gazelle.ClientSession(**options) as session:
        yield Building(session)


async def test_tls_settings_of_a_call_make_another_route_and_are_not_kept_for_other_calls() -> None:
    async with building() as build:
        url = "https://localhost/"
        usual = build("POST", url, json={}).connection_key
        unchecked = build("POST", url, {"ssl": False}, json={}).connection_key
        named = build("POST", url, {"server_hostname": "example.com"}).connection_key
        assert len({usual, unchecked, named}) == 3
        assert build("POST", url, json={}).connection_key == usual
        assert build("POST", URL(url), json={}).connection_key == usual
        assert (
            build("GET", "http://localhost/", {"ssl": False}).connection_key
            == build("GET", "http://localhost/").connection_key
        )


async def test_one_origin_is_kept_for_any_number_of_urls() -> None:
    async with building() as build:
        for number in range(3000):
            request = build("POST", f"http://a.test/{number}", json={"secret": number})
            assert request.head.startswith(b"POST /%d HTTP/1.1\r\n" % number)
        assert len(build.builder.origins) == 1


async def test_the_number_of_origins_that_are_kept_is_bounded() -> None:
    async with building() as build:
        for number in range(3000):
            assert f"\r\nHost: h{number}.test\r\n".encode() in build("GET", f"http://h{number}.test/").head
        assert len(build.builder.origins) == 1024


async def test_origins_are_forgotten_when_the_default_headers_change() -> None:
    async with building(headers={"X-A": "1"}) as build:
        assert b"X-A: 1\r\n" in build("GET", "http://a.test/").head
        build.builder.defaults.headers["X-A"] = "2"
        assert b"X-A: 2\r\n" in build("GET", "http://a.test/").head
        assert len(build.builder.origins) == 1


async def test_any_number_of_methods_is_taken_and_none_is_kept() -> None:
    async with building() as build:
        for number in range(200):
            assert build(f"m{number}", "http://a.test/", data=b"1").method == f"M{number}"
        assert len(build.builder.origins) == 1


@pytest.mark.parametrize(("force_close", "field"), [(False, "keep-alive"), (True, "close")])
async def test_http_1_0_requests_state_whether_the_connection_is_kept(force_close: bool, field: str) -> None:
    async with ScriptedServer({"*": [send(response(b"hello"))]}) as server:
        connector = gazelle.TCPConnector(force_close=force_close)
        async with gazelle.ClientSession(connector=connector, version=gazelle.HttpVersion10) as session:
            async with session.get(server.url()) as answer:
                await answer.read()
    assert server.requests[0].header("connection") == field


@pytest.mark.parametrize("names", ["User-Agent", [1], [b"User-Agent"], ["User-Agent", None]])
async def test_skip_auto_headers_must_be_a_collection_of_str(names: Any) -> None:
    with pytest.raises(TypeError, match="skip_auto_headers"):
        gazelle.ClientSession(skip_auto_headers=names)
    async with gazelle.ClientSession() as session:
        with pytest.raises(TypeError, match="skip_auto_headers"):
            await session.get("http://127.0.0.1:1/", skip_auto_headers=names)
