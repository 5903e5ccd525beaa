"""What the environment says: netrc files and proxy variables."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from pathlib import Path

import pytest
from yarl import URL

from gazelle.auth import BasicAuth
from gazelle.errors import InvalidUrlClientError
from gazelle.net.environment import EnvironmentProxy, NetrcFile, find_netrc, find_proxy, lookup_proxy

NETRC = """
machine example.com login user password secret
machine Mixed.Example login mixed password case
machine ::1 login six password colons
machine bare
machine account account acct password p
machine nologin password only
machine wide login user password €
machine bad login us:er password secret
default login anonymous password guest
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the outside, and an empty home."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("NETRC", "REQUEST_METHOD"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))


@pytest.fixture
def netrc_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.write_text(NETRC, encoding="utf-8")
    monkeypatch.setenv("NETRC", str(path))
    return path


@pytest.fixture
def netrc_pipe(netrc_file: Path) -> Path:
    """A netrc file that can be read when somebody writes it."""
    netrc_file.unlink()
    os.mkfifo(netrc_file)
    return netrc_file


# --- netrc -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("netrc_file")
@pytest.mark.parametrize(
    ("host", "auth"),
    [
        ("example.com", BasicAuth("user", "secret")),
        ("EXAMPLE.com", BasicAuth("user", "secret")),
        ("mixed.example", BasicAuth("mixed", "case")),
        ("::1", BasicAuth("six", "colons")),
        ("account", BasicAuth("acct", "p")),
        ("nologin", BasicAuth("", "only")),
        ("wide", BasicAuth("user", "€", "utf-8")),
        ("elsewhere", BasicAuth("anonymous", "guest")),
        ("sub.example.com", BasicAuth("anonymous", "guest")),
        ("default", BasicAuth("anonymous", "guest")),
        ("bare", None),
        ("bad", None),
    ],
)
def test_a_host_has_its_entry_or_the_default_one(host: str, auth: BasicAuth | None) -> None:
    assert find_netrc(host) == auth


@pytest.mark.usefixtures("netrc_file")
def test_an_entry_that_cannot_be_used_is_logged_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    assert find_netrc("bad") is None
    assert "host 'bad' cannot be used" in caplog.text
    assert "us:er" not in caplog.text
    assert "secret" not in caplog.text


def test_without_a_default_entry_other_hosts_have_nothing(netrc_file: Path) -> None:
    netrc_file.write_text("machine example.com login user password secret\n")
    for host in ("elsewhere", "sub.example.com", "xample.com", "example.com.evil", "example.com:80", "default", ""):
        assert find_netrc(host) is None


def test_without_the_variable_the_file_is_in_the_home_directory(tmp_path: Path) -> None:
    assert find_netrc("example.com") is None
    path = tmp_path / ".netrc"
    path.write_text("machine example.com login user password secret\n")
    path.chmod(0o600)
    assert find_netrc("example.com") == BasicAuth("user", "secret")


def test_no_file_in_the_home_directory_is_nothing_to_talk_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert find_netrc("example.com") is None
    assert caplog.text == ""


def test_a_named_file_that_is_missing_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "missing"))
    assert find_netrc("example.com") is None
    assert "missing" in caplog.text


def test_a_directory_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path))
    assert find_netrc("example.com") is None
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"machine example.com login user\npassword secret trailing-secret\n", "malformed in line"),
        (b"\xff\xfe\x00secret", ""),
        (b"secret", "malformed in line"),
    ],
)
def test_a_malformed_file_is_logged_without_its_secrets(
    netrc_file: Path, content: bytes, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    netrc_file.write_bytes(content)
    assert find_netrc("example.com") is None
    assert str(netrc_file) in caplog.text
    assert message in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes in the file system")
async def test_a_slow_file_does_not_stop_the_event_loop(netrc_pipe: Path) -> None:
    file = NetrcFile()
    lookup = asyncio.create_task(file.refresh())
    for _ in range(5):
        await asyncio.sleep(0.005)
    assert not lookup.done()
    writer = threading.Thread(target=netrc_pipe.write_text, args=("machine example.com login user password p\n",))
    writer.start()
    assert await lookup
    assert file.find("example.com") == BasicAuth("user", "p")
    writer.join()
    await asyncio.get_running_loop().shutdown_default_executor()


# --- proxies ---------------------------------------------------------------------------------------------------------


def test_without_variables_there_is_no_proxy() -> None:
    assert find_proxy(URL("http://host/")) is None
    assert find_proxy(URL("/relative")) is None


@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss"])
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_the_variable_of_the_scheme_counts(scheme: str, change: type[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(change(f"{scheme}_proxy"), "http://proxy:3128")
    for other in ("http", "https", "ws", "wss"):
        expected = EnvironmentProxy(URL("http://proxy:3128"), None) if other == scheme else None
        assert find_proxy(URL(f"{other}://host/")) == expected


@pytest.mark.parametrize(
    ("value", "url", "auth"),
    [
        ("http://proxy:3128", "http://proxy:3128", None),
        ("proxy:3128", "http://proxy:3128", None),
        ("user:secret@proxy", "http://proxy", BasicAuth("user", "secret")),
        ("https://proxy", "https://proxy", None),
        ("http://user:sec%40ret@proxy/", "http://proxy/", BasicAuth("user", "sec@ret")),
        ("http://[::1]:3128", "http://[::1]:3128", None),
        ("socks5://proxy", "socks5://proxy", None),
    ],
)
def test_a_proxy_has_a_url_and_credentials(
    value: str, url: str, auth: BasicAuth | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", value)
    assert find_proxy(URL("http://host/")) == EnvironmentProxy(URL(url), auth)


@pytest.mark.parametrize(
    "value", ["http://user:secret@proxy:99999", "http://[::1", "http://user:secret@", "http://us%3Aer:secret@proxy"]
)
def test_a_malformed_proxy_is_an_error_that_keeps_the_secret(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", value)
    with pytest.raises(InvalidUrlClientError, match="https proxy of the environment - it is malformed") as caught:
        find_proxy(URL("https://host/"))
    assert caught.value.__suppress_context__
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("netrc_file")
def test_credentials_of_a_proxy_come_from_its_url_or_from_netrc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://example.com:3128")
    assert find_proxy(URL("http://host/")) == (URL("http://example.com:3128"), BasicAuth("user", "secret"))
    monkeypatch.setenv("http_proxy", "http://own:one@example.com:3128")
    assert find_proxy(URL("http://host/")) == (URL("http://example.com:3128"), BasicAuth("own", "one"))


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("example.com", "http://example.com/", True),
        ("example.com", "http://EXAMPLE.com/", True),
        ("example.com", "http://sub.example.com/", True),
        (".example.com", "http://sub.example.com/", True),
        ("example.com", "http://badexample.com/", False),
        ("example.com", "http://example.com.evil/", False),
        ("other, example.com", "http://example.com/", True),
        ("*", "http://anything/", True),
        ("example.com:8080", "http://example.com:8080/", True),
        ("example.com:8080", "http://example.com/", False),
        ("example.com:80", "http://example.com/", True),
        ("127.0.0.1", "http://127.0.0.1:81/", True),
        ("::1", "http://[::1]:81/", True),
        ("[::1]:81", "http://[::1]:81/", True),
        (".example.com", "http://[fe80::1%25.example.com]/", False),
        ("", "http://example.com/", False),
    ],
)
def test_no_proxy_names_hosts_and_ports_that_are_reached_directly(
    no_proxy: str, url: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert (find_proxy(URL(url)) is None) is direct


def test_a_header_of_a_cgi_request_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://evil")
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    assert find_proxy(URL("http://host/")) is None


async def test_a_proxy_is_looked_up_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user@proxy")
    assert await lookup_proxy(URL("http://host/")) == (URL("http://proxy"), BasicAuth("user"))
    assert await lookup_proxy(URL("https://host/")) is None
    await asyncio.get_running_loop().shutdown_default_executor()
