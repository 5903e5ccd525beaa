"""`gazelle get`: sends one request and writes the body of the response."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from gazelle import ClientResponse, ClientSession, ClientTimeout, RequestInfo, TCPConnector
from gazelle.timeouts import DEFAULT_TIMEOUT

from .arguments import Call
from .failures import ExitCode
from .terminal import printable

_CHUNK = 256 * 1024


class OutputError(Exception):
    """The body cannot be written to the file or standard output."""


class Options(NamedTuple):
    """The options of `gazelle get` for the response.

    `output` is a path, `-` for standard output, or None for standard output unless that is a terminal and the body
    is binary. `progress` None shows a bar if standard error is a terminal and the body is not written to one.
    """

    output: str | None
    progress: bool | None
    verbose: bool
    fail: bool
    location: bool


async def get(call: Call, options: Options) -> ExitCode:
    """Send the request, write the response, and return the exit code.

    Raises:
        ClientError, TimeoutError: the exchange failed.
        OutputError: the body cannot be written.
    """
    timeout = DEFAULT_TIMEOUT if call.timeout is None else ClientTimeout(total=call.timeout)
    async with (
        ClientSession(connector=TCPConnector(ssl=call.tls), timeout=timeout) as session,
        session.request(
            call.method, call.url, headers=call.headers, data=call.body, allow_redirects=options.location
        ) as response,
    ):
        if options.verbose:
            show_request(response.request_info)
            _show_response(response)
        if options.fail and response.status >= 400:
            click.echo(f"gazelle: {call.host} answered {response.status} {printable(response.reason)}", err=True)
            return ExitCode.HTTP_STATUS
        await _deliver(response, options)
    return ExitCode.OK


def show_request(request: RequestInfo) -> None:
    """Write the head of a request to standard error as curl does."""
    lines = [f"{request.method} {request.url.raw_path_qs} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    _show(">", lines)


def _show_response(response: ClientResponse) -> None:
    major, minor = response.version
    lines = [f"HTTP/{major}.{minor} {response.status} {response.reason}"]
    lines += [
        f"{name.decode('utf-8', 'backslashreplace')}: {value.decode('utf-8', 'backslashreplace')}"
        for name, value in response.raw_headers
    ]
    _show("<", lines)


def _show(mark: str, lines: list[str]) -> None:
    click.echo("\n".join(f"{mark} {printable(line)}".rstrip() for line in [*lines, ""]), err=True)


async def _deliver(response: ClientResponse, options: Options) -> None:
    to_stdout = options.output in (None, "-")
    screen = to_stdout and sys.stdout.isatty()
    progress = options.progress if options.progress is not None else sys.stderr.isatty() and not screen
    with _sink(options.output) as sink, _bar(response, shown=progress) as advance:
        first = True
        async for chunk in response.content.iter_chunked(_CHUNK):
            if first and screen and options.output is None and b"\0" in chunk:
                raise OutputError(
                    "the body is binary and could disturb the terminal; "
                    "--output FILE saves it, --output - shows it anyway"
                )
            first = False
            sink.write(chunk)
            if to_stdout:
                sink.flush()
            advance(len(chunk))


class _Sink:
    """A binary file that raises `OutputError`, so that its errors differ from those of the network."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise self._broken(error) from error

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            raise self._broken(error) from error

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise self._broken(error) from error

    def _broken(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write to {self._name}: {error.strerror}")


@contextmanager
def _sink(output: str | None) -> Iterator[_Sink]:
    # The file is opened after the head of the response was received, so that a failed request keeps an older file.
    if output is None or output == "-":
        try:
            yield _Sink(sys.stdout.buffer, "standard output")
        except OutputError:
            # Flushing the rest of the buffer at exit would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise
        return
    try:
        file = open(output, "wb")  # noqa: SIM115 -- closed below, with errors of its own
    except OSError as error:
        raise OutputError(f"cannot write to {output}: {error.strerror}") from error
    sink = _Sink(file, output)
    try:
        yield sink
        sink.close()
    finally:
        with suppress(OSError):  # must not replace the first error
            file.close()


@contextmanager
def _bar(response: ClientResponse, *, shown: bool) -> Iterator[Callable[[int], None]]:
    if not shown:
        yield lambda _size: None
        return
    # Content-Length is the encoded length, and the decoded body is written.
    length = response.headers.get("Content-Length") if "Content-Encoding" not in response.headers else None
    total = int(length) if length is not None and response.method != "HEAD" else None
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, force_terminal=True),
    ) as progress:
        task = progress.add_task(printable(response.url.name) or (response.url.host or ""), total=total)
        yield lambda size: progress.update(task, advance=size)
        if total is None:
            progress.update(task, total=progress.tasks[0].completed)
