"""Cookie dates: parsed as RFC 6265 §5.1.1 specifies, and written as IMF-fixdate."""

import re
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Final

MAX_TIME: Final = 253402300799
"""Largest date in seconds since 1970: the last second of the year 9999."""

_DELIMITERS: Final = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL)
_DAY: Final = re.compile(r"([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL)
_YEAR: Final = re.compile(r"([0-9]{2,4})(?:[^0-9].*)?", re.DOTALL)
_MONTHS: Final = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)  # noqa: SIM905
}
_FIRST_YEAR: Final = 1601


def parse_date(text: str) -> int | None:
    """Return a cookie date as seconds since 1970, or None if it is malformed (RFC 6265 §5.1.1).

    Time, day, month and year may be in any order; other words, including time zones, are ignored.
    """
    time = day = month = year = None
    for token in _DELIMITERS.split(text):
        # The order of the tests is that of the RFC: a token is used by the first test that it passes.
        if time is None and (found := _TIME.fullmatch(token)) is not None:
            time = int(found[1]), int(found[2]), int(found[3])
        elif day is None and (found := _DAY.fullmatch(token)) is not None:
            day = int(found[1])
        elif month is None and (number := _MONTHS.get(token[:3].lower())) is not None:
            month = number
        elif year is None and (found := _YEAR.fullmatch(token)) is not None:
            year = int(found[1])
    if time is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    if year < _FIRST_YEAR:
        return None
    try:
        hour, minute, second = time
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:  # there is no such day or time
        return None


def format_date(seconds: int) -> str:
    """Return seconds since 1970 as an IMF-fixdate (RFC 9110 §5.6.7)."""
    return formatdate(seconds, usegmt=True)
