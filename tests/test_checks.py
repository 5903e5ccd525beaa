"""The checks of arguments: what they return, and the words of their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from multidict import CIMultiDict

import gazelle
from gazelle import checks


class Bool:
    """A bool of another library."""

    def __init__(self, value: bool) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return self.value


Bool.__name__ = "bool"


class Liar(str):
    """Text that claims to be false, and to equal anything."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash(True)


@pytest.mark.parametrize("value", [True, 1, Bool(True)])
def test_what_stands_for_true_becomes_true(value: Any) -> None:
    for check in (checks.check_flag, checks.check_flag_off, checks.check_flag_or_callable, checks.check_chunked):
        assert check("name", value) is True


@pytest.mark.parametrize("value", [False, 0, Bool(False)])
def test_what_stands_for_false_becomes_false(value: Any) -> None:
    for check in (checks.check_flag, checks.check_flag_off, checks.check_flag_or_callable, checks.check_chunked):
        assert check("name", value) is False


@pytest.mark.parametrize("value", ["", "false", 2, -1, 0.0, 1.0, [], Liar("x"), object()])
def test_what_is_true_or_false_only_to_python_is_no_flag(value: Any) -> None:
    for check in (checks.check_flag, checks.check_flag_off, checks.check_flag_or_callable):
        with pytest.raises(TypeError, match=r"^name should be True.* got "):
            check("name", value)


def test_none_is_off_only_where_off_is_the_default() -> None:
    assert checks.check_flag_off("name", None) is False
    assert checks.check_flag_or_callable("name", None) is False
    with pytest.raises(TypeError, match="name should be True or False, got None"):
        checks.check_flag("name", None)


def test_a_size_of_chunks_counts_as_true() -> None:
    assert checks.check_chunked("name", 1024) is True
    with pytest.raises(TypeError, match="got -1"):
        checks.check_chunked("name", -1)


class Seven:
    """A whole number of another library."""

    def __index__(self) -> int:
        return 7


def test_a_whole_number_may_be_of_another_library() -> None:
    number = checks.check_number(1, 9)("name", Seven())
    assert (number, type(number)) == (7, int)


@pytest.mark.parametrize("value", ["1", 1.0, None, True, []])
def test_what_is_no_whole_number_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="name should be a whole number from 0 to 9, got "):
        checks.check_number(0, 9)("name", value)


@pytest.mark.parametrize("value", [-1, 10, 10**400])
def test_a_whole_number_out_of_range_is_a_value_error(value: int) -> None:
    with pytest.raises(ValueError, match="name should be a whole number from 0 to 9, got ") as caught:
        checks.check_number(0, 9)("name", value)
    assert len(str(caught.value)) < 200


def test_the_ends_of_a_range_are_in_it() -> None:
    check = checks.check_number(1)
    assert [check("name", value) for value in (1, 2**40)] == [1, 2**40]
    with pytest.raises(ValueError, match=r"from 1 to 2\*\*40"):
        check("name", 2**40 + 1)


@pytest.mark.parametrize(
    ("value", "error"),
    [("1", TypeError), (True, TypeError), (None, TypeError), (-0.1, ValueError), (float("inf"), ValueError)],
)
def test_what_is_no_time_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="name should be a number of seconds"):
        checks.check_seconds("name", value)
    assert checks.check_seconds("name", 0.5) == 0.5


def test_none_passes_an_optional_check_and_nothing_else_does() -> None:
    check = checks.optional(checks.check_callable)
    assert check("name", None) is None
    assert check("name", print) is print
    with pytest.raises(TypeError, match="name should be a function, got 0"):
        check("name", 0)


class Jar:
    """An object with a method of the same name."""

    def filter_cookies(self) -> None:
        """Finds none."""


def test_an_object_may_be_of_another_class_with_the_same_methods() -> None:
    check = checks.check_object(gazelle.CookieJar, "filter_cookies")
    for good in (gazelle.CookieJar(), Jar()):
        assert check("name", good) is good
    for bad in (Jar, gazelle.CookieJar, 3):  # a class is not one of its objects
        with pytest.raises(TypeError, match="name should be of type CookieJar, or an object with filter_cookies, got"):
            check("name", bad)
    with pytest.raises(TypeError, match="name should be of type CookieJar, got"):
        checks.check_object(gazelle.CookieJar)("name", Jar())


def test_a_class_may_be_a_subclass() -> None:
    check = checks.check_class(int)
    assert (check("name", int), check("name", bool)) == (int, bool)
    for bad in (str, 3):
        with pytest.raises(TypeError, match="name should be int or a subclass of it, got"):
            check("name", bad)


def test_several_things_become_a_tuple() -> None:
    check = checks.check_several("functions", checks.check_callable)
    assert check("name", iter([print, len])) == (print, len)
    for bad in (print, "x", {1: print}, b"", 3):
        with pytest.raises(TypeError, match="name should be a list or tuple of functions, got"):
            check("name", bad)
    with pytest.raises(TypeError, match="each item of name should be a function, got 3"):
        check("name", [print, 3])


@pytest.mark.parametrize("value", ["", ".a", "a b", "a\0b", "a\nb", "\ud800", "a" * 256])
def test_text_that_is_no_name_of_a_host_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="name should be the name of a host, got"):
        checks.check_server_name("name", value)


def test_a_version_is_one_of_the_two_that_are_spoken() -> None:
    assert checks.check_version("name", (1, 0)) is gazelle.HttpVersion10
    assert checks.check_version("name", gazelle.HttpVersion11) is gazelle.HttpVersion11
    with pytest.raises(ValueError, match="name should be HttpVersion11 or HttpVersion10, got"):
        checks.check_version("name", (1, 2))


def pairs() -> Iterator[tuple[str, str]]:
    yield "a", "b"


def test_pairs_from_an_iterator_can_be_read_again() -> None:
    for good in (pairs(), [("a", "b")], {("a", "b")}):
        assert checks.check_pairs("name", good) == [("a", "b")]
    mapping = CIMultiDict(a="b")
    assert checks.check_pairs("name", mapping) is mapping


@pytest.mark.parametrize(
    "value", ["secret", b"secret", 3, None, ["secret"], [3], [("secret",)], [("a", "b", "secret")]]
)
def test_what_is_no_pairs_is_refused_and_not_shown(value: Any) -> None:
    with pytest.raises(TypeError, match="name should be a mapping, or pairs of a name and a value, got") as caught:
        checks.check_pairs("name", value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["User-Agent", 3, [3], [b"Accept"]])
def test_what_is_no_names_of_fields_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="name should be names of header fields"):
        checks.check_names("name", value)
    assert checks.check_names("name", None) == []
    assert checks.check_names("name", iter(["Accept"])) == ["Accept"]


class Credentials:
    """Credentials of another library."""

    login = "a"

    def encode(self) -> str:
        return "Basic YTpi"


def test_credentials_may_be_of_another_library() -> None:
    good: list[Any] = [gazelle.BasicAuth("a", "b"), Credentials()]
    for auth in good:
        assert checks.check_auth("name", auth) is auth
    for bad in ("secret", ("a", "secret"), b"secret"):
        with pytest.raises(TypeError, match="name should be a BasicAuth, got") as caught:
            checks.check_auth("name", bad)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("check", [checks.check_flag, checks.check_callable, checks.check_number(0)])
def test_a_long_value_is_cut_in_an_error(check: Callable[[str, Any], Any]) -> None:
    with pytest.raises(TypeError) as caught:
        check("name", "x" * 10**6)
    assert len(str(caught.value)) < 150
