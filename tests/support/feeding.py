"""Ways of cutting a byte string into the pieces that a socket might deliver."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import pairwise

Pieces = tuple[bytes, ...]


def whole(data: bytes) -> Pieces:
    """One piece (none for no data: a socket never delivers an empty one)."""
    return (data,) if data else ()


def byte_by_byte(data: bytes) -> Pieces:
    """As many pieces as there are bytes."""
    return tuple(data[i : i + 1] for i in range(len(data)))


def cut(data: bytes, points: Iterable[int]) -> Pieces:
    """Cut at these offsets; offsets outside the data, double ones and empty pieces fall away."""
    edges = [0, *sorted({p for p in points if 0 < p < len(data)}), len(data)]
    return tuple(data[a:b] for a, b in pairwise(edges) if a < b)


def every_split(data: bytes) -> Iterator[Pieces]:
    """Two pieces, cut at each place in turn."""
    for point in range(1, len(data)):
        yield data[:point], data[point:]


def random_splits(data: bytes, rounds: int, seed: int = 0, most: int = 8) -> Iterator[Pieces]:
    """`rounds` ways to cut at up to `most` random places, the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(rounds):
        yield cut(data, (rng.randrange(len(data) + 1) for _ in range(rng.randint(1, most))))


def slices(data: bytes, size: int) -> Pieces:
    """Pieces of `size` bytes, the last one shorter."""
    return tuple(data[i : i + size] for i in range(0, len(data), size))
