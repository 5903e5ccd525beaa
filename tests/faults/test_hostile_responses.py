"""The corpus of raw responses, each served over a real socket to a session that goes on working after it."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

import gazelle
from tests.support import corpus
from tests.support.clean import assert_clean, connector_of, eventually, idle
from tests.support.corpus import Case, Limits
from tests.support.punctual import punctual
from tests.support.server import Peer, ScriptedServer, fin, response

# Tunnels, upgrades and methods in lower case are not requests that a session makes.
CASES = [case for case in corpus.load() if case.method in ("GET", "HEAD") and not case.upgrade]
THEMES: dict[str, list[Case]] = defaultdict(list)
for _case in CASES:
    THEMES[_case.theme].append(_case)

Outcome = tuple[str, object]


def is_open(case: Case) -> bool:
    """Whether more bytes are to be expected after those of the case."""
    return not case.expected.complete and case.expected.error is None


async def outcome(session: gazelle.ClientSession, case: Case, url: str) -> Outcome:
    """What a caller gets: the error and where, or status, reason, version, fields and body."""
    try:
        # Only where the server is to say no more is it worth while to wait for its silence.
        timeout = gazelle.ClientTimeout(total=100, sock_read=0.5 if is_open(case) else 60)
        answer = await session.request(case.method, url, read_until_eof=case.read_until_eof, timeout=timeout)
    except gazelle.ClientResponseError as error:
        return "head", (type(error), error.status)
    except Exception as error:
        return "head", type(error)
    async with answer:
        try:
            body = await answer.read()
        except Exception as error:
            return "body", (type(error), answer.status)
        return "ok", (answer.status, answer.reason, tuple(answer.version), answer.raw_headers, body)


def right(case: Case) -> Outcome:
    """What the caller must get."""
    expected = case.expected
    in_body = expected.status is not None
    if expected.error == "ServerDisconnectedError":
        return "head", gazelle.ServerDisconnectedError
    if expected.error is not None:
        return (
            ("body", (gazelle.ClientPayloadError, expected.status))
            if in_body
            else ("head", (gazelle.ClientResponseError, 400))
        )
    if not expected.complete:
        return (
            ("body", (gazelle.SocketTimeoutError, expected.status)) if in_body else ("head", gazelle.SocketTimeoutError)
        )
    return "ok", (expected.status, expected.reason, expected.version, expected.headers, expected.body)


def script(cases: dict[str, Case]) -> ScriptedServer:
    """Serves each case under its id; everything else is `good`."""

    async def serve(peer: Peer) -> None:
        case = cases.get(peer.request.path[1:])
        if case is None:
            await peer.send(response(b"good"))
            return
        await peer.send(case.data)
        if case.eof:
            await fin()(peer)

    return ScriptedServer({"*": serve})


def new_session(limits: Limits) -> gazelle.ClientSession:
    return gazelle.ClientSession(
        auto_decompress=False,
        max_line_size=limits.max_line_size,
        max_field_size=limits.max_field_size,
        max_headers=limits.max_headers,
    )


@pytest.mark.parametrize("theme", sorted(THEMES))
@punctual(0.2)
async def test_each_response_has_its_one_right_outcome(theme: str) -> None:
    by_id = {case.id: case for case in THEMES[theme]}
    found: list[str] = []

    async def check(case: Case, server: ScriptedServer) -> None:
        async with new_session(case.limits) as session:
            got = await outcome(session, case, server.url(f"/{case.id}"))
            if got != right(case):
                found.append(f"{case.id} ({case.why}): {got!r:.300} instead of {right(case)!r:.300}")
            if case.expected.error is not None or not case.expected.complete or case.expected.rest or case.eof:
                await eventually(lambda: idle(connector_of(session)) == 0, f"{case.id} keeps its connection")
            elif case.expected.keep_alive and idle(connector_of(session)) != 1:
                found.append(f"{case.id} ({case.why}): the connection was not kept")
            if case.limits == Limits():
                async with session.get(server.url("/good")) as answer:
                    if (answer.status, await answer.read()) != (200, b"good"):
                        found.append(f"{case.id}: the next request got {answer.status}")
            if connector_of(session)._acquired:
                found.append(f"{case.id}: {connector_of(session)._acquired}")

    async with script(by_id) as server:
        patient = [case for case in by_id.values() if is_open(case)]
        for case in by_id.values():
            if case not in patient:
                await check(case, server)
        async with asyncio.TaskGroup() as group:
            for case in patient:
                group.create_task(check(case, server))
    assert not found, "\n".join(found)


async def test_one_session_survives_the_whole_corpus() -> None:
    cases = [case for case in CASES if case.limits == Limits() and (case.expected.complete or case.expected.error)]
    by_id = {case.id: case for case in cases}
    async with script(by_id) as server, new_session(Limits()) as session:
        for case in cases:
            got = await outcome(session, case, server.url(f"/{case.id}"))
            assert got == right(case), case.id
            async with session.get(server.url("/good")) as answer:
                assert (answer.status, await answer.read()) == (200, b"good"), case.id
        await assert_clean(session, server)
