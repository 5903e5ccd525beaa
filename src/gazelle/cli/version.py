"""The output of `gazelle --version`."""

import platform

import gazelle


def version_line() -> str:
    """Return the line that `gazelle --version` prints."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"gazelle {gazelle.__version__} (engine: {gazelle.__impl__}, {python})"
