"""Iteration by a reading method, up to the result that marks the end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gazelle.net.stream_iterator import StreamIterator


def reading(*results: Any) -> Callable[[], Coroutine[Any, Any, Any]]:
    left = list(results)

    async def read() -> Any:
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return read


async def test_the_results_come_in_order_up_to_the_end() -> None:
    read = reading(b"a", b"b", b"", b"never")
    assert [piece async for piece in StreamIterator(read, b"")] == [b"a", b"b"]
    assert await read() == b"never"


async def test_an_end_of_another_type_is_compared_by_value() -> None:
    chunks = StreamIterator(reading((b"", True), (b"a", True), (b"", False)), (b"", False))
    assert [chunk async for chunk in chunks] == [(b"", True), (b"a", True)]


async def test_an_error_of_the_method_is_raised_and_the_iteration_can_continue() -> None:
    pieces = StreamIterator(reading(b"a", ValueError("broken"), b"b", b""), b"")
    assert await anext(pieces) == b"a"
    with pytest.raises(ValueError, match="broken"):
        await anext(pieces)
    assert [piece async for piece in pieces] == [b"b"]
