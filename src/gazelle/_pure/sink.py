"""The contract between the response parser and whoever consumes what it finds."""

from .head import ResponseHead


class ResponseSink:
    """Receives the parts of one response in order.

    `(on_interim)* on_head (on_body | on_chunk_end)* on_end`. A subclass overrides what it needs.
    """

    __slots__ = ()

    def on_interim(self, head: ResponseHead) -> None:
        """Takes an interim (1xx) response other than 101 (RFC 9110 §15.2)."""

    def on_head(self, head: ResponseHead) -> None:
        """Takes the head of the final response."""

    def on_body(self, data: bytes) -> None:
        """Takes a piece of the body, never empty, with the chunked coding already removed."""

    def on_chunk_end(self) -> None:
        """Marks the end of one chunk of a chunked body."""

    def on_end(self) -> None:
        """Marks the end of the response."""
