"""Request heads: everything that stays the same for an origin is made into bytes once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from multidict import CIMultiDict

from gazelle._impl import assemble, serialize_headers
from gazelle.fields.grammar import TOKEN
from gazelle.types import HttpVersion, LooseHeaders

Fields: TypeAlias = Sequence[tuple[str, str]]

_TOKEN: Final = re.compile(TOKEN)
NOT_IN_TARGET: Final = re.compile(r"[^\x21-\x7e]")


def check_method(method: str) -> str:
    """Returns the method in upper case.

    Raises:
        ValueError: it is not a token (RFC 9110 §9.1).
    """
    if _TOKEN.fullmatch(method) is None:
        raise ValueError(f"Method {method!r} is not a token (RFC 9110 §9.1)")
    return str.upper(method)  # not what a subclass makes of it, after the check


def collect_fields(headers: LooseHeaders | None) -> CIMultiDict[str]:
    """Returns header fields that were passed as a multidict.

    Raises:
        TypeError: a name is not a str.
    """
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers or ())
    try:
        return CIMultiDict(pairs)
    except TypeError:
        serialize_headers(pairs)  # says which one
        raise


def check_value(name: str, value: object) -> None:
    """Checks the value of a field that is looked at before it is serialised.

    Raises:
        TypeError: it is not a str.
    """
    if not isinstance(value, str):
        raise TypeError(f"The value of header {str(name)!r} must be str, not {type(value).__name__}: {value!r}")


def merge_fields(defaults: Iterable[tuple[str, str]], fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the default fields with those of a call put over them.

    A field of the call takes the place of all defaults of its name, where the first of them stands; what has no
    default follows at the end. Repeated fields of the call stay repeated.
    """
    given: dict[str, list[tuple[str, str]]] = {}
    for name, value in fields:
        given.setdefault(name.lower(), []).append((name, value))
    merged = []
    placed = set()
    for name, value in defaults:
        key = name.lower()
        if key not in given:
            merged.append((name, value))
        elif key not in placed:
            placed.add(key)
            merged.extend(given[key])
    for key, pairs in given.items():
        if key not in placed:
            merged.extend(pairs)
    return merged


def check_target(target: str) -> str:
    """Returns the request target.

    Raises:
        ValueError: it holds a character that may not go into a request line (RFC 9112 §3.2).
    """
    if NOT_IN_TARGET.search(target) is not None:
        raise ValueError(f"URL holds a character that may not go into a request line: {target!r}")
    return target


class HeadTemplate:
    """The part of a request head that is the same for all requests to an origin.

    The order on the wire is: Host, default fields, fields of the call, automatic fields, then what belongs to the body
    and the connection.

    Args:
        version: the HTTP version.
        host: value of the Host field.
        defaults: default fields of the session; one that is called Host takes the place of `host`.
        automatic: fields that are sent unless the defaults or the call have one of that name.
        suppressed: more names, in lower case, to report as given.

    Attributes:
        names: names of the default fields in lower case, and the suppressed ones.
        fixed: lower-case names of all fields in it.
        lead: the head from the HTTP version to the end of the default fields.
        tail: the automatic fields.
        automatic: the lines of `tail` by lower-case name.

    Raises:
        ValueError: a field may not go on the wire, see `serialize_headers`.
    """

    __slots__ = ("_automatic", "_fields", "_host", "_start", "automatic", "fixed", "lead", "names", "tail")

    def __init__(
        self,
        version: HttpVersion,
        host: str,
        defaults: Fields,
        automatic: Fields,
        suppressed: frozenset[str] = frozenset(),
    ) -> None:
        self._start = f" HTTP/{version.major}.{version.minor}\r\n".encode()
        self._host = host
        self._fields = list(defaults)
        self._automatic = list(automatic)
        names = frozenset(name.lower() for name, _ in self._fields)
        tail = [(name, value) for name, value in self._automatic if name.lower() not in names]
        self.lead = self._start + serialize_headers(_with_host(host, self._fields))
        self.automatic = {name.lower(): serialize_headers([(name, value)]) for name, value in tail}
        self.tail = b"".join(self.automatic.values())
        self.fixed = names | {name.lower() for name, _ in tail} | {"host"}
        self.names = names | suppressed

    def render(self, method: str, target: str, fields: Fields, ending: bytes) -> bytes:
        """Returns the head of a request.

        Args:
            method: see `check_method`.
            target: see `check_target`.
            fields: fields of the call.
            ending: what follows the fields, ready for the wire.

        Raises:
            ValueError: a field may not go on the wire.
        """
        if not fields:
            return assemble(method, target, (self.lead, self.tail, ending))
        if self.fixed.isdisjoint([name.lower() for name, _ in fields]):
            return assemble(method, target, (self.lead, serialize_headers(fields), self.tail, ending))
        merged = merge_fields(self._fields, fields)
        names = {name.lower() for name, _ in merged}
        merged += [(name, value) for name, value in self._automatic if name.lower() not in names]
        return assemble(method, target, (self._start, serialize_headers(_with_host(self._host, merged)), ending))


def render_head(method: str, target: str, version: HttpVersion, fields: Iterable[tuple[str, str]]) -> bytes:
    """Returns a head with exactly these fields.

    Raises:
        ValueError: a field may not go on the wire.
    """
    start = f" HTTP/{version.major}.{version.minor}\r\n".encode()
    return assemble(method, target, (start, serialize_headers(fields), b"\r\n"))


def _with_host(host: str, fields: Fields) -> list[tuple[str, str]]:
    """Puts the Host field in front: the given one, or that of the fields (RFC 9110 §7.2)."""
    given = [value for name, value in fields if name.lower() == "host"]
    if len(given) > 1:
        raise ValueError(f"More than one Host header: {given!r}")
    rest = [(name, value) for name, value in fields if name.lower() != "host"]
    return [("Host", given[0] if given else host), *rest]


def parse_head_fields(head: bytes) -> list[tuple[str, str]]:
    """Returns the fields of a head that `HeadTemplate` has rendered."""
    pairs = []
    for line in head.split(b"\r\n")[1:-2]:
        name, _, value = line.partition(b": ")
        pairs.append((name.decode(), value.decode()))
    return pairs
