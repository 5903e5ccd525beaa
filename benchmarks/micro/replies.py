"""Replies that the micro benchmarks parse: the canned server's small and JSON reply, a chunked and a large one."""

from __future__ import annotations

SMALL = (
    b"HTTP/1.1 200 OK\r\nServer: canned\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Type: application/json\r\n"
    b'Content-Length: 16\r\n\r\n{"hello":"wrld"}'
)

TWELVE_FIELDS: tuple[tuple[str, str], ...] = (
    ("Date", "Sun, 22 Nov 2026 10:00:00 GMT"),
    ("Content-Type", "application/json; charset=utf-8"),
    ("Content-Length", "641"),
    ("Connection", "keep-alive"),
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("ETag", 'W/"2c4-9f2d4b7a1e"'),
    ("Vary", "Accept-Encoding, Origin"),
    ("X-Request-Id", "5c1a0f1e-8f0c-4c55-9d6c-0d6f4c7f9a10"),
    ("X-RateLimit-Limit", "5000"),
    ("X-RateLimit-Remaining", "4987"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("Set-Cookie", "sid=3f9a6c1be2; Path=/; HttpOnly; SameSite=Lax"),
)

TWELVE = (
    b"HTTP/1.1 200 OK\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in TWELVE_FIELDS).encode()
    + b"\r\n"
    + b"x" * 641
)

_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"

CHUNKED_16 = _CHUNKED_HEAD + b"100\r\n%b\r\n" % (b"c" * 256) * 16 + b"0\r\n\r\n"

CHUNKED_1000 = b"40\r\n%b\r\n" % (b"c" * 64) * 1000 + b"0\r\n\r\n"
"""A body only: 1000 chunks of 64 bytes, the last chunk, no trailer."""

LARGE = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1048576\r\n\r\n" + b"l" * 1048576


def head_of(reply: bytes) -> bytes:
    """The head of a reply, its empty line included."""
    return reply[: reply.index(b"\r\n\r\n") + 4]


def pieces_of(reply: bytes, size: int) -> list[bytes]:
    """The reply as a socket would deliver it, *size* bytes at a time."""
    return [reply[start : start + size] for start in range(0, len(reply), size)]
