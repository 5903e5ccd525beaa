"""What the parts of the engine call on each other, so that none of them imports the one that uses it."""

from typing import Any, Final, Protocol

from .head import ResponseHead

PENDING: Final = 0
"""The response is not complete yet."""
REUSE: Final = 1
"""The connection can carry another exchange."""
CLOSE: Final = 2
"""The connection cannot be used again."""
SWITCH: Final = 3
"""The connection speaks another protocol now (RFC 9110 §7.8, §9.3.6)."""


class ResponseSink:
    """Receives the parts of one response in order.

    `(on_interim)* on_head (on_body | on_chunk_end)* on_end`. A subclass overrides what it needs.
    """

    __slots__ = ()

    def on_interim(self, head: ResponseHead) -> None:
        """Receive an interim (1xx) response other than 101 (RFC 9110 §15.2)."""

    def on_head(self, head: ResponseHead) -> None:
        """Receive the head of the final response."""

    def on_body(self, data: bytes) -> None:
        """Receive a piece of the body, never empty, with the chunked coding already removed."""

    def on_chunk_end(self) -> None:
        """Receive the end of one chunk of a chunked body."""

    def on_end(self) -> None:
        """Receive the end of the response."""


class BodySink(Protocol):
    """Receives a body in memory of its own: the transport writes into it, and no `bytes` are made on the way.

    `(buffer wrote)*`. The sink is attached with what has arrived already, and gives back what it has when the body
    ends, breaks off, or its reader is cancelled.
    """

    def buffer(self, hint: int) -> memoryview:
        """Return a writable view, not empty, for up to `hint` bytes."""

    def wrote(self, size: int) -> object:
        """Count the first `size` bytes of the latest view as written; it may still be in use."""


class ConnectionOwner:
    """Owns a connection: the connection reports here, and knows neither pools nor leases."""

    __slots__ = ()

    def ended(self, connection: Any, outcome: int, left_over: bytes) -> None:
        """Receive the end of an exchange, or of the connection.

        Args:
            connection: the connection.
            outcome: REUSE, CLOSE or SWITCH; the connection is in that state already.
            left_over: after SWITCH, the bytes of the new protocol that came in the same read as the response.
        """

    def lost(self, connection: Any) -> None:
        """Receive the news that the socket of the connection is closed."""
