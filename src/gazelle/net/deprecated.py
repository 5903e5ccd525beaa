"""Deprecated arguments, translated to the current ones with a DeprecationWarning."""

import ssl as ssl_module
import warnings
from typing import Any

from gazelle.checks import check_flag, refuse
from gazelle.timeouts import DEFAULT_TIMEOUT, ClientTimeout
from gazelle.types import Sentinel, sentinel

from .tls import Fingerprint, TlsPolicy, check_policy

OLD_TLS_ARGUMENTS = frozenset({"verify_ssl", "ssl_context", "fingerprint"})


def warn_of(name: str, instead: str, stacklevel: int = 4) -> None:
    """Warn that argument `name` is deprecated in favour of `instead`."""
    warnings.warn(f"{name} is deprecated, use {instead} instead", DeprecationWarning, stacklevel=stacklevel)


def check_ssl_context(name: str, value: Any) -> ssl_module.SSLContext:
    """Check an `ssl.SSLContext`."""
    return value if isinstance(value, ssl_module.SSLContext) else refuse(name, "an ssl.SSLContext", value)


def check_fingerprint(name: str, value: Any) -> Fingerprint:
    """Check the SHA-256 digest of a certificate, and return it as a `Fingerprint`."""
    if not isinstance(value, bytes | bytearray | memoryview):
        refuse(name, "the 32 bytes of a SHA-256 digest", value)
    try:
        return Fingerprint(bytes(value))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def merge_tls(
    ssl: TlsPolicy | None,
    verify_ssl: bool | None = None,
    ssl_context: ssl_module.SSLContext | None = None,
    fingerprint: bytes | None = None,
) -> TlsPolicy:
    """Return the TLS policy of `ssl` or of one of its deprecated alternatives.

    Raises:
        ValueError: more than one of the arguments is given, or the fingerprint is not a SHA-256 digest.
        TypeError: an argument has a wrong type.
    """
    given: list[TlsPolicy] = []
    if verify_ssl is not None:
        warn_of("verify_ssl", "ssl=False")
        if not check_flag("verify_ssl", verify_ssl):
            given.append(False)
    if ssl_context is not None:
        warn_of("ssl_context", "ssl=context")
        given.append(check_ssl_context("ssl_context", ssl_context))
    if fingerprint is not None:
        warn_of("fingerprint", "ssl=Fingerprint(digest)")
        given.append(check_fingerprint("fingerprint", fingerprint))
    if len(given) > 1 or (given and ssl is not None and ssl is not True):
        raise ValueError("verify_ssl, ssl_context, fingerprint and ssl parameters are mutually exclusive")
    return given[0] if given else check_policy(ssl)


def merge_timeouts(
    timeout: ClientTimeout | Sentinel | None, read_timeout: float | Sentinel | None, conn_timeout: float | None
) -> ClientTimeout:
    """Return the time limits of `timeout` or of its deprecated alternatives, all of which were checked.

    Raises:
        ValueError: `timeout` is combined with a deprecated alternative.
    """
    if isinstance(timeout, ClientTimeout):
        if read_timeout is not sentinel:
            raise ValueError("read_timeout and timeout parameters conflict, please setup timeout.total")
        if conn_timeout is not None:
            raise ValueError("conn_timeout and timeout parameters conflict, please setup timeout.connect")
        return timeout
    if read_timeout is sentinel and conn_timeout is None:
        return DEFAULT_TIMEOUT
    total = DEFAULT_TIMEOUT.total
    if read_timeout is not sentinel:
        warn_of("read_timeout", "timeout=ClientTimeout(total=...)")
        total = read_timeout
    if conn_timeout is not None:
        warn_of("conn_timeout", "timeout=ClientTimeout(connect=...)")
    return ClientTimeout(total=total, connect=conn_timeout, sock_connect=DEFAULT_TIMEOUT.sock_connect)
