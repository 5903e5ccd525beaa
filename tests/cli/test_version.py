"""`gazelle --version`."""

from __future__ import annotations

import pytest

from tests.cli.command import run_without


@pytest.mark.parametrize("missing", ["click", "rich", "no_such_module"])
def test_the_version_names_the_engine_and_needs_no_extra(missing: str) -> None:
    result = run_without(missing, "--version")

    assert result.returncode == 0
    assert result.stdout.startswith(b"gazelle ")
    assert b"engine: c," in result.stdout or b"engine: python," in result.stdout
