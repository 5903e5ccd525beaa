"""Parts: read in pieces, in lines and whole, decoded, and as text, JSON and forms."""

from __future__ import annotations

import gc
import gzip
import tracemalloc
import zlib

import pytest

from gazelle.body.multipart import BadMultipart, MultipartReader
from tests.support.bodies import Dripping

from .multipart import FORM, MIXED, encoded_part, only


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
