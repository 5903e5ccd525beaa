"""The Link field (RFC 8288)."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from multidict import MultiDict, MultiDictProxy
from yarl import URL

from .grammar import OPEN_STRING, QUOTED_STRING, TOKEN, decode_ext_value, unescape

_BETWEEN: Final = re.compile(r"[\s,]*")
_TARGET: Final = re.compile(r"<([^>]*)>")
# A parameter: a token, perhaps with a token or a quoted string as its value. A quote without a closing quote is an
# ordinary character.
_PARAMETER: Final = re.compile(rf"\s*;\s*(?:({TOKEN})\s*(?:=\s*(?:{QUOTED_STRING}|([^\s;,]*)))?)?")
# A malformed part is skipped up to the next comma outside of quotes, which ends its link.
_REST: Final = re.compile(rf"[^,\"]*(?:{OPEN_STRING}[^,\"]*)*")
# Of several parameters with one of these names the first is used (RFC 8288 §3.3, §3.4.1).
_ONCE: Final = frozenset({"rel", "media", "title", "title*", "type", "anchor", "url"})

Links = MultiDictProxy[MultiDictProxy[str | URL]]
"""Links by relation type, or by the unresolved target if they have none."""


def parse_links(values: Sequence[str], base: URL) -> Links:
    """Parse Link fields; malformed parts of them are left out.

    The key of a link is the unchanged text of its `rel`. A link is a multidict of its parameters, with names in lower
    case, and `url`, its target. Values of names that end in `*` are decoded (RFC 8187).

    Args:
        values: values of the fields, in order.
        base: URL against which targets are resolved.
    """
    links: MultiDict[MultiDictProxy[str | URL]] = MultiDict()
    for value in values:
        for target, parameters in _split(value):
            try:
                url = base.join(URL(target))
            except ValueError:
                continue
            link: MultiDict[str | URL] = MultiDict()
            for name, text in parameters:
                if name not in _ONCE or name not in link:
                    link.add(name, text)
            key = str(link.get("rel", target))
            link["url"] = url
            links.add(key, MultiDictProxy(link))
    return MultiDictProxy(links)


def _split(value: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the target and the parameters of each link."""
    position = 0
    end = value.rfind(">")  # no target begins after it; without this bound, `<,<,<` would take quadratic time
    while position <= end:
        position = _end(_BETWEEN, value, position)
        match = _TARGET.match(value, position)
        if match is not None:
            position = match.end()
            parameters = []
            while (parameter := _PARAMETER.match(value, position)) is not None:
                position = parameter.end()
                pair = _read(*parameter.groups())
                if pair is not None:
                    parameters.append(pair)
            yield match[1].strip(), parameters
        position = _end(_REST, value, position) + 1


def _end(pattern: re.Pattern[str], value: str, position: int) -> int:
    """Return the end of the match of a pattern at a position; the position itself if there is no match."""
    match = pattern.match(value, position)
    return position if match is None else match.end()


def _read(name: str | None, quoted: str | None, plain: str | None) -> tuple[str, str] | None:
    """Return the name and the value of a matched parameter; None if it is empty or malformed."""
    if name is None:
        return None
    name = name.lower()
    if quoted is not None:
        return name, unescape(quoted)
    text = plain or ""
    if name.endswith("*"):
        decoded = decode_ext_value(text)
        return None if decoded is None else (name, decoded)
    if len(text) > 1 and text[0] == text[-1] == "'":  # not in the grammar, but sent by servers
        text = text[1:-1]
    return name, text
