"""Entity tags (RFC 9110 §8.8.3)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ETag:
    """An entity tag (RFC 9110 §8.8.3).

    Args:
        value: the opaque tag, without its quotes.
        is_weak: whether the tag has the prefix `W/`. Default False.
    """

    value: str
    is_weak: bool = False
