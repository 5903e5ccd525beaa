"""Kinds that differ in the body of the request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from benchmarks.canned import reply
from benchmarks.macro.workloads import Site, Workload

TEXT = "Eudorcas thomsonii läuft, schlägt Haken und läuft. " * 8
FILE = b"\x89PNG\r\n" + bytes(range(256)) * 4


async def post_upload(at: Site) -> Any:
    """A form with a field and a file."""
    form = at.api.FormData()
    form.add_field("animal", "gazelle")
    form.add_field("picture", FILE, filename="gazelle.png", content_type="image/png")
    async with at.session.post(at.url, data=form) as response:
        return await response.read()


async def two_pieces() -> AsyncIterator[bytes]:
    """A body that is made while it is sent."""
    yield b"the first piece; "
    yield b"the second piece"


async def post_generator(at: Site) -> Any:
    """A body of unknown length."""
    async with at.session.post(at.url, data=two_pieces()) as response:
        return await response.read()


async def post_text(at: Site) -> Any:
    """A body that is a str."""
    async with at.session.post(at.url, data=TEXT) as response:
        return await response.read()


_UPLOADED = {"/survey/upload": [reply("200 OK", [("Content-Type", "application/json")], b'{"hello":"wrld"}')]}

_RECEIVED = b'{"received":'

KINDS = (
    Workload("form_file", "FormData with a file and a field", "/survey/upload", call=post_upload, replies=_UPLOADED),
    Workload("post_generator", "POST of an async generator, two pieces", "/survey/upload", call=post_generator),
    Workload(
        "post_text",
        "POST of a str",
        "/post",
        method="POST",
        call=post_text,
        data=TEXT.encode(),
        reply=_RECEIVED,
        bare=True,
    ),
    Workload("put_1m", "PUT of 1 MB", "/post", method="PUT", data=b"gazelle\n" * 131072, reply=_RECEIVED),
)
