"""How a request body is framed: every combination of what a call may ask for, and the fields of changed requests."""

from __future__ import annotations

import io
import itertools
from typing import Any, Final, NamedTuple

import pytest
from multidict import CIMultiDict

from gazelle.body.payload import Payload, get_payload
from gazelle.types import HttpVersion, HttpVersion10, HttpVersion11
from gazelle.wire.request_framing import (
    Encoded,
    Framing,
    Wanted,
    check_length,
    encode_chunk,
    frame,
    framing_fields,
    reframe,
)
from tests.support.bodies import Watched, yielding

BODY: Final = b"0123456789"
TYPE: Final = b"Content-Type: text/plain\r\n"
IN_CHUNKS: Final = b"a\r\n0123456789\r\n0\r\n\r\n"

# How a body is known: nothing, bytes, a payload in memory, one of known length only, one of unknown length.
BODIES: Final[dict[str, Any]] = {
    "none": lambda: None,
    "empty": lambda: b"",
    "bytes": lambda: BODY,
    "in memory": lambda: get_payload(io.BytesIO(BODY)),
    "of known length": lambda: Watched(BODY),
    "of unknown length": lambda: get_payload(yielding(BODY)),
}
SIZES: Final = {"none": 0, "empty": 0, "bytes": 10, "in memory": 10, "of known length": 10, "of unknown length": None}
PASSED: Final[dict[str, dict[str, str]]] = {
    "nothing": {},
    "length": {"content-length": "10"},
    "shorter length": {"content-length": "4"},
    "longer length": {"content-length": "11"},
    "zero": {"content-length": "0"},
    "chunked": {"transfer-encoding": " Chunked "},
    "another transfer coding": {"transfer-encoding": "gzip, chunked"},
    "coding": {"content-encoding": "gzip"},
    "expect": {"expect": "100-Continue"},
    "length and chunked": {"content-length": "10", "transfer-encoding": "chunked"},
}
METHODS: Final = ("GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "DELETE", "PURGE")


class Row(NamedTuple):
    body: str
    passed: str
    wanted: Wanted
    version: HttpVersion

    def refused(self) -> bool:
        """Return whether the row contradicts itself, by the rules of RFC 9112 §6."""
        fields, size = PASSED[self.passed], SIZES[self.body]
        # Compressed bytes have another number, and the coding would be named twice. An empty body is not compressed.
        codes = bool(self.wanted.compress)
        if codes and not fields.keys().isdisjoint({"content-encoding", "content-length"}):
            return True
        codes = codes and size != 0
        if self.passed == "another transfer coding":
            return True
        by_field = "transfer-encoding" in fields
        if by_field and (self.wanted.chunked or codes or self.body == "none"):
            return True
        chunked = bool(by_field or self.wanted.chunked or codes)
        if "content-length" in fields:
            in_memory = self.body not in ("of known length", "of unknown length")
            return chunked or (in_memory and int(fields["content-length"]) > (size or 0))
        return self.version == HttpVersion10 and self.body != "none" and (chunked or size is None)


ROWS: Final = [
    Row(body, passed, Wanted(compress, chunked, expect, streamed), version)
    for body, passed, compress, chunked, expect, streamed, version in itertools.product(
        BODIES, PASSED, (None, "gzip"), (None, True), (False, True), (False, True), (HttpVersion11, HttpVersion10)
    )
]


def frame_row(row: Row, method: str) -> Framing:
    encoded = Encoded(BODIES[row.body](), b"" if row.body == "none" else TYPE)
    return frame(method, encoded, PASSED[row.passed], row.wanted, row.version)


def dechunk(data: bytes) -> bytes:
    """Return the body in a chunked message, which must end with its last chunk (RFC 9112 §7.1)."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        body += data[:length]
        assert data[length : length + 2] == b"\r\n"
        data = data[length + 2 :]
        if not length:
            assert data == b""
            return body


def fields_of(framing: Framing, row: Row) -> dict[str, str]:
    """Return the fields on the wire, after it is known that none is there twice."""
    added = [line.decode().split(": ") for line in framing.lines.split(b"\r\n") if line]
    names = [name.lower() for name, _ in added] + [*PASSED[row.passed]]
    assert len(names) == len(set(names)), names
    return PASSED[row.passed] | {name.lower(): value for name, value in added}


def assert_body_is_whole(framing: Framing, row: Row, length: int | None) -> None:
    """Check that what is sent has the length that the fields promise; None for chunks."""
    if framing.payload is not None:
        assert framing.ready == b""
        assert framing.length == length
    elif length is None:
        assert dechunk(framing.ready) == framing.unframed
        assert framing.unframed == (b"" if row.body == "empty" else BODY)
    else:
        assert len(framing.ready) == length
        assert BODY.startswith(framing.ready)
        assert framing.unframed is None


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("passed", PASSED)
def test_every_combination_is_refused_or_says_once_where_the_body_ends(body: str, passed: str) -> None:
    for row in ROWS:
        if (row.body, row.passed) != (body, passed):
            continue
        for method in METHODS:
            if row.refused():
                with pytest.raises(ValueError):
                    frame_row(row, method)
                continue
            framing = frame_row(row, method)
            fields = fields_of(framing, row)
            assert not {"content-length", "transfer-encoding"} <= fields.keys(), row
            if "transfer-encoding" in fields:
                assert_body_is_whole(framing, row, None)
            elif "content-length" in fields:
                assert_body_is_whole(framing, row, int(fields["content-length"]))
            else:  # no body, and a method that does not announce one (RFC 9110 §8.6)
                assert (row.body, framing.ready, framing.payload) == ("none", b"", None)
                assert method in ("GET", "HEAD", "OPTIONS", "TRACE")


@pytest.mark.parametrize("body", BODIES)
def test_a_body_is_sent_in_pieces_where_it_has_to_be_and_only_there(body: str) -> None:
    for row in ROWS:
        if row.body != body or row.refused():
            continue
        framing = frame_row(row, "POST")
        coded = bool(row.wanted.compress) and SIZES[body] != 0
        expect = row.wanted.expect or row.passed == "expect"
        lazy = body in ("of known length", "of unknown length")
        pieces = body != "none" and (lazy or coded or expect or row.wanted.streamed)
        assert (framing.payload is not None) == pieces, row
        assert framing.coding == ("gzip" if coded else None)
        assert framing.expect == (expect and body != "none")
        assert fields_of(framing, row).get("content-encoding") == ("gzip" if coded or row.passed == "coding" else None)


def test_the_rule_and_the_exceptions_are_both_met() -> None:
    refused = sum(row.refused() for row in ROWS)
    assert 200 < refused < len(ROWS) - 200


# Cases, written out.

LINES: Final[list[tuple[str, str, dict[str, str], Wanted, bytes, bytes]]] = [
    ("GET", "none", {}, Wanted(), b"", b""),
    ("POST", "none", {}, Wanted(), b"Content-Length: 0\r\n", b""),
    ("GET", "empty", {}, Wanted(), b"Content-Length: 0\r\n" + TYPE, b""),
    ("GET", "bytes", {}, Wanted(), b"Content-Length: 10\r\n" + TYPE, BODY),
    ("PUT", "in memory", {}, Wanted(), b"Content-Length: 10\r\n" + TYPE, BODY),
    ("POST", "bytes", {}, Wanted(chunked=True), TYPE + b"Transfer-Encoding: chunked\r\n", IN_CHUNKS),
    ("POST", "empty", {}, Wanted(chunked=True), TYPE + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    ("POST", "bytes", {"transfer-encoding": "chunked"}, Wanted(), TYPE, IN_CHUNKS),
    ("POST", "bytes", {"content-length": "4"}, Wanted(), TYPE, b"0123"),
    ("POST", "none", {}, Wanted(chunked=True), b"Content-Length: 0\r\n", b""),
    ("POST", "empty", {}, Wanted(compress="gzip"), b"Content-Length: 0\r\n" + TYPE, b""),
    (
        "POST",
        "bytes",
        {},
        Wanted(compress=True),
        b"Content-Encoding: deflate\r\n" + TYPE + b"Transfer-Encoding: chunked\r\n",
        b"",
    ),
    ("POST", "bytes", {}, Wanted(expect=True), b"Content-Length: 10\r\n" + TYPE + b"Expect: 100-continue\r\n", b""),
    ("POST", "bytes", {"expect": "100-continue"}, Wanted(expect=True), b"Content-Length: 10\r\n" + TYPE, b""),
    ("POST", "bytes", {"expect": "something"}, Wanted(), b"Content-Length: 10\r\n" + TYPE, BODY),
    ("POST", "bytes", {}, Wanted(streamed=True), b"Content-Length: 10\r\n" + TYPE, b""),
    ("POST", "of known length", {}, Wanted(), b"Content-Length: 10\r\n" + TYPE, b""),
    ("POST", "of unknown length", {}, Wanted(), TYPE + b"Transfer-Encoding: chunked\r\n", b""),
]


@pytest.mark.parametrize(("method", "body", "passed", "wanted", "lines", "ready"), LINES)
def test_the_lines_and_the_bytes_of_a_framed_body(
    method: str, body: str, passed: dict[str, str], wanted: Wanted, lines: bytes, ready: bytes
) -> None:
    encoded = Encoded(BODIES[body](), b"" if body == "none" else TYPE)
    framing = frame(method, encoded, passed, wanted, HttpVersion11)
    assert (framing.lines, framing.ready) == (lines, ready)


REFUSED: Final = [
    ({"content-length": "11"}, Wanted(), BODY, "passed as 11, but the body has 10 bytes"),
    ({"content-length": "1"}, Wanted(), None, "passed as 1, but the body has 0 bytes"),
    ({"content-length": "+1"}, Wanted(), BODY, "should be a number"),
    ({"content-length": "10"}, Wanted(chunked=True), BODY, "chunked can not be set if Content-Length"),
    ({"content-length": "10"}, Wanted(compress="gzip"), BODY, "compress can not be set if Content-Length"),
    ({"content-encoding": "br"}, Wanted(compress="gzip"), BODY, "compress can not be set if Content-Encoding"),
    ({"transfer-encoding": "chunked"}, Wanted(chunked=True), BODY, "chunked can not be set if 'Transfer-Encoding"),
    ({"transfer-encoding": "chunked"}, Wanted(), None, "but there is no body"),
    ({"transfer-encoding": "identity"}, Wanted(), BODY, "only Transfer-Encoding that can be passed is chunked"),
    ({}, Wanted(compress="lzma"), BODY, "lzma"),
]


@pytest.mark.parametrize(("passed", "wanted", "body", "message"), REFUSED)
def test_a_contradiction_is_refused_with_the_reason(
    passed: dict[str, str], wanted: Wanted, body: bytes | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        frame("POST", Encoded(body), passed, wanted, HttpVersion11)


def test_http_1_0_needs_a_length() -> None:
    assert frame("POST", Encoded(BODY), {}, Wanted(), HttpVersion10).ready == BODY
    for wanted in (Wanted(chunked=True), Wanted(compress="gzip")):
        with pytest.raises(ValueError, match=r"HTTP/1\.0 has no chunked coding"):
            frame("POST", Encoded(BODY), {}, wanted, HttpVersion10)


def test_the_payload_that_bytes_came_from_is_kept_to_make_them_again() -> None:
    payload = get_payload(io.BytesIO(BODY))
    for wanted in (Wanted(), Wanted(chunked=True), Wanted(streamed=True)):
        assert frame("POST", Encoded(payload), {}, wanted, HttpVersion11).source is payload
    assert frame("POST", Encoded(BODY), {}, Wanted(), HttpVersion11).source is None


# The fields that are looked at.


def test_framing_fields_are_found_in_any_case_and_the_first_of_a_name_counts() -> None:
    fields = [("X", "1"), ("Expect", "a"), ("EXPECT", "b"), ("content-LENGTH", "3")]
    assert framing_fields(fields) == {"expect": "a", "content-length": "3"}


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_a_field_that_ends_the_body_may_be_there_once(name: str) -> None:
    with pytest.raises(ValueError, match="more than once"):
        framing_fields([(name, "3"), (name.upper(), "3")])


def test_a_framing_field_that_is_no_str_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="'Content-Length' must be str, not int"):
        framing_fields([("Content-Length", 3)])  # type: ignore[list-item]


@pytest.mark.parametrize("value", ["", " 1", "1 ", "-1", "+1", "1_0", "0x1", "1.0", "\u0661", "1,1"])
def test_a_length_is_made_of_ascii_digits(value: str) -> None:
    with pytest.raises(ValueError, match="should be a number"):
        check_length(value)
    assert check_length("0010") == 10


def test_no_data_is_no_chunk() -> None:
    assert encode_chunk(b"") == b""
    assert encode_chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"


# Requests that a middleware has changed.


def again(body: bytes | Payload, coding: str | None = None, streamed: bool = False, **fields: Any) -> Framing:
    headers = CIMultiDict({name.replace("_", "-"): value for name, value in fields.items()})
    return reframe(headers, body, coding, streamed, HttpVersion11)


def test_a_changed_body_in_memory_is_sent_as_its_fields_say() -> None:
    assert again(BODY, content_length="10") == Framing(ready=BODY)
    assert again(b"") == Framing()
    assert again(BODY, transfer_encoding="chunked") == Framing(ready=IN_CHUNKS, unframed=BODY)
    assert again(b"", transfer_encoding="chunked") == Framing(ready=b"0\r\n\r\n", unframed=b"")


@pytest.mark.parametrize(("streamed", "fields"), [(True, {}), (False, {"expect": "100-continue"})])
def test_a_changed_body_in_chunks_is_sent_in_pieces_if_it_has_to_be(streamed: bool, fields: dict[str, Any]) -> None:
    framing = again(BODY, streamed=streamed, transfer_encoding="chunked", **fields)
    assert framing.payload is not None
    assert (framing.ready, framing.length, framing.source) == (b"", None, framing.payload)
    assert framing.expect == bool(fields)


def test_a_changed_payload_needs_a_length_or_chunks() -> None:
    payload = Watched(BODY)
    assert again(payload, content_length="10").length == 10
    assert again(payload, transfer_encoding="chunked").length is None
    with pytest.raises(ValueError, match="length of the body is not known"):
        again(payload)
    with pytest.raises(ValueError, match="length of the body is not known"):
        again(payload, "gzip", content_length="10", content_encoding="gzip")


def test_a_changed_body_keeps_the_coding_that_the_field_names() -> None:
    payload = Watched(BODY)
    assert again(payload, "gzip", transfer_encoding="chunked", content_encoding=" GZIP ").coding == "gzip"
    assert again(payload, "gzip", transfer_encoding="chunked").coding is None
    assert again(payload, None, transfer_encoding="chunked", content_encoding="br").coding is None
    with pytest.raises(ValueError, match="'br', but the body is put into gzip"):
        again(payload, "gzip", transfer_encoding="chunked", content_encoding="br")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"content_length": "10", "transfer_encoding": "chunked"}, "both set"),
        ({"content_length": "9"}, "set to 9, but the body has 10 bytes"),
        ({"content_length": "ten"}, "should be a number"),
        ({}, "set to None, but the body has 10 bytes"),
        ({"transfer_encoding": "gzip"}, "only Transfer-Encoding that can be set is chunked"),
    ],
)
def test_changed_fields_that_do_not_say_where_the_body_ends_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        again(BODY, **fields)


def test_a_changed_request_of_http_1_0_has_no_chunks() -> None:
    with pytest.raises(ValueError, match=r"HTTP/1\.0 has no chunked coding"):
        reframe(CIMultiDict({"Transfer-Encoding": "chunked"}), BODY, None, False, HttpVersion10)
