"""How a request is carried out, as opposed to what is sent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from typing import Any, Final, Self, TypeAlias

from yarl import URL

from gazelle._impl import ExchangeSettings
from gazelle.net.stream import StreamOpener, TracedStreamReader
from gazelle.net.tls import TlsPolicy, check_policy
from gazelle.timeouts import ClientTimeout

DEFAULT_MAX_LINE_SIZE: Final = 8190
DEFAULT_MAX_FIELD_SIZE: Final = 8190
DEFAULT_MAX_HEADERS: Final = 128
_MAX_LIMIT: Final = 2**40  # of bytes or fields, and still a small number to the engine
_MAX_OVERRIDES: Final = 64
_OF_PROXIES: Final = frozenset({"proxy", "proxy_auth", "proxy_headers"})

RaiseForStatus: TypeAlias = bool | Callable[[Any], Awaitable[None]]
"""What `raise_for_status=` takes: whether a status of 400 or more raises, or a coroutine function that looks."""

CharsetResolver: TypeAlias = Callable[[Any, bytes], str]
"""What `fallback_charset_resolver=` takes: it is given the response and its body, and returns an encoding."""


class Policy:
    """Settings of an exchange: those of the session, or those of one call put over them.

    Args:
        timeout: the time limits.
        raise_for_status: whether a status of 400 or more is an error, or a coroutine function that decides.
        allow_redirects: whether redirects are followed.
        max_redirects: at how many redirects it is an error; 0 for no limit.
        middlewares: who is given each request before it is sent, the first one first.
        retry: whether an idempotent request is sent again when a kept-alive connection turns out to be dead.
        read_bufsize: size of the read buffer of body streams, in bytes.
        auto_decompress: whether content codings are taken off.
        read_until_eof: whether a body without a length goes on until the connection ends, instead of being empty.
        ssl: the TLS checks.
        server_hostname: the name to check a certificate against, and to send in SNI, instead of that in the URL.
        max_line_size: longest status line of a response, in bytes.
        max_field_size: longest header field of a response, name and value, in bytes.
        max_headers: most header fields of a response.
        error_body_size: bytes of the body that an error about a status keeps.
        charset_resolver: what is asked for the encoding of a body that does not declare one, see `ClientSession`.
    """

    __slots__ = (
        "_overrides",
        "allow_redirects",
        "auto_decompress",
        "charset_resolver",
        "error_body_size",
        "max_field_size",
        "max_headers",
        "max_line_size",
        "max_redirects",
        "middlewares",
        "open_stream",
        "open_traced_stream",
        "raise_for_status",
        "read_bufsize",
        "read_until_eof",
        "retry",
        "server_hostname",
        "settings",
        "ssl",
        "timeout",
        "total",
        "traced_settings",
        "uses_default_tls",
    )

    KEYS: Final = frozenset(
        {
            "allow_redirects",
            "auto_decompress",
            "error_body_size",
            "max_field_size",
            "max_headers",
            "max_line_size",
            "max_redirects",
            "middlewares",
            "raise_for_status",
            "read_bufsize",
            "read_until_eof",
            "retry",
            "server_hostname",
            "ssl",
            "timeout",
        }
    )

    def __init__(
        self,
        *,
        timeout: ClientTimeout,
        raise_for_status: RaiseForStatus,
        read_bufsize: int,
        auto_decompress: bool,
        retry: bool,
        allow_redirects: bool = True,
        max_redirects: int = 10,
        middlewares: Sequence[Any] = (),
        read_until_eof: bool = True,
        ssl: TlsPolicy = True,
        server_hostname: str | None = None,
        max_line_size: int = DEFAULT_MAX_LINE_SIZE,
        max_field_size: int = DEFAULT_MAX_FIELD_SIZE,
        max_headers: int = DEFAULT_MAX_HEADERS,
        error_body_size: int = 0,
        charset_resolver: CharsetResolver | None = None,
    ) -> None:
        # Policies of calls that pass the same arguments: most programs have a few combinations.
        self._overrides: dict[tuple[tuple[str, type, Any], ...], Self] = {}
        self.timeout = timeout
        self.total = float(timeout.total or 0)
        self.raise_for_status = raise_for_status
        self.retry = retry
        self.allow_redirects = allow_redirects
        self.max_redirects = max_redirects
        self.middlewares = tuple(middlewares)
        self.read_bufsize = read_bufsize
        self.auto_decompress = auto_decompress
        self.open_stream = StreamOpener(read_bufsize, auto_decompress)
        self.open_traced_stream = StreamOpener(read_bufsize, auto_decompress, TracedStreamReader)
        self.read_until_eof = read_until_eof
        sock_read = float(timeout.sock_read or 0)
        self.max_line_size = _check_limit("max_line_size", max_line_size)
        self.max_field_size = _check_limit("max_field_size", max_field_size)
        self.max_headers = _check_limit("max_headers", max_headers)
        self.error_body_size = _check_limit("error_body_size", error_body_size)
        limits = (max_line_size, max_field_size, max_headers)
        self.settings = ExchangeSettings(self.open_stream, self.total, sock_read, read_until_eof, limits)
        self.traced_settings = ExchangeSettings(self.open_traced_stream, self.total, sock_read, read_until_eof, limits)
        self.ssl = ssl
        self.server_hostname = server_hostname
        self.charset_resolver = charset_resolver
        # Only then do scheme, host and port say whom a request may be sent to.
        self.uses_default_tls = ssl is True and server_hostname is None

    def override(self, arguments: Mapping[str, Any]) -> Self:
        """Returns this policy with the arguments of a call put over it; those that are None change nothing.

        Raises:
            TypeError: an argument has a type it must not have.
            ValueError: an argument has a value it must not have.
            NotImplementedError: an argument names a proxy.
        """
        if not _OF_PROXIES.isdisjoint(arguments):
            for name in _OF_PROXIES & arguments.keys():
                refuse_proxy(name, arguments[name])
            arguments = {name: value for name, value in arguments.items() if name not in _OF_PROXIES}
            if not arguments:
                return self
        # With their types: False and 0, or True and 1, are equal, and mean different things here or are refused.
        key = tuple((name, type(value), value) for name, value in arguments.items())
        try:
            known = self._overrides.get(key)
        except TypeError:  # something that has no hash: an error, that is told below, or nothing to remember
            key, known = (), None
        if known is not None:
            return known
        values = {name: getattr(self, name) for name in self.KEYS}
        for name, value in arguments.items():
            if name not in self.KEYS:
                raise TypeError(f"request() got an unexpected keyword argument {name!r}")
            if name == "timeout":
                values[name] = check_timeout(value)
            elif value is not None:
                values[name] = value
        values["ssl"] = check_policy(values["ssl"])
        check_read_bufsize(values["read_bufsize"])
        policy = type(self)(**values, charset_resolver=self.charset_resolver)
        if key:
            if len(self._overrides) >= _MAX_OVERRIDES:
                self._overrides.clear()
            self._overrides[key] = policy
        return policy


def check_timeout(timeout: object) -> ClientTimeout:
    """Returns the `timeout` of a call: a number is the total in seconds, None is no limit at all.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(timeout, ClientTimeout):
        return timeout
    if timeout is None or (isinstance(timeout, int | float) and not isinstance(timeout, bool)):
        return ClientTimeout(total=timeout)
    raise TypeError(f"timeout should be a ClientTimeout, a number of seconds or None, got {timeout!r}")


async def raise_for_status(check: "Callable[[Any], object]", response: Any) -> None:
    """Call the caller's function for a response; what it returns is awaited if it can be."""
    result = check(response)
    if isawaitable(result):
        await result


def refuse_proxy(name: str, value: object) -> None:
    """Refuses what is passed for a proxy, unless it says that there is none.

    To connect to the server itself instead would tell it, and who is listening, what they were not to know.

    Args:
        name: the parameter.
        value: what it was given; it may hold credentials, so the error tells no more of it than a host.

    Raises:
        NotImplementedError: it says anything else than that there is no proxy.
    """
    if value is None or (name == "proxy_headers" and not value):
        return
    host = _host_to_show(value) if name == "proxy" else None
    proxy = "a proxy" if host is None else f"the proxy {host}"
    raise NotImplementedError(
        f"{name} is for {proxy}, and proxies are not supported yet: nothing was sent. "
        f"Pass {name}=None, or leave it out, to connect to the server itself"
    )


def _host_to_show(proxy: object) -> str | None:
    """Returns the host of a proxy, None if it might be something else, such as the start of a password with a slash."""
    try:
        url = URL(proxy) if isinstance(proxy, str | URL) else URL()
        return None if "@" in f"{url.raw_path_qs}{url.raw_fragment}" else url.host
    except ValueError:
        return None


def check_read_bufsize(size: object) -> int:
    """Returns a read buffer size.

    Raises:
        ValueError: it is not a positive int, or too large.
    """
    return _check_limit("read_bufsize", size, 1)


def _check_limit(name: str, limit: object, least: int = 0) -> int:
    if not isinstance(limit, int) or isinstance(limit, bool) or not least <= limit <= _MAX_LIMIT:
        wanted = "positive number" if least else "number that is not negative"
        raise ValueError(f"{name} should be a {wanted} and at most 2**40, got {limit!r}")
    return limit
