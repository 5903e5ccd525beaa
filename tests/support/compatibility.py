"""The pages of the documentation that compare Gazelle with aiohttp: what is said there is looked up here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gazelle
from tests.differential.differences import DIFFERENCES

from .reference import Note, Row, load_notes, load_reference, look_up, rows

ROOT = Path(__file__).parent.parent.parent
TABLE = ROOT / "docs" / "compatibility.md"
MIGRATION = ROOT / "docs" / "migration.md"

_GENERATED = re.compile(r"(<!-- differences -->\n).*?(<!-- /differences -->\n)", re.DOTALL)

_INTRODUCTION = """\
# Compatibility with aiohttp

Every name, parameter, default, property and method of aiohttp 3.14.5's client and of the client reference, and whether
Gazelle has it. `ci/compatibility` writes this page. What it calls *has* was looked up in Gazelle when it was written,
and a test looks it up again: the name is there, the parameter is taken in the same place, the default is the same.

- *has*: there, and the same as far as looking up can tell. What it does is compared by
  [calls through both](migration.md#what-differs-and-why).
- *differs*: there in another form, with the reason.
- *not yet*: to come, with the theme it belongs to.
- *left out*: not there and not to come, with the reason.

In the column of aiohttp, `page` means that only the client reference has it.

"""


class Answer(NamedTuple):
    """What the page says of a row."""

    row: Row
    status: str
    why: str


class Answers(NamedTuple):
    """What the page says of all rows, and what it cannot say.

    Args:
        found: what it says, by name.
        unexplained: titles of rows that are not there and have no note, with the way they differ.
        stale: notes, or patterns of one, that explain nothing.
    """

    found: dict[str, list[Answer]]
    unexplained: list[str]
    stale: list[str]


def find_answers(library: Any = gazelle) -> Answers:
    """Looks up everything in a library."""
    notes = load_notes()
    used: set[tuple[int, str]] = set()
    answers = Answers({}, [], [])
    for name, entry in load_reference().items():
        said: dict[str, Answer] = {}  # of the name itself, and of its members
        for row in rows(name, entry):
            whole = said.get(""), said.get(row.part.partition("(")[0])
            answer = _answer(library, row, notes, whole, used)
            said[row.part] = answer
            if answer.status == "unexplained":
                answers.unexplained.append(f"{row.title}: {answer.why}")
            answers.found.setdefault(name, []).append(answer)
    for number, note in enumerate(notes):
        answers.stale.extend(pattern for pattern in note.rows if (number, pattern) not in used)
    return answers


def _answer(
    library: Any, row: Row, notes: list[Note], whole: tuple[Answer | None, ...], used: set[tuple[int, str]]
) -> Answer:
    way = look_up(library, row)
    for answer in whole:  # what is missing as a whole is explained there
        if way is not None and answer is not None and answer.status != "has":
            return Answer(row, answer.status, answer.why)
    for number, note in enumerate(notes):
        if note.covers(row) and note.taken == (way is None):
            used.update((number, pattern) for pattern in note.rows if Note((pattern,), "", "").covers(row))
            return Answer(row, note.status, note.why)
    return Answer(row, "has", "") if way is None else Answer(row, "unexplained", way)


def write_table(answers: Answers) -> str:
    """Returns the page with the table."""
    text = [_INTRODUCTION, *_summary(answers)]
    for name in sorted(answers.found, key=str.lower):
        text += _section(name, answers.found[name])
    return "".join(text)


def _summary(answers: Answers) -> Iterator[str]:
    counts = Counter(answer.status for found in answers.found.values() for answer in found)
    yield "| | |\n|---|---:|\n"
    for status in ("has", "differs", "not yet", "left out", "unexplained"):
        if counts[status] or status != "unexplained":
            yield f"| {status} | {counts[status]} |\n"
    names = [found[0] for name, found in answers.found.items() if name != "import"]
    have = sum(answer.status == "has" for answer in names)
    yield f"\n{have} of {len(names)} names at the top of the package are there.\n"
    for status in ("not yet", "left out"):
        themes: dict[str, list[str]] = {}
        for found in answers.found.values():
            for answer in found:
                missing = {one.row.part for one in found if one.status == status}
                inside = answer.row.part.partition("(")[0] in missing - {answer.row.part}
                if answer.status == status and not inside and (answer is found[0] or found[0].status == "has"):
                    themes.setdefault(answer.why, []).append(f"`{answer.row.title}`")
        yield f"\n## {status.capitalize()}\n\n"
        for why, titles in themes.items():
            yield f"- {why}: {', '.join(titles)}\n"


def _section(name: str, found: list[Answer]) -> Iterator[str]:
    first = found[0]
    heading = "Modules" if name == "import" else f"`{name}`"
    yield f"\n## {heading}\n\n"
    if len(found) == 1:
        yield f"{_status(first)}\n"
        return
    if name != "import" and first.status != "has":
        yield f"{_status(first)}\n\n"
    yield "| what | aiohttp | Gazelle |\n|---|---|---|\n"
    for answer in found[1:]:
        row = answer.row
        theirs = "page" if row.page else "" if row.default is None else f"`{row.default}`"
        title = row.part.removeprefix(": ") if name != "import" else f"aiohttp.{row.part}"
        same = first.status != "has" and (answer.status, answer.why) == (first.status, first.why)
        ours = answer.status if same else _status(answer)
        yield f"| `{title}` {_kind(row)}| {theirs} | {ours} |\n"


def _kind(row: Row) -> str:
    return "(base) " if row.part.startswith(": ") else ""


def _status(answer: Answer) -> str:
    return answer.status + (f": {answer.why}" if answer.why else "")


def write_migration(text: str) -> str:
    """Returns the page about coming from aiohttp with the list of differences as it is now."""
    listed = "".join(f"| {_call(difference.calls)} | {difference.why} |\n" for difference in DIFFERENCES)
    table = f"| for example | what, and why |\n|---|---|\n{listed}"
    return _GENERATED.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", text)


def _call(calls: tuple[str, ...]) -> str:
    name = re.sub(r"\[(.)[^]]*\]", r"\1", calls[0]).replace("|", r"\|")
    return f"`{name}`"
