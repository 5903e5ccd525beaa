"""A request head is put together from its parts, by both twins alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.twins import Twin


def test_a_head_has_its_parts_in_order(twin: Twin) -> None:
    parts = (b" HTTP/1.1\r\nHost: h\r\n", b"", b"X-A: 1\r\n", b"\r\n")
    assert twin.request_text.assemble("GET", "/x?y", parts) == b"GET /x?y HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\r\n"
    assert twin.request_text.assemble("", "", ()) == b" "


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=5), st.text(max_size=5), st.lists(st.binary(max_size=5), max_size=5))
def test_the_twins_make_the_same_head(
    both_twins: tuple[Twin, Twin], method: str, target: str, parts: list[bytes]
) -> None:
    pure, compiled = (twin.request_text.assemble(method, target, tuple(parts)) for twin in both_twins)
    assert pure == compiled == f"{method} {target}".encode() + b"".join(parts)


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_half_a_surrogate_pair_cannot_be_sent(twin: Twin, text: str) -> None:
    for method, target in ((text, "/"), ("GET", text)):
        with pytest.raises(UnicodeEncodeError):
            twin.request_text.assemble(method, target, ())


@pytest.mark.parametrize("part", ["text", None, 1])
def test_a_part_that_is_no_bytes_is_refused(twin: Twin, part: Any) -> None:
    with pytest.raises(TypeError):
        twin.request_text.assemble("GET", "/", (b"a", part))
