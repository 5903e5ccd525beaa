"""Origins are kept up to a limit, and dropped when the default fields change; both twins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from multidict import CIMultiDict

from tests.support.twins import Twin

TEMPLATE = SimpleNamespace(
    lead=b" HTTP/1.1\r\nHost: h\r\n", tail=b"Accept: */*\r\n", automatic={"accept": b"Accept: */*\r\n"}
)


def make(twin: Twin, site: str) -> Any:
    return twin.origin.Origin(site, None, site, TEMPLATE)


def test_an_origin_is_found_by_equal_text(twin: Twin) -> None:
    origins = twin.origin.Origins(CIMultiDict())
    origin = make(twin, "http://h")
    assert origins.get("http://h") is None
    origins.put("http://h", origin)
    assert origins.get("".join(["http", "://h"])) is origin
    assert origins.get("http://g") is None
    assert origins.get("http://h") is origin
    assert len(origins) == 1


def test_the_least_recently_used_origin_goes(twin: Twin) -> None:
    origins = twin.origin.Origins(CIMultiDict(), 2)
    one, two, three = (make(twin, site) for site in ("1", "2", "3"))
    origins.put("1", one)
    origins.put("2", two)
    assert origins.get("1") is one
    origins.put("3", three)
    assert [origins.get("1"), origins.get("2"), origins.get("3")] == [one, None, three]
    assert len(origins) == 2


def test_the_origin_of_the_last_call_is_used_too(twin: Twin) -> None:
    """It is found without a lookup, and must not be the one that goes for all that."""
    origins = twin.origin.Origins(CIMultiDict(), 2)
    one, two = make(twin, "1"), make(twin, "2")
    origins.put("1", one)
    origins.put("2", two)
    for _ in range(3):
        assert origins.get("1") is one
    origins.put("3", make(twin, "3"))
    assert [origins.get("1"), origins.get("2")] == [one, None]


def test_putting_the_same_name_again_drops_no_other(twin: Twin) -> None:
    origins = twin.origin.Origins(CIMultiDict(), 2)
    one, two, again = make(twin, "1"), make(twin, "2"), make(twin, "2")
    origins.put("1", one)
    origins.put("2", two)
    origins.put("2", again)
    assert [origins.get("1"), origins.get("2")] == [one, again]


def test_a_change_of_the_default_fields_drops_all(twin: Twin) -> None:
    headers = CIMultiDict({"X-A": "1"})
    origins = twin.origin.Origins(headers)
    origins.put("1", make(twin, "1"))
    headers["X-A"] = "2"
    assert origins.get("1") is None
    assert len(origins) == 0
    origins.put("1", make(twin, "1"))
    headers.add("X-B", "3")
    new = make(twin, "2")
    origins.put("2", new)
    assert [origins.get("1"), origins.get("2")] == [None, new]


def test_clear_drops_the_last_one_too(twin: Twin) -> None:
    origins = twin.origin.Origins(CIMultiDict())
    origins.put("1", make(twin, "1"))
    origins.clear()
    assert origins.get("1") is None


def test_names_of_any_type_that_can_be_compared(twin: Twin) -> None:
    origins = twin.origin.Origins(CIMultiDict())
    origin = make(twin, "1")
    origins.put(("h", 1), origin)
    assert origins.get(("h", 1)) is origin


def test_a_new_origin_allows_nothing(twin: Twin) -> None:
    origin = make(twin, "http://h")
    assert (origin.plain, origin.typed, origin.identified, origin.cookie_version) == (False, False, False, -1)
    assert (origin.authorization, origin.ending, origin.fixed) == (b"", b"", frozenset())
