"""Exit codes of the command line, and the client's errors in words."""

import os
import ssl
from enum import IntEnum
from typing import NamedTuple

from gazelle import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ClientSSLError,
    InvalidURL,
    NonHttpUrlClientError,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
)

from .terminal import printable


class ExitCode(IntEnum):
    """How `gazelle` ends; the numbers of curl where it has one for the same thing and the number was free."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONNECT = 3
    TLS = 4
    TIMEOUT = 5
    PROTOCOL = 6
    HTTP_STATUS = 22
    OUTPUT = 23
    INTERRUPTED = 130


class Failure(NamedTuple):
    """A request that failed: a few words for counting, one line for people, and the exit code."""

    kind: str
    sentence: str
    code: ExitCode


def describe(error: Exception, host: str) -> Failure:
    """Put an error of a request to `host` (with its port, if that matters) into words."""
    match error:
        case ClientConnectorDNSError():
            return Failure(
                "host name not found", f"cannot resolve host {error.host}: {_reason(error.os_error)}", ExitCode.CONNECT
            )
        case ClientConnectorCertificateError():
            return Failure(
                "certificate not trusted",
                f"the certificate of {host} is not trusted: {_verdict(error.certificate_error)}",
                ExitCode.TLS,
            )
        case ServerFingerprintMismatch():
            return Failure("certificate not trusted", str(error), ExitCode.TLS)
        case ClientSSLError():
            return Failure(
                "TLS handshake failed", f"the TLS handshake with {host} failed: {_reason(error.os_error)}", ExitCode.TLS
            )
        case ssl.SSLError():
            return Failure("TLS error", f"TLS with {host} failed: {_reason(error)}", ExitCode.TLS)
        case TimeoutError():
            return Failure("timeout", f"{host} did not answer in time{_detail(error)}", ExitCode.TIMEOUT)
        case ClientConnectorError():
            reason = _reason(error.os_error)
            return Failure(f"cannot connect: {reason}", f"cannot connect to {host}: {reason}", ExitCode.CONNECT)
        case ServerDisconnectedError():
            return Failure(
                "closed before the response",
                f"{host} closed the connection before its response was complete",
                ExitCode.PROTOCOL,
            )
        case ClientPayloadError():
            return Failure(
                "damaged body",
                f"the response body of {host} is incomplete or damaged{_detail(error)}",
                ExitCode.PROTOCOL,
            )
        case ClientResponseError():
            message = _one_line(error.message) or type(error).__name__
            return Failure(
                "malformed response", f"the response of {host} is not acceptable: {message}", ExitCode.PROTOCOL
            )
        case ClientOSError():
            reason = _reason(error)
            return Failure(
                f"connection lost: {reason}", f"the connection to {host} was lost: {reason}", ExitCode.PROTOCOL
            )
        case InvalidURL() | NonHttpUrlClientError():
            return Failure("bad URL", f"not a URL that can be requested: {_one_line(str(error))}", ExitCode.USAGE)
        case ValueError():
            return Failure("request cannot be sent", f"the request cannot be sent{_detail(error)}", ExitCode.USAGE)
        case ClientError():
            return Failure(type(error).__name__, f"{host}: {_one_line(str(error) or repr(error))}", ExitCode.PROTOCOL)
        case _:
            return Failure(
                type(error).__name__,
                f"unexpected {type(error).__name__}: {_one_line(str(error))} (GAZELLE_DEBUG=1 shows where)",
                ExitCode.FAILED,
            )


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or error.strerror or str(error)).replace("_", " ").lower()
    if error.errno is not None and error.errno > 0:
        # asyncio writes the address into the text of the error; the plain words are enough beside our own.
        return os.strerror(error.errno)
    return _one_line(error.strerror or str(error) or type(error).__name__)


def _verdict(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else _one_line(str(error))


def _detail(error: Exception) -> str:
    text = _one_line(str(error))
    return f": {text}" if text else ""


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
