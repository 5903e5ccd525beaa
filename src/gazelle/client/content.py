"""What a call asks to be sent, and its body as bytes or a payload."""

from collections.abc import Callable, Iterable, Mapping
from json import dumps
from typing import Any, Final

from gazelle._impl import serialize_headers, serialize_json
from gazelle.auth import BasicAuth
from gazelle.body.formdata import FormData
from gazelle.body.payload import Payload, get_payload
from gazelle.types import LooseCookies, LooseHeaders, Query
from gazelle.wire.request_framing import Encoded

from .tracker import UploadTracker

JSON_LINE: Final = b"Content-Type: application/json\r\n"
TEXT_LINE: Final = b"Content-Type: text/plain; charset=utf-8\r\n"
BINARY_LINE: Final = b"Content-Type: application/octet-stream\r\n"


class Content:
    """What a call asks to be sent: the arguments that say what, as opposed to how. See `ClientSession.request`.

    `withheld` are lower-case names of default header fields that the origin of a redirect must not see.
    """

    # Only what is passed is stored: most calls pass one or two of these.
    params: Query = None
    data: object = None
    json: Any = None
    headers: LooseHeaders | None = None
    auth: BasicAuth | None = None
    cookies: LooseCookies | None = None
    skip_auto_headers: Iterable[str] | None = None
    compress: str | bool | None = None
    chunked: bool | None = None
    expect100: bool = False
    upload_tracker: UploadTracker | None = None
    withheld: frozenset[str] = frozenset()

    def __init__(self, passed: dict[str, Any]) -> None:
        self.__dict__ = passed

    def replace(self, **changes: Any) -> "Content":
        """Return the same with other values."""
        return Content(self.__dict__ | changes)


NO_CONTENT: Final = Content({})
"""What a call without arguments asks for."""


def encode(data: object, json: Any, serialize: Callable[[Any], bytes]) -> Encoded:
    """Return the body of a call and the line with its media type.

    Args:
        data: see `ClientSession.request`.
        json: see `ClientSession.request`.
        serialize: makes the bytes of `json`.

    Raises:
        ValueError: both are given.
        TypeError: a body cannot be made of it.
    """
    if json is not None:
        if data is not None:
            raise ValueError("data and json parameters can not be used at the same time")
        return Encoded(serialize(json), JSON_LINE)
    if data is None:
        return Encoded()
    if isinstance(data, bytes):
        return Encoded(data if type(data) is bytes else exactly(data), BINARY_LINE)
    if isinstance(data, str):
        return Encoded(str.encode(data), TEXT_LINE)
    payload = _payload(data)
    return Encoded(payload, serialize_headers([("Content-Type", payload.content_type)]))


def _payload(data: object) -> Payload:
    if isinstance(data, FormData):
        return data()
    if isinstance(data, Mapping | list | tuple):
        return FormData(data)()
    if isinstance(data, Payload):
        return data
    try:
        return get_payload(data)
    except LookupError:  # a form, or the TypeError that says what forms are made of
        return FormData(data)()


def exactly(data: bytes | bytearray | memoryview) -> bytes:
    """Return the bytes that a buffer holds, as exact `bytes`, which the engine needs."""
    return memoryview(data).tobytes()


def bytes_serializer(serialize: Callable[[Any], str | bytes]) -> Callable[[Any], bytes]:
    """Return a function that makes bytes of a value passed as `json`.

    `json.dumps` itself, not a function that has taken its place, is served by the engine, which writes the same bytes.
    """
    if serialize is dumps:
        return serialize_json

    def serialize_to_bytes(value: Any) -> bytes:
        made: object = serialize(value)
        if isinstance(made, str):
            return str.encode(made)
        if isinstance(made, bytes | bytearray | memoryview):
            return made if type(made) is bytes else exactly(made)
        raise TypeError(f"json_serialize should return str or bytes, got {type(made).__name__}")

    return serialize_to_bytes
