"""One test module per source module: `tests/` has the folders of `src/gazelle/`, and a test module names what it tests.

`client/send.py` has `client/test_send.py`; more tests of it may stand in `client/test_send_<subject>.py`. A module of
the engine, whose two builds are tested together, has its tests in `twins/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parent
SOURCE: Final = TESTS.parent / "src" / "gazelle"

# Folders that test the package as a whole.
ACROSS_MODULES: Final = {"differential", "e2e", "faults", "fuzz", "leaks"}
# Folders without tests.
WITHOUT_TESTS: Final = {"data", "support"}
# Test modules that belong to no single module.
OF_NO_MODULE: Final = {
    "test_architecture",  # the imports of all modules
    "test_benchmarks",
    "test_compatibility",  # the page about aiohttp
    "test_documentation",  # the links and samples of docs/
    "test_frames_per_request",  # counts calls over the whole way of a request
    "test_growth",  # tests/support/growth.py
    "test_instructions_per_call",
    "test_mirror",
    "test_reference",  # the page about the public names
    "test_running",  # tests/support/running.py
    "twins/test_cost",  # the rest are about all modules of the engine
    "twins/test_differential",
    "twins/test_same_surface",
}
# Modules whose tests are still to be written. A name is removed together with the commit that adds its tests.
NOT_YET: Final[set[str]] = set()
# Test modules that still have to be renamed.
MISNAMED: Final[set[str]] = set()


def _home(module: str) -> str:
    """Return the folder and stem that the test modules of a source module begin with."""
    folder, _, name = module.rpartition("/")
    return f"{'twins' if folder in ('_pure', '_accel') else folder}/test_{name}".lstrip("/")


def _modules() -> set[str]:
    """Return the source modules as paths without suffix; the twins count once."""
    paths = (path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py"))
    return {path for path in paths if path.rpartition("/")[2] != "__init__"}


def _test_modules() -> set[str]:
    """Return the test modules that have to belong to a source module, as paths without suffix."""
    found = {path.relative_to(TESTS).with_suffix("") for path in TESTS.rglob("test_*.py")}
    return {path.as_posix() for path in found if path.parts[0] not in ACROSS_MODULES | WITHOUT_TESTS} - OF_NO_MODULE


def _belongs(test: str, homes: Iterable[str]) -> bool:
    return any(test == home or test.startswith(f"{home}_") for home in homes)


MODULES: Final = sorted(_modules())
HOMES: Final = {_home(module) for module in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_a_source_module_has_a_test_module(module: str) -> None:
    exists = (TESTS / f"{_home(module)}.py").is_file()
    if module in NOT_YET:
        assert not exists, f"{module} has tests now: remove it from NOT_YET"
    else:
        assert exists, f"add tests/{_home(module)}.py"


@pytest.mark.parametrize("test", sorted(_test_modules()))
def test_a_test_module_is_named_after_a_source_module(test: str) -> None:
    if test in MISNAMED:
        assert not _belongs(test, HOMES), f"{test} is named after a module now: remove it from MISNAMED"
    else:
        assert _belongs(test, HOMES), "name it test_<module>.py or test_<module>_<subject>.py"


def test_a_folder_of_tests_is_a_folder_of_the_package_or_an_exception() -> None:
    folders = {path.parent.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")} - {"."}
    mirrored = {home.rpartition("/")[0] for home in HOMES}
    assert {folder for folder in folders if folder.partition("/")[0] not in ACROSS_MODULES} <= mirrored


def test_no_exception_is_stale() -> None:
    tests = {path.relative_to(TESTS).with_suffix("").as_posix() for path in TESTS.rglob("test_*.py")}
    assert tests >= OF_NO_MODULE
    assert {test for test in MISNAMED if test not in tests} == set()
    modules = _modules()
    assert modules >= NOT_YET
    assert {test for test in OF_NO_MODULE if _belongs(test, HOMES)} == set()
    folders = {path.name for path in TESTS.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders >= (ACROSS_MODULES - {"fuzz"}) | WITHOUT_TESTS


def test_the_rule_distinguishes_a_subject_from_another_module() -> None:
    assert _home("client/send") == "client/test_send"
    assert _home("_pure/pool") == "twins/test_pool"
    assert _home("errors") == "test_errors"
    assert _belongs("client/test_send_order", {"client/test_send"})
    assert not _belongs("client/test_sender", {"client/test_send"})
    assert not _belongs("net/test_send", {"client/test_send"})
