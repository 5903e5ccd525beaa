"""Single requests without a session, and `gazelle.run`."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
from typing import Any

import pytest

import gazelle
from tests.support.clean import assert_clean, eventually, snapshot_of_tasks
from tests.support.server import ScriptedServer, response, send

HELLO = [send(response(b"hello"))]


async def test_the_module_level_request_opens_and_closes_its_own_session() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.request("GET", server.url("/one")) as answer:
            assert answer.status == 200
            assert await answer.read() == b"hello"
        async with gazelle.request("POST", server.url("/two"), data=b"body") as answer:
            assert await answer.text() == "hello"
        assert [(request.method, request.body) for request in server.requests] == [("GET", b""), ("POST", b"body")]
        assert server.accepted == 2
        await eventually(lambda: server.open == 0, "the connection of a finished request() stayed open")


async def test_the_module_level_request_closes_its_session_after_an_error() -> None:
    tasks = snapshot_of_tasks()
    async with ScriptedServer({"*": HELLO}) as server:
        port = server.port
    with pytest.raises(gazelle.ClientConnectorError):
        async with gazelle.request("GET", f"http://127.0.0.1:{port}/"):
            raise AssertionError
    gc.collect()
    assert asyncio.all_tasks() == tasks


async def test_the_module_level_request_leaves_a_given_connector_open() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.TCPConnector() as connector:
        for _ in range(2):
            async with gazelle.request("GET", server.url(), connector=connector) as answer:
                assert await answer.read() == b"hello"
        assert not connector.closed


def test_run_gives_the_value_of_the_coroutine_and_runs_it_on_uvloop_where_there_is_one() -> None:
    async def main() -> tuple[str, str]:
        async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
            async with session.get(server.url()) as answer:
                return await answer.text(), type(asyncio.get_running_loop()).__module__

    text, loop = gazelle.run(main())
    assert text == "hello"
    assert loop.split(".")[0] == ("asyncio" if importlib.util.find_spec("uvloop") is None else "uvloop")


def test_run_passes_errors_on() -> None:
    async def main() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        gazelle.run(main())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"version": (2, 0)}, ValueError),
        ({"connector": "x"}, TypeError),
        ({"loop": "x"}, TypeError),
        ({"max_redirects": "x"}, TypeError),
        ({"no_such": 1}, TypeError),
    ],
)
async def test_the_module_level_request_checks_its_arguments_and_sends_nothing(
    options: dict[str, Any], error: type[Exception]
) -> None:
    tasks = snapshot_of_tasks()
    async with ScriptedServer({"*": HELLO}) as server:
        with pytest.raises(error, match=next(iter(options))):
            async with gazelle.request("GET", server.url(), **options):
                raise AssertionError
        assert server.accepted == 0
    gc.collect()
    assert asyncio.all_tasks() == tasks


async def test_the_module_level_request_leaves_a_given_connector_open_after_an_error() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.TCPConnector() as connector:
        with pytest.raises(TypeError, match="expect100"):
            async with gazelle.request("GET", server.url(), connector=connector, expect100="x"):  # type: ignore[arg-type]
                raise AssertionError
        assert not connector.closed
        async with gazelle.ClientSession(connector=connector) as session:
            async with session.get(server.url()) as answer:
                assert await answer.read() == b"hello"
            await assert_clean(session, server)


async def test_the_module_level_request_takes_an_http_version() -> None:
    async with ScriptedServer({"*": [send(response(b"hello"))]}) as server:
        async with gazelle.request("GET", server.url(), version=gazelle.HttpVersion10) as answer:
            assert await answer.read() == b"hello"
    assert server.requests[0].head.startswith(b"GET / HTTP/1.0\r\n")
