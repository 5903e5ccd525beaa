"""The reference in the documentation is what the docstrings say now."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gazelle

ROOT = Path(__file__).parent.parent
PAGES = [page for page in sorted((ROOT / "docs" / "reference").glob("*.md")) if page.name != "README.md"]
# A heading, the signature if there is one, and the first line of the docstring.
ENTRY = re.compile(r"^## `(\w+)`\n\n(?:```py\n.*?^```\n\n)?([^\n]*)$", re.MULTILINE | re.DOTALL)
FIRST_LINES = {name: line for page in PAGES for name, line in ENTRY.findall(page.read_text(encoding="utf-8"))}


def test_the_pages_are_what_the_docstrings_say() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "ci" / "reference"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run ci/reference\n{done.stdout}{done.stderr}"


def test_every_public_name_is_there_once() -> None:
    entries = [name for page in PAGES for name, _ in ENTRY.findall(page.read_text(encoding="utf-8"))]
    assert sorted(entries) == sorted(gazelle.__all__)


@pytest.mark.parametrize("name", gazelle.__all__)
def test_the_first_line_about_a_public_name_is_whole_sentences(name: str) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", FIRST_LINES[name])
