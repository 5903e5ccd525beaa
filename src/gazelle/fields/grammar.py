"""The rules that header field values share (RFC 9110 §5.6, RFC 8187), each written once.

Rules that are parts of larger patterns are pattern texts; the others are functions. The patterns are deterministic: the
next character decides between the alternatives, so that a match takes linear time. None uses possessive quantifiers or
atomic groups, which `re` matches wrongly before CPython 3.11.5.
"""

import re
from encodings.aliases import aliases
from string import ascii_letters, digits
from typing import Final
from urllib.parse import quote, unquote_to_bytes

TOKEN_CHARACTERS: Final = "!#$%&'*+-.^_`|~" + digits + ascii_letters
"""The characters of a token (RFC 9110 §5.6.2)."""

TOKEN: Final = f"[{re.escape(TOKEN_CHARACTERS)}]+"
"""Pattern of a token."""

QUOTED_TEXT: Final = r'[^"\\]*(?:\\[\s\S][^"\\]*)*'
"""Pattern of the text between the quotes of a quoted string, with its quoted pairs (RFC 9110 §5.6.4)."""

QUOTED_STRING: Final = rf'"({QUOTED_TEXT})"'
"""Pattern of a quoted string; its group is the text between the quotes."""

OPEN_STRING: Final = r'"([^"\\]*(?:\\(?:[\s\S]|\Z)[^"\\]*)*)(?:"|\Z)'
"""Pattern of a quoted string that reaches to the end of the value if its closing quote is missing."""

CONTROL: Final = r"[\x00-\x1f\x7f]"
"""Pattern of a control character."""

NOT_IN_VALUE: Final = r"[\x00-\x08\x0a-\x1f\x7f]"
"""Pattern of a character that no field value may hold: a control character other than HTAB (RFC 9110 §5.5)."""

_QUOTED_PAIR: Final = re.compile(r"\\([\s\S])")
_CONTROL: Final = re.compile(CONTROL)
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 8187 §3.2.1: attr-char, without the letters and digits.
_ATTR_SAFE: Final = "!#$&+-.^_`|~"
# Charsets that a peer may name. Python searches the file system for an unknown one and caches the result forever. Some
# codecs (idna, punycode) take quadratic time; they are not among these.
_CHARSETS: Final = frozenset(aliases).union(aliases.values())


def unescape(quoted: str) -> str:
    """Return the text between the quotes of a quoted string without the backslashes of its quoted pairs."""
    return _QUOTED_PAIR.sub(r"\1", quoted) if "\\" in quoted else quoted


def quote_string(text: str) -> str:
    """Return a text as a quoted string, with quotes and backslashes escaped."""
    # Unbound: a subclass of str may override the method.
    escaped = str.replace(text, "\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def split_list(value: str) -> list[str]:
    """Return the members of a comma-separated list of tokens, empty ones left out (RFC 9110 §5.6.1.2)."""
    members = [member.strip(" \t") for member in value.split(",")]
    return [member for member in members if member]


def split_ext_value(text: str) -> tuple[str, str] | None:
    """Return the charset of an extended value and its text, still percent-encoded; None if it is malformed.

    The language between them is ignored. The charset may be empty.
    """
    parts = text.split("'", 2)
    return (parts[0], parts[2]) if len(parts) == 3 else None


def decode_ext_value(text: str) -> str | None:
    """Return the text of an extended value like `UTF-8'en'%e2%82%ac` (RFC 8187 §3.2); None if it is malformed.

    The default charset is UTF-8. A value is malformed if it has a non-ASCII character, a percent sign without two
    hexadecimal digits after it, a charset that `is_charset` refuses, or bytes that the charset cannot decode.
    """
    parts = split_ext_value(text) if text.isascii() else None
    if parts is None or _BAD_PERCENT.search(parts[1]) is not None:
        return None
    return decode_text(percent_decode(parts[1]), parts[0])


def encode_ext_value(text: str, charset: str = "UTF-8") -> str:
    """Return a text as an extended value without a language.

    Raises:
        ValueError: the charset cannot encode the text.
    """
    return f"{charset}''{percent_encode(text, charset, _ATTR_SAFE)}"


def percent_decode(text: str) -> bytes:
    """Return the bytes of a percent-encoded text; a percent sign without two hexadecimal digits is kept."""
    # Bytes of a field that are not UTF-8 are surrogates in its text.
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape"))


def percent_encode(text: str, charset: str, safe: str = "") -> str:
    """Return a text percent-encoded, except letters, digits, `-._~` and the characters in `safe`.

    Raises:
        ValueError: the charset cannot encode the text.
    """
    try:
        return quote(text, safe, encoding=charset)
    except UnicodeEncodeError:
        raise ValueError(f"{text!r} cannot be encoded as {charset}") from None


def decode_text(data: bytes, charset: str) -> str | None:
    """Return bytes decoded with the charset that a peer named, UTF-8 for ""; None if they cannot be decoded."""
    if charset and not is_charset(charset):
        return None
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, ValueError):
        return None


def is_charset(name: str) -> bool:
    """Return whether Python has a text codec for the charset that decodes in linear time."""
    if name.lower().replace("-", "_") not in _CHARSETS:
        return False
    try:
        b"a".decode(name, "ignore")
    except LookupError:  # a codec, but not one of text
        return False
    return True


def check_text(what: str, value: object) -> str:
    """Return a text for a header field, after a check.

    Args:
        what: the argument, for the message.
        value: the text.

    Raises:
        TypeError: the text is not a str.
        ValueError: the text holds a control character, or cannot be encoded as UTF-8.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}: {value!r}")
    text = str.__str__(value)  # a subclass may override `__str__`: send the text that was checked
    if text.isascii() and text.isprintable():
        return text
    if _CONTROL.search(text) is not None:
        raise ValueError(f"{what} holds a control character: {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} cannot be encoded as UTF-8: {text!r}") from None
    return text
