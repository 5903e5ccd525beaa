"""The Content-Disposition field: what a response or a part says of itself, and what is said of a part that goes out."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from encodings.aliases import aliases
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TYPE: Final = re.compile(r"[ \t]*+([!#$%&'*+\-.^_`|~0-9A-Za-z]++)[ \t]*+(?=;|$)")
# A parameter, or nothing, between two semicolons. A star may stand apart from its name: then it is that parameter
# which is bad, and not the field.
_PARAMETER: Final = re.compile(
    r";[ \t]*+(?:"
    r"(?P<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]++)(?P<apart>[ \t]++\*)?+[ \t]*+=[ \t]*+"
    r'(?:"(?P<quoted>(?:[^"\\]++|\\.)*+)"|(?P<plain>[!#$%&\'*+\-.^_`|~0-9A-Za-z]++))'
    r"[ \t]*+)?+(?=;|$)",
    re.DOTALL,
)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_EXT_VALUE: Final = re.compile(r"([^']*)'[^']*'(.*)", re.DOTALL)
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SEGMENT: Final = re.compile(r"\*(0|[1-9][0-9]{0,3})(\*?)")
# Character sets that may be named: looking an unknown one up goes through the file system, and Python remembers it for
# good. Codecs that take the square of their input (idna, punycode) are not among them.
_CHARSETS: Final = frozenset(aliases).union(aliases.values())
# What a plain `filename` may hold without being understood in different ways (RFC 6266 appendix D).
_NOT_PLAIN: Final = re.compile(r'[^\x20-\x7e]|["\\%]')
# RFC 5987 §3.2.1: attr-char, without the letters and digits.
_ATTR_SAFE: Final = "!#$&+-.^_`|~"
_QUOTE_LIMIT: Final = 100


class BadContentDispositionHeader(RuntimeWarning):
    """A Content-Disposition field is malformed and was left out."""


class BadContentDispositionParam(RuntimeWarning):
    """A parameter of a Content-Disposition field is malformed and was left out."""


@dataclass(frozen=True, slots=True)
class ContentDisposition:
    """A Content-Disposition field (RFC 6266).

    Args:
        type: the disposition type in lower case, like `attachment`; None if the field is malformed.
        parameters: the parameters, names in lower case.
        filename: the file name out of the parameters, None if they hold none. It was chosen by the peer: it may name
            a folder, and is not safe to be opened as it is (RFC 6266 §4.3).
    """

    type: str | None
    parameters: MappingProxyType[str, str]
    filename: str | None


def read_content_disposition(header: str) -> ContentDisposition:
    """Returns a Content-Disposition field as a value; a malformed one has the type None and a warning is issued."""
    kind, parameters = parse_content_disposition(header)
    return ContentDisposition(kind, MappingProxyType(parameters), content_disposition_filename(parameters))


def parse_content_disposition(header: str | None) -> tuple[str | None, dict[str, str]]:
    """Returns the type and the parameters of a Content-Disposition field (RFC 6266 §4.1).

    Types and names are in lower case. Extended values (RFC 5987) are decoded and keep the star in their name;
    continuations (RFC 2231) stay as they are for `content_disposition_filename`. Separators in front of a file name are
    removed. A malformed field gives `(None, {})` with a `BadContentDispositionHeader` warning, a malformed extended
    value is left out with a `BadContentDispositionParam` warning. Empty parameters are skipped.

    Args:
        header: value of the field, None if there is none.
    """
    if not header:
        return None, {}
    match = _TYPE.match(header)
    if match is None:
        return _bad_header(header)
    kind = match[1].lower()
    parameters: dict[str, str] = {}
    position = match.end()
    while position < len(header):
        match = _PARAMETER.match(header, position)
        if match is None:
            return _bad_header(header)
        position = match.end()
        if match["name"] is None:
            continue
        name = match["name"].lower() + ("" if match["apart"] is None else "*")
        if name in parameters:
            return _bad_header(header)
        value = _value(name, match)
        if value is None:
            _warn(BadContentDispositionParam, match[0].strip("; \t"))
        else:
            parameters[name] = value
    return kind, parameters


def _value(name: str, match: re.Match[str]) -> str | None:
    """Returns the value of a parameter, None if it makes no sense."""
    plain = match["plain"]
    if match["apart"] is not None:
        return None
    if name.endswith("*") and _SEGMENT.search(name) is None:
        # RFC 5987 §3.2: never in quotes
        text = None if plain is None else _decode_ext_value(plain)
    else:
        text = plain if plain is not None else _QUOTED_PAIR.sub(r"\1", match["quoted"])
    if text is not None and name in ("filename", "filename*"):
        text = text.lstrip("\\/")
    return text


def _decode_ext_value(text: str) -> str | None:
    """Decodes `charset'language'percent-encoded` (RFC 5987 §3.2); None if it cannot be."""
    match = _EXT_VALUE.fullmatch(text)
    if match is None or _BAD_PERCENT.search(match[2]) is not None:
        return None
    return _decode(unquote_to_bytes(match[2]), match[1])


def _decode(data: bytes, charset: str) -> str | None:
    if charset and not is_charset(charset):
        return None
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, ValueError):
        return None


def is_charset(name: str) -> bool:
    """Returns whether a peer may name this charset."""
    if name.lower().replace("-", "_") not in _CHARSETS:
        return False
    try:
        b"a".decode(name, "ignore")
    except LookupError:  # a codec, but not one of text
        return False
    return True


def _bad_header(header: str) -> tuple[None, dict[str, str]]:
    _warn(BadContentDispositionHeader, header)
    return None, {}


def _warn(category: type[Warning], text: str) -> None:
    warnings.warn(category(text[:_QUOTE_LIMIT]), stacklevel=4)


def content_disposition_filename(params: Mapping[str, str], name: str = "filename") -> str | None:
    """Returns the file name out of parsed parameters: the extended one, else the plain one, else the joined pieces.

    Args:
        params: what `parse_content_disposition` has returned.
        name: the parameter, in lower case. Default `filename`.
    """
    for key in (f"{name}*", name):
        if key in params:
            return params[key]
    return _join_continuations(params, name)


def _join_continuations(params: Mapping[str, str], name: str) -> str | None:
    """Joins `name*0`, `name*1*` and so on as far as they are there without a gap (RFC 2231 §3, §4.1)."""
    charset = "utf-8"
    pieces: list[bytes] = []
    while True:
        key = f"{name}*{len(pieces)}"
        if (extended := params.get(f"{key}*")) is not None:
            if not pieces:
                match = _EXT_VALUE.fullmatch(extended)
                if match is None:
                    return None
                charset, extended = match[1] or charset, match[2]
            pieces.append(unquote_to_bytes(extended))
        elif (plain := params.get(key)) is not None:
            pieces.append(plain.encode("utf-8", "surrogateescape"))
        else:
            break
    if not pieces:
        return None
    text = _decode(b"".join(pieces), charset)
    return text.lstrip("\\/") if text is not None and name == "filename" else text


def check_text(what: str, value: object) -> str:
    """Returns a text that is to go into a header field, after a check.

    Raises:
        TypeError: it is not a str.
        ValueError: it holds a control character, or cannot be encoded as UTF-8.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}: {value!r}")
    text = str.__str__(value)  # of a subclass, only what was checked goes out
    if text.isascii() and text.isprintable():
        return text
    if _CONTROL.search(text) is not None:
        raise ValueError(f"{what} holds a control character: {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} cannot be encoded as UTF-8: {text!r}") from None
    return text


def build_content_disposition(
    disptype: str, params: Mapping[str, str], *, quote_fields: bool = True, charset: str = "utf-8"
) -> str:
    """Returns a Content-Disposition field.

    Text is put in quotes, with quotes and backslashes escaped, in UTF-8 if it is not ASCII (RFC 7578 §5.1). A file name
    is treated differently:

    - In `form-data` it is percent-encoded (RFC 7578 §2, §4.2) unless `quote_fields` is false; browsers do not
      percent-encode it, and most servers take it as it is.
    - In other types, a file name that is not plain ASCII goes into `filename*` (RFC 5987), with a stand-in before
      it (RFC 6266 appendix D), unless `quote_fields` is false.

    Args:
        disptype: the type, a token like `form-data` or `attachment`.
        params: the parameters. One whose name ends in a star is written as an extended value.
        quote_fields: see above.
        charset: what percent-encoding encodes. Default UTF-8.

    Raises:
        TypeError: a value is not a str.
        ValueError: the type or a name is not a token, or a value holds a control character or cannot be encoded.
    """
    if not isinstance(disptype, str) or _TOKEN.fullmatch(disptype) is None:
        raise ValueError(f"bad content disposition type {disptype!r}: it is not a token")
    fields = [str.__str__(disptype)]
    for name, value in params.items():
        if not isinstance(name, str) or _TOKEN.fullmatch(name) is None:
            raise ValueError(f"bad content disposition parameter {name!r}={value!r}: the name is not a token")
        text = check_text(f"content disposition parameter {name!r}", value)
        key = str.__str__(name)
        if key.endswith("*"):
            fields.append(f"{key}={_ext_value(text, charset)}")
        elif key != "filename" or not quote_fields:
            fields.append(f"{key}={_quoted_string(text)}")
        elif disptype == "form-data":
            fields.append(f'{key}="{_percent(text, charset, "")}"')
        elif _NOT_PLAIN.search(text) is None:
            fields.append(f'{key}="{text}"')
        else:
            fields += (f'{key}="{_NOT_PLAIN.sub("_", text)}"', f"{key}*={_ext_value(text, charset)}")
    return "; ".join(fields)


def _quoted_string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _ext_value(text: str, charset: str) -> str:
    return f"{charset}''{_percent(text, charset, _ATTR_SAFE)}"


def _percent(text: str, charset: str, safe: str) -> str:
    try:
        return quote(text, safe, encoding=charset)
    except UnicodeEncodeError:
        raise ValueError(f"{text!r} cannot be encoded as {charset}") from None
