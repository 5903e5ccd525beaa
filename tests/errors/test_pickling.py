"""Pickles and copies of every exception."""

import copy
import errno
import pickle
import socket
from collections.abc import Callable

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle import errors
from gazelle.messages import RequestInfo

from .samples import INFO, REFUSED, Key, certificate_error, headers, response_error

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
