"""The errors that readers of a body get for those that break it off."""

from __future__ import annotations

import pytest

from gazelle.errors import ClientOSError, ClientPayloadError, ContentEncodingError, TransferEncodingError
from gazelle.net.body_errors import translate


@pytest.mark.parametrize(
    "error", [TransferEncodingError("cut"), ContentEncodingError("junk"), OSError(5, "io"), ConnectionResetError()]
)
def test_a_wire_or_system_error_becomes_a_payload_error_with_a_cause(error: Exception) -> None:
    translated = translate(error)
    assert isinstance(translated, ClientPayloadError)
    assert translated.__cause__ is error


@pytest.mark.parametrize(
    "error", [ClientOSError(5, "io"), ClientPayloadError("cut"), TimeoutError(), ValueError(), KeyboardInterrupt()]
)
def test_other_errors_are_unchanged(error: BaseException) -> None:
    assert translate(error) is error
