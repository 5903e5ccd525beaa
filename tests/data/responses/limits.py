"""Limits at limit-1, limit and limit+1 (design: 8190, 8190, 128 fields, one budget of 64 KiB, 4 KiB and 16 KiB in chunks)."""

# fmt: off  (a case is one line)
from tests.support.corpus import Case, Limits, bad, ok

ZERO = (b"Content-Length", b"0")
END = b"Content-Length: 0\r\n\r\n"
START = b"HTTP/1.1 200 OK\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
CODING = "TransferEncodingError"
BUDGET = 65536


def status_line(size: int) -> bytes:
    """A head whose status line has `size` bytes without its line end."""
    return b"HTTP/1.1 200 " + b"r" * (size - 13) + b"\r\n" + END


def field(size: int, name: bytes = b"A") -> bytes:
    """A head with a field whose name and value have `size` bytes together."""
    return START + name + b": " + b"v" * (size - len(name)) + b"\r\n" + END


def fields(count: int) -> bytes:
    """A head with `count` fields."""
    return START + b"".join(b"X%d: y\r\n" % i for i in range(count - 1)) + END


def head(size: int, start: bytes = START, end: bytes = END) -> bytes:
    """A head of `size` bytes, all of it within the other limits."""
    parts = []
    room = size - len(start) - len(end)
    while room:
        line = min(room, 8000)
        if 0 < room - line < 5:
            line -= 5
        parts.append(b"X: " + b"v" * (line - 5) + b"\r\n")
        room -= line
    return start + b"".join(parts) + end


def pairs(data: bytes) -> list[tuple[bytes, bytes]]:
    lines = data[: data.index(b"\r\n\r\n")].split(b"\r\n")[1:]
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]


def reason(size: int) -> str:
    return "r" * (size - 13)


def chunk_line(size: int) -> bytes:
    """A chunk-size line of `size` bytes, its CRLF included."""
    return b"2;" + b"e" * (size - 4) + b"\r\n"


def extensions(total: int) -> bytes:
    """A chunked body whose extensions have `total` bytes, semicolons included."""
    chunks = b""
    while total:
        part = min(total, 4000)
        chunks += b"2;" + b"e" * (part - 1) + b"\r\nhi\r\n"
        total -= part
    return chunks + b"0\r\n\r\n"


def trailers(budget: int) -> bytes:
    """A trailer section of `budget` bytes, its empty line included."""
    return head(budget, start=b"", end=b"\r\n")


def head_ok(name: str, data: bytes, why: str, limits: Limits = Limits()) -> Case:
    return ok(name, data, headers=pairs(data), limits=limits, why=why)


SMALL = Limits(max_line_size=20, max_field_size=30, max_headers=2)
WIDE = Limits(max_line_size=40000, max_field_size=40000)
LARGE_INTERIM = head(60000, start=b"HTTP/1.1 103 Early Hints\r\n", end=b"\r\n")

CASES = (
    ok("status_line_8189", status_line(8189), reason=reason(8189), why="max_line_size 8190"),
    ok("status_line_8190", status_line(8190), reason=reason(8190), why="max_line_size 8190, the line end not counted"),
    bad("status_line_8191", status_line(8191), "LineTooLong", why="max_line_size 8190"),
    bad("status_line_64_kib", status_line(60000), "LineTooLong", why="max_line_size 8190"),
    bad("status_line_bare_lf_8191", status_line(8191).replace(b"\r\n", b"\n"), "LineTooLong", why="max_line_size 8190, whatever the line end"),
    ok("status_line_bare_lf_8190", status_line(8190).replace(b"\r\n", b"\n"), headers=[ZERO], reason=reason(8190), why="max_line_size 8190, whatever the line end"),
    bad("status_line_of_interim_8191", b"HTTP/1.1 103 " + b"r" * 8178 + b"\r\n\r\n" + START + END, "LineTooLong", why="max_line_size holds for interim answers too"),
    head_ok("field_8189", field(8189), "max_field_size 8190"),
    head_ok("field_8190", field(8190), "max_field_size 8190: name and value together, as aiohttp's compiled parser"),
    bad("field_8191", field(8191), "LineTooLong", why="max_field_size 8190"),
    bad("field_40_kib", field(40000), "LineTooLong", why="max_field_size 8190"),
    head_ok("field_name_8189_and_value_1", field(8190, name=b"n" * 8189), "max_field_size 8190: name and value together"),
    bad("field_name_8190_and_value_1", field(8191, name=b"n" * 8190), "LineTooLong", why="max_field_size 8190: name and value together"),
    bad("field_name_alone_8191", field(8191, name=b"n" * 8191), "LineTooLong", why="max_field_size 8190: name and value together"),
    ok("white_space_around_value_is_not_counted", START + b"A:" + b" " * 9000 + b"v" + b" " * 9000 + b"\r\n" + END, headers=[(b"A", b"v"), ZERO], why="max_field_size counts name and value; white space is bound by the budget"),
    bad("folded_field_8191", START + b"A: " + b"v" * 4000 + b"\r\n " + b"v" * 4189 + b"\r\n" + END, "LineTooLong", why="a folded value is one value: 1 + 4000 + 1 + 4189"),
    ok("folded_field_8190", START + b"A: " + b"v" * 4000 + b"\r\n " + b"v" * 4188 + b"\r\n" + END, headers=[(b"A", b"v" * 4000 + b" " + b"v" * 4188), ZERO], why="a folded value is one value: 1 + 4000 + 1 + 4188"),
    bad("field_of_interim_8191", b"HTTP/1.1 103 Early Hints\r\nA: " + b"v" * 8190 + b"\r\n\r\n" + START + END, "LineTooLong", why="max_field_size holds for interim answers too"),
    head_ok("fields_127", fields(127), "max_headers 128"),
    head_ok("fields_128", fields(128), "max_headers 128"),
    bad("fields_129", fields(129), "BadHttpMessage", why="max_headers 128"),
    bad("fields_1000", fields(1000), "BadHttpMessage", why="max_headers 128"),
    bad("fields_129_of_one_name", START + b"A: b\r\n" * 128 + END, "BadHttpMessage", why="max_headers 128: fields, not names"),
    bad("fields_129_in_interim", b"HTTP/1.1 103 Early Hints\r\n" + b"A: b\r\n" * 129 + b"\r\n" + START + END, "BadHttpMessage", why="max_headers holds for interim answers too"),
    ok("fields_128_in_each_head", b"HTTP/1.1 103 Early Hints\r\n" + b"A: b\r\n" * 128 + b"\r\n" + fields(128), interim=(103,), headers=pairs(fields(128)), why="max_headers counts in one head"),
    # --- budget
    head_ok("budget_minus_1", head(BUDGET - 1), "one budget of 64 KiB over all heads, its empty line included"),
    head_ok("budget", head(BUDGET), "one budget of 64 KiB over all heads, its empty line included"),
    bad("budget_plus_1", head(BUDGET + 1), "LineTooLong", why="one budget of 64 KiB over all heads"),
    bad("budget_twice", head(2 * BUDGET), "LineTooLong", why="one budget of 64 KiB over all heads"),
    bad("budget_plus_1_before_the_end", head(BUDGET + 2)[:-1], "LineTooLong", why="the budget is checked before the head is whole"),
    ok("budget_shared_with_interim", head(BUDGET - 1000, start=b"HTTP/1.1 103 Early Hints\r\n", end=b"\r\n") + head(1000), interim=(103,), headers=pairs(head(1000)), why="one budget over interim and final heads"),
    bad("budget_shared_with_interim_plus_1", head(BUDGET - 1000, start=b"HTTP/1.1 103 Early Hints\r\n", end=b"\r\n") + head(1001), "LineTooLong", interim=(103,), why="one budget over interim and final heads"),
    bad("budget_of_two_large_interims", LARGE_INTERIM + LARGE_INTERIM, "LineTooLong", interim=(103,), why="one budget over all interim heads"),
    ok("budget_shared_with_blank_lines", b"\r\n" * 500 + head(BUDGET - 1000), headers=pairs(head(BUDGET - 1000)), why="leading blank lines count"),
    bad("budget_shared_with_blank_lines_plus_1", b"\r\n" * 500 + head(BUDGET - 999), "LineTooLong", why="leading blank lines count"),
    bad("budget_of_blank_lines", b"\n" * (BUDGET + 1), "LineTooLong", why="leading blank lines count"),
    ok("budget_shared_with_trailers", head(BUDGET - 1000, end=b"Transfer-Encoding: chunked\r\n\r\n") + b"2\r\nhi\r\n0\r\n" + trailers(1000), headers=pairs(head(BUDGET - 1000, end=b"Transfer-Encoding: chunked\r\n\r\n")), body=b"hi", why="one budget over heads and trailers"),
    bad("budget_shared_with_trailers_plus_1", head(BUDGET - 1000, end=b"Transfer-Encoding: chunked\r\n\r\n") + b"2\r\nhi\r\n0\r\n" + trailers(1001), "LineTooLong", status=200, body=b"hi", why="one budget over heads and trailers"),
    ok("trailers_take_the_whole_budget", CHUNKED + b"0\r\n" + trailers(BUDGET - len(CHUNKED)), headers=[(b"Transfer-Encoding", b"chunked")], why="one budget over heads and trailers"),
    bad("trailers_take_more", CHUNKED + b"0\r\n" + trailers(BUDGET - len(CHUNKED) + 1), "LineTooLong", status=200, why="one budget over heads and trailers"),
    bad("one_trailer_takes_more", CHUNKED + b"0\r\nA: " + b"v" * BUDGET, "LineTooLong", status=200, why="one budget over heads and trailers, checked before the line is whole"),
    bad("ten_thousand_trailers", CHUNKED + b"0\r\n" + b"Trailer: x\r\n" * 10000, "LineTooLong", status=200, why="one budget over heads and trailers"),
    ok("body_is_not_in_the_budget", CHUNKED + b"11170\r\n" + b"b" * 70000 + b"\r\n0\r\nA: b\r\n\r\n", headers=[(b"Transfer-Encoding", b"chunked")], body=b"b" * 70000, why="the body is not part of the budget"),
    # --- other settings
    ok("small_line_at_limit", b"HTTP/1.1 200 2345678\r\n" + END, reason="2345678", limits=SMALL, why="max_line_size=20"),
    bad("small_line_over_limit", b"HTTP/1.1 200 23456789\r\n" + END, "LineTooLong", limits=SMALL, why="max_line_size=20"),
    head_ok("small_field_at_limit", field(30), "max_field_size=30", limits=SMALL),
    bad("small_field_over_limit", field(31), "LineTooLong", limits=SMALL, why="max_field_size=30"),
    head_ok("small_count_at_limit", fields(2), "max_headers=2", limits=SMALL),
    bad("small_count_over_limit", fields(3), "BadHttpMessage", limits=SMALL, why="max_headers=2"),
    ok("wide_line", status_line(40000), reason=reason(40000), limits=WIDE, why="max_line_size=40000"),
    head_ok("wide_budget", field(40000)[: -len(END)] + b"B: " + b"w" * 39000 + b"\r\n" + END, "the budget follows the limits: 2*(40000+40000)", limits=WIDE),
    bad("wide_budget_plus_1", START + b"X: " + b"v" * 39000 + b"\r\n" + b"Y: z\r\n" * 21000 + END, "LineTooLong", limits=WIDE, why="the budget follows the limits: 160000"),
    # --- chunks
    ok("chunk_line_4095", CHUNKED + chunk_line(4095) + b"hi\r\n0\r\n\r\n", body=b"hi", why="chunk-size line 4 KiB, its CRLF included"),
    ok("chunk_line_4096", CHUNKED + chunk_line(4096) + b"hi\r\n0\r\n\r\n", body=b"hi", why="chunk-size line 4 KiB, its CRLF included"),
    bad("chunk_line_4097", CHUNKED + chunk_line(4097) + b"hi\r\n0\r\n\r\n", CODING, status=200, why="chunk-size line 4 KiB, its CRLF included"),
    bad("chunk_line_4097_before_its_end", CHUNKED + b"2;" + b"e" * 4095, CODING, status=200, why="checked before the line is whole"),
    bad("chunk_line_64_kib_extension", CHUNKED + b"2;" + b"e" * 65536 + b"\r\nhi\r\n0\r\n\r\n", CODING, status=200, why="CVE-2024-22019: llhttp has no cap of its own"),
    bad("chunk_line_of_spaces", CHUNKED + b"2" + b" " * 5000 + b"\r\nhi\r\n0\r\n\r\n", CODING, status=200, why="chunk-size line 4 KiB"),
    ok("last_chunk_line_4096", CHUNKED + b"0;" + b"e" * 4092 + b"\r\n\r\n", why="chunk-size line 4 KiB"),
    bad("last_chunk_line_4097", CHUNKED + b"0;" + b"e" * 4093 + b"\r\n\r\n", CODING, status=200, why="chunk-size line 4 KiB"),
    ok("extensions_16383", CHUNKED + extensions(16383), body=b"hi" * 5, why="16 KiB of extensions a body"),
    ok("extensions_16384", CHUNKED + extensions(16384), body=b"hi" * 5, why="16 KiB of extensions a body"),
    bad("extensions_16385", CHUNKED + extensions(16385), CODING, status=200, body=b"hi" * 4, why="16 KiB of extensions a body"),
    bad("extensions_dripping", CHUNKED + b"1;e\r\nx\r\n" * 8193 + b"0\r\n\r\n", CODING, status=200, body=b"x" * 8192, why="16 KiB of extensions a body: two bytes each"),
    ok("extensions_do_not_count_the_padding", CHUNKED + (b"1" + b" " * 2000 + b"\r\nx\r\n") * 20 + b"0\r\n\r\n", body=b"x" * 20, why="decision: white space after a size is no extension; the line limit bounds it"),
)
