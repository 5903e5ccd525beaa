"""Kinds that differ in the options of the session or of the call, or in what surrounds the call."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.canned import SMALL_BODY, reply
from benchmarks.macro.workloads import Site, Workload
from benchmarks.survey.kinds.answers import read

FIVE_COOKIES = "a=1; b=22; c=333; d=4444; e=55555"


async def with_auth(at: Site) -> Any:
    """auth= of the call."""
    async with at.session.get(at.url, auth=at.given) as response:
        return await response.read()


async def with_cookies(at: Site) -> Any:
    """cookies= of the call."""
    async with at.session.get(at.url, cookies={"sid": "3f9a6c1be2", "pref": "dark-4"}) as response:
        return await response.read()


async def without_redirects(at: Site) -> Any:
    """allow_redirects=False."""
    async with at.session.get(at.url, allow_redirects=False) as response:
        return await response.read()


async def without_verification(at: Site) -> Any:
    """ssl=False."""
    async with at.session.get(at.url, ssl=False) as response:
        return await response.read()


async def with_timeout(at: Site) -> Any:
    """timeout=, the same object for every call."""
    async with at.session.get(at.url, timeout=at.given) as response:
        return await response.read()


async def by_url_object(at: Site) -> Any:
    """A URL that is a yarl.URL."""
    async with at.session.get(at.given) as response:
        return await response.read()


async def by_method_name(at: Site) -> Any:
    """The method as a string."""
    async with at.session.request("GET", at.url) as response:
        return await response.read()


async def with_params_list(at: Site) -> Any:
    """params= as a list of pairs with characters outside ASCII."""
    pairs = [("q", "Thomsongazelle läuft"), ("tag", "savanna"), ("tag", "bovid"), ("page", str(at.next()))]
    async with at.session.get(at.url, params=pairs) as response:
        return await response.read()


async def in_wait_for(at: Site) -> Any:
    """A call that asyncio.wait_for limits."""
    return await asyncio.wait_for(read(at), 30)


async def in_asyncio_timeout(at: Site) -> Any:
    """A call that asyncio.timeout limits."""
    async with asyncio.timeout(30):
        async with at.session.get(at.url) as response:
            return await response.read()


async def in_own_task(at: Site) -> Any:
    """A call that runs in a task of its own."""
    return await asyncio.create_task(read(at))


def make_url(at: Site) -> Any:
    """The URL object that the session of either client takes."""
    from yarl import URL  # noqa: PLC0415  (the server and the floor do without it)

    return URL(at.url)


async def note_event(session: Any, context: Any, event: Any) -> None:
    """A trace callback that does nothing."""


def traced(api: Any) -> dict[str, Any]:
    """Session options with a TraceConfig with two callbacks."""
    config = api.TraceConfig()
    config.on_request_start.append(note_event)
    config.on_request_end.append(note_event)
    return {"trace_configs": [config]}


async def pass_on(request: Any, handler: Any) -> Any:
    """A middleware that only passes the request on."""
    return await handler(request)


def limited(api: Any) -> dict[str, Any]:
    """Session options with four limits of time."""
    return {"timeout": api.ClientTimeout(total=60, connect=10, sock_connect=10, sock_read=30)}


def authenticated(api: Any) -> dict[str, Any]:
    """Session options with basic authentication."""
    return {"auth": api.BasicAuth("springbok", "savanna")}


KINDS = (
    Workload(
        "jar_five",
        "five cookies of the jar",
        host="localhost",
        cookies=FIVE_COOKIES,
        login="/survey/login",
        replies={
            "/survey/login": [
                reply("200 OK", [("Set-Cookie", f"{one}; Path=/") for one in FIVE_COOKIES.split("; ")], SMALL_BODY)
            ]
        },
    ),
    Workload(
        "jar_dummy",
        "DummyCookieJar",
        call=read,
        session=lambda api: {"cookie_jar": api.DummyCookieJar()},
    ),
    Workload(
        "auth_call",
        "auth= of the call",
        call=with_auth,
        given=lambda at: at.api.BasicAuth("springbok", "savanna"),
    ),
    Workload("auth_session", "auth= of the session", call=read, session=authenticated),
    Workload(
        "headers_session",
        "two headers of the session",
        call=read,
        session=lambda api: {"headers": {"Accept-Language": "en-GB", "X-Client": "survey"}},
    ),
    Workload("cookies_call", "cookies= of the call", call=with_cookies),
    Workload("no_redirects", "allow_redirects=False", call=without_redirects),
    Workload("ssl_false", "ssl=False of the call", call=without_verification),
    Workload(
        "timeout_object",
        "timeout= of the call, one object",
        call=with_timeout,
        given=lambda at: at.api.ClientTimeout(total=30),
    ),
    Workload("timeout_session", "four limits of the session", call=read, session=limited),
    Workload("url_object", "a URL object", call=by_url_object, given=make_url),
    Workload("request_method", 's.request("GET", …)', call=by_method_name),
    Workload("params_list", "params= as a list, one not ASCII", "/any/search", call=with_params_list),
    Workload("trust_env", "trust_env=True of the session", call=read, session=lambda api: {"trust_env": True}),
    Workload("wait_for", "in asyncio.wait_for", call=in_wait_for),
    Workload("asyncio_timeout", "in asyncio.timeout", call=in_asyncio_timeout),
    Workload("own_task", "in a task of its own", call=in_own_task),
    Workload("traces", "a TraceConfig with two callbacks", call=read, session=traced),
    Workload("middleware", "one middleware", call=read, session=lambda api: {"middlewares": (pass_on,)}),
)
