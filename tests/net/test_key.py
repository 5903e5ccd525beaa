"""Which connections are interchangeable: those with equal keys."""

from __future__ import annotations

import itertools
import ssl
from typing import Any, Final

from yarl import URL

from gazelle.auth import BasicAuth
from gazelle.net.key import ConnectionKey
from gazelle.net.tls import Fingerprint

# For each field a value and another one.
FIELDS: Final[dict[str, tuple[Any, Any]]] = {
    "host": ("h", "g"),
    "port": (80, 81),
    "is_ssl": (False, True),
    "ssl": (True, False),
    "proxy": (None, URL("http://proxy/")),
    "proxy_auth": (None, BasicAuth("u")),
    "proxy_headers_hash": (None, 1),
    "server_hostname": (None, "name"),
}


def test_every_combination_of_values_is_a_key_of_its_own() -> None:
    assert tuple(FIELDS) == ConnectionKey._fields
    keys = [ConnectionKey(*values) for values in itertools.product(*FIELDS.values())]
    assert len(set(keys)) == 2 ** len(FIELDS)


def test_equal_values_are_equal_keys_with_equal_hashes() -> None:
    def key() -> ConnectionKey:
        return ConnectionKey("".join("ho"), 443, True, Fingerprint(b"x" * 32), server_hostname="name")

    assert key() == key()
    assert hash(key()) == hash(key())
    assert {key(): 1}[key()] == 1


def test_tls_settings_that_only_look_alike_are_different_keys() -> None:
    contexts = [ssl.create_default_context(), ssl.create_default_context()]
    policies: list[Any] = [True, False, *contexts, Fingerprint(b"x" * 32), Fingerprint(b"y" * 32)]
    assert len({ConnectionKey("h", 443, True, policy) for policy in policies}) == len(policies)


def test_a_key_without_a_proxy_or_a_name_of_its_own_has_none() -> None:
    key = ConnectionKey("h", 80, False, True)
    assert key[4:] == (None, None, None, None)
