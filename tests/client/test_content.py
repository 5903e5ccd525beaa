"""What a call asks to be sent, and the body that is made of it."""

from __future__ import annotations

import io
import json
from typing import Any, Final

import pytest
from multidict import CIMultiDict

from gazelle.body.formdata import FormData
from gazelle.body.payload import BytesPayload, Payload
from gazelle.client.content import BINARY_LINE, JSON_LINE, TEXT_LINE, Content, bytes_serializer, encode, exactly
from gazelle.wire.request_framing import Encoded
from tests.support.bodies import written, yielding


def serialize(value: Any) -> bytes:
    return b"<%b>" % repr(value).encode()


class OwnBytes(bytes):
    """A subclass that shows something else than it holds."""

    def __bytes__(self) -> bytes:
        return b"other"


class OwnText(str):
    """A subclass that encodes something else than it holds."""

    __slots__ = ()

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"other"


# Arguments.


def test_an_argument_that_was_not_passed_has_its_default() -> None:
    content = Content({"json": 5})
    assert content.json == 5
    assert (content.data, content.headers, content.chunked, content.expect100) == (None, None, None, False)
    assert content.withheld == frozenset()


def test_a_changed_copy_leaves_the_original() -> None:
    content = Content({"json": 5, "params": "a"})
    changed = content.replace(json=None, data=b"x")
    assert (changed.json, changed.data, changed.params) == (None, b"x", "a")
    assert (content.json, content.data) == (5, None)


# Bodies.


ENCODED: Final[list[tuple[Any, Any, Encoded]]] = [
    (None, None, Encoded(None, b"")),
    (b"", None, Encoded(b"", BINARY_LINE)),
    (b"x", None, Encoded(b"x", BINARY_LINE)),
    (OwnBytes(b"x"), None, Encoded(b"x", BINARY_LINE)),
    ("", None, Encoded(b"", TEXT_LINE)),
    ("grüße", None, Encoded("grüße".encode(), TEXT_LINE)),
    (OwnText("x"), None, Encoded(b"x", TEXT_LINE)),
    (None, 0, Encoded(b"<0>", JSON_LINE)),
    (None, False, Encoded(b"<False>", JSON_LINE)),
    (None, {}, Encoded(b"<{}>", JSON_LINE)),
]


@pytest.mark.parametrize(("data", "value", "encoded"), ENCODED)
def test_bytes_text_and_json_become_bytes_and_a_media_type(data: Any, value: Any, encoded: Encoded) -> None:
    made = encode(data, value, serialize)
    assert made == encoded
    assert made.body is None or type(made.body) is bytes


@pytest.mark.parametrize("data", [b"", "", {}, b"x"])
def test_data_and_json_exclude_each_other(data: Any) -> None:
    with pytest.raises(ValueError, match="can not be used at the same time"):
        encode(data, 0, serialize)


@pytest.mark.parametrize(
    ("make", "body", "type_line"),
    [
        (lambda: bytearray(b"x"), b"x", BINARY_LINE),
        (lambda: memoryview(b"xyz")[1:], b"yz", BINARY_LINE),
        (lambda: io.BytesIO(b"x"), b"x", BINARY_LINE),
        (lambda: io.StringIO("ü"), "ü".encode(), TEXT_LINE),
        (lambda: {"a": "1", "b": "ü"}, b"a=1&b=%C3%BC", b"Content-Type: application/x-www-form-urlencoded\r\n"),
        (lambda: [("a", "1"), ("a", "2")], b"a=1&a=2", b"Content-Type: application/x-www-form-urlencoded\r\n"),
        (lambda: CIMultiDict([("a", "1")]), b"a=1", b"Content-Type: application/x-www-form-urlencoded\r\n"),
        (lambda: FormData({"a": "1"}), b"a=1", b"Content-Type: application/x-www-form-urlencoded\r\n"),
        (lambda: BytesPayload(b"x", content_type="text/x"), b"x", b"Content-Type: text/x\r\n"),
    ],
)
async def test_other_bodies_become_payloads(make: Any, body: bytes, type_line: bytes) -> None:
    made = encode(make(), None, serialize)
    assert isinstance(made.body, Payload)
    assert await written(made.body) == body
    assert made.type_line == type_line


async def test_a_payload_is_taken_as_it_is_and_an_iterable_has_no_length() -> None:
    payload = BytesPayload(b"x")
    assert encode(payload, None, serialize).body is payload
    body = encode(yielding(b"a", b"b"), None, serialize).body
    assert isinstance(body, Payload)
    assert (body.size, await written(body)) == (None, b"ab")


@pytest.mark.parametrize("data", [object(), 5, 1.5, {"a"}, True])
def test_an_object_that_no_payload_is_made_of_is_a_type_error(data: Any) -> None:
    with pytest.raises(TypeError):
        encode(data, None, serialize)


def test_a_media_type_that_would_end_its_line_is_refused() -> None:
    payload = BytesPayload(b"x")
    payload.headers["Content-Type"] = "text/x\r\nX: y"
    with pytest.raises(ValueError):
        encode(payload, None, serialize)


# JSON.


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, OwnBytes])
def test_a_serializer_may_return_any_buffer_and_gets_exact_bytes_made_of_it(kind: Any) -> None:
    made = bytes_serializer(lambda value: kind(b"abc"))(None)
    assert (type(made), made) == (bytes, b"abc")


@pytest.mark.parametrize("text", ["ü", OwnText("ü")])
def test_text_of_a_serializer_is_sent_as_utf_8(text: str) -> None:
    assert bytes_serializer(lambda value: text)(None) == b"\xc3\xbc"


@pytest.mark.parametrize("made", [None, 5, ["x"]])
def test_a_serializer_that_returns_neither_text_nor_bytes_is_a_type_error(made: Any) -> None:
    with pytest.raises(TypeError, match=f"should return str or bytes, got {type(made).__name__}"):
        bytes_serializer(lambda value: made)(None)


def test_the_function_of_the_json_module_is_served_by_the_engine_with_the_same_bytes() -> None:
    fast = bytes_serializer(json.dumps)
    values: list[Any] = [{"a": [1, None, True, 2.5, "ü\n"]}, [], "", 0, {"b": {"c": ()}}]
    for value in values:
        assert fast(value) == json.dumps(value).encode()
    with pytest.raises(TypeError):
        fast(object())


def test_the_bytes_of_a_buffer_are_copied_exactly() -> None:
    view = memoryview(bytearray(b"abcdef"))[::2]
    for data in (b"x", bytearray(b"x"), memoryview(b"x"), OwnBytes(b"x")):
        assert type(exactly(data)) is bytes
        assert exactly(data) == b"x"
    assert exactly(view) == b"ace"
