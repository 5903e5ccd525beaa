"""What one call of a session carries along, for tests that enter a call in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

import gazelle
from gazelle.client.content import Content
from gazelle.client.core import Context, Core
from gazelle.client.observe import Observer
from gazelle.client.options import check_settings
from gazelle.client.request import ClientRequest


def core_of(session: gazelle.ClientSession) -> Core:
    return session._core


def context_of(session: gazelle.ClientSession, observer: Observer | None = None, **settings: Any) -> Context:
    """Return the context of a call that begins now, with settings of its own."""
    core = core_of(session)
    policy = core.policy.override(settings, check_settings) if settings else core.policy
    return Context(core, session, policy, monotonic(), observer)


def request_of(context: Context, method: str, url: str, **content: Any) -> ClientRequest:
    """Return the request that a call makes."""
    location = context.core.builder.locator.locate(url, content.get("params"))
    return context.core.builder.build(context.policy, method, location, Content(content))


async def observer_of(
    session: gazelle.ClientSession, configs: Sequence[gazelle.TraceConfig], method: str, url: Any, **content: Any
) -> tuple[Observer, Content]:
    """Return the observer of a call that starts, and what the call sends."""
    for config in configs:
        config.freeze()
    return await Observer.begin(session, configs, (method, url), Content(content), None)
