"""The two builds of the engine, by the names that tests call them: `pure` and `accel`."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from types import ModuleType
from typing import Any

NAMES = ("pure", "accel")


class Twin:
    """Modules of one build as attributes: `twin.http_parser` is `gazelle._pure.http_parser` or the compiled one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.package = f"gazelle._{name}"

    def __getattr__(self, module: str) -> Any:
        if module.startswith("__"):
            raise AttributeError(module)
        found = importlib.import_module(f"{self.package}.{module}")
        setattr(self, module, found)
        return found

    def __repr__(self) -> str:
        return f"<twin {self.name}>"

    def module_names(self) -> set[str]:
        """Names of the modules that can be imported."""
        package = importlib.import_module(self.package)
        return {module.name for module in pkgutil.iter_modules(package.__path__)}

    def modules(self) -> list[ModuleType]:
        """All its modules."""
        return [importlib.import_module(f"{self.package}.{name}") for name in sorted(self.module_names())]


def accel_is_built() -> bool:
    """Whether the compiled twin can be found (not whether it works: a broken one must fail, not be skipped)."""
    return importlib.util.find_spec("gazelle._accel.http_parser") is not None
