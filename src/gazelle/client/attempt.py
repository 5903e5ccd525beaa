"""One exchange for a request, and another one where the connection had died unnoticed."""

import asyncio
from typing import Any, Final

from gazelle._impl import Answer, HttpConnection, Lease, WireRequest, monotonic
from gazelle.errors import ClientOSError, ClientResponseError, HttpProcessingError, ServerDisconnectedError
from gazelle.net.connection import Connection, ForeignLease, lease_of
from gazelle.net.connector import BaseConnector
from gazelle.net.stream import StreamReader

from .core import Context, Core
from .observe import Observer
from .policy import Policy
from .request import ClientRequest, complete
from .response import ClientResponse
from .tracker import UploadAttempt
from .upload import Upload

History = tuple[ClientResponse, ...]

_OF_SENDING: Final = frozenset({"on_request_headers_sent", "on_request_chunk_sent"})


async def attempt(context: Context, request: ClientRequest, history: History) -> ClientResponse:
    """Send a request and return its response when its head is there.

    The server may close an idle connection at the moment it is used again. A request for which being sent twice is the
    same as being sent once is then sent again, once, on a new connection (RFC 9112 §9.3.1, RFC 9110 §9.2.2).

    Raises:
        ClientError: no connection, or no valid response; see its subclasses.
        TimeoutError: a time limit was exceeded.
    """
    trial = await _begin(context, request)
    try:
        try:
            answer = await trial.run()
        except (ServerDisconnectedError, ClientOSError):
            if not trial.repeatable:
                raise
            trial = await _begin(context, request.renewed())
            answer = await trial.run()
    except HttpProcessingError as error:
        raise response_error(request, error, history) from error
    holder = trial.lease if trial.face is None else trial.holder
    response = respond(context.core, context.policy, request, answer, holder, history)
    if trial.upload is not None or context.observer is not None:
        response.attach(trial.upload, context.observer)
    if context.observer is not None and "on_response_headers_received" in context.observer.heard:
        await _tell_of_answer(context.observer, request, response)
    return response


class Trial:
    """One exchange on one connection.

    Args:
        context: of the call.
        request: what to send.
        lease: of the connection.
        face: what `BaseConnector.connect` has returned, kept alive as long as the exchange is under way.
        tracked: counts what is sent of the body.

    Attributes:
        upload: the body, if it is sent in pieces.
        repeatable: after a failure, whether the request may be sent once more.
    """

    __slots__ = ("_context", "_request", "_tracked", "face", "lease", "repeatable", "upload")

    def __init__(
        self,
        context: Context,
        request: ClientRequest,
        lease: "Lease | ForeignLease",
        face: Any,
        tracked: "UploadAttempt | None",
    ) -> None:
        self._context = context
        self._request = request
        self.face = face
        self._tracked = tracked
        self.lease = lease
        self.upload: Upload | None = None
        self.repeatable = False

    @property
    def holder(self) -> "Connection | Lease | ForeignLease":
        """The object that closes the connection if it is dropped: for a response whose body is still to come."""
        return self.face if isinstance(self.face, Connection) else self.lease

    async def run(self) -> Answer:
        """Return the answer; whatever happens instead leaves no connection and no upload behind."""
        request, observer, policy = self._request, self._context.observer, self._context.policy
        connection = self.lease.connection
        assert connection is not None
        settings = policy.settings
        if observer is not None and "on_response_chunk_received" in observer.heard:
            settings = policy.traced_settings
        tracked = self._tracked
        framing = request.framing
        uploading = framing is not None and framing.payload is not None
        waiter: asyncio.Future[Answer] | None = None
        try:
            waiter = connection.exchange(
                request.head, request.body, request.method, settings, self._context.start, uploading
            )
            if uploading:
                self.upload = Upload(connection, request, () if observer is None else observer.traces, tracked)
            if observer is not None and not _OF_SENDING.isdisjoint(observer.heard):
                await observer.sent(request)
            answer = await waiter
        except BaseException as error:
            # An error of a trace, raised before the exchange is over, says nothing about the connection.
            own = waiter is None or waiter.done()
            self.repeatable = own and self._is_repeatable(connection, error, unsent=waiter is None)
            self._abandon(connection, waiter)
            if self.upload is not None:
                await self.upload.stop()
            raise
        if tracked is not None and self.upload is None:
            tracked.sent_whole(len(request.body))
        return answer

    def _abandon(self, connection: HttpConnection, waiter: "asyncio.Future[Answer] | None") -> None:
        if waiter is not None:
            connection.abandon(waiter)  # a cancellation can come after the exchange was over
        if waiter is None or isinstance(self.lease, ForeignLease):
            self.lease.close()

    def _is_repeatable(self, protocol: HttpConnection, error: BaseException, *, unsent: bool) -> bool:
        request = self._request
        dead = protocol.reused and not protocol.response_started
        spent = request.payload is not None and request.payload.consumed
        return dead and self._context.policy.retry and (request.idempotent or unsent) and not spent


async def _tell_of_reuse(observer: Observer, lease: Lease) -> None:
    try:
        await observer.reused()
    except BaseException:
        lease.close()
        raise


async def _tell_of_answer(observer: Observer, request: ClientRequest, response: ClientResponse) -> None:
    try:
        await observer.answered(request, response)
    except BaseException:
        response.close()
        raise


def respond(
    core: Core,
    policy: Policy,
    request: WireRequest,
    answer: Answer,
    holder: "Connection | Lease | ForeignLease",
    history: History = (),
) -> ClientResponse:
    """Return the response of an exchange, after its cookies are stored."""
    head, status, has_cookies, body = answer
    held = None
    if type(body) is not bytes and isinstance(body, StreamReader) and body.feeding:
        held = holder if isinstance(holder, Connection) else Connection(core.connector, holder)
        if isinstance(holder, ForeignLease):
            body.on_eof(holder.release)
    elif isinstance(holder, ForeignLease):
        holder.release()
    response = core.response_class(request, head, status, body, held, policy, history)
    if has_cookies:
        try:
            core.builder.cookies.store(request, head.all(b"set-cookie"), response)
        except BaseException:
            response.close()
            raise
    return response


def response_error(request: WireRequest, error: HttpProcessingError, history: History) -> ClientResponseError:
    """Return the error for a response that is none."""
    return ClientResponseError(
        complete(request).request_info, history, status=error.code, message=error.message, headers=error.headers
    )


def plain_error(request: WireRequest, error: BaseException) -> BaseException:
    """Return the error to raise for one that a plain call got from the engine."""
    return response_error(request, error, ()) if isinstance(error, HttpProcessingError) else error


async def _begin(context: Context, request: ClientRequest) -> Trial:
    """Return a trial with a connection of its own."""
    connector = context.core.open_connector()
    tracked = None if request.tracker is None else request.tracker.begin()
    lease = connector.take(request)
    if lease is not None:
        if context.observer is not None and "on_connection_reuseconn" in context.observer.heard:
            await _tell_of_reuse(context.observer, lease)
        return Trial(context, request, lease, None, tracked)
    face = await _connect(context, connector, request)
    return Trial(context, request, lease_of(face), face, tracked)


async def _connect(context: Context, connector: BaseConnector, request: ClientRequest) -> Connection:
    """Return a connection, within the total time limit too."""
    policy = context.policy
    traces = () if context.observer is None else context.observer.traces
    if not policy.total:
        return await connector.connect(request, traces, policy.timeout)
    try:
        async with asyncio.timeout(policy.total - (monotonic() - context.start)) as limit:
            return await connector.connect(request, traces, policy.timeout)
    except TimeoutError as error:
        if not limit.expired():
            raise
        key = request.connection_key
        raise TimeoutError(
            f"Total timeout of {policy.total:g} s exceeded getting a connection to {key.address}"
        ) from error
