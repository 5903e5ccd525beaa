"""The session: settings, cookies and connections that requests share."""

import asyncio
import json as json_module
import warnings
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar, Unpack

from multidict import CIMultiDict, istr
from yarl import URL

from gazelle.abc import AbstractCookieJar
from gazelle.auth import BasicAuth
from gazelle.cookies.jar import CookieJar
from gazelle.net.connector import BaseConnector, TCPConnector
from gazelle.net.deprecated import OLD_TLS_ARGUMENTS, merge_timeouts, merge_tls, warn_of
from gazelle.timeouts import ClientTimeout
from gazelle.tracing import Trace, TraceConfig
from gazelle.types import HttpVersion, HttpVersion11, LooseCookies, LooseHeaders, Sentinel, StrOrURL, sentinel
from gazelle.wire.request_head import collect_fields, merge_fields

from .middlewares import ClientMiddlewareType
from .options import (
    CALL_DEFAULTS,
    DEFAULT_READ_BUFSIZE,
    OF_CALL,
    OF_SESSION,
    PLAIN,
    FetchOptions,
    RequestOptions,
    SendOptions,
    check_session,
    check_settings,
    is_plain,
    split,
)
from .policy import CharsetResolver, Policy, RaiseForStatus
from .request import RequestBuilder
from .response import ClientResponse
from .send import send
from .tracker import UploadTracker

_Response = TypeVar("_Response", bound=ClientResponse)


# `collections.abc.Coroutine` knows its own by their methods. Its metaclass would double the cost of making one.
if TYPE_CHECKING:

    class _Base(Coroutine[Any, Any, _Response]):
        pass
else:

    class _Base(Generic[_Response]):
        pass


class _RequestContextManager(_Base[_Response]):
    """What a request method returns: await it, use it with `async with`, or make a task of it."""

    def __init__(self, coroutine: Coroutine[Any, Any, _Response]) -> None:
        self._coroutine = coroutine

    def send(self, value: Any) -> Any:
        """Resume the request."""
        return self._coroutine.send(value)

    def throw(self, *args: Any) -> Any:
        """Raise an exception inside the request."""
        return self._coroutine.throw(*args)

    def close(self) -> None:
        """End the request."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, None, _Response]:
        return self._coroutine.__await__()

    async def __aenter__(self) -> _Response:
        self._response = response = await self._coroutine
        response._in_context = True
        return response

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        response = self._response
        if response._connection is None and response._upload is None and type(response._received) is bytes:
            response._released = True  # all that leaving would do
            response._in_context = False
        else:
            await response.__aexit__(exc_type, exc, traceback)


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
        self._cookie_jar: AbstractCookieJar = CookieJar() if cookie_jar is None else cookie_jar
        if given["cookies"]:
            self._cookie_jar.update_cookies(given["cookies"])
        self._requote_redirect_url: bool = given["requote_redirect_url"]
        self._response_class = response_class
        self._trust_env: bool = given["trust_env"]
        self._policy = Policy(CALL_DEFAULTS | given | {"timeout": timeouts}, fallback_charset_resolver)
        self._trace_configs: list[TraceConfig] = list(given["trace_configs"])
        for config in self._trace_configs:
            config.freeze()
        connector = TCPConnector() if connector is None else connector  # the last thing: what fails before leaves none
        self._builder = self._make_builder(connector)
        self._connector: BaseConnector | None = connector

    def _make_builder(self, connector: BaseConnector) -> RequestBuilder:
        return RequestBuilder(
            base_url=self._base_url,
            headers=self._default_headers,
            skip_auto_headers=self._skip_auto_headers,
            auth=self._default_auth,
            jar=self._cookie_jar,
            json_serialize=self._json_serialize_bytes or self._json_serialize,
            version=self._version,
            allowed_schemes=connector.allowed_protocol_schema_set,
            force_close=connector.force_close,
        )

    def __del__(self, _warnings: Any = warnings) -> None:
        connector: BaseConnector | None = getattr(self, "_connector", None)  # __init__ may not have gone through
        if connector is None or connector.closed:
            return
        _warnings.warn(f"Unclosed client session {self!r}", ResourceWarning, source=self, stacklevel=1)
        if self._connector_owner:
            connector._close()
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

    def request(
        self, method: str, url: StrOrURL, **kwargs: Unpack[RequestOptions]
    ) -> _RequestContextManager[ClientResponse]:
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
        call = self._request(method, url, **kwargs) if kwargs else self._request(method, url)
        return _RequestContextManager(call)

    def get(
        self, url: StrOrURL, *, allow_redirects: bool = True, **kwargs: Unpack[FetchOptions]
    ) -> _RequestContextManager[ClientResponse]:
        """Make a GET request, see `request`."""
        if allow_redirects is not True:
            return _RequestContextManager(self._request("GET", url, allow_redirects=allow_redirects, **kwargs))
        call = self._request("GET", url, **kwargs) if kwargs else self._request("GET", url)
        return _RequestContextManager(call)

    def options(
        self, url: StrOrURL, *, allow_redirects: bool = True, **kwargs: Unpack[FetchOptions]
    ) -> _RequestContextManager[ClientResponse]:
        """Make an OPTIONS request, see `request`."""
        if allow_redirects is not True:
            return _RequestContextManager(self._request("OPTIONS", url, allow_redirects=allow_redirects, **kwargs))
        call = self._request("OPTIONS", url, **kwargs) if kwargs else self._request("OPTIONS", url)
        return _RequestContextManager(call)

    def head(
        self, url: StrOrURL, *, allow_redirects: bool = False, **kwargs: Unpack[FetchOptions]
    ) -> _RequestContextManager[ClientResponse]:
        """Make a HEAD request, see `request`."""
        return _RequestContextManager(self._request("HEAD", url, allow_redirects=allow_redirects, **kwargs))

    def post(
        self, url: StrOrURL, *, data: object = None, **kwargs: Unpack[SendOptions]
    ) -> _RequestContextManager[ClientResponse]:
        """Make a POST request, see `request`."""
        if data is not None:
            return _RequestContextManager(self._request("POST", url, data=data, **kwargs))
        call = self._request("POST", url, **kwargs) if kwargs else self._request("POST", url)
        return _RequestContextManager(call)

    def put(
        self, url: StrOrURL, *, data: object = None, **kwargs: Unpack[SendOptions]
    ) -> _RequestContextManager[ClientResponse]:
        """Make a PUT request, see `request`."""
        if data is not None:
            return _RequestContextManager(self._request("PUT", url, data=data, **kwargs))
        call = self._request("PUT", url, **kwargs) if kwargs else self._request("PUT", url)
        return _RequestContextManager(call)

    def patch(
        self, url: StrOrURL, *, data: object = None, **kwargs: Unpack[SendOptions]
    ) -> _RequestContextManager[ClientResponse]:
        """Make a PATCH request, see `request`."""
        if data is not None:
            return _RequestContextManager(self._request("PATCH", url, data=data, **kwargs))
        call = self._request("PATCH", url, **kwargs) if kwargs else self._request("PATCH", url)
        return _RequestContextManager(call)

    def delete(self, url: StrOrURL, **kwargs: Unpack[RequestOptions]) -> _RequestContextManager[ClientResponse]:
        """Make a DELETE request, see `request`."""
        call = self._request("DELETE", url, **kwargs) if kwargs else self._request("DELETE", url)
        return _RequestContextManager(call)

    def _request(
        self, method: str, str_or_url: StrOrURL, **kwargs: Unpack[RequestOptions]
    ) -> Coroutine[Any, Any, ClientResponse]:
        # A plain function: what it returns is a coroutine anyway, and one more around it would cost its time.
        if self._trace_configs or (kwargs and not PLAIN.issuperset(kwargs) and not is_plain(kwargs)):
            if "upload_tracker" in kwargs:
                return self._request_tracked(method, str_or_url, kwargs)  # type: ignore[arg-type]
            return self._request_with(method, str_or_url, kwargs)  # type: ignore[arg-type]
        return send(self, self._policy, method, str_or_url, kwargs)  # type: ignore[arg-type]

    async def _request_with(self, method: str, str_or_url: StrOrURL, arguments: dict[str, Any]) -> ClientResponse:
        """Make a request that needs more than the settings of the session."""
        policy = self._policy
        context = arguments.pop("trace_request_ctx", None)
        if not OLD_TLS_ARGUMENTS.isdisjoint(arguments):
            old = {name: arguments.pop(name) for name in OLD_TLS_ARGUMENTS & arguments.keys()}
            arguments["ssl"] = merge_tls(arguments.get("ssl"), **old)
        settings = split(arguments)
        if settings:
            policy = policy.override(settings, check_settings)
        if self._trace_configs:
            return await self._traced(policy, method, str_or_url, arguments, context)
        return await send(self, policy, method, str_or_url, arguments)

    async def _request_tracked(self, method: str, str_or_url: StrOrURL, arguments: dict[str, Any]) -> ClientResponse:
        """Makes a request whose body is watched."""
        tracker: UploadTracker | None = OF_CALL["upload_tracker"].check_for_call(arguments["upload_tracker"])
        if tracker is None:
            del arguments["upload_tracker"]
            return await self._request_with(method, str_or_url, arguments)
        tracker._bind()
        try:
            return await self._request_with(method, str_or_url, arguments)
        finally:
            tracker._finish()

    async def _traced(
        self, policy: Policy, method: str, url: StrOrURL, call: dict[str, Any], context: object
    ) -> ClientResponse:
        """Sends a request that somebody is told of."""
        traces = [Trace.begin(self, config, context) for config in self._trace_configs]
        asked = self._builder.absolute(url, call.get("params"))
        headers = CIMultiDict(merge_fields(self._default_headers.items(), collect_fields(call.get("headers")).items()))
        for trace in traces:
            await trace.send_request_start(method.upper(), asked, headers)
        call = call | {"headers": headers}  # who was told may have changed them
        try:
            response = await send(self, policy, method, url, call, traces)
        except BaseException as error:
            for trace in traces:
                await trace.send_request_exception(method.upper(), asked, headers, error)
            raise
        for trace in traces:
            await trace.send_request_end(method.upper(), asked, headers, response)
        return response

    # The end.

    async def close(self) -> None:
        """Close the session, and its connector if it owns it. Return when all sockets are closed."""
        connector = self._connector
        if connector is not None:
            self._connector = None
            if self._connector_owner:
                await connector.close()

    def detach(self) -> None:
        """Close the session and leave the connector open, even if the session owns it."""
        self._connector = None

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
        return self._requote_redirect_url

    @requote_redirect_url.setter
    def requote_redirect_url(self, value: bool) -> None:
        warnings.warn("session.requote_redirect_url modification is deprecated", DeprecationWarning, stacklevel=2)
        self._requote_redirect_url = OF_SESSION["requote_redirect_url"].check("requote_redirect_url", value)

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
        return self._trust_env

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
