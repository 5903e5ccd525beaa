"""What a call of the comparison is: what is asked for, what the server answers, what is looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.support.server import Peer, Script, Step, response, send

Library: TypeAlias = Any
"""The module that is asked: `aiohttp` or `gazelle`."""

Options: TypeAlias = Callable[[Library], dict[str, Any]]
"""Makes keyword arguments, anew for each library: bodies are used up, and classes are the library's own."""

Look: TypeAlias = Callable[[Library, Any], Awaitable[object]]
"""Looks at a response in a way of its own, instead of reading it."""

Talk: TypeAlias = Callable[[Library, Any, str], Awaitable[object]]
"""Does with a session what one call cannot; it is given the session and the base URL of the server."""


async def greet(peer: Peer) -> None:
    """Answers 200 with five bytes of text, and HEAD without them."""
    whole = response(b"hello", headers="Content-Type: text/plain; charset=utf-8")
    await peer.send(whole[:-5] if peer.request.method == "HEAD" else whole)


def nothing(_: Library) -> dict[str, Any]:
    """No arguments."""
    return {}


@dataclass(frozen=True)
class Call:
    """One call, or a talk of several.

    Args:
        name: theme and what is special, separated by slashes.
        method: HTTP method.
        url: path, or whole URL with `{port}` in it.
        options: keyword arguments of the call.
        session: keyword arguments of the session.
        routes: what the server answers, by path; `*` is every other path.
        look: what to do with the response instead of reading it.
        talk: what to do with the session instead of making the call.
        times: how often the call is made, in the same session.
        tls: whether the server speaks TLS.
    """

    name: str
    method: str = "GET"
    url: str = "/"
    options: Options = nothing
    session: Options = nothing
    routes: Mapping[str, Script] = field(default_factory=lambda: {"*": greet})
    look: Look | None = None
    talk: Talk | None = None
    times: int = 1
    tls: bool = False


def fixed(**options: Any) -> Options:
    """Keyword arguments that are the same for both libraries and are not used up."""
    return lambda _: dict(options)


def answer(data: bytes, *more: Step) -> dict[str, Script]:
    """Routes of a server that answers everything alike."""
    return {"*": [send(data), *more]}
