"""Python values become JSON as `json.dumps` writes it."""

from json import dumps
from typing import Any


def serialize_json(value: Any) -> bytes:
    """Returns the text that `json.dumps` makes of a value, as bytes.

    Raises:
        TypeError, ValueError, RecursionError: as `json.dumps` does.
    """
    return dumps(value).encode()
