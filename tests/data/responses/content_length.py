"""Content-Length (RFC 9110 §8.6, RFC 9112 §6.2, §6.3)."""

# fmt: off  (a case is one line)
from tests.support.corpus import bad, ok

START = b"HTTP/1.1 200 OK\r\n"
END = b"\r\n\r\nhello"
FIVE = (b"Content-Length", b"5")


def length(value: bytes) -> bytes:
    return START + b"Content-Length: " + value + END


CASES = (
    ok("five", length(b"5"), body=b"hello", why="RFC 9112 §6.3 (6)"),
    ok("zero", START + b"Content-Length: 0\r\n\r\n", why="RFC 9112 §6.3 (6): an empty body is complete with the head"),
    ok("double_zero", START + b"Content-Length: 00\r\n\r\n", why="RFC 9110 §8.6: 1*DIGIT"),
    ok("leading_zero_is_decimal", START + b"Content-Length: 030\r\n\r\n" + b"x" * 30, body=b"x" * 30, why="RFC 9110 §8.6: 1*DIGIT, decimal: thirty, not octal"),
    ok("many_leading_zeros", length(b"0000000000000005"), body=b"hello", why="RFC 9110 §8.6: 1*DIGIT"),
    ok("lower_case_name", START + b"content-length: 5" + END, body=b"hello", why="RFC 9110 §5.1: names are case-insensitive"),
    ok("upper_case_name", START + b"CONTENT-LENGTH: 5" + END, body=b"hello", why="RFC 9110 §5.1: names are case-insensitive"),
    ok("no_space_after_colon", START + b"Content-Length:5" + END, headers=[FIVE], body=b"hello", why="RFC 9112 §5: OWS is optional"),
    ok("trailing_space", length(b"5 "), headers=[FIVE], body=b"hello", why="RFC 9112 §5.1: OWS around a value is no part of it"),
    ok("trailing_tab", length(b"5\t"), headers=[FIVE], body=b"hello", why="RFC 9112 §5.1: OWS; llhttp before 9.4 refused it"),
    ok("leading_tab", length(b"\t5"), headers=[FIVE], body=b"hello", why="RFC 9112 §5.1: OWS"),
    ok("white_space_all_around", length(b" \t 5 \t "), headers=[FIVE], body=b"hello", why="RFC 9112 §5.1: OWS"),
    ok("body_in_part", length(b"10"), body=b"hello", complete=False, why="five bytes are still to come"),
    ok("two_to_the_31", length(b"2147483648"), body=b"hello", complete=False, why="RFC 9110 §8.6: large values are legal"),
    ok("two_to_the_32", length(b"4294967296"), body=b"hello", complete=False, why="RFC 9110 §8.6: a 32-bit counter would end here"),
    ok("two_to_the_63_minus_1", length(b"9223372036854775807"), body=b"hello", complete=False, why="RFC 9110 §8.6: a recipient must cope with large numbers; nothing is allocated for it"),
    bad("two_to_the_63", length(b"9223372036854775808"), "InvalidHeader", why="RFC 9110 §8.6: overflow must not wrap; beyond 2^63-1 is refused"),
    bad("two_to_the_64", length(b"18446744073709551616"), "InvalidHeader", why="RFC 9110 §8.6: would wrap to 0"),
    bad("two_to_the_64_plus_5", length(b"18446744073709551621"), "InvalidHeader", why="RFC 9110 §8.6: would wrap to 5"),
    bad("googol", length(b"1" + b"0" * 100), "InvalidHeader", why="RFC 9110 §8.6: overflow"),
    bad("eight_thousand_digits", length(b"9" * 8000), "InvalidHeader", why="int() of Python stops at 4300 digits with a ValueError: must not leak"),
    bad("empty", length(b""), "InvalidHeader", why="RFC 9110 §8.6: at least one digit"),
    bad("only_spaces", length(b"   "), "InvalidHeader", why="RFC 9110 §8.6: at least one digit"),
    bad("plus_sign", length(b"+5"), "InvalidHeader", why="RFC 9110 §8.6: digits only (int() of Python takes it)"),
    bad("minus_sign", length(b"-1"), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("minus_zero", length(b"-0"), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("hexadecimal", length(b"0x5"), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("octal_prefix", length(b"0o5"), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("underscore", length(b"5_0"), "InvalidHeader", why="RFC 9110 §8.6: digits only (int() of Python takes it)"),
    bad("exponent", length(b"1e30"), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("decimal_point", length(b"5.0"), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("thousands_separator", length(b"1,000"), "InvalidHeader", why="RFC 9110 §8.6: that is a list"),
    bad("word", length(b"five"), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("unit", length(b"5 bytes"), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("quoted", length(b'"5"'), "InvalidHeader", why="RFC 9110 §8.6: digits only"),
    bad("parameter", length(b"5;x=1"), "InvalidHeader", why="RFC 9110 §8.6: no parameters"),
    bad("comment", length(b"5 (five)"), "InvalidHeader", why="RFC 9110 §8.6: no comments"),
    bad("arabic_digits", length(b"\xd9\xa5"), "InvalidHeader", why="\\d and int() of Python take U+0665: byte classes are ASCII only"),
    bad("full_width_digits", length(b"\xef\xbc\x95"), "InvalidHeader", why="int() of Python takes U+FF15: byte classes are ASCII only"),
    bad("superscript_latin1", length(b"5\xb2"), "InvalidHeader", why="isdigit() of Python takes it: byte classes are ASCII only"),
    bad("nbsp_before", length(b"\xa05"), "InvalidHeader", why="strip() of str takes NBSP away: OWS is SP and HTAB"),
    bad("vertical_tab_before", length(b"\x0b5"), "InvalidHeader", why="int() of Python skips VT: OWS is SP and HTAB"),
    bad("form_feed_after", length(b"5\x0c"), "InvalidHeader", why="int() of Python skips FF: OWS is SP and HTAB"),
    bad("control_byte_after", length(b"5\x1f"), "InvalidHeader", why="int() of Python skips US: digits only"),
    bad("nul_after", length(b"5\x00"), "InvalidHeader", why="decision: NUL in the head is an error"),
    bad("space_between_digits", length(b"5 0"), "InvalidHeader", why="CVE-2018-7159: not fifty"),
    bad("tab_between_digits", length(b"5\t0"), "InvalidHeader", why="CVE-2018-7159: not fifty"),
    bad("list_of_equal_values", length(b"5, 5"), "InvalidHeader", why="decision: strict; RFC 9110 §8.6 would allow joining equal values"),
    bad("list_of_equal_values_no_space", length(b"5,5"), "InvalidHeader", why="decision: strict"),
    bad("list_of_different_values", length(b"5, 6"), "InvalidHeader", why="RFC 9112 §6.3 (5)"),
    bad("list_with_empty_element", length(b"5,"), "InvalidHeader", why="decision: strict"),
    bad("list_with_leading_comma", length(b",5"), "InvalidHeader", why="decision: strict"),
    bad("twice_the_same", START + b"Content-Length: 5\r\nContent-Length: 5" + END, "InvalidHeader", why="decision: duplicate Content-Length is an error, even equal"),
    bad("twice_different", START + b"Content-Length: 5\r\nContent-Length: 6" + END, "InvalidHeader", why="RFC 9112 §6.3 (5): smuggling"),
    bad("twice_different_case", START + b"Content-Length: 5\r\ncontent-length: 5" + END, "InvalidHeader", why="names are case-insensitive, so it is a duplicate"),
    bad("twice_with_a_field_between", START + b"Content-Length: 5\r\nA: b\r\nContent-Length: 5" + END, "InvalidHeader", why="decision: duplicate Content-Length is an error"),
    bad("twice_numerically_equal", START + b"Content-Length: 5\r\nContent-Length: 05" + END, "InvalidHeader", why="decision: duplicate Content-Length is an error"),
    bad("twice_first_empty", START + b"Content-Length:\r\nContent-Length: 5" + END, "InvalidHeader", why="decision: duplicate and empty"),
    bad("twice_second_empty", START + b"Content-Length: 5\r\nContent-Length:" + END, "InvalidHeader", why="decision: duplicate and empty"),
    bad("three_times", START + b"Content-Length: 5\r\n" * 3 + b"\r\nhello", "InvalidHeader", why="decision: duplicate Content-Length is an error"),
    bad("twice_on_a_status_without_body", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "InvalidHeader", why="decision: a head that lies is refused even where its framing is not needed"),
    bad("word_on_an_answer_to_head", START + b"Content-Length: five\r\n\r\n", "InvalidHeader", method="HEAD", why="decision: a head that lies is refused even where its framing is not needed"),
    ok("http_1_0", b"HTTP/1.0 200 OK\r\nContent-Length: 5" + END, version=(1, 0), body=b"hello", keep_alive=False, why="RFC 9112 §9.3: 1.0 without keep-alive closes"),
    ok("http_1_0_keep_alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5" + END, version=(1, 0), body=b"hello", why="RFC 9112 §9.3"),
    ok("body_of_64_kib", START + b"Content-Length: 65536\r\n\r\n" + b"z" * 65536, headers=[(b"Content-Length", b"65536")], body=b"z" * 65536, why="the budget of the head does not bind the body"),
    ok("body_of_200_kib", START + b"Content-Length: 200000\r\n\r\n" + b"0123456789" * 20000, headers=[(b"Content-Length", b"200000")], body=b"0123456789" * 20000, why="the budget of the head does not bind the body"),
    ok("body_with_every_byte", START + b"Content-Length: 256\r\n\r\n" + bytes(range(256)), headers=[(b"Content-Length", b"256")], body=bytes(range(256)), why="the body is opaque"),
)
