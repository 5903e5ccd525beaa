"""The Content-Disposition field of responses and parts: parsed and built (RFC 6266, RFC 7578)."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .grammar import (
    QUOTED_TEXT,
    TOKEN,
    check_text,
    decode_ext_value,
    decode_text,
    encode_ext_value,
    percent_decode,
    percent_encode,
    quote_string,
    split_ext_value,
    unescape,
)

_TOKEN: Final = re.compile(TOKEN)
_TYPE: Final = re.compile(rf"[ \t]*({TOKEN})[ \t]*(?=;|$)")
# A parameter, or nothing, between two semicolons. White space between a name and its star makes the parameter
# malformed, but not the field.
_PARAMETER: Final = re.compile(
    rf";[ \t]*(?:(?P<name>{TOKEN})(?P<apart>[ \t]+\*)?[ \t]*=[ \t]*"
    rf'(?:"(?P<quoted>{QUOTED_TEXT})"|(?P<plain>{TOKEN}))[ \t]*)?(?=;|$)'
)
_SEGMENT: Final = re.compile(r"\*(0|[1-9][0-9]{0,3})(\*?)")
# Characters that a plain `filename` must not hold, as recipients interpret them differently (RFC 6266 appendix D).
_NOT_PLAIN: Final = re.compile(r'[^\x20-\x7e]|["\\%]')
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
        filename: the file name in the parameters, None if there is none. The peer chose it: it may contain folders, and
            is not a safe path (RFC 6266 §4.3).
    """

    type: str | None
    parameters: MappingProxyType[str, str]
    filename: str | None


def read_content_disposition(header: str) -> ContentDisposition:
    """Return a Content-Disposition field as a value; a malformed one has the type None and a warning is issued."""
    kind, parameters = parse_content_disposition(header)
    return ContentDisposition(kind, MappingProxyType(parameters), content_disposition_filename(parameters))


def parse_content_disposition(header: str | None) -> tuple[str | None, dict[str, str]]:
    """Return the type and the parameters of a Content-Disposition field (RFC 6266 §4.1).

    Types and names are in lower case. Extended values (RFC 8187) are decoded and keep the star in their name;
    continuations (RFC 2231) are left to `content_disposition_filename`. Slashes and backslashes before a file name are
    removed, and empty parameters skipped. For a malformed field, `(None, {})` is returned with a
    `BadContentDispositionHeader` warning; a malformed extended value is left out with a `BadContentDispositionParam`
    warning.

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
    """Return the value of a parameter, None if it is malformed."""
    plain = match["plain"]
    if match["apart"] is not None:
        return None
    if name.endswith("*") and _SEGMENT.search(name) is None:
        # RFC 8187 §3.2: never in quotes
        text = None if plain is None else decode_ext_value(plain)
    else:
        text = plain if plain is not None else unescape(match["quoted"])
    if text is not None and name in ("filename", "filename*"):
        text = text.lstrip("\\/")
    return text


def _bad_header(header: str) -> tuple[None, dict[str, str]]:
    _warn(BadContentDispositionHeader, header)
    return None, {}


def _warn(category: type[Warning], text: str) -> None:
    warnings.warn(category(text[:_QUOTE_LIMIT]), stacklevel=4)


def content_disposition_filename(params: Mapping[str, str], name: str = "filename") -> str | None:
    """Return the file name in parsed parameters: the extended value, else the plain one, else joined continuations.

    Args:
        params: what `parse_content_disposition` has returned.
        name: the parameter, in lower case. Default `filename`.
    """
    for key in (f"{name}*", name):
        if key in params:
            return params[key]
    return _join_continuations(params, name)


def _join_continuations(params: Mapping[str, str], name: str) -> str | None:
    """Join `name*0`, `name*1*` and so on up to the first gap (RFC 2231 §3, §4.1)."""
    charset = "utf-8"
    pieces: list[bytes] = []
    while True:
        key = f"{name}*{len(pieces)}"
        if (extended := params.get(f"{key}*")) is not None:
            if not pieces:
                parts = split_ext_value(extended)
                if parts is None:
                    return None
                charset, extended = parts[0] or charset, parts[1]
            pieces.append(percent_decode(extended))
        elif (plain := params.get(key)) is not None:
            pieces.append(plain.encode("utf-8", "surrogateescape"))
        else:
            break
    if not pieces:
        return None
    text = decode_text(b"".join(pieces), charset)
    return text.lstrip("\\/") if text is not None and name == "filename" else text


def build_content_disposition(
    disptype: str, params: Mapping[str, str], *, quote_fields: bool = True, charset: str = "utf-8"
) -> str:
    """Return a Content-Disposition field.

    Text is put in quotes, with quotes and backslashes escaped, in UTF-8 if it is not ASCII (RFC 7578 §5.1). A file name
    is treated differently:

    - In `form-data` it is percent-encoded (RFC 7578 §2, §4.2) unless `quote_fields` is false. Browsers do not
      percent-encode it, and most servers do not decode it.
    - In other types, a file name that is not plain ASCII is sent as `filename*` (RFC 8187), after a `filename` with
      underscores as a fallback (RFC 6266 appendix D), unless `quote_fields` is false.

    Args:
        disptype: the type, a token like `form-data` or `attachment`.
        params: the parameters. One whose name ends in a star is written as an extended value.
        quote_fields: see above.
        charset: charset of percent-encoded text. Default UTF-8.

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
            fields.append(f"{key}={encode_ext_value(text, charset)}")
        elif key != "filename" or not quote_fields:
            fields.append(f"{key}={quote_string(text)}")
        elif disptype == "form-data":
            fields.append(f'{key}="{percent_encode(text, charset)}"')
        elif _NOT_PLAIN.search(text) is None:
            fields.append(f'{key}="{text}"')
        else:
            fields += (f'{key}="{_NOT_PLAIN.sub("_", text)}"', f"{key}*={encode_ext_value(text, charset)}")
    return "; ".join(fields)
