"""Payloads for the types that `data=` accepts, and the registry that selects one by type."""

import builtins
import io
import json
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import IO, Any, Final, Protocol, TypeVar, runtime_checkable

from multidict import CIMultiDict

from gazelle.abc import AbstractStreamWriter

from .file_payload import (
    BufferedReaderPayload,
    BytesIOPayload,
    IOBasePayload,
    TextIOPayload,
    inner_file,
)
from .payload_base import PIECE_SIZE, Payload, Pieces, PiecewisePayload, spent, text_type

__all__ = [
    "PAYLOAD_REGISTRY",
    "AsyncIterablePayload",
    "BufferedReaderPayload",
    "BytesIOPayload",
    "BytesPayload",
    "IOBasePayload",
    "JsonBytesPayload",
    "JsonPayload",
    "LookupError",
    "Order",
    "Payload",
    "PayloadRegistry",
    "PiecewisePayload",
    "StreamReaderPayload",
    "StringIOPayload",
    "StringPayload",
    "TextIOPayload",
    "get_payload",
    "payload_type",
    "register_payload",
]


class LookupError(builtins.LookupError):  # the name is part of the API
    """No payload is registered for objects of this type."""


class Order(StrEnum):
    """Precedence of a payload type in a registry."""

    normal = "normal"
    try_first = "try_first"
    try_last = "try_last"


# --- in memory -------------------------------------------------------------------------------------------------------


class BytesPayload(PiecewisePayload):
    """Bytes, sent without a copy, and so without a warning about large ones.

    Args:
        value: bytes, bytearray or memoryview. A bytearray or memoryview must not change until the request has ended.

    Raises:
        TypeError: the value is of another type.
    """

    _value: bytes | bytearray | memoryview
    _autoclose = True

    def __init__(self, value: bytes | bytearray | memoryview, *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"value must be bytes, bytearray or memoryview, not {type(value).__name__}")
        super().__init__(value, *args, **kwargs)
        self._size = len(value) if type(value) is bytes else memoryview(value).nbytes

    def _guess_content_type(self) -> str:
        return self._default_content_type  # the name alone does not tell the type of bytes

    def body_bytes(self) -> bytes | None:
        value = self._value
        # A subclass of bytes may override its methods: send the memory it holds.
        return value if type(value) is bytes else memoryview(value).tobytes()

    async def pieces(self, size: int = PIECE_SIZE) -> Pieces:
        value = self._value
        if memoryview(value).nbytes:
            yield value if type(value) is bytes else memoryview(value).tobytes()


class StringPayload(BytesPayload):
    """Text, sent encoded.

    Args:
        value: the text.
        encoding: charset. Default: the one that `content_type` names, else UTF-8.
        content_type: media type. Default `text/plain` with the charset.

    Raises:
        TypeError: the value is not a str.
        LookupError: the charset is unknown.
        ValueError: the charset cannot encode the text.
    """

    def __init__(
        self, value: str, *args: Any, encoding: str | None = None, content_type: str | None = None, **kwargs: Any
    ) -> None:
        if not isinstance(value, str):
            raise TypeError(f"value must be a str, not {type(value).__name__}")
        encoding, content_type = text_type(encoding, content_type)
        super().__init__(str.encode(value, encoding), *args, encoding=encoding, content_type=content_type, **kwargs)


class StringIOPayload(StringPayload):
    """The unread rest of an `io.StringIO`."""

    def __init__(self, value: IO[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(value.read(), *args, **kwargs)


class JsonPayload(BytesPayload):
    """A value as JSON.

    Args:
        value: anything that `dumps` can serialize.
        encoding: charset. Default UTF-8.
        content_type: media type. Default `application/json`.
        dumps: function that serializes the value to a str. Default `json.dumps`.

    Raises:
        TypeError: `dumps` does not return a str.
    """

    def __init__(
        self,
        value: Any,
        encoding: str = "utf-8",
        content_type: str = "application/json",
        dumps: Callable[[Any], str] = json.dumps,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        text = dumps(value)
        if not isinstance(text, str):
            raise TypeError(f"dumps must return a str, not {type(text).__name__}; JsonBytesPayload takes bytes")
        super().__init__(text.encode(encoding), *args, encoding=encoding, content_type=content_type, **kwargs)


class JsonBytesPayload(BytesPayload):
    """A value as JSON, serialized by a function that returns bytes.

    Args:
        value: anything that `dumps` can serialize.
        dumps: function that serializes the value to bytes.
        content_type: media type. Default `application/json`.

    Raises:
        TypeError: `dumps` does not return bytes.
    """

    def __init__(
        self,
        value: Any,
        dumps: Callable[[Any], bytes],
        content_type: str = "application/json",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(dumps(value), *args, encoding="utf-8", content_type=content_type, **kwargs)


# --- streams ---------------------------------------------------------------------------------------------------------


class AsyncIterablePayload(PiecewisePayload):
    """The items of an asynchronous iterable: bytes, bytearrays or memoryviews.

    It can be sent once. `as_bytes` stores the items, after which it can be sent repeatedly.

    Raises:
        TypeError: the value is not an asynchronous iterable; or, while it is sent, it yields an item of another type.
    """

    _value: AsyncIterable[bytes]

    def __init__(self, value: AsyncIterable[bytes], *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, AsyncIterable):
            raise TypeError(f"value must be an asynchronous iterable, not {type(value).__name__}")
        super().__init__(value, *args, **kwargs)
        self._kept: bytes | None = None

    def body_bytes(self) -> bytes | None:
        return self._kept

    async def pieces(self, size: int = PIECE_SIZE) -> Pieces:
        if self._kept is not None:
            if self._kept:
                yield self._kept
            return
        if self._consumed:
            raise spent(self)
        self._consumed = True
        iterator = aiter(self._value)
        try:
            async for piece in iterator:
                if not isinstance(piece, bytes | bytearray | memoryview):
                    raise TypeError(f"the body must yield bytes, not {type(piece).__name__}: {piece!r:.100}")
                if data := piece if type(piece) is bytes else memoryview(piece).tobytes():
                    yield data
        finally:
            await _close(iterator)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the whole body, and store it so that it can be sent repeatedly."""
        if self._kept is None:
            async with aclosing(self.pieces()) as pieces:
                self._kept = b"".join([piece async for piece in pieces])
            self._size = len(self._kept)
            self._consumed = False
        return self._kept

    async def close(self) -> None:
        """Close a generator that was never started."""
        if not self._consumed and isinstance(self._value, AsyncIterator):
            self._consumed = self._kept is None
            await _close(self._value)


async def _close(iterator: AsyncIterator[bytes]) -> None:
    """Close a generator, so that its `finally` blocks run; other iterators stay as they are."""
    if isinstance(iterator, AsyncGenerator):
        await iterator.aclose()


class StreamReaderPayload(AsyncIterablePayload):
    """The bytes of a `StreamReader`, such as the body of another response, or of any object with `iter_any`."""

    def __init__(self, value: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(value.iter_any(), *args, **kwargs)


class ForeignPayload(Payload):
    """Adapts a payload of another library with the same interface, such as aiohttp's."""

    def __init__(self, value: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(value)
        self._headers = CIMultiDict(value.headers)
        if kwargs.get("headers"):
            self._headers.update(kwargs["headers"])
        self._filename = getattr(value, "filename", None)
        self._encoding = getattr(value, "encoding", None)

    @property
    def size(self) -> int | None:
        size: int | None = self._value.size
        return size

    @property
    def consumed(self) -> bool:
        return bool(getattr(self._value, "consumed", False))

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self._value.write(writer)

    async def close(self) -> None:
        close = getattr(self._value, "close", None)
        if close is not None:
            await close()


# --- registry --------------------------------------------------------------------------------------------------------

_Factory = Callable[..., Payload]
_FactoryT = TypeVar("_FactoryT", bound=Callable[..., Payload])

_CACHE_SIZE: Final = 256


class PayloadRegistry:
    """Selects the payload type for an object by the type of the object; the first registered match wins."""

    def __init__(self) -> None:
        self._factories: dict[Order, list[tuple[Any, _Factory]]] = {order: [] for order in Order}
        self._by_type: dict[type, _Factory] = {}

    def register(self, factory: _Factory, type: Any, *, order: Order = Order.normal) -> None:
        """Register a payload type for objects of a type.

        Args:
            factory: payload class or function, called with the object and the arguments of `get`.
            type: a type or tuple of types, as for `isinstance`.
            order: precedence over the other registered types. Default `Order.normal`.

        Raises:
            ValueError: `order` is not an `Order`.
        """
        if not isinstance(order, Order):
            raise ValueError(f"order must be an Order, not {order!r}")
        self._factories[order].append((type, factory))
        self._by_type.clear()

    def get(self, data: Any, *args: Any, **kwargs: Any) -> Payload:
        """Return the payload for an object; a payload is returned unchanged.

        Args:
            data: the object to send.
            args: further arguments for the payload.
            kwargs: further arguments for the payload.

        Raises:
            LookupError: no payload is registered for it.
        """
        if isinstance(data, Payload):
            return data
        factory = self._find(data)
        if factory is None:
            factory = self._find(inner_file(data))
        if factory is None and _is_foreign(data):
            factory = ForeignPayload
        if factory is not None:
            return factory(data, *args, **kwargs)
        raise LookupError(f"no payload is registered for {type(data).__name__}: {data!r:.100}")

    def _find(self, data: Any) -> _Factory | None:
        factory = self._by_type.get(type(data))
        if factory is None:
            for order in (Order.try_first, Order.normal, Order.try_last):
                for kind, candidate in self._factories[order]:
                    if isinstance(data, kind):
                        if len(self._by_type) >= _CACHE_SIZE:
                            self._by_type.clear()
                        self._by_type[type(data)] = candidate
                        return candidate
        return factory


def _is_foreign(data: Any) -> bool:
    return (
        callable(getattr(data, "write_with_length", None))
        and isinstance(getattr(data, "headers", None), Mapping)
        and hasattr(data, "size")
    )


PAYLOAD_REGISTRY: Final = PayloadRegistry()
"""The registry that requests, forms and multipart bodies use."""


def get_payload(data: Any, *args: Any, **kwargs: Any) -> Payload:
    """Return the payload for an object.

    Args:
        data: the object to send.
        args: further arguments for the payload.
        kwargs: further arguments for the payload.

    Raises:
        LookupError: no payload is registered for it.
    """
    return PAYLOAD_REGISTRY.get(data, *args, **kwargs)


def register_payload(factory: _Factory, type: Any, *, order: Order = Order.normal) -> None:
    """Register a payload type; see `PayloadRegistry.register`."""
    PAYLOAD_REGISTRY.register(factory, type, order=order)


def payload_type(type: Any, *, order: Order = Order.normal) -> Callable[[_FactoryT], _FactoryT]:
    """Register the decorated class for objects of a type; see `PayloadRegistry.register`."""

    def decorate(factory: _FactoryT) -> _FactoryT:
        PAYLOAD_REGISTRY.register(factory, type, order=order)
        return factory

    return decorate


@runtime_checkable
class _AnyStream(Protocol):
    """An object with `iter_any`, like a `StreamReader`."""

    def iter_any(self) -> AsyncIterable[bytes]: ...


def _spooled_payload(value: Any, *args: Any, **kwargs: Any) -> Payload:
    return (IOBasePayload if "b" in value.mode else TextIOPayload)(value, *args, **kwargs)


for _type, _factory in (
    ((bytes, bytearray, memoryview), BytesPayload),
    (str, StringPayload),
    (io.StringIO, StringIOPayload),
    (io.BytesIO, BytesIOPayload),
    ((io.BufferedReader, io.BufferedRandom), BufferedReaderPayload),
    (io.TextIOBase, TextIOPayload),
    (tempfile.SpooledTemporaryFile, _spooled_payload),
    (io.IOBase, IOBasePayload),
    (_AnyStream, StreamReaderPayload),
):
    PAYLOAD_REGISTRY.register(_factory, _type)
# File objects of other libraries may be asynchronously iterable, too, so this is tried last.
PAYLOAD_REGISTRY.register(AsyncIterablePayload, AsyncIterable, order=Order.try_last)
