"""Iteration over a stream by one of its reading methods."""

from collections.abc import Awaitable, Callable
from typing import Generic, Self, TypeVar

_Piece = TypeVar("_Piece")


class StreamIterator(Generic[_Piece]):
    """Iterates over the results of a reading method up to the one that marks the end.

    Args:
        read: the reading method.
        end: its result at the end of the body.
    """

    __slots__ = ("_end", "_read")

    def __init__(self, read: Callable[[], Awaitable[_Piece]], end: _Piece) -> None:
        self._read = read
        self._end = end

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Piece:
        piece = await self._read()
        if piece == self._end:
            raise StopAsyncIteration
        return piece
