"""A histogram of durations whose memory does not grow with their number."""

from collections.abc import Iterator
from math import log2, sqrt
from typing import NamedTuple

# Each doubling has 128 buckets: a bucket is 0.54 % wide, and its middle within 0.28 % of every duration in it. One
# logarithm is cheaper in CPython than the shifts of HdrHistogram.
_PER_DOUBLING = 128
_DOUBLINGS = 50  # 2**50 ns is thirteen days.
_SIZE = _DOUBLINGS * _PER_DOUBLING + 1  # the logarithm of 2**50 - 1 is rounded up


def _middle(index: int) -> float:
    return float(2 ** ((index + 0.5) / _PER_DOUBLING))


class Bar(NamedTuple):
    """One bar of a plotted histogram: the number of durations up to `upper` (ns) and above the bar before."""

    upper: float
    number: int


class LatencyHistogram:
    """Counts durations in buckets of constant relative width.

    Durations are integers in nanoseconds, from 0 to 2**50. Results are within 0.3 % of those of the full list of
    durations.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = [0] * _SIZE

    def record(self, nanoseconds: int) -> None:
        """Count one duration."""
        self._counts[int(log2(nanoseconds or 1) * _PER_DOUBLING)] += 1

    @property
    def count(self) -> int:
        """The number of durations counted."""
        return sum(self._counts)

    def _filled(self) -> Iterator[tuple[int, int]]:
        return ((index, count) for index, count in enumerate(self._counts) if count)

    @property
    def minimum(self) -> float:
        """The shortest duration; 0 when nothing was counted."""
        return next((_middle(index) for index, _ in self._filled()), 0.0)

    @property
    def maximum(self) -> float:
        """The longest duration; 0 when nothing was counted."""
        return next((_middle(i) for i in range(_SIZE - 1, -1, -1) if self._counts[i]), 0.0)

    @property
    def mean(self) -> float:
        """The arithmetic mean; 0 when nothing was counted."""
        total = self.count
        return sum(_middle(index) * count for index, count in self._filled()) / total if total else 0.0

    @property
    def stdev(self) -> float:
        """The sample standard deviation; 0 for fewer than two durations."""
        total = self.count
        if total < 2:
            return 0.0
        mean = self.mean
        return sqrt(sum((_middle(index) - mean) ** 2 * count for index, count in self._filled()) / (total - 1))

    def percentiles(self, percents: list[float]) -> list[float]:
        """Return the percentiles, in nanoseconds; 0 when nothing was counted.

        Args:
            percents: the percentages, 0 to 100, in ascending order.
        """
        total = self.count
        answers: list[float] = []
        filled = self._filled()
        passed, value = 0, 0.0
        for percent in percents:
            wanted = min(total, max(1, percent * total / 100))
            while passed < wanted:
                index, count = next(filled)
                passed += count
                value = _middle(index)
            answers.append(value)
        return answers

    def bars(self, number: int) -> list[Bar]:
        """Return `number` bars of equal width from the shortest duration up; the last one takes the whole tail.

        The tail begins at three times the mean at the latest, so that a few slow requests do not compress all others
        into the first bar. An empty histogram has no bars.
        """
        if not self.count:
            return []
        lowest, highest = self.minimum, self.maximum
        width = (min(highest, 3 * self.mean) - lowest) / number
        if width <= 0:
            return [Bar(highest, self.count)]
        counts = [0] * number
        for index, count in self._filled():
            counts[min(number - 1, int((_middle(index) - lowest) / width))] += count
        edges = [lowest + width * step for step in range(1, number)] + [highest]
        return [Bar(upper, count) for upper, count in zip(edges, counts, strict=True)]
