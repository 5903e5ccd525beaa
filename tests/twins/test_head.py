"""`parse_head` and `find_head_end`: one whole head, every byte at every interesting place, on both twins."""

import random
from typing import Any

import pytest

from gazelle.errors import BadHttpMessage, BadStatusLine, InvalidHeader
from gazelle.types import HttpVersion10, HttpVersion11
from tests.support.transcript import decoded
from tests.support.twins import Twin

TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
KNOWN_NAMES = (b"Connection", b"Content-Length", b"Transfer-Encoding", b"Upgrade", b"Proxy-Connection", b"Set-Cookie")
EVERY_BYTE = [bytes([byte]) for byte in range(256)]
ATTRIBUTES = (
    "status",
    "reason",
    "version",
    "minor",
    "raw_headers",
    "count",
    "line_size",
    "longest_field",
    "content_length",
    "transfer_encoding",
    "connection",
    "content_encoding",
    "has_cookies",
)


def parse(twin: Twin, data: bytes) -> Any:
    return twin.head.parse_head(data, 0, len(data))


def outcome(twin: Twin, data: bytes) -> Any:
    """The fields of a head, or the class of its error."""
    try:
        return parse(twin, data).raw_headers
    except BadHttpMessage as error:
        return type(error)


def framed(twin: Twin, data: bytes) -> Any:
    """A head whose framing is fine, or the class of its error (llhttp finds some bad framing, `framing` all)."""
    try:
        head = parse(twin, data)
        twin.framing.body_length(head, False)
    except BadHttpMessage as error:
        return type(error)
    return head


def test_a_head_tells_all_it_knows(twin: Twin) -> None:
    head = parse(
        twin,
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nX-One: \t1 \r\nset-cookie: a=b\r\n"
        b"Connection: x\r\nconnection: close\r\nContent-Encoding: gzip\r\n\r\n",
    )
    assert head.status == 404
    assert head.reason == "Not Found"
    assert head.version == HttpVersion11
    assert head.version is HttpVersion11
    assert head.minor == 1
    assert head.count == 6
    assert head.line_size == len(b"HTTP/1.1 404 Not Found")
    assert head.longest_field == len(b"Content-Encodinggzip")
    assert head.content_length == b"12"
    assert head.transfer_encoding is None
    assert head.connection == b"x, close"
    assert head.content_encoding == b"gzip"
    assert head.has_cookies
    assert head.raw_headers[1:3] == ((b"X-One", b"1"), (b"set-cookie", b"a=b"))
    assert head.headers["x-one"] == "1"
    assert head.headers.getall("CONNECTION") == ["x", "close"]
    assert head.keep_alive is False


def test_a_head_without_fields_is_empty(twin: Twin) -> None:
    head = parse(twin, b"HTTP/1.0 200\n\n")
    assert head.version is HttpVersion10
    assert head.reason == ""
    assert head.raw_headers == ()
    assert len(head.headers) == 0
    assert head.count == 0
    assert head.longest_field == 0
    assert head.content_length is None
    assert head.connection is None
    assert not head.has_cookies


def test_only_the_asked_part_of_the_data_is_read(twin: Twin) -> None:
    head = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    for before in (b"", b"X: y\r\n", b"\n\n", b"HTTP/1.1 500 "):
        for after in (b"", b"Z: z\r\n\r\n", b"\0", b"\r", b" folded\r\n\r\n"):
            parsed = twin.head.parse_head(before + head + after, len(before), len(before) + len(head))
            assert parsed.status == 200
            assert parsed.raw_headers == ((b"A", b"b"),)
            assert parsed.line_size == 15


def test_a_head_does_not_need_the_bytes_it_was_made_from(twin: Twin) -> None:
    heads = [parse(twin, b"HTTP/1.1 200 OK\r\nX-N: %d\r\nY:\r\n %d\r\n\r\n" % (n, n)) for n in range(1000)]
    for n, head in enumerate(heads):
        assert head.raw_headers == ((b"X-N", b"%d" % n), (b"Y", b"%d" % n))
        assert head.headers["x-n"] == head.headers["Y"] == str(n)


def test_lazy_views_are_made_once(twin: Twin) -> None:
    head = parse(twin, b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n")
    assert head.headers is head.headers
    assert head.raw_headers is head.raw_headers
    with pytest.raises((AttributeError, TypeError)):
        head.headers["C"] = "d"


def test_the_first_value_of_a_field_is_found_without_the_multidict(twin: Twin) -> None:
    head = parse(twin, b"HTTP/1.1 200 OK\r\nLOCATION: /caf\xe9\r\nLocation: /b\r\nX:\r\n y\r\nLocatio: z\r\n\r\n")
    assert head.first(b"location") == "/caf\udce9"
    assert head.first(b"x") == "y"
    assert head.first(b"locatio") == "z"
    assert head.first(b"locatioN"[:-1] + b"m") is None
    assert head.first(b"") is None
    assert head.all(b"location") == [value for name, value in head.headers.items() if name.lower() == "location"]
    assert head.all(b"location")[0] == "/caf\udce9"
    assert head.all(b"") == []


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 66, 128, 129, 1000])
def test_any_number_of_fields_is_taken_in_order(twin: Twin, count: int) -> None:
    fields = tuple((b"X-%d" % n, b"v%d" % n) for n in range(count))
    lines = b"".join(b"%s: %s\r\n" % field for field in fields)
    head = parse(twin, b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n")
    assert head.raw_headers == fields
    assert tuple(head.headers.items()) == decoded(fields)
    assert head.count == count


@pytest.mark.parametrize("count", [63, 64, 65, 200])
def test_folded_lines_among_many_fields_keep_their_places(twin: Twin, count: int) -> None:
    lines = b"".join(b"X%d: a\r\n b\r\n" % n if n % 7 == 0 else b"X%d: a%d\n" % (n, n) for n in range(count))
    expected = tuple((b"X%d" % n, b"a b" if n % 7 == 0 else b"a%d" % n) for n in range(count))
    assert parse(twin, b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n").raw_headers == expected


def test_every_byte_in_a_name_is_a_token_character_or_an_error(twin: Twin) -> None:
    for byte in EVERY_BYTE:
        if byte == b"\n":  # at the beginning it would end the head, and no head goes on after its end
            continue
        for name in (byte, byte + b"x", b"x" + byte, b"x" + byte + b"y"):
            got = outcome(twin, b"HTTP/1.1 200 OK\r\nFirst: 1\r\n" + name + b": v\r\n\r\n")
            if byte in TOKEN:
                assert got == ((b"First", b"1"), (name, b"v"))
            elif byte == b":":  # the name ends there: empty, or `x`
                first = name.index(b":")
                value = name[first + 1 :] + b": v"
                assert got == (((b"First", b"1"), (name[:first], value)) if first else InvalidHeader)
            elif byte in b" \t" and name[:1] == byte:  # a folded line
                assert got == ((b"First", b"1 " + name[1:] + b": v"),)
            else:
                assert got is InvalidHeader, name


@pytest.mark.parametrize("name", KNOWN_NAMES)
def test_no_byte_after_a_known_name_is_overlooked(twin: Twin, name: bytes) -> None:
    """llhttp knows some names and takes other bytes behind them than behind the names it does not know."""
    for byte in EVERY_BYTE:
        if byte == b":":
            continue
        for tail in (b"", b"x", b" ", b"\t", b"-y"):
            got = outcome(twin, b"HTTP/1.1 200 OK\r\n" + name + byte + tail + b": 1\r\n\r\n")
            if byte in TOKEN and tail in (b"", b"x", b"-y"):
                assert got == ((name + byte + tail, b"1"),)
            else:
                assert got is InvalidHeader, name + byte + tail


@pytest.mark.parametrize("name", KNOWN_NAMES)
def test_no_byte_inside_a_known_name_is_overlooked(twin: Twin, name: bytes) -> None:
    for at in range(len(name)):
        for byte in EVERY_BYTE:
            if byte in b":\n":
                continue
            for spoiled in (name[:at] + byte + name[at:], name[:at] + byte + name[at + 1 :]):
                got = outcome(twin, b"HTTP/1.1 200 OK\r\n" + spoiled + b": 1\r\n\r\n")
                assert got == (((spoiled, b"1"),) if byte in TOKEN else InvalidHeader), spoiled


def test_every_byte_in_a_value_is_kept_or_an_error(twin: Twin) -> None:
    for byte in EVERY_BYTE:
        for value in (byte, byte + b"x", b"x" + byte, b"x" + byte + b"y", b"x " + byte + b" y"):
            got = outcome(twin, b"HTTP/1.1 200 OK\r\nA: " + value + b"\r\nB: c\r\n\r\n")
            if byte in b"\0\r":
                assert got is InvalidHeader, value
            elif byte == b"\n":
                folded = value.startswith(b"x ") and value.endswith(b" y")
                assert got == (((b"A", b"x y"), (b"B", b"c")) if folded else InvalidHeader) or value in (b"\n", b"x\n")
            else:
                assert got == ((b"A", value.strip(b" \t")), (b"B", b"c"))


def test_every_byte_in_a_reason_is_kept_or_an_error(twin: Twin) -> None:
    for byte in EVERY_BYTE:
        data = b"HTTP/1.1 200 x" + byte + b"y\r\nA: b\r\n\r\n"
        if byte in b"\0\r":
            with pytest.raises(BadStatusLine):
                parse(twin, data)
        elif byte == b"\n":
            with pytest.raises(InvalidHeader):
                parse(twin, data)
        else:
            assert parse(twin, data).reason == (b"x" + byte + b"y").decode("utf-8", "surrogateescape")


def test_every_byte_in_the_status_line_before_the_reason_is_checked(twin: Twin) -> None:
    line = b"HTTP/1.1 200 OK"
    good = {line, b"HTTP/1.0 200 OK"}
    for at in range(13):
        for byte in EVERY_BYTE:
            spoiled = line[:at] + byte + line[at + 1 :]
            fine = spoiled in good or (spoiled[:9] == line[:9] and spoiled[9:12].isdigit() and spoiled[9:10] != b"0")
            if fine and spoiled[12:13] == b" ":
                assert parse(twin, spoiled + b"\r\nA: b\r\n\r\n").status == int(spoiled[9:12])
            elif spoiled[12:13] == b"\n" and at == 12:  # the line ends after the status; `OK` is no field
                assert outcome(twin, spoiled + b"\r\nA: b\r\n\r\n") is InvalidHeader
            else:
                assert outcome(twin, spoiled + b"\r\nA: b\r\n\r\n") is BadStatusLine, spoiled
            if byte not in b"\n":
                inserted = line[:at] + byte + line[at:]
                fine = at == 12 and inserted[12:13] == b" "  # a second space belongs to the reason
                got = outcome(twin, inserted + b"\r\nA: b\r\n\r\n")
                assert (got == ((b"A", b"b"),)) if fine else got is BadStatusLine, inserted


@pytest.mark.parametrize("status", range(0, 1000, 1))
def test_every_status_is_taken_or_refused(twin: Twin, status: int) -> None:
    data = b"HTTP/1.1 %03d X\r\n\r\n" % status
    if status < 100:
        assert outcome(twin, data) is BadStatusLine
    else:
        assert parse(twin, data).status == status


def test_framing_fields_are_joined_or_refused(twin: Twin) -> None:
    start = b"HTTP/1.1 200 OK\r\n"
    assert parse(twin, start + b"Transfer-Encoding: a\r\ntransfer-encoding: b\r\n\r\n").transfer_encoding == b"a, b"
    assert parse(twin, start + b"TRANSFER-ENCODING: \tA\t\r\n\r\n").transfer_encoding == b"A"
    assert parse(twin, start + b"Content-Encoding: a\r\nContent-Encoding: b\r\n\r\n").content_encoding == b"a, b"
    assert parse(twin, start + b"Connection:\r\nConnection: b\r\n\r\n").connection == b", b"
    assert parse(twin, start + b"CONTENT-LENGTH:\t007 \r\n\r\n").content_length == b"007"
    for lines in (b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length:", b"Content-Length: a"):
        with pytest.raises(InvalidHeader):
            parse(twin, start + lines + b"\r\n\r\n")


def test_an_error_quotes_the_line_it_is_about(twin: Twin) -> None:
    with pytest.raises(BadStatusLine) as status_line:
        parse(twin, b"HTTP/3.0 200 OK\r\nA: b\r\n\r\n")
    assert status_line.value.line == b"HTTP/3.0 200 OK"
    for bad in (b"bad line", b"A\0: b", b"B C: d", b"Content-Length : 1", b"A: \rb"):
        with pytest.raises(InvalidHeader) as field:
            parse(twin, b"HTTP/1.1 200 OK\r\nA: b\r\n" + bad + b"\r\nC: d\r\n\r\n")
        assert field.value.hdr == bad


def test_an_error_at_the_last_byte_reads_nothing_beyond(twin: Twin) -> None:
    for head in (b"HTTP/1.1 20x\n\n", b"HTTP/1.1 200 OK\r\nA\n\n", b"HTTP/1.1 200 OK\nA: \x00\n\n", b"H\n\n", b"\n\n"):
        for _ in range(50):
            with pytest.raises((BadStatusLine, InvalidHeader)):
                parse(twin, bytes(head))


def test_both_twins_tell_the_same_about_random_heads(both_twins: tuple[Twin, Twin]) -> None:
    rng = random.Random(7)
    names = [*KNOWN_NAMES, b"Content-Encoding", b"x", b"Etag", b"sEt-cOOkie"]
    values = [
        b"",
        b"1",
        b"close",
        b"chunked",
        b" a ",
        b"\tb\t",
        b"a\r\n b",
        b"\r\n\tc",
        b"d\n ",
        b"\n \r\n\te",
        b"\xff",
        b"x" * 300,
    ]
    for _ in range(3000):
        lines = [rng.choice(names) + b":" + rng.choice(values) for _ in range(rng.choice((0, 1, 3, 10, 70)))]
        end = rng.choice((b"\r\n", b"\n"))
        data = end.join([b"HTTP/1.%d %d x" % (rng.randrange(2), rng.randrange(100, 1000)), *lines]) + end + end
        pure, accel = (framed(twin, data) for twin in both_twins)
        if isinstance(pure, type) or isinstance(accel, type):
            assert pure is accel
        else:
            for name in ATTRIBUTES:
                assert getattr(pure, name) == getattr(accel, name), name
            assert list(pure.headers.items()) == list(accel.headers.items())


def naive_head_end(data: bytes, start: int) -> int:
    """The end of the first empty line, by looking at each place in turn."""
    for at in range(start, len(data)):
        for end in (b"\n\n", b"\n\r\n"):
            if data[at:].startswith(end):
                return at + len(end)
    return -1


def test_the_end_of_a_head_is_the_first_empty_line(twin: Twin) -> None:
    rng = random.Random(3)
    for _ in range(3000):
        data = bytes(rng.choice(b"\r\n\nab") for _ in range(rng.randrange(14)))
        for start in range(len(data) + 1):
            assert twin.head.find_head_end(data, start) == naive_head_end(data, start)
            assert twin.head.find_head_end(bytearray(data), start) == naive_head_end(data, start)


def test_the_end_of_a_head_is_found_far_away(twin: Twin) -> None:
    data = b"x" * 100_000 + b"\r\n" + b"y\n" * 1000 + b"\r\n" + b"z" * 100_000 + b"\n\n"
    assert twin.head.find_head_end(data, 0) == 100_000 + 2 + 2000 + 2
    assert twin.head.find_head_end(data, 110_000) == len(data)
