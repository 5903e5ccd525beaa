"""The client against a real nginx, over http and over https with a private authority."""

from __future__ import annotations

import asyncio
import zlib

import pytest

import gazelle
from tests.conftest import Tls
from tests.e2e.conftest import LARGE, SMALL, STATUSES, TEXT, Nginx
from tests.support.clean import connector_of, eventually, idle

SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


def new_session(tls: Tls, **arguments: object) -> gazelle.ClientSession:
    return gazelle.ClientSession(connector=gazelle.TCPConnector(ssl=tls.client), **arguments)  # type: ignore[arg-type]


@SCHEMES
async def test_a_small_file(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session, session.get(nginx.url(scheme, "/small.txt")) as answer:
        assert (answer.status, answer.reason, answer.version) == (200, "OK", gazelle.HttpVersion11)
        assert answer.headers["Server"].startswith("nginx")
        assert answer.headers["Content-Length"] == str(len(SMALL))
        assert answer.content_type == "text/plain"
        assert await answer.read() == SMALL
        assert await answer.text() == SMALL.decode()


@SCHEMES
async def test_a_large_file_whole_and_in_parts(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        async with session.get(nginx.url(scheme, "/large.bin")) as answer:
            assert await answer.read() == LARGE
        async with session.get(nginx.url(scheme, "/large.bin")) as answer:
            assert b"".join([part async for part in answer.content.iter_chunked(10_000)]) == LARGE
        assert idle(connector_of(session)) == 1


@SCHEMES
async def test_an_empty_file(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session, session.get(nginx.url(scheme, "/empty.txt")) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


@SCHEMES
async def test_json(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session, session.get(nginx.url(scheme, "/data.json")) as answer:
        assert await answer.json() == {"name": "gazelle", "legs": 4}


@SCHEMES
async def test_head(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        for _ in range(3):
            async with session.head(nginx.url(scheme, "/large.bin")) as answer:
                assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(LARGE)))
                assert await answer.read() == b""
        assert idle(connector_of(session)) == 1


@SCHEMES
@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete", "options"])
async def test_verbs_that_a_file_does_not_know(nginx: Nginx, tls: Tls, scheme: str, verb: str) -> None:
    async with new_session(tls) as session:
        arguments = {} if verb in ("delete", "options") else {"data": b"body"}
        async with getattr(session, verb)(nginx.url(scheme, "/small.txt"), **arguments) as answer:
            assert (answer.status, answer.reason) == (405, "Not Allowed")
            assert b"nginx" in await answer.read()
            with pytest.raises(gazelle.ClientResponseError, match="405"):
                answer.raise_for_status()


@SCHEMES
async def test_every_verb_is_understood(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        for verb in ("get", "options", "post", "put", "patch", "delete"):
            async with getattr(session, verb)(nginx.url(scheme, "/request")) as answer:
                method, host, *protocol = (await answer.text()).split()
                assert method == verb.upper()
                assert host == f"127.0.0.1:{nginx.https if scheme == 'https' else nginx.http}"
                assert protocol == ([] if scheme == "http" else ["TLSv1.3"])


@SCHEMES
async def test_gzip(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        async with session.get(nginx.url(scheme, "/gzip/text.txt")) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["Transfer-Encoding"] == "chunked"
            assert await answer.read() == TEXT
        async with session.get(nginx.url(scheme, "/gzip/large.bin")) as answer:
            assert b"".join([part async for part in answer.content.iter_any()]) == LARGE
        async with session.get(nginx.url(scheme, "/gzip/text.txt"), headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert await answer.read() == TEXT
    async with new_session(tls, auto_decompress=False) as session:
        async with session.get(nginx.url(scheme, "/gzip/text.txt")) as answer:
            assert zlib.decompress(await answer.read(), wbits=31) == TEXT


@SCHEMES
async def test_chunked(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        for name, content in (("small.txt", SMALL), ("text.txt", TEXT), ("large.bin", LARGE)):
            async with session.get(nginx.url(scheme, f"/chunked/{name}")) as answer:
                assert answer.headers["Transfer-Encoding"] == "chunked"
                assert await answer.read() == content
        assert idle(connector_of(session)) == 1


@SCHEMES
async def test_statuses(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        for status in STATUSES:
            async with session.get(nginx.url(scheme, f"/status/{status}")) as answer:
                assert (answer.status, answer.ok) == (status, status < 400)
                body = await answer.read()
                assert body == (b"" if status == 204 else str(status).encode())
                if status >= 400:
                    with pytest.raises(gazelle.ClientResponseError) as caught:
                        answer.raise_for_status()
                    assert caught.value.status == status


@SCHEMES
async def test_conditional_and_partial_requests(nginx: Nginx, tls: Tls, scheme: str) -> None:
    url = nginx.url(scheme, "/text.txt")
    async with new_session(tls) as session:
        async with session.get(url) as answer:
            tag = answer.headers["ETag"]
        async with session.get(url, headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with session.get(url, headers={"Range": "bytes=4-8"}) as answer:
            assert (answer.status, await answer.read()) == (206, TEXT[4:9])
        async with session.get(url, headers={"Range": "bytes=0-1,10-11"}) as answer:
            assert (answer.status, answer.content_type) == (206, "multipart/byteranges")
            assert TEXT[10:12] in await answer.read()
        async with session.get(url, headers={"Range": "bytes=99999999-"}) as answer:
            assert answer.status == 416
        assert idle(connector_of(session)) == 1


@SCHEMES
async def test_one_connection_for_many_requests(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        seen = []
        for _ in range(100):
            async with session.get(nginx.url(scheme, "/connection")) as answer:
                seen.append(tuple(map(int, (await answer.text()).split())))
        assert len({connection for connection, _ in seen}) == 1
        assert [count for _, count in seen] == list(range(1, 101))


@SCHEMES
@pytest.mark.parametrize("place", ["few", "close"])
async def test_connections_that_the_server_ends(nginx: Nginx, tls: Tls, scheme: str, place: str) -> None:
    async with new_session(tls) as session:
        for _ in range(20):
            async with session.get(nginx.url(scheme, f"/{place}/small.txt")) as answer:
                assert await answer.read() == SMALL


@SCHEMES
async def test_an_idle_connection_that_the_server_closes(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        async with session.get(nginx.url(scheme, "/brief/small.txt")) as answer:
            assert await answer.read() == SMALL
        assert idle(connector_of(session)) == 1
        await eventually(lambda: idle(connector_of(session)) == 0)
        async with session.get(nginx.url(scheme, "/brief/small.txt")) as answer:
            assert await answer.read() == SMALL


@SCHEMES
async def test_a_hundred_requests_at_once(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:

        async def fetch(name: str, content: bytes) -> bool:
            async with session.get(nginx.url(scheme, name)) as answer:
                return await answer.read() == content

        files = [("/small.txt", SMALL), ("/gzip/text.txt", TEXT), ("/chunked/text.txt", TEXT), ("/empty.txt", b"")]
        assert all(await asyncio.gather(*(fetch(*files[number % 4]) for number in range(100))))
        assert not connector_of(session)._acquired


@SCHEMES
async def test_a_slow_body_comes_in_parts(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        async with session.get(nginx.url(scheme, "/slow/large.bin")) as answer:
            assert await answer.content.readexactly(100_000) == LARGE[:100_000]
        assert idle(connector_of(session)) == 0
        with pytest.raises(TimeoutError):
            async with session.get(
                nginx.url(scheme, "/slow/large.bin"), timeout=gazelle.ClientTimeout(total=0.3)
            ) as answer:
                await answer.read()
        assert not connector_of(session)._acquired


@SCHEMES
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_body_that_is_too_large_is_answered_early(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:
        async with session.post(nginx.url(scheme, "/tiny"), data=bytes(1000)) as answer:
            assert (answer.status, await answer.read()) == (200, b"taken")
        async with session.post(nginx.url(scheme, "/tiny"), data=bytes(8 << 20)) as answer:
            assert answer.status == 413
            assert b"nginx" in await answer.read()
        async with session.get(nginx.url(scheme, "/small.txt")) as answer:
            assert await answer.read() == SMALL


async def test_the_private_authority_is_needed(nginx: Nginx, tls: Tls) -> None:
    async with gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectorCertificateError):
            await session.get(nginx.url("https", "/small.txt"))
        async with session.get(nginx.url("https", "/small.txt"), ssl=False) as answer:
            assert await answer.read() == SMALL


async def test_tls_1_2(nginx: Nginx, tls: Tls) -> None:
    async with new_session(tls) as session:
        for _ in range(3):
            async with session.get(f"https://localhost:{nginx.tls_1_2}/") as answer:
                assert await answer.text() == "TLSv1.2"
        assert idle(connector_of(session)) == 1


async def test_a_plain_request_to_the_tls_port(nginx: Nginx) -> None:
    async with gazelle.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{nginx.https}/") as answer:
            assert answer.status == 400
            assert b"plain HTTP request was sent to HTTPS port" in await answer.read()


async def test_tls_to_the_plain_port(nginx: Nginx, tls: Tls) -> None:
    async with new_session(tls) as session:
        with pytest.raises(gazelle.ClientConnectorSSLError):
            await session.get(f"https://127.0.0.1:{nginx.http}/")


@SCHEMES
async def test_the_module_level_request(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with gazelle.request("GET", nginx.url(scheme, "/small.txt", "localhost"), ssl=tls.client) as answer:
        assert await answer.read() == SMALL


@SCHEMES
async def test_cancelled_downloads_leave_the_session_in_order(nginx: Nginx, tls: Tls, scheme: str) -> None:
    async with new_session(tls) as session:

        async def fetch() -> bytes:
            async with session.get(nginx.url(scheme, "/slow/large.bin")) as answer:
                return await answer.read()

        for count in range(0, 60, 5):
            task = asyncio.ensure_future(fetch())
            for _ in range(count):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with session.get(nginx.url(scheme, "/small.txt")) as answer:
                assert await answer.read() == SMALL
        assert not connector_of(session)._acquired


def test_run_and_a_session(nginx: Nginx, tls: Tls) -> None:
    async def main() -> list[bytes]:
        async with new_session(tls) as session:
            bodies = []
            for scheme in ("http", "https"):
                answer = await session.get(nginx.url(scheme, "/small.txt"))
                bodies.append(await answer.read())
            return bodies

    assert gazelle.run(main()) == [SMALL, SMALL]
