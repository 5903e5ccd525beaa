"""Translation of the errors that break off a body."""

from gazelle.errors import ClientError, ClientPayloadError, HttpProcessingError


def translate(error: BaseException) -> BaseException:
    """Return the error to raise to the reader of a body.

    A wire error or an OSError becomes a `ClientPayloadError` with `error` as its cause; a `ClientError`, a
    `TimeoutError` and anything else is returned unchanged.
    """
    if isinstance(error, HttpProcessingError) or (
        isinstance(error, OSError) and not isinstance(error, ClientError | TimeoutError)
    ):
        broken = ClientPayloadError(f"Response payload is not completed: {error!r}")
        broken.__cause__ = error
        return broken
    return error
