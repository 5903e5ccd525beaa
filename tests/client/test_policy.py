"""The settings of a session and of a call: what is remembered of calls, and what is not."""

from __future__ import annotations

import asyncio
import gc
import ssl
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import gazelle
from gazelle.client.options import CALL_DEFAULTS, OF_CALL, OF_SESSION, check_settings
from gazelle.client.policy import Policy, look_at_status
from gazelle.timeouts import DEFAULT_TIMEOUT
from tests.support.clean import assert_clean
from tests.support.server import ScriptedServer, response, send

MISSING = {"*": [send(response(b"gone", status="404 Not Found"))]}
ENGINE = ("settings", "traced_settings")
STREAMS = ("open_stream", "open_traced_stream")


def make_policy(**changes: Any) -> Policy:
    """The policy of a session that was given nothing else."""
    defaults = {name: OF_SESSION[name].session for name in Policy.NAMES if name in OF_SESSION}
    return Policy(CALL_DEFAULTS | defaults | {"timeout": DEFAULT_TIMEOUT} | changes)


def override(policy: Policy, **settings: Any) -> Policy:
    return policy.override(settings, check_settings)


# --- overriding --------------------------------------------------------------------------------------------------


CHANGES: dict[str, Any] = {
    "allow_redirects": False,
    "auto_decompress": False,
    "error_body_size": 100,
    "max_field_size": 9,
    "max_headers": 9,
    "max_line_size": 9,
    "max_redirects": 3,
    "middlewares": (print,),
    "raise_for_status": True,
    "read_bufsize": 9,
    "read_until_eof": False,
    "retry": False,
    "server_hostname": "a.test",
    "ssl": False,
    "timeout": gazelle.ClientTimeout(total=7, sock_read=3),
}


def test_the_changes_below_are_of_every_setting() -> None:
    assert set(CHANGES) == set(Policy.NAMES)


@pytest.mark.parametrize("name", Policy.NAMES)
def test_an_override_changes_what_it_names_and_nothing_else(name: str) -> None:
    def resolver(response: Any, body: bytes) -> str:
        return "utf-8"

    policy = Policy({each: getattr(make_policy(), each) for each in Policy.NAMES}, resolver)
    before = {each: getattr(policy, each) for each in Policy.NAMES}
    made = override(policy, **{name: CHANGES[name]})
    assert {each: getattr(made, each) for each in Policy.NAMES} == before | {name: CHANGES[name]}
    assert {each: getattr(policy, each) for each in Policy.NAMES} == before
    assert made.charset_resolver is resolver


@pytest.mark.parametrize("name", Policy.NAMES)
def test_what_is_derived_from_settings_is_that_of_a_policy_made_with_them(name: str) -> None:
    made, direct = override(make_policy(), **{name: CHANGES[name]}), make_policy(**{name: CHANGES[name]})
    assert (made.total, made.uses_default_tls) == (direct.total, direct.uses_default_tls)
    changed = {"auto_decompress", "read_bufsize"}
    engine = changed | {"max_field_size", "max_headers", "max_line_size", "read_until_eof", "timeout"}
    base = make_policy()
    made = override(base, **{name: CHANGES[name]})
    for derived in ENGINE:
        assert (getattr(made, derived) is getattr(base, derived)) == (name not in engine)
    for derived in STREAMS:
        assert (getattr(made, derived) is getattr(base, derived)) == (name not in changed)


def test_a_policy_uses_default_tls_only_with_the_default_checks_and_the_name_of_the_url() -> None:
    policy = make_policy()
    assert policy.uses_default_tls
    for settings in ({"ssl": False}, {"server_hostname": "a.test"}, {"ssl": gazelle.Fingerprint(bytes(32))}):
        assert not override(policy, **settings).uses_default_tls
    assert override(policy, ssl=True, retry=False).uses_default_tls


def test_settings_that_change_nothing_give_the_same_policy() -> None:
    policy = make_policy()
    assert override(policy, server_hostname=None) is policy
    assert override(policy, proxy_headers={}) is policy


# --- remembering -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("timeout", lambda: 5),
        ("timeout", lambda: None),
        ("timeout", lambda: gazelle.ClientTimeout(total=5)),
        ("ssl", lambda: False),
        ("ssl", lambda: gazelle.Fingerprint(bytes(32))),
        ("server_hostname", lambda: "".join(["a.", "test"])),
        ("raise_for_status", lambda: True),
        ("max_redirects", lambda: 3),
    ],
)
def test_equal_small_values_are_checked_once_and_give_the_same_policy(name: str, make: Callable[[], Any]) -> None:
    policy = make_policy()
    checked = []

    def check(settings: Any) -> dict[str, Any]:
        checked.append(settings)
        return check_settings(settings)

    made = {id(policy.override({name: make()}, check)) for _ in range(5)}
    assert len(made) == len(checked) == 1


def test_equal_values_of_other_types_are_not_taken_for_each_other() -> None:
    policy = make_policy()
    assert override(policy, ssl=False).ssl is False
    with pytest.raises(TypeError, match="ssl"):
        override(policy, ssl=0)
    assert override(policy, max_redirects=1).max_redirects == 1
    with pytest.raises(TypeError, match="max_redirects"):
        override(policy, max_redirects=True)
    with pytest.raises(TypeError, match="max_redirects"):
        override(policy, max_redirects=1.0)
    assert override(policy, timeout=1).total == 1
    with pytest.raises(TypeError, match="timeout"):
        override(policy, timeout=True)


def test_names_and_values_are_not_taken_for_each_other() -> None:
    policy = make_policy()
    one = override(policy, max_headers=1, max_line_size=2)
    other = override(policy, max_headers=2, max_line_size=1)
    assert (one.max_headers, one.max_line_size, other.max_headers, other.max_line_size) == (1, 2, 2, 1)
    assert override(policy, server_hostname="retry").server_hostname == "retry"


def test_what_was_refused_is_refused_again() -> None:
    policy = make_policy()
    for _ in range(3):
        with pytest.raises(ValueError, match="max_headers"):
            override(policy, max_headers=-1)
        with pytest.raises(ValueError, match="timeout"):
            override(policy, timeout=float("nan"))


def remembered(policy: Policy) -> int:
    """The number of policies that a policy keeps alive."""
    return len(policy._overrides)


def test_the_memory_is_bounded_and_a_call_works_as_well_when_it_is_full() -> None:
    policy = make_policy()
    most = 0
    for number in range(500):
        assert override(policy, timeout=number + 0.5).total == number + 0.5
        most = max(most, remembered(policy))
    assert 1 < most <= 32


class Text(str):
    """A str that can be referred to weakly."""


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("raise_for_status", lambda: lambda response: None),
        ("middlewares", lambda: [lambda request, handler: handler(request)]),
        ("ssl", ssl.create_default_context),
        ("server_hostname", lambda: Text("a.test")),
    ],
)
def test_nothing_of_the_caller_outlives_the_call(name: str, make: Callable[[], Any]) -> None:
    policy = make_policy()
    value = make()
    alive = weakref.ref(value[0] if isinstance(value, list) else value)
    made = override(policy, **{name: value})
    assert getattr(made, name) is not None
    assert remembered(policy) == 0
    del made, value
    gc.collect()
    assert alive() is None


async def test_a_session_keeps_no_function_of_a_call() -> None:
    async def look(response: gazelle.ClientResponse) -> None:
        """Sees nothing wrong."""

    async def middleware(request: Any, handler: Any) -> Any:
        return await handler(request)

    alive = [weakref.ref(value) for value in (look, middleware)]
    async with ScriptedServer(MISSING) as server, gazelle.ClientSession() as session:
        options: Any = {"raise_for_status": look, "middlewares": [middleware]}
        async with session.get(server.url(), **options) as answer:
            assert answer.status == 404
        del answer, options, look, middleware
        gc.collect()
        assert [one() for one in alive] == [None, None]


# --- raise_for_status ----------------------------------------------------------------------------------------------


class Refused(Exception):
    """What a function raises that looks at a response."""


def plain(response: gazelle.ClientResponse) -> None:
    raise Refused(response.status)


async def coroutine(response: gazelle.ClientResponse) -> None:
    await asyncio.sleep(0)
    raise Refused(response.status)


def returns_a_coroutine(response: gazelle.ClientResponse) -> Any:
    return coroutine(response)


def returns_a_future(response: gazelle.ClientResponse) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(Refused(response.status))
    return future


class Looker:
    """An object that is called."""

    async def __call__(self, response: gazelle.ClientResponse) -> None:
        raise Refused(response.status)


LOOKS = [plain, coroutine, returns_a_coroutine, returns_a_future, Looker()]


@pytest.mark.parametrize("look", LOOKS)
async def test_any_function_may_look_at_the_status(look: Any) -> None:
    async with ScriptedServer(MISSING) as server:
        async with gazelle.ClientSession() as session:
            with pytest.raises(Refused, match="404"):
                await session.get(server.url(), raise_for_status=look)
            await assert_clean(session, server)
        async with gazelle.ClientSession(raise_for_status=look) as session:
            with pytest.raises(Refused, match="404"):
                await session.get(server.url())
            async with session.get(server.url(), raise_for_status=False) as answer:
                assert answer.status == 404
            await assert_clean(session, server)


async def test_a_plain_function_that_raises_nothing_leaves_the_response() -> None:
    seen: list[gazelle.ClientResponse] = []
    async with ScriptedServer(MISSING) as server, gazelle.ClientSession(raise_for_status=seen.append) as session:
        async with session.get(server.url()) as answer:
            assert await answer.read() == b"gone"
    assert [each.status for each in seen] == [404]


async def test_the_result_of_a_plain_function_means_nothing() -> None:
    for result in (None, True, 0, "x"):
        await look_at_status(lambda response, result=result: result, None)  # type: ignore[misc]


async def test_an_asynchronous_generator_is_not_taken_for_something_to_await() -> None:
    async def generate(response: Any) -> AsyncIterator[int]:
        yield 1

    await look_at_status(generate, None)  # type: ignore[arg-type]


def test_a_call_may_pass_each_setting_with_the_default_of_the_table() -> None:
    policy = make_policy()
    for name in Policy.NAMES:
        if name in CALL_DEFAULTS:
            assert getattr(override(policy, **{name: OF_CALL[name].call}), name) == OF_CALL[name].call
