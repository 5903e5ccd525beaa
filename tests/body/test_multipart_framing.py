"""Multipart framing: delimiters at every split, every truncation, and the limits of the heads of parts."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from gazelle.body.multipart import BadMultipart, MultipartReader
from gazelle.body.multipart_framing import Delimited, PartBody
from gazelle.errors import BadHttpMessage, ClientPayloadError, InvalidHeader, LineTooLong
from tests.support.bodies import Dripping, stream

from .multipart import MIXED, only, parts_of, reader

# body → what is in it
BODIES: dict[bytes, list[Any]] = {
    b"--B--": [],
    b"--B--\r\n": [],
    b"preamble\r\n--B--": [],
    b"--B\r\n\r\nx\r\n--B--": [({}, b"x")],
    b"--B\r\n\r\n\r\n--B--": [({}, b"")],
    b"--B\r\n\r\n--B--": [({}, b"")],
    b"--B\r\nA: b\r\n\r\n--B--": [({"A": "b"}, b"")],
    b"--B\r\nA: b\r\n\r\n\r\n--B--": [({"A": "b"}, b"")],
    b"--B\r\nA: b\r\n\r\n\r\n\r\n--B--": [({"A": "b"}, b"\r\n")],
    b"pre\r\n--B\r\n\r\nx\r\n--B--\r\nepilogue\r\n--B\r\n\r\nno part\r\n--B--": [({}, b"x")],
    b"\r\n--B\r\n\r\nx\r\n--B--": [({}, b"x")],
    b"pre--B\r\n\r\n--B\r\n\r\nx\r\n--B--": [({}, b"x")],
    b"--B \t\r\n\r\nx\r\n--B  \r\n\r\ny\r\n--B--  \r\n": [({}, b"x"), ({}, b"y")],
    b"--B\r\n\r\nx--B\r\n--Bx\r\n--B y\r\n-B\r\n--\r\n--B-\r\n--B--": [
        ({}, b"x--B\r\n--Bx\r\n--B y\r\n-B\r\n--\r\n--B-")
    ],
    b"--B\r\n\r\n--Bx\r\n--B--": [({}, b"--Bx")],
    b"--B\r\n\r\n\n--B--\n\r\n\r\r\n--B--": [({}, b"\n--B--\n\r\n\r")],
    b"--B\r\n\r\n\r\r\n--B\r\n\r\n\r\n\r\n--B--": [({}, b"\r"), ({}, b"\r\n")],
    b"--B\r\nA: b\nC:  d \n\nx\r\n--B--": [({"A": "b", "C": "d"}, b"x")],
    b"--B\r\n\nx\r\n--B--": [({}, b"x")],
    b"--B\r\nA: b\r\n c\r\n\r\nx\r\n--B--": [({"A": "b c"}, b"x")],
    b"--B\r\nContent-Length: 1\r\n\r\nlonger\r\n--B--": [({"Content-Length": "1"}, b"longer")],
    (
        b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n"
        b"pre\r\n--C\r\n\r\nin\r\n--C--\r\nepi\r\n--B\r\n\r\nx\r\n--B--"
    ): [[({}, b"in")], ({}, b"x")],
    b"--B\r\nContent-Type: multipart/mixed; boundary=BB\r\n\r\n--BB\r\n\r\nin\r\n--BB--\r\n--B\r\n\r\nx\r\n--B--": [
        [({}, b"in")],
        ({}, b"x"),
    ],
}


@pytest.mark.parametrize("body", BODIES, ids=ascii)
async def test_parts_are_found_at_every_split(body: bytes) -> None:
    expected = BODIES[body]
    assert await parts_of(reader(body)) == expected
    assert await parts_of(MultipartReader(MIXED, Dripping([bytes([byte]) for byte in body]))) == expected
    for at in range(len(body) + 1):
        assert await parts_of(MultipartReader(MIXED, Dripping([body[:at], body[at:]]))) == expected


@pytest.mark.parametrize("body", BODIES, ids=ascii)
async def test_a_body_cut_short_anywhere_is_an_error(body: bytes) -> None:
    expected = BODIES[body]
    for at in range(len(body)):
        if at >= body.index(b"--B--", body.find(b"B--\n") + 1) + 5:
            # The end of the last part is there; what comes after it is of no interest.
            assert await parts_of(reader(body[:at])) == expected
        else:
            with pytest.raises(BadMultipart, match=r"before its closing boundary|no boundary"):
                await parts_of(reader(body[:at]))


async def test_the_error_of_a_body_cut_short_comes_again() -> None:
    cut = reader(b"--B\r\n\r\nx")
    for _ in range(2):
        with pytest.raises(BadMultipart, match="closing boundary") as caught:
            await parts_of(cut)
        assert isinstance(caught.value, ClientPayloadError)
        assert isinstance(caught.value, ValueError)
    for body in (b"", b"no boundary here\r\n--C--", b"--B\nA: b\n\nx\n--B--\n"):
        with pytest.raises(BadMultipart, match="no boundary"):
            await reader(body).next()


async def test_an_error_of_the_stream_is_raised_as_it_is() -> None:
    broken = stream([b"--B\r\n\r\nx"])
    broken.set_exception(ClientPayloadError("the connection is gone"))
    mixed = MultipartReader(MIXED, broken)
    with pytest.raises(ClientPayloadError, match="the connection is gone") as caught:
        await parts_of(mixed)
    assert not isinstance(caught.value, BadMultipart)


@pytest.mark.parametrize(
    "lines",
    [
        b"no colon",
        b"A : b",
        b": b",
        b" A: b",
        b"A\x00: b",
        b"A: b\x00",
        b"A: \rb",
        "Ä: b".encode(),
        b"A: b\r\n--B\r\nC: d",
    ],
)
async def test_a_malformed_header_is_an_error_that_comes_again(lines: bytes) -> None:
    mixed = reader(b"--B\r\n" + lines + b"\r\n\r\nx\r\n--B--")
    for _ in range(2):
        with pytest.raises(BadMultipart, match="malformed") as caught:
            await mixed.next()
    assert isinstance(caught.value.__cause__, InvalidHeader)


async def test_headers_are_limited() -> None:
    def body(lines: bytes) -> bytes:
        return b"--B\r\n" + lines + b"\r\nx\r\n--B--"

    assert len((await only(body(b"A: b\r\n" * 128))).headers) == 128
    assert len((await only(body(b"A: " + b"x" * 8189 + b"\r\n"))).headers["A"]) == 8189
    for lines, cause in ((b"A: b\r\n" * 129, BadHttpMessage), (b"A: " + b"x" * 8190 + b"\r\n", LineTooLong)):
        with pytest.raises(BadMultipart, match="malformed") as caught:
            await reader(body(lines)).next()
        assert isinstance(caught.value.__cause__, cause)
    with pytest.raises(BadMultipart, match="more than 1 headers"):
        await reader(body(b"A: b\r\nC: d\r\n"), max_headers=1).next()
    with pytest.raises(BadMultipart, match="more than 5 bytes"):
        await reader(body(b"A: 12345\r\n"), max_field_size=5).next()
    with pytest.raises(BadMultipart, match="more than 65536 bytes"):
        await reader(body((b"A: " + b"x" * 8000 + b"\r\n") * 9)).next()


@pytest.mark.parametrize("piece", [b"A: b\r\n", b"a" * 100, b"\r", b" \r\n", b"A: b\r\n c\r\n"])
async def test_a_header_without_end_stops_at_its_budget(piece: bytes) -> None:
    for size in (1000, 100_000):
        pieces = [b"--B\r\n", *[piece * (size // len(piece))] * 3000]
        content = Dripping(pieces)
        gc.collect()
        tracemalloc.start()
        try:
            with pytest.raises(BadMultipart):
                await MultipartReader(MIXED, content).next()
            assert tracemalloc.get_traced_memory()[1] < 2 << 20
        finally:
            tracemalloc.stop()
        assert len(content._pieces) > 2900


async def test_padding_without_end_is_an_error() -> None:
    assert await parts_of(reader(b"--B" + b" " * 200 + b"\r\n\r\nx\r\n--B--")) == [({}, b"x")]
    for start in (b"--B", b"--B\r\n\r\nx\r\n--B"):
        mixed = MultipartReader(MIXED, Dripping([start, *[b" " * 100] * 1000]))
        for _ in range(2):
            with pytest.raises(BadMultipart, match=r"white space|no boundary"):
                await parts_of(mixed)


# --- the splitter itself ---------------------------------------------------------------------------------------------


async def test_bodies_and_heads_alternate_up_to_the_closing_delimiter() -> None:
    framing = Delimited(stream([b"pre\r\n--B\r\nA: b\r\n\r\none\r\n--B\r\n\r\n\r\n--B--\r\nepilogue"]), b"B")
    assert await framing.read_body(100) == b"pre"
    assert await framing.read_body(100) == b""
    assert framing.pass_delimiter() is False
    assert dict(await framing.read_head(100, 10)) == {"A": "b"}
    assert [await framing.read_body(2) for _ in range(3)] == [b"on", b"e", b""]
    assert framing.pass_delimiter() is False
    assert dict(await framing.read_head(100, 10)) == {}
    assert await framing.read_body(100) == b""
    assert framing.pass_delimiter() is True


async def test_an_error_is_raised_again_by_every_later_read() -> None:
    framing = Delimited(stream([b"--B\r\n"]), b"B")
    error = framing.fail("on purpose")
    for read in (framing.read_body(1), framing.skip_body()):
        with pytest.raises(BadMultipart) as caught:
            await read
        assert caught.value is error


async def test_the_body_of_a_part_is_empty_once_the_reader_has_moved_on() -> None:
    framing = Delimited(stream([b"--B\r\n\r\nbody\r\n--B--"]), b"B")
    await framing.skip_body()
    framing.pass_delimiter()
    await framing.read_head(100, 10)
    body = PartBody(framing)
    assert await body.read(2) == b"bo"
    body.done = True
    assert await body.read(2) == b""
    assert await framing.read_body(10) == b"dy"
