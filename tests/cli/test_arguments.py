"""The arguments that the commands share: durations, and the request that the options describe."""

from __future__ import annotations

import ssl
from typing import Any

import click
import pytest
from click.testing import CliRunner
from multidict import CIMultiDict
from yarl import URL

from gazelle.cli.arguments import Call, call_from, request_options, seconds
from tests.conftest import Tls


def parse(*words: str) -> tuple[Call | None, str]:
    """Return the request that the words describe, and the output; None with the message for words that are refused."""
    calls: list[Call] = []

    @click.command()
    @request_options("--json")
    def command(**request: Any) -> None:
        calls.append(call_from(**request))

    result = CliRunner().invoke(command, words)
    assert result.exit_code == (0 if calls else 2), result.output
    return (calls[0] if calls else None), result.output


def call_of(*words: str) -> Call:
    call, output = parse(*words)
    assert call is not None, output
    return call


@pytest.mark.parametrize(
    ("text", "value"), [("10s", 10), ("1.5m", 90), ("500ms", 0.5), ("2", 2), ("2h", 7200), (" 3s ", 3), ("0", 0)]
)
def test_a_duration_is_read_as_seconds(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "s", "-1s", "1 s", "1d", "1e3", ".5", "nan", "1s1s", "1.s"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a duration"):
        seconds(text)


def test_a_url_alone_is_a_get_without_a_body() -> None:
    call = call_of("example.org:8080/path")
    assert call == Call(URL("http://example.org:8080/path"), "GET", CIMultiDict(), None, None, True)
    assert call.host == "example.org:8080"
    assert call_of("https://example.org").host == "example.org"


def test_a_body_makes_the_request_a_form_post_unless_options_say_otherwise() -> None:
    call = call_of("h", "-d", "a=1")
    assert (call.method, call.body) == ("POST", b"a=1")
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    call = call_of("h", "-X", "put", "-d", "x", "-H", "content-type: text/plain", "--timeout", "2m")
    assert (call.method, call.timeout) == ("PUT", 120)
    assert call.headers.getall("Content-Type") == ["text/plain"]


def test_a_json_body_is_sent_unchanged_with_its_media_type() -> None:
    call = call_of("h", "--json", '{"a":  1}')
    assert (call.method, call.body) == ("POST", b'{"a":  1}')
    assert (call.headers["Content-Type"], call.headers["Accept"]) == ("application/json", "application/json")


def test_a_header_may_be_repeated_and_hold_colons() -> None:
    call = call_of("h", "-H", "X-A: 1", "-H", "x-a:2:3", "-H", "Empty:")
    assert list(call.headers.items()) == [("X-A", "1"), ("x-a", "2:3"), ("Empty", "")]


def test_tls_options_become_a_context(tls: Tls) -> None:
    assert call_of("https://h", "-k").tls is False
    context = call_of("https://h", "--cacert", str(tls.ca_pem)).tls
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, len(context.get_ca_certs())) == (ssl.CERT_REQUIRED, 1)
    insecure = call_of("https://h", "--cacert", str(tls.ca_pem), "-k").tls
    assert isinstance(insecure, ssl.SSLContext)
    assert insecure.verify_mode == ssl.CERT_NONE


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ftp://h"], "scheme must be http or https"),
        (["http://"], "has no host"),
        (["h", "-H", ": x"], "not of the form"),
        (["h", "--json", "{"], "not JSON"),
        (["h", "--json", "1", "-d", "1"], "one body"),
        (["h", "--key", __file__], "--key needs --cert"),
        (["h", "--cacert", __file__], "no CA certificate"),
        (["h", "--cert", __file__], "cannot be used"),
    ],
)
def test_other_words_are_refused_with_a_message(words: list[str], message: str) -> None:
    call, output = parse(*words)
    assert call is None
    assert message in output


def test_the_help_lists_the_options_in_order() -> None:
    @click.command()
    @request_options("--json")
    def command(**request: Any) -> None:
        """Do nothing."""

    output = CliRunner().invoke(command, ["--help"]).output
    names = ["--method", "--header", "--data", "--json", "--timeout", "--insecure", "--cacert", "--cert", "--key"]
    positions = [output.index(f"{name}") for name in names]
    assert positions == sorted(positions)
