"""Opening the stream of a response body."""

from gazelle._impl import ResponseHead
from gazelle.body.codings import make_decoder

from .direct_read import ReadingControl
from .stream import StreamReader


class StreamOpener:
    """Opens the streams of the bodies of one session or request.

    Args:
        limit: low water mark of the streams, in bytes.
        auto_decompress: whether content codings are removed.
        stream_class: class of the streams.
    """

    __slots__ = ("auto_decompress", "limit", "stream_class")

    def __init__(self, limit: int, auto_decompress: bool, stream_class: type[StreamReader] = StreamReader) -> None:
        self.limit = limit
        self.auto_decompress = auto_decompress
        self.stream_class = stream_class

    def __call__(self, connection: ReadingControl | None, head: ResponseHead) -> StreamReader:
        coding = head.content_encoding
        decoder = make_decoder(coding.decode("latin-1")) if coding is not None and self.auto_decompress else None
        return self.stream_class(connection, self.limit, decoder=decoder)
