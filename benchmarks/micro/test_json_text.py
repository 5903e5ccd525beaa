"""JSON bodies: what the document of the `post_json` workload costs."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.macro.workloads import ORDER
from benchmarks.micro.conftest import Twin


def test_serialize_500_bytes_of_json(benchmark: Any, twin: Twin) -> None:
    serialize_json = twin.module("json_text").serialize_json
    assert benchmark(serialize_json, ORDER) == json.dumps(ORDER).encode()
