"""The stored cookies: expiry, versions, order and limits (RFC 6265 §5.3)."""

from __future__ import annotations

import pytest

from gazelle.cookies.cookie import Cookie, Key
from gazelle.cookies.jar import CookieJar
from gazelle.cookies.store import MAX_PER_DOMAIN, MAX_TOTAL, PRUNE_DOMAIN_AT, PRUNE_TOTAL_AT, CookieStore
from gazelle.cookies.views import Views
from tests.cookies.jars import Clock, receive, sent


def test_a_cookie_ends_when_its_max_age_is_over(jar: CookieJar, clock: Clock) -> None:
    receive(jar, "a=1; Max-Age=10", "b=2")
    clock.now += 9.5
    assert sent(jar) == "a=1; b=2"
    clock.now += 1.5
    assert sent(jar) == "b=2"
    assert len(jar) == 1
    assert [morsel.key for morsel in jar] == ["b"]


def test_a_cookie_ends_when_its_date_has_come(jar: CookieJar, clock: Clock) -> None:
    clock.now = 1893456000.0
    receive(jar, "a=1; Expires=Tue, 01 Jan 2030 00:00:05 GMT")
    clock.now += 4.9
    assert sent(jar) == "a=1"
    clock.now += 0.1
    assert sent(jar) is None
    assert len(jar) == 0


@pytest.mark.parametrize(
    ("attributes", "stays"),
    [
        ("Max-Age=0", False),
        ("Max-Age=-1", False),
        ("Max-Age=9223372036854775808", True),
        ("Max-Age=" + "9" * 400, True),
        ("Max-Age=1e400", True),
        ("Max-Age=x", True),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("Expires=Mon, 01 Jan 1601 00:00:00 GMT", False),
        ("Expires=Mon, 01 Jan 1600 00:00:00 GMT", True),  # no date
        ("Expires=Fri, 31 Dec 9999 23:59:59 GMT", True),
        ("Expires=tomorrow", True),
        ("Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5", True),
        ("Max-Age=0; Expires=Fri, 31 Dec 9999 23:59:59 GMT", False),
        ("Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
    ],
    ids=lambda text: str(text)[:40],
)
def test_a_cookie_of_the_past_removes_the_one_in_its_place(jar: CookieJar, attributes: str, stays: bool) -> None:
    receive(jar, "a=1", "b=2")
    receive(jar, f"a=3; {attributes}", f"c=4; {attributes}")
    assert sent(jar) == ("a=3; b=2; c=4" if stays else "b=2")


def test_a_cookie_that_is_set_again_lives_on(jar: CookieJar, clock: Clock) -> None:
    receive(jar, "a=1; Max-Age=10")
    clock.now += 8
    receive(jar, "a=1; Max-Age=10")
    clock.now += 8
    assert sent(jar) == "a=1"
    receive(jar, "a=1")
    clock.now += 1000
    assert sent(jar) == "a=1"
    receive(jar, "a=1; Max-Age=10")
    clock.now += 11
    assert sent(jar) is None


def test_the_version_changes_when_what_is_sent_may_change(jar: CookieJar, clock: Clock) -> None:
    versions = [jar.version]

    def changed() -> bool:
        versions.append(jar.version)
        return versions[-1] != versions[-2]

    assert not changed()
    receive(jar, "a=1; Max-Age=10", "bad")
    assert changed()
    receive(jar, "a=1; Max-Age=20", "a=1; Max-Age=20; HttpOnly", "=", "x=1; Domain=elsewhere.test")
    assert not changed()
    receive(jar, "a=2; Max-Age=20")
    assert changed()
    receive(jar, "a=2; Max-Age=20; Secure")
    assert changed()
    sent(jar)
    len(jar)
    assert not changed()
    clock.now += 19
    assert not changed()
    clock.now += 2
    assert changed()
    jar.update_cookies({"s": "1"})
    assert changed()
    jar.clear()
    assert changed()
    jar.clear()
    assert not changed()


def test_a_domain_keeps_its_newest_150_or_so(jar: CookieJar) -> None:
    receive(jar, "keep=1", url="http://sub.example.org/")
    for n in range(PRUNE_DOMAIN_AT):
        receive(jar, f"c{n}=v; Max-Age=1000")
    assert len(jar) == PRUNE_DOMAIN_AT + 1
    receive(jar, "c0=again")  # that makes it the newest
    receive(jar, "last=1")
    assert len(jar) == MAX_PER_DOMAIN + 1
    names = [morsel.key for morsel in jar if morsel["domain"] == "example.org"]
    assert names == [f"c{n}" for n in range(PRUNE_DOMAIN_AT - MAX_PER_DOMAIN + 2, PRUNE_DOMAIN_AT)] + ["c0", "last"]


def test_a_jar_keeps_its_newest_3000_or_so_and_all_shared_cookies(jar: CookieJar) -> None:
    jar.update_cookies({f"s{n}": "shared" for n in range(200)})
    for n in range(PRUNE_TOTAL_AT - 200):
        receive(jar, "c=v", url=f"http://h{n}.test/")
    assert len(jar) == PRUNE_TOTAL_AT
    receive(jar, "last=1")
    assert len(jar) == MAX_TOTAL
    assert sum(morsel["domain"] == "" for morsel in jar) == 200
    assert "last=1" in (sent(jar) or "")
    assert "c=v" not in (sent(jar, "http://h300.test/") or "")
    assert "c=v" in (sent(jar, "http://h301.test/") or "")


def test_a_cookie_that_is_set_repeatedly_takes_no_more_memory() -> None:
    domains: dict[str, dict[Key, Cookie]] = {}
    store = CookieStore(domains, Views(domains, unsafe=False, quoted=True))
    for n in range(5000):
        cookie = store.put(Cookie("a", str(n), str(n), domain="example.org", expires=10_000 + n))
        store.remember(cookie, ("example.org", False, "a", f"; Max-Age={n}"))
    assert store.count == len(store.recipes) == 1
    assert len(store.expiring) <= 100
    store.remove(cookie)
    assert not store.recipes
