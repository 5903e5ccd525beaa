"""Builds the compiled twins of `src/gazelle/_pure`; the metadata is in pyproject.toml.

GAZELLE_BUILD     auto (default): compile, or warn and build without; require: compile or fail; none: pure Python
GAZELLE_DEBUG     1: not optimised, with debug symbols and line tracing, and annotated HTML beside the generated C
GAZELLE_SANITIZE  1: with AddressSanitizer and UndefinedBehaviorSanitizer
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

sys.path.insert(0, str(Path(__file__).parent / "vendor"))
from fetch import FILES, fetch

MODE = os.environ.get("GAZELLE_BUILD") or "auto"
DEBUG, SANITIZE = (os.environ.get(name, "0") not in ("", "0") for name in ("GAZELLE_DEBUG", "GAZELLE_SANITIZE"))
BASE = "build" + "/debug" * DEBUG + "/sanitize" * SANITIZE
SAFE = {"language_level": 3, "annotation_typing": False}  # the .pxd alone says what is a C type
FAST = {"boundscheck": False, "wraparound": False, "initializedcheck": False, "cdivision": True, "linetrace": DEBUG}
FLAGS = ["-O0", "-g3", "-UNDEBUG", "-DCYTHON_TRACE=1"] if DEBUG else ["-O3", "-g0", "-fvisibility=hidden", "-fno-plt"]
LINK = ["-Wl,-Bsymbolic-functions"] if sys.platform == "linux" else []  # our llhttp, whatever the process has loaded
if SANITIZE:
    LINK += ["-fsanitize=address,undefined"]
    FLAGS += ["-O1", "-g", "-UNDEBUG", "-fno-omit-frame-pointer", *LINK[-1:]]


def twins() -> list[Extension]:
    """Lists the twins: a .pxd named like a module of `_pure` adds C types to it, a .pyx is a text of its own."""
    pure, accel = Path("src/gazelle/_pure"), Path("src/gazelle/_accel")
    sources = {path.stem: [str(path)] for path in pure.glob("*.py") if (accel / f"{path.stem}.pxd").exists()}
    sources |= {path.stem: [str(path)] for path in accel.glob("*.pyx")}
    sources["head"] += [f"vendor/llhttp/{name}" for name in FILES if name.endswith(".c")]
    flags = {"extra_compile_args": FLAGS, "extra_link_args": LINK} if os.name == "posix" else {"libraries": ["ws2_32"]}
    return [Extension(f"gazelle._accel.{name}", sources[name], **flags) for name in sorted(sources)]


class BuildTwins(build_ext):
    """Builds all twins or none: in `auto`, whatever is missing (network, Cython, compiler) makes a pure build."""

    def run(self) -> None:
        inplace, self.force, self.parallel = self.inplace, True, True  # forced: other flags are news to no time stamp
        try:
            fetch()
            from Cython.Build import cythonize  # noqa: PLC0415  (not needed for a source distribution)

            options = {"build_dir": f"{BASE}/cython", "include_path": ["src"], "annotate": DEBUG, "force": True}
            made = cythonize(self.extensions, compiler_directives=SAFE | FAST, **options)
            for twin, generated in zip(self.extensions, made, strict=True):
                twin.sources = generated.sources
                twin.include_dirs = ["vendor/llhttp/include", *find_spec("multidict").submodule_search_locations]
            super().run()
        except Exception as error:
            if MODE == "require":
                raise
            print(f"\n{'*' * 80}\ngazelle: BUILT WITHOUT THE COMPILED ENGINE: {error}\n{'*' * 80}\n", file=sys.stderr)
            for self.inplace in {False, inplace}:
                for twin in self.extensions:
                    Path(self.get_ext_fullpath(twin.name)).unlink(missing_ok=True)
            self.extensions = []


class SourceDistribution(sdist):
    """Carries llhttp and whatever a developer needs; builds without network."""

    def make_distribution(self) -> None:
        fetch()
        for folder in (".ci", "benchmarks", "ci", "docs", "src/gazelle", "tests", "vendor"):
            self.filelist.graft(folder)
        self.filelist.process_template_line("include CHANGELOG.md Makefile")
        self.filelist.process_template_line("global-exclude *.py[cod] *.so")
        super().make_distribution()


if MODE not in ("auto", "require", "none"):
    sys.exit(f"gazelle: GAZELLE_BUILD is {MODE!r}; it takes auto, require or none")
setup(
    ext_modules=twins() if MODE != "none" else [],
    cmdclass={"build_ext": BuildTwins, "sdist": SourceDistribution},
    options={"build": {"build_base": BASE}},
)
