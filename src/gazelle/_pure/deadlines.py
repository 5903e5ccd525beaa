"""Deadlines of many requests under one timer of the event loop.

Requests that share a duration expire in the order they began, so each duration has a list that is sorted by itself:
adding is appending, removing is unlinking, and only the heads of the lists are ever looked at.
"""

import asyncio
from typing import Final, Protocol

from .clock import monotonic

_MAX_EMPTY_LISTS: Final = 64


class DeadlineOwner(Protocol):
    """The owner of a deadline, which is notified when the deadline passes."""

    def on_deadline(self, deadline: "Deadline") -> None:
        """Handle a deadline that has passed and is no longer armed."""


class Deadline:
    """One deadline: `when` it passes (`time.monotonic` seconds), its duration in `seconds`, and its owner."""

    __slots__ = ("_list", "_next", "_previous", "owner", "seconds", "when")

    def __init__(self, owner: DeadlineOwner) -> None:
        self.owner = owner
        self.seconds = 0.0
        self.when = 0.0
        self._list: DeadlineList | None = None
        self._next: Deadline | None = None
        self._previous: Deadline | None = None

    @property
    def armed(self) -> bool:
        """Whether the deadline is waiting to pass."""
        return self._list is not None


class DeadlineList:
    """The deadlines of one duration, earliest first."""

    __slots__ = ("first", "last", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.first: Deadline | None = None
        self.last: Deadline | None = None


class Deadlines:
    """The deadlines of one event loop.

    One `call_later` timer is armed for the earliest deadline. Adding re-arms it only for an earlier one, and
    removing never does: a timer that finds nothing due is armed for the next deadline.
    """

    __slots__ = ("_latest", "_lists", "_loop", "_timer", "_timer_when")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lists: dict[float, DeadlineList] = {}
        self._latest: DeadlineList | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_when = 0.0

    def __len__(self) -> int:
        count = 0
        for entries in self._lists.values():
            deadline = entries.first
            while deadline is not None:
                count += 1
                deadline = deadline._next
        return count

    def add(self, deadline: Deadline, seconds: float, start: float) -> None:
        """Arm a deadline that passes `seconds` after `start` (`time.monotonic` seconds).

        Its owner's `on_deadline` is called then, unless it is removed before.
        """
        self.remove(deadline)
        when = start + seconds
        deadline.seconds = seconds
        deadline.when = when
        entries = self._latest
        if entries is None or entries.seconds != seconds:
            entries = self._list_of(seconds)
        deadline._list = entries
        before = entries.last
        # A request that is continued (after a redirect, say) began earlier than the last of the list.
        while before is not None and before.when > when:
            before = before._previous
        after = entries.first if before is None else before._next
        deadline._previous = before
        deadline._next = after
        if before is None:
            entries.first = deadline
        else:
            before._next = deadline
        if after is None:
            entries.last = deadline
        else:
            after._previous = deadline
        if self._timer is None or when < self._timer_when:
            self._arm(when)

    def remove(self, deadline: Deadline) -> None:
        """Disarm a deadline; one that is not armed is left alone."""
        entries = deadline._list
        if entries is None:
            return
        before = deadline._previous
        after = deadline._next
        if before is None:
            entries.first = after
        else:
            before._next = after
        if after is None:
            entries.last = before
        else:
            after._previous = before
        deadline._list = None
        deadline._previous = None
        deadline._next = None

    def close(self) -> None:
        """Disarm all deadlines without notifying their owners."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for entries in self._lists.values():
            while entries.first is not None:
                self.remove(entries.first)
        self._lists.clear()
        self._latest = None

    def _list_of(self, seconds: float) -> DeadlineList:
        """Return the list of a duration, which is kept for the next request."""
        entries = self._lists.get(seconds)
        if entries is None:
            if len(self._lists) >= _MAX_EMPTY_LISTS:
                # Durations that are computed may never come again: without this their lists would pile up.
                for key, old in list(self._lists.items()):
                    if old.first is None:
                        del self._lists[key]
            entries = self._lists[seconds] = DeadlineList(seconds)
        self._latest = entries
        return entries

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_when = when
        delay = when - monotonic()
        self._timer = self._loop.call_later(delay if delay > 0 else 0, self._expire)

    def _expire(self) -> None:
        """Notify the owners of due deadlines, drop empty lists, and arm the timer for the next deadline."""
        self._timer = None
        now = monotonic()
        due = []
        for entries in self._lists.values():
            deadline = entries.first
            while deadline is not None and deadline.when <= now:
                due.append(deadline)
                deadline = deadline._next
        for deadline in due:
            # One that an owner before it has removed or armed anew is not due any more.
            if deadline._list is not None and deadline.when <= now:
                self.remove(deadline)
                try:
                    deadline.owner.on_deadline(deadline)
                except Exception as error:  # the other owners must be notified all the same
                    self._loop.call_exception_handler({"message": "A deadline was not taken", "exception": error})
        next_when = 0.0
        for seconds, entries in list(self._lists.items()):
            deadline = entries.first
            if deadline is None:
                del self._lists[seconds]
                if entries is self._latest:
                    self._latest = None
            elif next_when == 0.0 or deadline.when < next_when:
                next_when = deadline.when
        if next_when and (self._timer is None or next_when < self._timer_when):
            self._arm(next_when)
