"""Cookie dates (RFC 6265 §5.1.1)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle.fields.dates import MAX_TIME, format_date, parse_date

DATES: dict[str, tuple[int, ...] | None] = {
    "Wed, 09 Jun 2021 10:18:14 GMT": (2021, 6, 9, 10, 18, 14),
    "Wednesday, 09-Jun-21 10:18:14 GMT": (2021, 6, 9, 10, 18, 14),
    "Wed Jun  9 10:18:14 2021": (2021, 6, 9, 10, 18, 14),
    "9 jUNe 2021 10:18:14": (2021, 6, 9, 10, 18, 14),
    "10:18:14 2021 9 June": (2021, 6, 9, 10, 18, 14),
    "9 21 June 10:18:14": (2021, 6, 9, 10, 18, 14),
    "21 9 June 10:18:14": None,  # the first number of at most two digits is the day
    "Wed Jun 09 2021 10:18:14 GMT-0500 (EST)": (2021, 6, 9, 10, 18, 14),
    "9th June 2021y 1:2:3pm": (2021, 6, 9, 1, 2, 3),
    "1 Jan 70 0:0:0": (1970, 1, 1, 0, 0, 0),
    "1 Jan 69 0:0:0": (2069, 1, 1, 0, 0, 0),
    "1 Jan 99 0:0:0": (1999, 1, 1, 0, 0, 0),
    "1 Jan 00 0:0:0": (2000, 1, 1, 0, 0, 0),
    "1 Jan 1601 0:0:0": (1601, 1, 1, 0, 0, 0),
    "31 Dec 9999 23:59:59": (9999, 12, 31, 23, 59, 59),
    "29 Feb 2024 0:0:0": (2024, 2, 29, 0, 0, 0),
    "09 Jun 2021 10:18:14 10 Jul 2022 11:19:15": (2021, 6, 9, 10, 18, 14),
    "!09/Jun@2021{10:18:14~": (2021, 6, 9, 10, 18, 14),
    "1 Jan 1600 0:0:0": None,
    "1 Jan 100 0:0:0": None,
    "1 Jan 10000 0:0:0": None,
    "29 Feb 2023 0:0:0": None,
    "31 Apr 2021 0:0:0": None,
    "0 Jan 2021 0:0:0": None,
    "32 Jan 2021 0:0:0": None,
    "1 Jan 2021 24:00:00": None,
    "1 Jan 2021 00:60:00": None,
    "1 Jan 2021 00:00:60": None,
    "1 Jan 2021 00:00": None,
    "1 Jan 2021 00: 00:00": None,
    "1 Jan 2021": None,
    "Jan 2021 00:00:00": None,
    "1 2021 00:00:00": None,
    "1 Jan 00:00:00": None,
    "1 Foo 2021 00:00:00": None,
    "١ Jan 2021 00:00:00": None,
    "2021-06-09T10:18:14Z": None,
    "Thu, 01 Jan": None,
    "0": None,
    "": None,
}


@pytest.mark.parametrize("text", DATES)
def test_dates_are_read_as_the_rfc_says(text: str) -> None:
    expected = DATES[text]
    if expected is not None:
        year, month, day, hour, minute, second = expected
        assert parse_date(text) == datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    else:
        assert parse_date(text) is None


@given(st.integers(-(10**10), MAX_TIME))
def test_a_date_that_was_written_is_read_again(seconds: int) -> None:
    assert parse_date(format_date(seconds)) == seconds


@given(st.text())
def test_no_text_makes_the_reader_of_dates_fail(text: str) -> None:
    parse_date(text)
