"""Building the multidict of response fields, and serializing request fields."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy, istr

from gazelle import hdrs
from gazelle.fields import grammar

_TOKEN: Final = re.compile(grammar.TOKEN)
_CONTROL: Final = re.compile(grammar.NOT_IN_VALUE)

# Field names as they arrive → one shared istr each. The known ones stay; short names that servers make up are kept
# until there are _MAX_NAMES of them all together.
_KNOWN: Final[dict[bytes, istr]] = {
    spelling.encode(): istr(spelling)
    for name in vars(hdrs).values()
    if isinstance(name, istr)
    for spelling in (str(name), str(name).lower())
}
_MAX_NAMES: Final = 1024
_MAX_NAME_SIZE: Final = 64
_names: Final[dict[bytes, istr]] = dict(_KNOWN)


def build_headers(fields: Sequence[tuple[bytes, bytes]]) -> CIMultiDictProxy[str]:
    """Return the fields as a case-insensitive multidict that keeps the spelling of the names.

    Bytes that are not UTF-8 become surrogates (`surrogateescape`).
    """
    pairs = []
    for name, value in fields:
        key = _names.get(name)
        if key is None:
            key = istr(name.decode("utf-8", "surrogateescape"))
            if len(name) <= _MAX_NAME_SIZE:
                if len(_names) >= _MAX_NAMES:
                    _names.clear()
                    _names.update(_KNOWN)
                _names[name] = key
        pairs.append((key, value.decode("utf-8", "surrogateescape")))
    return CIMultiDictProxy(CIMultiDict(pairs))


def serialize_headers(fields: Iterable[tuple[str, str]]) -> bytes:
    """Return the fields as lines `Name: value` CRLF, in UTF-8, ready for the wire.

    Raises:
        TypeError: a name or a value is not a str.
        ValueError: a name is not a token, or a value holds a control character other than HTAB (RFC 9110 §5.1, §5.5).
    """
    lines: list[str] = []
    for name, value in fields:
        if not isinstance(name, str):
            raise TypeError(f"Header names must be str, not {type(name).__name__}: {name!r}")
        if not isinstance(value, str):
            raise TypeError(f"The value of header {str(name)!r} must be str, not {type(value).__name__}: {value!r}")
        if _TOKEN.fullmatch(name) is None:
            raise ValueError(f"Header name {str(name)!r} is not a token (RFC 9110 §5.1)")
        if _CONTROL.search(value) is not None:
            raise ValueError(f"The value of header {str(name)!r} holds a control character: {value!r}")
        # Not an f-string: that would ask `__str__` of a subclass what it is, after the checks.
        lines += (name, ": ", value, "\r\n")
    try:
        return "".join(lines).encode()
    except UnicodeEncodeError:
        raise ValueError(f"Headers cannot be encoded as UTF-8: {''.join(lines)!r}") from None
