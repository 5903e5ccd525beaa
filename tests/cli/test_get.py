"""`gazelle get`: what it sends, what it writes where, and how it ends."""

from __future__ import annotations

import os
import random
import ssl
import subprocess
from pathlib import Path

import pytest

from gazelle.cli import main
from tests.cli.command import run_gazelle, run_in_terminal, start_gazelle
from tests.cli.conftest import in_thread
from tests.conftest import Tls
from tests.support.server import Peer, ScriptedServer, Step, chunked, fin, response, rst, send, sleep, stall

HELLO = [send(response(b"Hello, world!\n", headers="Content-Type: text/plain"))]
CHUNKED_HEAD = response(headers="Transfer-Encoding: chunked", length=False)

needs_terminal = pytest.mark.skipif(not hasattr(os, "openpty"), reason="the system has no pseudo-terminals")


def said(result: subprocess.CompletedProcess[bytes]) -> str:
    return result.stderr.decode()


# --- the body --------------------------------------------------------------------------------------------------------


def test_the_body_goes_to_standard_output_and_nothing_else_is_said(server: ScriptedServer) -> None:
    server.routes["/hello"] = HELLO

    result = run_gazelle("get", server.url("/hello"))

    assert (result.returncode, result.stdout, result.stderr) == (0, b"Hello, world!\n", b"")


def test_a_url_without_a_scheme_is_http(server: ScriptedServer) -> None:
    server.routes["/hello"] = HELLO

    assert run_gazelle("get", server.url("/hello").removeprefix("http://")).stdout == b"Hello, world!\n"


def test_a_url_with_a_control_character_is_not_made_into_another(server: ScriptedServer) -> None:
    result = run_gazelle("get", server.url("/he\tllo"))

    assert (result.returncode, result.stdout) == (2, b"")
    assert b"'\\t' at position" in result.stderr
    assert not server.requests


def test_a_url_that_begins_with_a_space_is_not_made_into_another(server: ScriptedServer) -> None:
    result = run_gazelle("get", " " + server.url("/hello"))
    assert result.returncode == 2
    assert b"begins with a space" in result.stderr
    assert not server.requests


def test_a_large_body_arrives_whole_in_the_file(server: ScriptedServer, tmp_path: Path) -> None:
    body = random.Random(1).randbytes(5_000_000)
    server.routes["/large"] = [send(response(body))]

    result = run_gazelle("get", server.url("/large"), "-o", str(tmp_path / "large"))

    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert (tmp_path / "large").read_bytes() == body


def test_a_chunked_body_arrives_without_its_coding(server: ScriptedServer) -> None:
    server.routes["/chunked"] = [send(CHUNKED_HEAD + chunked(b"one ", b"two ", b"three"))]

    assert run_gazelle("get", server.url("/chunked")).stdout == b"one two three"


def test_an_error_page_is_written_like_any_other_body(server: ScriptedServer) -> None:
    server.routes["/lost"] = [send(response(b"no such page", status="404 Not Found"))]

    result = run_gazelle("get", server.url("/lost"))

    assert (result.returncode, result.stdout) == (0, b"no such page")


def test_fail_turns_an_error_status_into_exit_code_22_and_drops_the_body(server: ScriptedServer) -> None:
    server.routes["/lost"] = [send(response(b"no such page", status="404 Not Found"))]

    result = run_gazelle("get", "--fail", server.url("/lost"))

    assert (result.returncode, result.stdout) == (22, b"")
    assert said(result) == f"gazelle: 127.0.0.1:{server.port} answered 404 Not Found\n"


def test_fail_leaves_a_good_response_alone(server: ScriptedServer) -> None:
    server.routes["/hello"] = HELLO

    assert run_gazelle("get", "--fail", server.url("/hello")).stdout == b"Hello, world!\n"


def test_an_older_file_survives_a_request_that_fails(silent_port: int, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"older")

    assert run_gazelle("get", f"127.0.0.1:{silent_port}", "-o", str(tmp_path / "body")).returncode == 3
    assert (tmp_path / "body").read_bytes() == b"older"


def test_a_file_that_cannot_be_written_is_exit_code_23(server: ScriptedServer, tmp_path: Path) -> None:
    server.routes["/hello"] = HELLO
    path = tmp_path / "missing" / "body"

    result = run_gazelle("get", server.url("/hello"), "-o", str(path))

    assert result.returncode == 23
    assert said(result) == f"gazelle: cannot write to {path}: No such file or directory\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_full_disk_is_exit_code_23(server: ScriptedServer) -> None:
    server.routes["/hello"] = HELLO

    result = run_gazelle("get", server.url("/hello"), "-o", "/dev/full")

    assert result.returncode == 23
    assert said(result) == "gazelle: cannot write to /dev/full: No space left on device\n"


def test_a_reader_that_goes_away_is_exit_code_23_and_one_line(server: ScriptedServer) -> None:
    server.routes["/large"] = [send(response(b"x" * 3_000_000))]
    process = start_gazelle("get", server.url("/large"))
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.read(10)
    process.stdout.close()

    assert process.wait(30) == 23
    assert process.stderr.read() == b"gazelle: cannot write to standard output: Broken pipe\n"
    process.stderr.close()


# --- the request -----------------------------------------------------------------------------------------------------


def test_a_plain_get_has_no_body_and_no_content_type(server: ScriptedServer) -> None:
    server.routes["/"] = HELLO

    run_gazelle("get", server.url("/?q=a%20b"))

    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("GET", "/?q=a%20b", b"")
    assert request.header("Content-Type") is None


@pytest.mark.parametrize(
    ("words", "stdin", "body", "content_type"),
    [
        (["-d", "a=1&b=2"], b"", b"a=1&b=2", "application/x-www-form-urlencoded"),
        (["-d", "@{file}"], b"", b"from\na file\x00", "application/x-www-form-urlencoded"),
        (["-d", "@-"], b"from\nstdin\xff", b"from\nstdin\xff", "application/x-www-form-urlencoded"),
        (["-d", "x", "-H", "content-type: text/plain"], b"", b"x", "text/plain"),
        (["--json", '{"a": "ä"}'], b"", '{"a": "ä"}'.encode(), "application/json"),
        (["--json", "@-"], b"[1, 2]", b"[1, 2]", "application/json"),
        (["--json-body", "1"], b"", b"1", "application/json"),
    ],
)
def test_a_body_is_posted_as_it_is(
    server: ScriptedServer, tmp_path: Path, words: list[str], stdin: bytes, body: bytes, content_type: str
) -> None:
    server.routes["/"] = HELLO
    (tmp_path / "file").write_bytes(b"from\na file\x00")

    result = run_gazelle(
        "get",
        server.url(),
        *(word.format(file=tmp_path / "file") if word.startswith("@{") else word for word in words),
        stdin=stdin,
    )

    assert result.returncode == 0
    (request,) = server.requests
    assert (request.method, request.body, request.header("Content-Type")) == ("POST", body, content_type)


def test_method_and_headers_are_sent_as_given(server: ScriptedServer) -> None:
    server.routes["/"] = HELLO

    run_gazelle("get", server.url(), "-X", "put", "-H", "X-Name: one", "-H", "X-Name:two: three", "-d", "x")

    (request,) = server.requests
    assert request.method == "PUT"
    assert [value for name, value in request.headers if name == "x-name"] == ["one", "two: three"]


def test_head_ends_with_the_head(server: ScriptedServer) -> None:
    server.routes["/"] = [send(response(headers="Content-Length: 1000", length=False))]

    result = run_gazelle("get", "-X", "HEAD", server.url())

    assert (result.returncode, result.stdout) == (0, b"")


def test_verbose_shows_both_heads_on_standard_error(server: ScriptedServer) -> None:
    server.routes["/hello"] = [send(response(b"Hello", headers="X-Answer: 42"))]

    result = run_gazelle("get", "-v", server.url("/hello?a=1"), "-H", "X-Question: 6 * 7")

    assert result.stdout == b"Hello"
    shown = said(result).splitlines()
    request = [line for line in shown if line.startswith(">")]
    answer = [line for line in shown if line.startswith("<")]
    assert shown == request + answer
    assert request[0] == "> GET /hello?a=1 HTTP/1.1"
    assert f"> Host: 127.0.0.1:{server.port}" in request
    assert "> X-Question: 6 * 7" in request
    assert answer == ["< HTTP/1.1 200 OK", "< Content-Length: 5", "< X-Answer: 42", "<"]


def test_what_a_server_writes_into_a_header_does_not_steer_the_terminal(server: ScriptedServer) -> None:
    server.routes["/"] = [
        send(b"HTTP/1.1 200 \x1b[31mRed\r\nX-Title: \x1b]0;mine\x07\xff\r\nContent-Length: 0\r\n\r\n")
    ]

    result = run_gazelle("get", "-v", server.url())

    assert b"\x1b" not in result.stderr
    assert r"< X-Title: \x1b]0;mine\x07\xff" in said(result)


# --- TLS -------------------------------------------------------------------------------------------------------------


def test_a_certificate_of_an_unknown_ca_is_exit_code_4(tls_server: ScriptedServer) -> None:
    result = run_gazelle("get", tls_server.url())

    assert (result.returncode, result.stdout) == (4, b"")
    assert said(result) == (
        f"gazelle: the certificate of 127.0.0.1:{tls_server.port} is not trusted: "
        "unable to get local issuer certificate\n"
    )


def test_cacert_trusts_the_ca_in_the_file(tls_server: ScriptedServer, tls: Tls) -> None:
    tls_server.routes["/"] = HELLO

    result = run_gazelle("get", tls_server.url(), "--cacert", str(tls.ca_pem))

    assert (result.returncode, result.stdout, result.stderr) == (0, b"Hello, world!\n", b"")


def test_insecure_trusts_everyone(tls_server: ScriptedServer) -> None:
    tls_server.routes["/"] = HELLO

    assert run_gazelle("get", "--insecure", tls_server.url()).stdout == b"Hello, world!\n"


def test_a_client_certificate_is_shown_to_the_server(tls: Tls, tmp_path: Path) -> None:
    async def greet(peer: Peer) -> None:
        certificate = peer.writer.get_extra_info("peercert")
        await peer.send(response(str(certificate["subjectAltName"]).encode()))

    context = tls.server()
    context.verify_mode = ssl.CERT_REQUIRED
    tls.ca.configure_trust(context)
    pem = str(tmp_path / "client.pem")
    tls.ca.issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(pem)
    with in_thread(ScriptedServer({"/": greet}, tls=context)) as server:
        result = run_gazelle("get", server.url(), "--cacert", str(tls.ca_pem), "--cert", pem)
        insecure = run_gazelle("get", server.url(), "--insecure", "--cert", pem)

    assert result.stdout == insecure.stdout == b"(('DNS', 'client.example'),)"


def test_tls_with_a_server_that_speaks_none_is_exit_code_4(server: ScriptedServer) -> None:
    server.accept = [send(b"220 this is no TLS\r\n"), fin()]

    result = run_gazelle("get", server.url().replace("http:", "https:"))

    assert result.returncode == 4
    assert said(result).startswith(f"gazelle: the TLS handshake with 127.0.0.1:{server.port} failed: ")


# --- errors ----------------------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens_is_exit_code_3(silent_port: int) -> None:
    result = run_gazelle("get", f"http://127.0.0.1:{silent_port}/")

    assert (result.returncode, result.stdout) == (3, b"")
    assert said(result) == f"gazelle: cannot connect to 127.0.0.1:{silent_port}: Connection refused\n"


def test_a_host_that_does_not_exist_is_exit_code_3() -> None:
    result = run_gazelle("get", "http://host.invalid/")

    assert result.returncode == 3
    assert said(result).startswith("gazelle: cannot resolve host host.invalid: ")


def test_a_server_that_does_not_answer_is_exit_code_5(server: ScriptedServer) -> None:
    server.routes["/"] = [stall()]

    result = run_gazelle("get", "--timeout", "300ms", server.url())

    assert result.returncode == 5
    assert said(result).startswith(f"gazelle: 127.0.0.1:{server.port} did not answer in time")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([send(b"SSH-2.0-server\r\n\r\n"), fin()], "is not acceptable"),
        ([fin()], "closed the connection before its response was complete"),
        ([rst()], "connection"),
        ([send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"), fin()], "is incomplete or damaged"),
        ([send(CHUNKED_HEAD), sleep(0.1), send(b"zz\r\n"), fin()], "is incomplete or damaged"),
        ([send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")], "is not acceptable"),
    ],
)
def test_an_answer_that_is_not_whole_http_is_exit_code_6(
    server: ScriptedServer, answer: list[Step], words: str
) -> None:
    server.routes["/"] = answer

    result = run_gazelle("get", server.url())

    assert result.returncode == 6
    (line,) = said(result).splitlines()
    assert line.startswith("gazelle: ")
    assert f"127.0.0.1:{server.port}" in line
    assert words in line


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["ftp://127.0.0.1/"], "the scheme must be http or https"),
        (["http://"], "has no host"),
        (["http://127.0.0.1:99999/"], "99999"),
        (["127.0.0.1:9", "-H", "no colon"], "is not of the form 'Name: value'"),
        (["127.0.0.1:9", "-d", "@/no/such/file"], "cannot read /no/such/file"),
        (["127.0.0.1:9", "--json", "{"], "not JSON"),
        (["127.0.0.1:9", "--json", "1", "-d", "1"], "one body"),
        (["127.0.0.1:9", "--timeout", "soon"], "'soon' is not a duration"),
        (["127.0.0.1:9", "--cacert", "/no/such/file"], "does not exist"),
        (["127.0.0.1:9", "--cacert", __file__], "no CA certificate"),
        (["127.0.0.1:9", "--key", __file__], "--key needs --cert"),
        (["127.0.0.1:9", "--cert", __file__], "cannot be used"),
        (["127.0.0.1:9", "--no-such-option"], "--no-such-option"),
        ([], "URL"),
    ],
)
def test_wrong_words_on_the_command_line_are_exit_code_2(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["get", *words]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err


def test_a_header_that_would_be_two_is_exit_code_2_and_nothing_is_sent(server: ScriptedServer) -> None:
    server.routes["/"] = HELLO

    result = run_gazelle("get", server.url(), "-H", "X-Name: one\r\nX-Other: two")

    assert (result.returncode, result.stdout, server.requests) == (2, b"", [])
    assert said(result).startswith("gazelle: the request cannot be sent: ")


# --- terminals -------------------------------------------------------------------------------------------------------


@needs_terminal
def test_a_binary_body_is_not_shown_in_a_terminal(server: ScriptedServer) -> None:
    server.routes["/"] = [send(response(b"\x7fELF\x00\x01"))]

    screen = run_in_terminal("get", server.url())

    assert screen.returncode == 23
    assert "ELF" not in screen.text
    assert "--output" in screen.text


@needs_terminal
def test_a_binary_body_is_shown_in_a_terminal_when_that_is_asked_for(server: ScriptedServer) -> None:
    server.routes["/"] = [send(response(b"\x7fELF\x00\x01"))]

    screen = run_in_terminal("get", "-o", "-", server.url())

    assert (screen.returncode, screen.text) == (0, "\x7fELF\x00\x01")


@needs_terminal
def test_a_text_in_a_terminal_comes_without_a_progress_bar(server: ScriptedServer) -> None:
    server.routes["/"] = HELLO

    assert run_in_terminal("get", server.url()).text == "Hello, world!\r\n"


@needs_terminal
def test_a_person_who_looks_on_sees_the_progress_of_a_download(server: ScriptedServer, tmp_path: Path) -> None:
    server.routes["/large.bin"] = [send(response(b"x" * 2_000_000))]

    screen = run_in_terminal("get", server.url("/large.bin"), "-o", str(tmp_path / "body"))

    assert screen.returncode == 0
    assert "large.bin" in screen.text
    assert "1.9/1.9 MiB" in screen.text


@needs_terminal
def test_no_progress_keeps_the_terminal_quiet(server: ScriptedServer, tmp_path: Path) -> None:
    server.routes["/"] = HELLO

    assert run_in_terminal("get", "--no-progress", server.url(), "-o", str(tmp_path / "body")).text == ""


def test_progress_can_be_had_without_a_terminal(server: ScriptedServer, tmp_path: Path) -> None:
    server.routes["/"] = [send(response(b"x" * 2_000_000))]

    result = run_gazelle("get", "--progress", server.url(), "-o", str(tmp_path / "body"))

    assert result.returncode == 0
    assert "1.9/1.9 MiB" in said(result)
