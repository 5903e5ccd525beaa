"""Fields to multidict and fields to bytes, on both twins."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from multidict import CIMultiDictProxy, istr

from gazelle import hdrs
from tests.support.twins import Twin

EVERY_CHARACTER = [chr(code) for code in range(0x180)]
TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Liar(str):
    """A str that says something else of itself than what it is."""

    __slots__ = ()

    def __str__(self) -> str:
        return "a\r\nInjected: yes"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return str(self)

    def encode(self, *args: Any) -> bytes:
        return str(self).encode()

    def __iter__(self) -> Iterator[str]:
        return iter(str(self))

    def __len__(self) -> int:
        return 0


# --- build_headers -------------------------------------------------------------------------------


def test_fields_become_a_read_only_multidict_in_order(twin: Twin) -> None:
    headers = twin.headers.build_headers([(b"A", b"1"), (b"b", b"2"), (b"a", b"3"), (b"Set-Cookie", b"x=y")])
    assert type(headers) is CIMultiDictProxy
    assert list(headers.items()) == [("A", "1"), ("b", "2"), ("a", "3"), ("Set-Cookie", "x=y")]
    assert headers.getall("a") == ["1", "3"]
    assert headers["SET-cookie"] == "x=y"


def test_no_fields_are_an_empty_multidict(twin: Twin) -> None:
    assert len(twin.headers.build_headers(())) == 0
    assert len(twin.headers.build_headers([])) == 0


def test_the_spelling_of_names_is_kept_for_known_and_unknown_names(twin: Twin) -> None:
    names = [b"content-length", b"Content-Length", b"CONTENT-LENGTH", b"cOnTeNt-LeNgTh", b"x-own", b"X-Own", b"Etag"]
    for _ in range(2):
        headers = twin.headers.build_headers([(name, b"1") for name in names])
        assert [name.encode() for name, _ in headers.items()] == names


def test_known_names_are_the_shared_ones(twin: Twin) -> None:
    known = [name for name in vars(hdrs).values() if isinstance(name, istr)]
    headers = twin.headers.build_headers([(str(name).encode(), b"") for name in known])
    again = twin.headers.build_headers([(str(name).encode(), b"") for name in known])
    assert [str(name) for name in headers] == [str(name) for name in known]
    assert all(one is other for one, other in zip(headers, again, strict=True))


def test_bytes_that_are_not_utf8_become_surrogates(twin: Twin) -> None:
    headers = twin.headers.build_headers([(b"A", b"caf\xc3\xa9"), (b"B", b"caf\xe9"), (b"C", bytes(range(1, 256)))])
    assert headers["A"] == "café"
    assert headers["B"] == "caf\udce9"
    assert headers["C"].encode("utf-8", "surrogateescape") == bytes(range(1, 256))


def test_names_that_servers_make_up_do_not_pile_up(twin: Twin) -> None:
    first = twin.headers.build_headers([(b"X-Made-Up", b"")])
    for start in range(0, 20_000, 100):
        fields = [(b"X-Flood-%d" % n, b"v") for n in range(start, start + 100)]
        headers = twin.headers.build_headers(fields)
        assert list(headers.items()) == [(name.decode(), "v") for name, _ in fields]
    # Nothing but this test holds the first one now: it went out of the cache long ago.
    assert list(first) == ["X-Made-Up"]
    assert list(twin.headers.build_headers([(b"X-Made-Up", b"")])) == ["X-Made-Up"]
    assert sys.getrefcount(next(iter(headers))) < 10


# --- serialize_headers ---------------------------------------------------------------------------


def test_fields_become_lines(twin: Twin) -> None:
    fields = [("Host", "example.org"), (istr("Accept"), "*/*"), ("x", ""), ("Y", "a\tb: c")]
    expected = b"Host: example.org\r\nAccept: */*\r\nx: \r\nY: a\tb: c\r\n"
    assert twin.headers.serialize_headers(fields) == expected
    assert twin.headers.serialize_headers(iter(fields)) == expected
    assert twin.headers.serialize_headers(tuple(fields)) == expected
    assert twin.headers.serialize_headers([]) == b""


def test_values_are_sent_in_utf8(twin: Twin) -> None:
    assert twin.headers.serialize_headers([("A", "é€😀")]) == "A: é€😀\r\n".encode()


def test_every_character_of_a_name_is_a_token_character_or_refused(twin: Twin) -> None:
    for character in EVERY_CHARACTER:
        for name in (character, character + "x", "x" + character, "x" + character + "y"):
            if character in TOKEN:
                assert twin.headers.serialize_headers([(name, "v")]) == f"{name}: v\r\n".encode()
            else:
                with pytest.raises(ValueError, match="token"):
                    twin.headers.serialize_headers([("ok", "v"), (name, "v")])


@pytest.mark.parametrize("name", ["", "Ā", "\u010a", "\u2028", "😀", "\ud800", "a\U0001f600"])
def test_names_beyond_ascii_and_empty_ones_are_refused(twin: Twin, name: str) -> None:
    with pytest.raises(ValueError, match="token"):
        twin.headers.serialize_headers([(name, "v")])


def test_every_control_character_in_a_value_is_refused(twin: Twin) -> None:
    for character in EVERY_CHARACTER:
        for value in (character, character + "x", "x" + character, "x" + character + "é", "😀" + character):
            if character == "\t" or (character >= " " and character != "\x7f"):
                assert twin.headers.serialize_headers([("A", value)]) == f"A: {value}\r\n".encode()
            else:
                with pytest.raises(ValueError, match="control"):
                    twin.headers.serialize_headers([("A", value)])


@pytest.mark.parametrize("value", ["\u010a", "\u010d", "\u2028", "\x85", "\u560a", "😊\u000b"[:1]])
def test_characters_whose_low_byte_is_a_line_end_are_ordinary(twin: Twin, value: str) -> None:
    written = twin.headers.serialize_headers([("A", value)])
    assert written == f"A: {value}\r\n".encode()
    assert written.count(b"\n") == 1


@pytest.mark.parametrize("value", ["\ud800", "a\udce9", "\udfff😀"])
def test_surrogates_in_a_value_are_refused(twin: Twin, value: str) -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        twin.headers.serialize_headers([("A", value)])


@pytest.mark.parametrize(
    "field", [(b"A", "v"), ("A", b"v"), ("A", 1), (None, "v"), ("A", None), (1, "v"), ("A", ["v"])]
)
def test_other_types_are_refused(twin: Twin, field: Any) -> None:
    with pytest.raises(TypeError):
        twin.headers.serialize_headers([field])


def test_a_str_that_lies_about_itself_injects_nothing(twin: Twin) -> None:
    assert twin.headers.serialize_headers([("A", Liar("v"))]) == b"A: v\r\n"
    assert twin.headers.serialize_headers([(Liar("A"), "v")]) == b"A: v\r\n"
    with pytest.raises(ValueError, match="control"):
        twin.headers.serialize_headers([("A", Liar("v\r\nB: c"))])
    with pytest.raises(ValueError, match="token"):
        twin.headers.serialize_headers([(Liar("A\r\nB"), "v")])


def test_nothing_is_returned_if_one_field_is_bad(twin: Twin) -> None:
    with pytest.raises(ValueError, match="control"):
        twin.headers.serialize_headers([("A", "b"), ("C", "d\n")])


def test_what_was_written_is_read_back(twin: Twin) -> None:
    fields = [("Host", "example.org"), ("X-É"[:2] + "a", "é\tß"), ("a", "")]
    data = b"HTTP/1.1 200 OK\r\n" + twin.headers.serialize_headers(fields) + b"\r\n"
    assert list(twin.head.parse_head(data, 0, len(data)).headers.items()) == fields
