"""Shortcuts for single requests and whole programs."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar, Unpack

from gazelle.net.connector import BaseConnector
from gazelle.net.tcp import TCPConnector
from gazelle.types import HttpVersion, HttpVersion11, StrOrURL

from .options import RequestOptions
from .response import ClientResponse
from .session import ClientSession

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]

_T = TypeVar("_T")


class _SessionRequestContextManager:
    """A request with a session of its own, which is closed at the end of the block."""

    __slots__ = ("_arguments", "_connector", "_loop", "_response", "_session", "_version")

    def __init__(
        self,
        connector: BaseConnector | None,
        version: HttpVersion,
        loop: asyncio.AbstractEventLoop | None,
        arguments: tuple[str, StrOrURL, RequestOptions],
    ) -> None:
        self._connector = connector
        self._version = version
        self._loop = loop
        self._arguments = arguments

    async def __aenter__(self) -> ClientResponse:
        # One request keeps no connection for the next one.
        self._session = ClientSession(
            connector=TCPConnector(force_close=True) if self._connector is None else self._connector,
            connector_owner=self._connector is None,
            version=self._version,
            loop=self._loop,
        )
        method, url, options = self._arguments
        try:
            self._response = await self._session.request(method, url, **options).__aenter__()
        except BaseException:
            await self._session.close()
            raise
        return self._response

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._response.__aexit__(exc_type, exc, traceback)
        await self._session.close()


def request(
    method: str,
    url: StrOrURL,
    *,
    version: HttpVersion = HttpVersion11,
    connector: BaseConnector | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
    **kwargs: Unpack[RequestOptions],
) -> _SessionRequestContextManager:
    """Make a single request, for use with `async with`. It shares no connection with the next one: prefer a session.

    Args:
        method: HTTP method.
        url: str or `yarl.URL`.
        version: HTTP version, `HttpVersion11` (default) or `HttpVersion10`.
        connector: pool of connections to use; it is not closed. Default: one for this request.
        loop: deprecated: the event loop. Default: the running one.

    Everything else as for `ClientSession.request`.
    """
    return _SessionRequestContextManager(connector, version, loop, (method, url, kwargs))


def run(main: Coroutine[Any, Any, _T], *, debug: bool | None = None) -> _T:
    """Run a coroutine in a new event loop, uvloop's where it is installed, and return its result.

    Args:
        main: the coroutine.
        debug: debug mode of the loop. Default: asyncio's.
    """
    factory = None if uvloop is None else uvloop.new_event_loop
    with asyncio.Runner(debug=debug, loop_factory=factory) as runner:
        return runner.run(main)
