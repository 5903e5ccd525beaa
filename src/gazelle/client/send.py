"""The way of a request: a connection, one exchange, a response."""

import asyncio
from time import monotonic

from gazelle._impl import HttpConnection
from gazelle.errors import ClientOSError, ClientResponseError, HttpProcessingError, ServerDisconnectedError
from gazelle.net.connector import BaseConnector, Connection
from gazelle.net.stream import StreamReader

from .policy import Policy
from .request import ClientRequest
from .response import ClientResponse


async def send(connector: BaseConnector, request: ClientRequest, policy: Policy) -> ClientResponse:
    """Sends a request and returns its response, as soon as the head is there.

    The server may close an idle connection at the moment it is used again. A request for which being sent twice is the
    same as being sent once is then sent again, on a new connection (RFC 9112 §9.3.1).

    Raises:
        ClientError: no connection, no valid response, or a status that is an error; see its subclasses.
        TimeoutError: a time limit was exceeded.
    """
    start = monotonic()
    retry = request.idempotent
    connection = connector.take(request.connection_key)
    if connection is None:
        connection = await _open(connector, request, policy, start)
    while True:
        generation = connection.generation + 1
        try:
            head = await connection.exchange(
                request.head,
                request.body,
                request.method,
                policy.open_stream,
                policy.total,
                start,
                policy.sock_read,
                policy.read_until_eof,
            )
            break
        except (ServerDisconnectedError, ClientOSError):
            if not retry or not connection.reused or connection.response_started:
                raise
            retry = False
        except HttpProcessingError as error:
            raise ClientResponseError(
                request.request_info, (), status=error.code, message=error.message, headers=error.headers
            ) from error
        except BaseException:
            # A cancellation can come after the exchange was over: then the connection is idle, or serves another.
            if connection.busy and connection.generation == generation:
                connection.close()
            raise
        connection = await _open(connector, request, policy, start, reuse=False)
    handle = None
    body = head.body
    if type(body) is not bytes and isinstance(body, StreamReader) and not body.is_eof() and body.exception() is None:
        handle = Connection(connector, request.connection_key, connection)
    response = ClientResponse(request, head, handle, policy)
    if policy.raise_for_status:
        response.raise_for_status()
    return response


async def _open(
    connector: BaseConnector, request: ClientRequest, policy: Policy, start: float, *, reuse: bool = True
) -> HttpConnection:
    """Waits for a connection, within the total time limit too."""
    if not policy.total:
        return await connector.acquire(request, (), policy.timeout, reuse=reuse)
    try:
        async with asyncio.timeout(policy.total - (monotonic() - start)) as limit:
            return await connector.acquire(request, (), policy.timeout, reuse=reuse)
    except TimeoutError as error:
        if not limit.expired():
            raise
        key = request.connection_key
        raise TimeoutError(
            f"Total timeout of {policy.total:g} s exceeded getting a connection to {key.host}:{key.port}"
        ) from error
