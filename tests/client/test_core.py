"""What the requests of a session share: the plan of plain calls, the jar, the connector, the environment."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from yarl import URL

import gazelle
from gazelle.auth import BasicAuth
from gazelle.client.core import Core
from gazelle.client.response import ClientResponse
from gazelle.net.environment import NetrcFile
from tests.support.calls import core_of


async def elsewhere(request: Any, handler: Any) -> Any:
    return await handler(request)


class OwnResponse(ClientResponse):
    """A response class of the caller."""


class OwnConnector(gazelle.TCPConnector):
    """A connector that gives out connections itself."""

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        return await super().connect(req, traces, timeout)


@pytest.mark.parametrize(
    "settings",
    [
        {"middlewares": [elsewhere]},
        {"response_class": OwnResponse},
        {"base_url": URL("http://h/?a/", encoded=True)},
    ],
)
async def test_settings_that_need_the_full_way_leave_no_plain_calls(settings: dict[str, Any]) -> None:
    async with gazelle.ClientSession(**settings) as session:
        assert core_of(session).plan.plain is False


async def test_the_plan_has_the_parts_of_the_session() -> None:
    async with gazelle.ClientSession(retry=False, raise_for_status=True) as session:
        core = core_of(session)
        plan = core.plan
        assert plan.policy is core.policy
        assert plan.settings is core.policy.settings
        assert plan.origins is core.builder.origins
        assert (plan.retry, plan.error_from, plan.known_until) == (False, 400, inf)
        assert (plan.base, plan.base_site) == ("", "")


async def test_the_base_url_is_split_for_plain_calls() -> None:
    async with gazelle.ClientSession("http://h:81/api/") as session:
        plan = core_of(session).plan
        assert (plan.base_site, plan.base) == ("http://h:81", "http://h:81/api/")


async def test_another_jar_replaces_the_cookies_of_all_calls_and_drops_the_origins() -> None:
    async with gazelle.ClientSession() as session:
        core = core_of(session)
        core.builder.open_origin("http://h")
        assert len(core.builder.origins) == 1
        jar = gazelle.CookieJar()
        core.jar = jar
        assert core.jar is core.builder.cookies.jar is jar
        assert core.plan.stored is jar.by_domain
        assert len(core.builder.origins) == 0
        core.jar = gazelle.DummyCookieJar()
        assert core.plan.stored == {}


async def test_plain_calls_use_the_pool_unless_connect_is_overridden() -> None:
    async with gazelle.ClientSession() as session:
        core = core_of(session)
        connector = core.open_connector()
        assert core.plan.pool is connector.pool
        allowed = core.plan.allows(0.0)  # not with GAZELLE_PLAIN=0
        async with OwnConnector() as own:
            core.set_connector(own)
            assert core.plan.pool is own.pool
            assert core.plan.allows(0.0) is False
            assert core.open_connector() is own
        core.set_connector(None)
        assert core.plan.pool is None
        assert core.plan.allows(0.0) is False
        core.set_connector(connector)
        assert core.plan.allows(0.0) is allowed


async def test_a_closed_connector_and_none_are_a_closed_session() -> None:
    session = gazelle.ClientSession()
    core = core_of(session)
    connector = core.open_connector()
    await connector.close()
    with pytest.raises(RuntimeError, match="Session is closed"):
        core.open_connector()
    core.set_connector(None)
    with pytest.raises(RuntimeError, match="Session is closed"):
        core.open_connector()
    await session.close()


# The environment.


class Netrc(NetrcFile):
    """A netrc file whose contents the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = True
        self.read_count = 0
        self.login = "one"

    async def refresh(self) -> bool:
        self.read_count += 1
        self.known_until = inf
        return self.changed

    def find(self, host: str) -> BasicAuth | None:
        return BasicAuth(self.login)


def core_with(netrc: Netrc, session: gazelle.ClientSession) -> Core:
    core = core_of(session)
    core.netrc = netrc
    core.plan.known_until = -inf
    return core


async def test_origins_are_forgotten_when_the_environment_has_changed() -> None:
    async with gazelle.ClientSession() as session:
        netrc = Netrc()
        core = core_with(netrc, session)
        core.builder.open_origin("http://h")
        await core.learn_environment()
        assert len(core.builder.origins) == 0
        assert (netrc.read_count, core.plan.known_until) == (1, inf)
        core.builder.open_origin("http://h")
        await core.learn_environment()  # it is known until further notice
        assert (netrc.read_count, len(core.builder.origins)) == (1, 1)


async def test_origins_are_kept_when_the_environment_is_the_same() -> None:
    async with gazelle.ClientSession() as session:
        netrc = Netrc()
        netrc.changed = False
        core = core_with(netrc, session)
        core.builder.open_origin("http://h")
        await core.learn_environment()
        assert len(core.builder.origins) == 1


async def test_without_netrc_there_is_nothing_to_learn() -> None:
    async with gazelle.ClientSession() as session:
        core = core_of(session)
        core.plan.known_until = -inf
        await core.learn_environment()
        assert core.plan.known_until == -inf


@pytest.mark.parametrize("trusted", [False, True])
async def test_calls_are_not_plain_until_the_environment_is_known(trusted: bool) -> None:
    async with gazelle.ClientSession(trust_env=trusted) as session:
        core = core_of(session)
        assert core.plan.known_until == (-inf if trusted else inf)
        assert (core.netrc is not None) is trusted
