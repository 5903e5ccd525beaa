"""A jar and its clock."""

from __future__ import annotations

import pytest

from gazelle.cookies.jar import CookieJar
from tests.cookies.jars import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the clock of jars."""
    clock = Clock()
    monkeypatch.setattr("gazelle.cookies.jar.time", clock)
    monkeypatch.setattr("gazelle.cookies.unstored.time", clock)
    return clock


@pytest.fixture
def jar(clock: Clock) -> CookieJar:
    """Return an empty jar."""
    return CookieJar()
