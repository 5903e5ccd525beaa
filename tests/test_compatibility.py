"""The pages that compare Gazelle with aiohttp say what is so."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import gazelle

from .support.compatibility import MIGRATION, TABLE, find_answers, write_migration, write_table
from .support.reference import Row, load_notes, load_reference, look_up, rows

ROOT = Path(__file__).parent.parent
REFERENCE = load_reference()
ROWS = [row for name, entry in REFERENCE.items() for row in rows(name, entry)]


def test_the_table_is_what_is_looked_up_now() -> None:
    assert TABLE.read_text(encoding="utf-8") == write_table(find_answers()), "run ci/compatibility"


def test_the_migration_page_lists_the_differences_of_now() -> None:
    text = MIGRATION.read_text(encoding="utf-8")
    assert text == write_migration(text), "run ci/compatibility"


def test_what_is_missing_is_explained() -> None:
    assert not find_answers().unexplained


def test_no_explanation_is_of_what_is_there() -> None:
    assert not find_answers().stale


def test_a_row_that_the_table_calls_there_is_there() -> None:
    shown = {note.rows for note in load_notes() if note.status == "has"}
    for found in find_answers().found.values():
        for answer in found:
            if answer.status == "has" and not answer.why:
                assert look_up(gazelle, answer.row) is None, answer.row.title
            elif answer.status == "has":
                assert any(answer.row.title in titles for titles in shown)


def test_what_a_test_is_said_to_show_has_that_test() -> None:
    for note in load_notes():
        if note.status == "has":
            path, _, name = note.why.partition(": ")
            assert name.strip("`").removeprefix("redirects/") in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "way"),
    [
        (Row("ClientSession", "(base_url)", "None"), None),
        (Row("ClientSession", "(nothing_like_it)", "None"), "missing"),
        (Row("ClientSession", "(auto_decompress)", "False", keyword=True), "default True"),
        (Row("ClientSession", "(connector)", "None"), "by name only"),
        (Row("ClientSession", "get(params)", "None", keyword=True), None),
        (Row("ClientSession", "get(max_redirects)", "11", keyword=True), "default 10"),
        (Row("ClientSession", "nothing_like_it"), "missing"),
        (Row("ClientResponse", "status"), None),
        (Row("ContentTypeError", ": ClientResponseError"), None),
        (Row("ContentTypeError", ": ClientPayloadError"), "missing"),
        (Row("NothingLikeIt", ""), "missing"),
    ],
)
def test_looking_up_tells_what_is_there(row: Row, way: str | None) -> None:
    assert look_up(gazelle, row) == way


# --- the list is that of aiohttp -------------------------------------------------------------------


@pytest.fixture(scope="module")
def aiohttp() -> Any:
    return pytest.importorskip("aiohttp", minversion="3.14.5")


def test_every_name_of_aiohttp_is_in_the_list(aiohttp: Any) -> None:
    assert set(aiohttp.__all__) <= REFERENCE.keys()


def test_every_public_member_of_aiohttp_is_in_the_list(aiohttp: Any) -> None:
    listed = {(row.name, row.part) for row in ROWS}
    for name, entry in REFERENCE.items():
        if entry["kind"] in ("class", "exception"):
            for member, value in vars(getattr(aiohttp, name)).items():
                if not member.startswith("_"):
                    assert (name, member) in listed
                    parameters = _parameters(value) if inspect.isfunction(value) else set()
                    assert {(name, f"{member}({parameter})") for parameter in parameters} <= listed


def _parameters(function: Any) -> set[str]:
    listed = inspect.signature(function).parameters.values()
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {one.name for one in listed if one.kind not in variable and one.name[0] != "_"} - {"self"}


def test_every_row_of_the_list_is_in_aiohttp(aiohttp: Any) -> None:
    taken = _parameters(aiohttp.ClientSession._request) | _parameters(aiohttp.request)
    for row in ROWS:
        name = row.part.rpartition("(")[2].rstrip(")")
        if row.page:
            assert look_up(aiohttp, row) is not None, row.title
        elif (row.part and (row.name, row.part) == ("request", f"({name})")) or row.part == f"request({name})":
            assert name in taken, row.title  # it takes them as **kwargs
        else:
            assert look_up(aiohttp, row) is None, row.title
