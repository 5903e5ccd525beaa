"""`ClientSession`: its requests, and its end."""

from __future__ import annotations

import asyncio
import gc
import http
import warnings
from typing import Any

import pytest
from yarl import URL

import gazelle
from tests.support.clean import assert_clean, connector_of, eventually, idle, said_at_collection, snapshot_of_tasks
from tests.support.server import ScriptedServer, response, send

VERBS = ["get", "options", "head", "post", "put", "patch", "delete"]
HELLO = [send(response(b"hello"))]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "head"])
async def test_each_verb_sends_its_method_and_reads_the_answer(verb: str) -> None:
    async with ScriptedServer({"/it": HELLO}) as server, gazelle.ClientSession() as session:
        async with getattr(session, verb)(server.url("/it")) as answer:
            assert answer.status == 200
            assert answer.method == verb.upper()
            assert await answer.read() == b"hello"
        assert [request.method for request in server.requests] == [verb.upper()]


async def test_head_has_no_body_and_keeps_its_connection() -> None:
    async with ScriptedServer({"*": [send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")]}) as server:
        async with gazelle.ClientSession() as session:
            for _ in range(3):
                async with session.head(server.url()) as answer:
                    assert answer.headers["Content-Length"] == "5"
                    assert await answer.read() == b""
            assert server.accepted == 1
            await assert_clean(session, server)


async def test_request_takes_any_method_in_any_case() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        for method in ("get", "Get", "PURGE", "propfind", "M-SEARCH"):
            async with session.request(method, server.url()) as answer:
                assert await answer.read() == b"hello"
                assert answer.method == method.upper()
        assert [request.method for request in server.requests] == ["GET", "GET", "PURGE", "PROPFIND", "M-SEARCH"]


class Shouted(str):
    """A str of another kind, with a spelling of its own."""

    __slots__ = ()

    def upper(self) -> str:
        return "DELETE"


@pytest.mark.parametrize("method", [http.HTTPMethod.POST, Shouted("POST"), Shouted("post")])
@pytest.mark.parametrize("options", [{}, {"json": 1}, {"data": b"1"}, {"headers": {"X-A": "1"}}])
async def test_a_method_may_be_a_str_of_another_kind_for_one_url_after_the_other(
    method: str, options: dict[str, Any]
) -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        for path in ("/a", "/b", "/b"):
            async with session.request(method, server.url(path), **options) as answer:
                assert answer.status == 200
                assert type(answer.method) is str
        assert [request.head.split(b" HTTP")[0] for request in server.requests] == [b"POST /a", b"POST /b", b"POST /b"]


async def test_a_verb_can_be_awaited() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        assert answer.status == 200
        assert await answer.text() == "hello"
        await assert_clean(session, server)


async def test_an_awaited_answer_is_a_context_manager_too() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        answer = await session.get(server.url())
        async with answer as same:
            assert same is answer
            assert await same.read() == b"hello"


async def test_a_verb_can_become_a_task() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        task = asyncio.create_task(session.get(server.url()))
        answer = await task
        assert await answer.read() == b"hello"


async def test_verbs_run_together_in_gather_and_in_a_task_group() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        for answer in await asyncio.gather(*(session.get(server.url()) for _ in range(20))):
            assert await answer.read() == b"hello"

        async def fetch() -> bytes:
            async with session.get(server.url()) as answer:
                return await answer.read()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fetch()) for _ in range(20)]
        assert [task.result() for task in tasks] == [b"hello"] * 20
        await assert_clean(session, server)


async def test_a_request_that_is_never_awaited_sends_nothing() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a coroutine that was never awaited
            session.get(server.url())
            gc.collect()
        async with session.get(server.url("/sent")) as answer:
            assert await answer.read() == b"hello"
        assert [request.path for request in server.requests] == ["/sent"]


async def test_a_url_may_be_a_string_or_an_object() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        for url in (server.url("/a?b=c%20d"), URL(server.url("/a?b=c%20d"))):
            async with session.get(url) as answer:
                assert answer.url == URL(url)
        assert len({request.target for request in server.requests}) == 1


async def test_the_request_head_is_complete() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/p?q=1#fragment"), headers={"X-One": "1"}):
            pass
        request = server.requests[0]
        assert request.head.startswith(b"GET /p?q=1 HTTP/1.1\r\n")
        assert request.head.endswith(b"\r\n\r\n")
        assert request.header("host") == f"127.0.0.1:{server.port}"
        assert request.header("accept") == "*/*"
        assert "gzip" in (request.header("accept-encoding") or "")
        assert request.header("user-agent")
        assert request.header("x-one") == "1"
        assert request.header("content-length") is None
        assert request.header("transfer-encoding") is None


async def test_session_headers_go_with_every_request_and_a_request_replaces_them() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.ClientSession(headers={"X-Session": "s", "User-Agent": "mine/1"}) as session:
            async with session.get(server.url("/1")):
                pass
            async with session.get(server.url("/2"), headers={"x-session": "r"}):
                pass
        one, two = server.requests
        assert (one.header("x-session"), one.header("user-agent")) == ("s", "mine/1")
        assert (two.header("x-session"), two.header("user-agent")) == ("r", "mine/1")


@pytest.mark.parametrize("bad", ["a\r\nB: c", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\x01b"])
async def test_control_characters_are_refused_before_a_byte_is_sent(bad: str) -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        with pytest.raises(ValueError):
            await session.get(server.url(), headers={"X-Bad": bad})
        with pytest.raises(ValueError):
            await session.get(server.url(), headers={bad: "value"})
        with pytest.raises(ValueError):
            await session.request(bad, server.url())
        assert server.requests == []
        await assert_clean(session, server)
        async with session.get(server.url()) as answer:
            assert await answer.read() == b"hello"
        assert [len(peer.stray) for peer in server.peers] == [0]


@pytest.mark.parametrize("bad", ["", "G ET", "GET/", "GÉT", "GET:"])
async def test_a_method_that_is_no_token_is_refused(bad: str) -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        with pytest.raises(ValueError):
            await session.request(bad, server.url())
        assert server.accepted == 0 or server.requests == []


@pytest.mark.parametrize("url", ["http://", "http:///path", "/relative", "relative", ""])
async def test_a_url_without_a_host_is_refused(url: str) -> None:
    async with gazelle.ClientSession() as session:
        with pytest.raises(gazelle.InvalidURL) as caught:
            await session.get(url)
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, gazelle.ClientError)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "data:text/plain,x"])
async def test_a_scheme_that_is_not_http_is_refused(url: str) -> None:
    async with gazelle.ClientSession() as session:
        with pytest.raises((gazelle.NonHttpUrlClientError, gazelle.InvalidURL)):
            await session.get(url)


@pytest.mark.parametrize("begin", [" ", "   "])
async def test_a_url_that_begins_with_a_space_is_refused_and_spaces_elsewhere_are_encoded(begin: str) -> None:
    """A space that is left out would make another URL of the text than the one that was perhaps looked at."""
    async with ScriptedServer({"*": HELLO}) as server:
        async with gazelle.ClientSession() as session:
            for url in (begin + server.url("/a"), begin + "/a"):
                with pytest.raises(gazelle.InvalidURL, match="begins with a space"):
                    await session.get(url)
            await (await session.get(server.url("/a b "), params=" c=d")).read()
        with pytest.raises(ValueError, match="base_url is no URL: it begins with a space"):
            gazelle.ClientSession(begin + server.url("/"))
        async with gazelle.ClientSession(server.url("/")) as session:
            with pytest.raises(gazelle.InvalidURL, match="begins with a space"):
                await session.get(begin + "a")
        assert [request.target for request in server.requests] == ["/a%20b%20?+c=d"]


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
async def test_a_port_that_cannot_be_is_an_error_of_the_client(port: str) -> None:
    async with gazelle.ClientSession() as session:
        with pytest.raises((gazelle.ClientError, ValueError)):
            await session.get(f"http://127.0.0.1:{port}/")


async def test_leaving_the_block_closes_the_session_and_its_connections() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        tasks = snapshot_of_tasks()
        async with gazelle.ClientSession() as session:
            async with session.get(server.url()) as answer:
                await answer.read()
            connector = connector_of(session)
            assert not session.closed
            assert idle(connector) == 1
        assert session.closed
        assert connector.closed
        await eventually(lambda: server.open == 0, "the pooled connection stayed open")
        await eventually(lambda: not (asyncio.all_tasks() - tasks - server.tasks), "a task was left behind")


async def test_closing_twice_is_harmless() -> None:
    session = gazelle.ClientSession()
    await session.close()
    await session.close()
    assert session.closed


async def test_a_closed_session_refuses_requests() -> None:
    session = gazelle.ClientSession()
    await session.close()
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.get("http://127.0.0.1:9/")
    with pytest.raises(RuntimeError, match="Session is closed"):
        async with session.get("http://127.0.0.1:9/"):
            raise AssertionError


async def test_a_session_is_no_plain_context_manager() -> None:
    session: Any = gazelle.ClientSession()
    with pytest.raises(TypeError, match="async with"), session:
        raise AssertionError
    await session.close()


async def test_a_connector_the_session_does_not_own_stays_open() -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.TCPConnector() as connector:
        for _ in range(2):
            async with gazelle.ClientSession(connector=connector, connector_owner=False) as session:
                async with session.get(server.url()) as answer:
                    await answer.read()
            assert session.closed
            assert not connector.closed
        assert server.accepted == 1
    assert connector.closed


async def test_closing_the_session_ends_the_requests_that_still_run() -> None:
    async with ScriptedServer({"/head": [], "/body": [send(response(b"12345")[:-1])]}) as server:
        session = gazelle.ClientSession()
        before_the_head = asyncio.ensure_future(session.get(server.url("/head")))
        answer = await session.get(server.url("/body"))
        in_the_body = asyncio.ensure_future(answer.read())
        await eventually(lambda: len(server.requests) == 2)
        await session.close()
        async with asyncio.timeout(60):
            with pytest.raises(gazelle.ClientError):
                await before_the_head
            with pytest.raises(gazelle.ClientError):
                await in_the_body
        await eventually(lambda: server.open == 0, "a connection stayed open")


async def test_an_unclosed_session_warns_when_collected_and_closes_its_sockets() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        session = gazelle.ClientSession()
        async with session.get(server.url()) as answer:
            await answer.read()
        del answer
        with said_at_collection() as said:
            del session
            gc.collect()
            gc.collect()
        assert "Unclosed client session" in said.messages
        assert any(
            issubclass(kind, ResourceWarning) and "Unclosed client session" in text for kind, text in said.warned
        )
        await eventually(lambda: server.open == 0, "the socket of a forgotten session stayed open")


async def test_a_session_that_was_never_used_warns_too() -> None:
    with said_at_collection() as said:
        gazelle.ClientSession()
        gc.collect()
    assert "Unclosed client session" in said.messages
    assert any(issubclass(kind, ResourceWarning) and "Unclosed client session" in text for kind, text in said.warned)


async def test_a_closed_session_does_not_warn() -> None:
    async with ScriptedServer({"*": HELLO}) as server:
        session = gazelle.ClientSession()
        async with session.get(server.url()) as answer:
            await answer.read()
        await session.close()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            del session, answer
            gc.collect()


def test_a_session_works_in_one_loop_after_another() -> None:
    async def main() -> bytes:
        async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
            async with session.get(server.url()) as answer:
                return await answer.read()

    assert [asyncio.run(main()) for _ in range(3)] == [b"hello"] * 3


async def test_one_session_serves_many_hosts_at_once() -> None:
    async with (
        ScriptedServer({"*": [send(response(b"a"))]}) as one,
        ScriptedServer({"*": [send(response(b"b"))]}) as two,
        gazelle.ClientSession() as session,
    ):

        async def fetch(server: ScriptedServer) -> bytes:
            async with session.get(server.url()) as answer:
                return await answer.read()

        got = await asyncio.gather(*(fetch(server) for _ in range(50) for server in (one, two)))
        assert got == [b"a", b"b"] * 50


async def test_a_remembered_override_does_not_admit_an_equal_value_of_another_type() -> None:
    """False and 0 are equal: that one was taken must not make the other pass the check."""
    async with gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectionError):
            await session.get("http://127.0.0.1:1/", ssl=False)
        with pytest.raises(TypeError, match="ssl should be"):
            await session.get("http://127.0.0.1:1/", ssl=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("verb", ["get", "options", "head"])
async def test_a_verb_follows_redirects_as_its_signature_says(verb: str) -> None:
    routes = {"/": [send(response(status="302 Found", headers="Location: /end"))], "/end": HELLO}
    if verb == "head":
        routes["/end"] = [send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")]
    async with ScriptedServer(routes) as server, gazelle.ClientSession() as session:
        for options, status in (
            ({"allow_redirects": True}, 200),
            ({"allow_redirects": False}, 302),
            ({}, 302 if verb == "head" else 200),
        ):
            async with getattr(session, verb)(server.url(), **options) as answer:
                assert answer.status == status
        await assert_clean(session, server)


async def test_requote_redirect_url_is_checked_when_it_is_set_too() -> None:
    async with gazelle.ClientSession() as session:
        with pytest.deprecated_call(), pytest.raises(TypeError, match="requote_redirect_url should be True or False"):
            session.requote_redirect_url = "no"  # type: ignore[assignment]
        assert session.requote_redirect_url is True


@pytest.mark.parametrize("verb", ["post", "put", "patch"])
async def test_a_verb_sends_the_data_that_its_signature_names(verb: str) -> None:
    async with ScriptedServer({"*": HELLO}) as server, gazelle.ClientSession() as session:
        for options in ({"data": b"a"}, {"data": None}, {}, {"data": b"b", "headers": {"X-A": "1"}}, {"json": 1}):
            async with getattr(session, verb)(server.url(), **options) as answer:
                assert await answer.read() == b"hello"
        assert [request.body for request in server.requests] == [b"a", b"", b"", b"b", b"1"]


async def test_timeout_none_of_a_session_is_the_default_timeout() -> None:
    async with gazelle.ClientSession(timeout=None) as session:
        assert session.timeout.total == 300
