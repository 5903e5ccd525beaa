"""Where Gazelle means to answer otherwise than aiohttp 3.14.5, each with the reason.

The list is strict in both directions: a difference that is not explained here fails, and so does an entry one of whose
calls no longer differs.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Difference(NamedTuple):
    """A difference that is meant.

    Args:
        calls: patterns of the names of calls; each of them has to differ.
        fields: patterns of what differs, as it is called in the transcript.
        why: the reason.
    """

    calls: tuple[str, ...]
    fields: tuple[str, ...]
    why: str

    def covers(self, call: str) -> bool:
        """Returns whether a call is among those that differ."""
        return any(fnmatchcase(call, pattern) for pattern in self.calls)

    def explains(self, field: str) -> bool:
        """Returns whether something seen of such a call may differ."""
        return any(fnmatchcase(field, pattern) for pattern in self.fields)


DIFFERENCES: tuple[Difference, ...] = ()
