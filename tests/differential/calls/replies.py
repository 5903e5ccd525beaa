"""Replies: statuses, framing, codings, character sets, header fields that are parsed, and those that break the rules."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import brotli

from tests.differential.call import Call, Library, Options, answer, fixed
from tests.support import corpus
from tests.support.server import chunked, fin, response, send

STATUSES = (
    "200 OK", "200", "200 ", "201 Created", "202 Accepted", "203 X", "204 No Content", "205 Reset Content", "206 Partial Content", "207 Multi", "226 IM", "299 Odd", "300 Multiple", "304 Not Modified", "399 Odd",
    "400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "405 No", "407 Proxy", "408 Timeout", "410 Gone", "413 Big", "418 Teapot", "421 Misdirected", "429 Many", "451 Legal",
    "500 Error", "502 Bad Gateway", "503 Unavailable", "504 Timeout", "511 Auth", "599 Odd", "600 Odd", "999 Odd", "200 Größe", "200 a  b", "404 ",
)  # fmt: skip

TEXT = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. "
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 3

BODIES: dict[str, tuple[str | None, bytes]] = {
    "utf-8 declared": ("text/plain; charset=utf-8", TEXT.encode()),
    "UTF-8 in capitals": ("text/plain; charset=UTF-8", TEXT.encode()),
    "utf-8 quoted": ('text/plain; charset="utf-8"', TEXT.encode()),
    "latin-1 declared": ("text/plain; charset=iso-8859-1", TEXT.encode("latin-1")),
    "latin-1 not declared": ("text/plain", TEXT.encode("latin-1")),
    "cyrillic not declared": ("text/plain", RUSSIAN.encode("cp1251")),
    "utf-8 not declared": ("text/plain", TEXT.encode()),
    "utf-16 declared": ("text/plain; charset=utf-16", TEXT.encode("utf-16")),
    "utf-8 with BOM": ("text/plain; charset=utf-8", b"\xef\xbb\xbfabc"),
    "utf-8 with BOM not declared": ("text/plain", b"\xef\xbb\xbfabc"),
    "wrong charset": ("text/plain; charset=utf-8", b"\xff\xfe\xfd"),
    "unknown charset": ("text/plain; charset=x-none", TEXT.encode()),
    "charset empty": ("text/plain; charset=", TEXT.encode()),
    "charset with NUL": ("text/plain; charset=hex", b"6162"),
    "charset idna": ("text/plain; charset=base64", b"YWJj"),
    "no content type": (None, b"abc"),
    "empty content type": ("", b"abc"),
    "content type garbage": ("garbage", b"abc"),
    "content type with spaces": ("  text/html  ;  charset = utf-8 ", b"abc"),
    "content type in capitals": ("Text/HTML", b"abc"),
    "content type twice charset": ("text/plain; charset=utf-8; charset=latin-1", b"abc"),
    "content type broken": ("text/plain; charset", b"abc"),
    "content type slash": ("/", b"abc"),
    "content type comma": ("text/plain, text/html", b"abc"),
    "json": ("application/json", b'{"a": [1, null]}'),
    "json with charset": ("application/json; charset=utf-8", '{"a": "ä"}'.encode()),
    "json latin-1": ("application/json; charset=latin-1", '{"a": "ä"}'.encode("latin-1")),
    "json suffix": ("application/vnd.api+json", b"{}"),
    "json problem": ("application/problem+json", b"{}"),
    "json sequence": ("application/json-seq", b"{}"),
    "json patch": ("application/json-patch+json", b"[]"),
    "json in capitals": ("Application/JSON", b"{}"),
    "json as text": ("text/json", b"{}"),
    "json as html": ("text/html", b"{}"),
    "json empty": ("application/json", b""),
    "json blank": ("application/json", b" \r\n "),
    "json broken": ("application/json", b"{"),
    "json with BOM": ("application/json", b"\xef\xbb\xbf{}"),
    "json not utf-8": ("application/json", b'"\xff"'),
    "json utf-16": ("application/json", '{"a": 1}'.encode("utf-16")),
    "rdap": ("application/rdap+json", b"{}"),
    "empty": ("text/plain", b""),
}


def _deflated(data: bytes, bits: int) -> bytes:
    coder = zlib.compressobj(wbits=bits)
    return coder.compress(data) + coder.flush()


_GZIP = gzip.compress(b"hello " * 50, mtime=0)
_ZSTD = bytes.fromhex("28b52ffd602c006d00003068656c6c6f20010023514b11")

CODED: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", _GZIP),
    "gzip in capitals": ("GZIP", _GZIP),
    "x-gzip": ("x-gzip", _GZIP),
    "gzip twice": ("gzip", _GZIP + _GZIP),
    "gzip and rubbish": ("gzip", _GZIP + b"rubbish"),
    "gzip and zeros": ("gzip", _GZIP + b"\0" * 10),
    "gzip cut": ("gzip", _GZIP[:-10]),
    "gzip without its end": ("gzip", _GZIP[:-8]),
    "gzip wrong checksum": ("gzip", _GZIP[:-8] + b"12345678"),
    "gzip corrupt": ("gzip", b"not gzip at all"),
    "gzip empty": ("gzip", b""),
    "gzip of nothing": ("gzip", gzip.compress(b"", mtime=0)),
    "deflate": ("deflate", _deflated(b"hello " * 50, 15)),
    "deflate raw": ("deflate", _deflated(b"hello " * 50, -15)),
    "deflate corrupt": ("deflate", b"\xff\xff\xff\xff"),
    "deflate cut": ("deflate", _deflated(b"hello " * 50, 15)[:-6]),
    "br": ("br", brotli.compress(b"hello " * 50)),
    "br corrupt": ("br", b"\xff\xff\xff\xff\xff"),
    "br cut": ("br", brotli.compress(bytes(range(256)) * 4)[:-10]),
    "zstd": ("zstd", _ZSTD),
    "zstd cut": ("zstd", _ZSTD[:-4]),
    "zstd corrupt": ("zstd", b"not zstd"),
    "identity": ("identity", b"plain"),
    "unknown": ("x-mine", b"plain"),
    "empty name": ("", b"plain"),
    "list": ("gzip, br", b"plain"),
    "gzip with spaces": (" gzip ", _GZIP),
    "compress": ("compress", b"plain"),
}

FIELDS: dict[str, str] = {
    "disposition": 'Content-Disposition: attachment; filename="a.txt"',
    "disposition unquoted": "Content-Disposition: attachment; filename=a.txt",
    "disposition inline": "Content-Disposition: inline",
    "disposition extended": "Content-Disposition: attachment; filename*=UTF-8''%C3%A4.txt",
    "disposition both": "Content-Disposition: attachment; filename=\"a.txt\"; filename*=UTF-8''%C3%A4.txt",
    "disposition continued": 'Content-Disposition: attachment; filename*0="a"; filename*1="b.txt"',
    "disposition escaped": 'Content-Disposition: attachment; filename="a\\"b.txt"',
    "disposition semicolon": 'Content-Disposition: attachment; filename="a;b.txt"',
    "disposition path": 'Content-Disposition: attachment; filename="../a/b.txt"',
    "disposition broken": "Content-Disposition: attachment; filename",
    "disposition garbage": "Content-Disposition: ;;;",
    "disposition empty": "Content-Disposition:",
    "disposition twice": 'Content-Disposition: attachment; filename="a"; filename="b"',
    "disposition bad charset": "Content-Disposition: attachment; filename*=x-none''a",
    "disposition alphabet": 'Content-Disposition: attachment; filename="ä.txt"',
    "link": 'Link: </next>; rel="next"',
    "link without rel": "Link: </next>",
    "links": 'Link: </a>; rel=next, <http://b.example/>; rel="prev"; title="x, y"',
    "link twice": 'Link: </a>; rel="next"\r\nLink: </b>; rel="last"',
    "link broken": "Link: next",
    "link unclosed": 'Link: </a; rel="next"',
    "link absolute": 'Link: <http://b.example/c>; rel="next"; type="text/html"',
    "link semicolon in URL": 'Link: </a;b>; rel="next"',
    "link comma in URL": 'Link: </a,b>; rel="next"',
    "link empty": "Link:",
    "link relative": 'Link: <../a?b=c>; rel="up"',
    "link two rels": 'Link: </a>; rel="next last"',
    "link rel in capitals": 'Link: </a>; REL="Next"',
    "repeated field": "X-A: 1\r\nX-A: 2\r\nx-a: 3",
    "field in capitals": "X-ABC: 1",
    "field empty": "X-A:",
    "field latin-1": "X-A: ä",
    "field with spaces": "X-A:    a b   ",
    "field with tab": "X-A:\ta\tb\t",
}

FRAMED: dict[str, bytes] = {
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc", b"de"),
    "chunked with trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunked(b"abc", trailers="X-T: 1\r\n"),
    "chunked gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunked(_GZIP[:20], _GZIP[20:]),
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + response(b"abc"),
    "100 not asked for": b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"abc"),
    "version 1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "version 1.0 keep-alive": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
    "close": response(b"abc", headers="Connection: close"),
    "keep-alive": response(b"abc", headers="Connection: keep-alive"),
}
UNTIL_EOF: dict[str, bytes] = {
    "no length": b"HTTP/1.1 200 OK\r\n\r\nabc",
    "no length, 1.0": b"HTTP/1.0 200 OK\r\n\r\nabc",
    "no length, close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
    "no length, gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + _GZIP,
    "204": b"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n",
    "304": b"HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\n",
}


# What is sent in one piece arrives in one: where aiohttp's answer depends on that, the comparison need not.
_ONE_READ = 16384


def calls() -> Iterator[Call]:
    """The calls of this theme."""
    for status in STATUSES:
        length = status[:3] not in ("204", "304")
        reply = response(b"", status=status, length=length)
        yield Call(f"replies/status/{status!r}", routes=answer(reply))
        if status[0] in "45":
            yield Call(
                f"replies/raised/{status!r}",
                options=fixed(raise_for_status=True),
                routes=answer(response(b"why", status=status)),
            )
    for method in ("GET", "HEAD"):
        for kind, field in (
            ("204", ""),
            ("204 with length", "Content-Length: 5\r\n"),
            ("304 with length", "Content-Length: 5\r\n"),
            ("304 gzip", "Content-Encoding: gzip\r\n"),
        ):
            head = f"HTTP/1.1 {kind[:3]} No\r\n{field}\r\n".encode()
            yield Call(f"replies/bodiless/{method} {kind}", method, routes=answer(head), times=2)
    yield Call(
        "replies/bodiless/HEAD with length",
        "HEAD",
        routes=answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Encoding: gzip\r\n\r\n"),
        times=2,
    )
    yield Call(
        "replies/bodiless/HEAD chunked",
        "HEAD",
        routes=answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        times=2,
    )
    for kind, (media_type, body) in BODIES.items():
        field = "" if media_type is None else f"Content-Type: {media_type}"
        yield Call(f"replies/body/{kind}", routes=answer(response(body, headers=field)))
    for kind, (coding, body) in CODED.items():
        reply = response(body, headers=f"Content-Encoding: {coding}")
        yield Call(f"replies/coded/{kind}", routes=answer(reply))
        if kind in ("gzip", "deflate raw", "br", "unknown", "gzip corrupt"):
            yield Call(f"replies/coded, as it came/{kind}", session=fixed(auto_decompress=False), routes=answer(reply))
        if kind in ("gzip", "deflate", "gzip cut", "gzip corrupt", "br"):
            yield Call(
                f"replies/coded, in chunks/{kind}",
                routes=answer(
                    b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % coding.encode()
                    + chunked(body[:7], body[7:])
                ),
            )
    for kind, lines in FIELDS.items():
        yield Call(
            f"replies/fields/{kind}",
            url="/a/b?c=d",
            routes=answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + lines.encode() + b"\r\n\r\n"),
        )
    for kind, reply in FRAMED.items():
        yield Call(f"replies/framed/{kind}", routes=answer(reply), times=2)
    for kind, reply in UNTIL_EOF.items():
        yield Call(f"replies/until the end/{kind}", routes=answer(reply, fin()), times=2)
    yield Call(
        "replies/until the end/not read",
        options=fixed(read_until_eof=False),
        routes=answer(UNTIL_EOF["no length"][:-3], fin()),
    )
    yield from _readers()
    yield from _policies()
    for case in corpus.load():
        plain = case.method in ("GET", "HEAD", "POST") and not case.upgrade and case.read_until_eof
        if plain and case.limits == corpus.Limits() and len(case.data) <= _ONE_READ:
            yield Call(f"replies/corpus/{case.theme}/{case.name}", case.method, routes={"*": [send(case.data), fin()]})


async def _chunks(_: Library, response: Any) -> object:
    return [chunk async for chunk in response.content.iter_chunks()]


async def _lines(_: Library, response: Any) -> object:
    return [line async for line in response.content]


async def _sized(_: Library, response: Any) -> object:
    return [chunk async for chunk in response.content.iter_chunked(2)]


async def _until(_: Library, response: Any) -> object:
    return [await response.content.readuntil(b"b"), await response.content.read(1), await response.content.read()]


async def _exactly(_: Library, response: Any) -> object:
    return [await response.content.readexactly(2), await response.content.readexactly(99)]


async def _ends(_: Library, response: Any) -> object:
    before = response.content.is_eof(), response.content.at_eof()
    await response.content.read()
    return (
        before[1],
        response.content.is_eof(),
        response.content.at_eof(),
        await response.content.read(),
        await response.content.readline(),
    )


async def _twice(_: Library, response: Any) -> object:
    return await response.read(), await response.read(), await response.text(), response.get_encoding()


async def _mixed(_: Library, response: Any) -> object:
    return await response.content.read(2), await response.read()


async def _released(_: Library, response: Any) -> object:
    response.release()
    return await response.read()


async def _closed(_: Library, response: Any) -> object:
    await response.read()
    response.close()
    return response.closed, await response.text()


async def _encoding(_: Library, response: Any) -> object:
    return response.get_encoding()


async def _json_options(_: Library, response: Any) -> object:
    return await response.json(
        content_type="text/plain", loads=lambda text: [type(text).__name__, text], encoding="latin-1"
    )


async def _errors(_: Library, response: Any) -> object:
    return await response.text(errors="replace"), await response.text("latin-1"), await response.text(encoding="x-none")


async def _nowait(_: Library, response: Any) -> object:
    await response.content.wait_eof()
    return response.content.read_nowait(2), response.content.read_nowait(), response.content.total_bytes


async def _readchunk(_: Library, response: Any) -> object:
    return [await response.content.readchunk() for _turn in range(4)]


def _readers() -> Iterator[Call]:
    looks = {
        "iter_chunks": _chunks, "lines": _lines, "iter_chunked": _sized, "readuntil": _until, "readexactly": _exactly, "ends": _ends, "twice": _twice, "mixed": _mixed, "released": _released,
        "closed": _closed, "get_encoding": _encoding, "json options": _json_options, "text options": _errors, "read_nowait": _nowait, "readchunk": _readchunk,
    }  # fmt: skip
    replies = {
        "chunked": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked(b"ab\nc", b"d\xff\n"),
        "length": response(b"ab\ncd\xff\n", headers="Content-Type: text/plain"),
        "gzip": response(
            gzip.compress(b"ab\ncd\xff\n", mtime=0), headers="Content-Type: text/plain\r\nContent-Encoding: gzip"
        ),
        "empty": response(b"", headers="Content-Type: text/plain"),
    }
    for kind, look in looks.items():
        for framing, reply in replies.items():
            yield Call(f"replies/reader/{kind} of {framing}", look=look, routes=answer(reply))


async def _judge(response: Any) -> None:
    if response.status == 404:
        raise LookupError("not there")


def _policies() -> Iterator[Call]:
    for status in ("200 OK", "404 Not Found", "500 Error"):
        for kind, (session, options) in {
            "session": (fixed(raise_for_status=True), fixed()),
            "session overridden": (fixed(raise_for_status=True), fixed(raise_for_status=False)),
            "coroutine": (fixed(raise_for_status=_judge), fixed()),
            "coroutine of the call": (fixed(), fixed(raise_for_status=_judge)),
        }.items():
            sessions: Options = session
            yield Call(
                f"replies/raise_for_status/{kind} {status[:3]}",
                options=options,
                session=sessions,
                routes=answer(response(b"why", status=status)),
                times=2,
            )
