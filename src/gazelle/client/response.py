"""The response as its user sees it."""

import codecs
import json as json_module
import re
from collections.abc import Callable
from functools import lru_cache
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Final, Self, cast

from multidict import CIMultiDictProxy, MultiDictProxy
from propcache.api import cached_property
from yarl import URL

from gazelle._impl import Body, ResponseHead, WireRequest
from gazelle.body.charset import detect_encoding
from gazelle.body.codings import decode_all
from gazelle.cookies.parse import response_cookies
from gazelle.errors import (
    ClientConnectionError,
    ClientPayloadError,
    ClientResponseError,
    ContentEncodingError,
    ContentTypeError,
)
from gazelle.fields.disposition import ContentDisposition, read_content_disposition
from gazelle.fields.links import parse_links
from gazelle.fields.media_type import MediaType, parse_media_type
from gazelle.messages import RequestInfo
from gazelle.net.connection import Connection
from gazelle.net.stream import StreamReader
from gazelle.net.traced_stream import TracedStreamReader
from gazelle.types import HttpVersion

from .observe import Observer
from .policy import Policy
from .request import ClientRequest, complete
from .upload import Upload

# `application/json`, and what RFC 6839 §3.1 derives from it.
_JSON_TYPE: Final = re.compile(r"application/(?:[\w.+-]+?\+)?json", re.IGNORECASE)
# JSON-based media types without the suffix: their default is UTF-8 all the same (RFC 7483 §10.1).
_UTF8_TYPES: Final = frozenset({"application/json", "application/rdap+json"})

_CLOSED: Final = "Connection closed"


@lru_cache(maxsize=64)
def _json_encoding(field: str | None) -> str | None:
    """Return the encoding of a body by its Content-Type, None if that is not JSON or does not tell."""
    if field is None or _JSON_TYPE.match(field) is None:
        return None
    media_type = parse_media_type(field)
    charset = media_type.parameters.get("charset")
    if charset:
        try:
            return codecs.lookup(charset).name
        except (LookupError, ValueError):
            return None
    return "utf-8" if media_type.value in _UTF8_TYPES else None


class _Done:
    """What `release` returns: nothing is left to wait for, but older code awaits it."""

    __slots__ = ()

    def __await__(self) -> "Any":
        return iter(())


_DONE: Final = _Done()


class ClientResponse:
    """A response. It exists from the moment its head has arrived; users get it from a session.

    Used as an async context manager it is released at the end of the block.
    """

    def __init__(
        self,
        request: WireRequest,
        head: ResponseHead,
        status: int,
        body: Body,
        connection: Connection | None,
        policy: Policy,
        history: "tuple[ClientResponse, ...]" = (),
    ) -> None:
        self.method = request.method
        """Method of the request (str)."""
        self.status = status
        """Status code (int)."""
        self._wire = request
        self._head = head
        self._connection = connection
        self._policy = policy
        self._received: bytes | list[bytes | None] | StreamReader = body  # type: ignore[assignment]
        self._history = history
        self._upload: Upload | None = None
        self._observer: Observer | None = None
        self._body: bytes | None = None
        self._released = False
        self._in_context = False

    def __repr__(self) -> str:
        return f"<ClientResponse({self.url}) [{self.status} {self.reason}]>\n{self.headers!r}\n"

    async def __aenter__(self) -> Self:
        self._in_context = True
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._in_context = False
        self.release()
        if self._upload is not None:
            await self._upload.finish()

    # The head.

    @cached_property
    def _request(self) -> ClientRequest:
        """The request; that of a plain call is made on first access."""
        return complete(self._wire)

    @cached_property
    def version(self) -> HttpVersion:
        """HTTP version of the response."""
        return self._head.version

    @cached_property
    def reason(self) -> str:
        """Reason phrase, which may be empty (str)."""
        return self._head.reason

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    @cached_property
    def headers(self) -> CIMultiDictProxy[str]:
        """Header fields, names without regard to case. Bytes that are not UTF-8 are surrogates."""
        return self._head.headers

    @cached_property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Header fields as they came, (name, value) pairs of bytes."""
        return self._head.raw_headers

    @cached_property
    def request_info(self) -> RequestInfo:
        """The request this is the response to."""
        return self._request.request_info

    @cached_property
    def url(self) -> URL:
        """URL of the request, without a fragment."""
        return self._request.url

    @cached_property
    def real_url(self) -> URL:
        """URL of the request, with the fragment it was given."""
        return self._request.original_url

    @property
    def host(self) -> str:
        """Host of the URL."""
        host = self.url.host
        assert host is not None
        return host

    @cached_property
    def _media_type(self) -> MediaType | None:
        field = self.headers.get("Content-Type")
        return None if field is None else parse_media_type(field)

    @property
    def content_type(self) -> str:
        """Media type of the body without parameters, `application/octet-stream` if there is none."""
        media_type = self._media_type
        return "application/octet-stream" if media_type is None else media_type.value

    @property
    def charset(self) -> str | None:
        """The charset parameter of Content-Type."""
        media_type = self._media_type
        return None if media_type is None else media_type.parameters.get("charset") or None

    @property
    def content_length(self) -> int | None:
        """The Content-Length field, in bytes, None if there is none; that of a body before content codings are off."""
        field = self.headers.get("Content-Length")
        return None if field is None else int(field)

    @property
    def history(self) -> tuple["ClientResponse", ...]:
        """Responses that redirected here, the earliest first. They are released."""
        return self._history

    @cached_property
    def cookies(self) -> SimpleCookie:
        """Cookies that this response sets, the last of each name (`http.cookies.SimpleCookie`)."""
        return response_cookies(self.headers.getall("Set-Cookie", ()))

    @cached_property
    def links(self) -> MultiDictProxy[MultiDictProxy[str | URL]]:
        """Links of the Link fields (RFC 8288) by `rel`, or else by URL: parameters, and the absolute URL as `url`."""
        return parse_links(self.headers.getall("Link", ()), self.url)

    @cached_property
    def content_disposition(self) -> ContentDisposition | None:
        """The Content-Disposition field (RFC 6266), None if there is none."""
        field = self.headers.get("Content-Disposition")
        return None if field is None else read_content_disposition(field)

    # The connection.

    @property
    def connection(self) -> Connection | None:
        """The connection, None once the response has arrived whole or was released."""
        connection = self._connection
        return None if connection is None or connection.closed else connection

    @property
    def closed(self) -> bool:
        """Whether the response was released or closed, or has nothing more to come."""
        return self._released or self._connection is None or self._connection.closed

    def release(self) -> _Done:
        """Let the connection go. One with an unread rest is closed: reading on could take for ever.

        What is not read yet cannot be read any more; what `read` has returned stays.
        """
        self._released = True
        if self._upload is not None:
            self._upload.cancel()
        connection = self._connection
        if connection is not None:
            self._connection = None
            connection.release()
        if self._body is None and isinstance(self._received, StreamReader):
            self._received.set_exception(ClientConnectionError(_CLOSED))
        return _DONE

    def leave(self) -> bool:
        """Leave the block of `async with` if that takes no waiting, and return whether it did."""
        if self._connection is not None or self._upload is not None or type(self._received) is not bytes:
            return False
        self._released = True
        self._in_context = False
        return True

    async def stop(self) -> None:
        """Release the response and stop sending the request body, which is not closed: a redirect may need it again."""
        self.release()
        if self._upload is not None:
            await self._upload.stop()

    async def wait_for_close(self) -> None:
        """Do what `release` does, and return when the request body, if it was still being sent, has ended."""
        self.release()
        if self._upload is not None:
            await self._upload.finish()

    def close(self) -> None:
        """Close the connection, if this response still has it."""
        connection = self._connection
        if connection is not None:
            connection.close()
        self.release()

    def raise_for_status(self) -> None:
        """Raise an error if the status is 400 or more. Outside of an `async with` block the response is released.

        Raises:
            ClientResponseError: with the status, and the reason phrase as its message.
        """
        if self.status < 400:
            return
        if not self._in_context:
            self.release()
        raise ClientResponseError(
            self.request_info, self.history, status=self.status, message=self.reason, headers=self.headers
        )

    # The body.

    @property
    def content(self) -> StreamReader:
        """The body as a stream. What is read from it, `read` does not return again."""
        received = self._received
        if isinstance(received, StreamReader):
            return received
        observer = self._observer
        traced = observer is not None and "on_response_chunk_received" in observer.heard
        stream = (self._policy.open_traced_stream if traced else self._policy.open_stream)(None, self._head)
        if self._body is not None:
            stream = StreamReader(None, self._policy.read_bufsize)
        else:
            for piece in (received,) if isinstance(received, bytes) else received:
                if piece is None:
                    stream.end_chunk()
                elif piece:
                    stream.feed_data(piece)
        stream.feed_eof()
        if self._released and self._body is None:
            stream.set_exception(ClientConnectionError(_CLOSED))
        self._received = stream
        if isinstance(stream, TracedStreamReader) and observer is not None:
            stream.report_to(observer.traces, self.method, self.url)
        return stream

    def attach(self, upload: Upload | None, observer: Observer | None) -> None:
        """Attach the request body that is still being sent, and the traces of the call."""
        self._upload = upload
        self._observer = observer
        if isinstance(self._received, TracedStreamReader) and observer is not None:
            self._received.report_to(observer.traces, self.method, self.url)

    async def read(self) -> bytes:
        """Return the whole body, with content codings taken off. It is kept: later calls return the same bytes.

        Raises:
            ClientPayloadError: the body is broken, or ends too early; the connection is closed.
            ClientConnectionError: the response was released.
            TimeoutError: a time limit was exceeded.
        """
        if self._released:
            raise self._reason()
        body = self._body
        if body is None:
            received = self._received
            if type(received) is bytes:  # there is nothing to do about it
                body = received
            elif isinstance(received, StreamReader):
                body = await self._read_stream(received)
            else:
                pieces = cast(list[bytes | None], received)
                body = self._decode(b"".join(piece for piece in pieces if piece is not None))
            self._body = body
            if self._observer is not None and "on_response_chunk_received" in self._observer.heard:
                await self._observer.received(self.method, self.url, body)
        return body

    def _reason(self) -> BaseException:
        """Return why there is nothing to read any more: what had broken the body, if something had."""
        received = self._received
        error = received.exception() if self._body is None and isinstance(received, StreamReader) else None
        return ClientConnectionError(_CLOSED) if error is None else error

    async def _read_stream(self, stream: StreamReader) -> bytes:
        try:
            return await stream.read_to_end()  # `read` notifies the traces itself
        except BaseException:
            self.close()
            raise

    def _decode(self, body: bytes) -> bytes:
        coding = self._head.content_encoding
        if coding is None or not self._policy.auto_decompress:
            return body
        try:
            return decode_all(body, coding.decode("latin-1"))
        except ContentEncodingError as error:
            raise ClientPayloadError(str(error)) from error

    def get_encoding(self) -> str:
        """Return the encoding of the body's text.

        It is the charset of Content-Type if Python knows it; UTF-8 for JSON; else what the session's
        `fallback_charset_resolver` says, or without one the body itself: UTF-8 if it is valid UTF-8, or a guess.

        Raises:
            RuntimeError: the body has to be looked at, and was not read yet.
        """
        charset = self.charset
        if charset is not None:
            try:
                return codecs.lookup(charset).name
            except (LookupError, ValueError):
                pass  # what the server says is no encoding: go on as if it had said nothing
        if self.content_type in _UTF8_TYPES:
            return "utf-8"
        if self._body is None:
            raise RuntimeError("Cannot compute fallback encoding of a not yet read body")
        resolve = self._policy.charset_resolver
        return detect_encoding(self._body) if resolve is None else resolve(self, self._body)

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        """Return the body as text.

        Args:
            encoding: of the text. Default: `get_encoding()`.
            errors: what to do about what cannot be decoded, as for `bytes.decode`.

        Raises:
            UnicodeDecodeError: the body is not in this encoding.
            LookupError: Python does not know the encoding.
        """
        body = self._body
        if body is None:
            body = await self.read()
        return body.decode(encoding or self.get_encoding(), errors)

    async def json(
        self,
        *,
        encoding: str | None = None,
        loads: Callable[[str], Any] = json_module.loads,
        content_type: str | None = "application/json",
    ) -> Any:
        """Return the body parsed as JSON, None if it is empty or blank.

        Args:
            encoding: of the text. Default: `get_encoding()`.
            loads: parses the text.
            content_type: what Content-Type has to be; the default also takes `application/*+json`. None to not look.

        Raises:
            ContentTypeError: Content-Type is another.
            ValueError: the body is not JSON.
        """
        body = self._body
        if body is None:
            body = await self.read()
        if encoding is None and content_type == "application/json":
            encoding = _json_encoding(self._head.first(b"content-type"))
            content_type = content_type if encoding is None else None
        if content_type is not None and not self._is_of_type(content_type):
            raise ContentTypeError(
                self.request_info,
                self.history,
                status=self.status,
                message=f"Attempt to decode JSON with unexpected mimetype: {self.headers.get('Content-Type', '')}",
                headers=self.headers,
            )
        stripped = body.strip()
        if not stripped:
            return None
        return loads(stripped.decode(encoding or self.get_encoding()))

    def _is_of_type(self, expected: str) -> bool:
        field = self.headers.get("Content-Type", "")
        if expected == "application/json":
            return _JSON_TYPE.match(field) is not None
        return expected.lower() in field.lower()
