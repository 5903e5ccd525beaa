"""The session: settings, cookies and connections that requests share."""

import asyncio
import json as json_module
import warnings
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, Unpack, cast

from multidict import CIMultiDict, istr
from yarl import URL

from gazelle._impl import Call, Plan, WireRequest, monotonic
from gazelle.abc import AbstractCookieJar
from gazelle.auth import BasicAuth
from gazelle.cookies.jar import CookieJar
from gazelle.net.connector import BaseConnector
from gazelle.net.deprecated import OLD_TLS_ARGUMENTS, merge_timeouts, merge_tls, warn_of
from gazelle.net.environment import NetrcFile
from gazelle.net.tcp import TCPConnector
from gazelle.timeouts import ClientTimeout
from gazelle.tracing import TraceConfig
from gazelle.types import HttpVersion, HttpVersion11, LooseCookies, LooseHeaders, Sentinel, StrOrURL, sentinel
from gazelle.wire.request_head import collect_fields

from .attempt import plain_error, respond
from .builder import Defaults, RequestBuilder
from .content import NO_CONTENT, Content, bytes_serializer
from .core import Context, Core
from .credentials import Credentials
from .follow import follow, send
from .locate import Locator, add_params
from .middlewares import ClientMiddlewareType
from .observe import observe
from .options import (
    CALL_DEFAULTS,
    DEFAULT_READ_BUFSIZE,
    OF_SESSION,
    FetchOptions,
    RequestOptions,
    SendOptions,
    check_session,
    check_settings,
    is_plain,
    split,
)
from .policy import CharsetResolver, Policy, RaiseForStatus
from .request import ClientRequest, complete
from .response import ClientResponse
from .send import hop

if TYPE_CHECKING:

    class RequestCall(Coroutine[Any, Any, ClientResponse]):
        """The type of what a request method returns, for a type checker: await it, or use it with `async with`."""

        async def __aenter__(self) -> ClientResponse: ...
        async def __aexit__(
            self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
        ) -> None: ...

else:
    RequestCall = Call

_call: Final[Callable[[Any, Plan, str, Any, Any], RequestCall]] = cast(Any, Call)


class ClientSession:
    """Make requests that share settings, cookies and connections. Make one session for the life of an application.

    Args:
        base_url: URL that relative URLs of requests are joined to. Absolute, with a path that ends in a slash.
        connector: the pool of connections. Default: a `TCPConnector` of its own.
        cookies: cookies to begin with; they are sent to all hosts.
        headers: header fields sent with every request.
        skip_auto_headers: names of automatic header fields (User-Agent, Accept, Accept-Encoding, Content-Type) that
            are not sent. Content-Length cannot be skipped.
        auth: credentials sent with every request, or if there is a `base_url`, with those to its origin.
        json_serialize: makes the text of a body passed as `json`. Default `json.dumps`.
        json_serialize_bytes: makes the bytes of it instead.
        version: HTTP version, `HttpVersion11` (default) or `HttpVersion10`.
        cookie_jar: keeps the cookies. Default: a `CookieJar` of its own; a `DummyCookieJar` keeps none.
        raise_for_status: raise `ClientResponseError` for every response with a status of 400 or more; or a function
            that is called with each response and raises what it likes. What it returns is awaited if that is awaitable.
        timeout: time limits of requests. Default: 300 s in total, 30 s for each connection attempt.
        connector_owner: close the connector together with the session. Default True.
        auto_decompress: take content codings off bodies. Default True.
        read_bufsize: size of the read buffer of `ClientResponse.content` in bytes. Default 256 KiB; reading stops at
            twice as much.
        requote_redirect_url: make the URLs of redirects canonical. Default True; False to send them as they came.
        retry: send idempotent requests again, once, when a kept-alive connection turns out to be dead. Default True.
        trust_env: take credentials for a host from netrc (`$NETRC` or `~/.netrc`) if a request has none of its own.
            Proxies of the environment are not used yet.
        proxy, proxy_auth: None, for no proxy: proxies are not supported yet.
        trace_configs: listeners to the events of each request, see `TraceConfig`; the session freezes them.
        middlewares: called around each exchange, the first one first; `middlewares=` of a call takes their place.
        response_class: class of the responses.
        loop: deprecated, has to be the running event loop.
        read_timeout: deprecated, `timeout=ClientTimeout(total=...)` says it.
        conn_timeout: deprecated, `timeout=ClientTimeout(connect=...)` says it.
        max_line_size: longest status line of a response, in bytes. Default 8190.
        max_field_size: longest header field of a response, name and value, in bytes. Default 8190.
        max_headers: most header fields of a response. Default 128.
        error_body_size: with `raise_for_status=True`, wait for up to this many bytes of the body, content codings taken
            off, and keep them in `ClientResponseError.body`. Default 0: the error is raised at once. What
            `ClientResponse.raise_for_status()` raises has no body: it cannot wait for one.
        fallback_charset_resolver: is given each response whose text is asked for and that declares no encoding that
            Python knows, and its body, and returns the name of one. Default: UTF-8 if the body is valid UTF-8, or a
            guess.

    Raises:
        TypeError: an argument has a type that the parameter does not take.
        ValueError: an argument has a value that the parameter does not take; or `timeout` is no `ClientTimeout`.
        RuntimeError: there is no running event loop.
        NotImplementedError: `proxy` or `proxy_auth` is not None.
    """

    def __init__(
        self,
        base_url: StrOrURL | None = None,
        *,
        connector: BaseConnector | None = None,
        cookies: LooseCookies | None = None,
        headers: LooseHeaders | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        auth: BasicAuth | None = None,
        json_serialize: Callable[[Any], str] = json_module.dumps,
        json_serialize_bytes: Callable[[Any], bytes] | None = None,
        version: HttpVersion = HttpVersion11,
        cookie_jar: AbstractCookieJar | None = None,
        raise_for_status: RaiseForStatus = False,
        timeout: ClientTimeout | Sentinel | None = sentinel,
        connector_owner: bool = True,
        auto_decompress: bool = True,
        read_bufsize: int = DEFAULT_READ_BUFSIZE,
        requote_redirect_url: bool = True,
        retry: bool = True,
        trust_env: bool = False,
        proxy: StrOrURL | None = None,
        proxy_auth: BasicAuth | None = None,
        trace_configs: Iterable[TraceConfig] | None = None,
        middlewares: Sequence[ClientMiddlewareType] | None = (),
        response_class: type[ClientResponse] = ClientResponse,
        loop: asyncio.AbstractEventLoop | None = None,
        read_timeout: float | Sentinel | None = sentinel,
        conn_timeout: float | None = None,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
        error_body_size: int = 0,
        fallback_charset_resolver: CharsetResolver | None = None,
    ) -> None:
        given = check_session(locals())  # here these are the parameters, and a test holds them equal to the table
        timeouts = merge_timeouts(given["timeout"], given["read_timeout"], given["conn_timeout"])
        if loop is not None:
            warn_of("loop", "a running event loop", 3)
        self._loop = loop or asyncio.get_running_loop()
        if connector is not None and connector._loop is not self._loop:
            raise RuntimeError("Session and connector have to use the same event loop")
        self._base_url: URL | None = given["base_url"]
        self._connector_owner: bool = given["connector_owner"]
        self._default_headers = collect_fields(given["headers"])
        self._skip_auto_headers = frozenset(map(istr, given["skip_auto_headers"]))
        self._default_auth: BasicAuth | None = given["auth"]
        self._version: HttpVersion = given["version"]
        self._json_serialize = json_serialize
        self._json_serialize_bytes = json_serialize_bytes
        jar: AbstractCookieJar = CookieJar() if cookie_jar is None else cookie_jar
        if given["cookies"]:
            jar.update_cookies(given["cookies"])
        self._response_class = response_class
        self._policy = Policy(CALL_DEFAULTS | given | {"timeout": timeouts}, fallback_charset_resolver)
        for config in given["trace_configs"]:
            config.freeze()
        connector = TCPConnector() if connector is None else connector  # the last thing: what fails before leaves none
        self._core = self._make_core(jar, connector, NetrcFile() if given["trust_env"] else None)
        self._core.requote_redirect_url = given["requote_redirect_url"]
        self._trace_configs = list(given["trace_configs"])

    def _make_core(self, jar: AbstractCookieJar, connector: BaseConnector, netrc: NetrcFile | None) -> Core:
        builder = RequestBuilder(
            Locator(self._base_url, connector.allowed_protocol_schema_set),
            Defaults(self._default_headers, self._skip_auto_headers, self._version, connector.force_close),
            Credentials(self._default_auth, None if netrc is None else netrc.find),
            jar,
            bytes_serializer(self._json_serialize_bytes or self._json_serialize),
            connector.pool.bucket,
        )
        core = Core(builder, self._policy, self._response_class, netrc)
        core.set_connector(connector)
        plan = core.plan
        plan.full = _REQUEST
        plan.enter = _ENTER
        plan.response = self._response_class
        plan.leaving = ClientResponse
        plan.respond = partial(respond, core, self._policy)
        plan.error = plain_error
        plan.follow = _follow
        plan.repeat = _repeat
        return core

    def __del__(self, _warnings: Any = warnings) -> None:
        connector: BaseConnector | None = getattr(self, "_connector", None)  # __init__ may not have gone through
        if connector is None or connector.closed:
            return
        _warnings.warn(f"Unclosed client session {self!r}", ResourceWarning, source=self, stacklevel=1)
        if self._connector_owner:
            connector.close_now()
        if not self._loop.is_closed():
            self._loop.call_exception_handler({"client_session": self, "message": "Unclosed client session"})

    def __enter__(self) -> NoReturn:
        raise TypeError("Use async with instead")

    def __exit__(self, *args: object) -> None:
        """Do nothing: `with` looks for this method before it calls `__enter__`, whose error says what to do."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # Requests.

    def request(self, method: str, url: StrOrURL, **kwargs: Unpack[RequestOptions]) -> RequestCall:
        """Make a request. Await the result, or use it with `async with`, which releases the response.

        Args:
            method: HTTP method.
            url: str or `yarl.URL`; relative to `base_url` if there is one.
            params: added to the query of the URL: a mapping, (name, value) pairs, or text, which is encoded only
                where it is not yet.
            data: body of the request: bytes-like, str (sent as UTF-8), a `FormData` or what one is made of (a mapping,
                pairs), a file, an async iterable of bytes, a stream, or a payload.
            json: body of the request, to be serialised. Excludes `data`.
            cookies: cookies put over those of the jar, for this request only.
            headers: header fields put over those of the session.
            skip_auto_headers: more automatic header fields that are not sent.
            auth: credentials. Excludes an Authorization header and credentials in the URL.
            allow_redirects: follow redirects. Default True; False for `head`.
            max_redirects: at how many redirects it is a `TooManyRedirects`. Default 10; 0 for no limit.
            compress: content coding for the body, `deflate`, `gzip`, `br` or `zstd`; True is `deflate`.
            chunked: send the body in chunks. Default: if its length is not known.
            expect100: send `Expect: 100-continue`, and the body only after the server asks for it.
            raise_for_status: as for the session.
            read_until_eof: whether a body without a length goes on until the connection ends. Default True; else it
                is empty.
            proxy, proxy_auth, proxy_headers: None, for no proxy: proxies are not supported yet.
            read_bufsize: as for the session, in bytes.
            auto_decompress: as for the session.
            timeout: a `ClientTimeout`, or a number, the total in seconds; None for no limit at all. Default: as for
                the session.
            ssl: TLS checks: True for the default ones, False for none, a `Fingerprint`, or an `ssl.SSLContext`.
            server_hostname: name to check the certificate against, instead of that in the URL.
            retry: as for the session.
            max_line_size, max_field_size, max_headers: as for the session, in bytes and fields.
            error_body_size: as for the session, in bytes.
            middlewares: instead of those of the session.
            upload_tracker: an `UploadTracker` that follows how much of the body was sent.
            trace_request_ctx: passed to `TraceConfig.trace_config_ctx`.
            verify_ssl, ssl_context, fingerprint: deprecated spellings of `ssl`.

        Raises:
            InvalidURL: the URL cannot be requested.
            ClientConnectionError: no connection, or a lost one; see its subclasses.
            ClientResponseError: the response is invalid, or has an error status and `raise_for_status` is on.
            TimeoutError: a time limit was exceeded.
            TypeError: an argument has a type that the parameter does not take; nothing was sent.
            ValueError: an argument has a value that the parameter does not take, arguments contradict each other, or
                cannot go on the wire; nothing was sent.
            NotImplementedError: an argument is for a proxy; nothing was sent.
        """
        return _call(self._request, self._core.plan, method, url, kwargs)

    def get(self, url: StrOrURL, *, allow_redirects: bool = True, **kwargs: Unpack[FetchOptions]) -> RequestCall:
        """Make a GET request, see `request`."""
        options = kwargs if allow_redirects is True else {"allow_redirects": allow_redirects, **kwargs}
        return _call(self._request, self._core.plan, "GET", url, options)

    def options(self, url: StrOrURL, *, allow_redirects: bool = True, **kwargs: Unpack[FetchOptions]) -> RequestCall:
        """Make an OPTIONS request, see `request`."""
        options = kwargs if allow_redirects is True else {"allow_redirects": allow_redirects, **kwargs}
        return _call(self._request, self._core.plan, "OPTIONS", url, options)

    def head(self, url: StrOrURL, *, allow_redirects: bool = False, **kwargs: Unpack[FetchOptions]) -> RequestCall:
        """Make a HEAD request, see `request`; `allow_redirects` is False by default."""
        options = {"allow_redirects": allow_redirects, **kwargs}
        return _call(self._request, self._core.plan, "HEAD", url, options)

    def post(self, url: StrOrURL, *, data: object = None, **kwargs: Unpack[SendOptions]) -> RequestCall:
        """Make a POST request, see `request`."""
        options = kwargs if data is None else {"data": data, **kwargs}
        return _call(self._request, self._core.plan, "POST", url, options)

    def put(self, url: StrOrURL, *, data: object = None, **kwargs: Unpack[SendOptions]) -> RequestCall:
        """Make a PUT request, see `request`."""
        options = kwargs if data is None else {"data": data, **kwargs}
        return _call(self._request, self._core.plan, "PUT", url, options)

    def patch(self, url: StrOrURL, *, data: object = None, **kwargs: Unpack[SendOptions]) -> RequestCall:
        """Make a PATCH request, see `request`."""
        options = kwargs if data is None else {"data": data, **kwargs}
        return _call(self._request, self._core.plan, "PATCH", url, options)

    def delete(self, url: StrOrURL, **kwargs: Unpack[RequestOptions]) -> RequestCall:
        """Make a DELETE request, see `request`."""
        return _call(self._request, self._core.plan, "DELETE", url, kwargs)

    async def _request(self, method: str, str_or_url: StrOrURL, **kwargs: Unpack[RequestOptions]) -> ClientResponse:
        """Make a request the full way; calls of all request methods end here unless they are plain."""
        start = monotonic()
        if not kwargs and not self._core.plan.traces:
            return await send(Context(self._core, self, self._policy, start), method, str_or_url, NO_CONTENT)
        arguments: dict[str, Any] = kwargs  # type: ignore[assignment]
        policy = self._policy if is_plain(arguments) else self._policy_of(arguments)
        trace_context = arguments.pop("trace_request_ctx", None)
        content = Content(arguments)
        if content.upload_tracker is not None:
            return await self._tracked(policy, start, (method, str_or_url), content, trace_context)
        if self._core.plan.traces:
            return await self._traced(policy, start, (method, str_or_url), content, trace_context)
        return await send(Context(self._core, self, policy, start), method, str_or_url, content)

    def _policy_of(self, arguments: dict[str, Any]) -> Policy:
        """Return the policy of a call; take the arguments that say how it is carried out out of the others."""
        if not OLD_TLS_ARGUMENTS.isdisjoint(arguments):
            old = {name: arguments.pop(name) for name in OLD_TLS_ARGUMENTS & arguments.keys()}
            arguments["ssl"] = merge_tls(arguments.get("ssl"), **old)
        settings = split(arguments)
        return self._policy.override(settings, check_settings) if settings else self._policy

    async def _go_on(self, call: Call, request: ClientRequest, response: ClientResponse | None) -> ClientResponse:
        """Go on with a plain call after the response to its request, or by sending the request if there is none."""
        arguments = dict(call.options)
        policy = self._policy if is_plain(arguments) else self._policy_of(arguments)
        context = Context(self._core, self, policy, call.start)
        content = Content(arguments)
        if response is None:
            response = await hop(context, request, ())
        return await follow(context, content, request, response)

    async def _tracked(
        self, policy: Policy, start: float, asked: tuple[str, StrOrURL], content: Content, trace_context: object
    ) -> ClientResponse:
        """Make a request whose upload is tracked."""
        tracker = content.upload_tracker
        assert tracker is not None
        tracker.bind()
        try:
            if self._core.plan.traces:
                return await self._traced(policy, start, asked, content, trace_context)
            return await send(Context(self._core, self, policy, start), *asked, content)
        finally:
            tracker.finish()

    async def _traced(
        self, policy: Policy, start: float, asked: tuple[str, StrOrURL], content: Content, trace_context: object
    ) -> ClientResponse:
        method, url = asked
        parsed, _ = self._core.builder.locator.parse(url)
        if content.params:
            parsed = add_params(parsed, content.params)
        observer = observe(self, self._core.plan.traces, (method, parsed), content, trace_context)
        if "on_request_start" in observer.heard:
            await observer.started()
            content = content.replace(headers=observer.headers)  # handlers may have changed them
        try:
            response = await send(Context(self._core, self, policy, start, observer), method, url, content)
        except BaseException as error:
            if "on_request_exception" in observer.heard:
                await observer.failed(error)
            raise
        await observer.ended(response)
        return response

    # The end.

    async def close(self) -> None:
        """Close the session, and its connector if it owns it. Return when all sockets are closed."""
        connector = self._connector
        self._connector = None
        if connector is not None and self._connector_owner:
            await connector.close()

    def detach(self) -> None:
        """Close the session and leave the connector open, whoever owns it."""
        self._connector = None

    # Names that add-ons use; what is set here counts from the next call on.

    @property
    def _connector(self) -> BaseConnector | None:
        return self._core.connector

    @_connector.setter
    def _connector(self, connector: BaseConnector | None) -> None:
        self._core.set_connector(connector)

    @property
    def _cookie_jar(self) -> AbstractCookieJar:
        return self._core.jar

    @_cookie_jar.setter
    def _cookie_jar(self, jar: AbstractCookieJar) -> None:
        self._core.jar = jar

    @property
    def _trace_configs(self) -> list[TraceConfig]:
        return self._core.plan.traces

    @_trace_configs.setter
    def _trace_configs(self, configs: list[TraceConfig]) -> None:
        self._core.plan.traces = configs if type(configs) is list else list(configs or ())

    # What the session was made with.

    @property
    def closed(self) -> bool:
        """Whether the session, or its connector, is closed."""
        return self._connector is None or self._connector.closed

    @property
    def connector(self) -> BaseConnector | None:
        """The pool of connections, None once the session is closed."""
        return self._connector

    @property
    def cookie_jar(self) -> AbstractCookieJar:
        """The cookies."""
        return self._cookie_jar

    @property
    def auth(self) -> BasicAuth | None:
        """Credentials sent with every request."""
        return self._default_auth

    @property
    def version(self) -> HttpVersion:
        """HTTP version of requests."""
        return self._version

    @property
    def json_serialize_bytes(self) -> Callable[[Any], bytes] | None:
        """The function that makes the bytes of a body passed as `json`, if one was given."""
        return self._json_serialize_bytes

    @property
    def requote_redirect_url(self) -> bool:
        """Whether URLs of redirects are made canonical. Setting it is deprecated."""
        return self._core.requote_redirect_url

    @requote_redirect_url.setter
    def requote_redirect_url(self, value: bool) -> None:
        warnings.warn("session.requote_redirect_url modification is deprecated", DeprecationWarning, stacklevel=2)
        self._core.requote_redirect_url = OF_SESSION["requote_redirect_url"].check("requote_redirect_url", value)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Event loop of the session."""
        warnings.warn("client.loop property is deprecated", DeprecationWarning, stacklevel=2)
        return self._loop

    @property
    def timeout(self) -> ClientTimeout:
        """Time limits of requests."""
        return self._policy.timeout

    @property
    def headers(self) -> CIMultiDict[str]:
        """Header fields sent with every request; changes count from the next request on."""
        return self._default_headers

    @property
    def skip_auto_headers(self) -> frozenset[istr]:
        """Names of automatic header fields that are not sent."""
        return self._skip_auto_headers

    @property
    def json_serialize(self) -> Callable[[Any], str]:
        """The function that makes the text of a body passed as `json`."""
        return self._json_serialize

    @property
    def trust_env(self) -> bool:
        """Whether credentials are looked up in netrc."""
        return self._core.netrc is not None

    @property
    def trace_configs(self) -> list[TraceConfig]:
        """Listeners to the events of each request."""
        return self._trace_configs

    @property
    def connector_owner(self) -> bool:
        """Whether the connector is closed together with the session."""
        return self._connector_owner

    @property
    def raise_for_status(self) -> RaiseForStatus:
        """Whether a status of 400 or more is an error, or the function that decides."""
        return self._policy.raise_for_status

    @property
    def auto_decompress(self) -> bool:
        """Whether content codings are taken off bodies."""
        return self._policy.auto_decompress


# The methods as they are here; comparing with them shows those of a subclass and patched ones.
_REQUEST: Final = ClientSession._request
_ENTER: Final = ClientResponse.__aenter__


def _follow(call: Call, request: WireRequest, response: ClientResponse) -> Coroutine[Any, Any, ClientResponse]:
    """Go on after the response of a plain call that redirects, or whose status may be an error."""
    session: ClientSession = call.full.__self__
    return session._go_on(call, complete(request), response)


def _repeat(call: Call, request: WireRequest) -> Coroutine[Any, Any, ClientResponse]:
    """Send the request of a plain call again, on a new connection."""
    session: ClientSession = call.full.__self__
    return session._go_on(call, complete(request).renewed(), None)
