"""How a request is carried out, as opposed to what is sent."""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from operator import attrgetter
from types import NoneType
from typing import Any, Final, Self, TypeAlias

from gazelle._impl import ExchangeSettings
from gazelle.net.stream_opener import StreamOpener
from gazelle.net.tls import Fingerprint, TlsPolicy
from gazelle.net.traced_stream import TracedStreamReader
from gazelle.timeouts import ClientTimeout

RaiseForStatus: TypeAlias = bool | Callable[[Any], Awaitable[None] | None]
"""What `raise_for_status=` takes: whether a status of 400 or more raises, or a function that looks at the response."""

CharsetResolver: TypeAlias = Callable[[Any, bytes], str]
"""What `fallback_charset_resolver=` takes: it is given the response and its body, and returns an encoding."""

# Overrides are remembered only if all their values are of these types: small values that are compared by what they
# hold. Anything else, such as a function or an SSLContext, belongs to the caller and must be free after the call.
_REMEMBERED_TYPES: Final = frozenset({bool, int, float, str, NoneType, ClientTimeout, Fingerprint})
_MAX_OVERRIDES: Final = 32


class Policy:
    """Settings of an exchange: those of the session, or those of one call put over them.

    Args:
        settings: all of `NAMES`, as the checks of `gazelle.client.options` return them.
        charset_resolver: see `fallback_charset_resolver` of `ClientSession`.

    Attributes:
        timeout: the time limits.
        raise_for_status: whether a status of 400 or more is an error, or a function that decides.
        allow_redirects: whether redirects are followed.
        max_redirects: at how many redirects it is an error; 0 for no limit.
        middlewares: called around each exchange, the first one first.
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
        total: total time limit in seconds, 0 for none.
        open_stream: makes the stream of a body, `open_traced_stream` that of a traced request.
        settings: the same for the engine, `traced_settings` for a traced request.
        uses_default_tls: whether certificates are checked as usual, so that scheme, host and port are the whole route.
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

    NAMES: Final = (
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
    )

    # Only a change of these makes new openers of streams, and new settings for the engine.
    _OF_STREAMS: Final = frozenset({"auto_decompress", "read_bufsize"})
    _OF_ENGINE: Final = _OF_STREAMS | {"max_field_size", "max_headers", "max_line_size", "read_until_eof", "timeout"}

    allow_redirects: bool
    auto_decompress: bool
    error_body_size: int
    max_field_size: int
    max_headers: int
    max_line_size: int
    max_redirects: int
    middlewares: tuple[Any, ...]
    raise_for_status: RaiseForStatus
    read_bufsize: int
    read_until_eof: bool
    retry: bool
    server_hostname: str | None
    ssl: TlsPolicy
    timeout: ClientTimeout

    def __init__(self, settings: Mapping[str, Any], charset_resolver: CharsetResolver | None = None) -> None:
        for name in self.NAMES:
            setattr(self, name, settings[name])
        self.charset_resolver = charset_resolver
        self._overrides: dict[tuple[object, ...], Self] = {}
        self._prepare_streams()
        self._prepare_engine()
        self._prepare_trust()

    def _prepare_streams(self) -> None:
        self.open_stream = StreamOpener(self.read_bufsize, self.auto_decompress)
        self.open_traced_stream = StreamOpener(self.read_bufsize, self.auto_decompress, TracedStreamReader)

    def _prepare_engine(self) -> None:
        self.total = float(self.timeout.total or 0)
        sock_read = float(self.timeout.sock_read or 0)
        limits = (self.max_line_size, self.max_field_size, self.max_headers)
        rest = (self.total, sock_read, self.read_until_eof, limits)
        self.settings = ExchangeSettings(self.open_stream, *rest)
        self.traced_settings = ExchangeSettings(self.open_traced_stream, *rest)

    def _prepare_trust(self) -> None:
        self.uses_default_tls = self.ssl is True and self.server_hostname is None

    def override(self, settings: Mapping[str, Any], check: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Self:
        """Return this policy with the settings of a call put over it.

        Equal settings of small values are checked once, and get the same policy each time: most programs have a few
        combinations.

        Args:
            settings: by name, not checked yet.
            check: returns the checked settings that change something, or raises.

        Raises:
            TypeError: a setting has a type that it must not have.
            ValueError: a setting has a value that it must not have.
            NotImplementedError: a setting names a proxy.
        """
        values = (*settings.values(),)
        types = [*map(type, values)]
        if not _REMEMBERED_TYPES.issuperset(types):
            return self._with(check(settings))
        # With their types: False and 0 are equal, and one may be refused where the other is not.
        key = (*settings, *types, *values)
        known = self._overrides.get(key)
        if known is None:
            known = self._with(check(settings))
            if len(self._overrides) >= _MAX_OVERRIDES:
                self._overrides.clear()
            self._overrides[key] = known
        return known

    def _with(self, changes: Mapping[str, Any]) -> Self:
        if not changes:
            return self
        made = object.__new__(type(self))
        for name, value in zip(self.__slots__, _slots_of(self), strict=True):
            setattr(made, name, value)
        for name, value in changes.items():
            setattr(made, name, value)
        made._overrides = {}
        if not self._OF_STREAMS.isdisjoint(changes):
            made._prepare_streams()
        if not self._OF_ENGINE.isdisjoint(changes):
            made._prepare_engine()
        made._prepare_trust()
        return made


_slots_of: Final = attrgetter(*Policy.__slots__)


async def look_at_status(look: Callable[[Any], Awaitable[None] | None], response: Any) -> None:
    """Call the function that was passed as `raise_for_status`, and await what it returns if that is awaitable."""
    result = look(response)
    if isawaitable(result):
        await result
