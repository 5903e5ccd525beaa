"""`error_body_size`: the start of the body of a response whose status is an error."""

from __future__ import annotations

import gzip
import pickle
from typing import Any

import pytest

import gazelle
from tests.support.clean import assert_clean
from tests.support.server import ScriptedServer, fin, response, send

WRONG = "400 Bad Request"
SHOWN = b'{"error": "no such field"}'


def answer(body: bytes, headers: str = "") -> list[Any]:
    return [send(response(body, status=WRONG, headers=headers))]


async def caught(session: gazelle.ClientSession, url: str, **options: Any) -> gazelle.ClientResponseError:
    with pytest.raises(gazelle.ClientResponseError) as found:
        await session.get(url, **options)
    assert found.value.status == 400
    return found.value


@pytest.mark.parametrize(("size", "body"), [(0, None), (1, SHOWN[:1]), (10, SHOWN[:10]), (26, SHOWN), (4096, SHOWN)])
async def test_an_error_keeps_as_much_of_the_body_as_is_asked_for(size: int, body: bytes | None) -> None:
    async with ScriptedServer({"*": answer(SHOWN)}) as server:
        async with gazelle.ClientSession(raise_for_status=True, error_body_size=size) as session:
            assert (await caught(session, server.url())).body == body
            await assert_clean(session, server)
        async with gazelle.ClientSession() as session:
            error = await caught(session, server.url(), raise_for_status=True, error_body_size=size)
            assert error.body == body
            assert pickle.loads(pickle.dumps(error)).body == body


async def test_a_long_body_is_not_read_to_its_end() -> None:
    async with ScriptedServer({"*": answer(b"x" * (8 << 20))}) as server:
        async with gazelle.ClientSession(raise_for_status=True, error_body_size=1000) as session:
            assert (await caught(session, server.url())).body == b"x" * 1000
            await assert_clean(session, server)


async def test_content_codings_are_taken_off() -> None:
    routes = {"*": answer(gzip.compress(SHOWN), "Content-Encoding: gzip")}
    async with ScriptedServer(routes) as server:
        async with gazelle.ClientSession(raise_for_status=True, error_body_size=10) as session:
            assert (await caught(session, server.url())).body == SHOWN[:10]


async def test_the_error_keeps_the_part_of_a_truncated_body_that_arrived() -> None:
    head = f"HTTP/1.1 {WRONG}\r\nContent-Length: 100\r\n\r\n".encode()
    async with ScriptedServer({"*": [send(head + SHOWN), fin()]}) as server:
        async with gazelle.ClientSession(raise_for_status=True, error_body_size=4096) as session:
            assert (await caught(session, server.url())).body == SHOWN
            await assert_clean(session, server)


async def test_a_response_that_is_no_error_is_not_touched() -> None:
    async with ScriptedServer({"*": [send(response(SHOWN))]}) as server:
        async with gazelle.ClientSession(raise_for_status=True, error_body_size=10) as session:
            async with session.get(server.url()) as good:
                assert await good.read() == SHOWN


async def test_an_error_that_is_asked_for_by_hand_has_no_body() -> None:
    async with ScriptedServer({"*": answer(SHOWN)}) as server:
        async with gazelle.ClientSession(error_body_size=10) as session, session.get(server.url()) as bad:
            with pytest.raises(gazelle.ClientResponseError) as found:
                bad.raise_for_status()
            assert found.value.body is None
            assert await bad.read() == SHOWN


@pytest.mark.parametrize(("size", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError)])
async def test_a_number_of_bytes_that_cannot_be_is_refused(size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="error_body_size"):
        gazelle.ClientSession(error_body_size=size)
