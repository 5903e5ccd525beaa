"""Errors to test with, and what they are made of."""

import errno
import ssl
from typing import Any, NamedTuple

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
