"""The cost of cookies in executed instructions: none without cookies, the same with thousands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from yarl import URL

from gazelle.cookies.jar import CookieJar
from gazelle.cookies.parse import (
    parse_cookie_header,
    parse_set_cookie,
)
from tests.support.growth import Work, assert_linear, steps

MANY = 8


def compare(work: Work, to: Work, limit: float, times: int = 3) -> None:
    """Fail if `times` pieces of work execute more than `limit` times as many instructions as those of another."""

    def repeat(one: Work) -> int:
        return steps(lambda: [one() for _ in range(times)])

    repeat(work), repeat(to)  # what is done the first time only
    found = repeat(work) / repeat(to)
    assert found <= limit, f"{found:.2f} times as many, more than {limit}"


def filled(count: int) -> CookieJar:
    """Return a jar with *count* cookies, three per host, that expire one after the other."""
    jar = CookieJar()
    for n in range(count // 3):
        url = URL(f"http://h{n}.example{n % 50}.test/")
        fields = [f"c{k}=value{n}; Path=/; Max-Age={10_000 + n}" for k in range(3)]
        jar.update_cookies_from_headers(fields, url)
    assert len(jar) == count
    return jar


HOST = URL("http://h1.example1.test/")


def test_an_empty_jar_costs_a_request_a_call() -> None:
    jar = CookieJar()
    times = 100
    assert steps(lambda: [jar.header_for("h1.example1.test", "/", False) for _ in range(times)]) < 40 * times


def test_a_header_that_is_known_costs_the_same_in_a_large_jar() -> None:
    small, large = filled(30), filled(3000)
    assert small.header_for("h1.example1.test", "/x", False) == large.header_for("h1.example1.test", "/x", False)
    compare(
        lambda: large.header_for("h1.example1.test", "/x", False),
        lambda: small.header_for("h1.example1.test", "/x", False),
        limit=1.2,
    )


def test_a_header_that_is_not_known_costs_the_same_in_a_large_jar() -> None:
    small, large = filled(30), filled(3000)

    def changed(jar: CookieJar) -> str | None:
        jar.update_cookies_from_headers([f"c0={jar.version}; Path=/"], HOST)
        return jar.header_for("h1.example1.test", "/x", False)

    compare(lambda: changed(large), lambda: changed(small), limit=1.5)


def test_a_host_without_cookies_costs_the_same_in_a_large_jar() -> None:
    small, large = filled(30), filled(3000)
    compare(
        lambda: large.header_for("a.b.c.none.test", "/x", False),
        lambda: small.header_for("a.b.c.none.test", "/x", False),
        limit=1.2,
    )


def test_paths_that_never_come_again_cost_as_much_as_one_that_does() -> None:
    jar = filled(3000)
    jar.update_cookies_from_headers(["a=1; Path=/x", "b=2; Path=/x/y"], HOST)
    numbers = iter(range(10**9))
    compare(
        lambda: jar.header_for("h1.example1.test", f"/x/y/{next(numbers)}", False),
        lambda: jar.header_for("h1.example1.test", f"/x/y/{next(numbers) * 0}", False),
        limit=1.2,
    )


def test_cookies_expire_one_by_one_without_a_look_at_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def expiring(count: int) -> Callable[[], object]:
        jar = CookieJar()
        now = [1_000_000.0]
        monkeypatch.setattr("gazelle.cookies.jar.time", lambda: now[0])
        for n in range(count):
            jar.update_cookies_from_headers([f"a=1; Max-Age={n + 1}"], URL(f"http://h{n % 3000}.test/"))

        def one_more_second() -> None:
            now[0] += 1
            assert len(jar) > 0

        return one_more_second

    compare(expiring(2900), expiring(300), limit=1.5, times=35)


FLOODS: dict[str, Callable[[int], Callable[[], object]]] = {
    "a_long_value": lambda n: lambda: parse_set_cookie("a=" + "b" * n),
    "a_long_quoted_value": lambda n: lambda: parse_set_cookie('a="' + "\\" * n + '"'),
    "many_attributes": lambda n: lambda: parse_set_cookie("a=b" + "; c=d" * (n // 5)),
    "a_long_date": lambda n: lambda: parse_set_cookie("a=b; expires=" + "1:" * (n // 2)),
    "equals_signs": lambda n: lambda: parse_set_cookie("=" * n),
    "semicolons": lambda n: lambda: parse_set_cookie(";" * n),
    "white_space": lambda n: lambda: parse_set_cookie("a" + " \t" * (n // 2) + "=b"),
    "header_of_quotes": lambda n: lambda: parse_cookie_header('a="b;' * (n // 5)),
    "header_of_escapes": lambda n: lambda: parse_cookie_header('a="' + '\\"' * (n // 2)),
    "header_of_names": lambda n: lambda: parse_cookie_header("a;" * (n // 2)),
    "header_of_one_name": lambda n: lambda: parse_cookie_header("a" * n),
    "header_of_white_space": lambda n: lambda: parse_cookie_header("a=" + " \t" * (n // 2) + "x"),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_time_grows_with_the_bytes_and_not_with_their_square(flood: str) -> None:
    assert_linear(FLOODS[flood], 320_000)


def test_a_flood_of_cookies_costs_each_what_one_costs() -> None:
    """Also those that make the jar evict others."""

    def flood(count: int) -> Callable[[], object]:
        def receive() -> None:
            jar = CookieJar()
            for n in range(count // 40):
                fields = [f"c{n}-{k}=v; Domain=example.test; Max-Age={1000 + n}" for k in range(40)]
                jar.update_cookies_from_headers(fields, URL(f"http://h{n}.example.test/"))
                jar.header_for("example.test", "/", False)

        return receive

    compare(flood(400 * MANY), flood(400), limit=1.5 * MANY, times=1)


def test_a_flood_of_hosts_costs_each_what_one_costs() -> None:
    def flood(count: int) -> Callable[[], object]:
        def receive() -> None:
            jar = CookieJar()
            for n in range(count):
                jar.update_cookies_from_headers(["a=b"], URL.build(scheme="http", host=f"h{n}.test", path="/"))

        return receive

    compare(flood(500 * MANY), flood(500), limit=1.5 * MANY, times=1)
