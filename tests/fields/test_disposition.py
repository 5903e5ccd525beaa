"""Content-Disposition: the vectors of RFC 6266, 5987 and 2231, and what is written for parts."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle.fields.disposition import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    ContentDisposition,
    build_content_disposition,
    content_disposition_filename,
    parse_content_disposition,
    read_content_disposition,
)
from tests.support.limits import processor_limit

# field → (type, file name)
GOOD: dict[str, tuple[str, str | None]] = {
    "inline": ("inline", None),
    "INLINE": ("inline", None),
    "attachment": ("attachment", None),
    'inline; filename="foo.html"': ("inline", "foo.html"),
    'inline; filename="Not an attachment!"': ("inline", "Not an attachment!"),
    'attachment; FILENAME="foo.html"': ("attachment", "foo.html"),
    'attachment; filename="f\\oo.html"': ("attachment", "foo.html"),
    'attachment; filename="\\"quoting\\" tested.html"': ("attachment", '"quoting" tested.html'),
    'attachment; filename="Here\'s a semicolon;.html"': ("attachment", "Here's a semicolon;.html"),
    'attachment; foo="\\"\\\\";filename="foo.html"': ("attachment", "foo.html"),
    "attachment; filename=foo.html": ("attachment", "foo.html"),
    "attachment; filename=foo.html ;": ("attachment", "foo.html"),
    "attachment; ;filename=foo": ("attachment", "foo"),
    "attachment;filename=foo": ("attachment", "foo"),
    " attachment ;\tfilename = foo ": ("attachment", "foo"),
    "attachment; filename='foo.bar'": ("attachment", "'foo.bar'"),
    'attachment; filename="foo-ä.html"': ("attachment", "foo-ä.html"),
    'attachment; filename="foo-%41.html"': ("attachment", "foo-%41.html"),
    'attachment; filename="50%.html"': ("attachment", "50%.html"),
    "attachment; xfilename=foo.html": ("attachment", None),
    'attachment; filename="/foo.html"': ("attachment", "foo.html"),
    'attachment; filename="\\\\foo.html"': ("attachment", "foo.html"),
    'attachment; creation-date="Wed, 12 Feb 1997 16:29:51 -0500"': ("attachment", None),
    "foobar": ("foobar", None),
    'attachment; example="filename=example.txt"': ("attachment", None),
    'attachment; filename="=?ISO-8859-1?Q?foo-=E4.html?="': ("attachment", "=?ISO-8859-1?Q?foo-=E4.html?="),
    # RFC 5987
    "attachment; filename*=iso-8859-1''foo-%E4.html": ("attachment", "foo-ä.html"),
    "attachment; filename*=UTF-8''foo-%c3%a4-%e2%82%ac.html": ("attachment", "foo-ä-€.html"),
    "attachment; filename*=''foo-%c3%a4.html": ("attachment", "foo-ä.html"),
    "attachment; filename*=UTF-8'de'foo-a%cc%88.html": ("attachment", "foo-a\u0308.html"),
    "attachment; filename*= UTF-8''foo-%c3%a4.html": ("attachment", "foo-ä.html"),
    "attachment; filename* =UTF-8''foo-%c3%a4.html": ("attachment", "foo-ä.html"),
    "attachment; filename*=UTF-8''A-%2541.html": ("attachment", "A-%41.html"),
    "attachment; filename*=UTF-8''%5cfoo.html": ("attachment", "foo.html"),
    "attachment; filename=\"a\"; filename*=UTF-8''b": ("attachment", "b"),
    "attachment; filename*=UTF-8''b; filename=a": ("attachment", "b"),
    "attachment; filename*0=a; filename*=UTF-8''b; filename=c": ("attachment", "b"),
    "attachment; filename*=UTF-8''%e2%82%ac%20rates; filename=x": ("attachment", "€ rates"),
    # RFC 2231
    'attachment; filename*0="foo."; filename*1="html"': ("attachment", "foo.html"),
    'attachment; filename*0="foo"; filename*1="\\b\\a\\r.html"': ("attachment", "foobar.html"),
    "attachment; filename*0*=UTF-8''foo-%c3%a4; filename*1=\".html\"": ("attachment", "foo-ä.html"),
    "attachment; filename*0*=UTF-8''foo-%c3; filename*1*=%a4.html": ("attachment", "foo-ä.html"),
    'attachment; filename*0="foo"; filename*01="bar"': ("attachment", "foo"),
    "attachment; filename*0=foo; filename*2=bar": ("attachment", "foo"),
    "attachment; filename*1=foo": ("attachment", None),
    "attachment; filename*1=bar; filename*0=foo": ("attachment", "foobar"),
    'form-data; name="x"; filename="a;b"': ("form-data", "a;b"),
}

BAD = [
    '"inline"',
    '"attachment"',
    "attachment; filename=foo bar.html",
    "attachment; filename=foo-ä.html",
    'attachment; filename="foo.html"; filename="bar.html"',
    "attachment; filename=foo[1](2).html",
    "attachment; filename",
    "attachment; filename=",
    "filename=foo.html",
    "x=y; filename=foo.html",
    '"foo; filename=bar;baz"; filename=qux',
    "filename=foo.html, filename=bar.html",
    "; filename=foo.html",
    ": inline; attachment; filename=foo.html",
    "inline; attachment; filename=foo.html",
    'attachment; filename="foo.html".txt',
    'attachment; filename="bar',
    'attachment; filename=foo"bar;baz"qux',
    "attachment; filename=foo.html, attachment; filename=bar.html",
    "attachment; foo=foo filename=bar",
    "attachment filename=bar",
]

BAD_PARAMETERS = [
    "filename*=utf-8''foo-%E4.html",
    "filename *=UTF-8''foo-%c3%a4.html",
    "filename*=\"UTF-8''foo-%c3%a4.html\"",
    "filename*=UTF-8'foo-%c3%a4.html",
    "filename*=UTF-8''foo%",
    "filename*=UTF-8''f%oo.html",
    "filename*=nonsense''b",
    "filename*=punycode''b",
    "filename*=base64''Yg%3D%3D",
]


@pytest.mark.parametrize("header", GOOD)
def test_a_good_field_is_understood(header: str) -> None:
    kind, parameters = parse_content_disposition(header)
    assert (kind, content_disposition_filename(parameters)) == GOOD[header]


@pytest.mark.parametrize("header", BAD)
def test_a_bad_field_is_left_out_with_a_warning(header: str) -> None:
    with pytest.warns(BadContentDispositionHeader):
        assert parse_content_disposition(header) == (None, {})


@pytest.mark.parametrize("parameter", BAD_PARAMETERS)
def test_a_bad_extended_value_is_left_out_with_a_warning(parameter: str) -> None:
    with pytest.warns(BadContentDispositionParam):
        kind, parameters = parse_content_disposition(f"attachment; filename=plain; {parameter}; size=3")
    assert (kind, parameters) == ("attachment", {"filename": "plain", "size": "3"})


@pytest.mark.parametrize("header", [None, ""])
def test_no_field_is_no_disposition(header: str | None) -> None:
    assert parse_content_disposition(header) == (None, {})


def test_the_field_is_a_value() -> None:
    value = read_content_disposition('Attachment; filename="a b.txt"; Size=3')
    assert isinstance(value, ContentDisposition)
    assert (value.type, dict(value.parameters), value.filename) == (
        "attachment",
        {"filename": "a b.txt", "size": "3"},
        "a b.txt",
    )
    with pytest.raises(TypeError):
        value.parameters["size"] = "4"  # type: ignore[index]
    with pytest.warns(BadContentDispositionHeader):
        assert read_content_disposition("=").type is None


def test_a_warning_quotes_only_the_beginning() -> None:
    with pytest.warns(BadContentDispositionHeader) as caught:
        parse_content_disposition("=" * 10_000)
    assert len(str(caught[0].message)) <= 100


def test_names_other_than_filename_are_found() -> None:
    assert content_disposition_filename({"name*": "a", "name": "b"}, "name") == "a"
    assert content_disposition_filename({"name*0": "/a", "name*1": "b"}, "name") == "/ab"


LONG = 300_000


@pytest.mark.parametrize(
    "header",
    [
        'attachment; filename="' + "a" * LONG,
        'attachment; filename="' + "\\" * LONG,
        'attachment; filename="' + "\\a" * LONG + '"x',
        "attachment; filename=" + "a" * LONG + '"',
        "attachment" + ";" * LONG + "=",
        "attachment" + "; " * LONG + "=",
        "attachment;" + " " * LONG + "=",
        " " * LONG + "=",
        "attachment; a" + " " * LONG + "*",
        "attachment; a" + " " * LONG + "* " + " " * LONG,
        "attachment; filename*=UTF-8''" + "%41" * LONG + "%",
        "attachment; filename*=" + "a'" * LONG,
        "".join(["attachment", *(f"; filename*{n}=a" for n in range(9999)), '"']),
    ],
    ids=lambda header: header[:30],
)
def test_a_long_hostile_field_is_malformed_and_nothing_worse(header: str) -> None:
    """Quadratic time would take hours."""
    with processor_limit(60), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kind, parameters = parse_content_disposition(header)
    assert (kind, parameters) in [(None, {}), ("attachment", {})]
    assert len(caught) == 1


def test_thousands_of_continuations_are_joined() -> None:
    header = "".join(["attachment", *(f"; filename*{n}=a" for n in range(10_000))])
    with processor_limit(60):
        _, parameters = parse_content_disposition(header)
        assert content_disposition_filename(parameters) == "a" * 10_000


@pytest.mark.parametrize("piece", ["\udcff", "\udcff%41", "%", "%zz\udcff"])
def test_a_continuation_may_hold_bytes_that_are_no_text(piece: str) -> None:
    _, parameters = parse_content_disposition(f"attachment; filename*0*=\"latin-1''a{piece}\"")
    assert content_disposition_filename(parameters) == "a" + piece.replace("\udcff", "\xff").replace("%41", "A")


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("form-data", {"name": "a"}), 'form-data; name="a"'),
        (("form-data", {"name": 'a "b" \\c'}), 'form-data; name="a \\"b\\" \\\\c"'),
        (("form-data", {"name": "ü"}), 'form-data; name="ü"'),
        (("form-data", {"name": "x", "filename": "a b.txt"}), 'form-data; name="x"; filename="a%20b.txt"'),
        (("form-data", {"name": "x", "filename": 'ü"/.txt'}), 'form-data; name="x"; filename="%C3%BC%22%2F.txt"'),
        (("form-data", {"name": "", "filename": ""}), 'form-data; name=""; filename=""'),
        (("attachment", {}), "attachment"),
        (("attachment", {"filename": "a b.txt"}), 'attachment; filename="a b.txt"'),
        (
            ("attachment", {"filename": "€ 1.txt"}),
            "attachment; filename=\"_ 1.txt\"; filename*=utf-8''%E2%82%AC%201.txt",
        ),
        (("attachment", {"filename": 'a"b'}), "attachment; filename=\"a_b\"; filename*=utf-8''a%22b"),
        (("attachment", {"filename": "100%.txt"}), "attachment; filename=\"100_.txt\"; filename*=utf-8''100%25.txt"),
        (("attachment", {"filename*": "ü"}), "attachment; filename*=utf-8''%C3%BC"),
        (("attachment", {"filename": "a", "size": "3"}), 'attachment; filename="a"; size="3"'),
    ],
)
def test_a_field_is_written(arguments: Any, expected: str) -> None:
    kind, parameters = arguments
    assert build_content_disposition(kind, parameters) == expected


@pytest.mark.parametrize("kind", ["form-data", "attachment"])
def test_file_names_can_stay_as_they_are(kind: str) -> None:
    field = build_content_disposition(kind, {"filename": 'ü "a" %20'}, quote_fields=False)
    assert field == f'{kind}; filename="ü \\"a\\" %20"'


def test_the_charset_is_that_of_percent_encoding() -> None:
    assert build_content_disposition("form-data", {"filename": "ü"}, charset="latin-1") == 'form-data; filename="%FC"'
    with pytest.raises(ValueError, match="cannot be encoded"):
        build_content_disposition("form-data", {"filename": "日"}, charset="latin-1")


CONTROLS = [chr(code) for code in (*range(0x20), 0x7F)]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
@pytest.mark.parametrize("quote_fields", [True, False])
@pytest.mark.parametrize("name", ["name", "filename", "filename*", "other"])
def test_a_control_character_is_refused(control: str, quote_fields: bool, name: str) -> None:
    for kind in ("form-data", "attachment"):
        with pytest.raises(ValueError, match=name.rstrip("*")):
            build_content_disposition(kind, {name: f"a{control}b"}, quote_fields=quote_fields)


@pytest.mark.parametrize("bad", ["", "a b", "a\r\nb", "ü", "a;b", 'a"'])
def test_what_is_no_token_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="not a token"):
        build_content_disposition(bad, {})
    with pytest.raises(ValueError, match="not a token"):
        build_content_disposition("attachment", {bad: "x"})


@pytest.mark.parametrize("bad", [1, b"a", None])
def test_what_is_no_text_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError, match="filename"):
        build_content_disposition("attachment", {"filename": bad})


def test_lone_surrogates_are_refused() -> None:
    for quote_fields in (True, False):
        with pytest.raises(ValueError, match="cannot be encoded"):
            build_content_disposition("form-data", {"filename": "\ud800"}, quote_fields=quote_fields)


class Lying(str):
    """Says something else of itself when it is asked."""

    def __str__(self) -> str:
        return "a\r\nInjected: yes"

    def encode(self, *args: Any) -> bytes:
        return b"a\r\nInjected: yes"

    def replace(self, *args: Any) -> str:
        return "a\r\nInjected: yes"

    def __format__(self, spec: str) -> str:
        return "a\r\nInjected: yes"


def test_a_text_that_lies_is_taken_for_what_it_is() -> None:
    for kind in ("form-data", "attachment"):
        for quote_fields in (True, False):
            parameters = {Lying("name"): Lying("a"), "filename": Lying("b")}
            field = build_content_disposition(Lying(kind), parameters, quote_fields=quote_fields)
            assert field == f'{kind}; name="a"; filename="b"'


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


@given(TEXT, TEXT)
def test_what_is_written_is_read(name: str, filename: str) -> None:
    field = build_content_disposition("form-data", {"name": name, "filename": filename}, quote_fields=False)
    kind, parameters = parse_content_disposition(field)
    assert kind == "form-data"
    assert parameters == {"name": name, "filename": filename.lstrip("\\/")}
    attached = parse_content_disposition(build_content_disposition("attachment", {"filename": filename}))[1]
    assert content_disposition_filename(attached) == filename.lstrip("\\/")


@given(st.text())
def test_no_field_is_too_bad_to_be_parsed(header: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in (header, f"attachment; {header}", f"attachment; filename*={header}", f"a; filename*0*={header}"):
            _, parameters = parse_content_disposition(text)
            content_disposition_filename(parameters)
