"""Where a call goes: URL, key of the connection, request target, credentials in the URL."""

from __future__ import annotations

from typing import Any, Final

import pytest
from yarl import URL

from gazelle.auth import BasicAuth
from gazelle.client.locate import Locator, add_params, check_url, check_url_text, host_field, key_of
from gazelle.errors import InvalidURL, NonHttpUrlClientError
from gazelle.net.connector import BaseConnector
from gazelle.net.key import ConnectionKey
from gazelle.net.tls import Fingerprint

SCHEMES: Final = BaseConnector.allowed_protocol_schema_set


def locator(base_url: str | None = None) -> Locator:
    return Locator(None if base_url is None else URL(base_url), SCHEMES)


@pytest.mark.parametrize("kind", [str, URL])
def test_a_location_has_the_url_its_site_and_the_target(kind: Any) -> None:
    location = locator().locate(kind("http://Example.org:81/a%20b?c=d#e"))
    assert location.url == URL("http://example.org:81/a%20b?c=d#e")
    assert location.site == "http://example.org:81"
    assert location.target == "/a%20b?c=d"
    assert location.auth is None


@pytest.mark.parametrize(
    ("url", "target"), [("http://h", "/"), ("http://h?x", "/?x"), ("http://h/", "/"), ("http://h/ä", "/%C3%A4")]
)
def test_the_target_is_never_empty_and_always_ascii(url: str, target: str) -> None:
    assert locator().locate(url).target == target


@pytest.mark.parametrize(
    ("userinfo", "auth"),
    [
        ("u:p", BasicAuth("u", "p")),
        ("u", BasicAuth("u", "")),
        (":p", BasicAuth("", "p")),
        ("u%40x:p%3Ap", BasicAuth("u@x", "p:p")),
        ("%E2%82%AC:p", BasicAuth("€", "p", "utf-8")),
    ],
)
def test_credentials_are_taken_out_of_the_url(userinfo: str, auth: BasicAuth) -> None:
    location = locator().locate(f"http://{userinfo}@h/")
    assert (location.auth, str(location.url), location.site) == (auth, "http://h/", "http://h")


@pytest.mark.parametrize("url", ["http://u%3Ax:secret@h/", "http://u:secret%0A@h/"])
def test_credentials_that_cannot_be_sent_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        locator().locate(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("c", "http://base/a/c"),
        ("/c", "http://base/c"),
        ("../c?d", "http://base/c?d"),
        ("//other/c", "http://other/c"),
        ("http://other/c", "http://other/c"),
        ("", "http://base/a/b"),
    ],
)
def test_a_relative_url_is_joined_to_the_base_url(reference: str, url: str) -> None:
    assert locator("http://base/a/b").locate(reference).url == URL(url)


@pytest.mark.parametrize("url", ["ftp://h/", "file:///x", "mailto:a@b", "unix://h/"])
def test_a_scheme_that_the_connector_does_not_take_is_refused(url: str) -> None:
    with pytest.raises(NonHttpUrlClientError):
        locator().locate(url)


@pytest.mark.parametrize("url", ["", "/path", "http://", "http:///path", "http:path"])
def test_a_url_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(InvalidURL):
        locator().locate(url)


@pytest.mark.parametrize("url", [None, 5, b"http://h/", ["http://h/"]])
def test_a_url_of_another_type_is_a_type_error(url: Any) -> None:
    with pytest.raises(TypeError, match="url should be a str"):
        locator().locate(url)


@pytest.mark.parametrize("url", ["http://u:secret@h:99999/", "http://u:secret@[h/", "ftp://u:secret@h/"])
def test_an_error_about_a_url_does_not_show_its_credentials(url: str) -> None:
    with pytest.raises((InvalidURL, NonHttpUrlClientError)) as caught:
        locator().locate(url)
    assert "secret" not in f"{caught.value} {caught.value!r} {caught.value.args}"


# Text of URLs.


@pytest.mark.parametrize("bad", ["\0", "\t", "\n", "\r", "\x1f", "\x7f", "\ud800"])
def test_a_character_that_yarl_would_drop_is_refused_with_its_position(bad: str) -> None:
    with pytest.raises(ValueError, match="at position 3"):
        check_url_text(f"abc{bad}")
    with pytest.raises(InvalidURL, match="at position 9"):
        locator().locate(f"http://h/{bad}")
    with pytest.raises(ValueError, match="params cannot be part of a URL"):
        locator().locate("http://h/", f"a={bad}")


def test_a_leading_space_is_refused_and_other_spaces_are_encoded() -> None:
    with pytest.raises(ValueError, match="begins with a space"):
        check_url(" http://h/")
    check_url("http://h/ ")
    assert locator().locate("http://h/a b ").target == "/a%20b%20"


class Silent(str):
    """A str whose methods hide what it holds."""

    __slots__ = ()

    def isprintable(self) -> bool:
        return True

    def startswith(self, *_: Any) -> bool:
        return False


def test_the_checks_do_not_ask_a_subclass_of_str() -> None:
    for text in ("http://h/\n", " http://h/"):
        with pytest.raises(ValueError):
            check_url(Silent(text))


# Parameters.


@pytest.mark.parametrize(
    ("url", "params", "result"),
    [
        ("http://h/", "a=1", "http://h/?a=1"),
        ("http://h/?b=2", "a=1", "http://h/?b=2&a=1"),
        ("http://h/?b=2#f", "a=1", "http://h/?b=2&a=1#f"),
        ("http://h/", "a=1#f", "http://h/?a=1%23f"),
        ("http://h/", "a=%20 b", "http://h/?a=%20+b"),
        ("http://h/?a=0", {"a": "1"}, "http://h/?a=0&a=1"),
        ("http://h/", [("a", "1"), ("a", 2)], "http://h/?a=1&a=2"),
        ("http://h/#f", {"a": "ä&="}, "http://h/?a=%C3%A4%26%3D#f"),
        ("http://h/", {"a": ["1", "2"]}, "http://h/?a=1&a=2"),
    ],
)
def test_parameters_are_added_to_the_query(url: str, params: Any, result: str) -> None:
    assert add_params(URL(url), params) == URL(result)


@pytest.mark.parametrize("params", [None, {}, "", ()])
def test_no_parameters_leave_the_url(params: Any) -> None:
    assert locator().locate("http://h/?a", params).url == URL("http://h/?a")


# Keys.


@pytest.mark.parametrize(
    ("url", "host", "port", "is_ssl"),
    [
        ("http://h/", "h", 80, False),
        ("ws://h/", "h", 80, False),
        ("https://h/", "h", 443, True),
        ("wss://h:8443/", "h", 8443, True),
        ("http://[::1]:81/", "::1", 81, False),
        ("tcp://h/", "h", 80, False),
        ("http://bücher.example/", "xn--bcher-kva.example", 80, False),
    ],
)
def test_a_key_has_host_port_and_whether_there_is_tls(url: str, host: str, port: int, is_ssl: bool) -> None:
    assert key_of(URL(url)) == ConnectionKey(host, port, is_ssl, True)


def test_tls_settings_are_part_of_a_key_only_with_tls() -> None:
    pin = Fingerprint(b"x" * 32)
    assert key_of(URL("https://h/"), pin, "name") == ConnectionKey("h", 443, True, pin, server_hostname="name")
    assert key_of(URL("http://h/"), pin, "name") == ConnectionKey("h", 80, False, True)


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("http://h/", "h"),
        ("http://h:443/", "h:443"),
        ("https://h:443/", "h"),
        ("https://h:80/", "h:80"),
        ("http://h./", "h"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:81/", "[::1]:81"),
    ],
)
def test_the_host_field_leaves_out_the_default_port_and_the_final_dot(url: str, field: str) -> None:
    assert host_field(key_of(URL(url))) == field
