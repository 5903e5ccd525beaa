"""Files to send."""

from pathlib import Path

import pytest

from tests.support.bodies import LARGE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of a little more than 1 MiB."""
    path = tmp_path / "picture.png"
    path.write_bytes(LARGE + b"end")
    return path
