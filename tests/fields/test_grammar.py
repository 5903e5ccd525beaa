"""The rules that field values share (RFC 9110 §5.6, RFC 8187)."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle import fields
from gazelle.fields import grammar
from tests.support.patterns import ambiguities

LATIN = "".join(map(chr, range(256)))


# --- tokens and quoted strings ---------------------------------------------------------------------------------------


def test_a_token_is_of_the_characters_of_rfc_9110() -> None:
    separators = '"(),/:;<=>?@[\\]{}'
    visible = {chr(code) for code in range(0x21, 0x7F)}
    assert set(grammar.TOKEN_CHARACTERS) == visible - set(separators)
    assert {char for char in LATIN if re.fullmatch(grammar.TOKEN, char)} == visible - set(separators)
    assert re.fullmatch(grammar.TOKEN, "") is None
    assert re.fullmatch(grammar.TOKEN, "a b") is None
    assert re.fullmatch(grammar.TOKEN, grammar.TOKEN_CHARACTERS) is not None


@pytest.mark.parametrize(
    ("text", "inside", "end"),
    [
        ('""', "", 2),
        ('"a"', "a", 3),
        ('"a"b"', "a", 3),
        (r'"\""', r"\"", 4),
        (r'"\\"', r"\\", 4),
        (r'"\\"a"', r"\\", 4),
        (r'"a\b\c"d', r"a\b\c", 7),
        ('"a;b,c=d"', "a;b,c=d", 9),
        ('"\xe4\x80\xff"', "\xe4\x80\xff", 5),  # obs-text
        ('"\udcff"', "\udcff", 3),
        ('"\\\udcff"', "\\\udcff", 4),
        ('"a\tb"', "a\tb", 5),
    ],
)
def test_a_quoted_string_ends_at_its_closing_quote(text: str, inside: str, end: int) -> None:
    for pattern in (grammar.QUOTED_STRING, grammar.OPEN_STRING):
        match = re.match(pattern, text)
        assert match is not None
        assert (match[1], match.end()) == (inside, end)


@pytest.mark.parametrize("text", ['"', '"a', '"\\', '"\\"', '"a\\\\\\"', '"a\\', "a", "", 'a"b"'])
def test_a_string_without_its_closing_quote_is_no_quoted_string(text: str) -> None:
    assert re.match(grammar.QUOTED_STRING, text) is None


@pytest.mark.parametrize(
    ("text", "inside"), [('"', ""), ('"a', "a"), ('"\\', "\\"), ('"\\"', '\\"'), ('"a\\\\\\"', 'a\\\\\\"')]
)
def test_an_open_string_reaches_to_the_end(text: str, inside: str) -> None:
    match = re.match(grammar.OPEN_STRING, text)
    assert match is not None
    assert (match[1], match.end()) == (inside, len(text))


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        ("", ""),
        ("a", "a"),
        (r"\a", "a"),
        (r"\"", '"'),
        (r"\\", "\\"),
        (r"\\\\", r"\\"),
        (r"\\a\"b", r'\a"b'),
        ("\\\n", "\n"),
        ("a\\", "a\\"),  # nothing follows that it could escape
        ("\\\udcff", "\udcff"),
    ],
)
def test_quoted_pairs_lose_their_backslash(quoted: str, text: str) -> None:
    assert grammar.unescape(quoted) == text


@given(st.text())
def test_a_text_that_was_quoted_is_read_again(text: str) -> None:
    match = re.fullmatch(grammar.QUOTED_STRING, grammar.quote_string(text))
    assert match is not None
    assert grammar.unescape(match[1]) == text


class Lying(str):
    def replace(self, *args: Any) -> str:
        return "other"

    def __format__(self, spec: str) -> str:
        return "other"


def test_the_methods_of_a_subclass_of_str_do_not_change_what_is_quoted() -> None:
    assert grammar.quote_string(Lying('a"b')) == r'"a\"b"'
    assert grammar.quote_string(Lying("ab")) == '"ab"'


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ("", []),
        (",", []),
        (" , \t,,", []),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        ("a , b\t,\tc", ["a", "b", "c"]),
        (",a,,b,", ["a", "b"]),
        ("a b, c", ["a b", "c"]),
        ("a,a", ["a", "a"]),
        ("\xa0a,b", ["\xa0a", "b"]),  # only space and HTAB are white space in a field
    ],
)
def test_a_list_has_the_members_between_its_commas(value: str, members: list[str]) -> None:
    assert grammar.split_list(value) == members


# --- extended values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # RFC 8187 §3.2.2
        ("iso-8859-1'en'%A3%20rates", "£ rates"),
        ("UTF-8''%c2%a3%20and%20%e2%82%ac%20rates", "£ and € rates"),
        ("utf-8''", ""),
        ("UTF-8'de-CH'a", "a"),
        ("''%c3%a4", "ä"),
        ("utf_8''a", "a"),
        ("windows-1252''%80", "€"),
        ("shift_jis''%93%fa", "日"),
        ("UTF-8''a%27b", "a'b"),
        ("UTF-8''a'b", "a'b"),
        ("UTF-8''%2541", "%41"),
        ("UTF-8''a+b", "a+b"),
    ],
)
def test_an_extended_value_is_decoded(text: str, expected: str) -> None:
    assert grammar.decode_ext_value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "UTF-8'a",
        "UTF-8''%",
        "UTF-8''%4",
        "UTF-8''a%zz",
        "UTF-8''%%41",
        "UTF-8''%e4",  # not UTF-8
        "UTF-8''%ed%b3%bf",  # a surrogate
        "us-ascii''%80",
        "UTF-8''\xe4",  # obs-text
        "UTF-8''\udcff",
        "\udcff''a",
        "nonsense''a",
        "../utf-8''a",
        "utf-8\0''a",
        "punycode''a",
        "idna''a",
        "base64''YQ",
        "rot13''a",
        "undefined''a",
    ],
)
def test_a_malformed_extended_value_is_none(text: str) -> None:
    assert grammar.decode_ext_value(text) is None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_extended_value_that_was_written_is_read_again(text: str) -> None:
    coded = grammar.encode_ext_value(text)
    assert re.fullmatch(r"UTF-8''(?:[!#$&+\-.^_`|~0-9A-Za-z]|%[0-9A-F]{2})*", coded)
    assert grammar.decode_ext_value(coded) == text


def test_an_extended_value_is_written_in_its_charset() -> None:
    assert grammar.encode_ext_value("ä b", "iso-8859-1") == "iso-8859-1''%E4%20b"
    with pytest.raises(ValueError, match="cannot be encoded as iso-8859-1"):
        grammar.encode_ext_value("€", "iso-8859-1")


def test_an_extended_value_is_split_at_its_first_two_quotes() -> None:
    assert grammar.split_ext_value("a'b'c'd") == ("a", "c'd")
    assert grammar.split_ext_value("''") == ("", "")
    assert grammar.split_ext_value("a'b") is None


def test_bytes_are_decoded_from_percent_signs_and_from_surrogates() -> None:
    assert grammar.percent_decode("a%e4\udcffä%") == b"a\xe4\xff\xc3\xa4%"


def test_percent_encoding_leaves_only_the_safe_characters() -> None:
    assert grammar.percent_encode("a/b c-ü", "utf-8") == "a%2Fb%20c-%C3%BC"
    assert grammar.percent_encode("a/b", "utf-8", "/") == "a/b"


def test_bytes_are_decoded_with_the_charset_that_was_named() -> None:
    assert grammar.decode_text(b"\xe4", "latin-1") == "ä"
    assert grammar.decode_text(b"\xc3\xa4", "") == "ä"
    assert grammar.decode_text(b"\xe4", "utf-8") is None
    assert grammar.decode_text(b"", "nonsense") is None
    assert grammar.decode_text(b"abc", "punycode") is None


# --- what may go into a field ----------------------------------------------------------------------------------------


def test_a_value_may_hold_every_character_but_controls() -> None:
    controls = {*map(chr, range(0x20)), "\x7f"}
    assert {char for char in LATIN if re.fullmatch(grammar.CONTROL, char)} == controls
    assert {char for char in LATIN if re.fullmatch(grammar.NOT_IN_VALUE, char)} == controls - {"\t"}


@pytest.mark.parametrize("text", ["", "a", "ü €", "a\xa0b", "😀"])
def test_a_text_without_controls_may_go_into_a_field(text: str) -> None:
    assert grammar.check_text("name", text) == text


@pytest.mark.parametrize("text", ["a\r\nb", "\0", "\t", "ü\n", "\x7f"])
def test_a_control_character_is_named_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match="name holds a control character"):
        grammar.check_text("name", text)


def test_a_lone_surrogate_cannot_go_into_a_field() -> None:
    with pytest.raises(ValueError, match="name cannot be encoded as UTF-8"):
        grammar.check_text("name", "\udcff")


@pytest.mark.parametrize("value", [b"a", None, 1])
def test_only_a_str_is_a_text(value: object) -> None:
    with pytest.raises(TypeError, match="name must be a str"):
        grammar.check_text("name", value)


# --- the steps of a match --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [module.name for module in iter_modules(fields.__path__)])
def test_the_steps_of_a_match_grow_with_the_length_only(name: str) -> None:
    module = vars(import_module(f"gazelle.fields.{name}"))
    patterns = {key: value for key, value in module.items() if isinstance(value, re.Pattern)}
    assert patterns
    assert {key: ambiguities(pattern) for key, pattern in patterns.items() if ambiguities(pattern)} == {}


@pytest.mark.parametrize("text", [grammar.TOKEN, grammar.QUOTED_STRING, grammar.OPEN_STRING])
@pytest.mark.parametrize("after", ["", r"\Z", r"[ \t]*(?=;|$)", r"[ \t]*(?:;|$)"])
def test_the_texts_stay_deterministic_in_larger_patterns(text: str, after: str) -> None:
    assert ambiguities(re.compile(text + after)) == []
    assert ambiguities(re.compile(rf"(?:,{text})*{after}")) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "(a*)*b",
        "(?:a+)+b",
        "(?:[^,]+)*,",
        "a+a",
        "a+?a",
        r"\s*[^;]*;",
        r'(?:\\.|[^"])*"',
        r"(\w+\s?)*$",
        "a*(?!b)",
        "(?:ab|[a-c])*d",
        r"(a)\1*",
        "[ ]*(?:[ ]x)?y(?:[ ]*[ ])+z",
    ],
)
def test_patterns_that_may_go_back_again_and_again_are_found(pattern: str) -> None:
    assert ambiguities(re.compile(pattern)) != []


@pytest.mark.parametrize("pattern", ["a*b*c*$", "(?:a|b)*c", "a*", r"(?:a[^;]*|[^;]*)x?", "(?:,[^,]*)*", "a(?:ab)?a"])
def test_patterns_that_are_linear_are_not_found(pattern: str) -> None:
    assert ambiguities(re.compile(pattern)) == []
