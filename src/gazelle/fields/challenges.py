"""The fields WWW-Authenticate, Proxy-Authenticate and Authentication-Info (RFC 9110 §11)."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from .grammar import OPEN_STRING, TOKEN, unescape

# A parameter. An unclosed quoted string extends to the end of the value, so that no text is scanned twice.
_PARAMETER: Final = re.compile(rf"[\s,]*({TOKEN})\s*=\s*(?:{OPEN_STRING}|([^\s,\"]*))")
# A scheme; a token followed by `=` is a parameter.
_SCHEME: Final = re.compile(rf"[\s,]*({TOKEN})(?=[\s,]|\Z)(?!\s*=)")
# A token68, like `TlRMTVNT==` (RFC 9110 §11.2).
_TOKEN68: Final = re.compile(r"[ \t]+([A-Za-z0-9._~+/-]+=*)[ \t]*(?=,|\Z)")


class Challenge(NamedTuple):
    """One challenge: its `scheme` in lower case, and its parameters, with names in lower case."""

    scheme: str
    parameters: dict[str, str]


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """Parse WWW-Authenticate fields, each of which may hold several challenges; malformed parts are left out.

    Of parameters with the same name the first is used. A token68 is left out.

    Args:
        values: values of the fields, in their order.
    """
    challenges = []
    for value in values:
        position = 0
        while (match := _SCHEME.match(value, position)) is not None:
            position = match.end()
            token68 = _TOKEN68.match(value, position)
            if token68 is not None:
                position = token68.end()
            parameters, position = _read_parameters(value, position)
            challenges.append(Challenge(match[1].lower(), parameters))
    return challenges


def parse_parameters(value: str) -> dict[str, str]:
    """Parse a list of parameters like that of Authentication-Info, names in lower case (RFC 9110 §11.6.3)."""
    return _read_parameters(value, 0)[0]


def _read_parameters(value: str, position: int) -> tuple[dict[str, str], int]:
    """Return the parameters from a position on, and their end."""
    parameters: dict[str, str] = {}
    while (match := _PARAMETER.match(value, position)) is not None:
        position = match.end()
        name, quoted, plain = match.groups()
        parameters.setdefault(name.lower(), plain if quoted is None else unescape(quoted))
    return parameters, position
