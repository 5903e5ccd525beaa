"""Where a body ends and whether the connection persists (RFC 9112 §6.3, §9.3), on both twins."""

from typing import Any

import pytest

from gazelle.errors import InvalidHeader
from tests.support.twins import Twin

CHUNKED = -1
UNTIL_EOF = -2


def head(twin: Twin, fields: bytes, status: int = 200, minor: int = 1) -> Any:
    data = b"HTTP/1.%d %d X\r\n" % (minor, status) + fields + b"\r\n"
    return twin.head.parse_head(data, 0, len(data))


def test_the_names_of_the_lengths_are_the_ones_tested_here(twin: Twin) -> None:
    assert twin.framing.CHUNKED == CHUNKED
    assert twin.framing.UNTIL_EOF == UNTIL_EOF


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        (b"", UNTIL_EOF),
        (b"Content-Length: 0\r\n", 0),
        (b"Content-Length: 5\r\n", 5),
        (b"Content-Length: 007\r\n", 7),
        (b"Content-Length: 2147483648\r\n", 2**31),
        (b"Content-Length: 4294967296\r\n", 2**32),
        (b"Content-Length: 9223372036854775807\r\n", 2**63 - 1),
        (b"Transfer-Encoding: chunked\r\n", CHUNKED),
        (b"Transfer-Encoding: ChUnKeD\t\r\n", CHUNKED),
        (b"Content-Type: text/html\r\nConnection: close\r\n", UNTIL_EOF),
    ],
)
def test_the_fields_say_how_long_a_body_is(twin: Twin, fields: bytes, length: int) -> None:
    for status in (100, 200, 201, 205, 206, 302, 400, 404, 500, 999):
        assert twin.framing.body_length(head(twin, fields, status), False) == length
    for status in (204, 304):
        assert twin.framing.body_length(head(twin, fields, status), False) == 0
    assert twin.framing.body_length(head(twin, fields), True) == 0


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 0\r\nTransfer-Encoding: identity\r\n",
        b"Content-Length: 9223372036854775808\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Content-Length: 18446744073709551621\r\n",
        b"Content-Length: 00000000000000000005\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n",
        b"Transfer-Encoding:\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
        b"Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked;a=b\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"Transfer-Encoding: chun\xe2\x84\xaaed\r\n",
    ],
)
def test_ambiguous_framing_is_refused_even_where_it_is_not_needed(twin: Twin, fields: bytes) -> None:
    for status in (100, 200, 204, 304, 404):
        for bodiless in (False, True):
            with pytest.raises(InvalidHeader):
                twin.framing.body_length(head(twin, fields, status), bodiless)


def test_http_1_0_cannot_be_chunked(twin: Twin) -> None:
    with pytest.raises(InvalidHeader):
        twin.framing.body_length(head(twin, b"Transfer-Encoding: chunked\r\n", minor=0), False)
    assert twin.framing.body_length(head(twin, b"Content-Length: 3\r\n", minor=0), False) == 3
    assert twin.framing.body_length(head(twin, b"", minor=0), False) == UNTIL_EOF


@pytest.mark.parametrize(
    ("connection", "in_1_1", "in_1_0"),
    [
        (None, True, False),
        (b"", True, False),
        (b"close", False, False),
        (b"CLOSE", False, False),
        (b"keep-alive", True, True),
        (b"Keep-Alive", True, True),
        (b"keep-alive, close", False, False),
        (b"close , keep-alive", False, False),
        (b"a,\tclose\t,b", False, False),
        (b"a,keep-alive,b", True, True),
        (b"closed", True, False),
        (b"keep-alives", True, False),
        (b"close;q=1", True, False),
        (b"not close", True, False),
        (b",,,", True, False),
        (b"clos\xc5\xbf", True, False),
        (b"upgrade", True, False),
    ],
)
def test_the_connection_field_says_whether_it_persists(
    twin: Twin, connection: bytes | None, in_1_1: bool, in_1_0: bool
) -> None:
    fields = b"" if connection is None else b"Connection: " + connection + b"\r\n"
    assert twin.framing.may_keep_alive(head(twin, fields)) is in_1_1
    assert twin.framing.may_keep_alive(head(twin, fields, minor=0)) is in_1_0
