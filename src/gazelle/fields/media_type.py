"""The Content-Type field (RFC 9110 §8.3)."""

import re
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from .grammar import QUOTED_STRING, TOKEN, unescape

_TYPE: Final = re.compile(f"{TOKEN}/{TOKEN}")
# Lenient: servers send names that are not tokens, and values of any characters but a semicolon.
_PARAMETER: Final = re.compile(rf';[ \t]*([^\s;=,"]+)[ \t]*=[ \t]*(?:{QUOTED_STRING}|([^;]*))')


class MediaType(NamedTuple):
    """A media type in lower case, like `text/html`, and its parameters with names in lower case."""

    value: str
    parameters: MappingProxyType[str, str]


@lru_cache(maxsize=256)
def parse_media_type(field: str) -> MediaType:
    """Parse a Content-Type field; malformed parameters are left out, and of several with one name the first is used.

    A field without `type/subtype` gives `application/octet-stream` (RFC 9110 §8.3).
    """
    value, _, rest = field.partition(";")
    value = value.strip().lower()
    if _TYPE.fullmatch(value) is None:
        value = "application/octet-stream"
    parameters: dict[str, str] = {}
    # Linear time: each match starts at a semicolon, and at most one quote has no closing quote to be searched for.
    for name, quoted, plain in _PARAMETER.findall(";" + rest if rest else ""):
        parameters.setdefault(name.lower(), unescape(quoted) if quoted else plain.strip())
    return MediaType(value, MappingProxyType(parameters))
