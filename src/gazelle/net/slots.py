"""Places of which there is a limited number, and the queue for them."""

import asyncio
from collections import OrderedDict


class Slots:
    """A limited number of places; whoever finds none waits, and is served in the order of coming.

    A place that becomes free is given to the first in the queue at once, so that a newcomer cannot take it.

    Args:
        limit: number of places; 0 for no limit.
    """

    __slots__ = ("limit", "taken", "waiters")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken: set[object] = set()
        self.waiters: OrderedDict[asyncio.Future[None], object] = OrderedDict()

    def has_room(self) -> bool:
        """Returns whether a place can be taken without waiting."""
        return not self.limit or (len(self.taken) < self.limit and not self.waiters)

    async def take(self, holder: object) -> bool:
        """Takes a place for `holder`, waiting for one if need be; returns whether it had to wait.

        Cancelling the wait loses nothing: a place that was given in the meantime goes to the next.
        """
        if self.has_room():
            self.taken.add(holder)
            return False
        waiter = asyncio.get_running_loop().create_future()
        self.waiters[waiter] = holder
        try:
            await waiter
        except BaseException:
            if self.waiters.pop(waiter, None) is None:
                self.give_back(holder)
            raise
        return True

    def pass_on(self, holder: object, successor: object) -> None:
        """Makes `successor` the holder of the place of `holder`."""
        self.taken.discard(holder)
        self.taken.add(successor)

    def give_back(self, holder: object) -> None:
        """Frees the place of `holder`, if it has one, and serves the queue."""
        self.taken.discard(holder)
        while self.waiters and len(self.taken) < self.limit:
            waiter, successor = self.waiters.popitem(last=False)
            if not waiter.done():
                self.taken.add(successor)
                waiter.set_result(None)

    def refuse_all(self, error: Exception) -> None:
        """Ends all waiting with an error."""
        while self.waiters:
            waiter, _ = self.waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_exception(error)
