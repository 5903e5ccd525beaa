"""The samples in the documentation do what the pages say."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.samples import SampleServer

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SLOW = re.compile(r"^Executing <.*> took \d+\.\d+ seconds\n", re.MULTILINE)
SAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def samples() -> Iterator[object]:
    for page in PAGES:
        for number, match in enumerate(SAMPLE.finditer(page.read_text(encoding="utf-8")), 1):
            name = f"{page.relative_to(ROOT)}-{number}"
            yield pytest.param(match.group(1), id=name)


@pytest.fixture(scope="module")
def server() -> Iterator[SampleServer]:
    with SampleServer() as running:
        yield running


@pytest.mark.parametrize("code", list(samples()))
def test_a_sample_runs_without_an_error_or_a_warning(code: str, server: SampleServer, tmp_path: Path) -> None:
    code = code.replace(":8080/", f":{server.port}/").replace(":8443/", f":{server.tls_port}/")
    if "main(ca_file: str)" in code:
        server.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        code += f"\n\ngazelle.run(main({str(tmp_path / 'ca.pem')!r}))\n"
    script = tmp_path / "sample.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", str(script)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    # In development mode asyncio logs what takes more than a tenth of a second, as anything may on a busy machine.
    complaints = SLOW.sub("", done.stderr)
    assert (done.returncode, complaints) == (0, "")
    assert done.stdout


def test_the_pages_have_samples() -> None:
    assert len(list(samples())) >= 7
