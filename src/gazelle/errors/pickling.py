"""Pickling and copying of errors by their state, as a subclass may have a constructor with other arguments."""

from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy


class _FrozenHeaders(NamedTuple):
    """Replaces a `CIMultiDictProxy`, which cannot be pickled, in a pickle."""

    headers: CIMultiDict[str]


def freeze_state(state: dict[str, object]) -> dict[str, object]:
    """Return the attributes of an error in a form that can be pickled."""
    return {
        name: _FrozenHeaders(CIMultiDict(value)) if isinstance(value, CIMultiDictProxy) else value
        for name, value in state.items()
    }


def restore(cls: type[Exception], args: tuple[object, ...], state: dict[str, object]) -> Exception:
    """Return an error with these attributes, the inverse of `freeze_state`."""
    # Without calling the constructor: that of a subclass may take other arguments than `args`.
    error = cls.__new__(cls, *args)
    error.args = args
    for name, value in state.items():
        setattr(error, name, CIMultiDictProxy(value.headers) if isinstance(value, _FrozenHeaders) else value)
    return error
