"""The base of awaitables that are stepped like a coroutine, without a StopIteration for each result when compiled."""

from typing import Any, Self, TypeVar

_Kind = TypeVar("_Kind", bound="type[Sendable]")


class Sendable:
    """An awaitable that is its own iterator. A subclass provides `advance`.

    Attributes:
        finished: whether what `advance` has returned is the result, and not something to wait for.
    """

    __slots__ = ("finished",)

    def __init__(self) -> None:
        self.finished = False

    def advance(self, value: Any) -> Any:
        """Go on, and return what to wait for, or the result with `finished` set."""
        raise NotImplementedError

    def __await__(self) -> Self:
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        result = self.advance(None)
        if self.finished:
            raise StopIteration(result)
        return result

    def send(self, value: Any) -> Any:
        """Go on with a value, as a coroutine does."""
        result = self.advance(value)
        if self.finished:
            raise StopIteration(result)
        return result


def step_directly(kind: _Kind) -> _Kind:
    """Return a subclass, as a decorator does, after its slots are filled: a compiled class does not inherit them."""
    if not issubclass(kind, Sendable):
        raise TypeError(f"{kind!r} is not a Sendable")
    return kind
