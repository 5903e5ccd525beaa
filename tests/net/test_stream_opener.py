"""The streams that an opener makes for the bodies of responses."""

from __future__ import annotations

import gzip
from types import SimpleNamespace
from typing import Any

import pytest
from yarl import URL

from gazelle.net.stream import StreamReader
from gazelle.net.stream_opener import StreamOpener
from gazelle.net.traced_stream import TracedStreamReader

HERE = URL("http://h/")


def head(coding: bytes | None) -> Any:
    return SimpleNamespace(content_encoding=coding)


@pytest.mark.parametrize("stream_class", [StreamReader, TracedStreamReader])
async def test_an_opener_makes_streams_of_its_class_with_its_limit(stream_class: type[StreamReader]) -> None:
    stream = StreamOpener(1000, True, stream_class)(None, head(None))
    assert type(stream) is stream_class
    assert stream.get_read_buffer_limits() == (1000, 2000)
    stream.feed_data(b"plain")
    stream.feed_eof()
    assert await stream.read() == b"plain"


@pytest.mark.parametrize(
    ("auto_decompress", "coding", "decoded"),
    [(True, b"gzip", True), (False, b"gzip", False), (True, b"GZIP", True), (True, b"identity", False)],
)
async def test_an_opener_takes_content_codings_off_if_it_is_asked_to(
    auto_decompress: bool, coding: bytes, decoded: bool
) -> None:
    data = gzip.compress(b"text")
    stream = StreamOpener(1000, auto_decompress)(None, head(coding))
    stream.feed_data(data)
    stream.feed_eof()
    assert await stream.read() == (b"text" if decoded else data)
