"""Time limits of a request."""

from dataclasses import dataclass
from math import isfinite
from typing import Final

_NUMBERS: Final = frozenset({int, float})
_USUAL_MAX: Final = 10**9  # longer ones get the full check


@dataclass(frozen=True, slots=True)
class ClientTimeout:
    """Time limits of a request, all in seconds; `None` and `0` mean no limit.

    Args:
        total: the whole request, from the wait for a connection to the last byte of the body, redirects included.
            Default None.
        connect: the wait for a free slot in the pool plus opening the connection. Default None.
        sock_read: the longest wait for data from the server. Default None.
        sock_connect: one attempt to connect to one address. Default None.
        ceil_threshold: has no effect. In aiohttp, longer deadlines are rounded up to whole seconds; here all deadlines
            share one timer. Default 5.

    Raises:
        TypeError: a limit is not a number.
        ValueError: a limit is negative, infinite or not a number in the sense of IEEE 754.
    """

    total: float | None = None
    connect: float | None = None
    sock_read: float | None = None
    sock_connect: float | None = None
    ceil_threshold: float = 5

    def __post_init__(self) -> None:
        # Programs create one per call: the usual values take a fast path.
        limits = (self.total, self.connect, self.sock_read, self.sock_connect)
        for value in (*limits, self.ceil_threshold):
            if value is not None and not (type(value) in _NUMBERS and 0 <= value <= _USUAL_MAX):
                break
        else:
            if self.ceil_threshold is not None:
                return
        for name, value in zip(("total", "connect", "sock_read", "sock_connect"), limits, strict=True):
            _check(name, value, optional=True)
        _check("ceil_threshold", self.ceil_threshold, optional=False)


def _check(name: str, value: object, *, optional: bool) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        expected = "a number of seconds or None" if optional else "a number of seconds"
        raise TypeError(f"timeout {name!r} must be {expected}, not {value!r}")
    if not isfinite(value):
        raise ValueError(f"timeout {name!r} must be finite, not {value!r}; use None for no limit")
    if value < 0:
        raise ValueError(f"timeout {name!r} must not be negative, got {value!r}; use None for no limit")


DEFAULT_TIMEOUT: Final = ClientTimeout(total=5 * 60, sock_connect=30)
"""Default limits of a session: 300 s in total, 30 s for each connection attempt."""
