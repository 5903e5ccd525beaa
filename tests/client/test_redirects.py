"""Redirects: the matrix of methods and statuses, what a Location means, and which secrets survive it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from gazelle.auth import BasicAuth
from gazelle.client.redirects import BODY_FIELDS, ORIGIN_FIELDS, Redirect, carry, find_redirect, origin_of
from gazelle.errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError

HERE = URL("http://host:81/dir/page?q=1#old")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")


def redirect(
    location: str, *, url: URL = HERE, method: str = "GET", status: int = 302, requote: bool = True
) -> Redirect:
    found = find_redirect(method, url, status, CIMultiDict({"Location": location}), requote=requote)
    assert found is not None
    return found


def target(location: str, *, url: URL = HERE, requote: bool = True) -> str:
    return str(redirect(location, url=url, requote=requote).url)


# --- what is a redirect ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [*range(200, 300, 9), 300, 304, 305, 306, 309, 399, 400, 401, 404, 500, 999])
def test_other_statuses_are_no_redirect(status: int) -> None:
    assert find_redirect("GET", HERE, status, CIMultiDict({"Location": "/x"})) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("headers", [{}, {"Location": ""}, {"Location": "", "URI": ""}])
def test_without_a_target_there_is_no_redirect(status: int, headers: dict[str, str]) -> None:
    assert find_redirect("GET", HERE, status, CIMultiDict(headers)) is None


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ([("Location", "/a"), ("URI", "/b")], "/a"),
        ([("URI", "/b")], "/b"),
        ([("Location", ""), ("URI", "/b")], "/b"),
        ([("LOCATION", "/a")], "/a"),
        ([("Location", "/a"), ("Location", "/b")], "/a"),
    ],
)
def test_location_comes_before_uri_and_the_first_of_several_counts(headers: list[tuple[str, str]], path: str) -> None:
    found = find_redirect("GET", HERE, 301, CIMultiDict(headers))
    assert found is not None
    assert found.url.path == path


# --- methods ---------------------------------------------------------------------------------------------------------

# The rows that differ; in all others the method stays and the body is sent again.
REWRITTEN = {
    **{("POST", status): "GET" for status in (301, 302)},
    **{(method, 303): "GET" for method in METHODS if method != "HEAD"},
}


@pytest.mark.parametrize(("method", "status"), list(product(METHODS, (301, 302, 303, 307, 308))))
def test_the_matrix_of_methods_and_statuses(method: str, status: int) -> None:
    found = redirect("/x", method=method, status=status)
    assert (found.method, found.keep_body) == (
        REWRITTEN.get((method, status), method),
        (method, status) not in REWRITTEN,
    )


# --- targets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://other/x", "http://other/x"),
        ("https://other", "https://other"),
        ("HTTP://Other/%7e", "http://other/~"),
        ("/x", "http://host:81/x"),
        ("x", "http://host:81/dir/x"),
        ("../x", "http://host:81/x"),
        ("?k=1", "http://host:81/dir/page?k=1"),
        ("#f", "http://host:81/dir/page?q=1#f"),
        ("/x#f", "http://host:81/x#f"),
        ("//other/x", "http://other/x"),
        ("//other:82", "http://other:82"),
        ("http:/x", "http://host:81/x"),
        ("http:x", "http://host:81/dir/x"),
        ("HTTP:/x", "http://host:81/x"),
        ("http:?k=1", "http://host:81/dir/page?k=1"),
        ("http:a:b", "http://host:81/dir/a:b"),
        ("http:http://other/", "http://host:81/dir/http://other/"),
        ("/a:b", "http://host:81/a:b"),
        ("/a b", "http://host:81/a%20b"),
        ("/é", "http://host:81/%C3%A9"),
        ("/caf\udce9", "http://host:81/caf%E9"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://[::1]:82/", "http://[::1]:82/"),
        ("\\\\other/x", "http://host:81/dir/%5C%5Cother/x"),
        ("/\\other/x", "http://host:81/%5Cother/x"),
        ("http:\\\\other/", "http://host:81/dir/%5C%5Cother/"),
        ("http://user:pass@other/x", "http://other/x"),
        ("//user@host:81/x", "http://host:81/x"),
    ],
)
def test_a_target_is_resolved(location: str, expected: str) -> None:
    assert target(location) == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/%7e?a=%2f#%7E", "http://host:81/%7e?a=%2f#%7E"),
        ("http://Bücher.example/%7e", "http://xn--bcher-kva.example/%7e"),
        ("HTTP://OTHER:82/%7e", "http://other:82/%7e"),
        ("http:/%7e", "http://host:81/%7e"),
        ("/caf\udce9", "http://host:81/caf%E9"),
        ("http://user:pa%7ess@other/%7e", "http://other/%7e"),
    ],
)
def test_without_requoting_path_and_query_stay_as_they_came(location: str, expected: str) -> None:
    assert target(location, requote=False) == expected


def test_the_fragment_of_the_request_is_not_passed_on() -> None:
    assert [redirect(location).url.fragment for location in ("/x", "?k=1", "http://other/")] == ["", "", ""]


@pytest.mark.parametrize(
    "location",
    [
        "http:",
        "http://",
        "http:///x",
        "https:/x",
        "https:x",
        "///x",
        "http://:80/",
        "http://host:99999/",
        "http://host:port/",
        "http://[::1/",
        "http://a b/",
        "http://a<b>/",
        "http://a\\b/",
        "//user@/x",
        "http://us%3Aer:pass@other/",
        "http://us%0Aer@other/",
        "/a\tb",
        "/a\nb",
        "/a\r\nb: c",
        "\x00",
        "/a\x7f",
    ],
)
@pytest.mark.parametrize("requote", [True, False])
def test_a_malformed_target_is_an_error(location: str, requote: bool) -> None:
    with pytest.raises(InvalidUrlRedirectClientError):
        redirect(location, requote=requote)


@pytest.mark.parametrize(
    "location",
    ["ftp://host/x", "file:///etc/passwd", "data:,x", "javascript:alert(1)", "mailto:a@b", "ws://host/", "x:y"],
)
def test_another_scheme_is_an_error(location: str) -> None:
    with pytest.raises(NonHttpUrlRedirectClientError):
        redirect(location)


@pytest.mark.parametrize("location", ["http://user:secret@host:99999/", "ftp://user:secret@host/", "//user:secret@/\t"])
def test_errors_do_not_tell_the_credentials_of_the_target(location: str) -> None:
    with pytest.raises((InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError)) as caught:
        redirect(location)
    assert "secret" not in f"{caught.value!r} {caught.value} {caught.value.args}"


def test_a_websocket_handshake_may_be_sent_to_either_kind_of_scheme() -> None:
    here = URL("wss://host/chat")
    assert target("/x", url=here) == "wss://host/x"
    assert target("wss://other/x", url=here) == "wss://other/x"
    assert target("https://host/x", url=here) == "https://host/x"
    assert redirect("https://host/x", url=here).same_origin
    assert not redirect("http://host/x", url=here).same_origin


# --- origins ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "location", "same"),
    [
        ("http://host/", "/x", True),
        ("http://host/", "//host/x", True),
        ("http://host/", "http://host:80/x", True),
        ("https://host/", "https://host:443/x", True),
        ("http://host/", "http://HOST/x", True),
        ("http://user:pass@host/", "http://host/x", True),
        ("http://host/", "http://host:81/x", False),
        ("http://host/", "https://host/x", False),
        ("https://host/", "http://host/x", False),
        ("https://host/", "http://host:443/x", False),
        ("http://host/", "http://sub.host/x", False),
        ("http://sub.host/", "http://host/x", False),
        ("http://host/", "http://host./x", False),
        ("http://host/", "http://host.evil/x", False),
        ("http://host/", "http://host@evil/x", False),
        ("http://host/", "http://hоst/x", False),  # a Cyrillic letter
        ("http://127.0.0.1/", "http://localhost/", False),
        ("http://[::1]/", "http://[::1]/x", True),
    ],
)
@pytest.mark.parametrize("requote", [True, False])
def test_an_origin_is_scheme_host_and_port(here: str, location: str, same: bool, requote: bool) -> None:
    assert redirect(location, url=URL(here), requote=requote).same_origin is same


# --- what goes along -------------------------------------------------------------------------------------------------

AUTH = BasicAuth("user", "pass")
COOKIES = {"a": "1"}


@pytest.mark.parametrize(
    "location", ["http://host:82/", "https://host:81/", "http://other:81/", "http://sub.host:81/", "//other"]
)
def test_secrets_do_not_go_to_another_origin(location: str) -> None:
    headers = CIMultiDict(
        [
            ("Authorization", "Bearer 1"),
            ("authorization", "Bearer 2"),
            ("AUTHORIZATION", "Bearer 3"),
            ("Cookie", "a=1"),
            ("cOOKIE", "b=2"),
            ("Proxy-Authorization", "Basic 1"),
            ("PROXY-AUTHORIZATION", "Basic 2"),
            ("Host", "internal"),
            ("X-Other", "1"),
            ("x-other", "2"),
        ]
    )
    before = headers.copy()
    carried = carry(redirect(location), headers, AUTH, COOKIES)
    assert list(carried.headers.items()) == [("X-Other", "1"), ("x-other", "2")]
    assert carried.auth is None
    assert carried.cookies is None
    assert headers == before


def test_everything_goes_to_the_same_origin() -> None:
    headers = CIMultiDict([("Authorization", "Bearer 1"), ("Cookie", "a=1"), ("Host", "internal"), ("X", "1")])
    carried = carry(redirect("/x"), headers, AUTH, COOKIES)
    assert carried.headers == headers
    assert carried.headers is not headers
    assert carried.auth is AUTH
    assert carried.cookies is COOKIES


@pytest.mark.parametrize("location", ["http://new:secret@host:81/x", "http://new:secret@other/x"])
def test_credentials_of_the_target_take_the_place_of_all_others(location: str) -> None:
    found = redirect(location)
    assert "secret" not in str(found.url)
    headers = CIMultiDict([("Authorization", "Bearer 1"), ("authorization", "Bearer 2")])
    carried = carry(found, headers, AUTH, COOKIES)
    assert carried.auth == BasicAuth("new", "secret")
    assert not carried.headers


def test_credentials_of_the_request_url_are_not_inherited() -> None:
    found = redirect("/x", url=URL("http://user:pass@host/"))
    assert str(found.url) == "http://host/x"
    assert found.auth is None


def test_fields_about_the_body_go_with_it() -> None:
    headers = CIMultiDict([(name.swapcase(), "1") for name in BODY_FIELDS] + [("X", "1")])
    assert carry(redirect("/x", method="POST", status=307), headers, None, None).headers == headers
    assert list(carry(redirect("/x", method="POST", status=303), headers, None, None).headers) == ["X"]


HOSTS = st.sampled_from(["host", "sub.host", "other", "127.0.0.1", "[::1]", "HOST"])
SITES = st.builds(
    lambda scheme, user, host, port: f"{scheme}://{user}{host}{port}",
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["", "", "u:p@", "u@"]),
    HOSTS,
    st.sampled_from(["", ":80", ":443", ":8080"]),
)
REFERENCES = st.one_of(SITES, st.sampled_from(["/x", "x", "?k=1", "#f", "//other", "//u:p@host", "http:/x", "http:x"]))
NAMES = st.sampled_from([*ORIGIN_FIELDS, "X-Other"]).flatmap(
    lambda name: st.sampled_from([name, name.lower(), name.upper(), name.swapcase()])
)


@given(start=SITES, hops=st.lists(REFERENCES, min_size=1, max_size=10), names=st.lists(NAMES), requote=st.booleans())
def test_no_chain_brings_a_secret_to_an_origin_that_it_was_not_meant_for(
    start: str, hops: list[str], names: list[str], requote: bool
) -> None:
    """Once a chain has left the origin, what was passed stays away, even if it comes back."""
    url = URL(start)
    home = origin_of(url)
    left = False
    headers = CIMultiDict([(name, "secret") for name in names])
    auth: BasicAuth | None = AUTH
    cookies: dict[str, str] | None = COOKIES
    for location in hops:
        try:
            found = find_redirect("GET", url, 302, CIMultiDict({"Location": location}), requote=requote)
        except InvalidUrlRedirectClientError:  # `http:x` seen from https
            continue
        assert found is not None
        headers, auth, cookies = carry(found, headers, auth, cookies)
        url = found.url
        assert url.raw_user is None
        assert url.absolute
        left = left or origin_of(url) != home
        if left:
            assert {name.lower() for name in headers} <= {"x-other"}
            assert auth is None or auth.login == "u"
            assert cookies is None


@given(st.text(st.sampled_from("htps:/?#@[]\\ .%é\udcff\t1a")), st.booleans())
def test_every_location_is_a_target_or_an_error_of_its_own(location: str, requote: bool) -> None:
    try:
        found = find_redirect("GET", HERE, 302, CIMultiDict({"Location": location}), requote=requote)
    except (InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError):
        return
    if found is not None:
        assert found.url.scheme in ("http", "https")
        assert found.url.raw_host
        assert str(found.url.with_fragment(None)).isprintable()
