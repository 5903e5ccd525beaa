"""Bodies of requests: what they hold, how large they say they are, and that they can be sent again."""

from __future__ import annotations

import asyncio
import gc
import io
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from types import MappingProxyType
from typing import Any

import pytest

from gazelle.body import payload as payload_module
from gazelle.body.payload import (
    PAYLOAD_REGISTRY,
    AsyncIterablePayload,
    BytesPayload,
    JsonBytesPayload,
    JsonPayload,
    Order,
    PayloadRegistry,
    StreamReaderPayload,
    StringIOPayload,
    StringPayload,
    get_payload,
    payload_type,
)
from tests.support.bodies import LARGE, Collected, sent_every_way, stream, written, yielding

# --- in memory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"", b"x", LARGE, bytearray(b"abc"), memoryview(b"abcdef")[::2]])
async def test_bytes_go_out_as_they_are(value: bytes | bytearray | memoryview) -> None:
    payload = get_payload(value)
    assert type(payload) is BytesPayload
    assert await sent_every_way(payload) == bytes(value)
    assert payload.size == len(bytes(value))
    assert payload.body_bytes() == bytes(value)
    assert payload.content_type == payload.headers["Content-Type"] == "application/octet-stream"
    assert (payload.encoding, payload.filename, payload.autoclose) == (None, None, True)
    await payload.close()


async def test_a_wide_memoryview_counts_bytes() -> None:
    payload = BytesPayload(memoryview(b"abcdefgh").cast("I"))
    assert payload.size == 8
    assert await sent_every_way(payload) == b"abcdefgh"


async def test_bytes_that_lie_are_taken_for_what_they_are() -> None:
    class Lying(bytes):
        def __len__(self) -> int:
            return 1

        def __bytes__(self) -> bytes:
            return b"something else"

    payload = BytesPayload(Lying(b"abc"))
    assert payload.size == 3
    assert await sent_every_way(payload) == b"abc"


@pytest.mark.parametrize(
    ("arguments", "body", "content_type"),
    [
        ({}, "ü".encode(), "text/plain; charset=utf-8"),
        ({"encoding": "latin-1"}, b"\xfc", "text/plain; charset=latin-1"),
        ({"content_type": "text/html; charset=latin-1"}, b"\xfc", "text/html; charset=latin-1"),
        ({"content_type": "text/html"}, "ü".encode(), "text/html"),
        ({"content_type": "text/html", "encoding": "latin-1"}, b"\xfc", "text/html"),
    ],
)
async def test_text_is_encoded(arguments: Any, body: bytes, content_type: str) -> None:
    payload = get_payload("ü", **arguments)
    assert type(payload) is StringPayload
    assert await sent_every_way(payload) == body
    assert payload.content_type == content_type
    assert payload.decode() == "ü"


def test_text_that_can_not_be_encoded_is_refused() -> None:
    with pytest.raises(ValueError):
        StringPayload("日", encoding="latin-1")
    with pytest.raises(ValueError):
        StringPayload("\ud800")
    with pytest.raises(LookupError):
        StringPayload("x", encoding="nonsense")
    with pytest.raises(TypeError, match="str"):
        StringPayload(b"x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bytes"):
        BytesPayload("x")  # type: ignore[arg-type]


async def test_a_string_io_gives_what_is_left_of_it() -> None:
    text = io.StringIO("abcü")
    text.read(1)
    payload = get_payload(text)
    assert type(payload) is StringIOPayload
    assert await sent_every_way(payload) == "bcü".encode()


async def test_json_is_serialized() -> None:
    payload = JsonPayload({"ü": 1})
    assert json.loads(await sent_every_way(payload)) == {"ü": 1}
    assert (payload.content_type, payload.encoding) == ("application/json", "utf-8")
    other = JsonPayload([1], content_type="application/vnd.x+json", dumps=lambda value: f"<{value}>")
    assert await sent_every_way(other) == b"<[1]>"
    assert other.content_type == "application/vnd.x+json"
    fast = JsonBytesPayload({}, dumps=lambda value: b"[]")
    assert await sent_every_way(fast) == b"[]"
    assert fast.content_type == "application/json"
    with pytest.raises(TypeError, match="JsonBytesPayload"):
        JsonPayload({}, dumps=lambda value: b"[]")  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="bytes"):
        JsonBytesPayload({}, dumps=lambda value: "[]")  # type: ignore[arg-type, return-value]


# --- streams ---------------------------------------------------------------------------------------------------------


async def test_an_asynchronous_iterable_is_sent_once() -> None:
    payload = get_payload(yielding(b"a", b"", b"bc", bytearray(b"d"), memoryview(b"e")))  # type: ignore[arg-type]
    assert type(payload) is AsyncIterablePayload
    assert (payload.size, payload.body_bytes(), payload.consumed) == (None, None, False)
    writer = Collected()
    await payload.write(writer)
    assert writer.pieces == [b"a", b"bc", b"d", b"e"]
    assert payload.consumed
    with pytest.raises(RuntimeError, match="sent already"):
        await written(payload)


async def test_an_asynchronous_iterable_can_be_kept() -> None:
    payload = get_payload(yielding(b"a", b"bc"))
    assert await payload.as_bytes() == b"abc"
    assert payload.size == 3
    assert payload.decode() == "abc"
    assert await sent_every_way(payload) == b"abc"


async def test_what_is_no_bytes_is_refused() -> None:
    with pytest.raises(TypeError, match="must yield bytes, not str"):
        await written(get_payload(yielding("text")))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="asynchronous iterable"):
        AsyncIterablePayload([b"x"])  # type: ignore[arg-type]


async def test_a_generator_that_is_not_read_to_its_end_runs_its_finally_once() -> None:
    ended = []

    async def body() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    payload = get_payload(body())
    async with aclosing(payload.chunks()) as pieces:
        assert await anext(pieces) == b"a"
    assert ended == [True]
    limited = get_payload(body())
    await limited.write_with_length(Collected(), 1)
    assert ended == [True, True]

    class Broken(Collected):
        async def write(self, chunk: bytes | bytearray | memoryview) -> None:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await get_payload(body()).write(Broken())
    assert ended == [True, True, True]


async def test_closing_a_body_that_was_never_sent_closes_the_generator() -> None:
    body = yielding(b"a")
    payload = get_payload(body)
    await payload.close()
    await payload.close()
    assert [piece async for piece in body] == []
    assert payload.consumed


async def test_an_error_of_a_generator_is_raised() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    writer = Collected()
    with pytest.raises(ZeroDivisionError):
        await get_payload(body()).write(writer)
    assert writer.body == b"a"


async def test_a_stream_reader_is_sent() -> None:
    payload = get_payload(stream([b"one", b"two"]))
    assert type(payload) is StreamReaderPayload
    assert await written(payload) == b"onetwo"
    assert payload.consumed


# --- payloads of users -----------------------------------------------------------------------------------------------


async def test_payloads_of_another_library_are_taken() -> None:
    class Theirs:
        headers = MappingProxyType({"Content-Type": "a/b"})
        size = 3
        filename = None
        encoding = None
        consumed = False
        closed = False

        async def write(self, writer: Any) -> None:
            await writer.write(b"abc")

        async def write_with_length(self, writer: Any, content_length: int | None) -> None:
            await writer.write(b"abc")

        async def close(self) -> None:
            self.closed = True

    theirs = Theirs()
    payload = get_payload(theirs, headers={"X": "y"}, disposition=None)
    assert payload.content_type == "a/b"
    assert payload.headers["X"] == "y"
    assert await sent_every_way(payload) == b"abc"
    await payload.close()
    assert theirs.closed


async def test_payloads_of_aiohttp_are_taken() -> None:
    aiohttp = pytest.importorskip("aiohttp")
    assert await sent_every_way(get_payload(aiohttp.payload.StringPayload("grüße"))) == "grüße".encode()
    form = aiohttp.FormData({"a": "b"}, default_to_multipart=True)()
    payload = get_payload(form)
    assert payload.content_type.startswith("multipart/form-data; boundary=")
    assert b'name="a"\r\n\r\nb\r\n' in await sent_every_way(payload)


# --- the registry ----------------------------------------------------------------------------------------------------


class Shape:
    pass


class Circle(Shape):
    pass


class ShapePayload(BytesPayload):
    def __init__(self, value: Shape, *args: Any, **kwargs: Any) -> None:
        super().__init__(type(value).__name__.encode(), *args, **kwargs)


class CirclePayload(ShapePayload):
    pass


def test_unknown_objects_are_refused_with_words() -> None:
    for value in (None, 1, object(), {}, []):
        with pytest.raises(payload_module.LookupError, match=type(value).__name__):
            get_payload(value)
    assert issubclass(payload_module.LookupError, LookupError)


def test_payload_types_are_tried_in_order() -> None:
    registry = PayloadRegistry()
    registry.register(ShapePayload, Shape)
    assert type(registry.get(Circle())) is ShapePayload
    registry.register(CirclePayload, Circle)
    assert type(registry.get(Circle())) is ShapePayload
    registry.register(CirclePayload, Circle, order=Order.try_first)
    assert type(registry.get(Circle())) is CirclePayload
    assert type(registry.get(Shape())) is ShapePayload
    registry.register(BytesPayload, object, order=Order.try_last)
    assert type(registry.get(b"x")) is BytesPayload
    with pytest.raises(ValueError, match="order"):
        registry.register(ShapePayload, Shape, order="first")  # type: ignore[arg-type]


def test_a_payload_is_taken_as_it_is() -> None:
    payload = BytesPayload(b"x")
    assert get_payload(payload) is payload
    assert PAYLOAD_REGISTRY.get(payload) is payload


def test_a_class_can_register_itself() -> None:
    class Mine:
        pass

    @payload_type(Mine)
    class MyPayload(BytesPayload):
        def __init__(self, value: Mine, *args: Any, **kwargs: Any) -> None:
            super().__init__(b"mine", *args, **kwargs)

    assert get_payload(Mine(), content_type="a/b").content_type == "a/b"
    assert type(get_payload(Mine())) is MyPayload


def test_the_registry_does_not_remember_types_without_end() -> None:
    registry = PayloadRegistry()
    registry.register(ShapePayload, Shape)
    for number in range(1000):
        registry.get(type(f"Shape{number}", (Shape,), {})())
    gc.collect()
    assert len(registry._by_type) <= 256
