"""Bodies that end with the connection, and the end of the connection elsewhere (RFC 9112 §6.3 (8), §8)."""

# fmt: off  (a case is one line)
from tests.support.corpus import bad, ok

BARE = b"HTTP/1.1 200 OK\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GONE = "ServerDisconnectedError"
SHORT = "ContentLengthError"
CODING = "TransferEncodingError"

CASES = (
    ok("body", BARE + b"hello", body=b"hello", keep_alive=False, eof=True, headers=[], why="RFC 9112 §6.3 (8)"),
    ok("empty_body", BARE, keep_alive=False, eof=True, why="RFC 9112 §6.3 (8)"),
    ok("still_open", BARE + b"hello", body=b"hello", keep_alive=False, complete=False, headers=[], why="RFC 9112 §6.3 (8): only the end ends it"),
    ok("still_open_without_body", BARE, keep_alive=False, complete=False, why="RFC 9112 §6.3 (8): only the end ends it"),
    ok("keep_alive_is_a_lie", b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nhello", body=b"hello", keep_alive=False, eof=True, why="RFC 9112 §9.3: the message must be self-defined to persist"),
    ok("http_1_0", b"HTTP/1.0 200 OK\r\n\r\nhello", version=(1, 0), body=b"hello", keep_alive=False, eof=True, why="RFC 9112 §6.3 (8)"),
    ok("http_1_0_keep_alive_is_a_lie", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello", version=(1, 0), body=b"hello", keep_alive=False, eof=True, why="RFC 9112 §9.3"),
    ok("body_looks_like_chunks", BARE + b"5\r\nhello\r\n0\r\n\r\n", body=b"5\r\nhello\r\n0\r\n\r\n", keep_alive=False, eof=True, headers=[], why="without the field the bytes are the body"),
    ok("body_looks_like_a_response", BARE + LENGTH + b"hello", body=LENGTH + b"hello", keep_alive=False, eof=True, headers=[], why="all bytes up to the end are the body"),
    ok("body_of_100_kib", BARE + b"q" * 102400, body=b"q" * 102400, keep_alive=False, eof=True, headers=[], why="the budget of the head does not bind the body"),
    ok("error_status", b"HTTP/1.1 500 Oops\r\n\r\nsorry", status=500, reason="Oops", body=b"sorry", keep_alive=False, eof=True, headers=[], why="RFC 9112 §6.3 (8)"),
    ok("not_read_until_eof", BARE + b"hello", read_until_eof=False, keep_alive=False, rest=b"hello", why="the caller asked for no such body: it is empty, the connection is not kept"),
    ok("not_read_until_eof_with_length", LENGTH + b"hello", read_until_eof=False, body=b"hello", why="only bodies without a length are concerned"),
    ok("not_read_until_eof_chunked", CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", read_until_eof=False, body=b"hi", why="only bodies without a length are concerned"),
    ok("interim_then_until_eof", b"HTTP/1.1 100 Continue\r\n\r\n" + BARE + b"hello", interim=(100,), headers=[], body=b"hello", keep_alive=False, eof=True, why="RFC 9112 §6.3 (8)"),
    # --- cut: in the head
    bad("cut_in_protocol_name", b"HTT", GONE, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_version", b"HTTP/1.", GONE, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_status", b"HTTP/1.1 20", GONE, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_reason", b"HTTP/1.1 200 O", GONE, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_after_status_line", b"HTTP/1.1 200 OK\r\n", GONE, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_field_name", b"HTTP/1.1 200 OK\r\nContent-Le", GONE, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_field_value", b"HTTP/1.1 200 OK\r\nContent-Length: 5", GONE, eof=True, why="RFC 9112 §8: incomplete (5 could have become 50)"),
    bad("cut_before_empty_line", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", GONE, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_empty_line", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r", GONE, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_a_bad_field", b"HTTP/1.1 200 OK\r\nA B: c\r\n", GONE, eof=True, why="a head is judged when it is whole"),
    bad("cut_after_interim", b"HTTP/1.1 100 Continue\r\n\r\n", GONE, interim=(100,), eof=True, why="RFC 9110 §15.2: the final answer is missing"),
    bad("cut_in_head_after_interim", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20", GONE, interim=(100,), eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_head_of_an_answer_to_head", b"HTTP/1.1 200 OK\r\n", GONE, method="HEAD", eof=True, why="RFC 9112 §8: incomplete"),
    # --- cut: Content-Length
    bad("cut_before_fixed_body", LENGTH, SHORT, status=200, eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_fixed_body", LENGTH + b"hel", SHORT, status=200, body=b"hel", eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_before_the_last_byte", LENGTH + b"hell", SHORT, status=200, body=b"hell", eof=True, why="RFC 9112 §8: incomplete"),
    bad("cut_in_a_huge_body", b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx", SHORT, status=200, body=b"x", eof=True, why="RFC 9112 §8: incomplete"),
    ok("closed_after_fixed_body", LENGTH + b"hello", body=b"hello", eof=True, why="the response was complete before"),
    ok("closed_after_fixed_body_and_more", LENGTH + b"hello!", body=b"hello", rest=b"!", eof=True, why="the response was complete before; the rest is not ours"),
    bad("cut_in_fixed_body_http_1_0", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhel", SHORT, status=200, body=b"hel", eof=True, why="RFC 9112 §8: incomplete, also for HTTP/1.0"),
    bad("cut_in_fixed_body_connection_close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhel", SHORT, status=200, body=b"hel", eof=True, why="RFC 9112 §8: incomplete, also if the end was announced"),
    # --- cut: chunked
    bad("cut_before_first_chunk", CHUNKED, CODING, status=200, eof=True, why="RFC 9112 §8: the zero-sized chunk is missing"),
    bad("cut_in_chunk_size", CHUNKED + b"5", CODING, status=200, eof=True, why="RFC 9112 §8"),
    bad("cut_in_chunk_size_line_end", CHUNKED + b"5\r", CODING, status=200, eof=True, why="RFC 9112 §8"),
    bad("cut_in_extension", CHUNKED + b"5;a=", CODING, status=200, eof=True, why="RFC 9112 §8"),
    bad("cut_before_chunk_data", CHUNKED + b"5\r\n", CODING, status=200, eof=True, why="RFC 9112 §8"),
    bad("cut_in_chunk_data", CHUNKED + b"5\r\nhel", CODING, status=200, body=b"hel", eof=True, why="RFC 9112 §8"),
    bad("cut_after_chunk_data", CHUNKED + b"5\r\nhello", CODING, status=200, body=b"hello", eof=True, why="RFC 9112 §8"),
    bad("cut_in_chunk_data_line_end", CHUNKED + b"5\r\nhello\r", CODING, status=200, body=b"hello", eof=True, why="RFC 9112 §8"),
    bad("cut_between_chunks", CHUNKED + b"5\r\nhello\r\n", CODING, status=200, body=b"hello", eof=True, why="RFC 9112 §8: never a short success"),
    bad("cut_in_last_chunk", CHUNKED + b"5\r\nhello\r\n0", CODING, status=200, body=b"hello", eof=True, why="RFC 9112 §8"),
    bad("cut_after_last_chunk", CHUNKED + b"5\r\nhello\r\n0\r\n", CODING, status=200, body=b"hello", eof=True, why="RFC 9112 §8: the trailer section is not ended"),
    bad("cut_in_last_empty_line", CHUNKED + b"5\r\nhello\r\n0\r\n\r", CODING, status=200, body=b"hello", eof=True, why="RFC 9112 §8: the trailer section is not ended"),
    bad("cut_in_trailer", CHUNKED + b"5\r\nhello\r\n0\r\nA: b", CODING, status=200, body=b"hello", eof=True, why="RFC 9112 §8"),
    bad("cut_after_trailer", CHUNKED + b"5\r\nhello\r\n0\r\nA: b\r\n", CODING, status=200, body=b"hello", eof=True, why="RFC 9112 §8"),
    ok("closed_after_chunked_body", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", body=b"hello", eof=True, why="the response was complete before"),
)
