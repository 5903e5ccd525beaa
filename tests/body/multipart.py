"""Multipart bodies with the boundary `B`, and readers of them."""

from __future__ import annotations

from typing import Any

from gazelle.body.multipart import BodyPartReader, MultipartReader
from tests.support.bodies import stream

MIXED = {"Content-Type": "multipart/mixed; boundary=B"}
FORM = {"Content-Type": "multipart/form-data; boundary=B"}


def reader(body: bytes, headers: dict[str, str] | None = None, **options: Any) -> MultipartReader:
    return MultipartReader(headers or MIXED, stream([body]), **options)


async def parts_of(reader: MultipartReader) -> list[Any]:
    """All parts, as (headers, body), a nested body as a list."""
    found: list[Any] = []
    async for part in reader:
        if isinstance(part, MultipartReader):
            found.append(await parts_of(part))
        else:
            found.append((dict(part.headers), await part.read()))
            assert part.at_eof()
    assert reader.at_eof()
    assert await reader.next() is None
    return found


async def only(body: bytes, **options: Any) -> BodyPartReader:
    """The first part."""
    part = await reader(body, **options).next()
    assert isinstance(part, BodyPartReader)
    return part


def encoded_part(headers: str, body: bytes) -> bytes:
    return b"--B\r\n" + headers.encode() + b"\r\n\r\n" + body + b"\r\n--B--"
