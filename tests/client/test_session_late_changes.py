"""What is patched, replaced or overridden after the first request counts from the next one on, also for plain calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

import pytest
from yarl import URL

import gazelle
from gazelle.net.connector import BaseConnector
from tests.support.clean import assert_clean, connector_of, eventually, idle
from tests.support.server import Peer, ScriptedServer, response, send

OK: Final = [send(response(b"hello"))]
COOKIE: Final = [send(response(b"hello", headers="Set-Cookie: a=1"))]


async def fake(*_: object, **__: object) -> Any:
    return "fake"


async def warm(session: gazelle.ClientSession, server: ScriptedServer) -> None:
    """Leave an idle connection, so that the next call can be plain."""
    await (await session.get(server.url())).read()
    assert idle(connector_of(session)) == 1


# --- request methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize("autospec", [True, False])
async def test_request_method_patched_after_the_first_request(autospec: bool) -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        await warm(session, server)
        how: dict[str, Any] = {"autospec": True, "side_effect": fake} if autospec else {"new": fake}
        with mock.patch.object(gazelle.ClientSession, "_request", **how):
            assert await session.get(server.url()) == "fake"  # type: ignore[comparison-overlap]
        assert (await session.get(server.url())).status == 200
        assert len(server.requests) == 2


async def test_request_method_patched_before_the_session_was_made() -> None:
    original = gazelle.ClientSession._request
    faked = False

    async def patched(self: gazelle.ClientSession, *args: Any, **options: Any) -> Any:
        return "fake" if faked else await original(self, *args, **options)

    async with ScriptedServer({"*": OK}) as server:
        with mock.patch.object(gazelle.ClientSession, "_request", patched):
            async with gazelle.ClientSession() as session:
                await warm(session, server)
                faked = True
                assert await session.get(server.url()) == "fake"  # type: ignore[comparison-overlap]
        assert len(server.requests) == 1


async def test_request_method_patched_on_one_session() -> None:
    async with ScriptedServer({"*": OK}) as server:
        async with gazelle.ClientSession() as session, gazelle.ClientSession() as other:
            await warm(session, server)
            with mock.patch.object(session, "_request", fake):
                assert await session.get(server.url()) == "fake"  # type: ignore[comparison-overlap]
                assert (await other.get(server.url())).status == 200
            assert (await session.get(server.url())).status == 200


async def test_subclasses_override_request_methods() -> None:
    class Inner(gazelle.ClientSession):
        async def _request(self, *args: Any, **options: Any) -> Any:
            return "inner", await super()._request(*args, **options)

    class Outer(gazelle.ClientSession):
        def get(self, url: Any, **options: Any) -> Any:
            return super().get(url, **options, headers={"X-A": "1"})

    async with ScriptedServer({"*": OK}) as server:
        async with Inner() as inner, Outer() as outer:
            for _ in range(2):
                result: Any = await inner.get(server.url())
                assert (result[0], result[1].status) == ("inner", 200)
                await (await outer.get(server.url())).read()
                assert server.requests[-1].header("x-a") == "1"


async def test_magic_mock_as_response_is_entered_and_left() -> None:
    reply = mock.MagicMock()
    reply.__aenter__.return_value = "entered"
    async with gazelle.ClientSession() as session:
        with mock.patch.object(session, "_request", return_value=reply):
            async with session.get("http://h/") as entered:
                assert entered == "entered"  # type: ignore[comparison-overlap]
    reply.__aexit__.assert_awaited_once()


# --- responses ------------------------------------------------------------------------------------------


async def test_response_subclass_is_made_and_entered_for_each_call() -> None:
    class Response(gazelle.ClientResponse):
        async def __aenter__(self) -> Any:
            return "entered", await super().__aenter__()

    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession(response_class=Response) as session:
        for _ in range(2):
            call: Any = session.get(server.url())
            async with call as (name, answer):
                assert (name, type(answer)) == ("entered", Response)
                assert await answer.text() == "hello"


async def test_function_of_raise_for_status_looks_at_each_response() -> None:
    looked: list[int] = []
    async with ScriptedServer({"/": OK}) as server:
        async with gazelle.ClientSession(raise_for_status=lambda reply: looked.append(reply.status)) as session:
            for path in ("/", "/", "/no", "/"):
                await (await session.get(server.url(path))).read()
    assert looked == [200, 200, 404, 200]


# --- connectors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [gazelle.TCPConnector, BaseConnector], ids=["TCPConnector", "BaseConnector"])
async def test_connect_patched_after_the_first_request(target: type[BaseConnector]) -> None:
    original = target.connect
    called: list[object] = []

    async def connect(self: BaseConnector, req: Any, traces: Sequence[Any], timeout: Any) -> Any:
        called.append(req)
        return await original(self, req, traces, timeout)

    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        await warm(session, server)
        with mock.patch.object(target, "connect", connect):
            await (await session.get(server.url())).read()
        assert len(called) == 1
        await (await session.get(server.url())).read()
        assert len(called) == 1
        assert server.accepted == 1


async def test_connect_patched_on_one_connector() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        await warm(session, server)
        connector = connector_of(session)
        with mock.patch.object(connector, "connect", side_effect=ConnectionRefusedError):
            with pytest.raises(ConnectionRefusedError):
                await session.get(server.url())
        assert (await session.get(server.url())).status == 200


async def test_connector_subclass_sees_each_request() -> None:
    called: list[object] = []

    class Connector(gazelle.TCPConnector):
        async def connect(self, req: Any, traces: Sequence[Any], timeout: Any) -> Any:
            called.append(req)
            return await super().connect(req, traces, timeout)

    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession(connector=Connector()) as session:
        for _ in range(3):
            await (await session.get(server.url())).read()
    assert len(called) == 3


async def test_connector_set_later_opens_the_connections() -> None:
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        await warm(session, server)
        old, new = connector_of(session), gazelle.TCPConnector(limit=1)
        session._connector = new
        for _ in range(2):
            await (await session.get(server.url())).read()
        assert server.accepted == 2
        assert (idle(old), idle(new)) == (1, 1)
        assert (old.pool.slots.taken, new.pool.slots.taken) == (0, 0)
        await old.close()


# --- cookies and traces ---------------------------------------------------------------------------------


async def test_jar_set_later_gives_and_takes_cookies() -> None:
    async with ScriptedServer({"*": COOKIE}) as server:
        async with gazelle.ClientSession(cookie_jar=gazelle.CookieJar(unsafe=True), cookies={"o": "1"}) as session:
            await warm(session, server)
            jar = gazelle.CookieJar(unsafe=True)
            jar.update_cookies({"n": "2"})
            session._cookie_jar = jar
            await (await session.get(server.url())).read()
            assert server.requests[-1].header("cookie") == "n=2"
            assert sorted(cookie.key for cookie in jar) == ["a", "n"]


async def test_jar_subclass_is_asked_for_each_request() -> None:
    class Jar(gazelle.CookieJar):
        def filter_cookies(self, request_url: URL = URL()) -> Any:  # noqa: B008
            asked.append(str(request_url))
            return super().filter_cookies(request_url)

    asked: list[str] = []
    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession(cookie_jar=Jar()) as session:
        for _ in range(2):
            await (await session.get(server.url())).read()
        assert asked == [server.url()] * 2


async def test_error_of_a_jar_leaves_nothing_held() -> None:
    async with ScriptedServer({"*": COOKIE}) as server, gazelle.ClientSession() as session:
        await warm(session, server)
        with mock.patch("gazelle.client.cookie_field.CookieSource.store", side_effect=LookupError("jar")):
            with pytest.raises(LookupError, match="jar"):
                await session.get(server.url())
        await assert_clean(session, server)


def _append(session: gazelle.ClientSession, config: gazelle.TraceConfig) -> None:
    session.trace_configs.append(config)


def _set_list(session: gazelle.ClientSession, config: gazelle.TraceConfig) -> None:
    session._trace_configs = [config]


def _set_tuple(session: gazelle.ClientSession, config: gazelle.TraceConfig) -> None:
    session._trace_configs = (config,)  # type: ignore[assignment]


@pytest.mark.parametrize("change", [_append, _set_list, _set_tuple])
async def test_trace_configs_added_later_are_notified(
    change: Callable[[gazelle.ClientSession, gazelle.TraceConfig], None],
) -> None:
    ended: list[int] = []

    async def on_end(session: object, context: SimpleNamespace, params: Any) -> None:
        ended.append(params.response.status)

    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession() as session:
        await warm(session, server)
        config = gazelle.TraceConfig()
        config.on_request_end.append(on_end)
        config.freeze()
        change(session, config)
        await (await session.get(server.url())).read()
        session.trace_configs.clear()
        await (await session.get(server.url())).read()
    assert ended == [200]


# --- the end of a session -------------------------------------------------------------------------------


async def test_closed_session_or_connector_refuses_calls() -> None:
    async with ScriptedServer({"*": OK}) as server:
        session = gazelle.ClientSession()
        await warm(session, server)
        await connector_of(session).close()
        with pytest.raises(RuntimeError, match="Session is closed"):
            await session.get(server.url())
        await session.close()
        with pytest.raises(RuntimeError, match="Session is closed"):
            await session.get(server.url())


async def test_calls_in_flight_end_when_the_session_is_closed() -> None:
    waiting = asyncio.Event()

    async def hold(peer: Peer) -> None:
        waiting.set()
        await peer.until_closed()

    async with ScriptedServer({"/": OK, "/hold": hold}) as server:
        session = gazelle.ClientSession()
        await warm(session, server)
        task = asyncio.ensure_future(session.get(server.url("/hold")))
        await waiting.wait()
        await session.close()
        with pytest.raises(gazelle.ClientConnectionError, match="Connection closed"):
            await task


@pytest.mark.parametrize("how", ["detach", "close"])
async def test_call_in_flight_goes_on_when_its_session_leaves_the_connector_open(how: str) -> None:
    """The rest of the body arrives after the session has given its connector up."""
    go = asyncio.Event()
    waiting = asyncio.Event()

    async def hold(peer: Peer) -> None:
        waiting.set()
        await go.wait()
        await peer.send(response(b"hello")[:-2])
        await peer.flush()
        await gone.wait()
        await peer.send(b"lo")

    gone = asyncio.Event()
    async with ScriptedServer({"/": OK, "/hold": hold}) as server, gazelle.TCPConnector() as connector:
        session = gazelle.ClientSession(connector=connector, connector_owner=False)
        await warm(session, server)
        task = asyncio.ensure_future(session.get(server.url("/hold")))
        await waiting.wait()
        if how == "detach":
            session.detach()
        else:
            await session.close()
        go.set()
        reply = await task
        gone.set()
        assert await reply.read() == b"hello"
        await eventually(lambda: idle(connector) == 1)
        assert connector.pool.slots.taken == 0


async def test_json_is_written_once_for_each_call() -> None:
    calls: list[object] = []

    def dumps(value: object) -> str:
        calls.append(value)
        return "x"

    async with ScriptedServer({"*": OK}) as server, gazelle.ClientSession(json_serialize=dumps) as session:
        for number in range(3):
            await (await session.put(server.url(), json=number)).read()
    assert calls == [0, 1, 2]


async def test_retry_sends_the_same_bytes_on_a_new_connection_once() -> None:
    """What was passed may change while the first attempt is under way; the second one does not show it."""

    async def lose(peer: Peer) -> None:
        passed["changed"] = "1"
        peer.writer.transport.abort()

    passed = {"a": "1"}
    async with ScriptedServer({"/": OK, "/lose": lose}) as server, gazelle.ClientSession() as session:
        await warm(session, server)
        with pytest.raises(gazelle.ServerDisconnectedError):
            await session.put(server.url("/lose"), json=passed, params=passed, headers=passed)
        one, other = server.seen("/lose")
        assert one.raw == other.raw
        assert one.connection != other.connection
        await assert_clean(session, server)
