"""The version of the package."""

from importlib.metadata import version

import gazelle
from gazelle.version import __version__


def test_the_version_is_that_of_the_installed_package() -> None:
    assert __version__ == gazelle.__version__ == version("gazelle")
