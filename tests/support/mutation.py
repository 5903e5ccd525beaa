"""Mutated responses: a message of the corpus, some edits, some cuts, and how the parser is armed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.support import feeding
from tests.support.corpus import Limits

TOKENS: tuple[bytes, ...] = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"\n\r\n",
    b"\r\n ",
    b"\n\t",
    b"\r\n \r\n",
    b" ",
    b"\t",
    b"\0",
    b"\x01",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x7f",
    b"\x80",
    b"\x85",
    b"\xa0",
    b"\xff",
    b":",
    b": ",
    b" :",
    b";",
    b",",
    b'"',
    b"=",
    b"-",
    b"+",
    b"_",
    b"0",
    b"1",
    b"5",
    b"0x",
    b"ffffffffffffffff",
    b"7fffffffffffffff",
    b"9223372036854775807",
    b"18446744073709551616",
    b"\xd9\xa5",
    b"0\r\n",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"5;ext=1\r\nhello\r\n",
    b"chunked",
    b"identity",
    b"close",
    b"keep-alive",
    b"A: b\r\n",
    b"A: b\r\n c\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length:5\n",
    b"Content-Length : 5\r\n",
    b"Content-Length:\r\n 5\r\n",
    b"content-length: 0\r\n",
    b"Content-Length",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding:\r\n\tchunked\r\n",
    b"Transfer-Encoding",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"Proxy-Connection: close\r\n",
    b"Set-Cookie: a=b\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304\r\n",
    b"HTTP/",
    b"1.0",
    b"200",
    b"101",
    b"103",
)
METHODS = ("GET", "GET", "GET", "HEAD", "CONNECT", "POST")
LIMITS = (Limits(), Limits(), Limits(), Limits(max_line_size=24, max_field_size=24, max_headers=3))
KINDS = ("insert", "insert", "replace", "flip", "delete", "double", "move", "truncate", "case")


class Edit(NamedTuple):
    """One change: what kind, where (taken modulo the length), how many bytes it concerns, which bytes come in."""

    kind: str
    at: int
    size: int
    payload: bytes


class Input(NamedTuple):
    """All that two parsers have to be given alike."""

    data: bytes
    cuts: tuple[int, ...] = ()
    method: str = "GET"
    upgrade: bool = False
    read_until_eof: bool = True
    eof: bool = False
    limits: Limits = Limits()

    @property
    def pieces(self) -> feeding.Pieces:
        return feeding.cut(self.data, self.cuts)

    @property
    def arming(self) -> dict[str, object]:
        """Keyword arguments of `transcribe` other than the pieces."""
        return {
            "method": self.method,
            "upgrade": self.upgrade,
            "read_until_eof": self.read_until_eof,
            "eof": self.eof,
            "limits": self.limits,
        }


def edited(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The data after the edits, one after the other."""
    for kind, where, size, payload in edits:
        at = where % (len(data) + 1)
        end = min(at + size, len(data))
        if kind == "insert":
            data = data[:at] + payload + data[at:]
        elif kind == "replace":
            data = data[:at] + payload + data[at + len(payload) :]
        elif kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << size % 8]) + data[at + 1 :]
        elif kind == "delete":
            data = data[:at] + data[end:]
        elif kind == "double":
            data = data[:end] + data[at:end] + data[end:]
        elif kind == "move":
            rest = data[:at] + data[end:]
            to = size * 7 % (len(rest) + 1)
            data = rest[:to] + data[at:end] + rest[to:]
        elif kind == "truncate":
            data = data[:at]
        elif kind == "case":
            data = data[:at] + data[at:end].swapcase() + data[end:]
    return data


def spliced(one: bytes, other: bytes, cut_one: int, cut_other: int) -> bytes:
    """The beginning of one message and the end of another."""
    return one[: cut_one % (len(one) + 1)] + other[cut_other % (len(other) + 1) :]


def mutants(messages: Sequence[bytes], count: int, seed: int) -> Iterator[Input]:
    """`count` mutated inputs, always the same for a seed."""
    rng = random.Random(seed)
    for _ in range(count):
        data = rng.choice(messages)
        if rng.random() < 0.25:
            data = spliced(data, rng.choice(messages), rng.randrange(4096), rng.randrange(4096))
        edits = [
            Edit(
                rng.choice(KINDS),
                rng.randrange(len(data) + 1),
                rng.choice((1, 1, 2, 3, 8, rng.randrange(200))),
                rng.choice(TOKENS) if rng.random() < 0.85 else rng.randbytes(rng.randint(1, 4)),
            )
            for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4)))
        ]
        if rng.random() < 0.5:
            edits = [edit for edit in edits if edit.kind != "truncate"]
        data = edited(data, edits)
        most = rng.choice((0, 1, 2, 4, 16, len(data)))
        yield Input(
            data,
            tuple(rng.randrange(len(data) + 1) for _ in range(most)),
            rng.choice(METHODS),
            upgrade=rng.random() < 0.2,
            read_until_eof=rng.random() < 0.9,
            eof=rng.random() < 0.5,
            limits=rng.choice(LIMITS),
        )
