"""What a library offers a client, looked up in the library itself: names, bases, parameters, members.

What is looked for is in `tests/data/reference_api.toml`, the reasons are in `tests/data/reference_notes.toml`.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
import textwrap
import tomllib
import typing
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gazelle.client.options import OF_CALL

DATA = Path(__file__).parent.parent / "data"

_LISTED = re.compile(r"(\w+)(?:\((.*)\))?(?:=(-?\d+))?")
_BETWEEN = re.compile(r", (?=\*|\w+(?:=|,|$))")


class Row(NamedTuple):
    """One thing that a library may have.

    Args:
        name: the name in the library it belongs to.
        part: what of it: empty for the name itself, `member`, `(parameter)`, `member(parameter)` or `: Base`.
        default: of a parameter, as text, or the value of a member of an enum; None if there is none.
        keyword: whether a parameter can only be passed by name.
        page: whether only the client reference has it, and aiohttp 3.14 has not.
    """

    name: str
    part: str
    default: str | None = None
    keyword: bool = False
    page: bool = False

    @property
    def title(self) -> str:
        """How it is called on the page and in the notes."""
        joined = f"{self.name}.{self.part}" if self.part[:1] not in ("", "(", ":") else self.name + self.part
        return joined


class Note(NamedTuple):
    """Why a row is not simply there.

    Args:
        rows: patterns of their titles.
        status: `differs`, `not yet` or `left out`; `shown by` a test where looking up cannot tell.
        why: the reason.
        taken: whether it is about rows that are there, and do not do all that looking up lets one expect.
    """

    rows: tuple[str, ...]
    status: str
    why: str
    taken: bool = False

    def covers(self, row: Row) -> bool:
        """Returns whether it is about a row."""
        return any(fnmatchcase(row.title, pattern) for pattern in self.rows)


def load_reference() -> dict[str, dict[str, Any]]:
    """Returns what is looked for, by name."""
    return tomllib.loads((DATA / "reference_api.toml").read_text(encoding="utf-8"))


def load_notes() -> list[Note]:
    """Returns the reasons."""
    text = (DATA / "reference_notes.toml").read_text(encoding="utf-8")
    return [
        Note(tuple(note["rows"]), note["status"], note["why"], note.get("taken", False))
        for note in tomllib.loads(text)["note"]
    ]


def rows(name: str, entry: Mapping[str, Any]) -> Iterator[Row]:
    """Yields the rows of a name."""
    yield Row(name, "", page=entry["kind"] == "page")
    for base in entry.get("bases", ()):
        yield Row(name, f": {base}")
    for parameter, default, keyword in _parameters(entry.get("parameters", ())):
        yield Row(name, f"({parameter})", default, keyword)
    for parameter, default, _ in _parameters(entry.get("page_parameters", ())):
        yield Row(name, f"({parameter})", default, keyword=True, page=True)
    for listed in (*entry.get("members", ()), *entry.get("page", ())):
        found = _LISTED.fullmatch(listed)
        assert found is not None, listed
        member, arguments, value = found.groups()
        page = listed in entry.get("page", ())
        yield Row(name, member, value, page=page)
        for parameter, default, keyword in _parameters(_BETWEEN.split(arguments) if arguments else ()):
            yield Row(name, f"{member}({parameter})", default, keyword, page)


def _parameters(listed: typing.Sequence[str]) -> Iterator[tuple[str, str | None, bool]]:
    keyword = False
    for item in listed:
        if item == "*":
            keyword = True
            continue
        parameter, equals, default = item.partition("=")
        yield parameter, default if equals else None, keyword


def look_up(library: Any, row: Row) -> str | None:
    """Returns None if a library has a row just so; else in what way not, `missing` if not at all."""
    if row.name == "import":
        return _look_up_module(library, row.part)
    thing: Any = getattr(library, row.name, _MISSING)
    if thing is _MISSING:
        return "missing"
    member, opened, parameter = row.part.partition("(")
    if not row.part:
        return None
    if row.part.startswith(": "):
        return None if row.part[2:] in {base.__name__ for base in thing.__mro__} else "missing"
    if not member and opened:
        return _compare(_signature(thing), parameter[:-1], row)
    if not _has_member(thing, member):
        return "missing"
    if opened:
        return _compare(_signature(getattr(thing, member), method=member), parameter[:-1], row)
    if isinstance(thing, type) and issubclass(thing, enum.Enum):
        value = str(thing[member].value)
        return None if value == row.default else f"is {value}"
    return None


def _look_up_module(library: Any, name: str) -> str | None:
    if not name:
        return None
    try:
        importlib.import_module(f"{library.__name__}.{name}")
    except ImportError:
        return "missing"
    return None


def _has_member(thing: Any, name: str) -> bool:
    if hasattr(thing, name):
        return True
    return isinstance(thing, type) and any(name in _instance_attributes(base) for base in thing.__mro__)


@cache
def _instance_attributes(cls: type) -> frozenset[str]:
    """Returns what a class announces, or sets on `self` in its methods."""
    found = set(vars(cls).get("__annotations__", ()))
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return frozenset(found)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            found.add(node.attr)
    return frozenset(found)


class _Parameter(NamedTuple):
    position: int | None
    default: str | None
    option: bool = False


def _signature(function: Any, method: str = "") -> dict[str, _Parameter] | None:
    """Returns the parameters of a function, those of `**kwargs: Unpack[...]` among them; None if it tells nothing."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    found: dict[str, _Parameter] = {}
    listed = list(signature.parameters.values())
    if method and listed and listed[0].name in ("self", "cls"):
        del listed[0]
    for position, parameter in enumerate(listed):
        if parameter.kind is parameter.VAR_KEYWORD:
            found |= _unpacked(function, parameter.name)
        else:
            by_name = parameter.kind is parameter.KEYWORD_ONLY
            found[parameter.name] = _Parameter(None if by_name else position, text_of(parameter.default))
    return found


def _unpacked(function: Any, kwargs: str) -> dict[str, _Parameter]:
    """Returns the keyword arguments of a request, with the defaults of the table of options."""
    function = getattr(function, "__func__", function)
    hint = function.__annotations__.get(kwargs)
    if typing.get_origin(hint) is not typing.Unpack:
        return {}
    (options,) = typing.get_args(hint)
    defaults = {name: text_of(OF_CALL[name].call) for name in options.__annotations__}
    return {name: _Parameter(None, default, option=True) for name, default in defaults.items()}


def text_of(default: object) -> str | None:
    """Returns a default as text, None if there is none."""
    if default is inspect.Parameter.empty:
        return None
    if "sentinel" in type(default).__name__.lower():
        return "sentinel"
    if isinstance(default, enum.Enum):
        return str(int(default)) if isinstance(default, int) else str(default.value)
    if isinstance(default, type):
        return default.__name__
    if callable(default):
        qualified = getattr(default, "__qualname__", "")
        return "function" if "<lambda>" in qualified else f"{default.__module__.split('.')[0]}.{qualified}"
    if isinstance(default, BaseException) or type(default).__name__ == "URL":
        return f"{type(default).__name__}()"
    return repr(default)


def _compare(found: dict[str, _Parameter] | None, name: str, row: Row) -> str | None:
    if found is None:
        return "its parameters cannot be looked up"
    parameter = found.get(name)
    if parameter is None:
        return "missing"
    if not row.keyword and not row.page and parameter.position is None:
        return "by name only"
    # An argument of a request that is not passed leaves what the session says; None and a sentinel both stand for that.
    unset = row.default in ("None", "sentinel") and (parameter.option or parameter.default in ("None", "sentinel"))
    if unset or parameter.default == row.default:
        return None
    return "has to be passed" if parameter.default is None else f"default {parameter.default}"


_MISSING = object()
