"""Both builds of the engine say the same about mutated responses, and each says the same for all cuts.

GAZELLE_FUZZ_EXAMPLES: how many mutated inputs (default 50 000).
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.support import corpus, feeding, mutation
from tests.support.mutation import Edit, Input
from tests.support.transcript import Transcript, transcribe
from tests.support.twins import Twin
from tests.twins.known_differences import KNOWN_DIFFERENCES

EXAMPLES = int(os.environ.get("GAZELLE_FUZZ_EXAMPLES", "50000"))
SEEDS = range(10)
MESSAGES = tuple(case.data for case in corpus.load() if 0 < len(case.data) <= 2000)
Twins = tuple[Twin, Twin]


def answers(twins: Twins, given_input: Input) -> tuple[Transcript, Transcript]:
    """What both twins say about the input, cut as it says."""
    pure, accel = (transcribe(twin, given_input.pieces, **arming(given_input)) for twin in twins)
    return pure, accel


def arming(given_input: Input) -> dict[str, Any]:
    return given_input.arming


def complaint(twins: Twins, given_input: Input) -> str | None:
    """What is wrong about the answers; None if nothing is, or if the list of known differences explains it."""
    pure, accel = answers(twins, given_input)
    if pure != accel and not any(known.explains(given_input) for known in KNOWN_DIFFERENCES):
        return f"the twins differ\n  pure:  {pure}\n  accel: {accel}"
    for twin, cut in zip(twins, (pure, accel), strict=True):
        whole = transcribe(twin, feeding.whole(given_input.data), **arming(given_input))
        if whole.without_position() != cut.without_position():
            return f"{twin} depends on the cuts\n  whole: {whole}\n  cut:   {cut}"
    return None


def smallest(twins: Twins, given_input: Input) -> Input:
    """A smaller input that is complained about as well: bytes and cuts taken away as long as that holds."""
    size = len(given_input.data)
    while size:
        at = 0
        while at < len(given_input.data):
            data = given_input.data[:at] + given_input.data[at + size :]
            cuts = tuple(c if c <= at else max(at, c - size) for c in given_input.cuts)
            candidate = given_input._replace(data=data, cuts=cuts)
            if complaint(twins, candidate):
                given_input = candidate
            else:
                at += size
        size //= 2
    for cut in set(given_input.cuts):
        candidate = given_input._replace(cuts=tuple(c for c in given_input.cuts if c != cut))
        if complaint(twins, candidate):
            given_input = candidate
    return given_input


@pytest.mark.timeout(300 + EXAMPLES // 50)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_twins_agree_on_mutated_responses(both_twins: Twins, seed: int) -> None:
    for mutant in mutation.mutants(MESSAGES, EXAMPLES // len(SEEDS), seed):
        if complaint(both_twins, mutant):
            small = smallest(both_twins, mutant)
            pytest.fail(f"{small}\npieces {small.pieces}\n{complaint(both_twins, small)}", pytrace=False)


edits = st.builds(
    Edit,
    kind=st.sampled_from(sorted(set(mutation.KINDS))),
    at=st.integers(0, 2000),
    size=st.integers(0, 200),
    payload=st.sampled_from(mutation.TOKENS) | st.binary(max_size=8),
)


@st.composite
def inputs(draw: st.DrawFn) -> Input:
    data = draw(st.sampled_from(MESSAGES))
    if draw(st.booleans()):
        data = mutation.spliced(data, draw(st.sampled_from(MESSAGES)), draw(st.integers(0, 2000)), draw(st.integers(0)))
    data = mutation.edited(data, draw(st.lists(edits, max_size=6)))
    return Input(
        data,
        tuple(draw(st.lists(st.integers(0, len(data)), max_size=8))),
        draw(st.sampled_from(mutation.METHODS)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from(mutation.LIMITS)),
    )


@settings(
    max_examples=max(500, EXAMPLES // 50),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.timeout(300 + EXAMPLES // 50)
@given(given_input=inputs())
def test_the_twins_agree_on_responses_that_hypothesis_finds(both_twins: Twins, given_input: Input) -> None:
    note(f"pieces {given_input.pieces}")
    assert complaint(both_twins, given_input) is None


def test_known_differences_still_differ(both_twins: Twins) -> None:
    for known in KNOWN_DIFFERENCES:
        pure, accel = answers(both_twins, known.example)
        assert pure != accel, f"no longer a difference, take it off the list: {known.name}: {known.why}"
        assert known.explains(known.example)


def test_every_case_of_the_corpus_has_one_answer_for_both_twins(both_twins: Twins) -> None:
    for case in corpus.load():
        given_input = Input(case.data, (), case.method, case.upgrade, case.read_until_eof, case.eof, case.limits)
        pure, accel = answers(both_twins, given_input)
        assert pure == accel, case.id
