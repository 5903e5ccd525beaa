"""The clock of deadlines and idle times: `time.monotonic` without a call through Python."""

from cpython cimport time

__all__ = ("monotonic",)


cpdef double monotonic() noexcept:
    """Returns the seconds of `time.monotonic`."""
    return time.monotonic()
