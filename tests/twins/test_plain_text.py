"""The recognisers accept only text that the full way would leave as it is, and both twins accept the same."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from gazelle.body.formdata import FormData
from tests.support.twins import Twin

URL_CHARACTERS = "aZ09-._~!$&'()*+,;=:@/?%#[]|^` \\\"<>{}é€\t\x00"
_urls = st.one_of(
    st.tuples(
        st.sampled_from(["http://", "https://", "HTTP://", "ws://", "http:/", "//", ""]),
        st.sampled_from(
            [
                "h",
                "example.com",
                "127.0.0.1",
                "a-b.c",
                "-a",
                "a-",
                "xn--a",
                "a.xn--b",
                "A",
                "a..b",
                "a_b",
                "[::1]",
                "u@h",
                "",
            ]
        ),
        st.sampled_from(["", ":80", ":8080", ":0", ":080", ":65535", ":99999", ":123456", ":"]),
        st.text(URL_CHARACTERS, max_size=12),
    ).map("".join),
    st.tuples(st.sampled_from(["http://h/", "http://h/?", "http://h/a%20b/"]), st.binary(max_size=3)).map(
        lambda parts: parts[0] + "".join(f"%{byte:02X}" for byte in parts[1])
    ),
)
_texts = st.one_of(st.text(max_size=8), st.text("aA0-._~!$&'()*+,;=:@/?% é\ud800", max_size=8))
_values = st.one_of(_texts, st.integers(), st.booleans(), st.floats(), st.none(), st.binary(max_size=2))
_containers = st.one_of(
    st.dictionaries(_texts, _values, max_size=4),
    st.lists(st.tuples(_texts, _values), max_size=4),
    st.lists(st.tuples(_texts, _values), max_size=4).map(tuple),
    st.lists(st.one_of(st.tuples(_texts), st.lists(_texts, max_size=2)), max_size=2),
    _texts,
)


def _both(both_twins: tuple[Twin, Twin], function: str, argument: Any) -> Any:
    pure, compiled = (getattr(twin.plain_text, function)(argument) for twin in both_twins)
    assert pure == compiled
    return pure


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(url=_urls)
def test_a_url_is_split_only_if_yarl_leaves_it_as_it_is(both_twins: tuple[Twin, Twin], url: str) -> None:
    split = _both(both_twins, "split_url", url)
    if split is not None:
        site, target = split
        parsed = URL(url)
        assert parsed.raw_path_qs == target
        assert parsed.origin() == URL(site).origin()
        assert parsed.raw_host == site.partition("://")[2].partition(":")[0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h", ("http://h", "/")),
        ("http://h?a=b", ("http://h", "/?a=b")),
        ("https://a-b.example:8443/x/y?z=1&w=%20", ("https://a-b.example:8443", "/x/y?z=1&w=%20")),
        ("http://h/%2F%20%C3%A9", ("http://h", "/%2F%20%C3%A9")),
        ("http://h//x//", ("http://h", "//x//")),
        ("http://h/%41", None),
        ("http://h/?%41", None),
        ("http://h/%c3", None),
        ("http://h/%2", None),
        ("http://h/a/../b", None),
        ("http://h/p?", None),
        ("http://h/p#f", None),
        ("http://u:p@h/", None),
        ("http://H/", None),
        ("http://h:0/", None),
        ("http://h:65535/", ("http://h:65535", "/")),
        ("http://h:65536/", None),
        ("http://h:99999", None),
        ("http://h:655350/", None),
        ("http://h/é", None),
        ("http://" + "h" * 2048, None),
    ],
)
def test_split_url_declines_everything_that_would_change(
    both_twins: tuple[Twin, Twin], url: str, expected: Any
) -> None:
    assert _both(both_twins, "split_url", url) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(params=_containers)
def test_a_query_is_encoded_as_yarl_encodes_it(both_twins: tuple[Twin, Twin], params: Any) -> None:
    query = _both(both_twins, "encode_query", params)
    if query is not None:
        assert URL("http://h/").extend_query(params).raw_query_string == query


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=_containers)
def test_a_form_is_encoded_as_the_form_encoder_encodes_it(both_twins: tuple[Twin, Twin], fields: Any) -> None:
    form = _both(both_twins, "encode_form", fields)
    if form is not None:
        assert FormData(fields)().body_bytes() == form.encode()


@pytest.mark.parametrize("function", ["encode_query", "encode_form"])
def test_the_longest_text_that_is_encoded_is_the_same_for_both_twins(
    both_twins: tuple[Twin, Twin], function: str
) -> None:
    for size in range(4085, 4100):
        for fields in ({"a": "x" * size}, {"a" * size: ""}, {"é" * (size // 6): "é" * (size // 6)}):
            _both(both_twins, function, fields)
    assert _both(both_twins, function, {"a": "x" * 4094}) == "a=" + "x" * 4094
    assert _both(both_twins, function, {"a": "x" * 4095}) is None


@pytest.mark.parametrize(
    "value", [True, 1.5, None, b"x", ["a"], 10**5000, "\ud800"], ids=lambda value: type(value).__name__
)
def test_a_value_of_another_kind_is_left_to_the_full_way(both_twins: tuple[Twin, Twin], value: object) -> None:
    for function in ("encode_query", "encode_form"):
        assert _both(both_twins, function, {"a": value}) is None
        assert _both(both_twins, function, {}) is None
