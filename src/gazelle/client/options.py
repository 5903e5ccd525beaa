"""The options of a session and of a call: one table, and what is read off it.

`OPTIONS` holds the default and the check of every option. The signatures, the typed keyword dictionaries and the
docstrings of `ClientSession` and `gazelle.request` are written out, because an editor shows them; a test holds them
equal to the table.
"""

import asyncio
import ssl as ssl_module
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from json import dumps
from types import NoneType
from typing import Any, Final, NamedTuple, TypedDict

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle import checks
from gazelle.abc import AbstractCookieJar
from gazelle.auth import BasicAuth
from gazelle.body.compress import coding_of
from gazelle.checks import Check, check_flag, check_number, optional
from gazelle.net.connector import BaseConnector
from gazelle.net.deprecated import check_fingerprint, check_ssl_context
from gazelle.net.tls import TlsPolicy, check_policy
from gazelle.timeouts import ClientTimeout
from gazelle.tracing import TraceConfig
from gazelle.types import HttpVersion11, LooseCookies, LooseHeaders, Query, Sentinel, StrOrURL, sentinel

from .locate import check_url
from .middlewares import ClientMiddlewareType
from .policy import RaiseForStatus
from .response import ClientResponse
from .tracker import UploadTracker

DEFAULT_READ_BUFSIZE: Final = 2**18


# --- the keyword arguments of a call -----------------------------------------------------------------------------

# A signature that names a keyword must not have it in its dictionary as well: hence several of them.


class _SharedOptions(TypedDict, total=False):
    """Keyword arguments that every request method takes, see `ClientSession.request`."""

    params: Query
    json: Any
    cookies: LooseCookies | None
    headers: LooseHeaders | None
    skip_auto_headers: Iterable[str] | None
    auth: BasicAuth | None
    max_redirects: int
    compress: str | bool | None
    chunked: bool | None
    expect100: bool
    raise_for_status: RaiseForStatus | None
    read_until_eof: bool
    proxy: StrOrURL | None
    proxy_auth: BasicAuth | None
    proxy_headers: LooseHeaders | None
    timeout: ClientTimeout | float | Sentinel | None
    ssl: TlsPolicy | None
    server_hostname: str | None
    verify_ssl: bool | None
    ssl_context: ssl_module.SSLContext | None
    fingerprint: bytes | None
    read_bufsize: int | None
    auto_decompress: bool | None
    retry: bool | None
    max_line_size: int | None
    max_field_size: int | None
    max_headers: int | None
    error_body_size: int | None
    middlewares: Sequence[ClientMiddlewareType] | None
    trace_request_ctx: object
    upload_tracker: UploadTracker | None


class FetchOptions(_SharedOptions, total=False):
    """Keyword arguments of the methods that name `allow_redirects` in their signature."""

    data: object


class SendOptions(_SharedOptions, total=False):
    """Keyword arguments of the methods that name `data` in their signature."""

    allow_redirects: bool


class RequestOptions(FetchOptions, SendOptions, total=False):
    """Keyword arguments of a request, see `ClientSession.request`."""


# --- the table ---------------------------------------------------------------------------------------------------


class Kind(Enum):
    """What an option says about a call."""

    CONTENT = "what is sent"
    SETTING = "how it is sent and received: the policy"
    NEITHER = "who watches"


class Absent(Enum):
    """Default of an option in a place where it cannot be passed."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class Option(NamedTuple):
    """An option of a session, of a call or of both.

    Args:
        name: name of the parameter.
        kind: what it says about a call; of an option of a session alone, about every call.
        check: check of its value.
        session: default for a session, ABSENT if a session does not take it.
        call: default for a call, ABSENT if a call does not take it. Of an option of both, the default stands for what
            the session says.
        check_call: check of its value for a call, if that is another one.
    """

    name: str
    kind: Kind
    check: Check
    session: object = ABSENT
    call: object = ABSENT
    check_call: Check | None = None

    def check_for_call(self, value: Any) -> Any:
        """Return the value for a call, or raise TypeError or ValueError."""
        return (self.check_call or self.check)(self.name, value)


def refuse_proxy(name: str, value: object) -> None:
    """Refuse a proxy: connecting to the server itself instead would disclose the client to it.

    Args:
        name: the parameter.
        value: its value, which may hold credentials: the error shows a host at most.

    Raises:
        NotImplementedError: the value is not None, and not an empty mapping of header fields.
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
    """Return the host of a proxy, None if it may be something else, such as the start of a password with a slash."""
    try:
        url = URL(proxy) if isinstance(proxy, str | URL) else URL()
        return None if "@" in f"{url.raw_path_qs}{url.raw_fragment}" else url.host
    except ValueError:
        return None


def _check_base_url(name: str, value: Any) -> URL | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            check_url(value)
        except ValueError as error:
            raise ValueError(f"{name} is no URL: {error}") from None
    elif not isinstance(value, URL):
        checks.refuse(name, "a str or a URL", value)
    url = URL(value)
    if not url.absolute:
        raise ValueError(f"{name} should be absolute, got {value!r}")
    if not url.path.endswith("/"):
        raise ValueError(f"The path of {name} should end in '/', got {value!r}")
    return url


def _check_compress(name: str, value: Any) -> str | None:
    flag = checks.as_flag(value)
    if not isinstance(value, str) and flag is None:
        checks.refuse(name, "the name of a content coding, True or False", value)
    try:
        return coding_of(value if flag is None else flag)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _check_timeout(name: str, value: object) -> Any:
    """Check the time limits of a session. A ValueError for another type, as aiohttp has it."""
    if value is None or value is sentinel or isinstance(value, ClientTimeout):
        return value
    raise ValueError(f"{name} of a session should be a ClientTimeout, got {value!r}")


def _check_timeout_of_call(name: str, value: Any) -> ClientTimeout:
    """Check the time limits of a call: a number is the total in seconds, None is no limit at all."""
    if isinstance(value, ClientTimeout):
        return value
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        checks.refuse(name, "a ClientTimeout, a number of seconds or None", value)
    return ClientTimeout(total=value)


def _check_read_timeout(name: str, value: Any) -> Any:
    return value if value is None or value is sentinel else checks.check_seconds(name, value)


def _check_ssl(name: str, value: object) -> TlsPolicy:
    return check_policy(value)


_check_limit: Final = check_number(0)
_check_bufsize: Final = check_number(1)
_check_middlewares: Final = checks.check_several("coroutine functions", checks.check_callable)
_check_traces: Final = checks.check_several("TraceConfig", checks.check_object(TraceConfig, "freeze"))
_check_jar: Final = checks.check_object(AbstractCookieJar, "update_cookies", "filter_cookies")
_check_connector: Final = checks.check_object(BaseConnector, "connect", "close", "closed")


def _no_items(check: Check) -> Check:
    """Return a check for which None is an empty iterable."""
    return lambda name, value: () if value is None else check(name, value)


_CONTENT, _SETTING, _NEITHER = Kind
_Any: Final = checks.accept_anything

OPTIONS: Final = (
    # What is sent. Those with `accept_anything` are checked where URL and body are built.
    Option("base_url", _CONTENT, _check_base_url, session=None),
    Option("params", _CONTENT, _Any, call=None),
    Option("data", _CONTENT, _Any, call=None),
    Option("json", _CONTENT, _Any, call=None),
    Option("json_serialize", _CONTENT, checks.check_callable, session=dumps),
    Option("json_serialize_bytes", _CONTENT, optional(checks.check_callable), session=None),
    Option("headers", _CONTENT, optional(checks.check_pairs), session=None, call=None),
    Option("skip_auto_headers", _CONTENT, checks.check_names, session=None, call=None),
    Option("cookies", _CONTENT, optional(checks.check_pairs), session=None, call=None),
    Option("cookie_jar", _CONTENT, optional(_check_jar), session=None),
    Option("auth", _CONTENT, optional(checks.check_auth), session=None, call=None),
    Option("version", _CONTENT, checks.check_version, session=HttpVersion11),
    Option("compress", _CONTENT, optional(_check_compress), call=None),
    Option("chunked", _CONTENT, optional(checks.check_chunked), call=None),
    Option("expect100", _CONTENT, checks.check_flag_off, call=False),
    # How it is sent and received.
    Option("timeout", _SETTING, _check_timeout, session=sentinel, call=sentinel, check_call=_check_timeout_of_call),
    Option("raise_for_status", _SETTING, checks.check_flag_or_callable, session=False, call=None),
    Option("error_body_size", _SETTING, _check_limit, session=0, call=None),
    Option("allow_redirects", _SETTING, check_flag, call=True),
    Option("max_redirects", _SETTING, _check_limit, call=10),
    Option("retry", _SETTING, check_flag, session=True, call=None),
    Option("middlewares", _SETTING, _no_items(_check_middlewares), session=(), call=None),
    Option("read_until_eof", _SETTING, check_flag, call=True),
    Option("read_bufsize", _SETTING, _check_bufsize, session=DEFAULT_READ_BUFSIZE, call=None),
    Option("auto_decompress", _SETTING, check_flag, session=True, call=None),
    Option("max_line_size", _SETTING, _check_limit, session=8190, call=None),
    Option("max_field_size", _SETTING, _check_limit, session=8190, call=None),
    Option("max_headers", _SETTING, _check_limit, session=128, call=None),
    Option("ssl", _SETTING, _check_ssl, call=True),
    Option("server_hostname", _SETTING, optional(checks.check_server_name), call=None),
    Option("proxy", _SETTING, refuse_proxy, session=None, call=None),
    Option("proxy_auth", _SETTING, refuse_proxy, session=None, call=None),
    Option("proxy_headers", _SETTING, refuse_proxy, call=None),
    # Old spellings, see `gazelle.net.deprecated`.
    Option("read_timeout", _SETTING, _check_read_timeout, session=sentinel),
    Option("conn_timeout", _SETTING, optional(checks.check_seconds), session=None),
    Option("verify_ssl", _SETTING, optional(check_flag), call=None),
    Option("ssl_context", _SETTING, optional(check_ssl_context), call=None),
    Option("fingerprint", _SETTING, optional(check_fingerprint), call=None),
    # What a session is made of.
    Option("connector", _SETTING, optional(_check_connector), session=None),
    Option("connector_owner", _SETTING, check_flag, session=True),
    Option("loop", _SETTING, optional(checks.check_object(asyncio.AbstractEventLoop)), session=None),
    Option("requote_redirect_url", _SETTING, check_flag, session=True),
    Option("trust_env", _SETTING, checks.check_flag_off, session=False),
    Option("response_class", _SETTING, checks.check_class(ClientResponse), session=ClientResponse),
    Option("fallback_charset_resolver", _SETTING, optional(checks.check_callable), session=None),
    # Who watches.
    Option("trace_configs", _NEITHER, _no_items(_check_traces), session=None),
    Option("trace_request_ctx", _NEITHER, _Any, call=None),
    Option("upload_tracker", _NEITHER, optional(checks.check_object(UploadTracker)), call=None),
)

OF_SESSION: Final = {option.name: option for option in OPTIONS if option.session is not ABSENT}
OF_CALL: Final = {option.name: option for option in OPTIONS if option.call is not ABSENT}


# --- reading the arguments ---------------------------------------------------------------------------------------

PLAIN: Final = frozenset({"auth", "data", "json", "params"})
"""Arguments of a call that go to the request builder as they are, whatever their values."""

# These are read for netrc, for the request and for each redirect: they must not be iterators.
_READ_AGAIN: Final = ("headers", "cookies", "skip_auto_headers")
_PLAIN_OR_READ_AGAIN: Final = PLAIN.union(_READ_AGAIN)
_PLAIN_TYPES: Final = frozenset({NoneType, dict, CIMultiDict, CIMultiDictProxy})

CALL_DEFAULTS: Final = {
    option.name: option.call for option in OF_CALL.values() if option.kind is _SETTING and option.session is ABSENT
}
"""Settings that only calls take: with their defaults, a session makes its policy."""


def check_session(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked options of a session, by name.

    Args:
        arguments: all of them; other names are ignored.

    Raises:
        TypeError: an argument has a type that the option does not take.
        ValueError: an argument has a value that the option does not take.
        NotImplementedError: an argument is for a proxy.
    """
    return {name: option.check(name, arguments[name]) for name, option in OF_SESSION.items()}


def is_plain(arguments: Mapping[str, Any]) -> bool:
    """Return whether the arguments of a call can go to the request builder unchecked and without the settings."""
    if not _PLAIN_OR_READ_AGAIN.issuperset(arguments):
        return False
    return _PLAIN_TYPES.issuperset(map(type, map(arguments.get, _READ_AGAIN)))


def split(arguments: dict[str, Any]) -> dict[str, Any]:
    """Take the settings out of the arguments of a call and return them; check what stays.

    The settings are not checked yet: `Policy.override` does that for those that it has not seen before. Arguments that
    leave a setting as the session has it are dropped.

    Raises:
        TypeError: a name is unknown, or an argument that stays has a type that the option does not take.
        ValueError: an argument that stays has a value that the option does not take.
    """
    settings: dict[str, Any] = {}
    for name in [name for name in arguments if name not in PLAIN]:
        option = OF_CALL.get(name)
        if option is None:
            raise TypeError(f"ClientSession.request() got an unexpected keyword argument {name!r}")
        value = arguments[name]
        as_default = value is option.call
        if option.kind is _SETTING:
            del arguments[name]
            if not as_default:
                settings[name] = value
        elif not as_default:
            arguments[name] = option.check_for_call(value)
    return settings


def check_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked settings of a call, without those that leave it to the session.

    Raises:
        TypeError: a setting has a type that the option does not take.
        ValueError: a setting has a value that the option does not take.
        NotImplementedError: a setting is for a proxy.
    """
    checked = {name: OF_CALL[name].check_for_call(value) for name, value in settings.items()}
    return {name: value for name, value in checked.items() if value is not None}
