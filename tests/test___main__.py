"""`python -m gazelle`."""

import subprocess
import sys

import gazelle


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "gazelle", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"gazelle {gazelle.__version__} ")


def test_the_exit_code_is_that_of_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "gazelle", "no-such-command"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"no-such-command" in done.stderr
