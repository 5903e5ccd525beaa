"""The file formats of cookie jars: JSON, and the older pickle.

Both are a mapping of places, made of domain and path, to mappings of names to cookies.
"""

import io
import json
import os
import pickle
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http.cookies import Morsel, SimpleCookie
from math import ceil
from pathlib import Path
from typing import Any, Final, NamedTuple

from gazelle.fields.dates import format_date, parse_date

from .cookie import Cookie, is_clean, is_name, make_morsel
from .domains import canonical_host
from .parse import parse_max_age

MAX_FILE_SIZE: Final = 64 * 1024 * 1024
"""Limit of a file that is read, in bytes: more than a full jar needs."""

# The first byte of pickles of protocol 2 and later, which cannot begin a JSON text.
_PICKLE_START: Final = b"\x80"
_PICKLE_PROTOCOL: Final = 4
_ALLOWED: Final[dict[tuple[str, str], type]] = {
    ("collections", "defaultdict"): defaultdict,
    ("http.cookies", "Morsel"): Morsel,
    ("http.cookies", "SimpleCookie"): SimpleCookie,
    # The module names that protocol 2 writes, those of Python 2.
    ("Cookie", "Morsel"): Morsel,
    ("Cookie", "SimpleCookie"): SimpleCookie,
}
# Attributes that a file keeps in addition to the fields of `Cookie`.
_ATTRIBUTES: Final = frozenset({"httponly", "samesite", "partitioned", "comment", "version", "expires", "max-age"})
_FLAGS: Final = frozenset({"httponly", "partitioned"})


class _Entry(NamedTuple):
    """A cookie as a file describes it; only `attributes` are checked."""

    name: object
    value: object
    coded: object
    domain: object
    path: object
    host_only: object
    secure: object
    expires: object
    attributes: dict[str, str | bool]


class _CookieUnpickler(pickle.Unpickler):
    """Unpickle cookies; refuse every other class and function, so that no code of the file runs."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of cookies") from None


def write_private(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file atomically, in place of an existing one; its mode is 0600 from the start.

    Raises:
        OSError: the file cannot be written.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def read_limited(path: str | os.PathLike[str]) -> bytes:
    """Return the contents of a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is larger than `MAX_FILE_SIZE`.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise ValueError(f"a file of cookies should not have more than {MAX_FILE_SIZE} bytes: {os.fspath(path)!r}")
    return data


def dump_json(cookies: Iterable[Cookie]) -> bytes:
    """Return cookies as JSON in UTF-8."""
    places: dict[str, dict[str, dict[str, object]]] = {}
    for domain, path, cookie in _placed(cookies):
        entry: dict[str, object] = {
            "key": cookie.name,
            "value": cookie.value,
            "coded_value": cookie.coded,
            "path": cookie.path,
        }
        if cookie.domain:
            entry["domain"] = cookie.domain
        if cookie.host_only:
            entry["host_only"] = True
        if cookie.secure:
            entry["secure"] = True
        if cookie.expires is not None:
            entry["expires_timestamp"] = cookie.expires
        entry.update((name, text) for name, text in cookie.attributes.items() if name in _ATTRIBUTES)
        places.setdefault(f"{domain}|{path}", {})[cookie.name] = entry
    return json.dumps(places, indent=2).encode()


def dump_pickle(cookies: Iterable[Cookie]) -> bytes:
    """Return cookies as a pickle of (domain, path) → `SimpleCookie`.

    The layout has no host-only flag. It is encoded in the domain of a Morsel: empty for a host-only cookie, with a
    leading dot for one that subdomains get too.
    """
    places: defaultdict[tuple[str, str], SimpleCookie] = defaultdict(SimpleCookie)
    for domain, path, cookie in _placed(cookies):
        attributes: dict[str, object] = {
            name: text
            for name, text in cookie.attributes.items()
            if name in _ATTRIBUTES and name not in ("expires", "max-age")
        }
        attributes["path"] = cookie.path
        attributes["domain"] = f".{cookie.domain}" if cookie.domain and not cookie.host_only else ""
        if cookie.secure:
            attributes["secure"] = True
        if cookie.expires is not None:
            attributes["expires"] = format_date(cookie.expires)
        places[domain, path][cookie.name] = make_morsel(cookie.name, cookie.value, cookie.coded, attributes)
    return pickle.dumps(places, _PICKLE_PROTOCOL)


def load(data: bytes, now: float) -> list[Cookie]:
    """Return the cookies of a file of either format, in the order of the file.

    In files without host-only flags all cookies count as host-only.

    Args:
        data: contents of the file.
        now: the time in seconds since 1970; Max-Age counts from it if the file has no expiry time.

    Raises:
        ValueError: the file is not a file of cookies, or a cookie in it is invalid.
    """
    if data.startswith(_PICKLE_START):
        return list(_from_pickle(data, now))
    return list(_from_json(data))


def _placed(cookies: Iterable[Cookie]) -> Iterator[tuple[str, str, Cookie]]:
    """Yield cookies with the domain and path of their place, so that no two of a place have one name.

    Cookies that differ only in a trailing slash of the path, or in the host-only flag, would collide: the second gets a
    place with dots before the domain.
    """
    taken = set()
    for cookie in cookies:
        domain, path = cookie.domain, cookie.path.rstrip("/")
        while (domain, path, cookie.name) in taken:
            domain = f".{domain}"
        taken.add((domain, path, cookie.name))
        yield domain, path, cookie


def _from_json(data: bytes) -> Iterator[Cookie]:
    try:
        places = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is no file of cookies: {error}") from None
    for place, entries in _items(places):
        for _, entry in _items(entries):
            if not isinstance(entry, dict):
                raise _unfit(entry)
            attributes = {name: _checked(name, entry[name]) for name in sorted(_ATTRIBUTES & entry.keys())}
            yield _make(
                _Entry(
                    name=entry.get("key"),
                    value=entry.get("value"),
                    coded=entry.get("coded_value"),
                    domain=entry.get("domain", place.partition("|")[0].lstrip(".")),
                    path=entry.get("path", "/"),
                    host_only=entry.get("host_only", False),
                    secure=entry.get("secure", False),
                    expires=entry.get("expires_timestamp"),
                    attributes=attributes,
                )
            )


def _from_pickle(data: bytes, now: float) -> Iterator[Cookie]:
    try:
        places = _CookieUnpickler(io.BytesIO(data)).load()
    except Exception as error:  # a malformed pickle can raise any error
        raise ValueError(f"this is no file of cookies: {error}") from None
    if not isinstance(places, dict):
        raise _unfit(places)
    for place, entries in places.items():
        # The places of older files are domains alone.
        filed_under = place[0] if isinstance(place, tuple) and len(place) == 2 else place
        if not isinstance(filed_under, str) or not isinstance(entries, dict):
            raise _unfit(place)
        for morsel in entries.values():
            if not isinstance(morsel, Morsel):
                raise _unfit(morsel)
            yield _from_morsel(morsel, filed_under.lstrip("."), now)


def _from_morsel(morsel: "Morsel[Any]", filed_under: str, now: float) -> Cookie:
    own = morsel["domain"]
    path = morsel["path"]
    max_age = morsel["max-age"]
    expires = parse_date(morsel["expires"]) if isinstance(morsel["expires"], str) else None
    seconds = parse_max_age(str(max_age)) if isinstance(max_age, str | int) else None
    if seconds is not None:
        expires = ceil(now + seconds)
    attributes = {
        name: _checked(name, morsel[name]) for name in sorted(_ATTRIBUTES & morsel.keys()) if morsel[name] != ""
    }
    return _make(
        _Entry(
            name=morsel.key,
            value=morsel.value,
            coded=morsel.coded_value,
            domain=own.lstrip(".") if isinstance(own, str) and own else filed_under,
            path=path if isinstance(path, str) and path.startswith("/") else "/",
            host_only=bool(filed_under) and not (isinstance(own, str) and own.startswith(".")),
            secure=bool(morsel["secure"]),
            expires=expires,
            attributes=attributes,
        )
    )


def _items(value: object) -> Iterable[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise _unfit(value)
    return value.items()


def _checked(name: str, value: object) -> str | bool:
    if name in _FLAGS and isinstance(value, bool):
        return value
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str) or not is_clean(value):
        raise _unfit(value)
    return value


def _make(entry: _Entry) -> Cookie:
    """Return the cookie of an entry, after a check of every field."""
    name, value, coded, domain, path, host_only, secure, expires, attributes = entry
    if not (isinstance(name, str) and is_name(name)):
        raise _unfit(name)
    if not (isinstance(value, str) and isinstance(coded, str) and is_clean(coded)):
        raise _unfit(value)
    if not (isinstance(domain, str) and is_clean(domain) and bool(canonical_host(domain)) == bool(domain)):
        raise _unfit(domain)
    if not (isinstance(path, str) and path.startswith("/") and is_clean(path)):
        raise _unfit(path)
    if not (isinstance(host_only, bool) and isinstance(secure, bool)):
        raise _unfit(host_only)
    if expires is not None and not (isinstance(expires, int | float) and abs(expires) < float("inf")):
        raise _unfit(expires)
    return Cookie(
        name,
        value,
        coded,
        domain=canonical_host(domain),
        path=path,
        host_only=host_only,
        secure=secure,
        expires=None if expires is None else ceil(expires),
        attributes=attributes,
    )


def _unfit(what: object) -> ValueError:
    return ValueError(f"this is no file of cookies: {ascii(what)[:100]} should not be there")
