"""Old spellings of arguments: they are translated here, with a DeprecationWarning, and unknown everywhere else."""

import ssl as ssl_module
import warnings

from gazelle.timeouts import DEFAULT_TIMEOUT, ClientTimeout
from gazelle.types import Sentinel, sentinel

from .tls import Fingerprint, TlsPolicy, check_policy

OLD_TLS_ARGUMENTS = frozenset({"verify_ssl", "ssl_context", "fingerprint"})


def warn_of(name: str, instead: str, stacklevel: int = 4) -> None:
    """Warns that an argument is deprecated."""
    warnings.warn(f"{name} is deprecated, use {instead} instead", DeprecationWarning, stacklevel=stacklevel)


def merge_tls(
    ssl: TlsPolicy | None,
    verify_ssl: bool | None = None,
    ssl_context: ssl_module.SSLContext | None = None,
    fingerprint: bytes | None = None,
) -> TlsPolicy:
    """Returns the TLS checks that `ssl` or one of its old spellings asks for.

    Raises:
        ValueError: more than one of them is given.
        TypeError: one of them has a type it must not have.
    """
    given = [name for name, value in (("ssl_context", ssl_context), ("fingerprint", fingerprint)) if value is not None]
    if verify_ssl is not None:
        warn_of("verify_ssl", "ssl=False")
        if not verify_ssl:
            given.append("verify_ssl")
    if ssl_context is not None:
        warn_of("ssl_context", "ssl=context")
    if fingerprint is not None:
        warn_of("fingerprint", "ssl=Fingerprint(digest)")
    if len(given) > 1 or (given and ssl is not None and ssl is not True):
        raise ValueError("verify_ssl, ssl_context, fingerprint and ssl parameters are mutually exclusive")
    if not given:
        return check_policy(ssl)
    if ssl_context is not None:
        if not isinstance(ssl_context, ssl_module.SSLContext):
            raise TypeError(f"ssl_context should be an SSLContext, got {ssl_context!r}")
        return ssl_context
    return False if fingerprint is None else Fingerprint(fingerprint)


def merge_timeouts(
    timeout: ClientTimeout | Sentinel | None, read_timeout: float | Sentinel | None, conn_timeout: float | None
) -> ClientTimeout:
    """Returns the time limits that `timeout` or its old spellings ask for.

    Raises:
        ValueError: `timeout` is combined with an old spelling, or is no `ClientTimeout`.
    """
    if timeout is not sentinel and timeout is not None:
        if not isinstance(timeout, ClientTimeout):
            raise ValueError(f"timeout parameter should be a ClientTimeout, got {timeout!r}")
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
