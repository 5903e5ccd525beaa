"""`hdrs`: constants for methods and field names."""

import pytest
from multidict import CIMultiDict, istr

from gazelle import hdrs

FIELDS = {name: value for name, value in vars(hdrs).items() if isinstance(value, istr)}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_constant_is_named_after_the_field_it_holds(name: str) -> None:
    assert name == FIELDS[name].upper().replace("-", "_")


def test_no_field_appears_twice() -> None:
    assert len({value.lower() for value in FIELDS.values()}) == len(FIELDS)


def test_constants_find_fields_in_any_case() -> None:
    assert CIMultiDict([("content-TYPE", "text/plain")])[hdrs.CONTENT_TYPE] == "text/plain"


def test_the_fields_the_client_itself_handles_are_there() -> None:
    for name in ("ACCEPT", "ACCEPT_ENCODING", "AUTHORIZATION", "CONNECTION", "CONTENT_ENCODING", "CONTENT_LENGTH"):
        assert name in FIELDS
    for name in ("CONTENT_TYPE", "COOKIE", "HOST", "LOCATION", "PROXY_AUTHORIZATION", "SET_COOKIE", "TE"):
        assert name in FIELDS
    for name in ("TRANSFER_ENCODING", "UPGRADE", "USER_AGENT", "SEC_WEBSOCKET_KEY", "WWW_AUTHENTICATE"):
        assert name in FIELDS


def test_meth_all_holds_every_method_constant() -> None:
    methods = {value for name, value in vars(hdrs).items() if name.startswith("METH_") and isinstance(value, str)}
    assert methods - {hdrs.METH_ANY} == hdrs.METH_ALL
    assert "GET" in hdrs.METH_ALL
