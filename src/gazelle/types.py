"""Names of types that appear in the public signatures."""

from collections.abc import Iterable, Mapping
from enum import Enum
from http.cookies import BaseCookie, Morsel
from typing import Any, Final, NamedTuple, TypeAlias

from multidict import CIMultiDict, CIMultiDictProxy, istr
from yarl import URL
from yarl import Query as Query  # the type of `params`


class HttpVersion(NamedTuple):
    """An HTTP version, `major` and `minor` (RFC 9112 §2.3)."""

    major: int
    minor: int


HttpVersion10: Final = HttpVersion(1, 0)
HttpVersion11: Final = HttpVersion(1, 1)

StrOrURL: TypeAlias = str | URL

LooseHeaders: TypeAlias = (
    Mapping[str, str] | Mapping[istr, str] | CIMultiDict[str] | CIMultiDictProxy[str] | Iterable[tuple[str | istr, str]]
)

LooseCookies: TypeAlias = (
    Mapping[str, "str | BaseCookie[str] | Morsel[Any]"]
    | Iterable[tuple[str, "str | BaseCookie[str] | Morsel[Any]"]]
    | BaseCookie[str]
)


class Sentinel(Enum):
    """Type of `sentinel`, so that a signature can say `int | None | Sentinel`."""

    sentinel = "sentinel"

    def __repr__(self) -> str:
        return "<sentinel>"


sentinel: Final = Sentinel.sentinel
"""Default of arguments that accept None as a value."""
