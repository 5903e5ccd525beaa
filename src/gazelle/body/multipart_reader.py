"""Multipart bodies that are received: one part after the other (RFC 2046 §5.1, RFC 7578)."""

import sys
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeAlias, Union

from multidict import CIMultiDict, CIMultiDictProxy

from gazelle import hdrs
from gazelle.fields.media_type import MediaType, parse_media_type

from .multipart_framing import BadMultipart, Content, Delimited, PartBody
from .part_reader import BodyPartReader, Series

MAX_DEPTH: Final = 10
"""Deepest nesting of multipart bodies that is accepted."""

_MAX_BOUNDARY: Final = 70  # RFC 2046 §5.1.1
_MAX_CHARSET: Final = 31


class ResponseLike(Protocol):
    """A response, as far as `MultipartReader.from_response` uses it."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> Any: ...
    def release(self) -> Any: ...


Part: TypeAlias = Union[BodyPartReader, "MultipartReader"]


class MultipartResponseWrapper(Series[Part]):
    """Reads the parts of a response, and releases the response after the last one.

    Args:
        resp: the response.
        stream: the reader of its body.
    """

    def __init__(self, resp: ResponseLike, stream: "MultipartReader") -> None:
        self.resp = resp
        self.stream = stream

    def at_eof(self) -> bool:
        """Return whether all parts were read."""
        return self.stream.at_eof()

    async def next(self) -> Part | None:
        """Return the next part, None after the last one; see `MultipartReader.next`."""
        part = await self.stream.next()
        if self.stream.at_eof():
            await self.release()
        return part

    async def release(self) -> None:
        """Release the response; unread parts are dropped."""
        released = self.resp.release()
        if released is not None:
            await released


class MultipartReader(Series[Part]):
    """Reads the parts of a multipart body, one after the other.

    Args:
        headers: header fields of the body, with a Content-Type that names a boundary.
        content: the source of the body, like a `StreamReader`.
        client_max_size: most bytes of a part that one call reads or decodes. Default: no limit.
        max_field_size: longest header field of a part, name and value, in bytes. Default 8190.
        max_headers: most header fields of a part. Default 128.

    Raises:
        BadMultipart: the Content-Type is not `multipart/*`, or its boundary is missing or too long. It is a
            `ClientPayloadError` and a `ValueError`.
    """

    response_wrapper_cls = MultipartResponseWrapper
    multipart_reader_cls: "type[MultipartReader] | None" = None
    """Class of the readers of nested multipart bodies; None for the class of this reader."""
    part_reader_cls = BodyPartReader
    """Class of the readers of all other parts."""

    def __init__(
        self,
        headers: Mapping[str, str],
        content: Content,
        *,
        client_max_size: int = sys.maxsize,
        max_field_size: int = 8190,
        max_headers: int = 128,
    ) -> None:
        self.headers = headers
        """Header fields of the body."""
        self._media_type = _media_type(headers)
        self._boundary = _boundary(self._media_type)
        self._source = Delimited(content, self._boundary.encode("utf-8", "surrogateescape"))
        self._client_max_size = client_max_size
        self._max_field_size = max_field_size
        self._max_headers = max_headers
        self._default_charset: str | None = None
        self._body = PartBody(self._source)  # of the current part; at first the preamble
        # State that lets `next` continue after a cancellation: whether a part was returned; whether a delimiter was
        # consumed and a head is next; the `_charset_` field being read, and its bytes so far.
        self._fetched = False
        self._in_head = False
        self._charset_field: BodyPartReader | None = None
        self._charset = b""
        self._at_eof = False
        self._depth = 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._media_type.value}>"

    @classmethod
    def from_response(cls, response: ResponseLike) -> MultipartResponseWrapper:
        """Return a reader for the body of a response.

        Args:
            response: a response whose body was not read.

        Raises:
            BadMultipart: as for the constructor.
        """
        return cls.response_wrapper_cls(response, cls(response.headers, response.content))

    def at_eof(self) -> bool:
        """Return whether the closing delimiter was read."""
        return self._at_eof

    async def next(self) -> Part | None:
        """Return the next part, None after the last one. The unread rest of the part before is dropped.

        If the first part of a form is called `_charset_`, it names the charset of the others and is not returned
        (RFC 7578 §4.6).

        Raises:
            BadMultipart: the body is malformed or cut short.
        """
        part: Part | None = self._charset_field
        if self._charset_field is None:
            is_first = not self._fetched
            part = await self.fetch_next_part()
            if is_first and isinstance(part, BodyPartReader) and self._is_charset_field(part):
                self._charset_field = part
        if self._charset_field is not None:
            while piece := await self._charset_field.read_chunk(_MAX_CHARSET):
                self._charset += piece
                if len(self._charset) > _MAX_CHARSET:
                    raise self._source.fail("the charset of the form is too long")
            self._default_charset = self._charset.strip().decode("ascii", "replace")
            self._charset_field = None
            part = await self.fetch_next_part()
        return part

    def _is_charset_field(self, part: BodyPartReader) -> bool:
        return self._media_type.value == "multipart/form-data" and part.name == "_charset_"

    async def fetch_next_part(self) -> Part | None:
        """Return the next part, a `_charset_` field included; otherwise as `next`."""
        if self._at_eof:
            return None
        if not self._in_head:
            self._body.done = True
            await self._skip_body()
            if self._source.pass_delimiter():
                self._at_eof = True
                return None
            self._in_head = True
        headers = await self._source.read_head(self._max_field_size, self._max_headers)
        self._in_head = False
        self._fetched = True
        self._body = PartBody(self._source)
        return self._make_part(headers)

    async def _skip_body(self) -> None:
        try:
            await self._source.skip_body()
        except BadMultipart as error:
            if self._fetched:
                raise
            raise BadMultipart(f"multipart body has no boundary {self._boundary!r} in it") from error

    def _make_part(self, headers: CIMultiDictProxy[str]) -> Part:
        media_type = parse_media_type(headers.get(hdrs.CONTENT_TYPE, ""))
        if media_type.value.startswith("multipart/"):
            if self._depth >= MAX_DEPTH:
                raise self._source.fail(f"multipart bodies are nested deeper than {MAX_DEPTH}")
            reader = (self.multipart_reader_cls or type(self))(
                headers,
                self._body,
                client_max_size=self._client_max_size,
                max_field_size=self._max_field_size,
                max_headers=self._max_headers,
            )
            reader._depth = self._depth + 1
            return reader
        return self.part_reader_cls(
            self._body,
            headers,
            subtype=self._media_type.value.partition("/")[2],
            default_charset=self._default_charset,
            client_max_size=self._client_max_size,
        )

    async def release(self) -> None:
        """Read the rest of the body and drop it.

        Raises:
            BadMultipart: the body is malformed or cut short.
        """
        while await self.fetch_next_part() is not None:
            pass


def _media_type(headers: Mapping[str, str]) -> MediaType:
    field = CIMultiDict(headers).get(hdrs.CONTENT_TYPE, "")
    media_type = parse_media_type(field)
    if not media_type.value.startswith("multipart/"):
        raise BadMultipart(f"multipart/* content type expected, not {field!r:.100}")
    return media_type


def _boundary(media_type: MediaType) -> str:
    boundary = media_type.parameters.get("boundary", "").rstrip(" ")
    if not boundary:
        raise BadMultipart(f"boundary missed for Content-Type: {media_type.value}")
    if len(boundary) > _MAX_BOUNDARY:
        raise BadMultipart(f"boundary {boundary!r:.100} is too long ({_MAX_BOUNDARY} chars max)")
    return boundary
