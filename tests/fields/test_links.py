"""The Link field: the examples of RFC 8288, what servers send, and malformed and hostile values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDictProxy
from yarl import URL

from gazelle.fields.links import parse_links
from tests.support.limits import processor_limit

BASE = URL("http://host/dir/page?q=1")


def parse(*values: str) -> list[tuple[str, list[tuple[str, object]]]]:
    return [(key, list(link.items())) for key, link in parse_links(values, BASE).items()]


def link(target: str, **parameters: str) -> list[tuple[str, object]]:
    return [*parameters.items(), ("url", URL(target))]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 8288 §3.5
        (
            '<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter"',
            [("previous", link("http://example.com/TheBook/chapter2", rel="previous", title="previous chapter"))],
        ),
        ('</>; rel="http://example.net/foo"', [("http://example.net/foo", link("http://host/", rel="http://example.net/foo"))]),
        (
            '</terms>; rel="copyright"; anchor="#foo"',
            [("copyright", link("http://host/terms", rel="copyright", anchor="#foo"))],
        ),
        (
            "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes%20Kapitel, "
            "</TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel",
            [
                ("previous", [("rel", "previous"), ("title*", "letztes Kapitel"), ("url", URL("http://host/TheBook/chapter2"))]),
                ("next", [("rel", "next"), ("title*", "nächstes Kapitel"), ("url", URL("http://host/TheBook/chapter4"))]),
            ],
        ),
        (
            '<http://example.org/>; rel="start http://example.net/relation/other"',
            [
                (
                    "start http://example.net/relation/other",
                    link("http://example.org/", rel="start http://example.net/relation/other"),
                )
            ],
        ),
        (
            '<https://example.org/>; rel="start", <https://example.org/index>; rel="index"',
            [
                ("start", link("https://example.org/", rel="start")),
                ("index", link("https://example.org/index", rel="index")),
            ],
        ),
        # targets
        ("<a>; rel=next", [("next", link("http://host/dir/a", rel="next"))]),
        ("<>; rel=self", [("self", link("http://host/dir/page?q=1", rel="self"))]),
        ("<?page=2>; rel=next", [("next", link("http://host/dir/page?page=2", rel="next"))]),
        ("<//other/x>; rel=next", [("next", link("http://other/x", rel="next"))]),
        ("<a,b;c>; rel=next", [("next", link("http://host/dir/a,b;c", rel="next"))]),
        ("< a >; rel=next", [("next", link("http://host/dir/a", rel="next"))]),
        # without a relation the key is the target as it was written
        ("<../a>", [("../a", link("http://host/a"))]),
        ("<a>; title=x", [("a", link("http://host/dir/a", title="x"))]),
        # parameters
        ("<a>;rel=next;title=x", [("next", link("http://host/dir/a", rel="next", title="x"))]),
        ("<a> ; rel = next ; title = \"x\"", [("next", link("http://host/dir/a", rel="next", title="x"))]),
        ('<a>; rel="next"; title="x; y, <z>"', [("next", link("http://host/dir/a", rel="next", title="x; y, <z>"))]),
        (r'<a>; title="say \"a\\b\""', [("a", link("http://host/dir/a", title=r'say "a\b"'))]),
        ("<a>; REL=Next; TITLE=X", [("Next", link("http://host/dir/a", rel="Next", title="X"))]),
        ("<a>; rel='next'", [("next", link("http://host/dir/a", rel="next"))]),
        ("<a>; rel=first; rel=second", [("first", link("http://host/dir/a", rel="first"))]),
        ("<a>; crossorigin; rel=preload", [("preload", link("http://host/dir/a", crossorigin="", rel="preload"))]),
        ("<a>;; ;rel=next;", [("next", link("http://host/dir/a", rel="next"))]),
        ('<a>; rel=""', [("", link("http://host/dir/a", rel=""))]),
        ("<a>; url=evil; rel=x", [("x", [("url", URL("http://host/dir/a")), ("rel", "x")])]),
        (
            "<a>; hreflang=de; hreflang=en; rel=x",
            [("x", [("hreflang", "de"), ("hreflang", "en"), ("rel", "x"), ("url", URL("http://host/dir/a"))])],
        ),
        ("<a>; title*=UTF-8''%ff; rel=x", [("x", link("http://host/dir/a", rel="x"))]),
        ("<a>; title*=nonsense; rel=x", [("x", link("http://host/dir/a", rel="x"))]),
        ("<a>; title*=UTF-8''%; rel=x", [("x", link("http://host/dir/a", rel="x"))]),
        ("<a>; title*=punycode''x; rel=x", [("x", link("http://host/dir/a", rel="x"))]),
        ("<a>; title*=ISO-8859-1''%e4; rel=x", [("x", [("title*", "ä"), *link("http://host/dir/a", rel="x")])]),
        ("<a>; title*=no-such'en'x; rel=x", [("x", link("http://host/dir/a", rel="x"))]),
        # what makes no sense is skipped
        ("", []),
        (" , ,, ", []),
        ("a; rel=next", []),
        ("<a; rel=next", []),
        ("nonsense, <b>; rel=next", [("next", link("http://host/dir/b", rel="next"))]),
        ('"a, <x>", <b>; rel=next', [("next", link("http://host/dir/b", rel="next"))]),
        ("<a>; @, <b>; rel=next", [("a", link("http://host/dir/a")), ("next", link("http://host/dir/b", rel="next"))]),
        ("<http://[::1/>; rel=bad, <b>; rel=next", [("next", link("http://host/dir/b", rel="next"))]),
        ("<a>,<b>,,<c>", [("a", link("http://host/dir/a")), ("b", link("http://host/dir/b")), ("c", link("http://host/dir/c"))]),
        ('<a>; rel="next', [('"next', link("http://host/dir/a", rel='"next'))]),
    ],
)  # fmt: skip
def test_a_field_is_parsed(value: str, expected: list[tuple[str, list[tuple[str, object]]]]) -> None:
    assert [(key, sorted(pairs, key=str)) for key, pairs in parse(value)] == [
        (key, sorted(pairs, key=str)) for key, pairs in expected
    ]


def test_several_fields_are_one_list() -> None:
    assert parse("<a>; rel=x", "<b>; rel=y") == parse("<a>; rel=x, <b>; rel=y")


def test_links_of_the_same_relation_are_all_kept() -> None:
    links = parse_links(["<a>; rel=x, <b>; rel=x"], BASE)
    assert [str(item["url"]) for item in links.getall("x")] == ["http://host/dir/a", "http://host/dir/b"]


def test_the_result_is_read_only() -> None:
    links = parse_links(["<a>; rel=x"], BASE)
    assert type(links) is MultiDictProxy
    assert type(links["x"]) is MultiDictProxy


@given(st.text(st.sampled_from("<>;,=\"\\ 'ab*%é\udcff\t")))
def test_no_text_is_an_error(value: str) -> None:
    parse(value)


@pytest.mark.parametrize(
    "piece", ["<,", "<", '"\\', '"', ';a="', ';a="\\"', "<>;", "<>,", ",", " ", ";", "<>;a", "<>;a= "]
)
@pytest.mark.parametrize("end", ["", ">", '"', "x"])
def test_a_long_hostile_field_is_parsed_like_a_short_one(piece: str, end: str) -> None:
    """Quadratic time would take hours."""
    times = 200_000 // len(piece)
    with processor_limit(60):
        long, short = parse(piece * times + end), parse(piece * 4 + end)
    assert bool(long) == bool(short)
    assert len(long) <= times
