"""Content-Type: what RFC 9110 says and what servers send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle.fields.media_type import parse_media_type
from tests.support.limits import processor_limit

DEFAULT = "application/octet-stream"

FIELDS: dict[str, tuple[str, dict[str, str]]] = {
    # RFC 9110 §8.3.1: the same media type four times
    "text/html;charset=utf-8": ("text/html", {"charset": "utf-8"}),
    "Text/HTML;Charset=utf-8": ("text/html", {"charset": "utf-8"}),
    'text/html; charset="utf-8"': ("text/html", {"charset": "utf-8"}),
    "text/html;charset=UTF-8": ("text/html", {"charset": "UTF-8"}),
    "text/html": ("text/html", {}),
    " text/html ": ("text/html", {}),
    "text/html;": ("text/html", {}),
    "text/html;;; a=b;": ("text/html", {"a": "b"}),
    "application/vnd.api+json; version=1": ("application/vnd.api+json", {"version": "1"}),
    'multipart/mixed; boundary="a;b=\\"c\\\\"; x=y': ("multipart/mixed", {"boundary": 'a;b="c\\', "x": "y"}),
    "text/html; charset = utf-8 ; a=b": ("text/html", {"charset": "utf-8", "a": "b"}),
    "text/html; charset=a; charset=b": ("text/html", {"charset": "a"}),
    "text/html; CHARSET=a; charset=b": ("text/html", {"charset": "a"}),
    'text/html; charset=""': ("text/html", {"charset": ""}),
    "text/html; charset=": ("text/html", {"charset": ""}),
    "text/html; a=b c, d": ("text/html", {"a": "b c, d"}),
    'text/html; a="b" junk; c=d': ("text/html", {"a": "b", "c": "d"}),
    # malformed parameters are left out
    "text/html; charset": ("text/html", {}),
    "text/html; =utf-8": ("text/html", {}),
    "text/html; a b=c; d=e": ("text/html", {"d": "e"}),
    # a quote that is never closed is an ordinary character
    'text/html; a="b; c=d': ("text/html", {"a": '"b', "c": "d"}),
    'text/html; a="b\\"; c=d': ("text/html", {"a": '"b\\"', "c": "d"}),
    # bytes that are not ASCII
    'text/html; a="\xe4\udcff"': ("text/html", {"a": "\xe4\udcff"}),
    "text/html; a=\xe4": ("text/html", {"a": "\xe4"}),
    # no type and subtype
    "": (DEFAULT, {}),
    "html": (DEFAULT, {}),
    "text/": (DEFAULT, {}),
    "/html": (DEFAULT, {}),
    "text/html/x": (DEFAULT, {}),
    "te xt/html": (DEFAULT, {}),
    "text/html, text/plain": (DEFAULT, {}),
    "; charset=utf-8": (DEFAULT, {"charset": "utf-8"}),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_is_parsed(field: str) -> None:
    media_type = parse_media_type(field)
    assert (media_type.value, dict(media_type.parameters)) == FIELDS[field]


def test_the_parameters_are_read_only() -> None:
    parameters = parse_media_type("text/html; charset=utf-8").parameters
    with pytest.raises(TypeError):
        parameters["charset"] = "x"  # type: ignore[index]


@given(st.text(st.sampled_from("text/;= \t\"\\'a,é\udcff")))
def test_no_text_is_an_error(field: str) -> None:
    parse_media_type(field)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
def test_a_quoted_parameter_is_read_as_it_was_meant(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_media_type(f'text/plain; a="{quoted}"; b=c').parameters == {"a": text, "b": "c"}


@pytest.mark.parametrize(
    "piece", [";", "; ", ";a", ";a ", ";a=", ";a= ", ';a="', ';a="\\"', ';a=\\"', '"', '\\"', ";a=b", ';a="" ', "a/"]
)
def test_a_long_hostile_field_is_parsed_like_a_short_one(piece: str) -> None:
    """Quadratic time would take hours."""
    with processor_limit(60):
        long, short = (
            parse_media_type('text/html; x="' + piece * 100_000),
            parse_media_type('text/html; x="' + piece * 4),
        )
    assert (long.value, set(long.parameters)) == (short.value, set(short.parameters))
