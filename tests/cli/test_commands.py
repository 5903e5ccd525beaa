"""The commands as processes: their exit codes, Ctrl-C, tracebacks, help, and the missing extra."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time

import pytest

from gazelle.cli import main
from tests.cli.command import run_gazelle, run_without, start_gazelle
from tests.cli.test_bench import FAST
from tests.cli.test_get import said
from tests.support.server import Peer, ScriptedServer, response, stall


def test_the_traceback_is_shown_on_demand_only(silent_port: int) -> None:
    url = f"http://127.0.0.1:{silent_port}/"

    assert "Traceback" not in said(run_gazelle("get", url, GAZELLE_DEBUG="0"))
    result = run_gazelle("get", url, GAZELLE_DEBUG="1")

    assert result.returncode == 3
    assert "Traceback" in said(result)
    assert said(result).endswith("Connection refused\n")


@pytest.mark.skipif(sys.platform == "win32", reason="sends the signal that a terminal sends for Ctrl-C")
def test_ctrl_c_is_exit_code_130(server: ScriptedServer) -> None:
    server.routes["/"] = [stall()]
    process = start_gazelle("get", server.url())
    while not server.requests:
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)

    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err.strip()) == (130, b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="sends the signal that a terminal sends for Ctrl-C")
def test_a_command_in_the_background_does_not_hear_ctrl_c(server: ScriptedServer) -> None:
    sent = threading.Event()

    async def answer(peer: Peer) -> None:
        await asyncio.to_thread(sent.wait)
        await peer.send(response(b"Hello"))

    server.routes["/"] = answer
    process = start_gazelle("get", server.url(), sigint="SIG_IGN")
    while not server.requests:
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    sent.set()

    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (0, b"Hello", b"")


@pytest.mark.parametrize("module", ["click", "rich"])
def test_without_its_extra_the_command_tells_how_to_install_it(module: str) -> None:
    result = run_without(module, "get", "http://127.0.0.1:9/")

    assert (result.returncode, result.stdout) == (2, b"")
    assert said(result) == "gazelle: the command line needs click and rich: pip install 'gazelle[cli]'\n"


@pytest.mark.parametrize("words", [["--help"], ["get", "-h"], ["bench", "--help"]])
def test_help_is_exit_code_0(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0

    assert capsys.readouterr().out.startswith("Usage: gazelle")


def test_the_command_without_a_word_shows_its_help_and_ends_with_exit_code_2() -> None:
    result = run_gazelle()

    assert result.returncode == 2
    assert "Usage: gazelle" in said(result)


@pytest.mark.skipif(sys.platform == "win32", reason="sends the signal that a terminal sends for Ctrl-C")
def test_ctrl_c_shows_what_was_measured_until_then_and_is_exit_code_130(server: ScriptedServer) -> None:
    server.routes["/"] = FAST
    process = start_gazelle("bench", "--json", server.url(), "-c", "2", "-z", "600s")
    while len(server.requests) < 10:
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)

    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, b"")
    document = json.loads(out)
    assert document["run"]["interrupted"] is True
    assert document["statusCodeDistribution"]["200"] >= 8


@pytest.mark.parametrize("command", ["get", "bench"])
def test_a_request_that_the_client_refuses_is_exit_code_2_and_no_secret_is_shown(
    server: ScriptedServer, command: str
) -> None:
    url = server.url().replace("//", "//user:secret@")
    result = run_gazelle(command, url, "-H", "Authorization: Basic dXNlcjpzZWNyZXQ=")

    assert (result.returncode, result.stdout, server.requests) == (2, b"", [])
    assert b"AUTHORIZATION" in result.stderr
    assert b"secret" not in result.stderr
