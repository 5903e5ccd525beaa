"""Answers without a body whatever their fields say (RFC 9112 §6.3 (1), (2))."""

# fmt: off  (a case is one line)
from tests.support.corpus import bad, ok

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
FIVE = b"Content-Length: 5\r\n\r\n"

CASES = (
    ok("204", b"HTTP/1.1 204 No Content\r\n\r\n", status=204, reason="No Content", why="RFC 9112 §6.3 (1)"),
    ok("204_with_content_length", b"HTTP/1.1 204 No Content\r\n" + FIVE + b"hello", status=204, reason="No Content", rest=b"hello", why="RFC 9112 §6.3 (1): the bytes are not ours"),
    ok("204_with_content_length_zero", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", status=204, reason="No Content", why="RFC 9110 §8.6 forbids it, servers do it; it says the same"),
    ok("204_with_chunked", b"HTTP/1.1 204 No Content\r\n" + CHUNKED + b"0\r\n\r\n", status=204, reason="No Content", rest=b"0\r\n\r\n", why="RFC 9112 §6.3 (1): the bytes are not ours"),
    ok("304", b"HTTP/1.1 304 Not Modified\r\n\r\n", status=304, reason="Not Modified", why="RFC 9112 §6.3 (1)"),
    ok("304_with_content_length", b"HTTP/1.1 304 Not Modified\r\n" + FIVE, status=304, reason="Not Modified", why="RFC 9110 §8.6: it is the length that a 200 would have"),
    ok("304_with_chunked", b"HTTP/1.1 304 Not Modified\r\n" + CHUNKED, status=304, reason="Not Modified", why="RFC 9112 §6.1: a 304 may carry the field"),
    ok("304_with_a_body", b"HTTP/1.1 304 Not Modified\r\n" + FIVE + b"hello", status=304, reason="Not Modified", rest=b"hello", why="RFC 9112 §6.3 (1): the bytes are not ours"),
    ok("304_without_framing_closed", b"HTTP/1.1 304 Not Modified\r\n\r\n", status=304, reason="Not Modified", eof=True, why="complete before the end came"),
    ok("304_http_1_0", b"HTTP/1.0 304 Not Modified\r\n\r\n", status=304, reason="Not Modified", version=(1, 0), keep_alive=False, why="RFC 9112 §9.3"),
    ok("205_with_length_zero", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", status=205, reason="Reset Content", why="RFC 9110 §15.3.6"),
    ok("205_with_a_body", b"HTTP/1.1 205 Reset Content\r\n" + FIVE + b"hello", status=205, reason="Reset Content", body=b"hello", why="RFC 9112 §6.3 does not name 205: its framing counts, so the stream stays in step"),
    ok("205_chunked", b"HTTP/1.1 205 Reset Content\r\n" + CHUNKED + b"0\r\n\r\n", status=205, reason="Reset Content", why="RFC 9112 §6.3 does not name 205"),
    ok("205_until_eof", b"HTTP/1.1 205 Reset Content\r\n\r\n", status=205, reason="Reset Content", keep_alive=False, eof=True, why="RFC 9112 §6.3 does not name 205"),
    ok("head", b"HTTP/1.1 200 OK\r\n\r\n", method="HEAD", why="RFC 9112 §6.3 (1)"),
    ok("head_with_content_length", b"HTTP/1.1 200 OK\r\n" + FIVE, method="HEAD", why="RFC 9110 §9.3.2: the length that GET would have"),
    ok("head_with_huge_content_length", b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n", method="HEAD", why="RFC 9110 §9.3.2"),
    ok("head_with_chunked", b"HTTP/1.1 200 OK\r\n" + CHUNKED, method="HEAD", why="RFC 9112 §6.1: the field says what GET would have"),
    ok("head_with_a_body", b"HTTP/1.1 200 OK\r\n" + FIVE + b"hello", method="HEAD", rest=b"hello", why="RFC 9112 §6.3 (1): the bytes are not ours"),
    ok("head_with_a_chunked_body", b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", method="HEAD", rest=b"5\r\nhello\r\n0\r\n\r\n", why="RFC 9112 §6.3 (1): the bytes are not ours"),
    ok("head_404", b"HTTP/1.1 404 Not Found\r\n" + FIVE, status=404, reason="Not Found", method="HEAD", why="RFC 9112 §6.3 (1): whatever the status"),
    ok("head_500_without_framing", b"HTTP/1.1 500 Oops\r\n\r\n", status=500, reason="Oops", method="HEAD", why="RFC 9112 §6.3 (1): nothing is read until the end"),
    ok("head_204", b"HTTP/1.1 204 No Content\r\n\r\n", status=204, reason="No Content", method="HEAD", why="RFC 9112 §6.3 (1)"),
    ok("head_with_interim", b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n" + FIVE, method="HEAD", interim=(103,), why="RFC 9110 §15.2"),
    ok("head_http_1_0", b"HTTP/1.0 200 OK\r\n\r\n", method="HEAD", version=(1, 0), keep_alive=False, why="RFC 9112 §9.3"),
    ok("lower_case_head_is_another_method", b"HTTP/1.1 200 OK\r\n" + FIVE + b"hello", method="head", body=b"hello", why="RFC 9110 §9.1: methods are case-sensitive"),
    # --- CONNECT
    ok("connect_200", b"HTTP/1.1 200 Connection established\r\n\r\n", reason="Connection established", method="CONNECT", keep_alive=False, why="RFC 9110 §9.3.6: a tunnel from here on"),
    ok("connect_200_then_tunnel_bytes", b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03", method="CONNECT", keep_alive=False, rest=b"\x16\x03\x03", why="RFC 9110 §9.3.6: what follows belongs to the tunnel"),
    ok("connect_200_with_content_length", b"HTTP/1.1 200 OK\r\n" + FIVE + b"hello", method="CONNECT", keep_alive=False, rest=b"hello", why="RFC 9112 §6.3 (2): Content-Length is ignored"),
    ok("connect_200_with_chunked", b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"0\r\n\r\n", method="CONNECT", keep_alive=False, rest=b"0\r\n\r\n", why="RFC 9112 §6.3 (2): Transfer-Encoding is ignored"),
    bad("connect_200_with_both", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + CHUNKED, "InvalidHeader", method="CONNECT", why="decision: a head that lies is refused, also where RFC 9112 §6.3 (2) ignores its framing"),
    ok("connect_299", b"HTTP/1.1 299 Odd\r\n\r\nx", status=299, reason="Odd", method="CONNECT", keep_alive=False, rest=b"x", why="RFC 9110 §9.3.6: any 2xx"),
    ok("connect_204", b"HTTP/1.1 204 No Content\r\n\r\nx", status=204, reason="No Content", method="CONNECT", keep_alive=False, rest=b"x", why="RFC 9110 §9.3.6: any 2xx"),
    ok("connect_300_is_no_tunnel", b"HTTP/1.1 300 Choices\r\n" + FIVE + b"hello", status=300, reason="Choices", method="CONNECT", body=b"hello", why="RFC 9110 §9.3.6: only 2xx"),
    ok("connect_407_with_body", b"HTTP/1.1 407 Proxy Authentication Required\r\n" + FIVE + b"hello", status=407, reason="Proxy Authentication Required", method="CONNECT", body=b"hello", why="RFC 9110 §9.3.6: only 2xx; the connection can be used again"),
    ok("connect_502_chunked", b"HTTP/1.1 502 Bad Gateway\r\n" + CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", status=502, reason="Bad Gateway", method="CONNECT", body=b"hi", why="RFC 9110 §9.3.6: only 2xx"),
    ok("connect_interim_then_200", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", method="CONNECT", interim=(100,), keep_alive=False, rest=b"x", why="RFC 9110 §15.2"),
    ok("connect_http_1_0", b"HTTP/1.0 200 OK\r\n\r\nx", version=(1, 0), method="CONNECT", keep_alive=False, rest=b"x", why="old proxies answer so"),
)
