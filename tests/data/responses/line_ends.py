"""Line ends and the end of the head (RFC 9112 §2.2)."""

# fmt: off  (a case is one line)
from tests.support.corpus import bad, ok, waiting

ZERO = (b"Content-Length", b"0")
TWO = (b"Content-Length", b"2")

CASES = (
    ok("all_lines_end_in_lf", b"HTTP/1.1 200 OK\nA: b\nContent-Length: 2\n\nhi", headers=[(b"A", b"b"), TWO], body=b"hi", why="RFC 9112 §2.2: a recipient may take LF for a line end"),
    ok("only_the_status_line_ends_in_lf", b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi", headers=[TWO], body=b"hi", why="decision: bare LF in the head is lenient"),
    ok("only_a_field_ends_in_lf", b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\nhi", headers=[(b"A", b"b"), TWO], body=b"hi", why="decision: bare LF in the head is lenient"),
    ok("only_the_last_field_ends_in_lf", b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", headers=[TWO], body=b"hi", why="decision: bare LF in the head is lenient"),
    ok("empty_line_is_lf", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nhi", headers=[TWO], body=b"hi", why="decision: bare LF in the head is lenient"),
    ok("lf_lf_comes_first", b"HTTP/1.1 200 OK\nContent-Length: 2\n\n\r\n", headers=[TWO], body=b"\r\n", why="the first empty line ends the head, whatever its spelling"),
    ok("crlf_comes_first", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\n\n", headers=[TWO], body=b"\n\n", why="the first empty line ends the head, whatever its spelling"),
    ok("body_starts_with_crlf", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\r\nab", body=b"\r\nab", headers=[(b"Content-Length", b"4")], why="RFC 9112 §2.1: after the empty line all bytes are body"),
    ok("body_starts_with_cr", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\rX", body=b"\rX", why="RFC 9112 §2.1: after the empty line all bytes are body"),
    ok("body_looks_like_a_head", b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nHTTP/1.1 500 No\r\n\r\n", headers=[(b"Content-Length", b"19")], body=b"HTTP/1.1 500 No\r\n\r\n", why="the body is opaque"),
    ok("trailing_space_then_lf", b"HTTP/1.1 200 OK\r\nA: b \nContent-Length: 0\r\n\r\n", headers=[(b"A", b"b"), ZERO], why="OWS and bare LF"),
    ok("lf_after_no_reason", b"HTTP/1.1 200 \nContent-Length: 0\n\n", headers=[ZERO], reason="", why="missing reason and bare LF"),
    bad("lf_cr", b"HTTP/1.1 200 OK\n\rContent-Length: 2\n\r\n\r", "InvalidHeader", why="RFC 9112 §2.2: the CR is bare"),
    bad("cr_only", b"HTTP/1.1 200 OK\rContent-Length: 0\r\r\n\r\n", "BadStatusLine", why="RFC 9112 §2.2: a bare CR is no line end"),
    waiting("cr_only_without_any_lf", b"HTTP/1.1 200 OK\rContent-Length: 0\r\r", why="no LF yet; the budget and the timeouts end it"),
    waiting("line_of_one_space_is_not_empty", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n \r\n", why="a fold, not the end of the head"),
    bad("line_of_one_space_then_empty_line", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n \r\n\r\n", "InvalidHeader", why="decision: no obs-fold in fields that frame"),
    bad("vertical_tab_line", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\x0b\r\n\r\n", "InvalidHeader", why="RFC 9112 §5: no field line"),
    ok("form_feed_is_no_line_end", b"HTTP/1.1 200 OK\x0cA: b\r\nContent-Length: 0\r\n\r\n", reason="OK\x0cA: b", headers=[ZERO], why="only LF ends a line; control bytes in the reason are lenient"),
    ok("next_line_c1_is_no_line_end", b"HTTP/1.1 200 OK\xc2\x85A: b\r\nContent-Length: 0\r\n\r\n", reason="OK\x85A: b", headers=[ZERO], why="only LF ends a line"),
)
