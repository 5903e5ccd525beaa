"""Forms: which body they become, what it looks like, and that it can be sent again."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict, MultiDictProxy

from gazelle.body.formdata import FormData
from gazelle.body.multipart_writer import MultipartWriter
from gazelle.body.payload import BytesPayload, JsonPayload
from tests.support.bodies import sent_every_way, written, yielding


async def urlencoded(form: FormData) -> bytes:
    assert not form.is_multipart
    payload = form()
    assert type(payload) is BytesPayload
    assert payload.content_type.startswith("application/x-www-form-urlencoded")
    return await sent_every_way(payload)


async def multipart(form: FormData) -> bytes:
    """The parts of a multipart form, with a line instead of each boundary."""
    assert form.is_multipart
    payload = form()
    assert isinstance(payload, MultipartWriter)
    assert payload.content_type == f"multipart/form-data; boundary={payload.boundary}"
    return (await sent_every_way(payload)).replace(payload.boundary.encode(), b"B")


def part(disposition: str, body: bytes, content_type: str = "text/plain; charset=utf-8") -> bytes:
    return (
        f"--B\r\nContent-Type: {content_type}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
        + body
        + b"\r\n"
    )


# --- urlencoded ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((), b""),
        ({}, b""),
        ([], b""),
        ({"a": "b", "c": "ü &="}, b"a=b&c=%C3%BC+%26%3D"),
        ([("a", "b"), ("a", "c")], b"a=b&a=c"),
        ([["a", "b"]], b"a=b"),
        ((("a", "b"),), b"a=b"),
        (MultiDict([("a", "b"), ("a", "c")]), b"a=b&a=c"),
        (MultiDictProxy(MultiDict([("a", "b")])), b"a=b"),
        ([MultiDict([("a", "b"), ("a", "c")]), ("d", "e")], b"a=b&a=c&d=e"),
        ({"a": 1, "b": 2.5, "c": True, "d": None}, b"a=1&b=2.5&c=True&d=None"),
        ({"a": ["x", "y z", 3, b"\xff"]}, b"a=x&a=y+z&a=3&a=%FF"),
        ({"a": []}, b""),
        ({"a\r\nb": "c\x00d"}, b"a%0D%0Ab=c%00d"),
        ({"a~b_c-d.e": "*'()"}, b"a~b_c-d.e=%2A%27%28%29"),
    ],
)
async def test_fields_of_text_are_urlencoded(fields: Any, body: bytes) -> None:
    assert await urlencoded(FormData(fields)) == body


async def test_the_charset_is_that_of_the_text() -> None:
    form = FormData({"ä": "ü"}, charset="latin-1")
    assert form().content_type == "application/x-www-form-urlencoded; charset=latin-1"
    assert await urlencoded(form) == b"%E4=%FC"
    with pytest.raises(ValueError):
        FormData({"a": "日"}, charset="latin-1")()
    with pytest.raises(LookupError):
        FormData(charset="nonsense")
    with pytest.raises(ValueError, match="charset"):
        FormData(charset="utf-8\r\n")


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text("aü &=%+\n~\x00"))))
def test_what_is_urlencoded_can_be_read(fields: list[tuple[str, str]]) -> None:
    from urllib.parse import parse_qsl  # noqa: PLC0415

    body = FormData(fields)().decode()
    assert parse_qsl(body, keep_blank_values=True) == fields
    assert body.isascii()


# --- multipart -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "disposition", "content_type"),
    [
        ({"content_type": "text/html"}, 'name="a"', "text/html"),
        ({"filename": "f.txt"}, 'name="a"; filename="f.txt"', "text/plain; charset=utf-8"),
        ({"content_transfer_encoding": "base64"}, 'name="a"', "text/plain; charset=utf-8"),
        ({"filename": "f", "content_type": "x/y"}, 'name="a"; filename="f"', "x/y"),
    ],
)
async def test_any_option_makes_it_multipart(options: Any, disposition: str, content_type: str) -> None:
    form = FormData()
    form.add_field("a", "xx", **options)
    assert await multipart(form) == part(disposition, b"xx", content_type) + b"--B--\r\n"


async def test_it_can_be_multipart_in_any_case() -> None:
    assert await multipart(FormData(default_to_multipart=True)) == b"--B--\r\n"
    form = FormData([("a", "ü"), ("a", "x")], default_to_multipart=True)
    assert await multipart(form) == part('name="a"', "ü".encode()) + part('name="a"', b"x") + b"--B--\r\n"
    latin = FormData({"a": "ü"}, charset="latin-1", default_to_multipart=True)
    assert await multipart(latin) == part('name="a"', b"\xfc", "text/plain; charset=latin-1") + b"--B--\r\n"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_bytes_are_a_file_with_the_name_of_the_field(kind: Any) -> None:
    octets = "application/octet-stream"
    form = FormData({"a": kind(b"\x00")})
    assert await multipart(form) == part('name="a"; filename="a"', b"\x00", octets) + b"--B--\r\n"
    named = FormData()
    named.add_field("a", kind(b"x"), filename="b")
    assert await multipart(named) == part('name="a"; filename="b"', b"x", octets) + b"--B--\r\n"
    encoded = FormData()
    encoded.add_field("a", kind(b"x"), content_transfer_encoding="base64")
    assert await multipart(encoded) == part('name="a"', b"x", octets) + b"--B--\r\n"


async def test_a_file_is_sent_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "ä b.png"
    path.write_bytes(b"content")
    with path.open("rb") as file:
        expected = part('name="up"; filename="%C3%A4%20b.png"', b"content", "image/png") + b"--B--\r\n"
        assert await multipart(FormData({"up": file})) == expected
        file.seek(0)
        assert await multipart(FormData([("up", file)])) == expected
        file.seek(0)
        plain = FormData({"up": file}, quote_fields=False)
        assert await multipart(plain) == part('name="up"; filename="ä b.png"', b"content", "image/png") + b"--B--\r\n"
        file.seek(0)
        alone = FormData(file)
        assert await multipart(alone) == part('name="ä b.png"; filename="%C3%A4%20b.png"', b"content", "image/png") + (
            b"--B--\r\n"
        )
        file.seek(0)
        named = FormData()
        named.add_field("up", file, filename="x", content_type="a/b")
        assert await multipart(named) == part('name="up"; filename="x"', b"content", "a/b") + b"--B--\r\n"
    with path.open(encoding="utf-8") as text:
        assert await multipart(FormData({"up": text})) == (
            part('name="up"; filename="%C3%A4%20b.png"', b"content") + b"--B--\r\n"
        )


async def test_files_without_a_name_are_sent() -> None:
    octets = "application/octet-stream"
    for make in (io.BytesIO, tempfile.TemporaryFile, tempfile.SpooledTemporaryFile):
        with make() as value:
            value.write(b"x")
            value.seek(0)
            assert await multipart(FormData({"a": value})) == (
                part('name="a"; filename="a"', b"x", octets) + b"--B--\r\n"
            )
            value.seek(0)
            assert await multipart(FormData([value])) == (
                part('name="unknown"; filename="unknown"', b"x", octets) + b"--B--\r\n"
            )
    with tempfile.NamedTemporaryFile() as named:
        assert FormData({"a": named}).is_multipart
    assert await multipart(FormData({"a": io.StringIO("ü")})) == (
        part('name="a"; filename="a"', "ü".encode()) + b"--B--\r\n"
    )


async def test_payloads_and_streams_are_sent() -> None:
    form = FormData({"a": JsonPayload({"x": 1})})
    assert await multipart(form) == part('name="a"', b'{"x": 1}', "application/json") + b"--B--\r\n"
    stream = FormData([("a", yielding(b"x", b"y")), ("b", "c")])
    assert stream.is_multipart
    payload = stream()
    assert payload.size is None
    assert b'name="a"\r\n\r\nxy\r\n' in await written(payload)
    assert payload.consumed


async def test_names_are_quoted_in_utf_8() -> None:
    form = FormData({'a "b" \\ ü': "x"}, default_to_multipart=True)
    assert await multipart(form) == part('name="a \\"b\\" \\\\ ü"', b"x") + b"--B--\r\n"


# --- again -----------------------------------------------------------------------------------------------------------


async def test_a_form_can_be_sent_and_added_to_again() -> None:
    form = FormData({"a": "b"})
    assert await urlencoded(form) == b"a=b"
    form.add_field("c", "d")
    assert await urlencoded(form) == b"a=b&c=d"
    form.add_field("e", io.BytesIO(b"0123"))
    octets = "application/octet-stream"
    first = part('name="a"', b"b") + part('name="c"', b"d") + part('name="e"; filename="e"', b"0123", octets)
    for _ in range(2):
        assert await multipart(form) == first + b"--B--\r\n"
    assert form() is form()
    form.add_fields(("f", "g"), {"h": "i"})
    assert await multipart(form) == first + part('name="f"', b"g") + part('name="h"', b"i") + b"--B--\r\n"


async def test_files_of_a_form_are_sent_again_from_where_they_stood(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    with (tmp_path / "a").open("rb") as file:
        file.seek(5)
        form = FormData({"a": file})
        first = await multipart(form)
        assert b"\r\n\r\n56789\r\n" in first
        assert await multipart(form) == first


async def test_a_form_that_could_not_be_made_stays_as_it_was() -> None:
    form = FormData({"a": 1})
    form.add_field("b", "x", filename="y")
    for _ in range(2):
        with pytest.raises(TypeError, match=r"'a'.*not int"):
            form()


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", ["a=b", b"a=b", 1, None, ("a", "b"), [("a",)], [("a", "b", "c")], ["ab"], [1]])
def test_what_is_no_field_is_refused(fields: Any) -> None:
    with pytest.raises(TypeError, match="a form is made of"):
        FormData(fields)


@pytest.mark.parametrize("name", [1, b"a", None, object()])
def test_names_are_text(name: Any) -> None:
    for value in ("x", b"x", 1, io.BytesIO()):
        with pytest.raises(TypeError, match="name must be a str"):
            FormData({name: value})


@pytest.mark.parametrize("option", ["content_type", "filename", "content_transfer_encoding"])
def test_options_are_text(option: str) -> None:
    options: dict[str, Any] = {option: 1}
    with pytest.raises(TypeError, match=f"{option} must be a str"):
        FormData().add_field("a", "b", **options)


@pytest.mark.parametrize("value", [object(), {"x": "y"}, {"x"}, [["x"]], [object()], [{}]])
def test_values_without_a_text_of_their_own_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="'a'"):
        FormData({"a": value})


@pytest.mark.parametrize("value", [1, None, True, ["x"], 2.5])
def test_a_multipart_form_takes_no_other_values(value: Any) -> None:
    with pytest.raises(TypeError, match=r"'a' of a multipart form"):
        FormData({"a": value}, default_to_multipart=True)()
    with pytest.raises(TypeError, match=r"'a' of a multipart form"):
        FormData().add_field("a", value, filename="x")


CONTROLS = [*(chr(code) for code in (*range(0x20), 0x7F)), "\ud800"]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
@pytest.mark.parametrize("quote_fields", [True, False])
def test_nothing_can_be_put_into_the_head_of_a_part(control: str, quote_fields: bool) -> None:
    bad = f"a{control}b"
    form = FormData(quote_fields=quote_fields)
    for option in ("content_type", "filename", "content_transfer_encoding"):
        with pytest.raises(ValueError, match=option):
            form.add_field("a", "x", **{option: bad})
    form.add_field(bad, "x", filename="f")
    with pytest.raises(ValueError, match="name"):
        form()
    headers = FormData({"a": BytesPayload(b"")})
    payload = headers()
    assert isinstance(payload, MultipartWriter)
    next(iter(payload)).payload.headers["X"] = bad
    if control != "\t":
        with pytest.raises(ValueError, match="X"):
            _ = payload.size
