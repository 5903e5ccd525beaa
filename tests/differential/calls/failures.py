"""Lost connections, time limits, TLS, and arguments that make no sense."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

from tests.differential.call import Call, Library, Options, fixed, greet
from tests.support.server import Early, Script, Step, fin, response, rst, send, sleep, stall

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

BREAKS: dict[str, Script] = {
    "at once": [fin()],
    "reset at once": [rst()],
    "in the status line": [send(b"HTTP/1.1 20"), fin()],
    "in the head": [send(b"HTTP/1.1 200 OK\r\nContent-Le"), fin()],
    "before the body": [send(HEAD), fin()],
    "in the body": [send(HEAD + b"abc"), fin()],
    "reset in the body": [send(HEAD + b"abc"), rst()],
    "before a chunk": [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), fin()],
    "in a chunk": [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), fin()],
    "between chunks": [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"), fin()],
    "in the trailers": [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T"), fin()],
    "after 100": [send(b"HTTP/1.1 100 Continue\r\n\r\n"), fin()],
    "after the body": [send(response(b"abc")), fin()],
    "reset after the body": [send(response(b"abc")), rst()],
    "before the request body": Early([fin()]),
    "with an answer before the request body": Early(
        [send(response(b"no", status="413 Big", headers="Connection: close")), fin()]
    ),
    "bytes after the body": [send(response(b"abc") + b"rubbish")],
    "two replies": [send(response(b"abc") + response(b"def"))],
    "line end after the body": [send(response(b"abc") + b"\r\n")],
    "not http": [send(b"SSH-2.0-OpenSSH_9.0\r\n"), fin()],
    "empty lines": [send(b"\r\n\r\n"), fin()],
    "bad chunk": [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), fin()],
    "bad chunk later": [
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        sleep(0.02),
        send(b"xyz\r\n"),
        fin(),
    ],
    "bad chunk end": [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde0\r\n\r\n"), fin()],
    "unrequested 101": [send(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), fin()],
}

SILENCE: dict[str, Script] = {
    "before the head": [stall()],
    "in the head": [send(b"HTTP/1.1 200 OK\r\n"), stall()],
    "in the body": [send(HEAD + b"abc"), stall()],
    "in a chunk": [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), stall()],
    "after a redirect": [send(b"HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n")],
}

LIMITS: dict[str, Options] = {
    "total": lambda library: {"timeout": library.ClientTimeout(total=0.08)},
    "sock_read": lambda library: {"timeout": library.ClientTimeout(sock_read=0.08)},
    "number": fixed(timeout=0.08),
}

ARGUMENTS: dict[str, Options] = {
    "timeout a str": fixed(timeout="1"),
    "timeout a tuple": fixed(timeout=(1, 2)),
    "timeout None": fixed(timeout=None),
    "timeout 0": fixed(timeout=0),
    "timeout negative": fixed(timeout=-1),
    "timeout negative field": lambda library: {"timeout": library.ClientTimeout(total=-1)},
    "ssl a str": fixed(ssl="yes"),
    "ssl None": fixed(ssl=None),
    "ssl False": fixed(ssl=False),
    "ssl True": fixed(ssl=True),
    "verify_ssl": fixed(verify_ssl=False),
    "ssl_context": lambda _: {"ssl_context": ssl.create_default_context()},
    "fingerprint": fixed(fingerprint=b"\0" * 32),
    "fingerprint short": fixed(fingerprint=b"\0" * 16),
    "verify_ssl and ssl": fixed(verify_ssl=False, ssl=False),
    "verify_ssl and ssl_context": lambda _: {"verify_ssl": False, "ssl_context": ssl.create_default_context()},
    "read_bufsize": fixed(read_bufsize=1024),
    "read_bufsize 0": fixed(read_bufsize=0),
    "max_redirects a str": fixed(max_redirects="1"),
    "unknown": fixed(no_such=1),
    "encoding": fixed(encoding="utf-8"),
    "compress unknown": fixed(data=b"abc", compress="x-mine"),
    "compress br": fixed(data=b"abc", compress="br"),
    "chunked a number": fixed(data=b"abc", chunked=1024),
    "expect100 None": fixed(data=b"abc", expect100=None),
    "raise_for_status None": fixed(raise_for_status=None),
    "allow_redirects None": fixed(allow_redirects=None),
    "params and data": fixed(params={"a": "1"}, data=b"abc"),
    "max_line_size": fixed(max_line_size=10),
    "max_field_size": fixed(max_field_size=10),
    "max_headers": fixed(max_headers=1),
    "server_hostname": fixed(server_hostname="a.example"),
    "trace_request_ctx": fixed(trace_request_ctx={"a": 1}),
    "middlewares none": fixed(middlewares=()),
    "auto_decompress": fixed(auto_decompress=False),
    "proxy None": fixed(proxy=None, proxy_auth=None, proxy_headers=None),
    "proxy without fields": fixed(proxy=None, proxy_headers={}),
    "proxy": fixed(proxy="http://127.0.0.1:1"),
    "proxy_auth": lambda library: {"proxy_auth": library.BasicAuth("u", "p")},
    "proxy_headers": fixed(proxy_headers={"X-A": "1"}),
}

SESSIONS: dict[str, Options] = {
    "max_line_size": fixed(max_line_size=10),
    "max_field_size": fixed(max_field_size=10),
    "max_headers": fixed(max_headers=1),
    "read_timeout": fixed(read_timeout=5),
    "conn_timeout": fixed(conn_timeout=5),
    "loop None": fixed(loop=None),
    "trust_env": fixed(trust_env=True),
    "proxy None": fixed(proxy=None, proxy_auth=None),
    "proxy": fixed(proxy="http://127.0.0.1:1"),
    "proxy_auth": lambda library: {"proxy_auth": library.BasicAuth("u", "p")},
    "no trace_configs": fixed(trace_configs=None),
    "trace_configs": lambda library: {"trace_configs": [library.TraceConfig()]},
    "ssl_shutdown_timeout": fixed(ssl_shutdown_timeout=1),
    "fallback_charset_resolver": fixed(fallback_charset_resolver=lambda _response, _body: "latin-1"),
    "connector_owner": fixed(connector_owner=True),
    "limits": lambda library: {"connector": library.TCPConnector(limit=1, limit_per_host=1)},
    "no limits": lambda library: {"connector": library.TCPConnector(limit=0)},
    "keepalive_timeout": lambda library: {"connector": library.TCPConnector(keepalive_timeout=1)},
    "keepalive_timeout and force_close": lambda library: {"connector": library.TCPConnector(keepalive_timeout=1, force_close=True)},
    "limit None": lambda library: {"connector": library.TCPConnector(limit=None)},
    "family": lambda library: {"connector": library.TCPConnector(family=socket.AF_INET)},
    "no DNS cache": lambda library: {"connector": library.TCPConnector(use_dns_cache=False)},
    "happy_eyeballs_delay": lambda library: {"connector": library.TCPConnector(happy_eyeballs_delay=None)},
    "local_addr": lambda library: {"connector": library.TCPConnector(local_addr=("127.0.0.1", 0))},
}  # fmt: skip


def _trusting(_: Library) -> dict[str, Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


TLS: dict[str, tuple[str, Options]] = {
    "not checked": ("https://localhost:{port}/", fixed(ssl=False)),
    "own context": ("https://localhost:{port}/", _trusting),
    "not trusted": ("https://localhost:{port}/", fixed()),
    "fingerprint wrong": ("https://localhost:{port}/", lambda library: {"ssl": library.Fingerprint(b"\0" * 32)}),
    "http to https": ("http://localhost:{port}/", fixed()),
    "Secure cookie": ("https://localhost:{port}/", fixed(ssl=False)),
}


def calls() -> Iterator[Call]:
    """The calls of this theme."""
    for kind, script in BREAKS.items():
        for method in ("GET", "POST"):
            options = fixed(timeout=0.5) if method == "GET" else fixed(timeout=0.5, data=b"abc")
            yield Call(f"failures/broken off {kind}/{method}", method, options=options, routes={"*": script})
    for kind, limit in LIMITS.items():
        for silence, script in SILENCE.items():
            yield Call(f"failures/silence {silence}/{kind}", options=limit, routes={"/end": [stall()], "*": script})
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        for kind, options in (("no body", fixed()), ("body", fixed(data=b"abc"))):
            yield Call(f"failures/lost while idle/{method} {kind}", talk=_stale(method, options), routes=_one_only())
            yield Call(
                f"failures/lost at the second request/{method} {kind}",
                talk=_stale(method, options, wait=False),
                routes=_second_lost(),
            )
    for kind, options in ARGUMENTS.items():
        yield Call(f"failures/arguments/{kind}", "POST", options=options)
    for kind, options in SESSIONS.items():
        yield Call(f"failures/session arguments/{kind}", session=options, times=2)
    for kind, (url, options) in TLS.items():
        cookies: dict[str, Script] = {"*": [send(response(b"ok", headers="Set-Cookie: a=1; Secure"))]}
        routes: dict[str, Script] = cookies if "cookie" in kind else {"*": greet}
        yield Call(f"failures/tls/{kind}", url=url, options=options, tls=True, times=2, routes=routes)
    yield Call("failures/connecting/refused", talk=_refused)
    yield Call("failures/connecting/no such host", url="http://nowhere.invalid/")
    yield Call("failures/session closed", talk=_closed)
    yield Call("failures/session detached", talk=_detached)
    yield Call("failures/sync with", talk=_sync)
    yield Call("failures/connector closed", talk=_connector_closed)
    yield Call("failures/keep-alive", times=3)
    yield Call("failures/keep-alive over methods", talk=_methods)
    yield Call(
        "failures/not read",
        talk=_not_read,
        routes={"*": [send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)]},
    )
    yield Call("failures/session properties", talk=_properties)
    yield Call("failures/request function", talk=_function)


def _one_only() -> dict[str, Script]:
    return {"*": [greet, fin()]}


def _second_lost() -> dict[str, Script]:
    async def script(peer: Any) -> None:
        if len(peer.requests) > 1:
            await peer.close()
            peer.lost = True
        else:
            await greet(peer)

    return {"*": script}


def _stale(method: str, options: Options, *, wait: bool = True) -> Any:
    steps: list[Step] = [sleep(0.01)]

    async def talk(library: Library, session: Any, base: str) -> object:
        async with session.get(base) as response:
            await response.read()
        if wait:
            await steps[0](None)  # type: ignore[arg-type]
        async with session.request(method, base, **options(library)) as response:
            return response.status

    return talk


async def _refused(_: Library, session: Any, __: str) -> object:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    try:
        async with session.get(f"http://127.0.0.1:{port}/") as response:
            return response.status
    except OSError as error:
        return (
            type(error).__name__,
            error.errno,
            getattr(error, "host", None),
            getattr(error, "ssl", None),
            type(getattr(error, "os_error", None)).__name__,
        )


async def _closed(_: Library, session: Any, base: str) -> object:
    await session.close()
    seen = session.closed, session.connector
    try:
        await session.get(base)
    except RuntimeError as error:
        return *seen, str(error)
    return seen


async def _detached(_: Library, session: Any, __: str) -> object:
    connector = session.connector
    session.detach()
    seen = session.closed, connector.closed
    await connector.close()
    return seen, connector.closed


async def _sync(_: Library, session: Any, __: str) -> object:
    with session:
        return "entered"


async def _connector_closed(_: Library, session: Any, base: str) -> object:
    await session.connector.close()
    async with session.get(base) as response:
        return response.status


async def _methods(_: Library, session: Any, base: str) -> object:
    seen = []
    for name in ("get", "options", "head", "post", "put", "patch", "delete"):
        response = await getattr(session, name)(base)
        seen.append((response.method, len(await response.read()), response.closed, response.connection is None))
    return seen


async def _not_read(_: Library, session: Any, base: str) -> object:
    for _turn in range(2):
        async with session.get(base) as response:
            await response.content.read(10)
    return response.closed


async def _properties(library: Library, _: Any, __: str) -> object:
    async with library.ClientSession(
        headers={"X-A": "1"}, auth=library.BasicAuth("a", "b"), skip_auto_headers=["User-Agent"]
    ) as session:
        timeout = session.timeout
        return (
            session.closed, session.connector_owner, session.auto_decompress, session.raise_for_status, session.trust_env, session.requote_redirect_url, tuple(session.version), list(session.headers.items()),
            sorted(session.skip_auto_headers), tuple(session.auth), session.trace_configs, type(session.cookie_jar).__name__, type(session.connector).__name__, (timeout.total, timeout.sock_connect),
            (session.connector.limit, session.connector.limit_per_host, session.connector.force_close, session.connector.family, session.connector.use_dns_cache), session.json_serialize.__name__,
        )  # fmt: skip


async def _function(library: Library, _: Any, base: str) -> object:
    async with library.request("POST", base, data=b"abc", headers={"X-A": "1"}) as response:
        return response.status, await response.read()
