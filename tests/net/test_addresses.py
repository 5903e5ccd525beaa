"""Which hosts of URLs are addresses, and which are spellings that only some resolvers accept."""

from __future__ import annotations

import socket

import pytest

from gazelle.net.addresses import is_odd_ipv4, literal_family


@pytest.mark.parametrize(
    ("host", "family"),
    [
        ("127.0.0.1", socket.AF_INET),
        ("255.255.255.255", socket.AF_INET),
        ("::1", socket.AF_INET6),
        ("::ffff:127.0.0.1", socket.AF_INET6),
        ("fe80::1%eth0", socket.AF_INET6),
        ("fe80::1%1", socket.AF_INET6),
        ("localhost", None),
        ("127.0.0.1.example", None),
        ("127.0.0.256", None),
        ("127.1", None),
        ("[::1]", None),
        ("1::2::3", None),
        ("", None),
        ("a\0b", None),
        ("\u0661.1.1.1", None),
    ],
)
def test_an_address_literal_has_its_family_and_a_name_has_none(host: str, family: int | None) -> None:
    assert literal_family(host) == family


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "0X7F000001", "0177.0.0.1", "127.0.0.1.", "1", "a.0x"]
)
def test_a_host_that_ends_in_a_number_is_an_odd_address(host: str) -> None:
    assert is_odd_ipv4(host)


@pytest.mark.parametrize("host", ["localhost", "1.example", "example.0xg", "127.0.0.1.example.", "1a", "", "x0"])
def test_a_host_whose_last_label_is_no_number_is_a_name(host: str) -> None:
    assert not is_odd_ipv4(host)
