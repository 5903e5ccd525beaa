"""Every exception the client raises, and the wire errors they are made from."""

import ssl
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle.messages import RequestInfo

# How much of what the peer sent an error message quotes.
_QUOTE_LIMIT = 100


class ConnectionKeyLike(Protocol):
    """What `ClientConnectorError` reads from the key of a connection."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def ssl(self) -> Any: ...
    @property
    def is_ssl(self) -> bool: ...


class _PlainKey(NamedTuple):
    """Stands in for a connection key that cannot leave the process."""

    host: str
    port: int | None
    is_ssl: bool
    ssl: str


class _FrozenHeaders(NamedTuple):
    """Carries a `CIMultiDictProxy`, which does not pickle, through a pickle."""

    headers: CIMultiDict[str]


def _freeze(state: dict[str, object]) -> dict[str, object]:
    return {
        name: _FrozenHeaders(CIMultiDict(value)) if isinstance(value, CIMultiDictProxy) else value
        for name, value in state.items()
    }


def _restore(cls: type[Exception], args: tuple[object, ...], state: dict[str, object]) -> Exception:
    # Not by calling the class: a subclass may take other arguments than the ones in `args`.
    error = cls.__new__(cls, *args)
    error.args = args
    for name, value in state.items():
        setattr(error, name, CIMultiDictProxy(value.headers) if isinstance(value, _FrozenHeaders) else value)
    return error


def _quoted(data: bytes | str) -> str:
    return repr(data) if len(data) <= _QUOTE_LIMIT else f"{data[:_QUOTE_LIMIT]!r}..."


# --- client errors ---------------------------------------------------------------------------------------------------


class ClientError(Exception):
    """Base of all errors of the client."""


class ClientResponseError(ClientError):
    """A response arrived and is not acceptable.

    Args:
        request_info: what was asked.
        history: the redirect responses that led here, oldest first.
        code: deprecated spelling of `status`.
        status: status code of the response; 0 when there is none.
        message: reason phrase or what is wrong.
        headers: headers of the response, if there are any.

    Attributes:
        body: start of the body of the response, if `error_body_size` has asked for it; else None.

    Raises:
        ValueError: both `code` and `status` are given.
    """

    body: bytes | None = None

    def __init__(
        self,
        request_info: RequestInfo,
        history: tuple[Any, ...],
        *,
        code: int | None = None,
        status: int | None = None,
        message: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if code is not None:
            if status is not None:
                raise ValueError("code and status are the same thing; pass status only")
            warnings.warn("the code argument is deprecated, use status", DeprecationWarning, stacklevel=2)
            status = code
        super().__init__(request_info, history)
        self.request_info = request_info
        self.history = history
        self.status = status or 0
        self.message = message
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status}, message={self.message!r}, url={str(self.request_info.real_url)!r}"

    def __repr__(self) -> str:
        details = f"{self.request_info!r}, {self.history!r}"
        if self.status:
            details += f", status={self.status!r}"
        if self.message:
            details += f", message={self.message!r}"
        if self.headers is not None:
            details += f", headers={self.headers!r}"
        return f"{type(self).__name__}({details})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, _freeze(self.__dict__))

    @property
    def code(self) -> int:
        """Deprecated alias of `status`."""
        warnings.warn("code is deprecated, use status", DeprecationWarning, stacklevel=2)
        return self.status

    @code.setter
    def code(self, value: int) -> None:
        warnings.warn("code is deprecated, use status", DeprecationWarning, stacklevel=2)
        self.status = value


class ContentTypeError(ClientResponseError):
    """The content type of the response is not the expected one."""


class WSServerHandshakeError(ClientResponseError):
    """The server answered a WebSocket handshake with something else than an acceptable 101."""


class ClientHttpProxyError(ClientResponseError):
    """The proxy answered CONNECT with a status other than 2xx."""


class TooManyRedirects(ClientResponseError):
    """The request was redirected more often than `max_redirects` allows."""


class ClientPayloadError(ClientError):
    """The body of the response is broken: cut short, badly chunked or not decodable."""


class UploadAbortedError(ClientError):
    """The body of the request could not be sent to its end."""


class InvalidURL(ClientError, ValueError):
    """The URL cannot be requested, for example because it has no host.

    Args:
        url: the offending URL, as it was given.
        description: what is wrong with it.
    """

    def __init__(self, url: str | URL, description: str | None = None) -> None:
        if description is None:
            super().__init__(url)
        else:
            super().__init__(url, description)
        self._url = url
        self._description = description

    @property
    def url(self) -> str | URL:
        """The URL as it was given, str or URL."""
        return self._url

    @property
    def description(self) -> str | None:
        """What is wrong with the URL, if that was said."""
        return self._description

    def __str__(self) -> str:
        # Errors end up in logs: a line end would begin a line there, and half a surrogate pair has no encoding.
        url = "".join([char if char.isprintable() else repr(char)[1:-1] for char in str(self._url)])
        return f"{url} - {self._description}" if self._description else url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class RedirectClientError(ClientError):
    """A redirect cannot be followed."""


class NonHttpUrlClientError(ClientError):
    """The scheme of the URL is none that the client speaks."""


class InvalidUrlClientError(InvalidURL):
    """The URL given by the caller is malformed."""


class InvalidUrlRedirectClientError(InvalidUrlClientError, RedirectClientError):
    """The URL of a redirect is malformed."""


class NonHttpUrlRedirectClientError(NonHttpUrlClientError, RedirectClientError):
    """The scheme of the URL of a redirect is none that the client speaks."""


class WSMessageTypeError(TypeError):
    """A WebSocket message is not of the type the caller asked for."""


# --- connection errors -----------------------------------------------------------------------------------------------


class ClientConnectionError(ClientError):
    """The connection could not be opened, broke, or is closed."""


class ClientConnectionResetError(ClientConnectionError, ConnectionResetError):
    """Writing failed because the connection is closed."""


class ClientOSError(ClientConnectionError, OSError):
    """A call to the operating system failed; `errno` and `strerror` as in OSError."""


class ClientConnectorError(ClientOSError):
    """The connection could not be opened.

    Args:
        connection_key: whatever the connection was for; has `host`, `port`, `ssl` and `is_ssl`.
        os_error: why it could not be opened; `errno` and `strerror` are taken from it.

    In a pickle or deep copy an `ssl.SSLContext` is replaced by its repr.
    """

    def __init__(self, connection_key: ConnectionKeyLike, os_error: OSError) -> None:
        super().__init__(os_error.errno, os_error.strerror)
        self._conn_key = connection_key
        self._os_error = os_error
        self.args = (connection_key, os_error)

    @property
    def os_error(self) -> OSError:
        """The error this one was made from."""
        return self._os_error

    @property
    def host(self) -> str:
        """Host name or address that was to be connected."""
        return self._conn_key.host

    @property
    def port(self) -> int | None:
        """Port that was to be connected."""
        return self._conn_key.port

    @property
    def ssl(self) -> Any:
        """TLS setting of the connection: True (default checks), False (none), an SSLContext or a Fingerprint."""
        return self._conn_key.ssl

    def _reason(self) -> str:
        return self._os_error.strerror or str(self._os_error) or type(self._os_error).__name__

    def __str__(self) -> str:
        tls = "default" if self.ssl is True else self.ssl
        return f"Cannot connect to host {self.host}:{self.port} ssl:{tls} [{self._reason()}]"

    def _state(self) -> dict[str, object]:
        # errno and strerror live in the C part of an OSError.
        return {**self.__dict__, "errno": self.errno, "strerror": self.strerror}

    def __copy__(self) -> Exception:
        return _restore(type(self), self.args, self._state())

    def __reduce__(self) -> tuple[Any, ...]:
        state = self._state()
        key = self._conn_key
        if isinstance(key.ssl, ssl.SSLContext):  # cannot be pickled; its repr keeps the message the same
            key = state["_conn_key"] = _PlainKey(key.host, key.port, key.is_ssl, repr(key.ssl))
        return _restore, (type(self), (key, *self.args[1:]), state)


class ClientConnectorDNSError(ClientConnectorError):
    """The name of the host could not be resolved."""


class ClientProxyConnectionError(ClientConnectorError):
    """The connection to the proxy could not be opened; host and port are the proxy's."""


class UnixClientConnectorError(ClientConnectorError):
    """The connection to a Unix socket could not be opened; `path` is its path."""

    def __init__(self, path: str, connection_key: ConnectionKeyLike, os_error: OSError) -> None:
        super().__init__(connection_key, os_error)
        self._path = path

    @property
    def path(self) -> str:
        """Path of the socket."""
        return self._path

    def __str__(self) -> str:
        tls = "default" if self.ssl is True else self.ssl
        return f"Cannot connect to unix socket {self.path} ssl:{tls} [{self._reason()}]"


class ClientSSLError(ClientConnectorError):
    """Base of the errors of setting up TLS."""


class ClientConnectorSSLError(ClientSSLError, ssl.SSLError):
    """The TLS handshake failed; `library` and `reason` as in `ssl.SSLError`."""

    def __init__(self, connection_key: ConnectionKeyLike, os_error: OSError) -> None:
        super().__init__(connection_key, os_error)
        self.library = getattr(os_error, "library", "")
        self.reason = getattr(os_error, "reason", "")


class ClientConnectorCertificateError(ClientSSLError, ssl.CertificateError):
    """The certificate of the server is not acceptable; `verify_code` and so on as in `ssl.SSLCertVerificationError`.

    Args:
        connection_key: whatever the connection was for.
        certificate_error: what is wrong with the certificate.
    """

    def __init__(self, connection_key: ConnectionKeyLike, certificate_error: Exception) -> None:
        os_error = certificate_error if isinstance(certificate_error, OSError) else OSError(str(certificate_error))
        super().__init__(connection_key, os_error)
        self._certificate_error = certificate_error
        self.library = getattr(certificate_error, "library", "")
        self.reason = getattr(certificate_error, "reason", "")
        self.verify_code = getattr(certificate_error, "verify_code", 0)
        self.verify_message = getattr(certificate_error, "verify_message", "")
        self.args = (connection_key, certificate_error)

    @property
    def certificate_error(self) -> Exception:
        """What is wrong with the certificate."""
        return self._certificate_error

    @property
    def ssl(self) -> bool:
        """Whether the connection was to use TLS."""
        return self._conn_key.is_ssl

    def __str__(self) -> str:
        reason = f"{type(self._certificate_error).__name__}: {self._certificate_error.args}"
        return f"Cannot connect to host {self.host}:{self.port} ssl:{self.ssl} [{reason}]"


class ServerConnectionError(ClientConnectionError):
    """The server did something to the connection."""


class ServerDisconnectedError(ServerConnectionError):
    """The server closed the connection before it had sent a whole response head.

    Args:
        message: what happened, or the part of the response that arrived. Default "Server disconnected".
    """

    def __init__(self, message: Any = None) -> None:
        self.message = "Server disconnected" if message is None else message
        super().__init__(self.message)


class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """A time limit on the server passed; also an `asyncio.TimeoutError`."""


class ConnectionTimeoutError(ServerTimeoutError):
    """No connection was to be had in `connect` or `sock_connect` seconds."""


class SocketTimeoutError(ServerTimeoutError):
    """Nothing was received for `sock_read` seconds."""


class ServerFingerprintMismatch(ServerConnectionError):
    """The certificate of the server has another fingerprint than the expected one.

    Args:
        expected: SHA-256 digest that was asked for.
        got: SHA-256 digest of the certificate the server showed.
        host: host name or address of the server.
        port: port of the server.
    """

    def __init__(self, expected: bytes, got: bytes, host: str, port: int) -> None:
        super().__init__(expected, got, host, port)
        self.expected = expected
        self.got = got
        self.host = host
        self.port = port

    def __str__(self) -> str:
        return (
            f"Fingerprint of the certificate of {self.host}:{self.port} is {self.got.hex()}, "
            f"expected {self.expected.hex()}"
        )

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} expected={self.expected!r} got={self.got!r} host={self.host!r} port={self.port!r}>"
        )


# --- wire errors -----------------------------------------------------------------------------------------------------
# Raised by the parsers and decoders; the client translates them into the errors above.


class HttpProcessingError(Exception):
    """Base of the errors of the wire.

    Args:
        code: HTTP status that says the same. Default: that of the class, 0 if it has none.
        message: what is wrong.
        headers: headers that belong to the error, if there are any.
    """

    code = 0

    def __init__(self, *, code: int | None = None, message: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        if code is not None:
            self.code = code
        self.message = message
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.code}, message={self.message!r}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, _freeze(self.__dict__))


class BadHttpMessage(HttpProcessingError):
    """What the peer sent is not an HTTP/1 message."""

    code = 400

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message=message, headers=headers)
        self.args = (message,)


class BadStatusLine(BadHttpMessage):
    """The status line is malformed.

    Args:
        line: the offending line.
        error: what is wrong, instead of a text that quotes the line.
    """

    def __init__(self, line: str | bytes = "", error: str | None = None) -> None:
        super().__init__(error or f"Bad status line {_quoted(line)}")
        self.args = (line,) if error is None else (line, error)
        self.line = line


class InvalidHeader(BadHttpMessage):
    """A header field is malformed.

    Args:
        hdr: the offending line or name.
    """

    def __init__(self, hdr: bytes | str) -> None:
        super().__init__(f"Invalid HTTP header: {_quoted(hdr)}")
        self.args = (hdr,)
        self.hdr = hdr


class LineTooLong(BadHttpMessage):
    """A line is longer than its limit.

    Args:
        line: the line, or the part of it that was read.
        limit: the limit in bytes.
        actual_size: the length in bytes, where it is known.
    """

    def __init__(self, line: bytes | str, limit: int | str = "Unknown", actual_size: int | str = "Unknown") -> None:
        super().__init__(f"Got more than {limit} bytes when reading: {_quoted(line)}")
        self.args = (line, limit, actual_size)
        self.line = line
        self.limit = limit
        self.actual_size = actual_size


class PayloadEncodingError(BadHttpMessage):
    """Base of the errors of a body."""


class ContentEncodingError(PayloadEncodingError):
    """The content coding of a body is broken, cut short, or cannot be decoded here."""


class TransferEncodingError(PayloadEncodingError):
    """The chunked coding of a body is broken or ends early."""


class ContentLengthError(PayloadEncodingError):
    """A body is shorter than its Content-Length."""
