"""Canonical host names, IP addresses, and the list of public suffixes (RFC 6265 §5.1)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gazelle.cookies.domains import is_address

ADDRESSES = ["127.0.0.1", "10.1", "2130706433", "0x7f000001", "0x7f.1", "0x", "1.2.3.4.", "::1", "fe80::1%eth0"]


@pytest.mark.parametrize("host", ADDRESSES)
def test_addresses_in_every_spelling_are_addresses(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize("host", ["localhost", "1a", "a1", "1.example", "x0x1", "0xg", "example.c0m"])
def test_names_are_no_addresses(host: str) -> None:
    assert not is_address(host)


def test_without_the_list_the_option_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['publicsuffixlist'] = None\n"
        "from gazelle.cookies.jar import CookieJar\n"
        "CookieJar()\n"
        "try: CookieJar(public_suffixes=True)\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'gazelle[psl]'" in done.stdout
