"""The awaitable that a request method returns.

A call is *plain* if its arguments are of the exact simple types, its text is such that yarl, the header rules and the
jar would leave it as it is, and an idle connection is there. A plain call is sent from here in one step: origin, head
bytes, connection, exchange, response. Every other call goes the full way, a coroutine of the client layer. That is the
specification: `tests/client/test_send_plain_and_full.py` holds that both send the same bytes and give the same results.

=======  =====================================================  ============================
state    `advance`                                              `throw`, `close`
=======  =====================================================  ============================
NEW      plain: begin the exchange                    → WAITING  → DONE
NEW      not plain: start the coroutine               → INNER    → DONE
WAITING  take the answer, return the response         → DONE     close the connection → DONE
WAITING  redirect, error status, retry: start a coroutine → INNER
INNER    step the coroutine; when it returns          → DONE     passed on to the coroutine
DONE     RuntimeError                                            RuntimeError; `close` does nothing
=======  =====================================================  ============================
"""

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Final, Self

from multidict import CIMultiDict, istr
from yarl import URL

from gazelle.auth import BasicAuth
from gazelle.errors import ClientOSError, ServerDisconnectedError
from gazelle.timeouts import ClientTimeout

from .clock import monotonic
from .connection import HttpConnection
from .exchange import Answer, ExchangeSettings
from .headers import serialize_headers
from .origin import Origin, Origins
from .plain_text import encode_form, encode_query, split_url
from .pool import Lease, Pool
from .request_text import assemble
from .sendable import Sendable, step_directly

_NEW: Final = 0
_WAITING: Final = 1
_INNER: Final = 2
_DONE: Final = 3

# The methods that plain calls may have, and the fields of a request without a body (RFC 9110 §8.6).
_METHODS: Final = {
    "GET": b"",
    "HEAD": b"",
    "OPTIONS": b"",
    "DELETE": b"Content-Length: 0\r\n",
    "POST": b"Content-Length: 0\r\n",
    "PUT": b"Content-Length: 0\r\n",
    "PATCH": b"Content-Length: 0\r\n",
}
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_TYPED: Final = frozenset({"POST", "PUT", "PATCH"})  # these say of what type their body is, also if it is empty
_BINARY: Final = b"Content-Type: application/octet-stream\r\n"
_FORM: Final = b"Content-Type: application/x-www-form-urlencoded\r\n"
_JSON: Final = b"Content-Type: application/json\r\n"
_TEXT: Final = b"Content-Type: text/plain; charset=utf-8\r\n"
_MAX_SECONDS: Final = 1e9
_FIRST_ERROR: Final = 400
_NO_ERROR: Final = 1000  # more than any status


class WireRequest:
    """A request whose head and body are ready for the wire.

    Attributes:
        method: HTTP method.
        connection_key: the route of its connection.
        head: its head.
        body: its body, if that is sent together with the head.
        site: scheme, host and port, if the request is plain.
        target: request target.
    """

    __slots__ = ("body", "connection_key", "head", "method", "site", "target")

    def __init__(self, method: str, connection_key: Any, head: bytes, body: bytes, site: str, target: str) -> None:
        self.method = method
        self.connection_key = connection_key
        self.head = head
        self.body = body
        self.site = site
        self.target = target


class Plan:
    """What the calls of one session share. The session keeps it true; a plan does not know its session.

    Attributes:
        plain: whether the settings of the session allow plain calls.
        full: the function of the request method that plain calls stand in for.
        connector: the connector, None once the session is closed.
        connect: the function of `BaseConnector.connect`; while the connector has another, no call is plain.
        pool: the connections, None if they are not those of a connector of ours, or the session is closed.
        traces: the trace configurations; while there are any, no call is plain.
        stored: a mapping that is empty as long as the jar has no cookies, None if the jar has to be asked.
        origins: the known origins.
        base: the base URL as text, empty if there is none, or none that is plain.
        base_site: scheme, host and port of it.
        known_until: until when what the environment says is known (`time.monotonic` seconds).
        settings: how exchanges are carried out.
        policy: the settings of the session for responses.
        retry: whether an idempotent request is sent again when a reused connection turns out to be dead.
        error_from: the lowest status that may be an error, other than a redirect.
        open_origin: returns the origin of a site that is not known yet, or None if plain calls cannot go there.
        cookies_for: returns the Cookie line for an origin and a target.
        serialize: returns the bytes of a body that is passed as `json`.
        response: class of the responses.
        leaving: class of responses that are left without waiting if their `leave()` returns True.
        respond: returns the response for request, answer and lease, after its cookies are stored.
        follow: returns the coroutine that goes on with a call after a request and a response that is not the last.
        repeat: returns the coroutine that sends the request of a call again, on a new connection.
        enter: the function of `ClientResponse.__aenter__`; that of another class is called.
        error: returns the error to raise for a request and an error of the engine.
    """

    __slots__ = (
        "base",
        "base_site",
        "connect",
        "connector",
        "cookies_for",
        "enter",
        "error",
        "error_from",
        "follow",
        "full",
        "known_until",
        "leaving",
        "open_origin",
        "origins",
        "plain",
        "policy",
        "pool",
        "repeat",
        "respond",
        "response",
        "retry",
        "serialize",
        "settings",
        "stored",
        "traces",
    )

    full: Any
    origins: Origins
    policy: Any
    settings: ExchangeSettings
    open_origin: Callable[[str], Origin | None]
    cookies_for: Callable[[Origin, str], bytes]
    serialize: Callable[[Any], bytes]
    response: Callable[..., Any]
    respond: Callable[[Any, Answer, Lease], Any]
    follow: Callable[["Call", Any, Any], Coroutine[Any, Any, Any]]
    repeat: Callable[["Call", Any], Coroutine[Any, Any, Any]]
    error: Callable[[Any, BaseException], BaseException]

    def __init__(self) -> None:
        self.plain = False
        self.full = None
        self.connector: Any = None
        self.connect: Any = None
        self.enter: Any = None
        self.leaving: Any = None
        self.pool: Pool | None = None
        self.traces: list[Any] = []
        self.stored: Any = None
        self.base = ""
        self.base_site = ""
        self.known_until = 0.0
        self.policy = None
        self.retry = True
        self.error_from = _NO_ERROR

    def allows(self, now: float) -> bool:
        """Return whether calls that begin at `now` may be plain, as far as the session goes."""
        pool = self.pool
        if not self.plain or pool is None or pool.closed or self.traces or self.stored is None:
            return False
        return now <= self.known_until and getattr(self.connector.connect, "__func__", None) is self.connect


class _Nothing:
    """An awaitable that is done: what leaving the block of a response that has arrived whole waits for."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        return iter(())  # type: ignore[return-value]  # it needs no more of a generator


_NOTHING: Final = _Nothing()


class Call(Sendable):
    """One call of a request method: await it, use it with `async with`, or make a task of it.

    Args:
        full: the bound method that sends it the full way; one that is not the plan's own is called at once.
        plan: what calls of the session share.
        method: HTTP method.
        url: where, as passed.
        options: the keyword arguments.

    Attributes:
        start: when it was begun (`time.monotonic` seconds).
    """

    __slots__ = (
        "__weakref__",
        "_auth",
        "_body",
        "_data",
        "_entering",
        "_error_from",
        "_future",
        "_headers",
        "_inner",
        "_json",
        "_lease",
        "_params",
        "_request",
        "_response",
        "_site",
        "_state",
        "_target",
        "_unchecked",
        "full",
        "method",
        "options",
        "plan",
        "start",
        "url",
    )

    def __init__(self, full: Any, plan: Plan, method: str, url: Any, options: Any) -> None:
        self.finished = False
        self.full = full
        self.plan = plan
        self.method = method
        self.url = url
        self.options: dict[str, Any] = options
        self.start = 0.0
        self._state = _NEW
        self._entering = False
        self._future: asyncio.Future[Answer] | None = None
        self._lease: Lease | None = None
        self._request: WireRequest | None = None
        self._response: Any = None
        self._inner: Any = None
        self._error_from = plan.error_from
        self._unchecked = False
        self._auth: Any = None
        self._params: Any = None
        self._headers: Any = None
        self._data: Any = None
        self._json: Any = None
        self._site = ""
        self._target = ""
        self._body = b""
        if getattr(full, "__func__", None) is not plan.full:
            self._state = _DONE  # unless it returns something to wait for
            self._start_inner(full(method, url, **options))

    def __repr__(self) -> str:
        state = ("new", "waiting", "sending", "done")[self._state]
        return f"<Call {self.method} {state}>"

    def __del__(self) -> None:
        if self._state == _NEW:
            warnings.warn(
                f"coroutine 'ClientSession.{self.method.lower()}' was never awaited", RuntimeWarning, 2, source=self
            )
        elif self._state == _WAITING:
            self._abandon()

    def __aenter__(self) -> Self:
        self._entering = True
        return self

    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> Awaitable[None]:
        response = self._response
        self._response = None
        if type(response) is self.plan.leaving and response.leave():
            return _NOTHING
        leaving: Awaitable[None] = response.__aexit__(exc_type, exc, traceback)
        return leaving

    def advance(self, value: Any) -> Any:
        """Go on, and return what to wait for, or the response with `finished` set."""
        if self._state == _INNER:
            return self._step(value)
        if self._state == _WAITING:
            assert self._future is not None
            if not self._future.done():
                raise RuntimeError("await wasn't used with future")
            self._state = _DONE
            response = self._take_answer()
            return self._step(None) if response is None else self._finish(response)
        if self._state == _DONE:
            raise RuntimeError("cannot reuse already awaited coroutine")
        self._state = _DONE  # unless something of it goes on
        future = self._begin()
        if future is None:
            self._start_inner(self.full(self.method, self.url, **self.options))
            return self._step(None)
        self._state = _WAITING
        self._future = future
        future._asyncio_future_blocking = True
        return future

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        """Raise an exception inside the call: the request is broken off."""
        error = _raisable(kind, value, traceback)
        if self._state == _INNER:
            return self._throw_inner(error)
        if self._state == _DONE:
            raise RuntimeError("cannot reuse already awaited coroutine")
        if self._failed_with(error):
            return self.send(None)
        self.close()
        raise error

    def _throw_inner(self, error: BaseException) -> Any:
        try:
            return self._inner.throw(error)
        except StopIteration as stop:
            result = stop.value
        except BaseException:
            self._end()
            raise
        result = self._finish(result)
        if self.finished:
            raise StopIteration(result)
        return result

    def _failed_with(self, error: Any) -> bool:
        """Return whether an error is that of the exchange: a task raises it here before the call can look."""
        future = self._future
        if self._state != _WAITING or future is None or not future.done() or future.cancelled():
            return False
        return future.exception() is error

    def close(self) -> None:
        """End the call; a request under way is broken off."""
        state = self._state
        inner = self._inner
        self._state = _DONE
        if state == _WAITING:
            self._abandon()
        elif inner is not None:
            self._end()
            inner.close()

    # The states.

    def _start_inner(self, awaitable: Any) -> None:
        self._inner = awaitable if asyncio.iscoroutine(awaitable) else awaitable.__await__()
        self._state = _INNER

    def _step(self, value: Any) -> Any:
        try:
            return self._inner.send(value)
        except StopIteration as stop:
            response = stop.value
        except BaseException:
            self._end()
            raise
        return self._finish(response)

    def _finish(self, response: Any) -> Any:
        """End the call with its response, or with what the `__aenter__` of another class of responses returns."""
        self._end()
        if self._entering:
            self._entering = False
            self._response = response
            if self._request is None and type(response).__aenter__ is not self.plan.enter:
                self._start_inner(response.__aenter__())
                return self._step(None)
            response._in_context = True
        self.finished = True
        return response

    def _end(self) -> None:
        self._state = _DONE
        self._inner = None
        self._future = None
        self._lease = None

    def _abandon(self) -> None:
        lease, future = self._lease, self._future
        self._end()
        assert lease is not None
        assert lease.connection is not None
        lease.connection.abandon(future)

    # The plain way.

    def _begin(self) -> "asyncio.Future[Answer] | None":
        """Send the request if it is plain and an idle connection is there; else return None, with nothing done."""
        plan = self.plan
        start = self.start = monotonic()
        if type(self.method) is not str or self.method not in _METHODS:
            return None
        if not plan.allows(start):
            return None
        settings = self._take_apart(plan.settings) if self.options else plan.settings
        if settings is None:
            return None
        origin = self._locate(plan)
        if origin is None or not origin.bucket.idle:
            return None
        fields = b"" if self._headers is None else _lines(self._headers, origin)
        if fields is None:
            return None
        tail = origin.tail if self._headers is None else _tail(self._headers, origin)
        authorization = origin.authorization
        if self._auth is not None:
            given = None if self._headers else _credentials(self._auth, origin)  # fields could have credentials, too
            if given is None:
                return None
            authorization = given
        cookies = plan.cookies_for(origin, self._target) if plan.stored else b""
        described = self._describe(origin)
        if described is None:
            return None
        pool = plan.pool
        assert pool is not None
        lease = pool.take(origin.bucket)
        if lease is None:
            return None
        request = WireRequest.__new__(WireRequest)
        request.method = self.method
        request.connection_key = origin.key
        request.head = assemble(
            self.method,
            self._target,
            (origin.lead, fields, tail, cookies, authorization, described, origin.ending),
        )
        request.body = self._body
        request.site = self._site
        request.target = self._target
        return self._send(request, lease, settings)

    def _take_apart(self, settings: ExchangeSettings) -> ExchangeSettings | None:
        """Take the arguments apart, and return the settings with their time limits; None if one is not plain."""
        limited: ExchangeSettings | None = settings
        for name, value in self.options.items():
            if name == "params":
                self._params = value
            elif name == "headers":
                self._headers = value
            elif name == "data":
                self._data = value
            elif name == "json":
                self._json = value
            elif name == "timeout":
                limited = _limit(settings, value)
                if limited is None:
                    return None
            elif name == "auth":
                self._auth = value
            elif name == "raise_for_status":
                if value is not None and type(value) is not bool:
                    return None
                self._error_from = self._error_from if value is None else _FIRST_ERROR if value else _NO_ERROR
            elif name == "ssl":
                self._unchecked = value is False
                if value is not None and type(value) is not bool:
                    return None
            elif name != "allow_redirects" or type(value) is not bool:
                return None
        return limited

    def _locate(self, plan: Plan) -> Origin | None:
        """Return the origin, and keep site and target; None if the URL or the parameters are not plain."""
        url = self.url
        if type(url) is URL:
            url = str(url)
        elif type(url) is not str:
            return None
        parts = split_url(_absolute(plan, url))
        if parts is None:
            return None
        site, target = parts
        if self._unchecked and site.startswith("https"):
            return None
        if self._params:
            query = encode_query(self._params)
            if query is None or target.endswith("&"):  # the full way knows how many of them there are then
                return None
            target += f"&{query}" if "?" in target else f"?{query}"
        self._site = site
        self._target = target
        origin = plan.origins.get(site)
        if origin is None:
            origin = plan.open_origin(site)
        return origin if origin is not None and origin.plain else None

    def _describe(self, origin: Origin) -> bytes | None:
        """Keep the body, and return the lines that describe it; None if it is not plain."""
        described = _METHODS[self.method]
        if self._data is None and self._json is None:
            return described + _BINARY if self.method in _TYPED and not origin.typed else described
        encoded = self._encode(self._data, self._json)
        if encoded is None:
            return None
        self._body, type_line = encoded
        return b"Content-Length: %d\r\n%b" % (len(self._body), b"" if origin.typed else type_line)

    def _encode(self, data: Any, json: Any) -> tuple[bytes, bytes] | None:
        """Return a body and the line with its media type, or None."""
        if data is None:
            return self.plan.serialize(json), _JSON
        if json is not None:
            return None
        if type(data) is bytes:
            return data, _BINARY
        if type(data) is str:
            return data.encode(), _TEXT
        form = encode_form(data) if type(data) is dict else None
        return None if form is None else (form.encode(), _FORM)

    def _send(self, request: WireRequest, lease: Lease, settings: ExchangeSettings) -> "asyncio.Future[Answer]":
        connection = lease.connection
        assert connection is not None
        try:
            future = connection.exchange(request.head, request.body, request.method, settings, self.start)
        except BaseException:
            lease.close()
            raise
        self._request = request
        self._lease = lease
        return future

    def _take_answer(self) -> Any:
        """Return the response, or None if a coroutine was started that goes on."""
        plan = self.plan
        future, request, lease = self._future, self._request, self._lease
        assert future is not None
        assert request is not None
        assert lease is not None
        connection = lease.connection
        assert connection is not None
        self._future = None
        self._lease = None
        try:
            answer = future.result()
        except BaseException as error:
            connection.abandon(future)
            if not self._may_repeat(connection, error):
                raised = plan.error(request, error)
                if raised is error:
                    raise
                raise raised from error
        else:
            return self._respond(request, answer, lease)
        self._request = None
        self._start_inner(plan.repeat(self, request))
        return None

    def _may_repeat(self, connection: HttpConnection, error: BaseException) -> bool:
        """Return whether the connection was dead before the request, and sending that again is the same."""
        if not isinstance(error, ServerDisconnectedError | ClientOSError) or self.method not in _IDEMPOTENT:
            return False
        return self.plan.retry and connection.reused and not connection.response_started

    def _respond(self, request: WireRequest, answer: Answer, lease: Lease) -> Any:
        """Return the response, or None if it is not the last: then a coroutine is started that goes on."""
        plan = self.plan
        head, status, has_cookies, received = answer
        if type(received) is bytes and not has_cookies:
            response = plan.response(request, head, status, received, None, plan.policy, ())
        else:
            response = plan.respond(request, answer, lease)
        if status < self._error_from and not 300 <= status < 400:
            return response
        self._request = None
        self._start_inner(plan.follow(self, request, response))
        return None


step_directly(Call)


def _absolute(plan: Plan, url: str) -> str:
    """Return a URL, joined to the base URL of the session if it is relative and that takes no resolving."""
    if plan.base:
        if url[:1] == "/":
            return plan.base_site + url if url[1:2] != "/" else url
        if url and ":" not in url and url[0] not in "?#.":
            return plan.base + url
    return url


def _lines(headers: Any, origin: Origin) -> bytes | None:
    """Return the lines of the header fields of a call, or None if they need more than being written down."""
    if type(headers) is not dict and type(headers) is not CIMultiDict:
        return None
    if not headers:
        return b""
    for name in headers:
        if (type(name) is not str and type(name) is not istr) or name.lower() in origin.fixed:  # multidicts have istr
            return None
    try:
        return serialize_headers(headers.items())
    except (TypeError, ValueError):
        return None  # the full way says what is wrong


def _tail(headers: Any, origin: Origin) -> bytes:
    """Return the automatic fields that the fields of a call leave."""
    replaced = [name.lower() for name in headers if name.lower() in origin.automatic]
    if not replaced:
        return origin.tail
    return b"".join([line for name, line in origin.automatic.items() if name not in replaced])


def _credentials(auth: Any, origin: Origin) -> bytes | None:
    """Return the line with the credentials of a call, or None if something else says who is asking, too."""
    if type(auth) is not BasicAuth or origin.identified:
        return None
    return serialize_headers((("Authorization", auth.encode()),))


def _raisable(kind: Any, value: Any, traceback: Any) -> BaseException:
    """Return the exception that the arguments of `throw` mean, in any of their forms."""
    if not isinstance(kind, type):
        error = kind
    elif isinstance(value, kind):
        error = value
    else:
        error = kind() if value is None else kind(*value) if isinstance(value, tuple) else kind(value)
    if not isinstance(error, BaseException):
        raise TypeError(
            f"exceptions must be classes or instances deriving from BaseException, not {type(error).__name__}"
        )
    return error if traceback is None else error.with_traceback(traceback)


def _limit(settings: ExchangeSettings, timeout: Any) -> ExchangeSettings | None:
    """Return the settings with the time limits of a call, or None."""
    if type(timeout) is ClientTimeout:
        total, sock_read = timeout.total, timeout.sock_read
    elif timeout is None or type(timeout) is float or type(timeout) is int:
        total, sock_read = timeout, None
    else:
        return None
    for seconds in (total, sock_read):
        if seconds is None:
            continue
        if (type(seconds) is not float and type(seconds) is not int) or not 0 <= seconds < _MAX_SECONDS:
            return None
    return ExchangeSettings(
        settings.open_stream, float(total or 0), float(sock_read or 0), settings.read_until_eof, settings.limits
    )
