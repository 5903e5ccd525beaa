"""Errors of connections: bases, attributes, texts, and pickles where a key does not pickle."""

import asyncio
import copy
import errno
import pickle
import ssl

import pytest

from gazelle import errors

from .samples import REFUSED, Key, certificate_error


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (errors.ClientConnectionResetError, (errors.ClientConnectionError, ConnectionResetError)),
        (errors.ClientOSError, (errors.ClientConnectionError, OSError)),
        (errors.ClientConnectorError, (errors.ClientOSError,)),
        (errors.ClientConnectorDNSError, (errors.ClientConnectorError,)),
        (errors.ClientProxyConnectionError, (errors.ClientConnectorError,)),
        (errors.UnixClientConnectorError, (errors.ClientConnectorError,)),
        (errors.ClientSSLError, (errors.ClientConnectorError,)),
        (errors.ClientConnectorSSLError, (errors.ClientSSLError, ssl.SSLError)),
        (errors.ClientConnectorCertificateError, (errors.ClientSSLError, ssl.CertificateError, ValueError)),
        (errors.ServerConnectionError, (errors.ClientConnectionError,)),
        (errors.ServerDisconnectedError, (errors.ServerConnectionError,)),
        (errors.ServerTimeoutError, (errors.ServerConnectionError, asyncio.TimeoutError)),
        (errors.ConnectionTimeoutError, (errors.ServerTimeoutError,)),
        (errors.SocketTimeoutError, (errors.ServerTimeoutError,)),
        (errors.ServerFingerprintMismatch, (errors.ServerConnectionError,)),
    ],
)
def test_a_class_is_caught_by_each_of_its_bases(cls: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    for base in bases:
        assert issubclass(cls, base)


def test_a_connector_error_names_host_port_tls_and_reason() -> None:
    error = errors.ClientConnectorError(Key(), REFUSED)
    assert str(error) == "Cannot connect to host example.org:443 ssl:default [Connection refused]"
    assert (error.host, error.port, error.ssl) == ("example.org", 443, True)
    assert error.os_error is REFUSED
    assert (error.errno, error.strerror) == (errno.ECONNREFUSED, "Connection refused")
    assert error.args == (Key(), REFUSED)


def test_a_connector_error_without_tls_checks_says_so() -> None:
    assert "ssl:False" in str(errors.ClientConnectorError(Key(ssl=False), REFUSED))


def test_a_connector_error_made_from_an_error_without_strerror_still_gives_the_reason() -> None:
    assert str(errors.ClientConnectorError(Key(), OSError("Multiple exceptions"))).endswith("[Multiple exceptions]")
    assert str(errors.ClientConnectorError(Key(), TimeoutError())).endswith("[TimeoutError]")


def test_a_unix_connector_error_names_the_path() -> None:
    error = errors.UnixClientConnectorError("/run/x.sock", Key(), REFUSED)
    assert str(error) == "Cannot connect to unix socket /run/x.sock ssl:default [Connection refused]"
    assert error.path == "/run/x.sock"


def test_a_connector_error_with_a_tls_context_survives_a_pickle_and_keeps_its_text() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    error = errors.ClientConnectorError(Key(ssl=context), REFUSED)
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert str(again) == str(error)
        assert (again.host, again.port, again.ssl, again.errno) == ("example.org", 443, repr(context), error.errno)
        assert again.args[0].is_ssl is True


def test_a_shallow_copy_of_a_connector_error_keeps_the_tls_context_itself() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    error = errors.ClientConnectorError(Key(ssl=context), REFUSED)
    again = copy.copy(error)
    assert again.ssl is context
    assert again.os_error is REFUSED


def test_a_tls_error_keeps_what_the_tls_library_said() -> None:
    error = errors.ClientConnectorSSLError(Key(), certificate_error())
    assert (error.library, error.reason) == ("SSL", "CERTIFICATE_VERIFY_FAILED")
    assert str(error) == "Cannot connect to host example.org:443 ssl:default [certificate verify failed]"


def test_a_certificate_error_names_the_host_and_keeps_the_cause() -> None:
    cause = certificate_error()
    error = errors.ClientConnectorCertificateError(Key(), cause)
    assert str(error) == (
        "Cannot connect to host example.org:443 ssl:True [SSLCertVerificationError: (1, 'certificate verify failed')]"
    )
    assert error.certificate_error is cause
    assert error.os_error is cause
    assert (error.host, error.port, error.ssl) == ("example.org", 443, True)
    assert (error.verify_code, error.verify_message) == (18, "self-signed certificate")
    assert error.args == (Key(), cause)


def test_a_certificate_error_may_be_made_from_any_exception() -> None:
    cause = ValueError("hostname mismatch")
    error = errors.ClientConnectorCertificateError(Key(), cause)
    assert error.certificate_error is cause
    assert str(error.os_error) == "hostname mismatch"
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)


def test_server_disconnected_has_a_default_text_and_takes_any_message() -> None:
    assert str(errors.ServerDisconnectedError()) == "Server disconnected"
    assert errors.ServerDisconnectedError().message == "Server disconnected"
    assert errors.ServerDisconnectedError("gone").args == ("gone",)


def test_a_fingerprint_mismatch_says_host_port_and_both_digests() -> None:
    error = errors.ServerFingerprintMismatch(b"\x01", b"\x02", "example.org", 443)
    assert str(error) == "Fingerprint of the certificate of example.org:443 is 02, expected 01"
    assert error.args == (b"\x01", b"\x02", "example.org", 443)
