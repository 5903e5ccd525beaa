"""Fixtures and hooks of the whole suite: the twins, event loops that tell on leaks, certificates."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
import trustme

import gazelle
from tests.support import twins
from tests.support.running import LoopFactory, run_strictly
from tests.support.twins import Twin

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None  # type: ignore[assignment]

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

SOCKETS = 8192

LOOPS: dict[str, LoopFactory | None] = {
    "asyncio": asyncio.SelectorEventLoop if sys.platform != "win32" else asyncio.new_event_loop,
    "uvloop": None if uvloop is None else uvloop.new_event_loop,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-accel", action="store_true", help="a missing compiled engine is a failure, not a skip")
    parser.addoption("--loop-debug", action="store_true", help="run event loops in debug mode (slow)")
    parser.addoption("--loop", choices=sorted(LOOPS), help="run `async def` tests on this event loop only")
    parser.addoption("--eager", action="store_true", help="run event loops with eager tasks (Python 3.12)")


def pytest_configure(config: pytest.Config) -> None:
    allow_sockets()
    # By default an example that takes 0.2 s fails, and one that is slow to be made.
    slow = hypothesis.HealthCheck.too_slow
    hypothesis.settings.register_profile(
        "any speed", hypothesis.settings(), deadline=None, suppress_health_check=[slow]
    )
    hypothesis.settings.load_profile("any speed")
    if config.getoption("--eager") and sys.version_info < (3, 12):
        raise pytest.UsageError("--eager needs Python 3.12")
    # Whatever else is set: an unclosed socket or transport is never just a line in a log.
    config.addinivalue_line("filterwarnings", "error::ResourceWarning")
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnraisableExceptionWarning")


def allow_sockets() -> None:
    """Let tests with many connections open them where the shell allows fewer descriptors than the system."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = SOCKETS if hard == resource.RLIM_INFINITY else min(SOCKETS, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def pytest_report_header(config: pytest.Config) -> str:
    built = "built" if twins.accel_is_built() else "NOT BUILT"
    return (
        f"gazelle: engine {gazelle.__impl__!r} (GAZELLE_IMPL={os.environ.get('GAZELLE_IMPL', 'auto')}), twins {built}"
    )


def pytest_collection_finish() -> None:
    """Spares each collection that looks for leaks what the suite itself is made of: it is five times as fast then."""
    gc.collect()
    gc.freeze()


# --- twins ---------------------------------------------------------------------------------------


@pytest.fixture(params=twins.NAMES)
def twin(request: pytest.FixtureRequest) -> Twin:
    """One build of the engine after the other; `twin.http_parser` and so on are its modules."""
    if request.param == "accel":
        need_accel(request.config)
    return Twin(request.param)


@pytest.fixture
def both_twins(pytestconfig: pytest.Config) -> tuple[Twin, Twin]:
    """Both builds of the engine, for tests that compare them: the readable one, the compiled one."""
    need_accel(pytestconfig)
    return Twin("pure"), Twin("accel")


def need_accel(config: pytest.Config) -> None:
    if not twins.accel_is_built():
        if config.getoption("--require-accel"):
            pytest.fail("gazelle._accel is not built", pytrace=False)
        pytest.skip("gazelle._accel is not built")


# --- event loops ---------------------------------------------------------------------------------


@pytest.fixture(params=list(LOOPS))
def event_loop_name(request: pytest.FixtureRequest) -> str:
    """Name of the event loop that an `async def` test runs on; every such test runs on each."""
    name: str = request.param
    if LOOPS[name] is None:
        pytest.skip(f"{name} is not installed")
    return name


def pytest_itemcollected(item: pytest.Item) -> None:
    """An `async def` test that is not run would pass in silence."""
    if isinstance(item, pytest.Function) and inspect.isasyncgenfunction(item.obj):
        raise pytest.UsageError(f"{item.nodeid} is an async generator")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the event loops that are not asked for."""
    loop = config.getoption("--loop")
    if loop is None:
        return
    others = [item for item in items if isinstance(item, pytest.Function) and loop_of(item) not in (None, loop)]
    config.hook.pytest_deselected(items=others)
    left_out = set(others)
    items[:] = [item for item in items if item not in left_out]


def loop_of(item: pytest.Function) -> object:
    """Name of the event loop that a test runs on; None if it has none of its own."""
    return item.callspec.params.get("event_loop_name") if hasattr(item, "callspec") else None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> None:
    if name.startswith("test") and inspect.iscoroutinefunction(obj):
        pytest.mark.usefixtures("event_loop_name")(obj)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs an `async def` test on its event loop and fails if it leaves anything behind."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    coroutine = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names if name in pyfuncitem.funcargs})
    factory = LOOPS[str(pyfuncitem.funcargs["event_loop_name"])]
    option = pyfuncitem.config.getoption
    left = run_strictly(coroutine, factory, debug=option("--loop-debug"), eager=option("--eager"))
    if left:
        pytest.fail("left behind by the test:\n  " + "\n  ".join(left), pytrace=False)
    return True


# --- certificates --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tls:
    """A private certificate authority; servers under it are trusted by `client` and by nobody else."""

    ca: trustme.CA
    ca_pem: Path
    client: ssl.SSLContext

    def server(self, *names: str) -> ssl.SSLContext:
        """Context of a server for these host names and addresses (the loopback ones if none is given)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1", "::1"))).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A private certificate authority for the loopback host."""
    ca = trustme.CA()
    pem = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(pem)
    client = ssl.create_default_context(cafile=pem)
    return Tls(ca, pem, client)
