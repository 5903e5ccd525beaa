"""Transfer-Encoding (RFC 9112 §6.1, §6.3, §7)."""

# fmt: off  (a case is one line)
from tests.support.corpus import bad, ok

START = b"HTTP/1.1 200 OK\r\n"
CHUNKS = b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
CHUNKED = (b"Transfer-Encoding", b"chunked")


def coding(value: bytes) -> bytes:
    return START + b"Transfer-Encoding: " + value + CHUNKS


CASES = (
    ok("chunked", coding(b"chunked"), body=b"hello", chunks=(5,), why="RFC 9112 §7.1"),
    ok("capital", coding(b"Chunked"), body=b"hello", why="RFC 9112 §7: coding names are case-insensitive"),
    ok("upper_case", coding(b"CHUNKED"), body=b"hello", why="RFC 9112 §7: coding names are case-insensitive"),
    ok("mixed_case", coding(b"cHuNkEd"), body=b"hello", why="RFC 9112 §7: coding names are case-insensitive"),
    ok("lower_case_name", START + b"transfer-encoding: chunked" + CHUNKS, body=b"hello", headers=[(b"transfer-encoding", b"chunked")], why="RFC 9110 §5.1"),
    ok("no_space_after_colon", START + b"Transfer-Encoding:chunked" + CHUNKS, headers=[CHUNKED], body=b"hello", why="RFC 9112 §5"),
    ok("trailing_space", coding(b"chunked "), headers=[CHUNKED], body=b"hello", why="RFC 9112 §5.1: OWS is no part of the value (CVE-2019-15606 kind)"),
    ok("trailing_tab", coding(b"chunked\t"), headers=[CHUNKED], body=b"hello", why="RFC 9112 §5.1: OWS"),
    ok("leading_tab", coding(b"\tchunked"), headers=[CHUNKED], body=b"hello", why="RFC 9112 §5.1: OWS"),
    ok("no_chunks_but_the_last", START + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", why="RFC 9112 §7.1: an empty body"),
    bad("prefix", coding(b"xchunked"), "InvalidHeader", why="RFC 9112 §6.1: unknown coding; decision: exactly `chunked`"),
    bad("suffix", coding(b"chunkedx"), "InvalidHeader", why="CVE-2023-47641: not chunked"),
    bad("suffix_digits", coding(b"chunked123"), "InvalidHeader", why="CVE-2023-47641: not chunked"),
    bad("shortened", coding(b"chunke"), "InvalidHeader", why="unknown coding"),
    bad("twice_in_one_field", coding(b"chunked, chunked"), "InvalidHeader", why="RFC 9112 §6.1: chunked must not be applied twice"),
    bad("twice_in_one_field_no_space", coding(b"chunked,chunked"), "InvalidHeader", why="RFC 9112 §6.1"),
    bad("two_fields", START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + CHUNKS, "InvalidHeader", why="CVE-2020-8287: two fields"),
    bad("two_fields_different_case", START + b"Transfer-Encoding: chunked\r\ntransfer-encoding: chunked" + CHUNKS, "InvalidHeader", why="CVE-2020-8287"),
    bad("two_fields_first_identity", START + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked" + CHUNKS, "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("two_fields_second_identity", START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity" + CHUNKS, "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("two_fields_first_empty", START + b"Transfer-Encoding:\r\nTransfer-Encoding: chunked" + CHUNKS, "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("two_fields_second_empty", START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding:" + CHUNKS, "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("gzip_then_chunked", coding(b"gzip, chunked"), "InvalidHeader", why="RFC 9112 §7.2 allows it, TE never asked for it; decision: refused"),
    bad("chunked_then_gzip", coding(b"chunked, gzip"), "InvalidHeader", why="RFC 9112 §6.3 (4): chunked is not final"),
    bad("gzip", coding(b"gzip"), "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("deflate", coding(b"deflate"), "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("identity", coding(b"identity"), "InvalidHeader", why="RFC 9112 §7: identity was removed; decision: refused"),
    bad("chunked_then_identity", coding(b"chunked, identity"), "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("identity_then_chunked", coding(b"identity, chunked"), "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("unknown", coding(b"cow"), "InvalidHeader", why="RFC 9112 §6.1"),
    bad("empty", coding(b""), "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("only_spaces", coding(b"   "), "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("comma", coding(b","), "InvalidHeader", why="decision: exactly one `chunked`"),
    bad("leading_comma", coding(b", chunked"), "InvalidHeader", why="decision: no empty list elements in fields that frame"),
    bad("trailing_comma", coding(b"chunked,"), "InvalidHeader", why="decision: no empty list elements in fields that frame"),
    bad("parameter", coding(b"chunked;q=1"), "InvalidHeader", why="RFC 9112 §7.1: chunked has no parameters"),
    bad("semicolon", coding(b"chunked;"), "InvalidHeader", why="RFC 9112 §7.1: chunked has no parameters"),
    bad("quoted", coding(b'"chunked"'), "InvalidHeader", why="RFC 9112 §7: a token"),
    bad("single_quoted", coding(b"'chunked'"), "InvalidHeader", why="unknown coding (quotes are tchars)"),
    bad("vertical_tab_before", coding(b"\x0bchunked"), "InvalidHeader", why="strip() of Python takes VT away: OWS is SP and HTAB"),
    bad("vertical_tab_after", coding(b"chunked\x0b"), "InvalidHeader", why="OWS is SP and HTAB"),
    bad("form_feed_before", coding(b"\x0cchunked"), "InvalidHeader", why="OWS is SP and HTAB"),
    bad("nbsp_before", coding(b"\xa0chunked"), "InvalidHeader", why="OWS is SP and HTAB"),
    bad("control_byte_inside", coding(b"chun\x01ked"), "InvalidHeader", why="unknown coding"),
    bad("nul_inside", coding(b"chunked\x00"), "InvalidHeader", why="decision: NUL in the head is an error"),
    bad("space_inside", coding(b"chun ked"), "InvalidHeader", why="unknown coding"),
    bad("bare_cr_inside", coding(b"chun\rked"), "InvalidHeader", why="RFC 9112 §2.2"),
    bad("kelvin_sign", coding(b"chun\xe2\x84\xaaed"), "InvalidHeader", why="lower() of str turns U+212A into k: byte classes are ASCII only"),
    bad("http_1_0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" + CHUNKS, "InvalidHeader", why="RFC 9112 §6.1: framing of such a message is faulty"),
    bad("with_content_length_before", START + b"Content-Length: 5\r\nTransfer-Encoding: chunked" + CHUNKS, "InvalidHeader", why="RFC 9112 §6.3 (3): ought to be handled as an error"),
    bad("with_content_length_after", START + b"Transfer-Encoding: chunked\r\nContent-Length: 5" + CHUNKS, "InvalidHeader", why="RFC 9112 §6.3 (3): ought to be handled as an error"),
    bad("with_content_length_zero", START + b"Content-Length: 0\r\nTransfer-Encoding: chunked" + CHUNKS, "InvalidHeader", why="RFC 9112 §6.3 (3)"),
    bad("identity_with_content_length", START + b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello", "InvalidHeader", why="decision: Content-Length with any Transfer-Encoding is an error"),
    bad("with_content_length_on_head", START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "InvalidHeader", method="HEAD", why="decision: a head that lies is refused even where its framing is not needed"),
    bad("with_content_length_on_304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "InvalidHeader", why="decision: a head that lies is refused even where its framing is not needed"),
    bad("unknown_on_head", START + b"Transfer-Encoding: cow\r\n\r\n", "InvalidHeader", method="HEAD", why="decision: a head that lies is refused even where its framing is not needed"),
)
