"""A clock that tests set."""

from __future__ import annotations

import pytest


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that jars look at."""
    clock = Clock()
    monkeypatch.setattr("gazelle.cookies.jar.time", clock)
    return clock
