"""URLs as calls pass them to a session: which are refused, and what of them is on the wire."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

import gazelle
from tests.support.server import ScriptedServer, response, send

HELLO = {"*": [send(response(b"hello"))]}


async def test_a_number_sign_in_params_is_encoded() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/"), params="a=1#f") as answer:
            assert answer.url.fragment == ""
    assert server.requests[0].target == "/?a=1%23f"


async def test_a_reference_without_a_scheme_takes_the_scheme_of_the_base_url() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession("http://127.0.0.1:1/api/") as session:
        async with session.get(f"//127.0.0.1:{server.port}/x") as answer:
            assert answer.url == URL(server.url("/x"))


class AlwaysPrintable(str):
    """A str whose `isprintable` always returns True."""

    __slots__ = ()

    def isprintable(self) -> bool:
        return True


@pytest.mark.parametrize("bad", ["\t", "\n", "\r", "\x00", "\x1f", "\x7f", "\ud800"])
@pytest.mark.parametrize(
    "place", ["{bad}{url}/", "{url}{bad}/", "{url}/a{bad}b", "{url}/?{bad}", "{url}/#{bad}", "{url}/{bad}"]
)
async def test_a_url_with_a_control_character_is_refused_with_its_position(bad: str, place: str) -> None:
    async def elsewhere(request: Any, handler: Any) -> Any:
        request.url = text
        return await handler(request)

    async with ScriptedServer(HELLO) as server:
        text = place.format(bad=bad, url=server.url(""))
        for settings in ({}, {"trust_env": True}, {"trace_configs": [gazelle.TraceConfig()]}):
            async with gazelle.ClientSession(**settings) as session:
                for url in (text, AlwaysPrintable(text)):
                    with pytest.raises(gazelle.InvalidURL, match=f"at position {text.index(bad)}") as caught:
                        await session.get(url)
                    assert str(caught.value).isprintable()
        async with gazelle.ClientSession(middlewares=[elsewhere]) as session:
            with pytest.raises(gazelle.InvalidURL, match="position"):
                await session.get(server.url())
        assert server.accepted == 0


async def test_non_ascii_characters_and_spaces_in_a_path_are_percent_encoded() -> None:
    async with ScriptedServer(HELLO) as server, gazelle.ClientSession() as session:
        for text in (" ", "\x85", "\u2028", "\ufeff", "\U0001f600"):
            async with session.get(server.url(f"/a{text}b")):
                pass
            assert server.requests[-1].target == "/a" + quote(text) + "b"
