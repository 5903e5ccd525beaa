"""Both builds of the engine offer the same: modules, public names, signatures, members of classes."""

import inspect
from types import ModuleType
from typing import Any

import pytest

from tests.support.twins import Twin

Twins = tuple[Twin, Twin]
PLAIN_TYPES = (int, float, str, bytes, tuple, frozenset)


def public_names(module: ModuleType) -> set[str]:
    """What the module defines or says it offers: classes, functions, constants; not what else it imports."""
    names = set(getattr(module, "__all__", ()))
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        own = getattr(value, "__module__", None) == module.__name__
        if own or (name.isupper() and type(value) in PLAIN_TYPES):
            names.add(name)
    return names


def members(value: type) -> set[str]:
    return {name for name in dir(value) if not name.startswith("_")}


def parameters(value: Any) -> list[tuple[str, Any]] | None:
    """Names and defaults of the parameters, None for a compiled callable that does not tell."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    return [(name, parameter.default) for name, parameter in signature.parameters.items()]


def pairs(both_twins: Twins) -> list[tuple[ModuleType, ModuleType]]:
    pure, accel = both_twins
    return list(zip(pure.modules(), accel.modules(), strict=True))


def test_both_twins_have_the_same_modules(both_twins: Twins) -> None:
    pure, accel = both_twins
    assert pure.module_names() == accel.module_names()
    assert {"head", "headers", "framing", "chunked", "http_parser", "deadlines", "connection"} <= pure.module_names()


def test_the_modules_are_really_two(both_twins: Twins) -> None:
    for pure, accel in pairs(both_twins):
        assert str(pure.__file__).endswith(".py")
        assert str(accel.__file__).endswith((".so", ".pyd"))


def test_both_twins_have_the_same_public_names(both_twins: Twins) -> None:
    for pure, accel in pairs(both_twins):
        assert public_names(pure) == public_names(accel), pure.__name__


def test_constants_are_equal(both_twins: Twins) -> None:
    for pure, accel in pairs(both_twins):
        for name in public_names(pure):
            if type(getattr(pure, name)) in PLAIN_TYPES:
                assert getattr(pure, name) == getattr(accel, name), f"{pure.__name__}.{name}"


def test_classes_have_the_same_public_members(both_twins: Twins) -> None:
    for pure, accel in pairs(both_twins):
        for name in public_names(pure):
            value = getattr(pure, name)
            if inspect.isclass(value) and not getattr(value, "_is_protocol", False):
                assert members(value) == members(getattr(accel, name)), f"{pure.__name__}.{name}"


def test_signatures_are_the_same_wherever_the_compiled_twin_tells_them(both_twins: Twins) -> None:
    compared = 0
    for pure, accel in pairs(both_twins):
        for name in public_names(pure):
            one, other = getattr(pure, name), getattr(accel, name)
            candidates = [(name, one, other)]
            if inspect.isclass(one):
                candidates = [(f"{name}.{m}", getattr(one, m), getattr(other, m)) for m in sorted(members(one))]
            for path, mine, its in candidates:
                if callable(mine) and parameters(its) is not None and parameters(mine) is not None:
                    assert parameters(mine) == parameters(its), f"{pure.__name__}.{path}"
                    compared += 1
    assert compared


def test_docstrings_are_the_same(both_twins: Twins) -> None:
    for pure, accel in pairs(both_twins):
        for name in public_names(pure):
            one, other = getattr(pure, name), getattr(accel, name)
            own = getattr(one, "__module__", None) == pure.__name__
            if own and callable(one) and one.__doc__ and not getattr(one, "_is_protocol", False):
                assert inspect.getdoc(one) == inspect.getdoc(other), f"{pure.__name__}.{name}"


@pytest.mark.parametrize("positional", [False, True])
def test_the_parser_takes_its_arguments_by_place_and_by_name(twin: Twin, positional: bool) -> None:
    sink = twin.sink.ResponseSink()
    if positional:
        parser = twin.http_parser.ResponseParser(sink, 100, 200, 3)
        parser.start("GET", False, True)
        parser.feed(b"HTTP/1.1 200 OK\r\n\r\n")
        parser.feed_eof()
    else:
        parser = twin.http_parser.ResponseParser(sink=sink, max_line_size=100, max_field_size=200, max_headers=3)
        parser.start(method="GET", upgrade=False, read_until_eof=False)
        parser.feed(data=b"HTTP/1.1 200 OK\r\n\r\n")
    assert parser.done
    assert parser.started
    parser.start()
    assert not parser.done
    assert not parser.started


def test_what_the_compiled_parser_tells_about_itself_cannot_be_written(both_twins: Twins) -> None:
    accel = both_twins[1]
    parser = accel.http_parser.ResponseParser(accel.sink.ResponseSink())
    for name in ("done", "started"):
        with pytest.raises(AttributeError):
            setattr(parser, name, True)


def test_parser_and_decoder_have_no_room_for_other_attributes(twin: Twin) -> None:
    sink = twin.sink.ResponseSink()
    for value in (twin.http_parser.ResponseParser(sink), twin.chunked.ChunkedDecoder(sink)):
        with pytest.raises(AttributeError):
            value.colour = "red"


def test_a_sink_can_be_subclassed_and_overridden_in_part(twin: Twin) -> None:
    response_sink: Any = twin.sink.ResponseSink

    class Bodies(response_sink):  # type: ignore[misc]
        def __init__(self) -> None:
            self.bodies: list[bytes] = []

        def on_body(self, data: bytes) -> None:
            self.bodies.append(data)

    sink = Bodies()
    parser = twin.http_parser.ResponseParser(sink)
    parser.start()
    parser.feed(b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
    assert parser.done
    assert sink.bodies == [b"hi"]
