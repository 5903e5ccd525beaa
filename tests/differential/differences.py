"""Intended differences from aiohttp 3.14.5, each with the reason.

The list is strict in both directions: a difference that is not explained here fails, and so does an entry one of whose
calls no longer differs.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Difference(NamedTuple):
    """An intended difference.

    Args:
        calls: patterns of the names of calls; each of them has to differ.
        fields: patterns of what differs, as it is called in the transcript.
        why: the reason.
        ours: what comes of it with Gazelle, see `arena.result`; has to be told where everything may differ.
    """

    calls: tuple[str, ...]
    fields: tuple[str, ...]
    why: str
    ours: str = ""

    def covers(self, call: str) -> bool:
        """Return whether a call is among those that differ."""
        return any(fnmatchcase(call, pattern) for pattern in self.calls)

    def explains(self, field: str) -> bool:
        """Return whether something seen of such a call may differ."""
        return any(fnmatchcase(field, pattern) for pattern in self.fields)


def _corpus(theme: str, names: str) -> tuple[str, ...]:
    return tuple(f"replies/corpus/{theme}/{name}" for name in names.split())


ANYTHING = ("*",)
"""Where one side has a response and the other has none, or one sends a request that the other does not."""

_SENT = ("request *", "request_info*")
_URL = (*_SENT, "url", "real_url")
_BODY = ("body", "text", "json", "json of any type")
_RETRIED = ("connections", "requests", "request 2: *")
_DEPRECATED = ("warnings",)

DIFFERENCES: tuple[Difference, ...] = (
    # --- arguments -------------------------------------------------------------------------------
    Difference(
        (
            "bodies/*/dict with bytes",
            "bodies/form/transfer encoding",
            "bodies/form/transfer encoding quoted",
            "bodies/form/bytes",
            "bodies/form/bytearray",
            "bodies/form/memoryview",
        ),
        _DEPRECATED,
        "The reference describes fields of bytes, which are files, and content_transfer_encoding: both work without a warning.",
    ),
    Difference(
        (
            "heads/auth/basic*",
            "heads/auth/of *",
            "heads/auth/and *",
            "heads/auth/tuple",
            "heads/auth/str",
            "redirects/*/auth",
            "redirects/*/auth of the session",
            "failures/session properties",
        ),
        _DEPRECATED,
        "auth= is how the reference passes credentials: there is no warning.",
    ),
    Difference(
        ("heads/auth/basic not encodable",),
        ("outcome",),
        "Credentials that latin-1 cannot encode are a ValueError that names them; aiohttp's UnicodeEncodeError is one, too.",
        "raises ValueError",
    ),
    Difference(
        ("heads/auth/of the session a tuple",),
        ("outcome", "error: *", "session: *", "jar"),
        "Invalid credentials of a session are an error of its constructor, not of the first request.",
        "session raises TypeError",
    ),
    Difference(
        ("failures/arguments/chunked a number",),
        _DEPRECATED,
        "A number has always meant True: programs need no change.",
    ),
    Difference(
        (
            "failures/arguments/timeout negative",
            "failures/arguments/timeout negative field",
            "failures/arguments/read_bufsize 0",
        ),
        ANYTHING,
        "A negative time limit and a buffer size of 0 are a ValueError.",
        "raises ValueError",
    ),
    Difference(
        ("failures/arguments/max_redirects a str", "failures/arguments/allow_redirects None"),
        ANYTHING,
        "A value of a wrong type is a TypeError that names the argument, before anything is sent.",
        "raises TypeError",
    ),
    Difference(
        ("heads/headers/str", "cookies/of the call/str", "heads/session/headers str"),
        ("outcome", "error: caught as", "session: outcome", "session: error: caught as"),
        "A str instead of pairs is a TypeError that names the argument; aiohttp fails to unpack it.",
    ),
    Difference(
        ("failures/arguments/compress unknown",),
        ANYTHING,
        "An unknown coding is a ValueError; aiohttp sends zlib under its name.",
        "raises ValueError",
    ),
    Difference(
        ("failures/arguments/compress br",),
        _SENT,
        "br and zstd are supported; aiohttp sends zlib under their names.",
    ),
    Difference(
        ("heads/method/''",),
        ANYTHING,
        "A method is a token (RFC 9110 §9.1), so it is not empty; aiohttp sends a request line that begins with a space.",
        "raises ValueError",
    ),
    # --- what is sent ----------------------------------------------------------------------------
    Difference(
        ("bodies/form/name of another alphabet",),
        ANYTHING,
        "Names of fields are sent as UTF-8 (RFC 7578 §5.1); aiohttp fails in the middle of the request.",
        "response",
    ),
    Difference(
        ("bodies/form/add_fields",),
        _SENT,
        "Fields keep the order they were given in (RFC 7578 §5.2); aiohttp puts those of a multidict last.",
    ),
    Difference(
        ("bodies/sent/chunked False",),
        ANYTHING,
        "chunked=False is the default; aiohttp sends the body in chunks without Transfer-Encoding in the head.",
        "response",
    ),
    Difference(
        ("bodies/sent/chunked nothing", "bodies/sent by GET/chunked nothing", "redirects/body/chunked on 30[13]"),
        (*_SENT, "requests", "requests that are none"),
        "An empty body is not chunked; aiohttp sends the last chunk after the head, for GET even without "
        "Transfer-Encoding, so that the server parses it as the beginning of another request.",
    ),
    Difference(
        ("bodies/sent/Transfer-Encoding", "bodies/sent by GET/Transfer-Encoding"),
        _SENT,
        "With Transfer-Encoding the body is chunked; aiohttp adds a Content-Length and sends the body without chunks (RFC 9112 "
        "§6.1 and §6.2 forbid both).",
    ),
    Difference(
        ("bodies/expect/nothing",),
        _SENT,
        "Content-Type has the same position with and without a body; aiohttp's default one without a body follows "
        "Expect.",
    ),
    Difference(
        ("heads/session/version 1.0 chunked",),
        ANYTHING,
        "HTTP/1.0 has no chunked coding (RFC 9112 §6.1): ValueError instead of a request that such a server cannot read.",
        "raises ValueError",
    ),
    Difference(
        ("heads/session/Cookie", "cookies/of the call/and Cookie field*"),
        _SENT,
        "A Cookie field of the caller keeps its position when cookies are added to it.",
    ),
    Difference(
        ("heads/session/headers replaced by pairs",),
        _SENT,
        "Repeated fields of a call take the position of the session's field.",
    ),
    Difference(
        ("heads/headers/pairs", "heads/headers/plain multidict"),
        _SENT,
        "Fields that are passed twice are sent twice; aiohttp loses the first if the names differ in their case.",
    ),
    Difference(
        ("heads/params/str encoded",),
        _URL,
        "A str of params that is already encoded is not encoded again, as the reference says; aiohttp encodes its percent signs again.",
    ),
    Difference(
        (
            r"heads/path/'/a\tb'",
            r"heads/path/'/a\nb'",
            r"heads/path/'/a\n'",
            r"heads/path/'/a\x00b'",
            r"heads/path/'/a\x7fb'",
            r"heads/path/'/a\ud800b'",
            r"heads/url/*\r\nX: 1'",
        ),
        ANYTHING,
        "A text with a control character is not a URL; aiohttp removes tabs, line ends and lone surrogates, so that it may request "
        "another URL than the one a program has checked. Use str.strip() for lines of a file.",
        "raises InvalidUrlClientError",
    ),
    Difference(
        ("heads/params/str with line end",),
        ANYTHING,
        "A control character in a str of params is a ValueError.",
        "raises ValueError",
    ),
    Difference(
        ("heads/base_url///*",),
        ("talk",),
        "A reference without a scheme has that of base_url (RFC 3986 §5.2.2); in aiohttp the URL of the response has none.",
    ),
    Difference(
        ("heads/url/*0x7f.1*",),
        ANYTHING,
        "Both refuse 127.1 and 2130706433, which address filters overlook; Gazelle also refuses 0x7f.1.",
        "raises InvalidUrlClientError",
    ),
    Difference(
        ("heads/url/*us%3Aer*",),
        ("outcome",),
        "Credentials of a URL that Basic authentication cannot send (RFC 7617 §2) make it an InvalidUrlClientError, which is a ValueError.",
        "raises InvalidUrlClientError",
    ),
    # --- what is refused before anything is sent ---------------------------------------------------
    Difference(
        (
            "heads/headers/CR",
            "heads/headers/LF",
            "heads/headers/CRLF",
            "heads/headers/NUL",
            "heads/headers/BEL",
            "heads/headers/DEL",
            "heads/headers/name with LF",
            "heads/headers/int value",
            "heads/headers/bytes value",
            "heads/headers/None value",
            "bodies/sent/Content-Length nonsense",
            "bodies/sent/Content-Length signed",
        ),
        ("connections",),
        "The error is the same, but raised before a connection is opened.",
    ),
    Difference(
        (
            "heads/headers/name with space",
            "heads/headers/name with colon",
            "heads/headers/name empty",
            "heads/headers/name of another alphabet",
        ),
        ANYTHING,
        "The name of a field is a token (RFC 9110 §5.1): ValueError, and nothing is sent.",
        "raises ValueError",
    ),
    Difference(
        ("heads/headers/surrogate",),
        ANYTHING,
        "A lone surrogate cannot be encoded: ValueError; aiohttp sends the field without its value.",
        "raises ValueError",
    ),
    Difference(
        ("heads/headers/Host twice",),
        ANYTHING,
        "A request has one Host (RFC 9112 §3.2): ValueError; aiohttp sends the last.",
        "raises ValueError",
    ),
    # --- cookies -----------------------------------------------------------------------------------
    Difference(
        ("cookies/of the call/line end",),
        ANYTHING,
        "A cookie that holds a control character is a ValueError; aiohttp sends it in octal escapes.",
        "raises ValueError",
    ),
    Difference(
        ("cookies/of the session/line end",),
        ANYTHING,
        "The same for the constructor of a session; aiohttp drops the cookie.",
        "session raises ValueError",
    ),
    Difference(
        ("cookies/of *bad name", "cookies/of the call/name with brackets", "cookies/of the call/name reserved"),
        ANYTHING,
        "Names that servers and browsers use are accepted (RFC 6265 §5.2); aiohttp applies RFC 2109 and raises a CookieError.",
        "response",
    ),
    Difference(
        ("cookies/of the call, not quoted/quotes",),
        _SENT,
        "quote_cookie=False sends no quotes.",
    ),
    Difference(
        (
            "cookies/set/bad name",
            "cookies/set/one bad of two",
            "cookies/set/name with comma",
            "cookies/set/name alphabet",
        ),
        ("jar", "talk", "request *"),
        "A server gets back the cookie it has set, whatever its name (RFC 6265 §5.2); aiohttp drops it.",
    ),
    Difference(
        (
            "cookies/set/unquoted spaces",
            "cookies/set/comma",
            "cookies/set/equals",
            "cookies/set/empty value",
            "cookies/set/json value",
            "cookies/set/value alphabet",
            "cookies/set/two in one field",
        ),
        ("request *",),
        "A server gets back the value it has set, byte by byte (RFC 6265 §5.4); aiohttp puts it in quotes and escapes it.",
    ),
    Difference(
        ("cookies/set/quoted semicolon", "cookies/set/path quoted", "cookies/set/version 1"),
        ("jar", "talk", "request *"),
        "A semicolon ends a value, and quotes around an attribute are part of it (RFC 6265 §5.2).",
    ),
    Difference(
        ("cookies/set/max-age nonsense", "cookies/set/max-age signed", "cookies/set/expires nonsense"),
        ("talk",),
        "An invalid attribute is ignored (RFC 6265 §5.2.1, §5.2.2); aiohttp shows it in response.cookies.",
    ),
    Difference(
        ("cookies/set/expires epoch",),
        ("jar", "talk", "request *"),
        "1 January 1970 is a date in the past: the cookie is deleted; aiohttp keeps it without a limit.",
    ),
    Difference(
        ("cookies/set/prefix host", "cookies/set/prefix secure"),
        ("jar", "talk"),
        "The rules of the prefixes __Host- and __Secure- are enforced (RFC 6265bis §4.1.3): without TLS such cookies are refused.",
    ),
    # --- redirects -----------------------------------------------------------------------------------
    Difference(
        ("redirects/body/Content-Type on 30[13]", "redirects/body/Content-Language on 30[13]"),
        _SENT,
        "When the body is dropped, so are the fields that describe it (RFC 9110 §15.4).",
    ),
    Difference(
        (
            "redirects/target as it came/'/a b'",
            "redirects/target as it came/'/ä'",
            "redirects/target as it came/'/to[?]a=b c'",
            "redirects/target as it came/'/ /'",
        ),
        _URL,
        "requote_redirect_url=False keeps a target, except that characters a request line cannot hold (RFC 9112 §3.2) are "
        "percent-encoded; aiohttp sends them, which makes the request line malformed.",
    ),
    Difference(
        ("redirects/target/''", "redirects/target*/' '", "redirects/no target"),
        ("history",),
        "A redirect without a target is returned as the response; in aiohttp it is also in its own history.",
    ),
    Difference(
        ("redirects/target/'//'", "redirects/target/'///to'"),
        ANYTHING,
        "// is followed by a host (RFC 3986 §4.2); without one the target is malformed, and not one on the same host.",
        "raises InvalidUrlRedirectClientError",
    ),
    Difference(
        ("redirects/target/'http://127.1*",),
        ("outcome",),
        "A redirect to an abbreviated IP address is an InvalidUrlRedirectClientError, like any other bad target; aiohttp "
        "raises its base class, as if the caller had given the URL.",
        "raises InvalidUrlRedirectClientError",
    ),
    Difference(
        ("redirects/target/'/?udcff'",),
        _URL,
        "Bytes of a Location that are not UTF-8 are kept; aiohttp drops them.",
    ),
    Difference(
        ("redirects/other origin/Host", "redirects/there and back/Host"),
        _SENT,
        "A Host field is sent only to its origin; aiohttp sends it to the next one, too.",
    ),
    Difference(
        ("redirects/error at the end",),
        ("error: history",),
        "An error of raise_for_status has the redirects before it in `history`, as the reference says.",
    ),
    Difference(
        ("redirects/history",),
        ("talk",),
        "Each response in a history has a history of its own.",
    ),
    # --- what is made of a response ----------------------------------------------------------------
    Difference(
        (
            "replies/body/latin-1 not declared",
            "replies/body/cyrillic not declared",
            "replies/reader/twice of [clg]*",
            "replies/reader/closed of [clg]*",
        ),
        ("text", "json of any type", "look"),
        "The encoding of a text without a charset that is not UTF-8 is guessed, as the reference says; aiohttp no longer does.",
    ),
    Difference(
        ("replies/body/content type broken",),
        ("charset",),
        "A charset without a value is None.",
    ),
    Difference(
        ("replies/body/content type slash",),
        ("content_type",),
        "A media type without type and subtype is application/octet-stream.",
    ),
    Difference(
        ("replies/coded/x-gzip",),
        _BODY,
        "x-gzip is gzip (RFC 9110 §8.4.1.3).",
    ),
    Difference(
        ("replies/coded/list",),
        _BODY,
        "Several codings are decoded in turn (RFC 9110 §8.4), so that this body, which has none of them, is an error; aiohttp "
        "returns it undecoded.",
    ),
    Difference(
        ("replies/coded/gzip and zeros",),
        _BODY,
        "Zero bytes after the end are padding, as for gzip(1).",
    ),
    Difference(
        (
            "replies/coded/gzip cut",
            "replies/coded, in chunks/gzip cut",
            "replies/coded/gzip without its end",
            "replies/coded/br cut",
            "replies/coded/zstd cut",
        ),
        _BODY,
        "A truncated compressed body is a ClientPayloadError; aiohttp returns the part as if it were complete.",
    ),
    Difference(
        ("replies/coded/deflate cut",),
        ANYTHING,
        "An error in the body is raised by reading it (ClientPayloadError). aiohttp raises it for the response if the "
        "rest of the body was received together with the head.",
        "response, body raises ClientPayloadError",
    ),
    Difference(
        ("replies/fields/disposition bad charset",),
        ("content_disposition", "warnings"),
        "A parameter in an unknown charset is left out with a warning, as other malformed ones are.",
    ),
    Difference(
        ("replies/fields/link rel in capitals",),
        ("links",),
        "Names of parameters are case-insensitive (RFC 8288 §3).",
    ),
    # --- replies that break the rules ----------------------------------------------------------------
    Difference(
        (
            "failures/broken off at once/GET",
            "failures/broken off reset at once/GET",
            "failures/broken off in the status line/GET",
            "failures/broken off in the head/GET",
            "failures/broken off after 100/GET",
            "failures/broken off before the request body/GET",
            "failures/broken off empty lines/GET",
            *_corpus("foreign", "empty blank_lines_then_closed"),
            *_corpus("interim", "twenty_interims_and_nothing"),
            *_corpus(
                "status_line",
                "only_h only_http_slash only_cr only_blank_lines no_empty_line_yet no_empty_line_yet_last_lf_missing waiting_after_an_interim_answer",
            ),
            *_corpus(
                "until_eof",
                """cut_in_protocol_name cut_in_version cut_in_status cut_in_reason cut_after_status_line cut_in_field_name cut_in_field_value cut_before_empty_line
                cut_in_empty_line cut_after_interim cut_in_head_after_interim cut_in_head_of_an_answer_to_head""",
            ),
        ),
        _RETRIED,
        "A request is sent again only if a kept-alive connection was dead; aiohttp does so after an error on a new connection, too, "
        "and after part of a response.",
    ),
    Difference(
        (
            "failures/silence in the body/total",
            "failures/silence in a chunk/total",
            "failures/silence in the body/number",
            "failures/silence in a chunk/number",
        ),
        ("text", "json*"),
        "The error of a body is raised again by every later read.",
    ),
    Difference(
        (
            "failures/broken off bytes after the body/*",
            *_corpus(
                "bodiless",
                "204_with_content_length 204_with_chunked 304_with_a_body head_with_a_body head_with_a_chunked_body",
            ),
            *_corpus("connection", "close_and_more_bytes"),
            *_corpus(
                "interim",
                "junk_after_the_body one_byte_after_the_body chunk_after_the_last_chunk 64_kib_after_the_body",
            ),
            *_corpus("until_eof", "closed_after_fixed_body_and_more"),
        ),
        ANYTHING,
        "A complete response is returned, and its connection closed because of the bytes after it; aiohttp loses the response if "
        "they were received in one piece.",
        "response",
    ),
    Difference(
        (
            "failures/broken off bad chunk/*",
            "failures/broken off bad chunk end/*",
            *_corpus(
                "chunked",
                """size_two_to_the_64 size_two_to_the_64_plus_5 size_missing size_missing_before_extension size_missing_in_the_last_chunk minus_sign minus_one plus_sign
                hex_prefix underscore letter_g hex_suffix decimal_point full_width_digit arabic_digit latin1_byte space_before_size tab_before_size lf_before_size space_inside_size nul_after_size
                vertical_tab_after_size form_feed_after_size comma_after_size equals_after_size bare_cr_in_extension bare_cr_at_end_of_extension bare_lf_in_extension nul_in_extension
                control_byte_in_extension del_in_extension bare_lf_after_size bare_lf_everywhere bare_lf_after_last_size bare_cr_after_size cr_cr_lf_after_size bare_cr_after_data nothing_after_data
                other_bytes_after_data cr_and_other_byte_after_data data_longer_than_its_size empty_line_between_chunks body_is_not_chunked_at_all second_response_in_place_of_a_chunk
                bad_size_before_its_line_end""",
            ),
            *_corpus(
                "trailers",
                """long_value no_colon empty_name space_before_colon space_inside_name nul_in_name bare_cr_in_value cr_cr_lf eight_bit_name
                leading_space second_response_without_an_end""",
            ),
        ),
        ANYTHING,
        "Malformed chunks are an error of reading the body (ClientPayloadError), wherever the bytes were split; aiohttp "
        "raises it for the response if they were received together with the head.",
        "response, body raises ClientPayloadError",
    ),
    Difference(
        _corpus(
            "chunked",
            "extension_with_white_space extension_with_tab empty_extension extension_of_odd_characters extension_with_open_quote extension_of_8_bit_bytes",
        ),
        ANYTHING,
        "Chunk extensions are ignored, except that control characters in them are an error (RFC 9112 §7.1.1).",
        "response",
    ),
    Difference(
        (
            *_corpus("chunked", "seventeen_digits last_chunk_of_seventeen_zeros thousand_digits"),
            *_corpus(
                "limits",
                "chunk_line_4097 chunk_line_of_spaces last_chunk_line_4097 trailers_take_more extensions_dripping",
            ),
        ),
        _BODY,
        "Chunk lines, their extensions and trailers are bounded; aiohttp reads them without a limit.",
    ),
    Difference(
        (
            *_corpus(
                "chunked", "bare_lf_ends_extension bare_lf_after_data bare_lf_at_the_end data_shorter_than_its_size"
            ),
            *_corpus("trailers", "nul_in_value fold bare_lf_between bare_lf_empty_line"),
        ),
        _BODY,
        "Chunks and trailers end with CRLF and hold no NUL or folded line: framing is parsed strictly.",
    ),
    Difference(
        ("failures/broken off bad chunk later/*",),
        _BODY,
        "A malformed chunk is an error at once; aiohttp waits for the time limit.",
    ),
    Difference(
        (
            "failures/broken off unrequested 101/*",
            *_corpus(
                "interim",
                "switching_unasked switching_unasked_after_interim switching_unasked_on_head switching_unasked_then_final",
            ),
        ),
        ANYTHING,
        "A 101 without an Upgrade in the request is an error (RFC 9110 §15.2.2).",
        "raises ClientResponseError",
    ),
    Difference(
        (
            *_corpus("content_length", "two_to_the_63"),
            *_corpus("foreign", "rtsp"),
            *_corpus(
                "header_names",
                """space_before_colon_of_content_length space_before_colon_of_transfer_encoding word_after_content_length word_after_transfer_encoding word_after_connection
                space_before_colon_of_upgrade space_before_colon_of_proxy_connection first_line_starts_with_space leading_space_content_length""",
            ),
            *_corpus(
                "header_values",
                "fold_before_content_length_value fold_in_transfer_encoding fold_after_transfer_encoding_value",
            ),
            *_corpus(
                "status_line",
                "status_000 status_099 nul_in_reason version_0_9 version_2_0 bare_cr_before cr_cr_lf_before",
            ),
        ),
        ANYTHING,
        "A head whose framing violates RFC 9112 is refused: parsers that disagree about it allow response smuggling.",
        "raises ClientResponseError",
    ),
    Difference(
        _corpus(
            "transfer_encoding",
            """prefix suffix suffix_digits shortened twice_in_one_field twice_in_one_field_no_space two_fields two_fields_different_case two_fields_first_identity
            two_fields_second_identity two_fields_first_empty two_fields_second_empty gzip_then_chunked chunked_then_gzip gzip deflate identity chunked_then_identity identity_then_chunked unknown
            empty only_spaces comma leading_comma trailing_comma parameter semicolon quoted single_quoted vertical_tab_before vertical_tab_after form_feed_before nbsp_before control_byte_inside
            space_inside kelvin_sign http_1_0 unknown_on_head""",
        ),
        ANYTHING,
        "Transfer-Encoding must be exactly `chunked` (RFC 9112 §6.1); with any other value aiohttp reads the body until the "
        "end of the connection.",
        "raises ClientResponseError",
    ),
    Difference(
        _corpus("trailers", "content_length bad_content_length two_hundred"),
        ANYTHING,
        "Trailers are dropped: a Content-Length or a status line in them has no effect (RFC 9112 §7.1.2).",
        "response",
    ),
    Difference(
        _corpus("transfer_encoding", "trailing_tab"),
        _BODY,
        "White space around a value is not part of it (RFC 9110 §5.5): the body is chunked; aiohttp returns the raw chunks.",
    ),
    Difference(
        (
            *_corpus("interim", "twenty_one_interims thousand_interims twenty_one_different_interims"),
            *_corpus("limits", "status_line_8191 status_line_bare_lf_8191 status_line_of_interim_8191"),
            "failures/arguments/max_line_size",
            "failures/session arguments/max_line_size",
        ),
        ANYTHING,
        "The data before a response is bounded: 20 interim responses, and max_line_size for the whole status line.",
        "raises ClientResponseError",
    ),
    Difference(
        _corpus("interim", "interim_in_http_1_0") + _corpus("connection", "close_on_an_interim_answer"),
        ANYTHING,
        "Interim responses do not affect the connection, whatever their version or fields (RFC 9110 §15.2).",
        "response",
    ),
    Difference(
        _corpus("limits", "field_name_8189_and_value_1 white_space_around_value_is_not_counted one_trailer_takes_more"),
        ANYTHING,
        "max_field_size limits name and value together, without the colon and white space.",
        "response",
    ),
    Difference(
        (
            *_corpus("connection", "two_fields_first_close"),
            *_corpus("content_length", "lower_case_name upper_case_name"),
            *_corpus("header_names", "same_name_many_times"),
            *_corpus("transfer_encoding", "lower_case_name"),
        ),
        ("headers",),
        "Names of fields keep the spelling of the server; aiohttp normalizes known names. Lookups are case-insensitive.",
    ),
    Difference(
        _corpus("header_values", "fold_with_tab fold_with_much_white_space fold_that_looks_like_transfer_encoding"),
        ("headers", "raw_headers"),
        "A folded line is joined with one space (RFC 9112 §5.2).",
    ),
    Difference(
        (
            *_corpus("header_names", "bad_field_before_the_head_is_whole"),
            *_corpus("line_ends", "cr_only_without_any_lf line_of_one_space_is_not_empty"),
            *_corpus("status_line", "bad_status_before_the_head_is_whole"),
            *_corpus("until_eof", "cut_in_a_bad_field"),
        ),
        ANYTHING,
        "A head is parsed when it is complete; a truncated one is a ServerDisconnectedError, wherever its bytes were split.",
        "raises ServerDisconnectedError",
    ),
    # --- not yet -------------------------------------------------------------------------------------
    Difference(
        ("failures/arguments/proxy", "failures/arguments/proxy_auth", "failures/arguments/proxy_headers"),
        ANYTHING,
        "Not yet: proxies. Nothing is sent: a direct connection would disclose the client's address to the server.",
        "raises NotImplementedError",
    ),
    Difference(
        ("failures/session arguments/proxy", "failures/session arguments/proxy_auth"),
        ANYTHING,
        "Not yet: proxies. A session with one is not created.",
        "session raises NotImplementedError",
    ),
    Difference(
        ("failures/session arguments/ssl_shutdown_timeout",),
        ANYTHING,
        "Deprecated in aiohttp: TLS connections are closed without waiting for the peer.",
        "session raises TypeError",
    ),
)
