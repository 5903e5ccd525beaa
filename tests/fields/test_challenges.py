"""WWW-Authenticate: what RFC 9110 says and what servers send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazelle.fields.challenges import parse_challenges, parse_parameters
from tests.support.limits import processor_limit


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # RFC 9110 §11.6.1
        (
            ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
            [("basic", {"realm": "simple"}), ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'})],
        ),
        (
            ['Newauth realm="apps", type=1', 'Basic realm="simple"'],
            [("newauth", {"realm": "apps", "type": "1"}), ("basic", {"realm": "simple"})],
        ),
        (["Negotiate"], [("negotiate", {})]),
        (["Negotiate, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})]),
        (["NTLM TlRMTVNT==, Basic realm=x"], [("ntlm", {}), ("basic", {"realm": "x"})]),
        (["DIGEST REALM=x, Nonce=abc"], [("digest", {"realm": "x", "nonce": "abc"})]),
        (['Digest realm = "x" , nonce = abc'], [("digest", {"realm": "x", "nonce": "abc"})]),
        (['Digest realm="a, Basic realm=b", nonce=n'], [("digest", {"realm": "a, Basic realm=b", "nonce": "n"})]),
        (['Digest realm="x" nonce="abc"'], [("digest", {"realm": "x", "nonce": "abc"})]),
        (["Digest realm=x, realm=y"], [("digest", {"realm": "x"})]),
        (["Digest nonce=a/b+c==, realm=x"], [("digest", {"nonce": "a/b+c==", "realm": "x"})]),
        (['Digest realm="unclosed'], [("digest", {"realm": "unclosed"})]),
        (['Digest realm="unclosed\\'], [("digest", {"realm": "unclosed\\"})]),
        (["  ,, Basic realm=x ,,"], [("basic", {"realm": "x"})]),
        (["Digest realm="], [("digest", {})]),
        ([""], []),
        (["=x"], []),
        (["realm=x"], []),
        ([], []),
    ],
)
def test_challenges_are_parsed(values: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [tuple(challenge) for challenge in parse_challenges(values)] == expected


def test_parameters_alone_are_parsed() -> None:
    assert parse_parameters('nextnonce="a,b", qop=auth, NC=00000001') == {
        "nextnonce": "a,b",
        "qop": "auth",
        "nc": "00000001",
    }
    assert parse_parameters("nonsense") == {}


@given(st.lists(st.text(st.sampled_from('Digest =,"\\ab;é\udcff\t'))))
def test_no_text_is_an_error(values: list[str]) -> None:
    parse_challenges(values)


@pytest.mark.parametrize("piece", ["a", "a ", "a,", 'a="', "a=", '"\\', '"', ",", " ", "a =", "a b=", 'a="\\'])
def test_a_long_hostile_field_is_parsed_like_a_short_one(piece: str) -> None:
    """Quadratic time would take hours."""
    times = 200_000 // len(piece)
    with processor_limit(60):
        long, short = parse_challenges([piece * times]), parse_challenges([piece * 4])
    assert bool(long) == bool(short)
    assert len(long) <= times
