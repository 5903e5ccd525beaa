"""The memory that large bodies are received into, on both twins."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import pytest

from tests.support.twins import Twin


def fill(buffer: Any, data: bytes, most: int) -> int:
    """Write `data` as a transport does, at most `most` bytes at a time; return the number of writes."""
    offset = writes = 0
    while offset < len(data):
        view = buffer.buffer(len(data) - offset)
        size = min(len(view), most, len(data) - offset)
        view[:size] = data[offset : offset + size]
        buffer.wrote(size)
        offset += size
        writes += 1
    return writes


@pytest.mark.parametrize("start", [(), (b"a",), (b"abc", b"", b"de"), (b"x" * 3_000_000,)])
@pytest.mark.parametrize("size", [1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_what_was_there_and_what_was_written_comes_back_as_one(twin: Twin, start: Any, size: int) -> None:
    data = random.Random(size).randbytes(size)
    buffer = twin.body_buffer.BodyBuffer(start)
    fill(buffer, data, 300_000)
    assert buffer.size == len(b"".join(start)) + size
    assert buffer.give_back() == b"".join(start) + data


def test_a_view_that_a_traceback_keeps_alive_is_released(twin: Twin) -> None:
    buffer = twin.body_buffer.BodyBuffer([])
    view = buffer.buffer(3)
    view[:] = b"abc"
    buffer.wrote(3)
    assert buffer.give_back() == b"abc"
    with pytest.raises(ValueError, match="released"):
        view[:] = b"xyz"


def test_a_view_is_no_longer_than_what_is_expected(twin: Twin) -> None:
    buffer = twin.body_buffer.BodyBuffer([b"12345"])
    assert len(buffer.buffer(7)) == 7
    buffer.wrote(0)
    assert buffer.give_back() == b"12345"


def test_it_grows_with_what_arrives_and_not_with_what_is_claimed(twin: Twin) -> None:
    tracemalloc.start()
    try:
        buffer = twin.body_buffer.BodyBuffer([])
        assert len(buffer.buffer(1 << 50)) <= 1 << 20
        buffer.wrote(1 << 20)
        assert len(buffer.buffer(1 << 50)) <= 1 << 20
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_the_end_makes_no_second_copy(twin: Twin) -> None:
    size = 8 << 20
    tracemalloc.start()
    try:
        buffer = twin.body_buffer.BodyBuffer([])
        fill(buffer, bytes(1 << 16) * (size >> 16), 1 << 16)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert len(buffer.give_back()) == size
        assert tracemalloc.get_traced_memory()[1] - before < size // 2
    finally:
        tracemalloc.stop()


def test_an_empty_buffer_gives_nothing_back(twin: Twin) -> None:
    assert twin.body_buffer.BodyBuffer([]).give_back() == b""
