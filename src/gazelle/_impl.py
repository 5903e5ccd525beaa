"""The switch: the one place that knows that the engine exists twice, compiled (`_accel`) and readable (`_pure`).

The environment variable GAZELLE_IMPL chooses: `auto` (default) takes the compiled engine where there is one, `c`
insists on it, `python` takes the readable one. All names come from the same side.
"""

import os
from typing import TYPE_CHECKING, Literal

_asked = os.environ.get("GAZELLE_IMPL") or "auto"
if _asked not in ("auto", "c", "python"):
    raise ImportError(f"GAZELLE_IMPL is {_asked!r}; it takes auto, c or python")

IMPL: Literal["c", "python"] = "python"
if not TYPE_CHECKING and _asked != "python":
    try:
        from ._accel.body_buffer import BodyBuffer
        from ._accel.call import Call, Plan, WireRequest
        from ._accel.chunked import ChunkedDecoder
        from ._accel.clock import monotonic
        from ._accel.connection import HttpConnection
        from ._accel.deadlines import Deadlines
        from ._accel.exchange import Answer, Body, ExchangeSettings
        from ._accel.head import ResponseHead, parse_head
        from ._accel.headers import build_headers, serialize_headers
        from ._accel.http_parser import ResponseParser
        from ._accel.json_text import serialize_json
        from ._accel.origin import Origin, Origins
        from ._accel.plain_text import split_url
        from ._accel.pool import Bucket, Lease, Pool, Slots
        from ._accel.request_text import assemble
        from ._accel.sink import BodySink, ConnectionOwner, ResponseSink

        IMPL = "c"
    except ImportError as error:
        if _asked == "c":
            raise ImportError(f"GAZELLE_IMPL is 'c' and the compiled engine cannot be imported: {error}") from error

if TYPE_CHECKING or IMPL == "python":
    from ._pure.body_buffer import BodyBuffer
    from ._pure.call import Call, Plan, WireRequest
    from ._pure.chunked import ChunkedDecoder
    from ._pure.clock import monotonic
    from ._pure.connection import HttpConnection
    from ._pure.deadlines import Deadlines
    from ._pure.exchange import Answer, Body, ExchangeSettings
    from ._pure.head import ResponseHead, parse_head
    from ._pure.headers import build_headers, serialize_headers
    from ._pure.http_parser import ResponseParser
    from ._pure.json_text import serialize_json
    from ._pure.origin import Origin, Origins
    from ._pure.plain_text import split_url
    from ._pure.pool import Bucket, Lease, Pool, Slots
    from ._pure.request_text import assemble
    from ._pure.sink import BodySink, ConnectionOwner, ResponseSink

__all__ = [
    "IMPL",
    "Answer",
    "Body",
    "BodyBuffer",
    "BodySink",
    "Bucket",
    "Call",
    "ChunkedDecoder",
    "ConnectionOwner",
    "Deadlines",
    "ExchangeSettings",
    "HttpConnection",
    "Lease",
    "Origin",
    "Origins",
    "Plan",
    "Pool",
    "ResponseHead",
    "ResponseParser",
    "ResponseSink",
    "Slots",
    "WireRequest",
    "assemble",
    "build_headers",
    "monotonic",
    "parse_head",
    "serialize_headers",
    "serialize_json",
    "split_url",
]
