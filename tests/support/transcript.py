"""What a response parser said about some pieces of bytes, in a form that can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from gazelle.errors import BadHttpMessage, ServerConnectionError
from tests.support.corpus import Case, Expected, Limits, Pairs


class Head(NamedTuple):
    """All that a head tells."""

    status: int
    reason: str
    version: tuple[int, int]
    raw_headers: Pairs
    headers: tuple[tuple[str, str], ...]
    keep_alive: bool

    @classmethod
    def of(cls, head: Any) -> Head:
        return cls(
            head.status,
            head.reason,
            (head.version.major, head.version.minor),
            head.raw_headers,
            tuple(head.headers.items()),
            head.keep_alive,
        )


Event = tuple[str, Any]


@dataclass(frozen=True)
class Transcript:
    """The calls of the sink (neighbouring pieces of a body joined), the error, and how far the parser went.

    `consumed` counts the bytes taken by calls of `feed` that returned; with an error it is where the piece began
    that the parser refused. `at_eof` says that the error came from `feed_eof`.
    """

    events: tuple[Event, ...]
    error: str | None
    at_eof: bool
    consumed: int
    done: bool
    started: bool

    @property
    def body(self) -> bytes:
        return b"".join(value for kind, value in self.events if kind == "body")

    @property
    def chunks(self) -> tuple[int, ...]:
        """Sizes of the chunks that have ended."""
        sizes, size = [], 0
        for kind, value in self.events:
            if kind == "body":
                size += len(value)
            elif kind == "chunk_end":
                sizes.append(size)
                size = 0
        return tuple(sizes)

    def first(self, kind: str) -> Any:
        """The value of the first event of a kind, None if there is none."""
        return next((value for name, value in self.events if name == kind), None)

    def without_position(self) -> Transcript:
        """The same without where an error was noticed, which depends on the cuts."""
        return self if self.error is None or self.at_eof else replace(self, consumed=-1)


@cache
def recorder_class(sink: type[Any]) -> type[Any]:
    """A sink that writes down what it is told, on top of the `ResponseSink` of one twin."""

    class Recorder(sink):  # type: ignore[misc]
        def __init__(self) -> None:
            self.events: list[Event] = []
            self.piece: list[bytes] = []

        def _join(self) -> None:
            if self.piece:
                self.events.append(("body", b"".join(self.piece)))
                self.piece = []

        def on_interim(self, head: Any) -> None:
            self.events.append(("interim", Head.of(head)))

        def on_head(self, head: Any) -> None:
            self.events.append(("head", Head.of(head)))

        def on_body(self, data: bytes) -> None:
            assert type(data) is bytes
            assert data
            self.piece.append(data)

        def on_chunk_end(self) -> None:
            self._join()
            self.events.append(("chunk_end", None))

        def on_end(self) -> None:
            self._join()
            self.events.append(("end", None))

        def finish(self) -> tuple[Event, ...]:
            """All events since the last time."""
            self._join()
            events, self.events = self.events, []
            return tuple(events)

    return Recorder


def new_parser(module: ModuleType, sink_module: ModuleType, limits: Limits = Limits()) -> tuple[Any, Any]:
    """A parser of one twin and the recorder it tells."""
    recorder = recorder_class(sink_module.ResponseSink)()
    parser = module.ResponseParser(
        recorder,
        max_line_size=limits.max_line_size,
        max_field_size=limits.max_field_size,
        max_headers=limits.max_headers,
    )
    return parser, recorder


def transcribe(
    twin: Any,
    pieces: Iterable[bytes],
    *,
    method: str = "GET",
    upgrade: bool = False,
    read_until_eof: bool = True,
    eof: bool = False,
    limits: Limits = Limits(),
) -> Transcript:
    """Feeds the pieces to a new parser of `twin` and writes down what happens."""
    parser, recorder = new_parser(twin.http_parser, twin.sink, limits)
    parser.start(method, upgrade=upgrade, read_until_eof=read_until_eof)
    return listen(parser, recorder, pieces, eof)


def listen(parser: Any, recorder: Any, pieces: Iterable[bytes], eof: bool) -> Transcript:
    """Feeds the pieces to a parser that is armed, and its end if there is one, and writes down what happens."""
    consumed = 0
    error: BaseException | None = None
    at_eof = False
    try:
        for piece in pieces:
            taken = parser.feed(piece)
            consumed += taken
            if taken != len(piece):
                assert 0 <= taken < len(piece)
                assert parser.done
                assert parser.feed(piece[taken:]) == 0
                break
        if eof:
            at_eof = True
            parser.feed_eof()
    except (BadHttpMessage, ServerConnectionError) as caught:
        error = caught
    transcript = Transcript(
        recorder.finish(),
        None if error is None else type(error).__name__,
        at_eof and error is not None,
        consumed,
        parser.done,
        parser.started,
    )
    assert error is None or refuses_more(parser)
    return transcript


def refuses_more(parser: Any) -> bool:
    """Whether a parser that has failed refuses the best of responses, and the end of the connection too."""
    refused = 0
    for feed in (lambda: parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), parser.feed_eof):
        try:
            feed()
        except (BadHttpMessage, ServerConnectionError):
            refused += 1
    return refused == 2


def transcribe_case(twin: Any, case: Case, pieces: Iterable[bytes]) -> Transcript:
    """The transcript of a case cut into these pieces."""
    return transcribe(
        twin,
        pieces,
        method=case.method,
        upgrade=case.upgrade,
        read_until_eof=case.read_until_eof,
        eof=case.eof,
        limits=case.limits,
    )


def check(case: Case, got: Transcript) -> None:
    """Asserts that a transcript is the one right answer of the case, for whatever pieces it was fed in."""
    expected: Expected = case.expected
    kinds = [kind for kind, _ in got.events]
    order = {"interim": 0, "head": 1, "body": 2, "chunk_end": 2, "end": 3}
    ranks = [order[kind] for kind in kinds]
    assert ranks == sorted(ranks), f"events out of order: {kinds}"
    assert kinds.count("head") <= 1
    assert kinds.count("end") <= 1
    assert got.error == expected.error, case.why
    assert tuple(head.status for kind, head in got.events if kind == "interim") == expected.interim
    assert got.body == expected.body
    head = got.first("head")
    assert (head is None) == (expected.status is None)
    if head is not None:
        assert head.status == expected.status
        assert head.headers == decoded(head.raw_headers)
    if expected.error is None:
        if head is not None:
            assert head.reason == expected.reason
            assert head.version == expected.version
            assert head.raw_headers == expected.headers
            assert head.keep_alive == expected.keep_alive
        if expected.chunks is not None:
            assert got.chunks == expected.chunks
        assert got.done == expected.complete
        assert case.data[got.consumed :] == expected.rest
    assert kinds.count("end") == int(got.done)
    assert got.started == bool(case.data)


def decoded(pairs: Pairs) -> tuple[tuple[str, str], ...]:
    """The multidict's items that belong to raw fields."""
    return tuple((name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in pairs)
