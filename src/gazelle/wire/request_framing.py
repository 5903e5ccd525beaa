"""Where the body of a request ends, and the fields that say so (RFC 9110 §8.6, RFC 9112 §6)."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from multidict import CIMultiDict

from gazelle.body.compress import coding_of
from gazelle.body.payload import Payload, get_payload
from gazelle.types import HttpVersion, HttpVersion10

from .request_head import check_value

BODILESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Requests with these methods have no body unless one is given, and do not say so (RFC 9110 §8.6)."""

FRAMING_FIELDS: Final = frozenset({"content-encoding", "content-length", "expect", "transfer-encoding"})
"""Lower-case names of the fields that a caller may pass and that decide how the body is sent."""

LAST_CHUNK: Final = b"0\r\n\r\n"
"""The last chunk, and the end of the trailer section."""

_ONCE: Final = frozenset({"content-length", "transfer-encoding"})


class Encoded(NamedTuple):
    """A body before it is framed: bytes, a payload or None, and the line with its media type, if it has one."""

    body: bytes | Payload | None = None
    type_line: bytes = b""


class Wanted(NamedTuple):
    """What a call asks for: a content coding, chunks, `Expect: 100-continue`, a body that is sent in pieces."""

    compress: str | bool | None = None
    chunked: bool | None = None
    expect: bool = False
    streamed: bool = False


class Framing(NamedTuple):
    """A body ready to be sent.

    Args:
        lines: the fields that describe it.
        ready: the body, if it is sent together with the head.
        payload: the body, if it is sent in pieces.
        length: bytes of `payload` that the head promises, None if it is chunked.
        coding: content coding that `payload` still has to be put into.
        expect: whether the body is held back until the server asks for it.
        source: the payload that the body was made from, which can make it again.
        unframed: what `ready` holds in chunks.
    """

    lines: bytes = b""
    ready: bytes = b""
    payload: Payload | None = None
    length: int | None = None
    coding: str | None = None
    expect: bool = False
    source: Payload | None = None
    unframed: bytes | None = None


def encode_chunk(data: bytes) -> bytes:
    """Return data as one chunk of the chunked coding; no data is no chunk, because an empty one ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def framing_fields(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the fields among `FRAMING_FIELDS`, by name in lower case.

    Raises:
        TypeError: a value is not a str.
        ValueError: Content-Length or Transfer-Encoding is there more than once: where the body ends must not depend on
            which of them a server believes (RFC 9112 §6.3).
    """
    found: dict[str, str] = {}
    for name, value in fields:
        key = name.lower()
        if key in FRAMING_FIELDS:
            check_value(name, value)
            if key in found and key in _ONCE:
                raise ValueError(f"{name} is passed more than once")
            found.setdefault(key, value)
    return found


def frame(method: str, encoded: Encoded, passed: dict[str, str], wanted: Wanted, version: HttpVersion) -> Framing:
    """Return the body of a call, framed.

    Args:
        method: HTTP method.
        encoded: the body.
        passed: the framing fields that were passed, see `framing_fields`.
        wanted: what the call asks for.
        version: HTTP version of the request.

    Raises:
        ValueError: what is asked for, or passed, contradicts itself or the body.
    """
    body = encoded.body
    coding = _coding(wanted.compress, body, passed)
    chunked = _is_chunked(bool(wanted.chunked) or coding is not None, passed)
    length, ready = _length(body, chunked, passed, version)
    lines = encoded.type_line
    if coding is not None:
        lines = b"Content-Encoding: %s\r\n%b" % (coding.encode(), lines)
    if length is None:
        if "transfer-encoding" not in passed:
            lines += b"Transfer-Encoding: chunked\r\n"
    elif "content-length" not in passed and (body is not None or method not in BODILESS_METHODS):
        lines = b"Content-Length: %d\r\n%b" % (length, lines)
    expect = wanted.expect or passed.get("expect", "").strip().lower() == "100-continue"
    if wanted.expect and "expect" not in passed:
        lines += b"Expect: 100-continue\r\n"
    if body is None:
        return Framing(lines)
    if ready is None or coding is not None or expect or wanted.streamed:
        payload = get_payload(body) if isinstance(body, bytes) else body
        return Framing(lines, b"", payload, length, coding, expect, payload)
    source = None if isinstance(body, bytes) else body
    if length is None:
        return Framing(lines, encode_chunk(ready) + LAST_CHUNK, source=source, unframed=ready)
    return Framing(lines, ready, source=source)


def _coding(compress: str | bool | None, body: bytes | Payload | None, passed: dict[str, str]) -> str | None:
    """Return the content coding that the body is put into; an empty one is in none."""
    coding = coding_of(compress)
    if coding is None:
        return None
    for name in ("Content-Encoding", "Content-Length"):
        if name.lower() in passed:
            raise ValueError(f"compress can not be set if {name} header is set")
    empty = body is None or (body if isinstance(body, bytes) else body.body_bytes()) == b""
    return None if empty else coding


def _is_chunked(chunked: bool, passed: dict[str, str]) -> bool:
    if "transfer-encoding" in passed:
        if passed["transfer-encoding"].strip().lower() != "chunked":
            raise ValueError("The only Transfer-Encoding that can be passed is chunked")
        if chunked:
            raise ValueError("chunked can not be set if 'Transfer-Encoding: chunked' header is set")
        chunked = True
    if chunked and "content-length" in passed:
        raise ValueError("chunked can not be set if Content-Length header is set")
    return chunked


def _length(
    body: bytes | Payload | None, chunked: bool, passed: dict[str, str], version: HttpVersion
) -> tuple[int | None, bytes | None]:
    """Return how many bytes are sent, None if in chunks; and those bytes, None if they are not in memory."""
    ready = body if isinstance(body, bytes) else None if body is None else body.body_bytes()
    length = len(ready) if ready is not None else 0 if body is None or isinstance(body, bytes) else body.size
    if "content-length" in passed:
        promised = check_length(passed["content-length"])
        if (ready is not None and promised > len(ready)) or (body is None and promised):
            raise ValueError(f"Content-Length is passed as {promised}, but the body has {length} bytes")
        return promised, None if ready is None else ready[:promised]
    if body is None:
        if "transfer-encoding" in passed:
            raise ValueError("Transfer-Encoding is passed, but there is no body")
        return 0, None
    if chunked or length is None:
        _check_chunks(version)
        return None, ready
    return length, ready


def _check_chunks(version: HttpVersion) -> None:
    if version == HttpVersion10:
        raise ValueError("HTTP/1.0 has no chunked coding: the body needs a length")


def check_length(value: str) -> int:
    """Return the value of a Content-Length field.

    Raises:
        ValueError: it is not a number.
    """
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"Content-Length should be a number, got {value!r}")
    return int(value)


def reframe(
    headers: CIMultiDict[str], body: bytes | Payload, coding: str | None, streamed: bool, version: HttpVersion
) -> Framing:
    """Return the body of a changed request, framed as its fields say.

    A server that believed another field, or another length, would take what follows for the next request
    (RFC 9112 §6.3, §11.2).

    Args:
        headers: all fields of the request.
        body: the body.
        coding: content coding that the body was to be put into.
        streamed: whether it is sent in pieces whatever it is.
        version: HTTP version of the request.

    Raises:
        ValueError: the fields do not say where the body ends, or not just once, or not truly.
    """
    passed = framing_fields(headers.items())
    chunked = "transfer-encoding" in passed
    length = check_length(passed["content-length"]) if "content-length" in passed else None
    if chunked and length is not None:
        raise ValueError("Content-Length and Transfer-Encoding are both set")
    if chunked and passed["transfer-encoding"].strip().lower() != "chunked":
        raise ValueError("The only Transfer-Encoding that can be set is chunked")
    if chunked:
        _check_chunks(version)
    coding = _kept_coding(headers, coding)
    expect = passed.get("expect", "").strip().lower() == "100-continue"
    if isinstance(body, bytes):
        if not chunked:
            if len(body) != (length or 0):
                raise ValueError(f"Content-Length is set to {length}, but the body has {len(body)} bytes")
            return Framing(ready=body)
        if not streamed and not expect:
            return Framing(ready=encode_chunk(body) + LAST_CHUNK, unframed=body)
        body = get_payload(body)
    elif not chunked and (length is None or coding is not None):
        # A body that is compressed while it is sent has no known length.
        raise ValueError("Transfer-Encoding is not set, but the length of the body is not known")
    return Framing(b"", b"", body, length, coding, expect, body)


def _kept_coding(headers: CIMultiDict[str], coding: str | None) -> str | None:
    """Return the coding to put a body into: the field names it; without the field the body is sent as it is."""
    if coding is None:
        return None
    named = ", ".join(headers.getall("Content-Encoding", [])).strip().lower()
    if named and named != coding:
        raise ValueError(f"Content-Encoding is set to {named!r}, but the body is put into {coding}")
    return coding if named else None
