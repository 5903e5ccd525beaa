"""Inputs on which the two builds of the engine are known to answer differently, each with the reason.

The list is strict: an entry whose example no longer differs fails `test_differential.py`, so that a newer llhttp which
cures one is noticed. An entry belongs here only if the difference cannot be removed; it is empty as long as it can be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.support.mutation import Input


class KnownDifference(NamedTuple):
    """Why the twins differ, an input on which they do, and which inputs the reason explains."""

    name: str
    why: str
    example: Input
    explains: Callable[[Input], bool]


KNOWN_DIFFERENCES: tuple[KnownDifference, ...] = ()
