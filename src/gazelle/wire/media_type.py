"""The Content-Type field (RFC 9110 §8.3)."""

import re
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

_PARAMETER: Final = re.compile(r';[ \t]*([^\s;=,"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;]*))')
_TYPE: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+/[!#$%&'*+\-.^_`|~0-9a-z]+")  # token "/" token
_QUOTED_PAIR: Final = re.compile(r"\\(.)")


class MediaType(NamedTuple):
    """A media type in lower case, like `text/html`, and its parameters with names in lower case."""

    value: str
    parameters: MappingProxyType[str, str]


@lru_cache(maxsize=256)
def parse_media_type(field: str) -> MediaType:
    """Parses a Content-Type field; what makes no sense in it is left out.

    A field without `type/subtype` gives `application/octet-stream` (RFC 9110 §8.3).
    """
    value, _, rest = field.partition(";")
    value = value.strip().lower()
    if _TYPE.fullmatch(value) is None:
        value = "application/octet-stream"
    parameters: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(";" + rest if rest else ""):
        text = _QUOTED_PAIR.sub(r"\1", quoted) if quoted else plain.strip()
        parameters.setdefault(name.lower(), text)
    return MediaType(value, MappingProxyType(parameters))
