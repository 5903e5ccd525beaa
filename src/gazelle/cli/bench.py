"""`gazelle bench`: sends a load of equal requests and counts the results."""

import asyncio
import gc
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from time import perf_counter_ns

from gazelle import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from .arguments import Call
from .failures import describe
from .histogram import LatencyHistogram
from .pacer import Pacer

if sys.platform == "win32":

    def cpu_seconds() -> tuple[float, float]:
        """Return the user and system CPU seconds this process has used."""
        times = os.times()
        return times.user, times.system

    def allow_sockets(number: int) -> None:
        """Do nothing: Windows has no limit on open sockets."""

else:
    import resource

    def cpu_seconds() -> tuple[float, float]:
        """Return the user and system CPU seconds this process has used."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime, usage.ru_stime

    def allow_sockets(number: int) -> None:
        """Raise the limit on open files so that `number` sockets fit, up to the hard limit."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = number + _OTHER_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


_OTHER_FILES = 64  # files of the standard streams, the loop and the resolver
_SECOND = 1_000_000_000
_TICK = 0.1  # seconds between two marks
_MOST_MARKS = 2000
_WARMUP_GRACE = 1.0  # seconds that a request may continue after the warm-up, so that its connection stays open
_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Load:
    """A load: `connections` workers that repeat `call` for `duration` seconds or `requests` times in total.

    The first `warmup` seconds of requests are not counted. With a `rate`, in requests per second, request n is planned
    at n / rate seconds, independently of the other requests.
    """

    call: Call
    connections: int
    requests: int | None
    duration: float | None
    warmup: float
    rate: float | None


@dataclass(slots=True)
class Tally:
    """Counts of the results so far: responses of any status with their latencies, errors by kind, and body bytes.

    `aborted` requests were running at the end. `marks` are pairs of a time (ns) and the number of responses then.
    """

    latencies: LatencyHistogram = field(default_factory=LatencyHistogram)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0
    aborted: int = 0
    marks: list[tuple[int, int]] = field(default_factory=list)

    @property
    def responses(self) -> int:
        """The number of responses."""
        return self.statuses.total()

    @property
    def failures(self) -> int:
        """The number of requests that failed, without those aborted at the end."""
        return self.errors.total()

    def mark(self, moment: int) -> None:
        """Append a mark at `moment` (ns); after 2000 marks every second one is dropped, to bound the memory."""
        self.marks.append((moment, self.responses))
        if len(self.marks) > _MOST_MARKS:
            del self.marks[1::2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a load.

    `wall`, `user` and `system` are seconds; `unsent` is the number of planned requests that were not sent.
    """

    load: Load
    tally: Tally
    wall: float
    user: float
    system: float
    unsent: int
    interrupted: bool


async def run_load(load: Load, show: Callable[[Tally, float], None]) -> Outcome:
    """Warm up, measure, and return the result. A cancellation (Ctrl-C) ends the measurement early.

    Args:
        load: the load.
        show: called ten times a second with the tally and the seconds since the start.

    Raises:
        ValueError: the request cannot be sent as it is, for example for a control character in a header.
    """
    allow_sockets(load.connections)
    async with ClientSession(
        connector=TCPConnector(limit=load.connections, ssl=load.call.tls),
        timeout=ClientTimeout(total=load.call.timeout),
        headers=load.call.headers,
        auto_decompress=False,
        cookie_jar=DummyCookieJar(),  # all requests must be equal
    ) as session:
        if load.warmup:
            await _Stretch(load, session, requests=None, duration=load.warmup).warm_up()
        # Exempt the objects that live until the end from garbage collections during the measurement.
        gc.collect()
        gc.freeze()
        return await _Stretch(load, session, requests=load.requests, duration=load.duration).measure(show)


class _Stretch:
    """One stretch of load on a session, from the start of its workers to their end."""

    def __init__(self, load: Load, session: ClientSession, *, requests: int | None, duration: float | None) -> None:
        self._load = load
        self._requests = _FOREVER if requests is None else requests
        self._tickets = iter(range(self._requests))
        self._drawn = 0
        self._send: Callable[[], Awaitable[ClientResponse]] = (
            partial(session.request, load.call.method, load.call.url)
            if load.call.body is None
            else partial(session.request, load.call.method, load.call.url, data=load.call.body)
        )
        self._tally = Tally()
        self._begin = perf_counter_ns()
        self._duration = duration
        self._stop_at = _FOREVER if duration is None else self._begin + int(duration * _SECOND)

    async def warm_up(self) -> None:
        """Run to the end and let running requests finish, so that their connections stay open."""
        with self._pacer() as pacer:
            workers = self._start(pacer)
            await asyncio.wait(workers, timeout=self._rest() + _WARMUP_GRACE)
            await _stop(workers)

    async def measure(self, show: Callable[[Tally, float], None]) -> Outcome:
        """Run to the end, abort running requests, and return the result."""
        interrupted = False
        self._tally.mark(self._begin)
        user, system = cpu_seconds()
        with self._pacer() as pacer:
            workers = self._start(pacer)
            everyone = asyncio.gather(*workers, return_exceptions=True)
            try:
                while not everyone.done() and (rest := self._rest()) > 0:
                    await asyncio.wait([everyone], timeout=min(_TICK, rest))
                    self._tally.mark(perf_counter_ns())
                    show(self._tally, (perf_counter_ns() - self._begin) / _SECOND)
            except asyncio.CancelledError:
                interrupted = True
                self._tally.mark(perf_counter_ns())
            wall = (perf_counter_ns() - self._begin) / _SECOND
            user_after, system_after = cpu_seconds()
            await _stop(workers)
        return Outcome(
            load=self._load,
            tally=self._tally,
            wall=wall,
            user=user_after - user,
            system=system_after - system,
            unsent=self._unsent(wall),
            interrupted=interrupted,
        )

    def _rest(self) -> float:
        return (self._stop_at - perf_counter_ns()) / _SECOND

    def _pacer(self) -> AbstractContextManager[Pacer | None]:
        return nullcontext() if self._load.rate is None else Pacer()

    def _unsent(self, wall: float) -> int:
        """Return how many requests planned before the end of the duration were not sent."""
        if self._load.rate is None:
            return 0
        seconds = wall if self._duration is None else min(wall, self._duration)
        return max(0, min(self._requests, ceil(seconds * self._load.rate)) - self._drawn)

    def _start(self, pacer: Pacer | None) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._work(pacer)) for _ in range(self._load.connections)]

    async def _work(self, pacer: Pacer | None) -> None:
        # The inner loop: work done here is part of the cost of every request.
        send, tally, stop_at = self._send, self._tally, self._stop_at
        record, statuses = tally.latencies.record, tally.statuses
        period = _SECOND / self._load.rate if self._load.rate else 0
        started = self._begin
        for ticket in self._tickets:
            if pacer is not None:
                # The latency of a late request counts from its planned start, as the time in the queue is part of it.
                started = self._begin + int(ticket * period)
                await pacer.until(min(started, stop_at))
                if started < stop_at:
                    self._drawn = ticket + 1
            if started >= stop_at:
                return
            try:
                response = await send()
                body = await response.read()
            except (ClientError, TimeoutError, OSError) as error:
                if isinstance(error, ValueError):  # the request is invalid, and was not sent
                    raise
                tally.errors[describe(error, self._load.call.host).kind] += 1
                # An immediate error must not starve the other tasks.
                await asyncio.sleep(0)
                started = perf_counter_ns()
            except asyncio.CancelledError:
                tally.aborted += 1
                raise
            else:
                ended = perf_counter_ns()
                record(ended - started)
                statuses[response.status] += 1
                tally.body_bytes += len(body)
                # Without a rate the next request starts at the end of this one.
                started = ended


async def _stop(workers: list[asyncio.Task[None]]) -> None:
    for worker in workers:
        worker.cancel()
    for result in await asyncio.gather(*workers, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
