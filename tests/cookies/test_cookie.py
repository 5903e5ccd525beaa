"""A cookie: its quotes, its path and its default path (RFC 6265 §5.1.4, RFC 2109 §10.1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle.cookies.cookie import default_path, path_matches, quote, unquote
from gazelle.cookies.jar import CookieJar
from tests.cookies.jars import receive

QUOTED = {
    "": "",
    '"': '"',
    '""': "",
    '"a"': "a",
    'a"b"': 'a"b"',
    '"a\\"b"': 'a"b',
    '"a\\\\b"': "a\\b",
    '"a\\073b"': "a;b",
    '"a\\351b"': "aéb",
    '"a\\477b"': "a477b",
    '"a\\07"': "a07",
    '"a\\"': '"a\\"',
    '"a\\012b"': '"a\\012b"',
    '"a\\000b"': '"a\\000b"',
}


@pytest.mark.parametrize("coded", QUOTED)
def test_quotes_and_escapes_come_off(coded: str) -> None:
    expected = QUOTED[coded]
    if coded == '"a\\"':  # the escape has nothing to escape, as the quote is the end
        expected = "a\\"
    assert unquote(coded) == expected


@given(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"])))
def test_what_is_quoted_comes_back(value: str) -> None:
    assert unquote(quote(value)) == value
    assert ";" not in quote(value)


PATHS = {
    ("/", "/"): True,
    ("/x", "/"): True,
    ("/x", "/x"): True,
    ("/x/", "/x"): True,
    ("/x/y", "/x"): True,
    ("/x/y", "/x/"): True,
    ("/x//y", "/x/"): True,
    ("/x", "/x/"): False,
    ("/xy", "/x"): False,
    ("/X", "/x"): False,
    ("/", "/x"): False,
    ("/y/x", "/x"): False,
    ("/x%2Fy", "/x"): False,
    ("/x", "/%78"): False,
    ("/x", "/x?"): False,
}


@pytest.mark.parametrize(("path", "of_cookie"), PATHS)
def test_a_path_matches_itself_and_what_is_below_it(path: str, of_cookie: str) -> None:
    assert path_matches(path, of_cookie) is PATHS[path, of_cookie]
    jar = CookieJar()
    receive(jar, f"a=b; Path={of_cookie}")
    assert (jar.header_for("example.org", path, False) == "a=b") is PATHS[path, of_cookie]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "/"),
        ("/", "/"),
        ("/x", "/"),
        ("/x/", "/x"),
        ("/x/y", "/x"),
        ("/x/y/", "/x/y"),
        ("//", "/"),
        ("x/y", "/"),
        ("*", "/"),
    ],
)
def test_the_default_path_is_the_folder(path: str, expected: str) -> None:
    assert default_path(path) == expected
