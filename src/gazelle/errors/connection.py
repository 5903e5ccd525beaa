"""Errors of connections: opening them, TLS, time limits, and a peer that closes."""

import ssl
from typing import Any, NamedTuple, Protocol

from .client import ClientError
from .pickling import restore


class ConnectionKeyLike(Protocol):
    """The attributes of a connection key that `ClientConnectorError` reads."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def ssl(self) -> Any: ...
    @property
    def is_ssl(self) -> bool: ...


class _PlainKey(NamedTuple):
    """Replaces a connection key that cannot be pickled."""

    host: str
    port: int | None
    is_ssl: bool
    ssl: str


class ClientConnectionError(ClientError):
    """The connection could not be opened, was lost, or is closed."""


class ClientConnectionResetError(ClientConnectionError, ConnectionResetError):
    """Writing failed because the connection is closed."""


class ClientOSError(ClientConnectionError, OSError):
    """A call to the operating system failed; `errno` and `strerror` as in OSError."""


class ClientConnectorError(ClientOSError):
    """The connection could not be opened.

    Args:
        connection_key: key of the connection, with `host`, `port`, `ssl` and `is_ssl`.
        os_error: the cause, from which `errno` and `strerror` are taken.

    In a pickle or deep copy an `ssl.SSLContext` is replaced by its repr.
    """

    def __init__(self, connection_key: ConnectionKeyLike, os_error: OSError) -> None:
        super().__init__(os_error.errno, os_error.strerror)
        self._conn_key = connection_key
        self._os_error = os_error
        self.args = (connection_key, os_error)

    @property
    def os_error(self) -> OSError:
        """The cause."""
        return self._os_error

    @property
    def host(self) -> str:
        """Name or address of the host."""
        return self._conn_key.host

    @property
    def port(self) -> int | None:
        """Port of the host."""
        return self._conn_key.port

    @property
    def ssl(self) -> Any:
        """TLS policy of the connection: True (default checks), False (none), an SSLContext or a Fingerprint."""
        return self._conn_key.ssl

    def _reason(self) -> str:
        return self._os_error.strerror or str(self._os_error) or type(self._os_error).__name__

    def __str__(self) -> str:
        tls = "default" if self.ssl is True else self.ssl
        return f"Cannot connect to host {self.host}:{self.port} ssl:{tls} [{self._reason()}]"

    def _state(self) -> dict[str, object]:
        # errno and strerror are C members of an OSError, not in its `__dict__`.
        return {**self.__dict__, "errno": self.errno, "strerror": self.strerror}

    def __copy__(self) -> Exception:
        return restore(type(self), self.args, self._state())

    def __reduce__(self) -> tuple[Any, ...]:
        state = self._state()
        key = self._conn_key
        if isinstance(key.ssl, ssl.SSLContext):  # cannot be pickled; its repr keeps the message unchanged
            key = state["_conn_key"] = _PlainKey(key.host, key.port, key.is_ssl, repr(key.ssl))
        return restore, (type(self), (key, *self.args[1:]), state)


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
    """The certificate of the server is not trusted; `verify_code` and so on as in `ssl.SSLCertVerificationError`.

    Args:
        connection_key: key of the connection.
        certificate_error: the error of the verification.
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
        """The error of the verification."""
        return self._certificate_error

    @property
    def ssl(self) -> bool:
        """Whether the connection is one with TLS."""
        return self._conn_key.is_ssl

    def __str__(self) -> str:
        reason = f"{type(self._certificate_error).__name__}: {self._certificate_error.args}"
        return f"Cannot connect to host {self.host}:{self.port} ssl:{self.ssl} [{reason}]"


class ServerConnectionError(ClientConnectionError):
    """Base of the errors of connections that the server causes."""


class ServerDisconnectedError(ServerConnectionError):
    """The server closed the connection before the end of the response head.

    Args:
        message: description, or the part of the response that was received. Default "Server disconnected".
    """

    def __init__(self, message: Any = None) -> None:
        self.message = "Server disconnected" if message is None else message
        super().__init__(self.message)


class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """The server exceeded a time limit; also an `asyncio.TimeoutError`."""


class ConnectionTimeoutError(ServerTimeoutError):
    """No connection was available within `connect` or `sock_connect` seconds."""


class SocketTimeoutError(ServerTimeoutError):
    """Nothing was received for `sock_read` seconds."""


class ServerFingerprintMismatch(ServerConnectionError):
    """The fingerprint of the server's certificate is not the expected one.

    Args:
        expected: the expected SHA-256 digest, 32 bytes.
        got: SHA-256 digest of the server's certificate.
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
