"""What can be said of a regular expression without running it: its constructs, and whether its steps grow linearly."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

# `re` documents no access to its parse tree; these names are the same from CPython 3.11 on.
_parser: Any = import_module("re._parser")
_FUNCTIONS: Final = {"compile", "match", "fullmatch", "search", "split", "findall", "finditer", "sub", "subn"}
# Everything in Latin-1, and some of what differs beyond it: a space, a letter, a digit, a surrogate.
_ALPHABET: Final = frozenset([*range(256), 0x2003, 0x20AC, 0x431, 0x661, 0xDC80])
_END: Final = -1  # stands for the end of the text
_CATEGORIES: Final = {
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_REPEATS: Final = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")

First = frozenset[int]
"""The characters with which a match begins; empty if it always succeeds, so that nothing before it is tried again."""


# --- patterns in source files ----------------------------------------------------------------------------------------


def patterns_of(source: str, names: Mapping[str, object]) -> Iterator[tuple[int, str | bytes | None]]:
    """Yield line and text of every pattern that a source passes to a function of `re`; None if the text is not known.

    Args:
        source: text of a Python file.
        names: values of the names in it, as far as they are known. Other parts of an f-string count as one letter.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            yield node.lineno, None  # calls of such names are not found
        elif isinstance(node, ast.Call) and _is_re(node.func):
            given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "pattern")]
            yield node.lineno, _text(given[0], names) if given else None


def patterns_of_cython(source: str) -> Iterator[tuple[int, str | bytes | None]]:
    """Yield the same for a Cython file, where each call is on a line of its own and its pattern is a literal."""
    for number, line in enumerate(source.splitlines(), start=1):
        for found in re.finditer(rf"\bre\.(?:{'|'.join(_FUNCTIONS)})\(.*\)", line):
            for _, text in patterns_of(found[0], {}):
                yield number, text


def _is_re(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _FUNCTIONS
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
    )


def _text(node: ast.expr, names: Mapping[str, object]) -> str | bytes | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(_part(value, names)) for value in node.values)
    try:
        # The expression is one of our own sources, evaluated with the names of its module.
        value = eval(compile(ast.Expression(node), "pattern", "eval"), dict(names))
    except NameError:
        return None
    return value if isinstance(value, str | bytes) else None


def _part(node: ast.expr, names: Mapping[str, object]) -> str | bytes:
    text = _text(node.value if isinstance(node, ast.FormattedValue) else node, names)
    return "x" if text is None else text


# --- constructs ------------------------------------------------------------------------------------------------------


def constructs(pattern: str | bytes, flags: int = 0) -> set[str]:
    """Return the names of the constructs in a pattern, as in the parse tree of `re`."""
    return set(_constructs(_parser.parse(pattern, flags)))


def _constructs(tree: Any) -> Iterator[str]:
    """Every node is a name and its arguments; lists and tuples of any depth hold further nodes."""
    if isinstance(tree, tuple) and tree and type(tree[0]).__name__ == "_NamedIntConstant":
        yield str(tree[0])
    if isinstance(tree, tuple | list) or type(tree) is _parser.SubPattern:
        for item in tree:
            yield from _constructs(item)


# --- steps -----------------------------------------------------------------------------------------------------------


def ambiguities(pattern: re.Pattern[str]) -> list[str]:
    """Return why an attempt to match could take more steps than a multiple of the characters; empty if it cannot.

    Wherever a pattern repeats, the next character has to decide whether it goes on or stops, and in what is repeated,
    which alternative it takes. Then going back fails at the first character, each time. What is decided only once in
    an attempt, outside of repeats, may be tried both ways: that makes it some times as many steps.
    """
    found: list[str] = []
    _first(list(_parser.parse(pattern.pattern, pattern.flags)), frozenset(), pattern.flags, False, found)
    return found


def _first(nodes: list[Any], rest: First, flags: int, repeated: bool, found: list[str]) -> First:
    """Return the characters with which a match of nodes and the rest begins; adds what is ambiguous to `found`."""
    for name, value in reversed(nodes):
        rest = _first_of(str(name), value, rest, flags, repeated, found)
    return rest


def _first_of(name: str, value: Any, rest: First, flags: int, repeated: bool, found: list[str]) -> First:
    if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
        return _characters(name, value, flags)
    if name == "SUBPATTERN":
        return _first(list(value[3]), rest, flags, repeated, found)
    if name in _REPEATS:
        return _first_of_repeat(value, rest, flags, repeated, found)
    if name == "BRANCH":
        return _first_of_branch(value[1], rest, flags, repeated, found)
    if name == "AT" and str(value) in ("AT_END", "AT_END_STRING"):
        return frozenset([_END, 10] if str(value) == "AT_END" else [_END])
    if name == "ASSERT":
        return _first(list(value[1]), frozenset(), flags, repeated, found) or rest
    if name == "ASSERT_NOT":
        _first(list(value[1]), frozenset(), flags, repeated, found)
        return rest or _ALPHABET | {_END}
    found.append(f"{name} is not known here")
    return rest


def _first_of_repeat(value: Any, rest: First, flags: int, repeated: bool, found: list[str]) -> First:
    low, high, nodes = value
    again = high > 1
    body = _first(list(nodes), rest, flags, repeated or again, found)
    if again and rest:  # what follows the body may be the body once more
        body = _first(list(nodes), rest | body, flags, True, found)
    if (again or repeated) and body & rest:
        found.append(f"after {sorted(body & rest)[:5]} it may go on or stop")
    if again and not nodes.getwidth()[0]:
        found.append("what is repeated may be empty")
    if low:
        return body
    return body | rest if rest else rest


def _first_of_branch(branches: Any, rest: First, flags: int, repeated: bool, found: list[str]) -> First:
    seen: First = frozenset()
    always = False
    for branch in branches:
        one = _first(list(branch), rest, flags, repeated, found)
        if repeated and one & seen:
            found.append(f"for {sorted(one & seen)[:5]} there is more than one way")
        seen |= one
        always = always or not one
    return frozenset() if always else seen


def _characters(name: str, value: Any, flags: int) -> First:
    if name == "ANY":
        return _ALPHABET if flags & re.DOTALL else _ALPHABET - {10}
    if name in ("LITERAL", "NOT_LITERAL"):
        return frozenset([value]) if name == "LITERAL" else _ALPHABET - {value}
    chosen: set[int] = set()
    negated = False
    for kind, item in value:
        if str(kind) == "NEGATE":
            negated = True
        elif str(kind) == "LITERAL":
            chosen.add(item)
        elif str(kind) == "RANGE":
            chosen.update(code for code in _ALPHABET if item[0] <= code <= item[1])
        else:
            category = re.compile(_CATEGORIES[str(item)])
            chosen.update(code for code in _ALPHABET if category.match(chr(code)))
    return frozenset(_ALPHABET - chosen if negated else chosen)
