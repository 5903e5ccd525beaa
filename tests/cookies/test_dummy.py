"""The jar that stores nothing."""

from __future__ import annotations

from gazelle.cookies.any_jar import cookies_for_request
from gazelle.cookies.dummy import DummyCookieJar
from tests.cookies.jars import SITE, receive


def test_a_dummy_jar_stores_nothing() -> None:
    jar = DummyCookieJar()
    jar.update_cookies({"a": "b"})
    receive(jar, "a=b")
    jar.clear()
    jar.clear_domain("example.org")
    assert len(jar) == 0
    assert not jar
    assert list(jar) == []
    assert dict(jar.filter_cookies(SITE)) == {}
    assert cookies_for_request(jar, SITE) == ()
    assert (jar.version, jar.unsafe, jar.quote_cookie) == (0, False, True)
    assert jar.treat_as_secure_origin == frozenset()
    assert jar.host_only_cookies == frozenset()
    assert dict(jar.cookies) == {}
