"""Errors of parsers and decoders: bases, attributes and texts."""

import pytest

from gazelle import errors


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (errors.BadHttpMessage, (errors.HttpProcessingError,)),
        (errors.BadStatusLine, (errors.BadHttpMessage,)),
        (errors.InvalidHeader, (errors.BadHttpMessage,)),
        (errors.LineTooLong, (errors.BadHttpMessage,)),
        (errors.PayloadEncodingError, (errors.BadHttpMessage,)),
        (errors.ContentEncodingError, (errors.PayloadEncodingError,)),
        (errors.TransferEncodingError, (errors.PayloadEncodingError,)),
        (errors.ContentLengthError, (errors.PayloadEncodingError,)),
    ],
)
def test_a_class_is_caught_by_each_of_its_bases(cls: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    for base in bases:
        assert issubclass(cls, base)


def test_wire_errors_are_no_client_errors() -> None:
    assert not issubclass(errors.HttpProcessingError, errors.ClientError)


def test_wire_errors_say_code_and_message() -> None:
    error = errors.BadHttpMessage("no colon")
    assert (error.code, error.message, error.headers) == (400, "no colon", None)
    assert str(error) == "400, message='no colon'"
    assert repr(error) == "<BadHttpMessage: 400, message='no colon'>"
    assert errors.HttpProcessingError().code == 0
    assert errors.HttpProcessingError(code=417).code == 417


def test_wire_errors_quote_the_offending_line_escaped_and_cut() -> None:
    assert errors.BadStatusLine(b"ICY\x1b[2J").message == r"Bad status line b'ICY\x1b[2J'"
    assert errors.BadStatusLine("x", "unknown version").message == "unknown version"
    assert errors.InvalidHeader("x y").message == "Invalid HTTP header: 'x y'"
    too_long = errors.LineTooLong(b"a" * 10_000, 8190)
    assert too_long.message == f"Got more than 8190 bytes when reading: {b'a' * 100!r}..."
    assert (too_long.limit, too_long.actual_size) == (8190, "Unknown")
