"""How errors are pickled and copied: by their state, since a subclass may have a constructor of its own."""

from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy


class _FrozenHeaders(NamedTuple):
    """Carries a `CIMultiDictProxy`, which does not pickle, through a pickle."""

    headers: CIMultiDict[str]


def freeze_state(state: dict[str, object]) -> dict[str, object]:
    return {
        name: _FrozenHeaders(CIMultiDict(value)) if isinstance(value, CIMultiDictProxy) else value
        for name, value in state.items()
    }


def restore(cls: type[Exception], args: tuple[object, ...], state: dict[str, object]) -> Exception:
    # Not by calling the class: a subclass may take other arguments than the ones in `args`.
    error = cls.__new__(cls, *args)
    error.args = args
    for name, value in state.items():
        setattr(error, name, CIMultiDictProxy(value.headers) if isinstance(value, _FrozenHeaders) else value)
    return error
