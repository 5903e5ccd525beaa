"""What a process holds, and says, after requests that end in every way there is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import in_thread
from tests.support.server import Peer, Script, ScriptedServer, chunked, fin, response, send, stall

CHILDREN = Path(__file__).parent / "children"
LOOPS = pytest.mark.parametrize(
    "loop",
    [
        "asyncio",
        pytest.param("uvloop", marks=pytest.mark.skipif(sys.platform == "win32", reason="no uvloop on Windows")),
    ],
)


async def echo(peer: Peer) -> None:
    await peer.send(response(peer.request.path.encode()))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    half: Script = [send(response(b"half")[:-2]), stall()]
    routes: dict[str, Script] = {
        "/small": [send(response(b"small"))],
        "/large": [send(response(b"x" * 300_000))],
        "/chunked": [
            send(response(headers="Transfer-Encoding: chunked", length=False)),
            send(chunked(b"a" * 5000, b"b")),
        ],
        "/until-eof": [send(response(b"all of it", length=False)), fin()],
        "/empty": [send(b"HTTP/1.1 204 No Content\r\n\r\n")],
        "/half": half,
        "/cut": [send(response(b"half")[:-2]), fin()],
        "/gone": [fin()],
        "/nonsense": [send(b"220 mail.example ESMTP\r\n"), stall()],
        "/missing": [send(response(b"no", status="404 Not Found"))],
        "/silent": [stall()],
        "*": echo,
    }
    with in_thread(ScriptedServer(routes)) as running:
        yield running


def run(child: str, *words: str, warnings: str = "error") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "faulthandler", "-W", warnings, str(CHILDREN / f"{child}.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def said(child: str, *words: str) -> Any:
    """The JSON document that a child prints; a word on its standard error is a failure."""
    result = run(child, *words)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


@LOOPS
def test_two_thousand_requests_that_end_in_every_way_leave_nothing(server: ScriptedServer, loop: str) -> None:
    document = said("mixed_requests", loop, server.url("").rstrip("/"))
    first, *_, last = seen = document["seen"]
    assert last["tasks"] == 1
    assert last["descriptors"] == first["descriptors"], seen
    # One object for each request of one of the seventeen kinds would be more than a hundred.
    assert last["objects"] - first["objects"] < 20, seen
    # Some blocks are kept for reuse by the event loop; they grow fewer from batch to batch.
    assert last["blocks"] - first["blocks"] < 500, seen


@LOOPS
def test_a_response_dropped_in_the_middle_warns_and_gives_its_slot_and_socket_back(
    server: ScriptedServer, loop: str
) -> None:
    document = said("dropped_responses", loop, server.url("").rstrip("/"))
    assert [kind for kind, _ in document["messages"]] == ["ResourceWarning"] * 50
    assert all("Unclosed" in text for _, text in document["messages"])
    assert document["sockets"] == 0


@LOOPS
@pytest.mark.parametrize("way", ["runner", "cancelled", "closed"])
def test_a_loop_that_ends_with_requests_under_way_ends_quietly(server: ScriptedServer, loop: str, way: str) -> None:
    result = run("closed_loop", way, loop, server.url("").rstrip("/"), warnings="default::ResourceWarning")
    assert (result.returncode, result.stdout) == (0, "over\n"), result.stderr
    assert "Event loop is closed" not in result.stderr
    assert "never retrieved" not in result.stderr
    if way == "runner":
        assert "Exception ignored" not in result.stderr
        assert "Traceback" not in result.stderr
    # Collected together, one of the two is asked first, and closes the other.
    assert "Unclosed client session" in result.stderr or "Unclosed connector" in result.stderr


@LOOPS
def test_a_process_out_of_descriptors_says_so_and_recovers(server: ScriptedServer, loop: str) -> None:
    document = said("few_descriptors", loop, server.url("").rstrip("/"))
    assert set(document["kinds"]) <= {"b'small'", "ClientConnectorError EMFILE"}
    assert document["kinds"]["ClientConnectorError EMFILE"] > 0
    assert document["kinds"]["b'small'"] > 0
    assert document["clean"]
    assert document["again"] == 100


@LOOPS
def test_loops_in_several_threads_do_not_disturb_each_other(server: ScriptedServer, loop: str) -> None:
    assert said("threads", loop, server.url("").rstrip("/")) == 3
    assert len(server.requests) == 3 * 5 * 50
