"""Request heads: the order of the fields, which field wins, and what may not go on the wire."""

from __future__ import annotations

from typing import Any, Final

import pytest
from multidict import CIMultiDict

from gazelle.types import HttpVersion10, HttpVersion11
from gazelle.wire.request_head import (
    HeadTemplate,
    check_method,
    check_target,
    check_value,
    collect_fields,
    merge_fields,
    parse_head_fields,
    render_head,
)

AUTOMATIC: Final = [("Accept", "*/*"), ("User-Agent", "gazelle")]


def template(*defaults: tuple[str, str], suppressed: frozenset[str] = frozenset()) -> HeadTemplate:
    return HeadTemplate(HttpVersion11, "example.org", defaults, AUTOMATIC, suppressed)


def render(made: HeadTemplate, *fields: tuple[str, str]) -> list[str]:
    """Return the lines of a head after its request line, which is checked."""
    first, *lines = made.render("GET", "/a?b", fields, b"\r\n").decode().split("\r\n")
    assert first == "GET /a?b HTTP/1.1"
    assert lines[-2:] == ["", ""]
    return lines[:-2]


def test_the_fields_stand_in_the_order_host_defaults_call_automatic_ending() -> None:
    head = template(("X-Default", "1")).render("GET", "/", [("X-Call", "2")], b"Connection: close\r\n\r\n")
    assert head == (
        b"GET / HTTP/1.1\r\nHost: example.org\r\nX-Default: 1\r\nX-Call: 2\r\n"
        b"Accept: */*\r\nUser-Agent: gazelle\r\nConnection: close\r\n\r\n"
    )


def test_a_call_without_fields_gets_the_prepared_bytes() -> None:
    made = template(("X-Default", "1"))
    assert made.lead == b" HTTP/1.1\r\nHost: example.org\r\nX-Default: 1\r\n"
    assert made.tail == b"Accept: */*\r\nUser-Agent: gazelle\r\n"
    assert made.render("GET", "/", (), b"\r\n") == b"GET /" + made.lead + made.tail + b"\r\n"


def test_a_field_of_the_call_replaces_a_default_and_an_automatic_field_in_any_case() -> None:
    made = template(("X-One", "default"), ("X-Two", "default"))
    lines = render(made, ("x-ONE", "call"), ("accept", "text/html"))
    assert lines == [
        "Host: example.org",
        "x-ONE: call",
        "X-Two: default",
        "accept: text/html",
        "User-Agent: gazelle",
    ]


def test_a_default_field_replaces_an_automatic_field() -> None:
    assert render(template(("accept", "text/html"))) == [
        "Host: example.org",
        "accept: text/html",
        "User-Agent: gazelle",
    ]


@pytest.mark.parametrize("defaults", [(), (("Host", "of-session"),)])
def test_the_host_field_stands_first_and_the_one_of_the_call_wins(defaults: tuple[tuple[str, str], ...]) -> None:
    made = template(*defaults)
    assert render(made)[0] == f"Host: {'of-session' if defaults else 'example.org'}"
    lines = render(made, ("X", "1"), ("hOST", "of-call"))
    assert lines[0] == "Host: of-call"
    assert sum(line.lower().startswith("host:") for line in lines) == 1


def test_more_than_one_host_is_refused() -> None:
    with pytest.raises(ValueError, match="More than one Host"):
        template(("Host", "a"), ("host", "b"))
    with pytest.raises(ValueError, match="More than one Host"):
        render(template(), ("Host", "a"), ("host", "b"))


def test_the_names_of_a_template_are_those_that_count_as_passed() -> None:
    made = template(("X-Default", "1"), suppressed=frozenset({"content-type"}))
    assert made.names == {"x-default", "content-type"}
    assert made.fixed == {"x-default", "host", "accept", "user-agent"}


@pytest.mark.parametrize("bad", ["a\r\nb", "a\nb", "a\rb", "a\0b"])
def test_a_control_character_is_refused_in_every_part_of_a_head(bad: str) -> None:
    for pair in (("X", bad), (bad, "x")):
        with pytest.raises(ValueError):
            template(pair)
        with pytest.raises(ValueError):
            render(template(), pair)
        with pytest.raises(ValueError):
            render(template(("X", "1"), ("Accept", "x")), ("Accept", "y"), pair)
        with pytest.raises(ValueError):
            render_head("GET", "/", HttpVersion11, [pair])
    with pytest.raises(ValueError):
        check_method(bad)
    with pytest.raises(ValueError):
        check_target(bad)


# Merging.


@pytest.mark.parametrize(
    ("defaults", "fields", "merged"),
    [
        ("", "", ""),
        ("a1 b1", "", "a1 b1"),
        ("", "a1 a2", "a1 a2"),
        ("a1 b1 c1", "b2", "a1 b2 c1"),
        ("a1 b1 a2", "A3", "A3 b1"),
        ("a1 b1", "c1 A2 d1 a3", "A2 a3 b1 c1 d1"),
        ("a1 a2 b1", "b2 b3", "a1 a2 b2 b3"),
    ],
)
def test_fields_of_the_call_take_the_place_of_the_defaults(defaults: str, fields: str, merged: str) -> None:
    def pairs(text: str) -> list[tuple[str, str]]:
        return [(word[0], word[1]) for word in text.split()]

    assert merge_fields(pairs(defaults), pairs(fields)) == pairs(merged)


@pytest.mark.parametrize("kind", [dict, CIMultiDict, lambda pairs: pairs, iter, tuple])
def test_fields_may_be_a_mapping_or_pairs(kind: Any) -> None:
    assert list(collect_fields(kind([("A", "1"), ("B", "2")])).items()) == [("A", "1"), ("B", "2")]


def test_no_fields_are_an_empty_multidict_and_repeated_ones_stay() -> None:
    assert collect_fields(None) == CIMultiDict()
    assert collect_fields([("A", "1"), ("a", "2")]).getall("A") == ["1", "2"]


def test_a_name_that_is_no_str_is_a_type_error_that_shows_it() -> None:
    with pytest.raises(TypeError, match="5"):
        collect_fields([(5, "x")])  # type: ignore[list-item]


# Checks.


@pytest.mark.parametrize(
    ("method", "sent"), [("get", "GET"), ("M-SEARCH", "M-SEARCH"), ("x!#$%&'*+.^_`|~9", "X!#$%&'*+.^_`|~9")]
)
def test_a_method_is_a_token_in_upper_case(method: str, sent: str) -> None:
    assert check_method(method) == sent


@pytest.mark.parametrize("method", ["", " ", "GET ", "G(T", "G\xc4T", "G/T", "GET\n"])
def test_a_method_that_is_no_token_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="is not a token"):
        check_method(method)


@pytest.mark.parametrize("target", ["/a b", "/\x7f", "/\xe4", "/\ud800"])
def test_a_target_is_visible_ascii(target: str) -> None:
    with pytest.raises(ValueError, match="may not go into a request line"):
        check_target(target)
    assert check_target("/!~%20") == "/!~%20"


def test_the_value_of_a_field_must_be_a_str() -> None:
    check_value("X", "")
    with pytest.raises(TypeError, match="'X' must be str, not bytes: b'1'"):
        check_value("X", b"1")


def test_a_head_is_parsed_into_the_fields_it_was_rendered_from() -> None:
    fields = [("Host", "h"), ("X", "a: b"), ("X", ""), ("Y", "grüße")]
    head = render_head("PUT", "/", HttpVersion10, fields)
    assert head.startswith(b"PUT / HTTP/1.0\r\n")
    assert parse_head_fields(head) == fields
