"""The switch takes all of the engine from one build, the one that GAZELLE_IMPL asks for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gazelle import _impl
from tests.support.twins import accel_is_built

PROGRAM = """
from gazelle import _impl
print(_impl.IMPL, *sorted({getattr(_impl, name).__module__ for name in ("HttpConnection", "Pool", "Call", "Origin")}))
"""


def switch(asked: str) -> subprocess.CompletedProcess[str]:
    """Import the switch in a process of its own."""
    environment = os.environ | {"GAZELLE_IMPL": asked}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_python_takes_all_of_the_pure_engine() -> None:
    names = "gazelle._pure.call gazelle._pure.connection gazelle._pure.origin gazelle._pure.pool"
    assert switch("python").stdout == f"python {names}\n"


@pytest.mark.parametrize("asked", ["c", "auto", ""])
def test_the_compiled_engine_is_taken_whole_where_it_is_built(asked: str) -> None:
    if not accel_is_built():
        pytest.skip("gazelle._accel is not built")
    names = "gazelle._accel.call gazelle._accel.connection gazelle._accel.origin gazelle._accel.pool"
    assert switch(asked).stdout == f"c {names}\n"


def test_another_engine_is_an_error_that_says_what_there_is() -> None:
    failed = switch("fast")
    assert failed.returncode == 1
    assert "GAZELLE_IMPL is 'fast'; it takes auto, c or python" in failed.stderr


def test_every_exported_name_is_there() -> None:
    assert [name for name in _impl.__all__ if not hasattr(_impl, name)] == []
    assert sorted(_impl.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)) == _impl.__all__
