"""Entity tags (RFC 9110 §8.8.3)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ETag:
    """An entity tag.

    Args:
        value: the tag without its quotes.
        is_weak: whether it has the prefix `W/`. Default False.
    """

    value: str
    is_weak: bool = False
