"""The histogram of durations: its answers beside those of the full list."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle.cli.histogram import LatencyHistogram

NEAR = 0.003
DURATIONS = st.lists(st.integers(100, 2**50 - 1), min_size=1)


def histogram_of(durations: list[int]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for duration in durations:
        histogram.record(duration)
    return histogram


@given(st.integers(100, 2**50 - 1))
def test_a_single_duration_is_found_again_within_the_promised_error(duration: int) -> None:
    histogram = histogram_of([duration])

    for found in (histogram.minimum, histogram.maximum, histogram.mean, histogram.percentiles([50])[0]):
        assert found == pytest.approx(duration, rel=NEAR)
    assert histogram.stdev == 0


@given(DURATIONS)
def test_count_extremes_and_mean_are_those_of_the_list(durations: list[int]) -> None:
    histogram = histogram_of(durations)

    assert histogram.count == len(durations)
    assert histogram.minimum == pytest.approx(min(durations), rel=NEAR)
    assert histogram.maximum == pytest.approx(max(durations), rel=NEAR)
    assert histogram.mean == pytest.approx(statistics.fmean(durations), rel=NEAR)


@given(DURATIONS, st.lists(st.integers(1, 100)))
def test_percentiles_are_those_of_the_list(durations: list[int], percents: list[int]) -> None:
    percents.sort()
    ordered = sorted(durations)
    expected = [ordered[-(-len(ordered) * percent // 100) - 1] for percent in percents]

    assert histogram_of(durations).percentiles([float(percent) for percent in percents]) == pytest.approx(
        expected, rel=NEAR
    )


def test_the_standard_deviation_is_that_of_the_list() -> None:
    durations = [value**2 for value in range(1000, 2000)]

    assert histogram_of(durations).stdev == pytest.approx(statistics.stdev(durations), rel=NEAR)


@given(DURATIONS, st.integers(1, 20))
def test_the_bars_hold_every_duration_once_and_reach_the_longest(durations: list[int], number: int) -> None:
    histogram = histogram_of(durations)

    bars = histogram.bars(number)

    assert sum(bar.number for bar in bars) == len(durations)
    assert bars[-1].upper == histogram.maximum
    assert [bar.upper for bar in bars] == sorted(bar.upper for bar in bars)
    assert len(bars) in (1, number)


def test_the_last_bar_takes_the_tail_so_that_the_body_keeps_its_shape() -> None:
    bars = histogram_of([1_000_000, 1_100_000, 1_200_000, 1_300_000] * 1000 + [1_000_000_000]).bars(10)

    assert sum(1 for bar in bars if bar.number) >= 2
    assert bars[-1].number == 1


def test_an_empty_histogram_answers_with_zero_and_no_bars() -> None:
    histogram = LatencyHistogram()

    assert (histogram.count, histogram.minimum, histogram.maximum, histogram.mean, histogram.stdev) == (0, 0, 0, 0, 0)
    assert histogram.percentiles([50, 99.9]) == [0, 0]
    assert histogram.bars(10) == []


def test_a_clock_that_has_not_moved_counts_as_the_shortest_duration() -> None:
    histogram = histogram_of([0, 0])

    assert histogram.count == 2
    assert histogram.maximum == pytest.approx(1, rel=NEAR)


def test_memory_does_not_grow_with_the_number_of_durations() -> None:
    histogram = histogram_of([10**6])
    size = len(histogram._counts)

    for duration in range(10**6, 10**6 + 10_000):
        histogram.record(duration)

    assert len(histogram._counts) == size
