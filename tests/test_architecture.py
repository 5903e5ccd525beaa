"""The architecture, as far as imports show it: this table and these rules are the document."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from tests.support import patterns

# A module imports from the layers above its own, and from its own without going in circles. An import for types counts.
LAYERS: Final = (
    ("hdrs", "types", "messages", "errors", "abc", "auth", "checks", "etag", "timeouts", "tracing", "version"),
    ("fields",),
    ("_pure", "_accel"),
    ("_impl",),
    ("wire", "body", "cookies"),
    ("net",),
    ("client",),
    ("__init__",),
    ("cli", "compat", "__main__"),
)
SANS_IO: Final = ("_pure", "_accel", "fields", "wire")
# Of the twins, those that know the event loop or a socket.
# The exchange makes futures, and has no transport.
WITH_LOOP: Final = ("buffered", "call", "connection", "deadlines", "exchange", "pool", "readiness")
IO: Final = {"asyncio", "select", "selectors", "socket", "ssl", "threading", "uvloop"}
DRAWERS: Final = {"common", "helper", "helpers", "misc", "tools", "util", "utils"}

SOURCE: Final = Path(__file__).parent.parent / "src" / "gazelle"
MODULES: Final = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
CYTHON: Final = sorted((SOURCE / "_accel").glob("*.p[xy][dx]"))
FILES: Final = [*MODULES.items(), *((f"_accel.{path.stem}", path) for path in CYTHON)]
ROOT: Final = SOURCE.parent.parent
# Everything else that is Python: tests, benchmarks, and the scripts of ci/ and vendor/.
TOOLS: Final = sorted(
    path
    for folder in ("tests", "benchmarks", "ci", "vendor", ".")
    for path in (ROOT / folder).glob("*" if folder == "." else "**/*")
    if path.suffix == ".py" or (path.parent.name == "ci" and path.is_file() and b"python" in path.read_bytes()[:40])
)
CYTHON_IMPORT: Final = re.compile(
    r"^\s*(?:from\s+([\w.]+)\s+c?import\s+\(?([\w, ]*)|c?import\s+([\w.]+))", re.MULTILINE
)


def _python_imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields each import of a Python file as an absolute module name and the names that are taken out of it."""
    package = ["gazelle", *path.relative_to(SOURCE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            yield ".".join([*base, *filter(None, [node.module])]), [alias.name for alias in node.names]


def _cython_imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields the same for a Cython file, by the look of its lines; a twin may `cimport` its neighbours."""
    for origin, names, module in CYTHON_IMPORT.findall(path.read_text(encoding="utf-8")):
        yield origin or module, re.findall(r"\w+", names)


@cache
def _imports(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Returns what a file imports: our modules by the names they have in `MODULES`, and the packages of others."""
    ours, others = set(), set()
    for module, names in _python_imports(path) if path.suffix == ".py" else _cython_imports(path):
        package, _, rest = module.partition(".")
        if package == "gazelle":
            inside = {f"{rest}.{name}".lstrip(".") for name in names}
            ours |= {name for name in inside if name in MODULES} or {rest or "__init__"}
        else:
            others.add(package)
    return frozenset(ours), frozenset(others)


def _layer(module: str) -> int | None:
    return next((rank for rank, layer in enumerate(LAYERS) if module.partition(".")[0] in layer), None)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_belongs_to_a_layer(module: str) -> None:
    assert _layer(module) is not None, "add it to LAYERS"


@pytest.mark.parametrize(("module", "path"), FILES, ids=[module for module, _ in FILES])
def test_a_module_imports_only_from_the_layers_above_its_own(module: str, path: Path) -> None:
    rank = _layer(module)
    assert rank is not None
    ours, _ = _imports(path)
    assert {name for name in ours if (_layer(name) or 0) > rank} == set()


def test_no_module_imports_itself_in_a_circle() -> None:
    waiting = {module: _imports(path)[0] & MODULES.keys() for module, path in MODULES.items()}
    while ready := {module for module, needs in waiting.items() if not needs & waiting.keys()}:
        waiting = {module: needs for module, needs in waiting.items() if module not in ready}
    assert waiting == {}


@pytest.mark.parametrize("module", MODULES)
def test_only_the_switch_knows_that_there_are_twins(module: str) -> None:
    ours, _ = _imports(MODULES[module])
    twins = {name for name in ours if name.partition(".")[0] in ("_pure", "_accel")}
    assert module == "_impl" or module.startswith("_pure") or twins == set()


@pytest.mark.parametrize(
    "path", [*(SOURCE / "_pure").glob("*.py"), *CYTHON], ids=lambda path: "/".join(path.parts[-2:])
)
def test_a_twin_knows_only_its_own_side(path: Path) -> None:
    """A text that is built twice names its neighbours relatively, and so finds them on either side."""
    foreign = r"(?:gazelle\.|\.\.)_(?:pure|accel)" if path.suffix == ".py" else r"(?:gazelle\.|\.\.)_pure"
    assert re.findall(rf"^\s*(?:from|c?import)\s+{foreign}\b.*", path.read_text(encoding="utf-8"), re.MULTILINE) == []


@pytest.mark.parametrize(("module", "path"), FILES, ids=[module for module, _ in FILES])
def test_what_speaks_a_protocol_does_no_io(module: str, path: Path) -> None:
    folder, _, rest = module.partition(".")
    if folder not in SANS_IO or (folder in ("_pure", "_accel") and rest in WITH_LOOP):
        return
    _, others = _imports(path)
    assert others & IO == set()


@pytest.mark.parametrize("path", MODULES.values(), ids=MODULES)
def test_imports_stand_outside_of_functions(path: Path) -> None:
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    )
    inside = [
        node.lineno for one in functions for node in ast.walk(one) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_a_drawer_for_odds_and_ends(module: str) -> None:
    assert set(module.split(".")) & DRAWERS == set()


# `re` before CPython 3.11.5 matches possessive quantifiers around groups wrongly, and Debian 12 has 3.11.2.
NOT_IN_PATTERNS: Final = {"POSSESSIVE_REPEAT", "ATOMIC_GROUP"}


def _fragile(found: Iterator[tuple[int, str | bytes | None]]) -> list[int]:
    """Return the lines with patterns that some supported Python matches wrongly."""
    return [line for line, text in found if text is not None and patterns.constructs(text) & NOT_IN_PATTERNS]


@pytest.mark.parametrize(("module", "path"), FILES, ids=[module for module, _ in FILES])
def test_no_pattern_is_possessive(module: str, path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        names = vars(import_module(f"gazelle.{module}")) if re.search(r"\bre\.\w+\(", source) else {}
        found = list(patterns.patterns_of(source, names))
    else:
        found = list(patterns.patterns_of_cython(source))
    assert [line for line, text in found if text is None] == [], "write it so that this test can read the pattern"
    assert _fragile(iter(found)) == []


@pytest.mark.parametrize("path", TOOLS, ids=[str(path.relative_to(ROOT)) for path in TOOLS])
def test_no_pattern_of_tests_and_tools_is_possessive(path: Path) -> None:
    assert _fragile(patterns.patterns_of(path.read_text(encoding="utf-8"), {})) == []


def test_possessive_patterns_are_found_wherever_they_stand() -> None:
    source = """
A = re.compile(r"a++")
B = re.compile(rb"(?:a|b)*+")
C = re.compile(rf"{INSIDE}|(x)?+")
D = re.search(pattern=r"(?>ab)", string="")
E = re.sub(r"[(](?=(a{1,2}+))", "", "")
F = re.compile(SOMETHING % "b")
G = re.compile(r"a+\\+[*+]{2}")
"""
    assert list(patterns.patterns_of("from re import compile", {})) == [(1, None)]
    assert [line for line, text in patterns.patterns_of(source, {}) if text is None] == [7]
    assert _fragile(patterns.patterns_of(source, {"SOMETHING": "(a%s)?+"})) == [2, 3, 4, 5, 6, 7]
    assert _fragile(patterns.patterns_of_cython('cdef object A = re.compile(rb"(a)*+", re.DOTALL)\n')) == [1]


def test_the_twins_have_the_same_modules() -> None:
    readable = {module.partition(".")[2] for module in MODULES if module.startswith("_pure.")}
    compiled = {path.stem for path in CYTHON} - {"llhttp"}  # only declarations of a C library
    assert readable == compiled


def test_the_rules_see_every_kind_of_import(tmp_path: Path) -> None:
    """A rule that no import can break would hold forever."""
    accel = tmp_path / "example.pyx"
    accel.write_text(
        "import cython\nfrom gazelle._accel cimport llhttp\nfrom gazelle.errors import (\n  A,\n)\ncimport asyncio\n"
    )
    ours, others = _imports(accel)
    assert ours == {"_accel", "errors"}
    assert others == {"cython", "asyncio"}
    switch, _ = _imports(MODULES["_impl"])
    assert {"_accel.head", "_pure.head"} <= switch
    framing, _ = _imports(MODULES["_pure.framing"])
    assert "_pure.head" in framing
    errors, others = _imports(MODULES["errors.client"])
    assert "messages" in errors
    assert "yarl" in others
