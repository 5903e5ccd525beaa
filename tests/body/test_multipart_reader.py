"""Multipart bodies that come in: every split, every truncation, and nothing that costs more than its bytes."""

from __future__ import annotations

import asyncio
import gc
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from gazelle.body.multipart import BadMultipart, BodyPartReader, MultipartReader, MultipartWriter
from gazelle.body.multipart_reader import MAX_DEPTH
from gazelle.body.payload import BytesPayload
from gazelle.errors import BadHttpMessage, ClientPayloadError, InvalidHeader, LineTooLong
from tests.support.bodies import Dripping, stream, written
from tests.support.growth import assert_linear

MIXED = {"Content-Type": "multipart/mixed; boundary=B"}
FORM = {"Content-Type": "multipart/form-data; boundary=B"}


def reader(body: bytes, headers: dict[str, str] | None = None, **options: Any) -> MultipartReader:
    return MultipartReader(headers or MIXED, stream([body]), **options)


async def parts_of(reader: MultipartReader) -> list[Any]:
    """All parts, as (headers, body), a nested body as a list."""
    found: list[Any] = []
    async for part in reader:
        if isinstance(part, MultipartReader):
            found.append(await parts_of(part))
        else:
            found.append((dict(part.headers), await part.read()))
            assert part.at_eof()
    assert reader.at_eof()
    assert await reader.next() is None
    return found


async def only(body: bytes, **options: Any) -> BodyPartReader:
    """The first part."""
    part = await reader(body, **options).next()
    assert isinstance(part, BodyPartReader)
    return part


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


async def test_a_part_is_handed_out_while_the_next_one_is_still_to_come() -> None:
    content = stream([])
    content._eof = False
    content.feed_data(b"--B\r\nA: b\r\n\r\nfirst")
    mixed = MultipartReader(MIXED, content)
    part = await mixed.next()
    assert isinstance(part, BodyPartReader)
    assert await part.read_chunk() == b"first"
    waiting = asyncio.ensure_future(part.read_chunk())
    await asyncio.sleep(0)
    assert not waiting.done()
    content.feed_data(b"\r\n--B--")
    assert await waiting == b""
    assert await mixed.next() is None


async def test_a_cancelled_read_loses_nothing() -> None:
    content = stream([])
    content._eof = False
    mixed = MultipartReader(MIXED, content)
    for piece in (b"--B\r\nA: b", b"\r\n\r\n", b"", b"\r\n--B", b"--"):
        waiting = asyncio.ensure_future(mixed.next())
        await asyncio.sleep(0)
        if piece == b"":
            assert waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])
        content.feed_data(piece)
    assert await mixed.next() is None


async def test_what_was_not_read_of_a_part_is_skipped() -> None:
    body = b"--B\r\n\r\n" + b"x" * 200_000 + b"\r\n--B\r\n\r\nsecond\r\n--B--"
    mixed = reader(body)
    first = await mixed.next()
    assert isinstance(first, BodyPartReader)
    assert await first.read_chunk(10) == b"x" * 10
    second = await mixed.next()
    assert isinstance(second, BodyPartReader)
    assert await first.read() == b""
    assert await second.read() == b"second"
    released = reader(body)
    part = await released.next()
    assert part is not None
    await part.release()
    assert part.at_eof()
    await released.release()
    assert released.at_eof()
    with pytest.raises(BadMultipart):
        await reader(body[:-4]).release()


async def test_a_nested_body_that_was_not_read_is_skipped() -> None:
    inner = b"--C\r\n\r\nin\r\n--C\r\n\r\nin2\r\n--C--"
    body = b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n" + inner + b"\r\n--B\r\n\r\nx\r\n--B--"
    for count in range(3):
        mixed = reader(body)
        nested = await mixed.next()
        assert isinstance(nested, MultipartReader)
        for _ in range(count):
            await nested.next()
        last = await mixed.next()
        assert isinstance(last, BodyPartReader)
        assert await last.read() == b"x"
        if not count:
            with pytest.raises(BadMultipart):
                await nested.next()


async def test_a_nested_body_that_does_not_end_is_an_error() -> None:
    body = b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n--C\r\n\r\nin\r\n--B\r\n\r\nx\r\n--B--"
    mixed = reader(body)
    nested = await mixed.next()
    assert isinstance(nested, MultipartReader)
    with pytest.raises(BadMultipart, match="closing boundary"):
        await parts_of(nested)
    part = await mixed.next()
    assert isinstance(part, BodyPartReader)
    assert await part.read() == b"x"


# --- round trips -----------------------------------------------------------------------------------------------------

ENCODINGS: list[dict[str, str]] = [
    {},
    {"Content-Transfer-Encoding": "base64"},
    {"Content-Transfer-Encoding": "quoted-printable"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "deflate", "Content-Transfer-Encoding": "base64"},
    {"Content-Encoding": "br", "Content-Transfer-Encoding": "quoted-printable"},
    {"Content-Encoding": "zstd"},
]
PIECES = st.binary(max_size=40) | st.text("\r\n-B=a", max_size=40).map(str.encode)
TREES: Any = st.recursive(
    st.tuples(PIECES, st.sampled_from(ENCODINGS)), lambda children: st.lists(children, max_size=3), max_leaves=6
)


def written_tree(tree: list[Any], depth: int = 0) -> MultipartWriter:
    writer = MultipartWriter(boundary=f"bound{depth} 'x'")
    for child in tree:
        if isinstance(child, list):
            writer.append(written_tree(child, depth + 1))
        else:
            writer.append(child[0], CIMultiDict(child[1]))
    return writer


async def read_tree(mixed: MultipartReader) -> list[Any]:
    tree: list[Any] = []
    async for part in mixed:
        if isinstance(part, MultipartReader):
            tree.append(await read_tree(part))
        else:
            tree.append(await part.read(decode=True))
    return tree


def bodies_of(tree: list[Any]) -> list[Any]:
    return [bodies_of(child) if isinstance(child, list) else child[0] for child in tree]


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, max_size=4), st.integers(1, 40))
def test_what_is_written_is_read(tree: list[Any], size: int) -> None:
    async def check() -> None:
        writer = written_tree(tree)
        body = await written(writer)
        assert writer.size in (None, len(body))
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert await read_tree(MultipartReader(writer.headers, Dripping(pieces))) == bodies_of(tree)

    asyncio.run(check())


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([b"--B", b"--B--", b"\r\n", b"\n", b" ", b"a", b"A: b", b"--", b"-", b"\x00", b"\r"])),
    st.integers(1, 9),
)
def test_nothing_but_an_answer_or_one_error_comes_of_any_bytes(tokens: list[bytes], size: int) -> None:
    body = b"".join(tokens)

    async def outcome(pieces: list[bytes]) -> Any:
        try:
            return await asyncio.wait_for(parts_of(MultipartReader(MIXED, Dripping(pieces))), 60)
        except BadMultipart:
            return "bad"

    async def check() -> None:
        whole = await outcome([body])
        assert await outcome([body[at : at + size] for at in range(0, len(body), size)]) == whole

    asyncio.run(check())


# --- one part --------------------------------------------------------------------------------------------------------


async def test_a_part_is_read_in_pieces_and_lines() -> None:
    body = b"--B\r\n\r\none\ntwo\r\n\r\nthree\r\n--B--"
    part = await only(body)
    pieces = []
    while piece := await part.read_chunk(4):
        assert len(piece) <= 4
        pieces.append(piece)
    assert b"".join(pieces) == b"one\ntwo\r\n\r\nthree"
    part = await only(body)
    lines = []
    while line := await part.readline():
        lines.append(line)
    assert lines == [b"one\n", b"two\r\n", b"\r\n", b"three"]
    assert part.at_eof()
    part = await only(body)
    assert await part.readline() == b"one\n"
    assert await part.read_chunk(3) == b"two"
    assert not part.at_eof()
    assert await part.read() == b"\r\n\r\nthree"
    part = await only(body)
    assert [data async for data in part] == [b"one\ntwo\r\n\r\nthree"]
    with pytest.raises(ValueError, match="positive"):
        await part.read_chunk(0)


def encoded_part(headers: str, body: bytes) -> bytes:
    return b"--B\r\n" + headers.encode() + b"\r\n\r\n" + body + b"\r\n--B--"


BINARY = bytes(range(256)) * 40


@pytest.mark.parametrize("size", [1, 3, 7, 100, 8192])
async def test_every_piece_of_an_encoded_part_can_be_decoded(size: int) -> None:
    import base64  # noqa: PLC0415
    import quopri  # noqa: PLC0415

    for coding, data in (
        ("base64", base64.b64encode(BINARY)),
        ("base64", base64.encodebytes(BINARY).replace(b"\n", b"\r\n")),
        ("quoted-printable", quopri.encodestring(BINARY)),
        ("quoted-printable", quopri.encodestring(BINARY).replace(b"\n", b"\r\n")),
        ("quoted-printable", b"=41=\r\n=42=3D=43="),
        ("binary", BINARY),
    ):
        body = encoded_part(f"Content-Transfer-Encoding: {coding}", data)
        part = await only(body)
        whole = await part.read(decode=True)
        for pieces in ([body], [body[at : at + 11] for at in range(0, len(body), 11)]):
            mixed = MultipartReader(MIXED, Dripping(pieces))
            part = await mixed.next()  # type: ignore[assignment]
            decoded = b""
            while piece := await part.read_chunk(size):
                decoded += part.decode(piece)
            assert decoded == whole


@pytest.mark.parametrize("coding", ["gzip", "deflate", "GZIP"])
async def test_a_compressed_part_is_decoded_in_pieces(coding: str) -> None:
    data = gzip.compress(BINARY) if coding.lower() == "gzip" else zlib.compress(BINARY)
    body = encoded_part(f"Content-Encoding: {coding}", data)
    for size in (1, 50, 100_000):
        part = await only(body)
        pieces = []
        while piece := await part.read_chunk(size):
            pieces += [decoded async for decoded in part.decode_iter(piece)]
        assert b"".join(pieces) == BINARY
    part = await only(body)
    whole = await part.read()
    assert whole == data
    for _ in range(2):
        assert b"".join([piece async for piece in part.decode_iter(whole)]) == BINARY
        assert part.decode(whole) == BINARY


async def test_a_compressed_part_that_is_cut_short_is_an_error() -> None:
    body = encoded_part("Content-Encoding: gzip", gzip.compress(BINARY)[:-9])
    part = await only(body)
    with pytest.raises(BadMultipart):
        await part.read(decode=True)
    part = await only(body)
    with pytest.raises(BadMultipart):  # noqa: PT012
        while piece := await part.read_chunk(50):
            async for _ in part.decode_iter(piece):
                pass
    part = await only(encoded_part("Content-Encoding: gzip", b"no gzip at all"))
    with pytest.raises(BadMultipart):
        _ = [piece async for piece in part.decode_iter(await part.read())]


async def test_a_bomb_is_refused_or_read_in_steps() -> None:
    bomb = gzip.compress(bytes(20 << 20))
    body = encoded_part("Content-Encoding: gzip", bomb)
    part = await only(body, client_max_size=1 << 20)
    with pytest.raises(BadMultipart, match="more than 1048576 bytes"):
        await part.read(decode=True)
    part = await only(body)
    data = await part.read()
    gc.collect()
    tracemalloc.start()
    try:
        assert sum([len(piece) async for piece in part.decode_iter(data)]) == 20 << 20
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


async def test_a_part_can_be_limited() -> None:
    body = b"--B\r\n\r\n" + b"x" * 1000 + b"\r\n--B--"
    assert len(await (await only(body, client_max_size=1000)).read()) == 1000
    with pytest.raises(BadMultipart, match="more than 999 bytes"):
        await (await only(body, client_max_size=999)).read()
    long = b"--B\r\n\r\n" + b"x" * 300_000 + b"\r\n--B--"
    with pytest.raises(BadMultipart, match="more than 999 bytes"):
        await (await only(long, client_max_size=999)).readline()


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("Content-Transfer-Encoding: foo", b"x"),
        ("Content-Encoding: foo", b"x"),
        ("Content-Encoding: gzip, foo", b"x"),
        ("Content-Transfer-Encoding: base64", b"x"),
        ("Content-Type: text/plain; charset=nonsense", b"x"),
        ("Content-Type: text/plain; charset=punycode", b"x"),
        ("Content-Type: text/plain; charset=zip", b"x"),
    ],
)
async def test_what_can_not_be_decoded_is_one_kind_of_error(header: str, body: bytes) -> None:
    part = await only(encoded_part(header, body))
    with pytest.raises(BadMultipart):
        await part.text()
    part = await only(encoded_part(header, body))
    if "charset" in header:
        with pytest.raises(BadMultipart):
            await part.form()


async def test_parts_are_text_and_json_and_forms() -> None:
    part = await only(encoded_part("Content-Type: text/plain; charset=latin-1", b"\xfc"))
    assert part.get_charset("x") == "latin-1"
    assert await part.text() == "ü"
    assert await (await only(encoded_part("A: b", "ü".encode()))).text() == "ü"
    assert await (await only(encoded_part("A: b", b"\xfc"))).text(encoding="latin-1") == "ü"
    assert (await only(encoded_part("A: b", b""))).get_charset("x") == "x"
    assert await (await only(encoded_part("A: b", b'{"a": 1}'))).json() == {"a": 1}
    assert await (await only(encoded_part("A: b", b""))).json() is None
    assert await (await only(encoded_part("A: b", b"a=b&c=&%C3%BC=d+e"))).form() == [
        ("a", "b"),
        ("c", ""),
        ("ü", "d e"),
    ]
    assert await (await only(encoded_part("A: b", b""))).form() == []


async def test_fields_of_a_form_have_names() -> None:
    part = await only(encoded_part('Content-Disposition: form-data; name="ü"; filename="/a b"', b""), headers=FORM)
    assert (part.name, part.filename) == ("ü", "a b")
    part = await only(encoded_part("Content-Disposition: form-data; name*=utf-8''%C3%BC; filename*0=a", b""))
    assert (part.name, part.filename) == ("ü", "a")
    part = await only(encoded_part("A: b", b""))
    assert (part.name, part.filename) == (None, None)
    assert "A" in repr(part)


async def test_parts_of_forms_have_no_content_encoding() -> None:
    part = await only(encoded_part("Content-Encoding: gzip", b"plain"), headers=FORM)
    assert await part.read(decode=True) == b"plain"


def charset_form(charset: bytes) -> bytes:
    return (
        b"--B\r\nContent-Disposition: form-data; name=_charset_\r\n\r\n" + charset + b"\r\n"
        b"--B\r\nContent-Disposition: form-data; name=x\r\n\r\n\xfc\r\n--B--"
    )


async def test_a_form_names_its_charset() -> None:
    body = charset_form(b"latin-1")
    for pieces in ([body], [bytes([byte]) for byte in body]):
        form = MultipartReader(FORM, Dripping(pieces))
        part = await form.next()
        assert isinstance(part, BodyPartReader)
        assert part.name == "x"
        assert await part.text() == "ü"
    with pytest.raises(BadMultipart, match="charset"):
        await reader(charset_form(b"l" * 32), FORM).next()
    # Only the first part of a form does.
    first = await only(charset_form(b"latin-1"))
    assert first.name == "_charset_"


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "reason"),
    [
        (None, "content type expected"),
        ("text/plain; boundary=x", "content type expected"),
        ("multipart", "content type expected"),
        ("multipart/mixed", "boundary missed"),
        ("multipart/mixed; boundary=", "boundary missed"),
        ('multipart/mixed; boundary="  "', "boundary missed"),
        ("multipart/mixed; boundary=" + "a" * 71, "too long"),
    ],
)
def test_a_body_must_say_that_it_is_multipart(content_type: str | None, reason: str) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    with pytest.raises(BadMultipart, match=reason):
        MultipartReader(headers, stream([b"--x--"]))


async def test_boundaries_may_be_quoted_and_odd() -> None:
    for boundary, parameter in (("a b", '"a b"'), ("ü", "ü"), ("a'()+_,-./:=?b", '"a\'()+_,-./:=?b"'), ("x", '"\\x"')):
        body = f"--{boundary}\r\n\r\nx\r\n--{boundary}--".encode()
        assert await parts_of(reader(body, {"Content-Type": f"multipart/x; boundary={parameter}"})) == [({}, b"x")]


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


def nested(depth: int) -> bytes:
    body = b"x"
    for level in range(depth, 1, -1):
        head = b"Content-Type: multipart/mixed; boundary=N%d\r\n\r\n" % level
        body = head + b"--N%d\r\n" % level + (b"\r\n" if level == depth else b"") + body + b"\r\n--N%d--" % level
    return b"--B\r\n" + body + b"\r\n--B--"


async def test_nesting_is_limited() -> None:
    expected: list[Any] = [({}, b"x")]
    for _ in range(MAX_DEPTH - 1):
        expected = [expected]
    assert await parts_of(reader(nested(MAX_DEPTH))) == expected
    with pytest.raises(BadMultipart, match="nested deeper"):
        await parts_of(reader(nested(MAX_DEPTH + 1)))


async def test_a_nested_body_without_a_boundary_is_an_error_of_that_part_only() -> None:
    mixed = reader(b"--B\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n--B\r\n\r\ny\r\n--B--")
    with pytest.raises(BadMultipart, match="boundary missed"):
        await mixed.next()
    part = await mixed.next()
    assert isinstance(part, BodyPartReader)
    assert await part.read() == b"y"


# --- cost ------------------------------------------------------------------------------------------------------------

HOSTILE: dict[str, Callable[[int], tuple[bytes, int]]] = {
    # what → (body of about n bytes, size of the pieces it comes in)
    "one long part": lambda n: (b"--B\r\n\r\n" + b"x" * n + b"\r\n--B--", 65536),
    "carriage returns": lambda n: (b"--B\r\n\r\n" + b"\r" * n + b"\r\n--B--", 65536),
    "line ends": lambda n: (b"--B\r\n\r\n" + b"\r\n" * (n // 2) + b"\r\n--B--", 65536),
    "almost boundaries": lambda n: (b"--B\r\n\r\n" + b"\r\n--Bx" * (n // 6) + b"\r\n--B--", 65536),
    "almost boundaries in small pieces": lambda n: (b"--B\r\n\r\n" + b"\r\n--" * (n // 40) + b"\r\n--B--", 3),
    "small pieces": lambda n: (b"--B\r\n\r\n" + b"x" * (n // 10) + b"\r\n--B--", 1),
    "small parts": lambda n: (b"--B\r\n\r\n" + b"x\r\n--B\r\n\r\n" * (n // 100) + b"x\r\n--B--", 65536),
    "preamble": lambda n: (b"x\r\n" * (n // 3) + b"\r\n--B--", 65536),
    "white space in base64": lambda n: (
        encoded_part("Content-Transfer-Encoding: base64", b"Y" + b" \r\n" * (n // 3) + b"QQ="),
        65536,
    ),
    "lines": lambda n: (b"--B\r\nX-Lines: yes\r\n\r\n" + b"\n" * (n // 10) + b"\r\n--B--", 65536),
    "one line in small pieces": lambda n: (b"--B\r\nX-Lines: yes\r\n\r\n" + b"x" * (n // 10) + b"\r\n--B--", 7),
    "escapes": lambda n: (encoded_part("Content-Transfer-Encoding: quoted-printable", b"=" * (n // 20)), 65536),
}


async def consume(body: bytes, size: int) -> None:
    content = stream([body[at : at + size] for at in range(0, len(body), size)])
    async for part in MultipartReader(MIXED, content):
        assert isinstance(part, BodyPartReader)
        read = part.readline if "X-Lines" in part.headers else part.read_chunk
        while piece := await read():
            if "Content-Transfer-Encoding" in part.headers:
                part.decode(piece)


@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_in_proportion_to_the_bytes(name: str) -> None:
    def make(n: int) -> Callable[[], object]:
        body, size = HOSTILE[name](n)
        return lambda: asyncio.run(consume(body, size))

    assert_linear(make, 1_600_000)


async def test_memory_is_bounded_whatever_the_size_of_a_part() -> None:
    class Endless:
        left = 2000

        async def read(self, n: int = -1, /) -> bytes:
            self.left -= 1
            return (
                b"--B\r\n\r\n" if self.left == 1999 else b"x" * n if self.left > 0 else b"\r\n--B--"[: -self.left + 8]
            )

    mixed = MultipartReader(MIXED, Endless())
    part = await mixed.next()
    assert isinstance(part, BodyPartReader)
    gc.collect()
    tracemalloc.start()
    try:
        await part.release()
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert await mixed.next() is None


# --- responses -------------------------------------------------------------------------------------------------------


class Response:
    """What the reader needs of a response."""

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        self.headers = headers
        self.content = stream([body])
        self.released = 0

    async def release(self) -> None:
        self.released += 1


async def test_a_response_is_released_after_its_last_part() -> None:
    response = Response(b"--B\r\n\r\nx\r\n--B\r\n\r\ny\r\n--B--", MIXED)
    wrapper = MultipartReader.from_response(response)
    assert wrapper.resp is response
    bodies = []
    async for part in wrapper:
        assert response.released == 0
        assert isinstance(part, BodyPartReader)
        bodies.append(await part.read())
    assert bodies == [b"x", b"y"]
    assert wrapper.at_eof()
    assert response.released == 1
    with pytest.raises(BadMultipart):
        MultipartReader.from_response(Response(b"", {"Content-Type": "text/plain"}))


async def test_readers_can_be_replaced() -> None:
    class Part(BodyPartReader):
        pass

    class Reader(MultipartReader):
        part_reader_cls = Part

    body = b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n--C\r\n\r\nin\r\n--C--\r\n--B--"
    inner = await Reader(MIXED, stream([body])).next()
    assert isinstance(inner, Reader)
    assert isinstance(await inner.next(), Part)


async def test_bodies_of_the_writer_are_read_as_a_response() -> None:
    writer = MultipartWriter("form-data")
    payload = BytesPayload(b"content", content_type="a/b")
    payload.set_content_disposition("form-data", quote_fields=False, name='n"ä', filename="ü \\ .txt")
    writer.append_payload(payload)
    form = MultipartReader(writer.headers, stream([await written(writer)]))
    part = await form.next()
    assert isinstance(part, BodyPartReader)
    assert (part.name, part.filename, part.headers["Content-Type"]) == ('n"ä', "ü \\ .txt", "a/b")
