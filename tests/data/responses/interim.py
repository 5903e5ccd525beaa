"""Interim answers, switching protocols, and what follows a response (RFC 9110 §15.2, RFC 9112 §9.2)."""

# fmt: off  (a case is one line)
from tests.support.corpus import Case, bad, ok, waiting

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
FINAL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def switched(name: str, data: bytes, *, why: str, rest: bytes = b"", interim: tuple[int, ...] = ()) -> Case:
    return ok(name, data, status=101, reason="Switching Protocols", upgrade=True, keep_alive=False, rest=rest, interim=interim, why=why)


CASES = (
    ok("continue", CONTINUE + FINAL, interim=(100,), headers=[(b"Content-Length", b"2")], body=b"hi", why="RFC 9110 §15.2.1"),
    ok("processing", b"HTTP/1.1 102 Processing\r\n\r\n" + EMPTY, interim=(102,), why="RFC 2518"),
    ok("early_hints", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + EMPTY, interim=(103,), why="RFC 8297"),
    ok("three_early_hints", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + EMPTY, interim=(103, 103, 103), why="RFC 8297: any number"),
    ok("unknown_interim", b"HTTP/1.1 199 Odd\r\n\r\n" + EMPTY, interim=(199,), why="RFC 9110 §15: unknown codes are treated as x00"),
    ok("different_interims", CONTINUE + b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\n" + EMPTY, interim=(100, 102, 103), why="RFC 9110 §15.2"),
    ok("interim_without_reason", b"HTTP/1.1 100\r\n\r\n" + EMPTY, interim=(100,), why="decision: a missing reason is lenient"),
    ok("interim_with_bare_lf", b"HTTP/1.1 100 Continue\n\n" + EMPTY, interim=(100,), headers=[(b"Content-Length", b"0")], why="decision: bare LF is lenient"),
    ok("interim_in_http_1_0", b"HTTP/1.0 100 Continue\r\n\r\n" + EMPTY, interim=(100,), why="RFC 9110 §15.2 forbids it to servers; the meaning is clear"),
    ok("interim_with_content_length", b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" + EMPTY, interim=(100,), why="RFC 9112 §6.3 (1): a 1xx has no body whatever it says"),
    ok("interim_with_chunked", b"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n" + EMPTY, interim=(100,), why="RFC 9112 §6.3 (1): a 1xx has no body whatever it says"),
    ok("interim_with_fields", b"HTTP/1.1 100 Continue\r\nA: b\r\nC: d\r\n\r\n" + EMPTY, interim=(100,), why="RFC 9110 §15.2: fields of it are not fields of the final answer"),
    bad("interim_with_bad_content_length", b"HTTP/1.1 100 Continue\r\nContent-Length: x\r\n\r\n" + EMPTY, "InvalidHeader", why="decision: a head that lies is refused even where its framing is not needed"),
    bad("interim_with_both", b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + EMPTY, "InvalidHeader", why="decision: a head that lies is refused even where its framing is not needed"),
    bad("interim_with_a_body", b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello" + EMPTY, "BadStatusLine", interim=(100,), why="RFC 9112 §6.3 (1): the body stands where a status line has to be"),
    bad("bad_field_after_interim", CONTINUE + b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", "InvalidHeader", interim=(100,), why="RFC 9110 §5.6.2"),
    bad("foreign_bytes_after_interim", CONTINUE + b"\x15\x03\x01", "BadStatusLine", interim=(100,), why="no status line"),
    ok("twenty_interims", CONTINUE * 20 + EMPTY, interim=(100,) * 20, why="decision: at most 20 interim answers"),
    bad("twenty_one_interims", CONTINUE * 21 + EMPTY, "BadHttpMessage", interim=(100,) * 20, why="decision: at most 20 interim answers"),
    bad("thousand_interims", CONTINUE * 1000, "BadHttpMessage", interim=(100,) * 20, why="CVE-2021-3737: the client would loop"),
    bad("twenty_one_different_interims", b"".join(b"HTTP/1.1 1%02d X\r\n\r\n" % n for n in range(2, 23)), "BadHttpMessage", interim=tuple(range(102, 122)), why="decision: all kinds count together"),
    waiting("twenty_interims_and_nothing", CONTINUE * 20, interim=(100,) * 20, why="the final answer may still come"),
    # --- 101
    bad("switching_unasked", SWITCH, "BadHttpMessage", why="RFC 9110 §15.2.2: only in answer to Upgrade"),
    bad("switching_unasked_after_interim", CONTINUE + SWITCH, "BadHttpMessage", interim=(100,), why="RFC 9110 §15.2.2: only in answer to Upgrade"),
    bad("switching_unasked_on_head", SWITCH, "BadHttpMessage", method="HEAD", why="RFC 9110 §15.2.2: only in answer to Upgrade"),
    bad("switching_unasked_then_final", SWITCH + FINAL, "BadHttpMessage", why="RFC 9110 §15.2.2: what follows would be another protocol"),
    switched("switching", SWITCH, why="RFC 9110 §15.2.2"),
    switched("switching_then_frames", SWITCH + b"\x81\x02hi", rest=b"\x81\x02hi", why="RFC 9110 §15.2.2: what follows the empty line is the new protocol"),
    switched("switching_then_http", SWITCH + FINAL, rest=FINAL, why="RFC 9110 §15.2.2: h2c or HTTP/1.1 again, not ours"),
    switched("switching_after_interim", CONTINUE + SWITCH, interim=(100,), why="RFC 9110 §15.2"),
    switched("switching_with_content_length", b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 2\r\n\r\nhi", rest=b"hi", why="RFC 9112 §6.3 (1): a 1xx has no body whatever it says"),
    switched("switching_with_chunked", b"HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", rest=b"0\r\n\r\n", why="RFC 9112 §6.3 (1)"),
    switched("switching_without_upgrade_field", b"HTTP/1.1 101 Switching Protocols\r\n\r\nx", rest=b"x", why="who asked checks the fields; the parser only frames"),
    ok("upgrade_refused", FINAL, upgrade=True, headers=[(b"Content-Length", b"2")], body=b"hi", why="RFC 9110 §7.8: a server may ignore Upgrade"),
    ok("upgrade_refused_with_upgrade_field", b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nhi", upgrade=True, status=426, reason="Upgrade Required", body=b"hi", why="RFC 9110 §15.5.22: an ordinary answer"),
    ok("upgrade_field_on_an_ordinary_answer", b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nhi", body=b"hi", why="RFC 9110 §7.8: an offer; llhttp would pause here"),
    ok("upgrade_field_on_an_ordinary_chunked_answer", b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", upgrade=True, body=b"hi", why="RFC 9110 §7.8: an offer; llhttp would pause here"),
    # --- more bytes after the response
    ok("junk_after_the_body", FINAL + b"EXTRA", headers=[(b"Content-Length", b"2")], body=b"hi", rest=b"EXTRA", why="decision: delivered; the connection is dropped"),
    ok("crlf_after_the_body", FINAL + b"\r\n", headers=[(b"Content-Length", b"2")], body=b"hi", rest=b"\r\n", why="decision: delivered; the rest is not ours"),
    ok("one_byte_after_the_body", FINAL + b"\x00", headers=[(b"Content-Length", b"2")], body=b"hi", rest=b"\x00", why="decision: delivered; the rest is not ours"),
    ok("second_response_after_the_body", FINAL + FINAL, headers=[(b"Content-Length", b"2")], body=b"hi", rest=FINAL, why="decision: never the answer to another request"),
    ok("second_response_after_chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" + FINAL, body=b"hi", rest=FINAL, why="decision: never the answer to another request"),
    ok("second_response_after_an_empty_body", EMPTY + EMPTY, rest=EMPTY, why="decision: never the answer to another request"),
    ok("interim_after_the_response", EMPTY + CONTINUE, rest=CONTINUE, why="decision: never the answer to another request"),
    ok("request_timeout_after_the_response", EMPTY + b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", rest=b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", why="load balancers say so on idle connections; never the answer to another request"),
    ok("chunk_after_the_last_chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n2\r\nhi\r\n0\r\n\r\n", rest=b"2\r\nhi\r\n0\r\n\r\n", why="RFC 9112 §7.1: the body has ended"),
    ok("64_kib_after_the_body", FINAL + b"x" * 65536, headers=[(b"Content-Length", b"2")], body=b"hi", rest=b"x" * 65536, why="the rest is not ours"),
)
