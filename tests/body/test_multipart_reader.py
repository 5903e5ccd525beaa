"""Multipart bodies that come in: every split, every truncation, and nothing that costs more than its bytes."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from gazelle.body.multipart import BadMultipart, BodyPartReader, MultipartReader, MultipartWriter
from gazelle.body.multipart_reader import MAX_DEPTH
from gazelle.body.payload import BytesPayload
from tests.support.bodies import Dripping, stream, written
from tests.support.growth import assert_linear

from .multipart import FORM, MIXED, encoded_part, only, parts_of, reader


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


# --- the charset of a form -------------------------------------------------------------------------------------------


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
