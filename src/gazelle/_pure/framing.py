"""Where a response body ends and whether its connection may be used again."""

from typing import Final

from gazelle.errors import InvalidHeader

from .head import ResponseHead

CHUNKED: Final = -1
UNTIL_EOF: Final = -2

# A length that a signed 64-bit offset cannot hold is not a length.
_MAX_LENGTH: Final = 2**63 - 1


def body_length(head: ResponseHead, bodiless: bool) -> int:
    """Return the length of the body in bytes, or `CHUNKED`, or `UNTIL_EOF` (RFC 9112 §6.3).

    Args:
        head: the parsed head of a final response.
        bodiless: the request was HEAD, or CONNECT with a successful answer, so that there is no body
            the fields say. The fields are checked all the same.

    Raises:
        InvalidHeader: the framing is ambiguous. Lenience here is how responses are smuggled, so anything but one
            Content-Length or exactly `chunked` is refused.
    """
    transfer_encoding = head.transfer_encoding
    content_length = head.content_length
    length = 0
    if transfer_encoding is not None:
        if content_length is not None:
            raise InvalidHeader(b"Content-Length beside Transfer-Encoding: " + transfer_encoding)
        if head.minor == 0:
            # RFC 9112 §6.1: the framing of an HTTP/1.0 message with Transfer-Encoding is faulty.
            raise InvalidHeader(b"Transfer-Encoding in HTTP/1.0: " + transfer_encoding)
        if transfer_encoding.lower() != b"chunked":
            raise InvalidHeader(b"Transfer-Encoding: " + transfer_encoding)
        length = CHUNKED
    elif content_length is not None:
        number = 0
        if len(content_length) < 20:
            for digit in content_length:
                number = 10 * number + (digit - 48)
        if number > _MAX_LENGTH or len(content_length) >= 20:
            raise InvalidHeader(b"Content-Length: " + content_length)
        length = number
    else:
        length = UNTIL_EOF
    status = head.status
    if bodiless or status == 204 or status == 304:
        return 0
    return length


def may_keep_alive(head: ResponseHead) -> bool:
    """Return whether the connection persists after this response (RFC 9112 §9.3)."""
    connection = head.connection
    if connection is None:
        return head.minor == 1
    tokens = [token.strip(b" \t") for token in connection.lower().split(b",")]
    if b"close" in tokens:
        return False
    return head.minor == 1 or b"keep-alive" in tokens
