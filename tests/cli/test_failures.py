"""Messages and exit codes for the errors of requests."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest
from yarl import URL

import gazelle
from gazelle.cli.failures import ExitCode, describe
from tests.errors.samples import INFO, REFUSED, Key, certificate_error

HANDSHAKE = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
HANDSHAKE.reason = "WRONG_VERSION_NUMBER"

FAILURES = [
    (
        gazelle.ClientConnectorDNSError(Key(host="nowhere"), socket.gaierror(-2, "Name or service not known")),
        ("host name not found", "cannot resolve host nowhere: Name or service not known", ExitCode.CONNECT),
    ),
    (
        gazelle.ClientConnectorCertificateError(Key(), certificate_error()),
        (
            "certificate not trusted",
            "the certificate of h:443 is not trusted: self-signed certificate",
            ExitCode.TLS,
        ),
    ),
    (
        gazelle.ServerFingerprintMismatch(b"\x01", b"\x02", "h", 443),
        ("certificate not trusted", "Fingerprint of the certificate of h:443 is 02, expected 01", ExitCode.TLS),
    ),
    (
        gazelle.ClientConnectorSSLError(Key(), HANDSHAKE),
        ("TLS handshake failed", "the TLS handshake with h:443 failed: wrong version number", ExitCode.TLS),
    ),
    (HANDSHAKE, ("TLS error", "TLS with h:443 failed: wrong version number", ExitCode.TLS)),
    (TimeoutError(), ("timeout", "h:443 did not answer in time", ExitCode.TIMEOUT)),
    (
        gazelle.ConnectionTimeoutError("no connection in 1 s"),
        ("timeout", "h:443 did not answer in time: no connection in 1 s", ExitCode.TIMEOUT),
    ),
    (
        gazelle.ClientConnectorError(Key(), REFUSED),
        ("cannot connect: Connection refused", "cannot connect to h:443: Connection refused", ExitCode.CONNECT),
    ),
    (
        gazelle.ServerDisconnectedError(),
        (
            "closed before the response",
            "h:443 closed the connection before its response was complete",
            ExitCode.PROTOCOL,
        ),
    ),
    (
        gazelle.ClientPayloadError("cut\nshort"),
        ("damaged body", "the response body of h:443 is incomplete or damaged: cut short", ExitCode.PROTOCOL),
    ),
    (
        gazelle.ClientResponseError(INFO, (), status=400, message="bad\x1b[2J"),
        ("malformed response", "the response of h:443 is not acceptable: bad\\x1b[2J", ExitCode.PROTOCOL),
    ),
    (
        gazelle.TooManyRedirects(INFO, ()),
        ("malformed response", "the response of h:443 is not acceptable: TooManyRedirects", ExitCode.PROTOCOL),
    ),
    (
        gazelle.ClientOSError(errno.ECONNRESET, "whatever asyncio says"),
        (
            "connection lost: Connection reset by peer",
            "the connection to h:443 was lost: Connection reset by peer",
            ExitCode.PROTOCOL,
        ),
    ),
    (
        gazelle.InvalidURL("http://[", "no host"),
        ("bad URL", "not a URL that can be requested: http://[ - no host", ExitCode.USAGE),
    ),
    (
        gazelle.NonHttpUrlClientError(URL("ftp://x")),
        ("bad URL", "not a URL that can be requested: ftp://x", ExitCode.USAGE),
    ),
    (ValueError(), ("request cannot be sent", "the request cannot be sent", ExitCode.USAGE)),
    (
        gazelle.ClientConnectionError("Connector is closed."),
        ("ClientConnectionError", "h:443: Connector is closed.", ExitCode.PROTOCOL),
    ),
    (gazelle.ClientError(), ("ClientError", "h:443: ClientError()", ExitCode.PROTOCOL)),
    (
        KeyError("x"),
        ("KeyError", "unexpected KeyError: 'x' (GAZELLE_DEBUG=1 shows where)", ExitCode.FAILED),
    ),
]


@pytest.mark.parametrize(("error", "failure"), FAILURES, ids=[type(error).__name__ for error, _ in FAILURES])
def test_an_error_has_a_kind_a_sentence_and_an_exit_code(error: Exception, failure: tuple[str, str, ExitCode]) -> None:
    assert describe(error, "h:443") == failure


@pytest.mark.parametrize(("error", "failure"), FAILURES, ids=[type(error).__name__ for error, _ in FAILURES])
def test_a_sentence_is_one_line_that_a_terminal_can_show(error: Exception, failure: tuple[str, str, ExitCode]) -> None:
    assert describe(error, "h:443").sentence.isprintable()
