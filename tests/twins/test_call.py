"""The state table of `Call`, and that everything that drives coroutines can drive a call; on both twins."""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import gc
import inspect
import sys
import warnings
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from gazelle.errors import ClientConnectionError, ServerDisconnectedError
from tests.support.clean import eventually
from tests.support.running import begin_at_once
from tests.support.transport import ScriptedTransport
from tests.support.twins import Twin

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
COOKIE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\n\r\n"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
STARTED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"


class Response:
    """What a call returns here."""

    def __init__(self, request: Any, head: Any, status: int, body: Any, *_: object) -> None:
        self.request = request
        self.status = status
        self.body = body
        self._in_context = False
        self.left: list[str] = []

    def leave(self) -> bool:
        self.left.append("at once")
        return self.body is not None

    async def __aenter__(self) -> Any:
        self._in_context = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.left.append("awaited")


class EnteredResponse(Response):
    """A response of another class, with a method of its own."""

    async def __aenter__(self) -> Any:
        await asyncio.sleep(0)
        return "entered", self


class Client:
    """What a session is to its calls: a plan, and the full way, which the test writes."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.loop = asyncio.get_running_loop()
        self.pool = twin.pool.Pool(self.loop, -1.0, 0, 0)
        self.deadlines = twin.deadlines.Deadlines(self.loop)
        self.done: list[str] = []
        self.way: Callable[..., Awaitable[Any]] = self.answer
        plan = self.plan = twin.call.Plan()
        plan.plain = True
        plan.full = Client._request
        plan.connector = self
        plan.connect = Client.connect
        plan.enter = Response.__aenter__
        plan.pool = self.pool
        plan.stored = {}
        plan.origins = twin.origin.Origins(CIMultiDict())
        plan.settings = twin.exchange.ExchangeSettings(lambda *_: Stream(), 0.0, 0.0, True, (8190, 8190, 128))
        plan.known_until = float("inf")
        plan.error_from = 400
        plan.open_origin = self.open_origin
        plan.cookies_for = lambda *_: b"Cookie: a=1\r\n"
        plan.serialize = lambda value: repr(value).encode()
        plan.response = Response
        plan.leaving = Response
        plan.respond = self.respond
        plan.follow = lambda call, request, response: self.go_on(f"follow {response.status}", response)
        plan.repeat = lambda call, request: self.go_on(f"repeat {request.target}", Response(request, None, 299, b""))
        plan.error = lambda request, error: error

    def connect(self) -> None:
        """Stand in for the method of a connector."""

    def open_origin(self, site: str) -> Any:
        template = SimpleNamespace(
            lead=b" HTTP/1.1\r\nHost: h\r\n", tail=b"Accept: */*\r\n", automatic={"accept": b"Accept: */*\r\n"}
        )
        origin = self.twin.origin.Origin("key", self.pool.bucket("key"), site, template)
        origin.plain = True
        origin.ending = b"\r\n"
        origin.fixed = frozenset({"host", "accept"})
        self.plan.origins.put(site, origin)
        return origin

    def respond(self, request: Any, answer: Any, lease: Any) -> Any:
        head, status, has_cookies, body = answer
        self.done.append(f"respond {has_cookies}")
        return Response(request, head, status, body)

    async def go_on(self, name: str, response: Any) -> Any:
        self.done.append(name)
        await asyncio.sleep(0)
        return response

    async def answer(self, method: str, url: str, **options: Any) -> Any:
        await asyncio.sleep(0)
        return Response(None, None, 200, b"full")

    async def _request(self, method: str, url: str, **options: Any) -> Any:
        self.done.append(f"full {method}")
        return await self.way(method, url, **options)

    def call(self, url: Any = "http://h/", method: str = "GET", **options: Any) -> Any:
        return self.twin.call.Call(self._request, self.plan, method, url, options)

    async def warm(self, reused: bool = True) -> Any:
        """Return an idle lease, over a scripted transport."""
        lease = await self.pool.acquire(self.pool.bucket("key"))
        key = SimpleNamespace(host="h", port=80)
        owner = self.twin.sink.ConnectionOwner()
        connection = self.twin.connection.HttpConnection(self.loop, self.deadlines, owner, key)
        ScriptedTransport(connection)
        lease.attach(connection)
        if reused:
            waiter = lease.connection.exchange(b"x", b"", "GET", self.plan.settings, 0.0, False)
            lease.connection.transport.deliver(HELLO)
            await waiter
            lease.connection.transport.written.clear()
        else:
            lease.release()
        return lease


class Stream:
    """A body stream that keeps what it is given."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.error: BaseException | None = None

    def feed_data(self, data: bytes) -> None:
        self.pieces.append(data)

    def end_chunk(self) -> None:
        """Take no note."""

    def feed_eof(self) -> None:
        """Take no note."""

    def set_exception(self, error: BaseException) -> None:
        self.error = error


async def _deliver(lease: Any, reply: bytes) -> None:
    """Answer the next request."""
    transport = lease.connection.transport
    await eventually(lambda: transport.written)
    transport.deliver(reply)


async def _begun(client: Client, call: Any) -> tuple[Any, Any]:
    """Return a task in the middle of a call, and the transport of it."""
    lease = await client.warm()
    transport = lease.connection.transport
    task = asyncio.ensure_future(call)
    await eventually(lambda: transport.written)
    return task, transport


# --- new --------------------------------------------------------------------------------------------------


async def test_a_plain_call_is_sent_by_the_first_step_and_returns_its_response(twin: Twin) -> None:
    client = Client(twin)
    lease = await client.warm()
    call = client.call("http://h/a?b=c", "POST", json=[1], headers={"X-A": "1"})
    assert repr(call) == "<Call POST new>"
    future = call.send(None)
    assert asyncio.isfuture(future)
    assert repr(call) == "<Call POST waiting>"
    assert bytes(lease.connection.transport.written) == (
        b"POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nAccept: */*\r\n"
        b"Content-Length: 3\r\nContent-Type: application/json\r\n\r\n[1]"
    )
    lease.connection.transport.deliver(HELLO)
    with pytest.raises(StopIteration) as stopped:
        call.send(None)
    assert (stopped.value.value.status, stopped.value.value.body) == (200, b"hello")
    assert repr(call) == "<Call POST done>"
    assert client.done == []
    assert client.pool.slots.taken == 0


async def test_a_call_without_an_idle_connection_goes_the_full_way_and_encodes_nothing(twin: Twin) -> None:
    client = Client(twin)
    client.plan.serialize = lambda value: pytest.fail("serialized")
    call = client.call(json=[1])
    call.send(None)
    assert repr(call) == "<Call GET sending>"
    with pytest.raises(StopIteration) as stopped:
        call.send(None)
    assert stopped.value.value.body == b"full"
    assert client.done == ["full GET"]


@pytest.mark.parametrize(
    "change",
    [
        {"plain": False},
        {"pool": None},
        {"traces": [1]},
        {"stored": None},
        {"known_until": 0.0},
        {"connect": None},
        {"connector": SimpleNamespace(connect=len)},
        {"open_origin": lambda site: None},
    ],
    ids=repr,
)
async def test_what_the_plan_rules_out_goes_the_full_way(twin: Twin, change: dict[str, Any]) -> None:
    client = Client(twin)
    await client.warm()
    for name, value in change.items():
        setattr(client.plan, name, value)
    assert (await client.call()).body == b"full"


async def test_a_closed_pool_is_left_to_the_full_way(twin: Twin) -> None:
    client = Client(twin)
    await client.warm()
    client.pool.close()
    assert (await client.call()).body == b"full"


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("get", {}),
        ("TRACE", {}),
        ("GET", {"ssl": 0}),
        ("GET", {"auth": ("user", "password")}),
        ("GET", {"raise_for_status": 1}),
        ("GET", {"max_redirects": 3}),
        ("GET", {"allow_redirects": None}),
        ("GET", {"timeout": -1}),
        ("GET", {"timeout": True}),
        ("GET", {"params": "a=1"}),
        ("GET", {"headers": {"Host": "x"}}),
        ("GET", {"headers": {"X": "a\nb"}}),
        ("GET", {"headers": ()}),
        ("POST", {"data": bytearray(b"a")}),
        ("POST", {"data": b"a", "json": 1}),
    ],
)
async def test_arguments_that_are_not_plain_go_the_full_way(twin: Twin, method: str, options: dict[str, Any]) -> None:
    client = Client(twin)
    lease = await client.warm()
    assert (await client.call(method=method, **options)).body == b"full"
    assert not lease.connection.transport.written
    assert client.pool.slots.taken == 0


async def test_an_error_of_a_body_is_raised_and_holds_nothing(twin: Twin) -> None:
    client = Client(twin)
    lease = await client.warm()
    with pytest.raises(UnicodeEncodeError):
        await client.call(method="POST", data="\ud800")
    assert client.pool.slots.taken == 0
    assert not lease.closed


async def test_a_new_call_that_is_thrown_into_sends_nothing(twin: Twin) -> None:
    client = Client(twin)
    lease = await client.warm()
    call = client.call()
    with pytest.raises(KeyError, match="x"):
        call.throw(KeyError("x"))
    assert not lease.connection.transport.written
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        call.send(None)


async def test_a_new_call_that_is_closed_sends_nothing_and_does_not_warn(twin: Twin) -> None:
    client = Client(twin)
    lease = await client.warm()
    call = client.call()
    call.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del call
        gc.collect()
    assert not lease.connection.transport.written


async def test_a_call_that_is_never_awaited_warns(twin: Twin) -> None:
    client = Client(twin)
    calls = [client.call()]
    with pytest.warns(RuntimeWarning, match=r"coroutine 'ClientSession\.get' was never awaited"):
        calls.clear()


# --- waiting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "done", "status"),
    [(MOVED, ["follow 302"], 302), (MISSING, ["follow 404"], 404), (COOKIE, ["respond True"], 200)],
    ids=["redirect", "error status", "cookie"],
)
async def test_an_answer_that_is_not_the_last_is_gone_on_with(
    twin: Twin, reply: bytes, done: list[str], status: int
) -> None:
    client = Client(twin)
    task, transport = await _begun(client, client.call())
    transport.deliver(reply)
    assert (await task).status == status
    assert client.done == done


async def test_a_function_that_looks_at_all_responses_looks_at_good_ones_too(twin: Twin) -> None:
    client = Client(twin)
    client.plan.error_from = 0
    task, transport = await _begun(client, client.call())
    transport.deliver(HELLO)
    await task
    assert client.done == ["follow 200"]


@pytest.mark.parametrize(
    ("method", "retry", "reused", "started", "repeated"),
    [
        ("GET", True, True, b"", True),
        ("PUT", True, True, b"", True),
        ("POST", True, True, b"", False),
        ("GET", False, True, b"", False),
        ("GET", True, False, b"", False),
        ("GET", True, True, b"HTTP/1.1 2", False),
    ],
)
async def test_a_lost_connection_is_repeated_where_that_is_safe(
    twin: Twin, method: str, retry: bool, reused: bool, started: bytes, repeated: bool
) -> None:
    client = Client(twin)
    client.plan.retry = retry
    lease = await client.warm(reused)
    transport = lease.connection.transport
    task = asyncio.ensure_future(client.call("http://h/x", method))
    await eventually(lambda: transport.written)
    if started:
        transport.deliver(started)
    transport.lose()
    if repeated:
        assert (await task).status == 299
        assert client.done == ["repeat /x"]
    else:
        with pytest.raises(ServerDisconnectedError):
            await task
        assert client.done == []
    assert client.pool.slots.taken == 0


async def test_the_error_of_the_plan_is_raised_from_that_of_the_engine(twin: Twin) -> None:
    client = Client(twin)
    client.plan.error = lambda request, error: LookupError(request.target)
    task, transport = await _begun(client, client.call("http://h/x"))
    transport.deliver(b"nonsense\r\n\r\n")
    with pytest.raises(LookupError, match="/x") as raised:
        await task
    assert raised.value.__cause__ is not None
    assert client.pool.slots.taken == 0


async def test_an_error_of_respond_holds_nothing(twin: Twin) -> None:
    client = Client(twin)

    def respond(*_: object) -> Any:
        raise LookupError("jar")

    client.plan.respond = respond
    task, transport = await _begun(client, client.call())
    transport.deliver(COOKIE)
    with pytest.raises(LookupError, match="jar"):
        await task
    assert client.pool.slots.taken == 0


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\n", STARTED], ids=["nothing", "half a head", "a head"])
@pytest.mark.parametrize("end", ["throw", "close", "drop"])
async def test_a_waiting_call_that_ends_closes_its_connection(twin: Twin, reply: bytes, end: str) -> None:
    client = Client(twin)
    lease = await client.warm()
    call = client.call()
    call.send(None)
    lease.connection.transport.deliver(reply)
    if end == "throw":
        with pytest.raises(asyncio.CancelledError):
            call.throw(asyncio.CancelledError())
    elif end == "close":
        call.close()
    del call
    gc.collect()
    assert lease.closed
    assert client.pool.slots.taken == 0


async def test_a_call_that_is_cancelled_after_its_answer_has_arrived_leaves_the_connection_idle(twin: Twin) -> None:
    client = Client(twin)
    lease = await client.warm()
    call = client.call()
    call.send(None)
    lease.connection.transport.deliver(HELLO)
    with pytest.raises(asyncio.CancelledError):
        call.throw(asyncio.CancelledError)
    assert not lease.closed
    assert client.pool.bucket("key").idle == [lease]


async def test_a_waiting_call_that_is_stepped_without_its_answer_goes_on_waiting(twin: Twin) -> None:
    client = Client(twin)
    lease = await client.warm()
    call = client.call()
    call.send(None)
    with pytest.raises(RuntimeError, match="await wasn't used with future"):
        call.send(None)
    lease.connection.transport.deliver(HELLO)
    with pytest.raises(StopIteration):
        call.send(None)


# --- inner ------------------------------------------------------------------------------------------------


async def test_what_is_thrown_into_the_full_way_can_be_caught_there(twin: Twin) -> None:
    client = Client(twin)

    async def way(*_: object) -> Any:
        try:
            await asyncio.sleep(0)
        except KeyError:
            await asyncio.sleep(0)
        return Response(None, None, 200, b"caught")

    client.way = way
    call = client.call()
    call.send(None)
    assert call.throw(KeyError("x")) is None
    with pytest.raises(StopIteration) as stopped:
        call.send(None)
    assert stopped.value.value.body == b"caught"


async def test_a_full_way_that_returns_when_it_is_thrown_into_ends_the_call(twin: Twin) -> None:
    client = Client(twin)

    async def way(*_: object) -> Any:
        try:
            await asyncio.sleep(0)
        except KeyError:
            return Response(None, None, 200, b"caught")

    client.way = way
    call = client.call()
    call.send(None)
    with pytest.raises(StopIteration) as stopped:
        call.throw(KeyError)
    assert stopped.value.value.body == b"caught"
    with pytest.raises(RuntimeError, match="cannot reuse"):
        call.send(None)


@pytest.mark.parametrize("end", ["throw", "close"])
async def test_the_full_way_is_ended_together_with_the_call(twin: Twin, end: str) -> None:
    client = Client(twin)

    async def way(*_: object) -> Any:
        try:
            await asyncio.sleep(0)
        finally:
            client.done.append("ended")

    client.way = way
    call = client.call()
    call.send(None)
    if end == "close":
        call.close()
    else:
        with pytest.raises(asyncio.CancelledError):
            call.throw(asyncio.CancelledError())
    assert client.done == ["full GET", "ended"]
    with pytest.raises(RuntimeError, match="cannot reuse"):
        call.send(None)


async def test_another_function_in_place_of_the_full_way_is_called_at_once(twin: Twin) -> None:
    client = Client(twin)
    await client.warm()

    async def other(method: str, url: Any, **options: Any) -> Any:
        return method, url, options

    call = twin.call.Call(other, client.plan, "GET", 3, {"a": 1})
    assert repr(call) == "<Call GET sending>"
    assert await call == ("GET", 3, {"a": 1})


async def test_a_function_that_raises_instead_of_returning_a_coroutine_leaves_no_warning(twin: Twin) -> None:
    client = Client(twin)

    def other(*_: object, **__: object) -> Any:
        raise LookupError("other")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LookupError, match="other"):
            twin.call.Call(other, client.plan, "GET", "http://h/", {})
        gc.collect()


async def test_a_future_in_place_of_a_coroutine_is_waited_for(twin: Twin) -> None:
    client = Client(twin)
    future = client.loop.create_future()
    client.loop.call_soon(future.set_result, "done")
    assert await twin.call.Call(lambda *_: future, client.plan, "GET", "http://h/", {}) == "done"


# --- done -------------------------------------------------------------------------------------------------


async def test_a_call_is_awaited_once(twin: Twin) -> None:
    client = Client(twin)
    for plain in (True, False):
        client.plan.plain = plain
        call = client.call()
        if plain:
            task, transport = await _begun(client, call)
            transport.deliver(HELLO)
            await task
        else:
            await call
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await call
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            async with call:
                pass
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            call.throw(KeyError("x"))
        call.close()


# --- the block of `async with` ----------------------------------------------------------------------------


async def test_the_block_of_a_plain_call_is_entered_and_left_without_a_coroutine(twin: Twin) -> None:
    client = Client(twin)
    lease = await client.warm()
    client.loop.call_soon(lambda: lease.connection.transport.deliver(HELLO))
    async with client.call() as response:
        assert response._in_context
    assert response.left == ["at once"]


async def test_the_block_of_a_full_call_is_left_at_once_too_if_the_response_is_whole(twin: Twin) -> None:
    async with Client(twin).call() as response:
        assert response._in_context
    assert response.left == ["at once"]


async def test_the_block_of_a_response_with_more_to_come_awaits_its_end(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Response, "leave", lambda self: False)
    async with Client(twin).call() as response:
        assert response._in_context
    assert response.left == ["awaited"]


async def test_a_response_of_another_class_is_entered_by_its_own_method(twin: Twin) -> None:
    client = Client(twin)
    other = EnteredResponse(None, None, 200, b"")

    async def way(*_: object) -> Any:
        return other

    client.way = way
    async with client.call() as entered:
        assert entered == ("entered", other)
    assert other.left == ["awaited"]


# --- whatever drives coroutines ---------------------------------------------------------------------------


async def test_a_call_is_a_coroutine_to_the_standard_library(twin: Twin) -> None:
    call = Client(twin).call()
    assert isinstance(call, collections.abc.Coroutine)
    assert isinstance(call, collections.abc.Awaitable)
    assert inspect.isawaitable(call)
    assert asyncio.iscoroutine(call)
    call.close()


async def _by_task(call: Any) -> Any:
    return await asyncio.create_task(call)


async def _by_gather(call: Any) -> Any:
    return (await asyncio.gather(call))[0]


async def _by_wait_for(call: Any) -> Any:
    return await asyncio.wait_for(call, 60)


async def _by_shield(call: Any) -> Any:
    return await asyncio.shield(call)


async def _by_group(call: Any) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call)
    return task.result()


async def _by_timeout(call: Any) -> Any:
    async with asyncio.timeout(60):
        return await call


async def _by_wait(call: Any) -> Any:
    done, _ = await asyncio.wait([asyncio.ensure_future(call)])
    return done.pop().result()


DRIVERS = [_by_task, _by_gather, _by_wait_for, _by_shield, _by_group, _by_timeout, _by_wait]


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("eager", [False, True], ids=["", "eager"])
@pytest.mark.parametrize("drive", DRIVERS)
async def test_a_call_can_be_driven_like_a_coroutine(
    twin: Twin, drive: Callable[[Any], Awaitable[Any]], eager: bool, debug: bool
) -> None:
    if eager and sys.version_info < (3, 12):
        pytest.skip("there are no eager tasks before Python 3.12")
    client = Client(twin)
    client.loop.set_debug(debug or client.loop.get_debug())
    if eager:
        client.loop.set_task_factory(begin_at_once)
    serving = asyncio.ensure_future(_deliver(await client.warm(), HELLO))
    assert (await drive(client.call())).body == b"hello"
    await serving
    client.plan.plain = False
    assert (await drive(client.call())).body == b"full"


@pytest.mark.parametrize("drive", DRIVERS)
async def test_a_cancelled_driver_closes_the_connection(twin: Twin, drive: Callable[[Any], Awaitable[Any]]) -> None:
    client = Client(twin)
    lease = await client.warm()
    task = asyncio.ensure_future(drive(client.call()))
    await eventually(lambda: lease.connection.transport.written)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if drive in (_by_shield, _by_wait):
        assert not lease.closed
        lease.connection.transport.deliver(HELLO)
    else:
        assert lease.closed
    assert client.pool.slots.taken == 0
    await asyncio.sleep(0)


async def test_a_timeout_ends_a_call_that_waits(twin: Twin) -> None:
    client = Client(twin)
    lease = await client.warm()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await client.call()
    assert lease.closed


async def test_a_connection_that_is_closed_elsewhere_ends_the_call(twin: Twin) -> None:
    client = Client(twin)
    task, _ = await _begun(client, client.call())
    client.pool.close()
    with pytest.raises(ClientConnectionError, match="Connection closed"):
        await task


async def test_the_full_way_runs_in_the_context_of_the_task(twin: Twin) -> None:
    client = Client(twin)
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    async def way(*_: object) -> Any:
        return variable.get()

    client.way = way
    variable.set("outer")
    call = client.call()
    context = contextvars.copy_context()
    context.run(variable.set, "inner")
    assert await asyncio.create_task(call, context=context) == "inner"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((KeyError("x"),), "KeyError('x')"),
        ((KeyError,), "KeyError()"),
        ((KeyError, "x"), "KeyError('x')"),
        ((KeyError, ("x", "y")), "KeyError('x', 'y')"),
        ((KeyError, KeyError("x")), "KeyError('x')"),
        ((KeyError, None, None), "KeyError()"),
        ((3,), "TypeError('exceptions must be classes or instances deriving from BaseException, not int')"),
        ((int,), "TypeError('exceptions must be classes or instances deriving from BaseException, not int')"),
    ],
    ids=repr,
)
async def test_throw_takes_an_exception_in_all_forms(twin: Twin, arguments: tuple[Any, ...], expected: str) -> None:
    call = Client(twin).call()
    try:
        call.throw(*arguments)
    except Exception as error:
        assert repr(error) == expected  # noqa: PT017  (of any class)
    else:
        pytest.fail("nothing was raised")
    call.close()
