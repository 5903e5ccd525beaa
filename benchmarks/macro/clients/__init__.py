"""The clients of the macro benchmark: what each needs, and the module that drives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from benchmarks.macro.workloads import Workload
from benchmarks.servers import Address

_GAZELLE = "benchmarks.macro.clients.aiohttp_api"
_FLOOR = "benchmarks.macro.clients.floor"


@dataclass(frozen=True, slots=True)
class Client:
    """One row of the table.

    *driver* is the module that drives it, *module* the client's own; *requires* are the modules that must be
    importable. *own* marks what belongs to the project and runs in its environment; all else may run in the peers'.
    """

    name: str
    title: str
    driver: str
    module: str
    requires: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    engine: str | None = None
    own: bool = False
    patch: str | None = None

    def can_do(self, workload: Workload) -> bool:
        """Whether there is code that does *workload* with this client."""
        if self.driver == _FLOOR:
            return workload.has_floor
        return self.driver == _GAZELLE or workload.call is None


@dataclass(frozen=True, slots=True)
class Job:
    """What a driver is given: the address, the workload, and the client's own module, already imported."""

    address: Address
    workload: Workload
    client: Client
    module: ModuleType

    @property
    def origin(self) -> str:
        """Scheme, host and port of the URLs of this job."""
        scheme = "https" if self.address.ca else "http"
        return f"{scheme}://{self.workload.host or self.address.host}:{self.address.port}"

    @property
    def login(self) -> str | None:
        """The URL that a client asks for once before, None if there is none."""
        return None if self.workload.login is None else self.origin + self.workload.login

    @property
    def url(self) -> str:
        """The URL of every operation; with a distinct workload the pattern of the URLs."""
        return self.origin + self.workload.target


class Driver(Protocol):
    """Drives one client through one workload."""

    async def repeat(self, count: int) -> Any:
        """Do *count* operations one after another and return the last body: bytes, or what JSON made of it."""

    async def close(self) -> None:
        """Close all connections."""

    def engine(self) -> str | None:
        """Which engine the client really uses ("c" or "python"), None if it has only one."""


_ENTRIES = (
    Client("floor", "floor: bare Protocol", _FLOOR, "asyncio", ("asyncio",), own=True),
    Client("gazelle", "gazelle", _GAZELLE, "gazelle", ("gazelle",), {"GAZELLE_IMPL": "c"}, "c", own=True),
    Client(
        "gazelle-pure",
        "gazelle, pure Python",
        _GAZELLE,
        "gazelle",
        ("gazelle",),
        {"GAZELLE_IMPL": "python"},
        "python",
        own=True,
    ),
    Client("aiohttp", "aiohttp", _GAZELLE, "aiohttp", ("aiohttp",), engine="c"),
    Client(
        "aiohttp-pure",
        "aiohttp without its extensions",
        _GAZELLE,
        "aiohttp",
        ("aiohttp",),
        {"AIOHTTP_NO_EXTENSIONS": "1"},
        "python",
    ),
    Client(
        "aiohttp-aiofastnet",
        "aiohttp on aiofastnet",
        _GAZELLE,
        "aiohttp",
        ("aiohttp", "aiofastnet"),
        engine="c",
        patch="aiofastnet",
    ),
    Client("httptools", "httptools under a bare Protocol", _FLOOR, "httptools", ("httptools",)),
    Client("pyreqwest", "pyreqwest", "benchmarks.macro.clients.pyreqwest_api", "pyreqwest.client", ("pyreqwest",)),
    Client("wreq", "wreq", "benchmarks.macro.clients.wreq_api", "wreq", ("wreq",)),
    Client("httpx", "httpx", "benchmarks.macro.clients.httpx_api", "httpx", ("httpx",)),
)

CLIENTS: dict[str, Client] = {entry.name: entry for entry in _ENTRIES}
"""All clients by name, in the order of the table."""
