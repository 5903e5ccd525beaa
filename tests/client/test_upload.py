"""Request bodies that are sent in pieces: bytes on the wire, early responses, failures, and cleanup."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import brotli
import pytest

import gazelle
from tests.support.bodies import Watched
from tests.support.clean import assert_clean, connector_of, eventually, idle
from tests.support.punctual import punctual
from tests.support.server import Early, Peer, ScriptedServer, fin, read_body, response, rst, send, sleep, stall, turns

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TAKEN = [send(response(b"taken"))]
CONTINUE = send(b"HTTP/1.1 100 Continue\r\n\r\n")


class Body:
    """An asynchronous generator that counts how often it was ended."""

    def __init__(self, *pieces: Any, fail: BaseException | None = None, hang: bool = False) -> None:
        self.pieces = pieces
        self.fail = fail
        self.hang = hang
        self.yielded = 0
        self.ended = 0

    async def __call__(self) -> AsyncIterator[Any]:
        try:
            for piece in self.pieces:
                self.yielded += 1
                yield piece
            if self.fail is not None:
                raise self.fail
            if self.hang:
                await asyncio.Event().wait()
        finally:
            self.ended += 1


async def still_good(session: gazelle.ClientSession, server: ScriptedServer) -> None:
    """The next request is answered, and nothing is left behind."""
    server.routes["/next"] = TAKEN
    async with session.post(server.url("/next"), data=b"next") as answer:
        assert await answer.read() == b"taken"
    assert server.requests[-1].body == b"next"
    assert all(not peer.stray for peer in server.peers)
    await assert_clean(session, server)


# --- on the wire -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "raw"),
    [
        ([], b"0\r\n\r\n"),
        ([b""], b"0\r\n\r\n"),
        ([b"a"], b"1\r\na\r\n0\r\n\r\n"),
        ([b"ab", b"", b"c" * 16], b"2\r\nab\r\n10\r\n" + b"c" * 16 + b"\r\n0\r\n\r\n"),
        ([bytearray(b"ab"), memoryview(b"cd")], b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"),
    ],
)
async def test_pieces_of_unknown_number_are_chunks(pieces: list[Any], raw: bytes) -> None:
    body = Body(*pieces)
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url(), data=body()) as answer:
            assert await answer.read() == b"taken"
        [request] = server.requests
        assert request.raw_body == raw
        assert request.header("transfer-encoding") == "chunked"
        assert request.header("content-length") is None
        assert body.ended == 1
        await still_good(session, server)
        assert server.accepted == 1


async def test_a_piece_may_be_reused_by_its_maker() -> None:
    async def pieces() -> AsyncIterator[bytearray]:
        buffer = bytearray(3)
        for number in range(20):
            buffer[:] = b"%03d" % number
            yield buffer

    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url(), data=pieces()):
            pass
        assert server.requests[0].body == b"".join(b"%03d" % number for number in range(20))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 70_000])
async def test_chunked_can_be_asked_for(size: int) -> None:
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url(), data=b"x" * size, chunked=True):
            pass
        assert server.requests[0].raw_body == (b"%x\r\n%b\r\n" % (size, b"x" * size) if size else b"") + b"0\r\n\r\n"
        await still_good(session, server)


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "deflate": zlib.decompress,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}


@pytest.mark.parametrize("coding", [*DECODERS, True])
@pytest.mark.parametrize("kind", ["bytes", "text", "pieces", "file", "form"])
async def test_a_compressed_body_decodes_to_the_same_bytes(coding: Any, kind: str) -> None:
    name = "deflate" if coding is True else coding
    text = "grüße " * 20_000
    data: Any = {
        "bytes": text.encode(),
        "text": text,
        "pieces": Body(text.encode()[:7], b"", text.encode()[7:])(),
        "file": io.BytesIO(text.encode()),
        "form": {"a": "x" * 1000},
    }[kind]
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url(), data=data, compress=coding):
            pass
        [request] = server.requests
        assert request.header("content-encoding") == name
        assert request.header("transfer-encoding") == "chunked"
        assert len(request.body) < 10_000
        assert DECODERS[name](request.body) == (b"a=" + b"x" * 1000 if kind == "form" else text.encode())
        await still_good(session, server)


async def test_an_empty_body_is_not_compressed() -> None:
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url(), data=b"", compress="gzip"):
            pass
        assert server.requests[0].header("content-encoding") is None
        assert server.requests[0].header("content-length") == "0"


@pytest.mark.parametrize(
    "arguments",
    [
        {"compress": "rot13"},
        {"compress": "gzip", "headers": {"Content-Encoding": "gzip"}},
        {"compress": "gzip", "headers": {"Content-Length": "1"}},
        {"chunked": True, "headers": {"Content-Length": "1"}},
        {"chunked": True, "headers": {"Transfer-Encoding": "chunked"}},
        {"headers": {"Transfer-Encoding": "gzip"}},
        {"headers": {"Content-Length": "-1"}},
        {"headers": {"Content-Length": "1_0"}},
        {"headers": {"Content-Length": "\u0661"}},
        {"headers": {"Content-Length": "5"}},
        {"headers": {"Content-Length": "1", "Transfer-Encoding": "chunked"}},
        {"headers": [("Content-Length", "1"), ("Content-Length", "2")]},
        {"headers": [("Content-Length", "4"), ("content-length", "4")]},
        {"headers": [("Transfer-Encoding", "chunked"), ("transfer-encoding", "chunked")]},
    ],
)
async def test_a_body_that_contradicts_itself_is_refused(arguments: dict[str, Any]) -> None:
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        with pytest.raises(ValueError):
            await session.post(server.url(), data=b"body", **arguments)
        if "headers" in arguments:
            with pytest.raises(ValueError):  # without a body too
                await session.post(server.url(), headers=arguments["headers"], compress=True, chunked=True)
        assert (server.requests, server.accepted) == ([], 0)
        assert not connector_of(session)._acquired


@pytest.mark.parametrize("length", [0, 3, 10])
@pytest.mark.parametrize("kind", ["bytes", "pieces", "file"])
async def test_a_body_longer_than_its_content_length_is_cut_off(length: int, kind: str) -> None:
    body = Body(b"0123", b"456789")
    data: Any = {"bytes": b"0123456789", "pieces": body(), "file": io.BytesIO(b"0123456789")}[kind]
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url(), data=data, headers={"Content-Length": str(length)}):
            pass
        assert server.requests[0].raw_body == b"0123456789"[:length]
        assert server.requests[0].header("transfer-encoding") is None
        if kind == "pieces" and length:
            assert body.ended == 1
        await still_good(session, server)


async def test_a_body_shorter_than_its_content_length_is_an_error_that_closes_the_connection() -> None:
    body = Body(b"0123")
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientError, match="4 of 10"):
            await session.post(server.url(), data=body(), headers={"Content-Length": "10"})
        assert body.ended == 1
        assert idle(connector_of(session)) == 0
        await still_good(session, server)
        assert server.accepted == 2


async def test_http_1_0_has_no_chunks() -> None:
    async with ScriptedServer({"*": [*TAKEN, fin()]}) as server:
        async with gazelle.ClientSession(version=gazelle.HttpVersion10) as session:
            with pytest.raises(ValueError, match=r"1\.0"):
                await session.post(server.url(), data=Body(b"x")())
            assert server.accepted == 0
            async with session.post(server.url(), data=Body(b"xyz")(), headers={"Content-Length": "3"}) as answer:
                assert await answer.read() == b"taken"
            assert server.requests[0].head.startswith(b"POST / HTTP/1.0\r\n")
            assert server.requests[0].raw_body == b"xyz"


# --- generators ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 1, 3])
async def test_an_error_of_the_body_is_the_error_of_the_request(before: int) -> None:
    body = Body(*[b"x" * 10] * before, fail=ZeroDivisionError("mine"))
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        with pytest.raises(ZeroDivisionError, match="mine"):
            await session.post(server.url(), data=body())
        assert body.ended == 1
        assert idle(connector_of(session)) == 0
        await assert_clean(session, server)
        await still_good(session, server)
        assert server.accepted == 2


@pytest.mark.parametrize("piece", ["text", 5, None, [b"x"], object()])
@pytest.mark.parametrize("before", [0, 2])
async def test_a_piece_that_is_no_bytes_is_an_error(piece: Any, before: int) -> None:
    body = Body(*[b"x"] * before, piece)
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        with pytest.raises(TypeError, match="bytes"):
            await session.post(server.url(), data=body())
        assert body.ended == 1
        await still_good(session, server)


@pytest.mark.parametrize("pieces", [0, 1, 5])
async def test_a_cancelled_upload_ends_its_generator_once(pieces: int) -> None:
    body = Body(*[b"x" * 100] * pieces, hang=True)
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        task = asyncio.ensure_future(session.post(server.url(), data=body()))
        await eventually(lambda: server.requests or server.peers)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.ended == 1
        await assert_clean(session, server)
        await still_good(session, server)
        assert server.accepted == 2


async def test_an_upload_cancelled_at_each_turn_of_the_loop_leaves_nothing_behind() -> None:
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        for count in range(40):
            body = Body(*[b"x" * 1000] * 5)
            data = body()
            task = asyncio.ensure_future(session.post(server.url(), data=data))
            for _ in range(count):
                await asyncio.sleep(0)
            task.cancel()
            try:
                async with await task as answer:
                    assert await answer.read() == b"taken"
            except asyncio.CancelledError:
                pass
            assert body.ended == (1 if body.yielded else 0)
            await data.aclose()  # type: ignore[attr-defined]
            await assert_clean(session, server)
        await still_good(session, server)


async def test_a_generator_that_was_never_needed_is_closed_with_the_request() -> None:
    body = Body(b"x")
    connector = gazelle.TCPConnector()
    async with gazelle.ClientSession(connector=connector) as session:
        data = body()
        with pytest.raises(gazelle.ClientConnectorError):
            await session.post("http://127.0.0.1:1/", data=data)
        assert (body.yielded, body.ended) == (0, 0)
        await data.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", ["413 Content Too Large", "200 OK"])
async def test_an_early_answer_ends_the_upload(status: str) -> None:
    body = Body(*[b"x" * 10_000] * 3, hang=True)
    early = Early([send(response(b"enough", status=status)), stall()])
    async with ScriptedServer({"/early": early}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/early"), data=body()) as answer:
            assert await answer.read() == b"enough"
        await eventually(lambda: body.ended)
        assert body.ended == 1
        await still_good(session, server)
        assert server.accepted == 2


@pytest.mark.parametrize("how", ["read", "release", "nothing"])
async def test_an_early_answer_outside_of_a_block_ends_the_upload_too(how: str) -> None:
    body = Body(b"x", hang=True)
    early = Early([send(response(b"enough", status="413 Content Too Large")), stall()])
    async with ScriptedServer({"/early": early}) as server, gazelle.ClientSession() as session:
        answer = await session.post(server.url("/early"), data=body())
        assert answer.status == 413
        if how == "read":
            assert await answer.read() == b"enough"
        answer.release()
        await eventually(lambda: body.ended)
        await still_good(session, server)


async def test_the_answer_can_be_read_while_the_upload_goes_on() -> None:
    """Each piece of the body is sent after its echo has come: neither side waits for the end of the other."""
    turn = asyncio.Queue[bytes]()

    async def pieces() -> AsyncIterator[bytes]:
        while (piece := await turn.get()) != b"end":
            yield piece

    async def echo(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (line := await peer.reader.readline()) != b"0\r\n":
            data = await peer.reader.readexactly(int(line, 16) + 2)
            await peer.send(line + data)
        await peer.reader.readline()
        await peer.send(b"0\r\n\r\n")

    async with ScriptedServer({"/echo": Early([echo])}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/echo"), data=pieces()) as answer:
            assert answer.status == 200
            for number in range(20):
                turn.put_nowait(b"ping %d" % number)
                assert await answer.content.readany() == b"ping %d" % number
            turn.put_nowait(b"end")
            assert await answer.content.read() == b""
        await still_good(session, server)
        assert server.accepted == 1


async def test_an_error_of_the_request_body_after_the_response_head_is_raised_to_its_reader() -> None:
    go = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"
        await go.wait()
        raise ZeroDivisionError("mine")

    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin"
    async with ScriptedServer({"/x": Early([send(head), stall()])}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/x"), data=pieces()) as answer:
            go.set()
            with pytest.raises((ZeroDivisionError, gazelle.ClientError)):
                await answer.read()
        await still_good(session, server)


@pytest.mark.parametrize("end", [rst, fin])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_server_that_goes_away_in_the_middle_of_an_upload_is_an_error(
    end: Callable[[], Any], method: str
) -> None:
    body = Body(*[b"x" * 50_000] * 200)

    async def some(peer: Peer) -> None:
        await peer.reader.readexactly(100_000)
        await end()(peer)

    async with ScriptedServer({"/x": Early([some])}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectionError):
            await session.request(method, server.url("/x"), data=body())
        assert body.ended == 1
        assert len(server.seen("/x")) == 1
        await still_good(session, server)


async def test_a_slow_server_slows_the_body_down() -> None:
    """What is made is what was taken, and what fits into the buffers of sockets and transport."""
    made = 0
    go = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(800):
            made += 65_536
            yield bytes(65_536)

    async def slow(peer: Peer) -> None:
        await go.wait()
        await peer.read_body()
        await peer.send(response(b"taken"))

    async with ScriptedServer({"/slow": Early([slow])}) as server, gazelle.ClientSession() as session:
        task = asyncio.ensure_future(session.post(server.url("/slow"), data=pieces()))
        await eventually(lambda: server.requests)
        seen = -1
        while seen != made:
            seen = made
            await asyncio.sleep(0.1)
        assert made < 16 << 20
        go.set()
        async with await task as answer:
            assert await answer.read() == b"taken"
        assert len(server.requests[0].body) == made == 800 * 65_536
        await still_good(session, server)


# --- files -----------------------------------------------------------------------------------------------------------


def a_file(tmp_path: Path, size: int = 300_000) -> Path:
    path = tmp_path / "upload.bin"
    path.write_bytes(os.urandom(size))
    return path


@pytest.mark.parametrize("offset", [0, 7])
@pytest.mark.parametrize("size", [7, 300_000, 3_000_000])
async def test_a_file_goes_out_from_where_it_stands_and_is_closed(tmp_path: Path, size: int, offset: int) -> None:
    path = a_file(tmp_path, size)
    file = path.open("rb")
    file.seek(offset)
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url(), data=file) as answer:
            assert await answer.read() == b"taken"
        assert file.closed
        assert server.requests[0].body == path.read_bytes()[offset:]
        assert server.requests[0].header("content-length") == str(size - offset)
        await still_good(session, server)
        assert server.accepted == 1


@pytest.mark.parametrize("to", [0, 100_000])
async def test_a_file_that_shrinks_is_an_error_that_closes_the_connection(tmp_path: Path, to: int) -> None:
    path = a_file(tmp_path, 4_000_000)

    async def start(peer: Peer) -> None:
        await peer.reader.readexactly(1)
        os.truncate(path, to)
        await peer.until_closed()

    async with ScriptedServer({"/x": Early([start])}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientError, match="4000000"):
            async with session.post(server.url("/x"), data=path.open("rb"), headers={"Connection": "keep-alive"}):
                pass
        await still_good(session, server)
        assert server.accepted == 2


async def test_a_file_that_grows_is_sent_as_it_was(tmp_path: Path) -> None:
    path = a_file(tmp_path, 1000)
    before = path.read_bytes()

    async def start(peer: Peer) -> None:
        with path.open("ab") as file:
            file.write(b"more")
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.read_body()
        await peer.send(response(b"taken"))

    async with ScriptedServer({"/x": Early([start])}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/x"), data=path.open("rb"), expect100=True):
            pass
        assert server.requests[0].body == before
        await still_good(session, server)


async def test_a_closed_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = a_file(tmp_path).open("rb")
    file.close()
    async with ScriptedServer({"*": TAKEN}) as server, gazelle.ClientSession() as session:
        with pytest.raises(ValueError, match="closed"):
            await session.post(server.url(), data=file)
        assert (server.accepted, connector_of(session)._acquired) == (0, set())


# --- Expect: 100-continue --------------------------------------------------------------------------------------------

EXPECTING: list[dict[str, Any]] = [{"expect100": True}, {"headers": {"expect": "100-Continue"}}]


@pytest.mark.parametrize("kind", ["bytes", "pieces", "json"])
@pytest.mark.parametrize("options", EXPECTING, ids=["argument", "header"])
async def test_the_body_waits_for_100_continue(kind: str, options: dict[str, Any]) -> None:
    early: list[bytes] = []

    async def ask(peer: Peer) -> None:
        await asyncio.sleep(0.03)
        early.append(peer.reader._buffer[:])  # type: ignore[attr-defined]
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.read_body()
        await peer.send(response(b"taken"))

    data: dict[str, Any] = {"bytes": {"data": b"body"}, "pieces": {"data": Body(b"bo", b"dy")()}, "json": {"json": 1}}
    async with ScriptedServer({"/x": Early([ask])}) as server, gazelle.ClientSession() as session:
        async with session.post(server.url("/x"), **data[kind], **options) as answer:
            assert await answer.read() == b"taken"
        assert early == [b""]
        assert server.requests[0].header("expect") in ("100-continue", "100-Continue")
        assert server.requests[0].body == (b"1" if kind == "json" else b"body")
        await still_good(session, server)
        assert server.accepted == 1


async def test_a_100_continue_that_comes_at_once_is_not_missed() -> None:
    async def ask(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.read_body()
        await peer.send(response(b"taken"))

    rounds = 50  # the answer may be there before the body is ready to be sent, or after
    async with ScriptedServer({"/x": Early([ask] * rounds)}) as server, gazelle.ClientSession() as session:
        for _ in range(rounds):
            async with session.post(server.url("/x"), data=b"body", expect100=True, timeout=60) as answer:
                assert await answer.read() == b"taken"


@pytest.mark.parametrize("status", ["417 Expectation Failed", "200 OK", "401 Unauthorized"])
async def test_a_final_answer_ends_the_wait_and_the_body_is_not_sent(status: str) -> None:
    body = Body(b"body")
    script = Early([send(response(b"no", status=status)), stall()])
    async with ScriptedServer({"/x": script}) as server, gazelle.ClientSession() as session:
        data = body()
        async with session.post(server.url("/x"), data=data, expect100=True) as answer:
            assert await answer.read() == b"no"
        assert (body.yielded, body.ended) == (0, 0)
        assert idle(connector_of(session)) == 0
        await still_good(session, server)
        assert server.accepted == 2


@punctual(0.01)
async def test_other_interim_answers_do_not_start_the_body() -> None:
    body = Body(b"body")
    script = Early([send(b"HTTP/1.1 103 Early Hints\r\n\r\n"), sleep(0.03), CONTINUE, read_body(), *TAKEN])
    async with ScriptedServer({"/x": script}) as server, gazelle.ClientSession() as session:
        task = asyncio.ensure_future(session.post(server.url("/x"), data=body(), expect100=True))
        await eventually(lambda: server.requests)
        await asyncio.sleep(0.015)
        assert body.yielded == 0
        async with await task as answer:
            assert await answer.read() == b"taken"
        await still_good(session, server)


async def test_a_server_that_never_answers_an_expectation_is_a_timeout() -> None:
    body = Body(b"body")
    async with ScriptedServer({"/x": Early([stall()])}) as server, gazelle.ClientSession() as session:
        for limit in (gazelle.ClientTimeout(total=0.1), gazelle.ClientTimeout(sock_read=0.1)):
            with pytest.raises(TimeoutError):
                await session.post(server.url("/x"), data=body(), expect100=True, timeout=limit)
        assert body.yielded == 0
        await still_good(session, server)
        assert all(not peer.stray for peer in server.peers)


async def test_a_cancelled_wait_closes_the_connection() -> None:
    body = Body(b"body")
    async with ScriptedServer({"/x": Early([stall()])}) as server, gazelle.ClientSession() as session:
        task = asyncio.ensure_future(session.post(server.url("/x"), data=body(), expect100=True))
        await eventually(lambda: server.requests)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.yielded == 0
        await still_good(session, server)
        assert server.accepted == 2


# --- retry -----------------------------------------------------------------------------------------------------------


async def dead_on_second_use(kind: str, tmp_path: Path, **options: Any) -> tuple[ScriptedServer, Any]:
    """A kept-alive connection dies when a PUT comes over it; the server and the answer, or the error."""
    uses = 0

    async def once(peer: Peer) -> None:
        nonlocal uses
        uses += 1
        if uses == 1:
            await peer.reader.readexactly(1)
            await rst()(peer)
            return
        await peer.read_body()
        await peer.send(response(b"taken"))

    makers: dict[str, Callable[[], Any]] = {
        "bytes": lambda: b"body",
        "file": lambda: (tmp_path / "x").open("rb"),
        "BytesIO": lambda: io.BytesIO(b"body"),
        "pieces": Body(b"body"),
        "form": lambda: {"a": "b"},
    }
    data = makers[kind]()
    async with ScriptedServer({"/warm": TAKEN, "/x": Early([once])}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/warm")):
            pass
        try:
            async with session.put(server.url("/x"), data=data, **options) as answer:
                outcome: Any = await answer.read()
        except gazelle.ClientError as error:
            outcome = error
        await still_good(session, server)
        return server, outcome


@pytest.mark.parametrize("kind", ["bytes", "file", "BytesIO", "form"])
async def test_a_body_that_can_be_sent_again_is_sent_again(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"body")
    server, outcome = await dead_on_second_use(kind, tmp_path)
    assert outcome == b"taken"
    assert [request.connection for request in server.seen("/x")] == [1, 2]
    assert server.seen("/x")[1].body == (b"a=b" if kind == "form" else b"body")


@pytest.mark.parametrize("options", [{"retry": False}, {}], ids=["retry is off", "the body is gone"])
async def test_without_a_second_body_the_error_is_that_of_the_connection(options: Any, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"body")
    server, outcome = await dead_on_second_use("bytes" if options else "pieces", tmp_path, **options)
    assert isinstance(outcome, gazelle.ServerDisconnectedError | gazelle.ClientOSError)
    assert len(server.seen("/x")) == 1


async def test_a_post_is_not_sent_again() -> None:
    async def die(peer: Peer) -> None:
        await rst()(peer)

    async with ScriptedServer({"/warm": TAKEN, "/x": die}) as server, gazelle.ClientSession() as session:
        async with session.get(server.url("/warm")):
            pass
        with pytest.raises((gazelle.ServerDisconnectedError, gazelle.ClientOSError)):
            await session.post(server.url("/x"), data=b"body")
        assert len(server.seen("/x")) == 1
        await still_good(session, server)


async def test_many_uploads_share_connections() -> None:
    connector = gazelle.TCPConnector(limit=5)
    async with ScriptedServer({"*": [turns(2), *TAKEN]}) as server:
        async with gazelle.ClientSession(connector=connector) as session:

            async def upload(number: int) -> None:
                body = Body(*[b"%d," % number] * 10)
                async with session.post(server.url(f"/{number}"), data=body()) as answer:
                    assert await answer.read() == b"taken"
                assert body.ended == 1

            await asyncio.gather(*[upload(number) for number in range(100)])
            assert server.accepted == 5
            for request in server.requests:
                assert request.body == b"%d," % int(request.path[1:]) * 10
            await still_good(session, server)


# --- no connection: the body is closed as if it had been sent --------------------------------------------------------


NOWHERE = "http://127.0.0.1:1/"


@pytest.mark.parametrize("timeout", [None, 60, gazelle.ClientTimeout(connect=60)])
async def test_a_body_is_closed_if_no_connection_can_be_opened(tmp_path: Path, timeout: Any) -> None:
    file, payload = a_file(tmp_path).open("rb"), Watched(b"x")
    async with gazelle.ClientSession() as session:
        for data in (file, payload, {"file": (part := a_file(tmp_path).open("rb"))}):
            with pytest.raises(gazelle.ClientConnectorError):
                await session.post(NOWHERE, data=data, timeout=timeout)
            assert not connector_of(session)._acquired
    assert file.closed
    assert part.closed
    assert payload.closed == 1


async def test_a_body_is_closed_if_the_wait_for_a_connection_ends() -> None:
    timed, cancelled = Watched(b"x"), Watched(b"x")
    connector = gazelle.TCPConnector(limit=1)
    async with ScriptedServer({"/hold": [stall()], "*": TAKEN}) as server:
        async with gazelle.ClientSession(connector=connector) as session:
            holding = asyncio.ensure_future(session.get(server.url("/hold")))
            await eventually(lambda: server.requests)
            with pytest.raises(TimeoutError):
                await session.post(server.url(), data=timed, timeout=0.01)
            task = asyncio.ensure_future(session.post(server.url(), data=cancelled))
            await eventually(lambda: connector._waiters)
            for waiting in (task, holding):
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            assert (timed.closed, cancelled.closed) == (1, 1)
            await still_good(session, server)


async def test_a_body_is_closed_if_there_is_no_second_connection_for_it() -> None:
    payload = Watched(b"x")
    server = ScriptedServer({"/first": TAKEN, "/x": [fin()]})
    async with gazelle.ClientSession() as session:
        async with server:
            async with session.get(server.url("/first")) as answer:
                assert await answer.read() == b"taken"

            async def leave(peer: Peer) -> None:
                assert server._server is not None
                server._server.close()
                await fin()(peer)

            server.routes["/x"] = Early([leave])
            with pytest.raises(gazelle.ClientConnectorError):
                await session.put(server.url("/x"), data=payload)
            assert payload.closed


async def test_a_body_is_closed_if_there_is_no_connection_for_a_redirect() -> None:
    payload = Watched(b"x")
    moved = [send(response(b"", status="307 X", headers=f"Location: {NOWHERE}"))]
    async with ScriptedServer({"/x": moved}) as server, gazelle.ClientSession() as session:
        with pytest.raises(gazelle.ClientConnectorError):
            await session.post(server.url("/x"), data=payload)
        assert payload.closed
        await assert_clean(session, server)


async def test_a_middleware_can_try_again_with_the_same_body_after_there_was_no_connection(tmp_path: Path) -> None:
    async with ScriptedServer({"*": TAKEN}) as server:

        async def elsewhere(request: Any, handler: Any) -> gazelle.ClientResponse:
            with pytest.raises(gazelle.ClientConnectorError):
                await handler(request)
            request.url = request.url.with_port(server.port)
            answer: gazelle.ClientResponse = await handler(request)
            return answer

        async with gazelle.ClientSession(middlewares=[elsewhere]) as session:
            path = a_file(tmp_path)
            file = path.open("rb")
            async with session.post(NOWHERE, data=file) as answer:
                assert await answer.read() == b"taken"
            assert server.requests[0].body == path.read_bytes()
            assert file.closed
            await assert_clean(session, server)


@pytest.mark.parametrize("replace", [False, True])
async def test_a_body_is_closed_if_the_middlewares_have_no_connection_for_it(replace: bool) -> None:
    passed, replaced = Watched(b"x"), Watched(b"y")
    body = replaced if replace else passed

    async def middleware(request: Any, handler: Any) -> gazelle.ClientResponse:
        if replace:
            await request.update_body(replaced)
        answer: gazelle.ClientResponse = await handler(request)
        return answer

    async with gazelle.ClientSession(middlewares=[middleware]) as session:
        with pytest.raises(gazelle.ClientConnectorError):
            await session.post(NOWHERE, data=passed)
    assert body.closed == 1


async def test_a_middleware_can_try_again_with_the_same_body_after_a_send_that_failed(tmp_path: Path) -> None:
    async def twice(request: Any, handler: Any) -> gazelle.ClientResponse:
        with pytest.raises(gazelle.ServerDisconnectedError):
            await handler(request)
        request.url = request.url.with_path("/good")
        answer: gazelle.ClientResponse = await handler(request)
        return answer

    routes = {"/bad": [fin()], "/good": TAKEN}
    async with ScriptedServer(routes) as server, gazelle.ClientSession(middlewares=[twice]) as session:
        path = a_file(tmp_path)
        file = path.open("rb")
        async with session.post(server.url("/bad"), data=file) as answer:
            assert await answer.read() == b"taken"
        assert server.requests[-1].body == path.read_bytes()
        assert file.closed
        await assert_clean(session, server)


@pytest.mark.parametrize("how", ["raises", "answers itself", "sets wrong fields", "takes the error"])
async def test_a_body_that_a_middleware_keeps_from_being_sent_is_closed(how: str) -> None:
    async with ScriptedServer({"/other": TAKEN}) as server, gazelle.ClientSession() as other:

        async def middleware(request: Any, handler: Any) -> gazelle.ClientResponse:
            if how == "raises":
                raise LookupError
            if how == "sets wrong fields":
                request.headers.add("Content-Length", "5")
            if how != "answers itself":
                try:
                    await handler(request)
                except gazelle.ClientConnectorError:
                    assert how == "takes the error"
            return await other.get(server.url("/other"))

        body = Watched(b"x")
        async with gazelle.ClientSession(middlewares=[middleware]) as session:
            if how in ("raises", "sets wrong fields"):
                with pytest.raises((LookupError, ValueError)):
                    await session.post(NOWHERE, data=body)
            else:
                async with session.post(NOWHERE, data=body) as answer:
                    assert await answer.read() == b"taken"
            assert body.closed == 1
            assert not connector_of(session)._acquired


@pytest.mark.parametrize("options", [{}, {"chunked": True}, {"headers": {"Transfer-Encoding": "chunked"}}])
@pytest.mark.parametrize("data", [b"abc", b""])
async def test_traces_receive_a_request_body_without_its_chunk_framing(data: bytes, options: dict[str, Any]) -> None:
    told: list[bytes] = []

    async def hear(session: Any, context: Any, params: Any) -> None:
        told.append(params.chunk)

    config = gazelle.TraceConfig()
    config.on_request_chunk_sent.append(hear)
    async with ScriptedServer({"*": [send(response(b"ok"))]}) as server:
        async with gazelle.ClientSession(trace_configs=[config]) as session:
            await (await session.post(server.url(), data=data, **options)).read()
        assert server.requests[0].body == data
    assert told == [data] * bool(data)
