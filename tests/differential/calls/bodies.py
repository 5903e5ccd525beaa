"""Request bodies: every kind with every method, and the parameters that say how they are sent."""

from __future__ import annotations

import io
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from multidict import MultiDict

from tests.differential.call import Call, Library, fixed
from tests.support.server import Early, chunked, read_body, response, send

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


async def _pieces() -> AsyncIterator[bytes]:
    yield b"one "
    yield b""
    yield b"two"


def _file(data: bytes) -> Any:
    file = tempfile.NamedTemporaryFile(prefix="upload", suffix=".txt")  # noqa: SIM115  (the client closes it)
    file.write(data)
    file.seek(0)
    file.file.name = "notes.txt"  # type: ignore[misc]
    return file.file


def _form(library: Library) -> Any:
    form = library.FormData()
    form.add_field("name", "Ada")
    form.add_field("note", "ä b&c")
    return form


def _upload(library: Library) -> Any:
    form = library.FormData()
    form.add_field("name", "Ada")
    form.add_field("file", b"\x00\x01", filename="a.bin", content_type="application/x-bin")
    form.add_field("text", io.BytesIO(b"content"), filename="a b.txt")
    return form


def _parts(library: Library) -> Any:
    writer = library.MultipartWriter("mixed", boundary="frontier")
    writer.append("text")
    writer.append(b"bytes", {"X-Part": "2"})
    writer.append_json({"a": 1})
    writer.append_form([("a", "1"), ("b", "ä")])
    return writer


BODIES: dict[str, Callable[[Library], dict[str, Any]]] = {
    "none": lambda _: {},
    "data None": lambda _: {"data": None},
    "bytes": lambda _: {"data": b"abc\x00\xff"},
    "empty bytes": lambda _: {"data": b""},
    "bytearray": lambda _: {"data": bytearray(b"abc")},
    "memoryview": lambda _: {"data": memoryview(b"abc")},
    "str": lambda _: {"data": "text"},
    "str of another alphabet": lambda _: {"data": "тест"},
    "empty str": lambda _: {"data": ""},
    "dict": lambda _: {"data": {"a": "1", "b": "x y&z=ä"}},
    "dict of numbers": lambda _: {"data": {"a": 1, "b": 2.5}},
    "empty dict": lambda _: {"data": {}},
    "pairs": lambda _: {"data": [("a", "1"), ("a", "2")]},
    "tuple of pairs": lambda _: {"data": (("a", "1"), ("b", "2"))},
    "multidict": lambda _: {"data": MultiDict([("a", "1"), ("a", "2")])},
    "form": lambda library: {"data": _form(library)},
    "form with files": lambda library: {"data": _upload(library)},
    "dict with file": lambda _: {"data": {"file": io.BytesIO(b"content"), "name": "Ada"}},
    "dict with bytes": lambda _: {"data": {"file": b"content"}},
    "multipart": lambda library: {"data": _parts(library)},
    "BytesIO": lambda _: {"data": io.BytesIO(b"from a buffer")},
    "StringIO": lambda _: {"data": io.StringIO("aus einem Püffer")},
    "file": lambda _: {"data": _file(b"from a file")},
    "empty file": lambda _: {"data": _file(b"")},
    "async iterable": lambda _: {"data": _pieces()},
    "json": lambda _: {"json": {"a": [1, None, "ä"]}},
    "json empty": lambda _: {"json": {}},
    "json list": lambda _: {"json": [1, 2]},
    "json str": lambda _: {"json": "text"},
    "json false": lambda _: {"json": False},
    "json None": lambda _: {"json": None},
    "BytesPayload": lambda library: {"data": library.BytesPayload(b"abc", content_type="x/y")},
    "StringPayload": lambda library: {"data": library.StringPayload("ä", encoding="latin-1")},
    "JsonPayload": lambda library: {"data": library.JsonPayload({"a": 1})},
    "AsyncIterablePayload": lambda library: {"data": library.AsyncIterablePayload(_pieces())},
}

_BIG = b"0123456789abcdef" * 8192


def _fields(*fields: tuple[tuple[Any, ...], dict[str, Any]], **options: Any) -> Callable[[Library], dict[str, Any]]:
    def make(library: Library) -> dict[str, Any]:
        form = library.FormData(**options)
        for arguments, keywords in fields:
            form.add_field(*arguments, **keywords)
        return {"data": form}

    return make


FORMS: dict[str, Callable[[Library], dict[str, Any]]] = {
    "content type": _fields((("a", "1"), {"content_type": "text/html"})),
    "file name": _fields((("a", "1"), {"filename": "x.txt"})),
    "file name of another alphabet": _fields((("a", b"1"), {"filename": "тест.txt"})),
    "file name with quotes": _fields((("a", b"1"), {"filename": 'a"b\\c.txt'})),
    "file name with spaces": _fields((("a", b"1"), {"filename": "a b.txt"})),
    "file name with percent": _fields((("a", b"1"), {"filename": "100%.txt"})),
    "name of another alphabet": _fields((("тест", "1"), {"content_type": "text/plain"})),
    "name with quotes": _fields((('a"b', "1"), {"content_type": "text/plain"})),
    "unquoted": _fields((("a", b"1"), {"filename": "тест 1.txt"}), quote_fields=False),
    "charset": _fields((("a", "ä"), {}), charset="latin-1"),
    "charset multipart": _fields((("a", "ä"), {}), charset="latin-1", default_to_multipart=True),
    "default to multipart": _fields((("a", "1"), {}), default_to_multipart=True),
    "transfer encoding": _fields((("a", "1"), {"content_transfer_encoding": "base64"})),
    "transfer encoding quoted": _fields((("a", b"\xff="), {"content_transfer_encoding": "quoted-printable"})),
    "bytes": _fields((("a", b"1"), {})),
    "bytearray": _fields((("a", bytearray(b"1")), {})),
    "memoryview": _fields((("a", memoryview(b"1")), {})),
    "number multipart": _fields((("a", 1), {}), default_to_multipart=True),
    "number": _fields((("a", 1), {})),
    "file guessed": lambda library: _fields((("a", io.BytesIO(b"{}")), {"filename": "a.json"}))(library),
    "empty": _fields(),
    "empty multipart": _fields(default_to_multipart=True),
    "name not str": _fields(((1, "1"), {})),
    "filename not str": _fields((("a", "1"), {"filename": 1})),
    "content type not str": _fields((("a", "1"), {"content_type": 1})),
    "content type with line end": _fields((("a", "1"), {"content_type": "text/plain\r\nX: 1"})),
    "name with line end": _fields((("a\r\nb", "1"), {"content_type": "text/plain"})),
    "files in pairs": lambda _: {"data": [("a", "1"), ("f", io.BytesIO(b"x"))]},
    "add_fields": lambda library: {"data": library.FormData([("a", "1"), MultiDict(b="2"), ("c", "3")])},
    "fields wrong": lambda library: {"data": library.FormData(["a"])},
}

SENT: dict[str, dict[str, Any]] = {
    "compress": {"data": b"x" * 100, "compress": True},
    "compress deflate": {"data": b"x" * 100, "compress": "deflate"},
    "compress gzip": {"data": b"x" * 100, "compress": "gzip"},
    "compress False": {"data": b"x" * 100, "compress": False},
    "compress text": {"data": "text" * 10, "compress": True},
    "compress json": {"json": {"a": 1}, "compress": True},
    "compress nothing": {"compress": True},
    "compress empty": {"data": b"", "compress": True},
    "compress and Content-Encoding": {"data": b"x", "compress": True, "headers": {"Content-Encoding": "gzip"}},
    "compress and Content-Length": {"data": b"x", "compress": True, "headers": {"Content-Length": "1"}},
    "Content-Encoding": {"data": b"x", "headers": {"Content-Encoding": "x-mine"}},
    "Content-Encoding gzip": {"data": b"xxxx", "headers": {"Content-Encoding": "gzip"}},
    "Content-Encoding deflate": {"data": b"xxxx", "headers": {"Content-Encoding": "deflate"}},
    "chunked": {"data": b"abc", "chunked": True},
    "chunked False": {"data": b"abc", "chunked": False},
    "chunked text": {"data": "abc", "chunked": True},
    "chunked empty": {"data": b"", "chunked": True},
    "chunked json": {"json": {}, "chunked": True},
    "chunked nothing": {"chunked": True},
    "chunked and Content-Length": {"data": b"abc", "chunked": True, "headers": {"Content-Length": "3"}},
    "chunked and Transfer-Encoding": {"data": b"abc", "chunked": True, "headers": {"Transfer-Encoding": "chunked"}},
    "Transfer-Encoding": {"data": b"abc", "headers": {"Transfer-Encoding": "chunked"}},
    "Content-Length": {"data": b"abc", "headers": {"Content-Length": "3"}},
    "Content-Length shorter": {"data": b"abcdef", "headers": {"Content-Length": "3"}},
    "Content-Length nonsense": {"data": b"abc", "headers": {"Content-Length": "x"}},
    "Content-Length signed": {"data": b"abc", "headers": {"Content-Length": "+3"}},
    "Content-Type": {"data": b"abc", "headers": {"Content-Type": "image/png"}},
    "Content-Type of json": {"json": {}, "headers": {"Content-Type": "application/vnd.api+json"}},
    "Content-Type of form": {"data": {"a": "1"}, "headers": {"Content-Type": "application/x-mine"}},
    "Content-Type skipped": {"data": b"abc", "skip_auto_headers": ["Content-Type"]},
    "Content-Type skipped for nothing": {"skip_auto_headers": ["content-type"]},
    "Content-Length skipped": {"data": b"abc", "skip_auto_headers": ["Content-Length"]},
    "big": {"data": _BIG},
    "big text": {"data": _BIG.decode()},
    "big chunked": {"data": _BIG, "chunked": True},
    "data and json": {"data": b"a", "json": 1},
    "json not serialisable": {"json": object()},
    "data not sendable": {"data": object()},
    "data the items of a dict": {"data": {"a": "1"}.items()},
    "data a number": {"data": 5},
    "data a set": {"data": {"a"}},
    "pair of three": {"data": [("a", "b", "c")]},
    "list of str": {"data": ["a"]},
}

_CONTINUE = send(b"HTTP/1.1 100 Continue\r\n\r\n")
_DONE = send(response(b"done"))

EXPECTATIONS = {
    "100 then 200": Early([_CONTINUE, read_body(), _DONE]),
    "417 at once": Early([send(response(b"", status="417 Expectation Failed", headers="Connection: close"))]),
    "100 twice": Early([_CONTINUE, _CONTINUE, read_body(), _DONE]),
    "103 then 100": Early([send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), _CONTINUE, read_body(), _DONE]),
}


def calls() -> Iterator[Call]:
    """The calls of this theme."""
    for method in METHODS:
        for kind, options in BODIES.items():
            if method in ("POST", "GET", "PUT", "HEAD") or kind in (
                "none",
                "bytes",
                "empty bytes",
                "json",
                "dict",
                "async iterable",
                "form with files",
            ):
                yield Call(f"bodies/{method}/{kind}", method, options=options)
    for kind, options in FORMS.items():
        yield Call(f"bodies/form/{kind}", "POST", options=options)
    for kind, sent in SENT.items():
        yield Call(f"bodies/sent/{kind}", "POST", options=fixed(**sent))
    for kind in ("chunked nothing", "compress nothing", "compress", "chunked", "Transfer-Encoding", "Content-Length"):
        yield Call(f"bodies/sent by GET/{kind}", "GET", options=fixed(**SENT[kind]))
    for kind, script in EXPECTATIONS.items():
        yield Call(f"bodies/expect/{kind}", "POST", options=fixed(data=b"abc", expect100=True), routes={"*": script})
    script = EXPECTATIONS["100 then 200"]
    for kind, options in {
        "header": fixed(data=b"abc", headers={"Expect": "100-continue"}),
        "header in capitals": fixed(data=b"abc", headers={"Expect": "100-CONTINUE"}),
        "and the header": fixed(data=b"abc", expect100=True, headers={"Expect": "100-continue"}),
        "stream": lambda _: {"data": _pieces(), "expect100": True},
        "nothing": fixed(expect100=True),
    }.items():
        yield Call(f"bodies/expect/{kind}", "POST", options=options, routes={"*": script})
    for kind, options in {"bytes": BODIES["bytes"], "async iterable": BODIES["async iterable"]}.items():
        yield Call(
            f"bodies/chunked reply to {kind}",
            "POST",
            options=options,
            routes={"*": [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"ab", b"c"))]},
        )
