"""Multipart bodies that go out: what they look like, what they refuse, and how large they are."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from gazelle.body.multipart import MultipartWriter
from gazelle.body.payload import BytesPayload, Payload
from gazelle.errors import UploadAbortedError
from tests.support.bodies import Collected, sent_every_way, written, yielding


async def test_parts_follow_each_other() -> None:
    with MultipartWriter(boundary="B") as writer:
        writer.append("ü")
        writer.append(b"y", {"X-A": "b"})
        writer.append_json({"a": 1}, {"X": "z"})
        writer.append_form([("a", "b c"), ("a", "ü")])
        writer.append_form({"a": "b"})
    assert len(writer) == 5
    assert writer.content_type == "multipart/mixed; boundary=B"
    assert await sent_every_way(writer) == (
        b"--B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\n\xc3\xbc\r\n"
        b"--B\r\nContent-Type: application/octet-stream\r\nX-A: b\r\nContent-Length: 1\r\n\r\ny\r\n"
        b'--B\r\nContent-Type: application/json\r\nX: z\r\nContent-Length: 8\r\n\r\n{"a": 1}\r\n'
        b"--B\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\n\r\na=b+c&a=%C3%BC\r\n"
        b"--B\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b\r\n"
        b"--B--\r\n"
    )
    assert [(type(part.payload).__name__, part.encoding, part.te_encoding) for part in writer][:2] == [
        ("StringPayload", "", ""),
        ("BytesPayload", "", ""),
    ]


async def test_a_body_without_parts_is_true_and_sends_its_end() -> None:
    writer = MultipartWriter(boundary="B")
    assert bool(writer)
    assert len(writer) == 0
    assert await sent_every_way(writer) == b"--B--\r\n"


async def test_the_last_boundary_can_be_left_out() -> None:
    writer = MultipartWriter(boundary="B")
    writer.append("x")
    collected = Collected()
    await writer.write(collected, close_boundary=False)
    assert collected.body.endswith(b"\r\n\r\nx\r\n")


async def test_bodies_can_be_nested() -> None:
    outer = MultipartWriter(boundary="B:")
    inner = MultipartWriter("form-data", boundary="C")
    inner.append("z")
    inner.append("y").set_content_disposition("form-data", name="n", filename="ü")
    outer.append(inner)
    assert outer.content_type == 'multipart/mixed; boundary="B:"'
    body = (
        b"--C\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b'Content-Disposition: form-data; name="section-0"\r\n\r\nz\r\n'
        b"--C\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b'Content-Disposition: form-data; name="n"; filename="%C3%BC"\r\n\r\ny\r\n--C--\r\n'
    )
    head = f"--B:\r\nContent-Type: multipart/form-data; boundary=C\r\nContent-Length: {len(body)}\r\n\r\n"
    assert await sent_every_way(outer) == head.encode() + body + b"\r\n--B:--\r\n"
    with pytest.raises(ValueError, match="part of itself"):
        outer.append(outer)


async def test_headers_of_a_payload_are_put_over() -> None:
    writer = MultipartWriter(boundary="B")
    payload = BytesPayload(b"xyz", headers={"A": "1", "B": "2"})
    assert writer.append(payload, {"B": "3"}) is payload
    assert list(payload.headers.items())[1:] == [("A", "1"), ("B", "3"), ("Content-Length", "3")]
    assert writer.append("xyz", {"Content-Length": "1"}).headers["Content-Length"] == "3"


async def test_files_and_streams_are_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bytes(100_000))
    with path.open("rb") as file:
        writer = MultipartWriter(boundary="B")
        part = writer.append(file)
        assert part.headers["Content-Disposition"] == 'attachment; filename="a.png"'
        assert writer.body_bytes() is None
        writer.append("after")
        assert await sent_every_way(writer) == (
            b'--B\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="a.png"\r\n'
            b"Content-Length: 100000\r\n\r\n" + bytes(100_000) + b"\r\n"
            b"--B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nafter\r\n--B--\r\n"
        )
        assert not writer.autoclose
        await writer.close()
        assert file.closed
    once = MultipartWriter(boundary="B")
    once.append(yielding(b"a", b"b"))
    assert once.size is None
    assert not once.consumed
    assert (await written(once)).endswith(b"\r\n\r\nab\r\n--B--\r\n")
    assert once.consumed
    with pytest.raises(RuntimeError, match="sent already"):
        await written(once)


async def test_small_parts_go_out_in_one_piece_and_streams_at_once() -> None:
    writer = MultipartWriter(boundary="B")
    for _ in range(20):
        writer.append("small")
    collected = Collected()
    await writer.write(collected)
    assert len(collected.pieces) == 1
    slow = MultipartWriter(boundary="B")
    slow.append(yielding(b"first", b"second"))
    slow.append("x")
    async with aclosing(slow.chunks()) as pieces:
        assert (await anext(pieces)).endswith(b"\r\n\r\nfirst")
        assert await anext(pieces) == b"second"


async def test_a_large_body_is_not_copied_together() -> None:
    writer = MultipartWriter()
    large = bytes(2 << 20)
    writer.append(large)
    assert writer.body_bytes() is None
    assert writer.size is not None
    async with aclosing(writer.chunks()) as pieces:
        assert any([piece is large async for piece in pieces])


async def test_a_generator_of_a_part_is_closed_with_the_body() -> None:
    ended = []

    async def body() -> AsyncIterator[bytes]:
        try:
            yield b"a" * 100
            yield b"b"
        finally:
            ended.append(True)

    for headers in (
        {},
        {"Content-Transfer-Encoding": "base64"},
        {"Content-Transfer-Encoding": "quoted-printable"},
    ):
        writer = MultipartWriter()
        writer.append(body(), headers)
        async with aclosing(writer.chunks()) as pieces:
            await anext(pieces)
        assert ended == [True]
        ended.clear()


async def test_a_part_that_is_not_as_long_as_it_says_is_an_error() -> None:
    class Wrong(Payload):
        _size = 5

        async def write(self, writer: Any) -> None:
            await writer.write(self._value)

        async def write_with_length(self, writer: Any, content_length: int | None) -> None:
            await writer.write(self._value)

    for value in (b"1234", b"123456", b""):
        writer = MultipartWriter()
        writer.append(Wrong(value))
        with pytest.raises(UploadAbortedError, match="5 bytes"):
            await written(writer)


async def test_all_parts_are_closed_even_if_one_can_not_be() -> None:
    closed = []

    class Part(BytesPayload):
        async def close(self) -> None:
            closed.append(self._value)
            if self._value == b"a":
                raise OSError("no")

    writer = MultipartWriter()
    for value in (b"a", b"b"):
        writer.append(Part(value))
    with pytest.raises(OSError, match="no"):
        await writer.close()
    assert closed == [b"a", b"b"]


# --- encodings of parts ----------------------------------------------------------------------------------------------


async def encoded(body: Any, headers: dict[str, str]) -> bytes:
    writer = MultipartWriter(boundary="B")
    part = writer.append(body, headers)
    assert "Content-Length" not in part.headers
    assert writer.size is None
    assert writer.body_bytes() is None
    data = await sent_every_way(writer)
    return data.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n--B--\r\n")


BODY = bytes(range(256)) * 50 + b"line  \r\n\t\n= end "


async def test_parts_are_compressed() -> None:
    assert gzip.decompress(await encoded(BODY, {"Content-Encoding": "gzip"})) == BODY
    assert zlib.decompress(await encoded(BODY, {"Content-Encoding": "Deflate"}), -15) == BODY
    assert b"" != await encoded(BODY, {"Content-Encoding": "br"}) != BODY
    assert b"" != await encoded(BODY, {"Content-Encoding": "zstd"}) != BODY


async def test_parts_are_encoded_for_the_transfer() -> None:
    import base64  # noqa: PLC0415
    import quopri  # noqa: PLC0415

    for body in (BODY, b"", b"a", b"ab", b"abc", b"\r\n", b"trailing \t"):
        data = await encoded(body, {"Content-Transfer-Encoding": "BASE64"})
        assert base64.b64decode(data, validate=True) == body
        data = await encoded(body, {"Content-Transfer-Encoding": "quoted-printable"})
        assert quopri.decodestring(data) == body
        assert all(len(line) <= 76 for line in data.split(b"\r\n"))
        assert re.search(rb"[^\t\x20-\x7e\r\n]|(?<!\r)\n|[ \t]\r", data) is None
    both = {"Content-Encoding": "gzip", "Content-Transfer-Encoding": "base64"}
    assert gzip.decompress(base64.b64decode(await encoded(BODY, both))) == BODY


async def test_streams_are_encoded_across_their_pieces() -> None:
    import base64  # noqa: PLC0415
    import quopri  # noqa: PLC0415

    for size in (1, 2, 4, 5, 100):
        pieces = [BODY[at : at + size] for at in range(0, len(BODY), size)]
        for coding, decode in (("base64", base64.b64decode), ("quoted-printable", quopri.decodestring)):
            writer = MultipartWriter(boundary="B")
            writer.append(yielding(*pieces), {"Content-Transfer-Encoding": coding})
            data = (await written(writer)).partition(b"\r\n\r\n")[2].removesuffix(b"\r\n--B--\r\n")
            assert decode(data) == BODY
            if coding != "base64":
                assert all(len(line) <= 76 for line in data.split(b"\r\n"))


@pytest.mark.parametrize("coding", ["binary", "7bit", "8bit", "BINARY"])
async def test_no_encoding_is_no_encoding(coding: str) -> None:
    writer = MultipartWriter(boundary="B")
    part = writer.append(b"x", {"Content-Transfer-Encoding": coding, "Content-Encoding": "identity"})
    assert part.headers["Content-Length"] == "1"
    assert (await sent_every_way(writer)).endswith(b"\r\n\r\nx\r\n--B--\r\n")


def test_unknown_encodings_are_refused() -> None:
    writer = MultipartWriter()
    for name in ("Content-Encoding", "Content-Transfer-Encoding"):
        with pytest.raises(ValueError, match="foo"):
            writer.append("x", {name: "foo"})
    assert len(writer) == 0


@pytest.mark.parametrize("name", ["Content-Encoding", "Content-Length", "Content-Transfer-Encoding"])
def test_parts_of_forms_are_not_encoded(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        MultipartWriter("form-data").append("x", {name: "1"})


# --- boundaries and refusals -----------------------------------------------------------------------------------------


def test_boundaries_are_128_random_bits() -> None:
    boundaries = {MultipartWriter().boundary for _ in range(1000)}
    assert len(boundaries) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", boundary) for boundary in boundaries)


@pytest.mark.parametrize(
    ("boundary", "parameter"),
    [
        ("a", "a"),
        ("a" * 70, "a" * 70),
        ("a b", '"a b"'),
        ('a"\\b', '"a\\"\\\\b"'),
        ("a'(),./:=?+_-", '"a\'(),./:=?+_-"'),
    ],
)
def test_boundaries_are_quoted_where_they_must_be(boundary: str, parameter: str) -> None:
    writer = MultipartWriter(boundary=boundary)
    assert writer.content_type == f"multipart/mixed; boundary={parameter}"
    assert writer.boundary == boundary


@pytest.mark.parametrize("boundary", ["", "a" * 71, "a ", "ü", "a\nb", "a\x00", "a\tb", "a\x7f", "\ud800"])
def test_what_can_be_no_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(ValueError, match="boundary"):
        MultipartWriter(boundary=boundary)


@pytest.mark.parametrize("subtype", ["", "a b", "x\r\ny", "ü", "a;b", "a/b"])
def test_what_can_be_no_subtype_is_refused(subtype: str) -> None:
    with pytest.raises(ValueError, match="subtype"):
        MultipartWriter(subtype)


def test_what_is_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(TypeError, match="boundary"):
        MultipartWriter(boundary=1)  # type: ignore[arg-type]
    writer = MultipartWriter()
    with pytest.raises(TypeError, match="Cannot create payload from 1"):
        writer.append(1)
    with pytest.raises(TypeError, match="must be a Payload"):
        writer.append_payload(b"x")  # type: ignore[arg-type]


CONTROLS = [chr(code) for code in (*range(0x20), 0x7F) if code != 9]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_nothing_can_be_put_into_the_head_of_a_part(control: str) -> None:
    writer = MultipartWriter()
    bad = f"a{control}b"
    for body in ("x", b"x", io.BytesIO(b"x"), BytesPayload(b"x")):
        with pytest.raises(ValueError, match="'X'"):
            writer.append(body, {"X": bad})
        with pytest.raises(ValueError, match="not a token"):
            writer.append(body, {bad: "X"})
    with pytest.raises(ValueError, match="'X'"):
        writer.append_json({}, {"X": bad})
    with pytest.raises(ValueError, match="'X'"):
        writer.append_form({}, {"X": bad})
    assert len(writer) == 0


async def test_a_header_that_goes_bad_later_stops_the_body_before_it_begins() -> None:
    writer = MultipartWriter()
    writer.append(b"large" * 10_000)
    writer.append(yielding(b"x")).headers["X"] = "a\r\nb"
    with pytest.raises(ValueError, match="'X'"):
        _ = writer.size
    collected = Collected()
    with pytest.raises(ValueError, match="'X'"):
        await writer.write(collected)
    assert collected.body == b""
