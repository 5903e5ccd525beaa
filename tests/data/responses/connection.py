"""Whether the connection may be used again (RFC 9112 §9.3), as `keep_alive`."""

# fmt: off  (a case is one line)
from tests.support.corpus import Case, ok

ZERO = b"\r\nContent-Length: 0\r\n\r\n"


def says(name: str, value: bytes, keep_alive: bool, why: str, version: tuple[int, int] = (1, 1)) -> Case:
    data = b"HTTP/%d.%d 200 OK\r\nConnection:" % version + value + ZERO
    fields = [(b"Connection", value.strip(b" \t")), (b"Content-Length", b"0")]
    return ok(name, data, version=version, headers=fields, keep_alive=keep_alive, why=why)


CASES = (
    says("close", b" close", False, "RFC 9112 §9.6"),
    says("close_capital", b" Close", False, "RFC 9110 §7.6.1: options are case-insensitive"),
    says("close_upper_case", b" CLOSE", False, "RFC 9110 §7.6.1: options are case-insensitive"),
    says("close_without_space", b"close", False, "RFC 9112 §5: OWS is optional"),
    says("close_then_tab", b" close\t", False, "OWS; llhttp before 9.4.2 reported keep-alive"),
    says("close_then_space", b" close ", False, "OWS"),
    says("close_in_a_list", b" x, close", False, "RFC 9110 §7.6.1: a list"),
    says("close_first_in_a_list", b" close, x", False, "RFC 9110 §7.6.1: a list"),
    says("close_in_a_list_without_spaces", b" x,close,y", False, "RFC 9110 §7.6.1: a list"),
    says("close_in_a_list_with_tabs", b" x\t,\tclose\t,y", False, "RFC 9110 §5.6.1: OWS around commas"),
    says("close_among_empty_elements", b" ,, close ,,", False, "RFC 9110 §5.6.1.2: empty elements are ignored"),
    says("close_wins_over_keep_alive", b" keep-alive, close", False, "RFC 9112 §9.3: close comes first"),
    says("close_wins_in_any_order", b" close, keep-alive", False, "RFC 9112 §9.3: close comes first"),
    says("keep_alive", b" keep-alive", True, "RFC 9112 §9.3"),
    says("upgrade", b" upgrade", True, "RFC 9112 §9.3: HTTP/1.1 persists"),
    says("empty", b"", True, "RFC 9112 §9.3: HTTP/1.1 persists"),
    says("unknown", b" closed", True, "options are compared whole"),
    says("close_as_a_part", b" not-close", True, "options are compared whole"),
    says("two_words", b" not close", True, "options are separated by commas, not by spaces"),
    says("quoted", b' "close"', True, "RFC 9110 §7.6.1: a token"),
    says("vertical_tab", b" \x0bclose", True, "OWS is SP and HTAB; the option is another one"),
    says("http_1_0_nothing", b"", False, "RFC 9112 §9.3: HTTP/1.0 closes", version=(1, 0)),
    says("http_1_0_keep_alive", b" keep-alive", True, "RFC 9112 §9.3", version=(1, 0)),
    says("http_1_0_keep_alive_capital", b" Keep-Alive", True, "RFC 9110 §7.6.1: options are case-insensitive", version=(1, 0)),
    says("http_1_0_keep_alive_in_a_list", b" x, keep-alive", True, "RFC 9110 §7.6.1: a list", version=(1, 0)),
    says("http_1_0_close", b" close", False, "RFC 9112 §9.3", version=(1, 0)),
    says("http_1_0_both", b" keep-alive, close", False, "RFC 9112 §9.3: close comes first", version=(1, 0)),
    ok("two_fields_second_close", b"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close" + ZERO, keep_alive=False, why="RFC 9110 §5.3: fields of one name are one list"),
    ok("two_fields_first_close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nconnection: keep-alive" + ZERO, keep_alive=False, why="RFC 9110 §5.3: fields of one name are one list"),
    ok("http_1_0_two_fields", b"HTTP/1.0 200 OK\r\nConnection: x\r\nConnection: keep-alive" + ZERO, version=(1, 0), why="RFC 9110 §5.3: fields of one name are one list"),
    ok("proxy_connection_is_ignored", b"HTTP/1.1 200 OK\r\nProxy-Connection: close" + ZERO, why="RFC 9110 appendix: not a field of HTTP/1.1"),
    ok("keep_alive_field_alone", b"HTTP/1.0 200 OK\r\nKeep-Alive: timeout=5" + ZERO, version=(1, 0), keep_alive=False, why="RFC 9112 appendix C.2.2: Connection decides"),
    ok("close_on_an_interim_answer", b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK" + ZERO, interim=(103,), why="RFC 9112 §9.6 speaks of the final response"),
    ok("close_with_chunks", b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", keep_alive=False, body=b"hi", why="RFC 9112 §9.6"),
    ok("close_and_more_bytes", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhiEXTRA", keep_alive=False, body=b"hi", rest=b"EXTRA", why="decision: a complete response is delivered"),
)
