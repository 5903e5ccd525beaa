"""The asyncio HTTP client API that Python knows, on a compiled engine: `import gazelle as aiohttp`."""

from . import hdrs
from ._impl import IMPL as __impl__
from .client.api import request, run
from .client.request import ClientRequest
from .client.response import ClientResponse
from .client.session import ClientSession
from .errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientHttpProxyError,
    ClientOSError,
    ClientPayloadError,
    ClientProxyConnectionError,
    ClientResponseError,
    ClientSSLError,
    ConnectionTimeoutError,
    ContentTypeError,
    InvalidURL,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    NonHttpUrlClientError,
    NonHttpUrlRedirectClientError,
    RedirectClientError,
    ServerConnectionError,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
    ServerTimeoutError,
    SocketTimeoutError,
    TooManyRedirects,
    UploadAbortedError,
    WSMessageTypeError,
    WSServerHandshakeError,
)
from .messages import RequestInfo
from .net.connector import BaseConnector, Connection, TCPConnector
from .net.dns import DefaultResolver, ThreadedResolver
from .net.stream import StreamReader
from .net.tls import Fingerprint
from .timeouts import ClientTimeout
from .types import HttpVersion, HttpVersion10, HttpVersion11
from .version import __version__

__all__ = [  # noqa: RUF022  (by theme)
    # requests
    "ClientSession",
    "request",
    "run",
    "ClientTimeout",
    "ClientRequest",
    "RequestInfo",
    "HttpVersion",
    "HttpVersion10",
    "HttpVersion11",
    "hdrs",
    # responses
    "ClientResponse",
    "StreamReader",
    # connections
    "BaseConnector",
    "TCPConnector",
    "Connection",
    "Fingerprint",
    "DefaultResolver",
    "ThreadedResolver",
    # errors
    "ClientError",
    "ClientConnectionError",
    "ClientConnectionResetError",
    "ClientOSError",
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientProxyConnectionError",
    "ClientSSLError",
    "ClientConnectorSSLError",
    "ClientConnectorCertificateError",
    "ServerConnectionError",
    "ServerDisconnectedError",
    "ServerTimeoutError",
    "ConnectionTimeoutError",
    "SocketTimeoutError",
    "ServerFingerprintMismatch",
    "ClientResponseError",
    "ContentTypeError",
    "WSServerHandshakeError",
    "ClientHttpProxyError",
    "TooManyRedirects",
    "ClientPayloadError",
    "UploadAbortedError",
    "InvalidURL",
    "InvalidUrlClientError",
    "RedirectClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
    "WSMessageTypeError",
    # about the package
    "__impl__",
    "__version__",
]
