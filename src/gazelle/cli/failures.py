"""Exit codes of the command line, and messages for the errors of requests."""

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
    """Exit codes of `gazelle`; 22 and 23 are those of curl, 130 is the shell's for Ctrl-C."""

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
    """A request that failed: its `kind` to count errors by, a `sentence` for the user, and the exit `code`."""

    kind: str
    sentence: str
    code: ExitCode


def describe(error: Exception, host: str) -> Failure:
    """Return the words and the exit code for an error of a request.

    Args:
        error: the exception that the request raised.
        host: host for the messages, with its port unless that is the default of the scheme.
    """
    return _of_connecting(error, host) or _of_exchange(error, host) or _of_request(error, host)


def _of_connecting(error: Exception, host: str) -> Failure | None:
    match error:
        case ClientConnectorDNSError():
            sentence = f"cannot resolve host {error.host}: {_reason(error.os_error)}"
            return Failure("host name not found", sentence, ExitCode.CONNECT)
        case ClientConnectorCertificateError():
            sentence = f"the certificate of {host} is not trusted: {_verdict(error.certificate_error)}"
            return Failure("certificate not trusted", sentence, ExitCode.TLS)
        case ServerFingerprintMismatch():
            return Failure("certificate not trusted", str(error), ExitCode.TLS)
        case ClientSSLError():
            sentence = f"the TLS handshake with {host} failed: {_reason(error.os_error)}"
            return Failure("TLS handshake failed", sentence, ExitCode.TLS)
        case ssl.SSLError():
            return Failure("TLS error", f"TLS with {host} failed: {_reason(error)}", ExitCode.TLS)
        case ClientConnectorError():
            reason = _reason(error.os_error)
            return Failure(f"cannot connect: {reason}", f"cannot connect to {host}: {reason}", ExitCode.CONNECT)
    return None


def _of_exchange(error: Exception, host: str) -> Failure | None:
    match error:
        case TimeoutError():
            return Failure("timeout", f"{host} did not answer in time{_detail(error)}", ExitCode.TIMEOUT)
        case ServerDisconnectedError():
            sentence = f"{host} closed the connection before its response was complete"
            return Failure("closed before the response", sentence, ExitCode.PROTOCOL)
        case ClientPayloadError():
            sentence = f"the response body of {host} is incomplete or damaged{_detail(error)}"
            return Failure("damaged body", sentence, ExitCode.PROTOCOL)
        case ClientResponseError():
            message = _one_line(error.message) or type(error).__name__
            sentence = f"the response of {host} is not acceptable: {message}"
            return Failure("malformed response", sentence, ExitCode.PROTOCOL)
        case ClientOSError():
            reason = _reason(error)
            sentence = f"the connection to {host} was lost: {reason}"
            return Failure(f"connection lost: {reason}", sentence, ExitCode.PROTOCOL)
    return None


def _of_request(error: Exception, host: str) -> Failure:
    match error:
        case InvalidURL() | NonHttpUrlClientError():
            return Failure("bad URL", f"not a URL that can be requested: {_one_line(str(error))}", ExitCode.USAGE)
        case ValueError():
            return Failure("request cannot be sent", f"the request cannot be sent{_detail(error)}", ExitCode.USAGE)
        case ClientError():
            return Failure(type(error).__name__, f"{host}: {_one_line(str(error) or repr(error))}", ExitCode.PROTOCOL)
        case _:
            name = type(error).__name__
            sentence = f"unexpected {name}: {_one_line(str(error))} (GAZELLE_DEBUG=1 shows where)"
            return Failure(name, sentence, ExitCode.FAILED)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or error.strerror or str(error)).replace("_", " ").lower()
    if error.errno is not None and error.errno > 0:
        # asyncio puts the address into the text of the error, and the sentence names the host already.
        return os.strerror(error.errno)
    return _one_line(error.strerror or str(error) or type(error).__name__)


def _verdict(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else _one_line(str(error))


def _detail(error: Exception) -> str:
    text = _one_line(str(error))
    return f": {text}" if text else ""


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
