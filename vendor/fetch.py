"""Fetches the C sources of llhttp into `vendor/llhttp`, unless they are there already.

They travel in the source distribution of httptools. pip downloads it and checks its hash before anything of it is run
(making metadata runs its setup.py); what was taken out of it has a hash of its own, checked before each build.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

VERSION: Final = "9.4.3"
SDIST: Final = "httptools==0.9.0"
SDIST_SHA256: Final = "d484ebb7e3a3f3597b0f645fbd1b85633674ca808c1f5ba11c2caf7c66f5c8b6"
FILES: Final = ("LICENSE", "LICENSE-MIT", "include/llhttp.h", "src/api.c", "src/http.c", "src/llhttp.c")
FILES_SHA256: Final = "33caf5ef577105e0edb3a07d611bd85bfd228ba5e111de69934dce3d45a33727"
FOLDER: Final = Path(__file__).parent / "llhttp"
PIP: Final = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation")


class FetchError(RuntimeError):
    """llhttp is not there and cannot be had, or is not what it should be."""


def digest(folder: Path) -> str:
    """Returns one SHA-256 over the names and the contents of `FILES` in `folder`, as hexadecimal digits."""
    total = hashlib.sha256()
    for name in FILES:
        total.update(f"{name} {hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def download(folder: Path) -> Path:
    """Downloads the source distribution into `folder` and returns its path; raises `FetchError`.

    Without isolation, for what the build needs is here already: pip would else fetch, and compile, a setuptools for it.
    """
    wanted = folder / "llhttp.txt"
    wanted.write_text(f"{SDIST} --hash=sha256:{SDIST_SHA256}\n")
    options = ("--no-binary", ":all:", "--require-hashes", "--dest", folder, "--requirement", wanted)
    pip = subprocess.run([*PIP, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if pip.returncode:
        raise FetchError(f"cannot fetch llhttp {VERSION} out of {SDIST}, see vendor/README.md:\n{pip.stdout}")
    return next(folder.glob("*.tar.gz"))


def extract(sdist: Path, folder: Path) -> None:
    """Copies `FILES` out of the source distribution into `folder`."""
    with tarfile.open(sdist) as archive:
        root = archive.getnames()[0].partition("/")[0]
        for name in FILES:
            member = archive.extractfile(f"{root}/vendor/llhttp/{name}")
            if member is None:
                raise FetchError(f"{sdist.name} has no file vendor/llhttp/{name}")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(member.read())


def check(folder: Path) -> None:
    """Raises `FetchError` unless `folder` holds the pinned files."""
    try:
        found = digest(folder)
    except OSError as error:
        raise FetchError(f"{folder} is incomplete, delete it to fetch it anew: {error}") from error
    if found != FILES_SHA256:
        raise FetchError(f"{folder} is not llhttp {VERSION}, delete it to fetch it anew: {found} is not {FILES_SHA256}")


def fetch() -> None:
    """Makes `vendor/llhttp` hold exactly the pinned files; raises `FetchError` where that cannot be."""
    if FOLDER.exists():
        return check(FOLDER)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix=".llhttp-") as scratch:
        fetched = Path(scratch, FOLDER.name)
        extract(download(Path(scratch)), fetched)
        check(fetched)
        fetched.rename(FOLDER)


if __name__ == "__main__":
    try:
        fetch()
    except FetchError as error:
        sys.exit(f"gazelle: {error}")
