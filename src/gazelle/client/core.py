"""What the requests of a session share, and what one call carries along."""

import os
from math import inf
from typing import Any, Final

from gazelle._impl import Plan, monotonic, split_url
from gazelle.abc import AbstractCookieJar
from gazelle.net.connector import CONNECT, BaseConnector
from gazelle.net.environment import NetrcFile

from .builder import RequestBuilder
from .cookie_field import CookieSource
from .observe import Observer
from .policy import Policy
from .response import ClientResponse

# GAZELLE_PLAIN=0 sends all calls the full way, which is how the test suite holds the two ways against each other.
_PLAIN_CALLS: Final = os.environ.get("GAZELLE_PLAIN", "1") != "0"


class Core:
    """What the requests of a session share. It does not know the session, so that a forgotten one is collected at once.

    Attributes:
        plan: the same for plain calls.
        builder: builds requests.
        policy: how requests are carried out that do not say otherwise.
        response_class: class of the responses.
        requote_redirect_url: whether URLs of redirects are made canonical.
        netrc: the netrc file, None if the environment is not asked.
        connector: the connector, None once the session is closed.
    """

    def __init__(
        self,
        builder: RequestBuilder,
        policy: Policy,
        response_class: type[ClientResponse],
        netrc: NetrcFile | None,
    ) -> None:
        self.builder = builder
        self.policy = policy
        self.response_class = response_class
        self.requote_redirect_url = True
        self.netrc = netrc
        self.connector: BaseConnector | None = None
        self.plan = self._make_plan()

    def _make_plan(self) -> Plan:
        plan, policy, builder = Plan(), self.policy, self.builder
        plan.plain = _PLAIN_CALLS and policy.uses_default_tls and not policy.middlewares
        plan.plain = plan.plain and self.response_class is ClientResponse
        plan.origins = builder.origins
        plan.open_origin = builder.open_origin
        plan.serialize = builder.serialize
        base = builder.locator.base_url
        parts = None if base is None else split_url(str(base))
        if base is not None and parts is not None and "?" not in parts[1]:
            plan.base_site = parts[0]
            plan.base = "".join(parts)
        plan.plain = plan.plain and (base is None or bool(plan.base))
        plan.known_until = inf if self.netrc is None else -inf
        plan.settings = policy.settings
        plan.policy = policy
        plan.retry = policy.retry
        if policy.raise_for_status:  # a function looks at every response
            plan.error_from = 0 if callable(policy.raise_for_status) else 400
        plan.connect = CONNECT
        plan.stored = builder.cookies.stored
        plan.cookies_for = builder.cookies.plain_line
        return plan

    @property
    def jar(self) -> AbstractCookieJar:
        """The cookies."""
        return self.builder.cookies.jar

    @jar.setter
    def jar(self, jar: AbstractCookieJar) -> None:
        cookies = self.builder.cookies = CookieSource(jar)
        self.builder.forget_origins()
        self.plan.stored = cookies.stored
        self.plan.cookies_for = cookies.plain_line

    def set_connector(self, connector: BaseConnector | None) -> None:
        """Use another connector, or none, which closes the session."""
        self.connector = self.plan.connector = connector
        self.plan.pool = None
        if isinstance(connector, BaseConnector):
            self.plan.pool = connector.pool
            self.builder.use_connections_of(connector.pool.bucket)

    def open_connector(self) -> BaseConnector:
        """Return the connector.

        Raises:
            RuntimeError: it is closed, or the session is.
        """
        connector = self.connector
        if connector is None or connector.closed:
            raise RuntimeError("Session is closed")
        return connector

    async def learn_environment(self) -> None:
        """Bring what is known of the environment up to date. Origins hold credentials of it, so they are forgotten."""
        if self.netrc is not None and monotonic() > self.plan.known_until:
            if await self.netrc.refresh():
                self.builder.forget_origins()
            self.plan.known_until = self.netrc.known_until


class Context:
    """What one call carries along.

    Args:
        core: what requests of the session share.
        session: the session, for middlewares.
        policy: how the call is carried out.
        start: when it began (`time.monotonic` seconds).
        observer: its traces, None if there are none.
    """

    __slots__ = ("core", "observer", "policy", "session", "start")

    def __init__(
        self, core: Core, session: Any, policy: Policy, start: float, observer: Observer | None = None
    ) -> None:
        self.core = core
        self.session = session
        self.policy = policy
        self.start = start
        self.observer = observer
