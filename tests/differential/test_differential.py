"""Gazelle against aiohttp 3.14.5: equal calls on equal servers send the same bytes and give the same results."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import pytest

import gazelle
from tests.conftest import Tls
from tests.support.punctual import HANG

from .arena import Arena, Transcript, differing, report, result
from .call import Call
from .calls import bodies, cookies, failures, heads, redirects, replies
from .differences import ANYTHING, DIFFERENCES, Difference

aiohttp = pytest.importorskip("aiohttp", minversion="3.14.5")

CALLS = {call.name: call for theme in (bodies, heads, cookies, redirects, replies, failures) for call in theme.calls()}


@pytest.fixture(scope="module")
def arena(tls: Tls) -> Iterator[Arena]:
    running = Arena(tls.server())
    yield running
    running.close()


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_a_call_goes_as_with_aiohttp_but_for_what_is_explained(call: Call, arena: Arena) -> None:
    end = monotonic() + HANG
    while True:
        arena.late = 0.0
        theirs, ours = arena.transcript(aiohttp, call), arena.transcript(gazelle, call)
        try:
            compare(call, theirs, ours)
        except AssertionError:
            # The time limits of a call, some of 80 ms, end it elsewhere if the event loop comes late.
            if arena.late < 0.03 or monotonic() > end:
                raise
        else:
            return


def compare(call: Call, theirs: Transcript, ours: Transcript) -> None:
    differences = differing(theirs, ours)
    known = [difference for difference in DIFFERENCES if difference.covers(call.name)]
    unexplained = {name for name in differences if not any(difference.explains(name) for difference in known)}
    assert not unexplained, report(unexplained, theirs, ours)
    for difference in known:
        assert any(difference.explains(name) for name in differences), f"no longer differs: {difference.why}"
        assert difference.ours in ("", result(ours)), difference.why


@pytest.mark.parametrize("difference", DIFFERENCES, ids=range(len(DIFFERENCES)))
def test_every_explanation_is_of_some_call_and_tells_what_comes_of_it(difference: Difference) -> None:
    assert any(difference.covers(name) for name in CALLS)
    assert difference.ours or difference.fields != ANYTHING


def test_there_are_several_hundred_calls() -> None:
    assert len(CALLS) >= 800
