"""JSON bodies, on both twins: byte for byte what `json.dumps` writes, and its errors."""

import json
import math
from collections import OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.twins import Twin


class Size(IntEnum):
    SMALL = 1


class Colour(StrEnum):
    RED = "red"


class Loud(str):
    """A str that shouts where it is asked for its text."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


class Reversed(dict[str, Any]):
    """A dict that lists its members backwards."""

    def items(self) -> Any:
        return list(super().items())[::-1]


Point = namedtuple("Point", "x y")

NUMBERS = [0, -1, 9, 10, 2**31, -(2**31), 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**40, True, False]
FLOATS = [0.0, -0.0, 1.0, 129.95, 1e16, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, math.nan, math.inf, -math.inf]
TEXTS = [
    "",
    *map(chr, range(0x180)),
    "plain",
    'a"b\\c/d\b\f\n\r\t\x00\x1f\x7f',
    "\u2028\u2029\ufeff\uffff",
    "\U00010000\U0001f98c\U0010ffff",
    "\ud800",
    "\udfff\ud800",
    "ä" * 5000,
    "\n" * 5000,
    "\U0001f98c" * 5000,
    "x" * 5000 + "\U0010ffff",
]
OTHERS = [
    Size.SMALL,
    Colour.RED,
    Loud("quiet"),
    Point(1, [2]),
    Reversed(a=1, b=2),
    OrderedDict(b=1, a=2),
    defaultdict(list, a=[1]),
    {1: "a", -7: "b", 10**40: "c", None: 1, False: 2, 2.5: 3, math.nan: 4},
    {Colour.RED: 1, Loud("x"): 2, Size.SMALL: 3},
    {1: "int", "1": "str"},
    (),
    [],
    {},
    (1, (2, ()), [], {}),
]


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 3 else {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [None, *NUMBERS, *FLOATS, *TEXTS, *OTHERS, *(nested(depth) for depth in (1, 63, 64, 65, 66, 500))],
    ids=lambda value: ascii(value)[:24],
)
def test_the_text_is_that_of_the_standard_library(twin: Twin, value: Any) -> None:
    for each in (value, [value], {"a": value, "b": [value, value]}):
        assert twin.json_text.serialize_json(each) == json.dumps(each).encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: (
            st.lists(inner)
            | st.lists(inner).map(tuple)
            | st.dictionaries(st.text(st.characters()) | st.integers() | st.none() | st.floats(), inner)
        ),
    )
)
def test_any_value_is_written_as_the_standard_library_writes_it(value: Any) -> None:
    for name in ("pure", "accel"):
        assert Twin(name).json_text.serialize_json(value) == json.dumps(value).encode()


def circular(kind: str) -> Any:
    value: Any = {} if kind == "dict" else []
    inner: Any = {"up": value, "text": "x" * 100}
    if kind == "dict":
        value["down"] = [inner, inner]
    else:
        value += [inner, inner]
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        b"bytes",
        Decimal(1),
        1j,
        {"a": [object()]},
        {(1, 2): 3},
        {b"a": 1},
        circular("dict"),
        circular("list"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_are_those_of_the_standard_library(twin: Twin, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as expected:
        json.dumps(value)
    with pytest.raises(expected.type) as raised:
        twin.json_text.serialize_json(value)
    assert str(raised.value) == str(expected.value)


def test_what_was_an_error_once_is_none_when_it_was_mended(twin: Twin) -> None:
    value: list[Any] = [1]
    value.append(value)
    with pytest.raises(ValueError, match="Circular"):
        twin.json_text.serialize_json(value)
    value.pop()
    assert twin.json_text.serialize_json([value, value]) == b"[[1], [1]]"


def test_the_same_value_in_two_places_is_no_circle(twin: Twin) -> None:
    shared = {"a": [1]}
    assert twin.json_text.serialize_json([shared, shared]) == b'[{"a": [1]}, {"a": [1]}]'


def test_what_a_program_taught_the_standard_encoder_counts(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.JSONEncoder, "default", lambda self, value: f"<{value}>")
    assert twin.json_text.serialize_json({"a": Decimal("1.5")}) == b'{"a": "<1.5>"}'
