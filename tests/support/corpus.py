"""The corpus of raw responses: what a case is, and loading all themes of `tests/data/responses`.

A theme is a Python file with a tuple `CASES`, made by `ok(...)` (an answer is delivered, complete or still open) and
`bad(...)` (refused with an error class). Every case says why in one line: the clause of the RFC or the decision behind
it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.data import responses

Pairs = tuple[tuple[bytes, bytes], ...]
PLAIN_LINE = re.compile(rb"([!-9;-~]+): ([!-~](?:[ -~]*[!-~])?)")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Arguments of `ResponseParser` (bytes, bytes, fields)."""

    max_line_size: int = 8190
    max_field_size: int = 8190
    max_headers: int = 128

    @property
    def budget(self) -> int:
        """Bytes for all interim heads, the final head and the trailers together."""
        return max(65536, 2 * (self.max_line_size + self.max_field_size))


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the parser must have said once the bytes of a case are in (and the end, where the case has one)."""

    error: str | None
    status: int | None
    reason: str
    version: tuple[int, int]
    headers: Pairs
    keep_alive: bool
    interim: tuple[int, ...]
    body: bytes
    chunks: tuple[int, ...] | None
    rest: bytes
    complete: bool


@dataclass(frozen=True, kw_only=True)
class Case:
    """Bytes of a server, how the parser was armed, and the one right answer."""

    theme: str
    name: str
    data: bytes
    why: str
    method: str
    upgrade: bool
    read_until_eof: bool
    eof: bool
    limits: Limits
    expected: Expected

    @property
    def id(self) -> str:
        return f"{self.theme}-{self.name}"


def as_written(data: bytes, heads_before: int = 0) -> Pairs:
    """Fields of a plainly written head (`name: value` and CRLF), so that a case need not say them twice.

    Anything less plain is an error: there the case has to state its fields.
    """
    head = data.split(b"\r\n\r\n")[heads_before]
    fields = []
    for line in head.split(b"\r\n")[1:]:
        plain = PLAIN_LINE.fullmatch(line)
        if plain is None:
            raise ValueError(f"not a plain field line, state headers=…: {line!r}")
        fields.append((plain[1], plain[2]))
    return tuple(fields)


def ok(
    name: str,
    data: bytes,
    *,
    why: str,
    status: int = 200,
    reason: str = "OK",
    version: tuple[int, int] = (1, 1),
    headers: Iterable[tuple[bytes, bytes]] | None = None,
    body: bytes = b"",
    chunks: tuple[int, ...] | None = None,
    keep_alive: bool = True,
    interim: tuple[int, ...] = (),
    rest: bytes = b"",
    complete: bool = True,
    method: str = "GET",
    upgrade: bool = False,
    read_until_eof: bool = True,
    eof: bool = False,
    limits: Limits = Limits(),
) -> Case:
    """A response that is delivered; `complete=False` if more bytes are expected (and that is no error)."""
    pairs = as_written(data, len(interim)) if headers is None else tuple(headers)
    expected = Expected(
        error=None,
        status=status,
        reason=reason,
        version=version,
        headers=pairs,
        keep_alive=keep_alive,
        interim=interim,
        body=body,
        chunks=chunks,
        rest=rest,
        complete=complete,
    )
    return Case(
        theme="",
        name=name,
        data=data,
        why=why,
        method=method,
        upgrade=upgrade,
        read_until_eof=read_until_eof,
        eof=eof,
        limits=limits,
        expected=expected,
    )


def bad(
    name: str,
    data: bytes,
    error: str,
    *,
    why: str,
    status: int | None = None,
    body: bytes = b"",
    interim: tuple[int, ...] = (),
    method: str = "GET",
    upgrade: bool = False,
    read_until_eof: bool = True,
    eof: bool = False,
    limits: Limits = Limits(),
) -> Case:
    """A response that is refused with the class `error`; `status` and `body` say what was delivered before."""
    expected = Expected(
        error=error,
        status=status,
        reason="",
        version=(1, 1),
        headers=(),
        keep_alive=False,
        interim=interim,
        body=body,
        chunks=None,
        rest=b"",
        complete=False,
    )
    return Case(
        theme="",
        name=name,
        data=data,
        why=why,
        method=method,
        upgrade=upgrade,
        read_until_eof=read_until_eof,
        eof=eof,
        limits=limits,
        expected=expected,
    )


def waiting(name: str, data: bytes, *, why: str, interim: tuple[int, ...] = (), method: str = "GET") -> Case:
    """No final head yet and no error: the parser waits for more bytes."""
    case = ok(name, data, why=why, headers=(), interim=interim, complete=False, method=method)
    return replace(case, expected=replace(case.expected, status=None))


def load() -> tuple[Case, ...]:
    """All cases of all themes, each with its theme's name; two cases of one id are an error."""
    cases: list[Case] = []
    for module in sorted(pkgutil.iter_modules(responses.__path__), key=lambda m: m.name):
        theme = importlib.import_module(f"{responses.__name__}.{module.name}")
        cases += (replace(case, theme=module.name) for case in theme.CASES)
    ids = [case.id for case in cases]
    doubles = {i for i in ids if ids.count(i) > 1}
    if doubles:
        raise ValueError(f"cases of the same name: {sorted(doubles)}")
    return tuple(cases)
