"""The rules about slots, buckets and leases, on both twins."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest

from gazelle.errors import ClientConnectionError
from tests.support.clean import eventually
from tests.support.transport import ScriptedTransport
from tests.support.twins import Twin

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
BOTH = [{"limit": 1}, {"limit_per_host": 1}, {"limit": 1, "limit_per_host": 1}]


class Case:
    """A pool, with connections over scripted transports."""

    def __init__(self, twin: Twin, keepalive: float = -1.0, limit: int = 0, limit_per_host: int = 0) -> None:
        self.twin = twin
        self.loop = asyncio.get_running_loop()
        self.deadlines = twin.deadlines.Deadlines(self.loop)
        self.pool = twin.pool.Pool(self.loop, keepalive, limit, limit_per_host)
        self.settings = twin.exchange.ExchangeSettings(lambda *_: None, 0.0, 0.0, True, (8190, 8190, 128))

    def connect(self) -> Any:
        """A connection that no lease has yet."""
        owner = self.twin.sink.ConnectionOwner()
        key = SimpleNamespace(host="example.org", port=80)
        connection = self.twin.connection.HttpConnection(self.loop, self.deadlines, owner, key)
        ScriptedTransport(connection)
        return connection

    async def lease(self, key: str = "a", **how: Any) -> Any:
        lease = await self.pool.acquire(self.pool.bucket(key), **how)
        if lease.connection is None:
            lease.attach(self.connect())
        return lease

    def request(self, lease: Any, upgrade: bool = False) -> Any:
        return lease.connection.exchange(b"x", b"", "GET", self.settings, 0.0, False, upgrade)

    def assert_nothing_is_held(self, key: str = "a") -> None:
        slots = self.pool.bucket(key).slots
        assert self.pool.slots.taken == 0
        assert slots is None or slots.taken == 0
        assert not self.pool.opening
        assert not [lease for lease in self.pool.open if lease.held]


# --- idle connections ---------------------------------------------------------------------------------


async def test_the_connection_that_came_back_last_is_taken_first(twin: Twin) -> None:
    case = Case(twin)
    one, other = await case.lease(), await case.lease()
    one.release()
    other.release()
    bucket = case.pool.bucket("a")
    assert [case.pool.take(bucket), case.pool.take(bucket), case.pool.take(bucket)] == [other, one, None]


async def test_a_complete_response_gives_the_lease_back_and_taking_it_again_begins_a_generation(twin: Twin) -> None:
    case = Case(twin, limit=1, limit_per_host=1)
    lease = await case.lease()
    generation = lease.generation
    waiter = case.request(lease)
    assert repr(lease).startswith("<Lease held")
    lease.connection.transport.deliver(HELLO)
    assert (await waiter)[3] == b"hello"
    assert repr(lease).startswith("<Lease idle")
    case.assert_nothing_is_held()
    assert case.pool.take(case.pool.bucket("a")) is lease
    assert lease.generation == generation + 1
    lease.close()


async def test_a_connection_that_cannot_be_used_again_is_closed_and_the_next_one_taken(twin: Twin) -> None:
    case = Case(twin)
    good, bad = await case.lease(), await case.lease()
    good.release()
    bad.release()
    bad.connection.transport.aborted = True
    assert case.pool.take(case.pool.bucket("a")) is good
    assert (good.closed, bad.closed) == (False, True)


@pytest.mark.parametrize("how", ["bytes", "end", "loss"])
async def test_an_idle_connection_that_ends_leaves_the_pool(twin: Twin, how: str) -> None:
    case = Case(twin)
    lease = await case.lease()
    lease.release()
    transport = lease.connection.transport
    {"bytes": lambda: transport.deliver(b"x"), "end": transport.end, "loss": transport.lose}[how]()
    assert case.pool.bucket("a").idle == []
    await eventually(lambda: not case.pool.open)
    assert repr(lease).startswith("<Lease over")


async def test_a_request_that_wants_a_fresh_connection_leaves_the_idle_ones(twin: Twin) -> None:
    case = Case(twin)
    old = await case.lease()
    old.release()
    assert (await case.pool.acquire(case.pool.bucket("a"), True)).connection is None
    assert await case.lease() is old


async def test_without_keepalive_nothing_becomes_idle(twin: Twin) -> None:
    case = Case(twin, keepalive=0.0, limit=1)
    lease = await case.lease()
    lease.release()
    assert lease.closed
    assert case.pool.bucket("a").idle == []
    case.assert_nothing_is_held()


async def test_idle_connections_grow_old(twin: Twin) -> None:
    case = Case(twin, keepalive=0.01)
    lease = await case.lease()
    lease.release()
    await eventually(lambda: lease.closed)
    assert case.pool.sweep_timer is None
    other = await case.lease()
    other.release()
    await eventually(lambda: other.closed)
    assert case.pool.take(case.pool.bucket("a")) is None


async def test_a_connection_that_is_too_old_is_not_taken_before_the_sweep_closes_it(twin: Twin) -> None:
    case = Case(twin, keepalive=1e-9)
    lease = await case.lease()
    lease.release()
    assert case.pool.take(case.pool.bucket("a")) is None
    assert lease.closed


# --- buckets ------------------------------------------------------------------------------------------


async def test_a_bucket_lives_while_it_is_referred_to_and_a_key_never_has_two(twin: Twin) -> None:
    case = Case(twin)
    bucket = case.pool.bucket("a")
    assert case.pool.bucket("a") is bucket
    lease = await case.lease()
    assert lease.bucket is bucket
    marker = id(bucket)
    del bucket
    gc.collect()
    assert id(case.pool.bucket("a")) == marker
    lease.close()
    await eventually(lambda: not case.pool.open)
    del lease
    gc.collect()
    assert case.pool.buckets() == []


async def test_a_request_that_waits_keeps_the_bucket(twin: Twin) -> None:
    case = Case(twin, limit_per_host=1)
    held = await case.lease()
    waiting = asyncio.ensure_future(case.lease())
    await eventually(lambda: case.pool.bucket("a").slots.waiters)
    marker = id(held.bucket)
    held.connection.close()
    del held
    gc.collect()
    assert id((await waiting).bucket) == marker


# --- slots --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", BOTH)
@pytest.mark.parametrize("end", ["release", "close", "answer", "loss", "detach"])
async def test_whatever_ends_a_lease_grants_its_slot_to_the_first_waiter(
    twin: Twin, limits: dict[str, int], end: str
) -> None:
    case = Case(twin, **limits)
    lease = await case.lease()
    order: list[int] = []

    async def wait(number: int) -> None:
        granted = await case.lease()
        order.append(number)
        granted.release()

    waiters = [asyncio.ensure_future(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert case.pool.take(case.pool.bucket("a")) is None
    transport = lease.connection.transport
    if end in ("answer", "detach"):
        case.request(lease, end == "detach")
        transport.deliver(HELLO if end == "answer" else SWITCHING)
    if end == "detach":
        assert not order
        assert lease.detach() == (transport, b"")
    elif end != "answer":
        {"release": lease.release, "close": lease.close, "loss": transport.lose}[end]()
    await asyncio.gather(*waiters)
    assert order == [0, 1, 2]
    case.assert_nothing_is_held()


async def test_a_newcomer_does_not_overtake_a_waiter(twin: Twin) -> None:
    case = Case(twin, limit=1)
    lease = await case.lease()
    waiting = asyncio.ensure_future(case.lease())
    await asyncio.sleep(0)
    lease.release()
    assert case.pool.take(case.pool.bucket("a")) is None
    assert await waiting is lease
    assert repr(case.pool.slots) == "<Slots 1 of 1 taken, 0 waiting>"


@pytest.mark.parametrize("limits", BOTH)
@pytest.mark.parametrize("granted", [False, True])
async def test_a_waiter_that_is_cancelled_passes_its_grant_on(twin: Twin, limits: Any, granted: bool) -> None:
    case = Case(twin, **limits)
    lease = await case.lease()
    first, second = (asyncio.ensure_future(case.lease()) for _ in range(2))
    await asyncio.sleep(0)
    if granted:
        lease.release()  # `first` has the slot, and has not run yet
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    if not granted:
        lease.release()
    assert await second is lease
    lease.release()
    case.assert_nothing_is_held()


async def test_a_request_that_is_cancelled_in_the_second_queue_leaves_the_first(twin: Twin) -> None:
    case = Case(twin, limit=1, limit_per_host=2)
    other = await case.lease("b")
    waiting = asyncio.ensure_future(case.lease("a"))
    await eventually(lambda: case.pool.slots.waiters)
    assert case.pool.bucket("a").slots.taken == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert case.pool.bucket("a").slots.taken == 0
    other.close()
    case.assert_nothing_is_held()
    case.assert_nothing_is_held("b")


@pytest.mark.parametrize("stage", ["queued", "granted"])
@pytest.mark.parametrize("limits", BOTH)
async def test_a_listener_that_raises_loses_no_slot(twin: Twin, limits: Any, stage: str) -> None:
    case = Case(twin, **limits)
    lease = await case.lease()

    class Listener:
        async def queued(self) -> None:
            if stage == "queued":
                raise LookupError
            lease.release()

        async def granted(self) -> None:
            raise LookupError

    with pytest.raises(LookupError):
        await case.lease(listener=Listener())
    lease.release()
    case.assert_nothing_is_held()


async def test_only_the_key_that_is_full_waits_for_its_slots(twin: Twin) -> None:
    case = Case(twin, limit_per_host=1)
    await case.lease("a")
    assert (await case.lease("b")).held
    waiting = asyncio.ensure_future(case.lease("a"))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


# --- leases -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["release", "close"])
@pytest.mark.parametrize("second", ["release", "close", "detach"])
async def test_only_the_first_end_of_a_generation_takes_effect(twin: Twin, first: str, second: str) -> None:
    case = Case(twin, limit=2)
    other = await case.lease()
    lease = await case.lease()
    getattr(lease, first)()
    if second == "detach":
        with pytest.raises(RuntimeError):
            lease.detach()
    else:
        getattr(lease, second)()
    assert case.pool.slots.taken == 1
    assert lease.closed is ("close" in (first, second))
    other.close()


async def test_a_release_during_an_exchange_closes_the_connection(twin: Twin) -> None:
    case = Case(twin)
    lease = await case.lease()
    waiter = case.request(lease)
    lease.release()
    assert isinstance(waiter.exception(), ClientConnectionError)
    assert lease.closed
    case.assert_nothing_is_held()


async def test_a_lease_without_a_connection_gives_its_slots_back(twin: Twin) -> None:
    case = Case(twin, limit=1, limit_per_host=1)
    for end in ("release", "close"):
        lease = await case.pool.acquire(case.pool.bucket("a"))
        assert case.pool.opening == {lease}
        assert (lease.closed, lease.held) == (True, True)
        getattr(lease, end)()
        case.assert_nothing_is_held()
        with pytest.raises(RuntimeError):
            lease.detach()


async def test_a_connection_that_switched_keeps_its_slot_until_it_is_handed_over(twin: Twin) -> None:
    case = Case(twin, limit=1)
    lease = await case.lease()
    case.request(lease, upgrade=True)
    transport = lease.connection.transport
    transport.deliver(SWITCHING + b"frames")
    assert case.pool.slots.taken == 1
    assert lease.detach() == (transport, b"frames")
    assert not transport.aborted
    assert not case.pool.open
    with pytest.raises(RuntimeError):
        lease.detach()
    case.assert_nothing_is_held()


async def test_a_switched_connection_that_nobody_takes_is_closed_by_release(twin: Twin) -> None:
    case = Case(twin, limit=1)
    lease = await case.lease()
    case.request(lease, upgrade=True)
    lease.connection.transport.deliver(SWITCHING)
    lease.release()
    assert lease.closed
    case.assert_nothing_is_held()


async def test_a_connection_that_failed_before_it_was_attached_ends_nothing(twin: Twin) -> None:
    case = Case(twin, limit=1)
    lease = await case.pool.acquire(case.pool.bucket("a"))
    failed = case.connect()
    failed.owner = lease
    failed.close()
    await asyncio.sleep(0)
    assert lease.held
    lost = case.connect()
    lost.transport.lose()
    lease.attach(lost)
    assert (lease.closed, case.pool.open) == (True, set())
    lease.close()
    case.assert_nothing_is_held()


async def test_a_connection_may_carry_several_exchanges(twin: Twin) -> None:
    """The numbers that HTTP/2 needs: a lease stays in its bucket while there is capacity left."""
    case = Case(twin)
    lease = await case.pool.acquire(case.pool.bucket("a"))
    connection = case.connect()
    connection.capacity = 2
    lease.attach(connection)
    lease.release()
    pool, bucket = case.pool, case.pool.bucket("a")
    assert pool.take(bucket) is lease
    assert (lease.taken, bucket.idle) == (1, [lease])
    assert pool.take(bucket) is lease
    assert (lease.taken, bucket.idle, pool.slots.taken) == (2, [], 2)
    assert pool.take(bucket) is None
    lease.release()
    assert (lease.taken, bucket.idle, pool.slots.taken) == (1, [lease], 1)
    assert pool.take(bucket) is lease
    lease.close()
    assert (lease.taken, bucket.idle) == (0, [])
    case.assert_nothing_is_held()


# --- the end ------------------------------------------------------------------------------------------


async def test_closing_the_pool_closes_connections_and_refuses_who_waits_and_who_comes(twin: Twin) -> None:
    case = Case(twin, limit=2, limit_per_host=1)
    idle = await case.lease("idle")
    idle.release()
    held = await case.lease("a")
    opening = await case.pool.acquire(case.pool.bucket("b"))
    waiting = [asyncio.ensure_future(case.lease(key)) for key in ("a", "c")]
    await asyncio.sleep(0)
    drained = case.pool.drained()
    assert not drained.done()
    case.pool.close()
    assert await asyncio.gather(*waiting, return_exceptions=True) != []
    assert all(isinstance(task.exception(), ClientConnectionError) for task in waiting)
    assert (idle.closed, held.closed) == (True, True)
    with pytest.raises(ClientConnectionError):
        await case.lease("a")
    late = case.connect()
    with pytest.raises(ClientConnectionError):
        opening.attach(late)
    assert late.closed
    await drained
    await case.pool.drained()
    case.assert_nothing_is_held()
    assert repr(case.pool).startswith("<Pool closed")


def test_the_end_of_a_lease_of_a_closed_loop_wakes_no_waiter(twin: Twin) -> None:
    async def make() -> tuple[Any, Any]:
        case = Case(twin, limit=1)
        lease = await case.lease()
        waiting = asyncio.ensure_future(case.lease())
        await asyncio.sleep(0)
        (waiter,) = case.pool.slots.waiters
        waiting.cancel()
        await asyncio.sleep(0)
        case.pool.slots.waiters[waiter] = None  # as if its task had been dropped with the loop
        return case, lease

    with asyncio.Runner() as runner:
        case, lease = runner.run(make())
    lease.close()
    assert lease.closed
    case.assert_nothing_is_held()
