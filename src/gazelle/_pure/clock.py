"""The clock of deadlines and idle times."""

from time import monotonic

__all__ = ("monotonic",)
