"""The command line, `gazelle` and `python -m gazelle`."""

import sys
from collections.abc import Sequence

from .version import version_line

try:
    from . import commands
except ModuleNotFoundError as missing:
    if missing.name is None or missing.name.partition(".")[0] not in ("click", "rich"):
        raise
    _run = None
else:
    _run = commands.run

_MISSING_EXTRA = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Without the extra `cli` (click and rich) only `--version` works.

    Args:
        arguments: the words of the command line. Default: those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        print(version_line())
        return 0
    if _run is None:
        print("gazelle: the command line needs click and rich: pip install 'gazelle[cli]'", file=sys.stderr)
        return _MISSING_EXTRA
    return _run(words)
