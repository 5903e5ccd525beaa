"""The asyncio HTTP client API that Python knows, on a compiled engine: `import gazelle as aiohttp`."""

from . import hdrs
from ._impl import IMPL as __impl__
from .auth import BasicAuth, encode_basic_auth
from .body.codings import set_zlib_backend
from .body.file_payload import BufferedReaderPayload, BytesIOPayload, IOBasePayload, TextIOPayload
from .body.formdata import FormData
from .body.multipart_reader import MultipartReader
from .body.multipart_writer import MultipartWriter
from .body.part_reader import BodyPartReader
from .body.payload import (
    PAYLOAD_REGISTRY,
    AsyncIterablePayload,
    BytesPayload,
    JsonPayload,
    Payload,
    StringIOPayload,
    StringPayload,
    get_payload,
    payload_type,
)
from .client.api import request, run
from .client.digest import DigestAuthMiddleware
from .client.middlewares import ClientHandlerType, ClientMiddlewareType
from .client.request import ClientRequest
from .client.response import ClientResponse
from .client.session import ClientSession
from .client.tracker import UploadTracker
from .cookies.dummy import DummyCookieJar
from .cookies.jar import CookieJar
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
from .etag import ETag
from .fields.disposition import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    ContentDisposition,
    content_disposition_filename,
    parse_content_disposition,
)
from .messages import RequestInfo
from .net.connection import Connection
from .net.connector import BaseConnector
from .net.dns import DefaultResolver, ThreadedResolver
from .net.stream import StreamReader
from .net.tcp import TCPConnector
from .net.tls import Fingerprint
from .timeouts import ClientTimeout
from .tracing import (
    TraceConfig,
    TraceConnectionCreateEndParams,
    TraceConnectionCreateStartParams,
    TraceConnectionQueuedEndParams,
    TraceConnectionQueuedStartParams,
    TraceConnectionReuseconnParams,
    TraceDnsCacheHitParams,
    TraceDnsCacheMissParams,
    TraceDnsResolveHostEndParams,
    TraceDnsResolveHostStartParams,
    TraceRequestChunkSentParams,
    TraceRequestEndParams,
    TraceRequestExceptionParams,
    TraceRequestHeadersSentParams,
    TraceRequestRedirectParams,
    TraceRequestStartParams,
    TraceResponseChunkReceivedParams,
    TraceResponseHeadersReceivedParams,
)
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
    # bodies
    "FormData",
    "MultipartWriter",
    "Payload",
    "BytesPayload",
    "StringPayload",
    "StringIOPayload",
    "JsonPayload",
    "AsyncIterablePayload",
    "IOBasePayload",
    "TextIOPayload",
    "BytesIOPayload",
    "BufferedReaderPayload",
    "PAYLOAD_REGISTRY",
    "get_payload",
    "payload_type",
    "set_zlib_backend",
    "UploadTracker",
    # responses
    "ClientResponse",
    "StreamReader",
    "ContentDisposition",
    "parse_content_disposition",
    "content_disposition_filename",
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "MultipartReader",
    "BodyPartReader",
    "ETag",
    # credentials and cookies
    "BasicAuth",
    "encode_basic_auth",
    "DigestAuthMiddleware",
    "CookieJar",
    "DummyCookieJar",
    # around requests
    "ClientMiddlewareType",
    "ClientHandlerType",
    "TraceConfig",
    "TraceRequestStartParams",
    "TraceRequestHeadersSentParams",
    "TraceRequestChunkSentParams",
    "TraceRequestEndParams",
    "TraceRequestExceptionParams",
    "TraceRequestRedirectParams",
    "TraceResponseHeadersReceivedParams",
    "TraceResponseChunkReceivedParams",
    "TraceConnectionQueuedStartParams",
    "TraceConnectionQueuedEndParams",
    "TraceConnectionCreateStartParams",
    "TraceConnectionCreateEndParams",
    "TraceConnectionReuseconnParams",
    "TraceDnsResolveHostStartParams",
    "TraceDnsResolveHostEndParams",
    "TraceDnsCacheHitParams",
    "TraceDnsCacheMissParams",
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
