"""Errors of requests and responses."""

import warnings
from collections.abc import Mapping
from typing import Any

from yarl import URL

from gazelle.messages import RequestInfo

from .pickling import freeze_state, restore


class ClientError(Exception):
    """Base of all errors of the client."""


class ClientResponseError(ClientError):
    """A response was received and is not acceptable.

    Args:
        request_info: the request.
        history: the redirect responses before this one, oldest first.
        code: deprecated alias of `status`.
        status: status code of the response. Default 0, for none.
        message: reason phrase, or description of the error. Default "".
        headers: header fields of the response. Default None.

    Attributes:
        body: start of the body of the response, of up to `error_body_size` bytes; None without that option.

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
        return restore, (type(self), self.args, freeze_state(self.__dict__))

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
    """The response to a WebSocket handshake is not an acceptable 101."""


class ClientHttpProxyError(ClientResponseError):
    """The proxy answered CONNECT with a status other than 2xx."""


class TooManyRedirects(ClientResponseError):
    """The request was redirected more than `max_redirects` times."""


class ClientPayloadError(ClientError):
    """The body of the response is cut short, malformed or cannot be decoded."""


class UploadAbortedError(ClientError):
    """The body of the request could not be sent completely."""


class InvalidURL(ClientError, ValueError):
    """The URL cannot be requested, for example because it has no host.

    Args:
        url: the invalid URL, as the caller passed it.
        description: description of the error. Default None.
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
        """The URL as the caller passed it, str or URL."""
        return self._url

    @property
    def description(self) -> str | None:
        """Description of the error, None if there is none."""
        return self._description

    def __str__(self) -> str:
        # Errors are logged: a line end would forge a log line, and a lone surrogate cannot be encoded.
        url = "".join([char if char.isprintable() else repr(char)[1:-1] for char in str(self._url)])
        return f"{url} - {self._description}" if self._description else url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class RedirectClientError(ClientError):
    """A redirect cannot be followed."""


class NonHttpUrlClientError(ClientError):
    """The client does not support the scheme of the URL."""


class InvalidUrlClientError(InvalidURL):
    """The URL passed by the caller is malformed."""


class InvalidUrlRedirectClientError(InvalidUrlClientError, RedirectClientError):
    """The URL of a redirect is malformed."""


class NonHttpUrlRedirectClientError(NonHttpUrlClientError, RedirectClientError):
    """The client does not support the scheme of the URL of a redirect."""


class WSMessageTypeError(TypeError):
    """A WebSocket message is not of the type that the caller expects."""
