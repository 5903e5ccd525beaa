"""A Set-Cookie that is stored without parsing has the effect of one that is parsed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from gazelle.cookies.jar import CookieJar
from tests.cookies.jars import SITE, Clock, receive, sent
from tests.support.growth import steps

HOSTS = ["example.org", "a.example.org", "EXAMPLE.org.", "127.0.0.1"]
PATHS = ["/", "/x/y", "/x/z", "/z/"]
VALUES = ["1", "2", "", " 1", "1\t", '"1"', '"a b"', '"\\073"', "é", "a=b", "a\x01", "\udcff", "x" * 4095, "x" * 4096]
LARGE = ["y" * 4000, "z" * 4090, "1"]
ATTRIBUTES = [
    "",
    ";",
    "; Path=/",
    "; Path=/x; HttpOnly",
    "; Path=/; Domain=example.org",
    "; Path=/; Domain=other.test",
    "; Secure; Path=/",
    "; Max-Age=10",
    "; Max-Age=10; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "; Max-Age=99999999999999999",
    "; Max-Age=0",
    "; Expires=Fri, 15 Jan 2027 08:00:20 GMT",
    "; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "; Path=/\x00",
]
NAMES = ["a", "b", " a", "é", "__Host-a", "__Secure-a", ""]

FIELDS = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES), st.sampled_from(ATTRIBUTES))
FEW_FIELDS = st.tuples(st.sampled_from("abc"), st.sampled_from(LARGE), st.sampled_from(ATTRIBUTES[:3]))
RESPONSES = st.tuples(
    st.sampled_from(["http", "https"]),
    st.sampled_from(HOSTS),
    st.sampled_from(PATHS),
    st.lists(FIELDS | FEW_FIELDS, min_size=1, max_size=4),
    st.sampled_from([0, 0, 0, 1, 5, 9.75, 11]),
)


def contents(jar: CookieJar) -> list[tuple[Any, ...]]:
    """Return everything that a jar stores, in its order, without the attributes as they were written."""
    return [
        (
            domain,
            cookie.key,
            cookie.value,
            cookie.coded,
            cookie.secure,
            cookie.expires,
            "httponly" in cookie.attributes,
        )
        for domain, bucket in jar.by_domain.items()
        for cookie in bucket.values()
    ]


def headers(jar: CookieJar) -> list[str | None]:
    """Return what a jar sends to all hosts and paths."""
    return [jar.header_for(host, path, secure) for host in HOSTS for path in PATHS for secure in (False, True)]


@given(responses=st.lists(RESPONSES, max_size=12), quoted=st.booleans(), asks=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_renewed_cookies_equal_parsed_ones(clock: Clock, responses: list[Any], quoted: bool, asks: bool) -> None:
    clock.now = 1_800_000_000.25
    renewing = CookieJar(unsafe=True, quote_cookie=quoted)
    parsing = CookieJar(unsafe=True, quote_cookie=quoted)
    before = headers(renewing)
    for number, (scheme, host, path, fields, pause) in enumerate(responses):
        clock.now += pause
        versions = renewing.version, parsing.version
        url = URL.build(scheme=scheme, host=host, path=path)
        texts = [f"{name}={value}{attributes}" for name, value, attributes in fields]
        receive(renewing, *texts, url=url)
        # An attribute that was never seen before makes the text of the attributes new, which rules renewal out.
        receive(parsing, *(f"{text};unknown-{number}" for text in texts), url=url)
        assert (renewing.version != versions[0]) == (parsing.version != versions[1])
        assert contents(renewing) == contents(parsing)
        if asks:
            sends = headers(renewing)
            assert sends == headers(parsing)
            assert sends == before or renewing.version != versions[0] or pause
            before = sends
    assert headers(renewing) == headers(parsing)
    assert len(renewing) == len(parsing)
    clock.now += 12
    assert contents(renewing) == contents(parsing)


def test_a_changed_value_takes_a_fraction_of_the_first_set_cookie() -> None:
    jar = CookieJar()
    numbers = iter(range(10**9))
    field = "session={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=100000"

    def exchange(attributes: str = "") -> str | None:
        jar.store_fields([field.format(next(numbers)) + attributes], "example.org", "/", False)
        return jar.header_for("example.org", "/", False)

    exchange()
    renewed = steps(lambda: [exchange() for _ in range(20)])
    parsed = steps(lambda: [exchange(f"; unknown={next(numbers)}") for _ in range(20)])
    assert renewed * 2.5 < parsed
    last = next(numbers)
    assert exchange() == f"session={last + 1}"


def test_max_age_counts_from_the_last_set_cookie(jar: CookieJar, clock: Clock) -> None:
    for value in "1123":
        receive(jar, f"a={value}; Max-Age=10")
        clock.now += 8
    assert sent(jar) == "a=3"
    clock.now += 3
    assert sent(jar) is None


def test_a_date_does_not_move_with_the_last_set_cookie(jar: CookieJar, clock: Clock) -> None:
    clock.now = 1893456000.0
    for value in "123":
        receive(jar, f"a={value}; Expires=Tue, 01 Jan 2030 00:00:05 GMT")
        clock.now += 1
    assert sent(jar) == "a=3"
    clock.now += 2
    assert sent(jar) is None


def test_a_removed_cookie_is_stored_again_by_the_same_field(jar: CookieJar) -> None:
    removals: list[Callable[[], None]] = [
        jar.clear,
        lambda: jar.clear_domain("example.org"),
        lambda: receive(jar, "a=; Path=/; Max-Age=0"),
    ]
    for remove in removals:
        receive(jar, "a=1; Path=/")
        remove()
        assert sent(jar) is None
        receive(jar, "a=1; Path=/")
        assert sent(jar) == "a=1"


def test_a_cookie_of_the_caller_in_between_has_its_own_attributes(jar: CookieJar) -> None:
    receive(jar, "a=1; Path=/; HttpOnly")
    jar.update_cookies({"a": "2"}, URL("http://example.org/"))
    assert sent(jar) == "a=2"
    receive(jar, "a=3; Path=/; HttpOnly")
    assert [morsel["httponly"] for morsel in jar] == [True]
    jar.update_cookies({"a": "4"}, URL("http://example.org/"))
    assert [morsel["httponly"] for morsel in jar] == [""]
    assert sent(jar) == "a=4"


def test_a_default_path_follows_the_page(jar: CookieJar) -> None:
    for number, page in enumerate(("/x/1", "/y/1", "/x/2", "/y/2")):
        receive(jar, f"a={number}", url=f"http://example.org{page}")
    assert sent(jar, "http://example.org/x/") == "a=2"
    assert sent(jar, "http://example.org/y/") == "a=3"


def test_a_set_cookie_of_an_insecure_page_does_not_renew_one_of_a_secure_page(jar: CookieJar) -> None:
    receive(jar, "__Host-a=1; Secure; Path=/", url="https://example.org/")
    receive(jar, "__Host-a=2; Secure; Path=/", url="http://example.org/")
    assert sent(jar, "https://example.org/") == "__Host-a=1"
    receive(jar, "__Host-a=3; Secure; Path=/", url="https://example.org/")
    assert sent(jar, "https://example.org/") == "__Host-a=3"


@pytest.mark.parametrize("value", ["1", "2"])
def test_a_renewed_cookie_is_the_newest(jar: CookieJar, value: str) -> None:
    receive(jar, "a=1", "b=1", "c=1")
    receive(jar, f"a={value}")
    assert [morsel.key for morsel in jar] == ["b", "c", "a"]


def test_50_cookies_of_a_response_are_renewed_and_no_more(jar: CookieJar) -> None:
    for number in range(60):
        receive(jar, f"c{number:02}=1")
    receive(jar, *(f"c{number:02}=2" for number in range(60)), url=SITE)
    assert [morsel.value for morsel in sorted(jar, key=lambda morsel: morsel.key)] == ["2"] * 50 + ["1"] * 10
