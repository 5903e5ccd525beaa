"""The grammar of Set-Cookie and Cookie, character by character (RFC 6265 §5.2, §5.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle.cookies.parse import (
    MAX_ATTRIBUTES,
    MAX_HEADER_SIZE,
    MAX_PAIR_SIZE,
    MAX_SENT,
    MAX_SET_COOKIES,
    build_cookie_header,
    parse_cookie_header,
    parse_set_cookie,
    parse_set_cookies,
    response_cookies,
)

LAST_SECOND = 253402300799


PAIRS: dict[str, tuple[str, str] | None] = {
    "a=b": ("a", "b"),
    "a=b;": ("a", "b"),
    "  a \t=\t b  ; path=/": ("a", "b"),
    "a=": ("a", ""),
    "a==b==": ("a", "=b=="),
    "a=b=c": ("a", "b=c"),
    "a=b, c=d": ("a", "b, c=d"),
    "a=b c": ("a", "b c"),
    "a b=c": ("a b", "c"),
    "$Version=1; a=b": ("$Version", "1"),
    '"a=b"': ('"a', 'b"'),
    'a="b"': ("a", '"b"'),
    'a=" b "  ': ("a", '" b "'),
    'a="b;c"': ("a", '"b'),
    'a="b': ("a", '"b'),
    'a=b"c': ("a", 'b"c'),
    'a="b" "c"': ("a", '"b" "c"'),
    "a[1]={x}": ("a[1]", "{x}"),
    "@a=(b)": ("@a", "(b)"),
    "é=春": ("é", "春"),
    "": None,
    "   ": None,
    ";": None,
    "=": None,
    "=b": None,
    " = b": None,
    "==b": None,
    "a": None,
    "a; b=c": None,
    "; a=b": None,
    '"a;b"=c': None,
}


@pytest.mark.parametrize("field", PAIRS)
def test_name_and_value_are_read_as_browsers_read_them(field: str) -> None:
    cookie = parse_set_cookie(field)
    assert (None if cookie is None else (cookie.name, cookie.coded)) == PAIRS[field]


@pytest.mark.parametrize("character", [chr(code) for code in (*range(32), 127)] + ["\ud800", "\udcff"], ids=ascii)
@pytest.mark.parametrize("place", ["a{}b=c", "a=b{}c", "a=b; path=/{}x", "a=b; x{}y", "a=b; expires=2099{}"])
def test_a_control_character_or_a_byte_that_is_no_text_refuses_the_cookie(place: str, character: str) -> None:
    cookie = parse_set_cookie(place.format(character))
    if character == "\t" and ";" in place:  # white space there as well as a space
        assert cookie is not None
        assert cookie.attributes.get("path") in (None, "/ x")
    else:
        assert cookie is None


ATTRIBUTES: dict[str, dict[str, object]] = {
    "Path=/x": {"path": "/x"},
    "pAtH = /x ": {"path": "/x"},
    "Path=/x; Path=/y": {"path": "/y"},
    "Path=/x; Path": {"path": ""},
    "Path=x": {"path": ""},
    'Path="/x"': {"path": ""},
    "Path=/x?y": {"path": "/x?y"},
    "Domain=example.com": {"domain": "example.com"},
    "Domain=": {"domain": ""},
    "Domain": {"domain": ""},
    "Domain=a.example; Domain=b.example": {"domain": "b.example"},
    "Domain=a.example; Domain=": {"domain": "a.example"},
    "Secure": {"secure": True},
    "seCURE=no": {"secure": True},
    " Secure =": {"secure": True},
    '"Secure"': {"secure": False},
    "Secure x": {"secure": False},
    "Max-Age=10": {"max_age": 10},
    "Max-Age=010": {"max_age": 10},
    "Max-Age=0": {"max_age": 0},
    "Max-Age=-0": {"max_age": 0},
    "Max-Age=-1": {"max_age": 0},
    "Max-Age=-": {"max_age": None},
    "Max-Age=+1": {"max_age": None},
    "Max-Age=1.5": {"max_age": None},
    "Max-Age=1e400": {"max_age": None},
    "Max-Age=1,000": {"max_age": None},
    "Max-Age=": {"max_age": None},
    "Max-Age=٣": {"max_age": None},
    "Max-Age=5; Max-Age=x": {"max_age": 5},
    "Max-Age=9223372036854775808": {"max_age": LAST_SECOND},
    "Max-Age=" + "9" * 1000: {"max_age": LAST_SECOND},
    "Max-Age=" + "0" * 1000 + "7": {"max_age": 7},
    "Max-Age=-" + "9" * 1000: {"max_age": 0},
    "Max-Age=" + "9" * 2000: {"max_age": None},
    "Expires=Thu, 01 Jan 1970 00:00:10 GMT": {"expires": 10},
    "Expires=Thu, 01 Jan 1970 00:00:10 GMT; Expires=never": {"expires": 10},
    "Expires=never": {"expires": None},
    "Expires=0": {"expires": None},
    "Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:10 GMT": {"max_age": 1, "expires": 10},
    ";;; ;=; ,,, ===,abc,=; Secure": {"secure": True},
    'x="a;b"; Secure': {"secure": True},
    "Path=/" + "x" * 1024: {"path": ""},
}


@pytest.mark.parametrize("attributes", ATTRIBUTES, ids=lambda text: text[:40])
def test_attributes_are_read_as_browsers_read_them(attributes: str) -> None:
    cookie = parse_set_cookie("a=b; " + attributes)
    assert cookie is not None
    assert {name: getattr(cookie, name) for name in ATTRIBUTES[attributes]} == ATTRIBUTES[attributes]


def test_a_morsel_has_the_attributes_as_they_were_written() -> None:
    cookie = parse_set_cookie(
        'a="b\\"c"; Path=/x; Domain=.Example.com; Max-Age=5; Expires=Thu, 01 Jan 2099 00:00:10 GMT; Secure; HttpOnly; '
        "SameSite=Lax; Partitioned; Priority=High"
    )
    assert cookie is not None
    morsel = cookie.morsel()
    assert (morsel.key, morsel.value, morsel.coded_value) == ("a", 'b"c', '"b\\"c"')
    assert (morsel["path"], morsel["domain"], morsel["max-age"]) == ("/x", ".Example.com", "5")
    assert morsel["expires"] == "Thu, 01 Jan 2099 00:00:10 GMT"
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "Lax")


PREFIXES = {
    "__Secure-a=b; Secure": True,
    "__Secure-a=b": False,
    "__secure-a=b": False,
    "__SECURE-a=b; Secure; Domain=example.com; Path=/x": True,
    "__Host-a=b; Secure; Path=/": True,
    "__hOST-a=b; Secure; Path=/": True,
    "__Host-a=b; Path=/": False,
    "__Host-a=b; Secure": False,
    "__Host-a=b; Secure; Path=/x": False,
    "__Host-a=b; Secure; Path=/; Domain=example.com": False,
    "__Host-a=b; Secure; Path=/; Domain=": True,
    "__host-a=b": False,
    "__Hosta=b": True,
    "__Secure=b": True,
    "__Securea=b": True,
    "_Host-a=b": True,
}


@pytest.mark.parametrize("field", PREFIXES)
def test_a_name_prefix_requires_its_attributes(field: str) -> None:
    assert (parse_set_cookie(field) is not None) is PREFIXES[field]


def test_name_and_value_have_4096_bytes_at_most() -> None:
    assert parse_set_cookie("a=" + "b" * (MAX_PAIR_SIZE - 1)) is not None
    assert parse_set_cookie("a=" + "b" * MAX_PAIR_SIZE) is None
    assert parse_set_cookie("é=" + "é" * (MAX_PAIR_SIZE // 2 - 1)) is not None
    assert parse_set_cookie("é=" + "é" * (MAX_PAIR_SIZE // 2)) is None
    assert parse_set_cookie("a=" + "b" * 1_000_000 + "; Path=/") is None


def test_attributes_after_the_32nd_are_not_looked_at() -> None:
    filler = "; x" * (MAX_ATTRIBUTES - 1)
    last = parse_set_cookie(f"a=b{filler}; Secure; Path=/")
    assert last is not None
    assert last.secure
    assert not last.path
    late = parse_set_cookie(f"a=b{filler}; x; Secure; Domain=\x00")
    assert late is not None
    assert not late.secure


def test_50_cookies_are_taken_from_a_response() -> None:
    fields = ["bad"] * 20 + [f"c{n}=v" for n in range(5000)]
    assert [cookie.name for cookie in parse_set_cookies(fields)] == [f"c{n}" for n in range(MAX_SET_COOKIES)]


def test_cookies_of_a_response_are_the_last_of_each_name() -> None:
    found = response_cookies(["a=1; Path=/", "b=2, c=3", "a=4; Path=/x", "no name", "a b[]=5"])
    assert {name: morsel.value for name, morsel in found.items()} == {"a": "4", "b": "2, c=3", "a b[]": "5"}
    assert found["a"]["path"] == "/x"


@given(st.text(max_size=200))
def test_no_text_makes_the_parser_fail_or_take_two_cookies(text: str) -> None:
    cookie = parse_set_cookie(text)
    if cookie is not None:
        morsel = cookie.morsel()
        assert morsel.key == cookie.name
        assert not set("\0\r\n;") & set(cookie.name + cookie.coded)
        assert parse_cookie_header(f"{cookie.name}={cookie.coded}") == [(cookie.name, cookie.coded)]


def test_a_header_is_sorted_by_name_and_keeps_quotes() -> None:
    assert build_cookie_header([("b", '"x y"'), ("a", "1"), ("B", "2"), ("a", "not first")]) == 'B=2; a=1; b="x y"'
    assert build_cookie_header([]) is None


def test_a_header_has_150_cookies_at_most_the_first_ones() -> None:
    header = build_cookie_header([(f"c{n:03}", "v") for n in reversed(range(1000))])
    assert header is not None
    assert header.split("; ") == [f"c{n}=v" for n in range(1000 - MAX_SENT, 1000)]


@pytest.mark.parametrize("letter", ["x", "é", "春"])
def test_a_header_field_has_8190_bytes_at_most(letter: str) -> None:
    size = len(letter.encode())
    for room in range(-3, 4):
        first = ("a", letter * (4000 // size))
        rest = MAX_HEADER_SIZE - len("Cookie: a=; b=") - len(first[1].encode()) + room
        header = build_cookie_header([first, ("b", "y" * rest), ("c", "")])
        assert header is not None
        assert len(f"Cookie: {header}".encode()) <= MAX_HEADER_SIZE
        assert ("; b=" in header) is (room <= 0)
        assert ("; c=" in header) is (room > 0 or room <= -len("; c="))


COOKIE_HEADERS: dict[str, list[tuple[str, str]]] = {
    "a=b": [("a", "b")],
    " a = b ; c=d;": [("a", "b"), ("c", "d")],
    "a=b=c; d=": [("a", "b=c"), ("d", "")],
    'a="b;c"; d=e': [("a", '"b;c"'), ("d", "e")],
    'a="b\\";c" ; d=e': [("a", '"b\\";c"'), ("d", "e")],
    'a="b;c': [("a", '"b')],
    'a="b"c; d=e': [("a", '"b"c'), ("d", "e")],
    "a; b=c": [("b", "c")],
    "=x; b=c": [("b", "c")],
    "": [],
    ";;;": [],
}


@pytest.mark.parametrize("header", COOKIE_HEADERS)
def test_a_header_of_a_caller_is_parsed(header: str) -> None:
    assert parse_cookie_header(header) == COOKIE_HEADERS[header]
