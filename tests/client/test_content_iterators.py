"""Header fields and cookies passed as iterators: they apply to every request of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import gazelle
from gazelle.tracing import TraceConfig
from tests.support.clean import assert_clean
from tests.support.server import ScriptedServer, response, send

SCRIPTS = {
    "/start": [send(response(status="307 Moved", headers="Location: /next"))],
    "/next": [send(response(status="307 Moved", headers="Location: /end"))],
    "*": [send(response(b"done"))],
}
KINDS: list[Callable[[Iterable[Any]], Any]] = [dict, list, iter, lambda pairs: (pair for pair in pairs)]


@pytest.fixture
def netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login user password secret\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.usefixtures("netrc")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{}, {"trust_env": True}, {"trace_configs": [TraceConfig()]}])
@pytest.mark.parametrize("options", [{}, {"timeout": 5}, {"data": b"x"}])
async def test_iterators_passed_to_a_call_apply_to_every_request_of_it(
    kind: Callable[[Iterable[Any]], Any], settings: dict[str, Any], options: dict[str, Any]
) -> None:
    async with ScriptedServer(SCRIPTS) as server:
        async with gazelle.ClientSession(**settings) as session:
            async with session.post(
                server.url("/start"),
                headers=kind([("X-A", "1"), ("X-B", "2")]),
                cookies=kind([("c", "3")]),
                skip_auto_headers=iter(["User-Agent"]),
                **options,
            ) as answer:
                assert await answer.read() == b"done"
            await assert_clean(session, server)
        assert [request.path for request in server.requests] == ["/start", "/next", "/end"]
        for request in server.requests:
            assert (request.header("x-a"), request.header("x-b"), request.header("cookie")) == ("1", "2", "c=3")
            assert request.header("user-agent") is None
            assert (request.header("authorization") is not None) == ("trust_env" in settings)


@pytest.mark.usefixtures("netrc")
async def test_credentials_in_an_iterator_win_over_those_of_netrc() -> None:
    async with ScriptedServer(SCRIPTS) as server:
        async with gazelle.ClientSession(trust_env=True) as session:
            await (await session.get(server.url("/start"), headers=iter([("Authorization", "mine")]))).read()
        assert [request.header("authorization") for request in server.requests] == ["mine"] * 3


async def test_an_iterator_that_fails_sends_nothing() -> None:
    def fields() -> Any:
        yield "X-A", "1"
        raise LookupError("no more")

    async with ScriptedServer(SCRIPTS) as server:
        async with gazelle.ClientSession() as session:
            with pytest.raises(LookupError, match="no more"):
                await session.get(server.url("/start"), headers=fields())
            await assert_clean(session, server)
        assert server.accepted == 0
