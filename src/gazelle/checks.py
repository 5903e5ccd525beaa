"""Checks of arguments: each takes the name of a parameter and a value, and returns the value, perhaps converted.

A check raises TypeError for a value of a wrong type and ValueError for a value out of range. The message names the
parameter, the allowed values and the given value. For arguments that may hold a secret (header fields, cookies,
credentials, bodies) it names only the type of the value, because errors are logged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from operator import index
from reprlib import repr as short_repr
from typing import Any, Final, NoReturn, TypeAlias

from .auth import BasicAuth
from .types import HttpVersion, HttpVersion10, HttpVersion11

Check: TypeAlias = Callable[[str, Any], Any]
"""Type of checks: functions of the name of a parameter and a value that return the value or raise."""

MAX_SIZE: Final = 2**40
"""Largest size, in bytes or fields. The engine computes with it without an overflow."""

_MAX_NAME: Final = 255  # characters of the name of a host (RFC 1035 §2.3.4)
_NUMPY_BOOLS: Final = frozenset({"bool", "bool_"})  # name of numpy's bool in numpy 2 and 1


def refuse(name: str, allowed: str, value: object) -> NoReturn:
    """Raise the TypeError for a value of a type that the parameter does not accept."""
    raise TypeError(f"{name} should be {allowed}, got {short_repr(value)}")


def refuse_secret(name: str, allowed: str, value: object) -> NoReturn:
    """Raise the TypeError for a value that may hold a secret."""
    raise TypeError(f"{name} should be {allowed}, got {type(value).__name__}")


def accept_anything(name: str, value: Any) -> Any:
    """Return the value unchecked; the code that uses it checks it."""
    return value


def optional(check: Check) -> Check:
    """Return a check that also accepts None."""

    def check_unless_none(name: str, value: Any) -> Any:
        return None if value is None else check(name, value)

    return check_unless_none


# --- flags -------------------------------------------------------------------------------------------------------


def as_flag(value: object) -> bool | None:
    """Return a value as a bool, None if it does not represent one.

    0, 1 and numpy's bools are accepted: libraries pass on values from C, SQL or arrays, and the meaning is clear. Texts
    are not: in Python, "false" and "0" are true.
    """
    if value is True or value is False:
        return value
    if isinstance(value, int):
        return bool(value) if value in (0, 1) else None
    return bool(value) if type(value).__name__ in _NUMPY_BOOLS else None


def check_flag(name: str, value: object) -> bool:
    """Check a flag that is on by default; None is refused, as it could mean the default or False."""
    flag = as_flag(value)
    return refuse(name, "True or False", value) if flag is None else flag


def check_flag_off(name: str, value: object) -> bool:
    """Check a flag that is off by default; None means False."""
    return False if value is None else check_flag(name, value)


def check_flag_or_callable(name: str, value: Any) -> Any:
    """Check a flag that may also be a function; None means False."""
    if callable(value):
        return value
    flag = False if value is None else as_flag(value)
    return refuse(name, "True, False or a function that takes a response", value) if flag is None else flag


def check_chunked(name: str, value: object) -> bool:
    """Check `chunked`: a flag, or a positive chunk size as in old versions of aiohttp, which means True."""
    if isinstance(value, int) and value > 0:
        return True
    flag = as_flag(value)
    return refuse(name, "True, False or None", value) if flag is None else flag


# --- numbers -----------------------------------------------------------------------------------------------------


def check_number(least: int, most: int = MAX_SIZE) -> Check:
    """Return a check for whole numbers from `least` to `most`."""
    allowed = f"a whole number from {least} to {'2**40' if most == MAX_SIZE else most}"

    def check_whole_number(name: str, value: Any) -> int:
        try:
            number = index(value)  # accepts numpy's integers, too
        except TypeError:
            refuse(name, allowed, value)
        if isinstance(value, bool):
            refuse(name, allowed, value)
        if not least <= number <= most:
            raise ValueError(f"{name} should be {allowed}, got {short_repr(value)}")
        return number

    return check_whole_number


def check_seconds(name: str, value: Any) -> float:
    """Check a number of seconds, finite and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(name, "a number of seconds", value)
    if not isfinite(value) or value < 0:
        raise ValueError(f"{name} should be a number of seconds that is finite and not negative, got {value!r}")
    return value


# --- objects -----------------------------------------------------------------------------------------------------


def check_callable(name: str, value: Any) -> Any:
    """Check a callable."""
    return value if callable(value) else refuse(name, "a function", value)


def check_object(wanted: type, *methods: str) -> Check:
    """Return a check for instances of a class, or objects of another class with these methods."""
    or_alike = f", or an object with {', '.join(methods)}" if methods else ""

    def check_instance(name: str, value: Any) -> Any:
        alike = methods and not isinstance(value, type) and all(hasattr(value, method) for method in methods)
        if alike or isinstance(value, wanted):
            return value
        return refuse(name, f"of type {wanted.__name__}{or_alike}", value)

    return check_instance


def check_class(wanted: type) -> Check:
    """Return a check for a class or a subclass of it."""

    def check_subclass(name: str, value: Any) -> Any:
        if isinstance(value, type) and issubclass(value, wanted):
            return value
        return refuse(name, f"{wanted.__name__} or a subclass of it", value)

    return check_subclass


def check_several(what: str, check: Check) -> Check:
    """Return a check for an iterable that applies `check` to each item and returns a tuple.

    Args:
        what: the items, in the plural, for the message.
        check: check of an item.
    """

    def check_items(name: str, value: Any) -> tuple[Any, ...]:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            refuse(name, f"a list or tuple of {what}", value)
        return tuple([check(f"each item of {name}", item) for item in value])

    return check_items


def check_server_name(name: str, value: Any) -> str:
    """Check the server name for TLS, which `ssl` would refuse only after the connection was opened."""
    if not isinstance(value, str):
        refuse(name, "a str", value)
    if not 0 < len(value) <= _MAX_NAME or value.startswith(".") or " " in value or not value.isprintable():
        raise ValueError(f"{name} should be the name of a host, got {short_repr(value)}")
    return value


def check_version(name: str, value: object) -> HttpVersion:
    """Check an HTTP version, and return the constant that equals it: 1.1 or 1.0."""
    for known in (HttpVersion11, HttpVersion10):
        if value == known:
            return known
    raise ValueError(f"{name} should be HttpVersion11 or HttpVersion10, got {short_repr(value)}")


# --- credentials and fields --------------------------------------------------------------------------------------


def check_auth(name: str, auth: Any) -> BasicAuth:
    """Check credentials; an object of another library with `login` and `encode` is accepted."""
    if isinstance(auth, BasicAuth) or (hasattr(auth, "login") and hasattr(auth, "encode")):
        return auth  # type: ignore[no-any-return]
    return refuse_secret(name, "a BasicAuth", auth)


def check_names(name: str, value: Any) -> list[str]:
    """Check names of header fields, and return a list; a single str is refused, as iteration would split it."""
    if value is None:
        return []
    if isinstance(value, Iterable) and not isinstance(value, str):
        names = list(value)
        if all(isinstance(one, str) for one in names):
            return names
    refuse(name, 'names of header fields, as in ["User-Agent"]', value)


def check_pairs(name: str, value: Any) -> Any:
    """Check a mapping, or pairs of a name and a value; pairs are returned as a list, which can be iterated twice."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        pairs = list(value)
        if all(map(_is_pair, pairs)):
            return pairs
    refuse_secret(name, "a mapping, or pairs of a name and a value", value)


def _is_pair(item: object) -> bool:
    return isinstance(item, Sequence) and not isinstance(item, str | bytes) and len(item) == 2
