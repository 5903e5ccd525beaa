"""The exception tree: bases, attributes, texts, pickles and copies."""

import asyncio
import copy
import errno
import pickle
import socket
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle import errors
from gazelle.messages import RequestInfo


class Key(NamedTuple):
    host: str = "example.org"
    port: int | None = 443
    is_ssl: bool = True
    ssl: Any = True


def headers() -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict([("X-A", "1"), ("x-a", "2")]))


INFO = RequestInfo(URL("http://example.org/x"), "GET", headers(), URL("http://example.org/x#part"))
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = 18
    error.verify_message = "self-signed certificate"
    error.library = "SSL"
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    return error


def response_error(cls: type[errors.ClientResponseError]) -> errors.ClientResponseError:
    return cls(INFO, (), status=404, message="Not Found", headers=headers())


# One builder for each class of the module.
BUILD: dict[str, Callable[[], Exception]] = {
    "ClientError": lambda: errors.ClientError("text", 1),
    "ClientResponseError": lambda: response_error(errors.ClientResponseError),
    "ContentTypeError": lambda: response_error(errors.ContentTypeError),
    "WSServerHandshakeError": lambda: response_error(errors.WSServerHandshakeError),
    "ClientHttpProxyError": lambda: response_error(errors.ClientHttpProxyError),
    "TooManyRedirects": lambda: response_error(errors.TooManyRedirects),
    "ClientPayloadError": lambda: errors.ClientPayloadError("cut short"),
    "UploadAbortedError": lambda: errors.UploadAbortedError("gone"),
    "InvalidURL": lambda: errors.InvalidURL(URL("http://"), "no host"),
    "InvalidUrlClientError": lambda: errors.InvalidUrlClientError("http://["),
    "InvalidUrlRedirectClientError": lambda: errors.InvalidUrlRedirectClientError("http://[", "bad"),
    "RedirectClientError": lambda: errors.RedirectClientError("text"),
    "NonHttpUrlClientError": lambda: errors.NonHttpUrlClientError(URL("ftp://x/")),
    "NonHttpUrlRedirectClientError": lambda: errors.NonHttpUrlRedirectClientError(URL("ftp://x/")),
    "WSMessageTypeError": lambda: errors.WSMessageTypeError("text"),
    "ClientConnectionError": lambda: errors.ClientConnectionError("Connection closed"),
    "ClientConnectionResetError": lambda: errors.ClientConnectionResetError("Cannot write to closing transport"),
    "ClientOSError": lambda: errors.ClientOSError(errno.EPIPE, "Broken pipe"),
    "ClientConnectorError": lambda: errors.ClientConnectorError(Key(), REFUSED),
    "ClientConnectorDNSError": lambda: errors.ClientConnectorDNSError(Key(), socket.gaierror(-2, "Name unknown")),
    "ClientProxyConnectionError": lambda: errors.ClientProxyConnectionError(Key(), REFUSED),
    "UnixClientConnectorError": lambda: errors.UnixClientConnectorError("/run/x.sock", Key(), REFUSED),
    "ClientSSLError": lambda: errors.ClientSSLError(Key(), REFUSED),
    "ClientConnectorSSLError": lambda: errors.ClientConnectorSSLError(Key(), certificate_error()),
    "ClientConnectorCertificateError": lambda: errors.ClientConnectorCertificateError(Key(), certificate_error()),
    "ServerConnectionError": lambda: errors.ServerConnectionError("text"),
    "ServerDisconnectedError": lambda: errors.ServerDisconnectedError(),
    "ServerTimeoutError": lambda: errors.ServerTimeoutError("too late"),
    "ConnectionTimeoutError": lambda: errors.ConnectionTimeoutError("too late"),
    "SocketTimeoutError": lambda: errors.SocketTimeoutError("too late"),
    "ServerFingerprintMismatch": lambda: errors.ServerFingerprintMismatch(b"\x01" * 32, b"\x02" * 32, "h", 443),
    "HttpProcessingError": lambda: errors.HttpProcessingError(code=500, message="text", headers=headers()),
    "BadHttpMessage": lambda: errors.BadHttpMessage(message="text", headers=headers()),
    "BadStatusLine": lambda: errors.BadStatusLine(b"ICY 200"),
    "InvalidHeader": lambda: errors.InvalidHeader(b"x y: 1"),
    "LineTooLong": lambda: errors.LineTooLong(b"abc", 8190, 9000),
    "PayloadEncodingError": lambda: errors.PayloadEncodingError("text"),
    "ContentEncodingError": lambda: errors.ContentEncodingError("text", headers=CIMultiDict(a="b")),
    "TransferEncodingError": lambda: errors.TransferEncodingError("text"),
    "ContentLengthError": lambda: errors.ContentLengthError("text"),
}

PUBLIC = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, Exception) and not name.startswith("_")
}

READ_ONLY = ("host", "port", "ssl", "os_error", "path", "url", "description", "certificate_error")


def picture(error: BaseException) -> dict[str, object]:
    """Everything there is to see of an error, with nested errors drawn too."""
    seen: dict[str, object] = {"text": str(error), "repr": repr(error)}
    names = [*error.__dict__, *(name for name in READ_ONLY if hasattr(error, name)), "args"]
    if isinstance(error, OSError):
        names += ["errno", "strerror", "filename"]
    for name in names:
        value = getattr(error, name)
        if name == "args":
            value = tuple(picture(item) if isinstance(item, BaseException) else item for item in value)
        seen[name] = picture(value) if isinstance(value, BaseException) else value
    return seen


def test_every_public_exception_has_a_builder_here() -> None:
    assert set(BUILD) == PUBLIC


@pytest.mark.parametrize("name", sorted(BUILD))
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_exception_survives_a_pickle_with_all_its_attributes(name: str, protocol: int) -> None:
    error = BUILD[name]()
    error.__dict__["extra"] = "set by a caller"
    error.add_note("noted")
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is type(error)
    assert picture(again) == picture(error)
    assert again.__dict__["extra"] == "set by a caller"
    assert again.__notes__ == ["noted"]


@pytest.mark.parametrize("name", sorted(BUILD))
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_every_exception_survives_a_copy_with_all_its_attributes(
    name: str, duplicate: Callable[[Exception], Exception]
) -> None:
    error = BUILD[name]()
    again = duplicate(error)
    assert again is not error
    assert type(again) is type(error)
    assert picture(again) == picture(error)


@pytest.mark.parametrize("name", sorted(BUILD))
def test_every_exception_has_a_text_and_a_repr(name: str) -> None:
    error = BUILD[name]()
    assert str(error)
    assert type(error).__name__ in repr(error)


def test_headers_are_still_a_read_only_proxy_after_a_pickle() -> None:
    again = pickle.loads(pickle.dumps(response_error(errors.ClientResponseError)))
    assert type(again.headers) is CIMultiDictProxy
    assert again.headers.getall("X-A") == ["1", "2"]
    assert type(again.request_info) is RequestInfo
    assert type(again.request_info.headers) is CIMultiDictProxy


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
        (errors.ClientPayloadError, (errors.ClientError,)),
        (errors.UploadAbortedError, (errors.ClientError,)),
        (errors.InvalidURL, (errors.ClientError, ValueError)),
        (errors.InvalidUrlClientError, (errors.InvalidURL,)),
        (errors.InvalidUrlRedirectClientError, (errors.InvalidUrlClientError, errors.RedirectClientError)),
        (errors.NonHttpUrlClientError, (errors.ClientError,)),
        (errors.NonHttpUrlRedirectClientError, (errors.NonHttpUrlClientError, errors.RedirectClientError)),
        (errors.RedirectClientError, (errors.ClientError,)),
        (errors.ContentTypeError, (errors.ClientResponseError,)),
        (errors.WSServerHandshakeError, (errors.ClientResponseError,)),
        (errors.ClientHttpProxyError, (errors.ClientResponseError,)),
        (errors.TooManyRedirects, (errors.ClientResponseError,)),
        (errors.ClientResponseError, (errors.ClientError,)),
        (errors.WSMessageTypeError, (TypeError,)),
        (errors.BadHttpMessage, (errors.HttpProcessingError,)),
        (errors.BadStatusLine, (errors.BadHttpMessage,)),
        (errors.InvalidHeader, (errors.BadHttpMessage,)),
        (errors.LineTooLong, (errors.BadHttpMessage,)),
        (errors.PayloadEncodingError, (errors.BadHttpMessage,)),
        (errors.ContentEncodingError, (errors.PayloadEncodingError,)),
        (errors.TransferEncodingError, (errors.PayloadEncodingError,)),
        (errors.ContentLengthError, (errors.PayloadEncodingError,)),
    ],
)
def test_a_class_is_caught_by_each_of_its_bases(cls: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    for base in bases:
        assert issubclass(cls, base)


def test_wire_errors_are_no_client_errors() -> None:
    assert not issubclass(errors.HttpProcessingError, errors.ClientError)


def test_a_response_error_tells_status_message_and_url() -> None:
    error = errors.ClientResponseError(INFO, (), status=404, message="Not Found")
    assert str(error) == "404, message='Not Found', url='http://example.org/x#part'"
    assert repr(error) == f"ClientResponseError({INFO!r}, (), status=404, message='Not Found')"
    assert error.args == (INFO, ())
    assert error.request_info is INFO
    assert error.history == ()
    assert error.headers is None


def test_a_response_error_without_details_has_status_zero() -> None:
    error = errors.ClientResponseError(INFO, ())
    assert error.status == 0
    assert error.message == ""
    assert str(error) == "0, message='', url='http://example.org/x#part'"


def test_code_is_a_deprecated_alias_of_status() -> None:
    with pytest.warns(DeprecationWarning, match="use status"):
        error = errors.ClientResponseError(INFO, (), code=404)
    assert error.status == 404
    with pytest.warns(DeprecationWarning, match="use status"):
        assert error.code == 404
    with pytest.warns(DeprecationWarning, match="use status"):
        error.code = 410
    assert error.status == 410


def test_the_deprecation_warning_points_at_the_line_that_reads_code() -> None:
    error = errors.ClientResponseError(INFO, (), status=404)
    with pytest.warns(DeprecationWarning, match="use status") as caught:
        _ = error.code
    assert caught[0].filename == __file__


def test_code_and_status_together_are_refused() -> None:
    with pytest.raises(ValueError, match="pass status only"):
        errors.ClientResponseError(INFO, (), code=404, status=404)


class ApiError(errors.ClientResponseError):
    """As users write them: a constructor of its own."""

    def __init__(self, tenant: str) -> None:
        super().__init__(INFO, (), status=429, message="slow down")
        self.tenant = tenant


def test_a_subclass_with_its_own_constructor_survives_a_pickle() -> None:
    error = pickle.loads(pickle.dumps(ApiError("t1")))
    assert type(error) is ApiError
    assert (error.tenant, error.status, error.request_info) == ("t1", 429, INFO)


class SocksError(errors.ClientConnectorError):
    """As add-ons write them: another constructor on a connector error."""

    def __init__(self, stage: int) -> None:
        super().__init__(Key(), REFUSED)
        self.stage = stage


def test_a_connector_error_subclass_with_its_own_constructor_survives_a_pickle() -> None:
    error = pickle.loads(pickle.dumps(SocksError(2)))
    assert type(error) is SocksError
    assert (error.stage, error.host, error.errno) == (2, "example.org", errno.ECONNREFUSED)


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


def test_an_invalid_url_keeps_the_url_as_it_was_given() -> None:
    url = URL("http://")
    assert errors.InvalidURL(url).url is url
    assert errors.InvalidURL("http://[").url == "http://["
    assert errors.InvalidURL("http://[").args == ("http://[",)
    error = errors.InvalidURL("http://[", "no such host")
    assert (error.description, str(error)) == ("no such host", "http://[ - no such host")
    assert repr(error) == "<InvalidURL http://[ - no such host>"


def test_an_error_about_a_url_is_one_line_that_can_be_written_anywhere() -> None:
    url = "http://host/ä\r\nINFO: all is well\ud800"
    error = errors.InvalidURL(url, "no URL")
    assert str(error) == "http://host/ä\\r\\nINFO: all is well\\ud800 - no URL"
    assert str(errors.InvalidURL(url)) == "http://host/ä\\r\\nINFO: all is well\\ud800"
    assert error.url == url


def test_wire_errors_say_code_and_message() -> None:
    error = errors.BadHttpMessage("no colon")
    assert (error.code, error.message, error.headers) == (400, "no colon", None)
    assert str(error) == "400, message='no colon'"
    assert repr(error) == "<BadHttpMessage: 400, message='no colon'>"
    assert errors.HttpProcessingError().code == 0
    assert errors.HttpProcessingError(code=417).code == 417


def test_wire_errors_quote_the_offending_line_escaped_and_cut() -> None:
    assert errors.BadStatusLine(b"ICY\x1b[2J").message == r"Bad status line b'ICY\x1b[2J'"
    assert errors.BadStatusLine("x", "unknown version").message == "unknown version"
    assert errors.InvalidHeader("x y").message == "Invalid HTTP header: 'x y'"
    too_long = errors.LineTooLong(b"a" * 10_000, 8190)
    assert too_long.message == f"Got more than 8190 bytes when reading: {b'a' * 100!r}..."
    assert (too_long.limit, too_long.actual_size) == (8190, "Unknown")


def test_request_info_has_real_url_default_to_url() -> None:
    info = RequestInfo(URL("http://h/"), "GET", headers())
    assert info.real_url is info.url
    assert info == RequestInfo(URL("http://h/"), "GET", headers(), URL("http://h/"))
    assert tuple(info) == (info.url, "GET", info.headers, info.url)
