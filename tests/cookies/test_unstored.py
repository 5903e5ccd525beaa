"""Cookies of one call are sent as a jar with these shared cookies alone would send them."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gazelle.cookies.jar import CookieJar
from gazelle.cookies.parse import MAX_SENT
from gazelle.cookies.unstored import unstored_pairs
from tests.cookies.jars import Clock

NAMES = st.sampled_from(["a", "b", "a b", "é", "__Host-a", "__secure-b", "a=b", "", " a", "c;", "x\n"])
VALUES = st.one_of(
    st.sampled_from(["", "1", "x y", '"x y"', "a;b", '"a\\073b"', "é", "x\r\ny", "\ud800", "y" * 4000]),
    st.integers(0, 9),
    st.text(max_size=4),
)
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "path": st.sampled_from(["/", "/x", "x", "/\n"]),
        "domain": st.sampled_from(["example.org", ".", ".example.org"]),
        "secure": st.booleans(),
        "max-age": st.sampled_from(["0", "-1", "5", 5, "x"]),
        "expires": st.sampled_from(["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "never"]),
    },
)


def make(name: str, coded: str, attributes: dict[str, Any]) -> Morsel[str]:
    morsel: Morsel[str] = Morsel()
    morsel.__setstate__({"key": name, "value": coded, "coded_value": coded})  # type: ignore[attr-defined]
    for attribute, value in attributes.items():
        dict.__setitem__(morsel, attribute, value)
    return morsel


def outcome(call: Callable[[], object]) -> object:
    """Return the result of a call, or the message of its error."""
    try:
        return call()
    except ValueError as error:
        return str(error)


MORSELS = st.builds(make, NAMES, VALUES, ATTRIBUTES)


@given(cookies=st.lists(st.tuples(NAMES, VALUES | MORSELS), max_size=6), quoted=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_pairs_equal_the_shared_cookies_of_a_jar(clock: Clock, cookies: list[Any], quoted: bool) -> None:
    def stored() -> list[tuple[str, str]]:
        jar = CookieJar(unsafe=True, quote_cookie=quoted)
        jar.update_cookies(cookies)
        return list(jar.pairs_for("", "/", True))

    assert outcome(lambda: unstored_pairs(cookies, quoted=quoted)) == outcome(stored)


@pytest.mark.parametrize("quoted", [True, False])
def test_too_many_cookies_leave_out_the_oldest(quoted: bool) -> None:
    pairs = [(f"c{n:03}", "v") for n in range(200)] + [("c000", "again")]
    names = [name for name, _ in unstored_pairs(pairs, quoted=quoted)]
    assert names == ["c000"] + [f"c{n:03}" for n in range(200 - MAX_SENT + 1, 200)]


def test_a_simple_cookie_is_sent_with_its_quotes() -> None:
    cookies: SimpleCookie = SimpleCookie({"b": "x y", "a": "1"})
    assert unstored_pairs(cookies, quoted=True) == [("a", "1"), ("b", '"x y"')]
    assert unstored_pairs(cookies, quoted=False) == [("a", "1"), ("b", "x y")]


def test_a_name_that_is_not_text_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        unstored_pairs([(1, "x")], quoted=True)  # type: ignore[list-item]
