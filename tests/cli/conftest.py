"""Servers in a thread of their own, for commands in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.conftest import Tls
from tests.support.server import ScriptedServer


@contextlib.contextmanager
def in_thread(server: ScriptedServer) -> Iterator[ScriptedServer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(60)
        yield server
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server whose routes the test adds."""
    with in_thread(ScriptedServer()) as running:
        yield running


@pytest.fixture
def tls_server(tls: Tls) -> Iterator[ScriptedServer]:
    with in_thread(ScriptedServer(tls=tls.server())) as running:
        yield running


@pytest.fixture
def silent_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
