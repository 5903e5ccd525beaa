"""Recognise text of a call that needs no work: URLs, queries and forms that the full way would leave as they are.

Each function returns the finished text, or None to decline: then the full way (`client/builder`) does the work with
yarl. A function that declines too often costs time; one that accepts too much sends another request than the full way
would, so `tests/client/test_send_plain_and_full.py` compares the two.
"""

import re
from typing import Any, Final
from urllib.parse import quote_plus

# The host has no character that IDNA, percent-decoding or lower-casing changes. No segment begins with a dot, so that
# there are no dot segments to remove (RFC 3986 §5.2.4).
_URL: Final = re.compile(
    r"(https?://(?!xn--)[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.(?!xn--)[a-z0-9]+(?:-+[a-z0-9]+)*)*(?::([1-9][0-9]{1,4}))?)"
    r"((?:/(?!\.)(?:[A-Za-z0-9!$&'()*+,;=:@._~-]|%[0-9A-F]{2})*)*)"
    r"(\?(?:[A-Za-z0-9!$&'()*+,;=:@._~/?-]|%[0-9A-F]{2})+)?"
)
# Escapes that yarl decodes, because the character itself may stand in a path or a query.
_DECODED_IN_PATH: Final = re.compile(r"%(?:2[146789ACDE]|3[0-9ABD]|4[0-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])")
_DECODED_IN_QUERY: Final = re.compile(r"%(?:2[14789ACDEF]|3[0-9AF]|4[0-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])")

_QUERY_SAFE: Final = "!$'()*,-./:?@_~"
_FORM_SAFE: Final = "-._~"

MAX_URL: Final = 2048
MAX_PORT: Final = 65535
MAX_ENCODED: Final = 4096


def split_url(url: str) -> tuple[str, str] | None:
    """Return (site, target) of an absolute http or https URL, or None.

    `site` is scheme, host and port as they are in `url`; `target` is the origin-form of RFC 9112 §3.2.1.
    """
    if len(url) > MAX_URL:
        return None
    match = _URL.fullmatch(url)
    if match is None:
        return None
    site, port, path, query = match.groups("")
    if port and int(port) > MAX_PORT:
        return None
    if "%" in url and (_DECODED_IN_PATH.search(path) or _DECODED_IN_QUERY.search(query)):
        return None
    return site, (path or "/") + query


def encode_query(params: Any) -> str | None:
    """Return the query of a dict, or of a list or tuple of pairs, of str names and str or int values, or None."""
    return _encode_pairs(params, _QUERY_SAFE)


def encode_form(fields: Any) -> str | None:
    """Return the urlencoded form of the same kinds of containers, or None."""
    return _encode_pairs(fields, _FORM_SAFE)


def _encode_pairs(pairs: Any, safe: str) -> str | None:
    if type(pairs) is dict:
        pairs = pairs.items()
    elif type(pairs) is not list and type(pairs) is not tuple:
        return None
    parts = []
    for pair in pairs:
        if type(pair) is not tuple or len(pair) != 2:
            return None
        name, value = pair
        try:
            text = str(value) if type(value) is int else value
            if type(name) is not str or type(text) is not str:
                return None
            parts.append(f"{quote_plus(name, safe)}={quote_plus(text, safe)}")
        except ValueError:  # half a surrogate pair, or an int of too many digits
            return None
    encoded = "&".join(parts)
    return encoded if 0 < len(encoded) <= MAX_ENCODED else None
