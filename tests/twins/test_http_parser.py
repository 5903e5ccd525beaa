"""Every case of the corpus, on both twins, cut in every way."""

import pytest

from tests.support import corpus, feeding
from tests.support.transcript import check, transcribe_case
from tests.support.twins import Twin

CASES = corpus.load()
# Inputs up to here are cut at every place; longer ones at random places and around their end.
EVERY_SPLIT = 400
BYTE_BY_BYTE = 20000

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CASES) >= 300
    assert all(case.why for case in CASES)


@each_case
def test_a_response_fed_whole_gives_the_expected_answer(twin: Twin, case: corpus.Case) -> None:
    check(case, transcribe_case(twin, case, feeding.whole(case.data)))


@each_case
def test_a_response_fed_byte_by_byte_gives_the_expected_answer(twin: Twin, case: corpus.Case) -> None:
    pieces = feeding.byte_by_byte(case.data[-BYTE_BY_BYTE:])
    if len(case.data) > BYTE_BY_BYTE:
        pieces = (case.data[:-BYTE_BY_BYTE], *pieces)
    check(case, transcribe_case(twin, case, pieces))


@each_case
def test_a_response_cut_anywhere_gives_the_same_answer(twin: Twin, case: corpus.Case) -> None:
    if len(case.data) <= EVERY_SPLIT:
        ways = list(feeding.every_split(case.data))
    else:
        ways = list(feeding.random_splits(case.data, rounds=40))
        ways += [feeding.cut(case.data, [len(case.data) - back]) for back in range(1, 40)]
        ways += [feeding.slices(case.data, size) for size in (100, 1460, 4096)]
    answer = transcribe_case(twin, case, feeding.whole(case.data)).without_position()
    for pieces in ways:
        assert transcribe_case(twin, case, pieces).without_position() == answer, pieces[:2]
