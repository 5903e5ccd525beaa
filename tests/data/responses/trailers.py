"""Trailer sections (RFC 9112 §7.1.2): checked, counted, dropped."""

# fmt: off  (a case is one line)
from tests.support.corpus import Case, bad, ok

START = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
END = b"\r\n\r\n"
CODING = "TransferEncodingError"


def dropped(name: str, trailers: bytes, why: str) -> Case:
    return ok(name, START + trailers + END, body=b"hi", chunks=(2,), why=why)


def refused(name: str, trailers: bytes, why: str) -> Case:
    return bad(name, START + trailers + END, CODING, status=200, body=b"hi", why=why)


CASES = (
    dropped("one", b"X-Checksum: abc", "RFC 9112 §7.1.2: may be discarded"),
    dropped("three", b"A: 1\r\nB: 2\r\nC: 3", "RFC 9112 §7.1.2: may be discarded"),
    dropped("empty_value", b"A:", "RFC 9110 §5.5: a value may be empty"),
    dropped("white_space_around_value", b"A: \t b \t ", "RFC 9112 §5.1"),
    dropped("every_token_character", b"!#$%&'*+-.^_`|~09azAZ: v", "RFC 9110 §5.6.2"),
    dropped("eight_bit_value", b"A: caf\xc3\xa9\xff", "RFC 9110 §5.5: obs-text"),
    dropped("control_byte_in_value", b"A: b\x01\x7fc", "decision: control bytes other than NUL, CR, LF are lenient, as in the head"),
    dropped("content_length", b"Content-Length: 5", "RFC 9110 §6.5.1: not allowed here, so it must not frame anything; dropped"),
    dropped("bad_content_length", b"Content-Length: x", "RFC 9110 §6.5.1: dropped before it can mean anything"),
    dropped("transfer_encoding", b"Transfer-Encoding: chunked", "RFC 9110 §6.5.1: dropped"),
    dropped("host", b"Host: evil.example", "RFC 9110 §6.5.1: dropped"),
    dropped("set_cookie", b"Set-Cookie: a=b", "RFC 9110 §6.5.1: dropped, sets no cookie"),
    dropped("authorization", b"Authorization: Basic eDp5", "RFC 9110 §6.5.1: dropped"),
    dropped("connection_close", b"Connection: close", "RFC 9110 §6.5.1: dropped, keeps the connection"),
    dropped("content_encoding", b"Content-Encoding: gzip", "RFC 9110 §6.5.1: dropped"),
    dropped("two_hundred", b"\r\n".join(b"T%d: %d" % (i, i) for i in range(200)), "decision: trailers are bound by the budget, not by max_headers"),
    dropped("long_value", b"A: " + b"v" * 20000, "decision: trailers are bound by the budget, not by max_field_size"),
    refused("no_colon", b"word", "RFC 9112 §5"),
    refused("empty_name", b": v", "RFC 9110 §5.6.2"),
    refused("space_before_colon", b"A : b", "RFC 9112 §5.1"),
    refused("space_inside_name", b"A B: c", "RFC 9110 §5.6.2"),
    refused("nul_in_name", b"A\x00: b", "RFC 9110 §5.6.2"),
    refused("nul_in_value", b"A: b\x00", "decision: NUL is an error"),
    refused("bare_cr_in_value", b"A: b\rc", "RFC 9112 §2.2"),
    refused("cr_cr_lf", b"A: b\r", "RFC 9112 §2.2"),
    refused("eight_bit_name", b"caf\xe9: c", "RFC 9110 §5.6.2"),
    refused("leading_space", b" A: b", "RFC 9112 §2.2: white space before the first field"),
    refused("fold", b"A: b\r\n c", "decision: after the head nothing needs obs-fold; lenient only where browsers need it"),
    refused("bare_lf_between", b"A: b\nC: d", "decision: framing is strict, CRLF exactly"),
    bad("bare_lf_empty_line", START + b"A: b\r\n\n", CODING, status=200, body=b"hi", why="decision: framing is strict, CRLF exactly"),
    bad("second_response_without_an_end", START + b"HTTP/1.1 200 OK\r\n\r\n", CODING, status=200, body=b"hi", why="the last empty line is missing; a status line is no trailer"),
    ok("not_yet_ended", START + b"A: b\r\n", body=b"hi", chunks=(2,), complete=False, why="RFC 9112 §7.1: the empty line is missing"),
    ok("not_yet_ended_cr", START + b"\r", body=b"hi", chunks=(2,), complete=False, why="RFC 9112 §7.1: the LF is missing"),
    ok("response_after_the_end", START + b"A: b" + END + b"HTTP/1.1 200 OK\r\n\r\n", body=b"hi", rest=b"HTTP/1.1 200 OK\r\n\r\n", why="what follows is not ours"),
)
