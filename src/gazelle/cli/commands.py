"""The commands and their options, and the mapping of errors to exit codes."""

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from gazelle import ClientResponseError
from gazelle import run as run_on_best_loop

from .arguments import call_from, request_options, seconds
from .bench import Load, Outcome, Tally, run_load
from .failures import ExitCode, describe
from .get import Options, OutputError, get, show_request
from .report import document, live_line, print_text
from .version import version_line

_BENCH_TIMEOUT = 30.0
_LIVE_EVERY = 0.5  # seconds; drawing delays the reading of responses


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(message=version_line(), version="")
def gazelle() -> None:
    """Fetch URLs and measure HTTP servers."""


@gazelle.command("get")
@request_options("--json", "--json-body")
@click.option("-o", "--output", metavar="FILE", help="Write the body to FILE; - is standard output.")
@click.option(
    "--progress/--no-progress", default=None, help="Show a progress bar. Default: if standard error is a terminal."
)
@click.option("-v", "--verbose", is_flag=True, help="Show the heads of request (>) and response (<).")
@click.option(
    "-f", "--fail", is_flag=True, help="End with exit code 22, without the body, for a status of 400 or more."
)
@click.option("-L/ ", "--location/--no-location", default=True, help="Follow redirects, or do not. Default: follow.")
def get_command(
    output: str | None, progress: bool | None, verbose: bool, fail: bool, location: bool, **request: Any
) -> ExitCode:
    """Send one request to URL and write the body of the response."""
    call = call_from(**request)
    try:
        return run_on_best_loop(get(call, Options(output, progress, verbose, fail, location)))
    except OutputError as error:
        return _complain(error, str(error), ExitCode.OUTPUT)
    except Exception as error:
        if verbose and isinstance(error, ClientResponseError):
            show_request(error.request_info)
        failure = describe(error, call.host)
        return _complain(error, failure.sentence, failure.code)


@gazelle.command("bench")
@request_options("--json-body")
@click.option(
    "-c",
    "--connections",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Connections, each with one request at a time.",
)
@click.option("-n", "--requests", type=click.IntRange(min=1), help="Send this many requests.")
@click.option(
    "-z",
    "--duration",
    type=seconds,
    metavar="DURATION",
    help="Send requests for this long. Default without -n: 10s.",
)
@click.option("--warmup", type=seconds, default="0s", help="Send requests for this long first, without counting them.")
@click.option(
    "-r",
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PER_SECOND",
    help="Start requests at this rate, however slow the responses; latencies count from the planned start.",
)
@click.option(
    "--loop",
    type=click.Choice(["auto", "uvloop", "asyncio"]),
    default="auto",
    show_default=True,
    help="Event loop; auto is uvloop if it is installed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON document.")
def bench_command(
    connections: int,
    requests: int | None,
    duration: float | None,
    warmup: float,
    rate: float | None,
    loop: str,
    as_json: bool,
    **request: Any,
) -> ExitCode:
    """Send many requests to URL and report latencies, errors and CPU time."""
    if request["timeout"] is None:
        request["timeout"] = _BENCH_TIMEOUT
    if duration is None and requests is None:
        duration = 10.0
    load = Load(call_from(**request), connections, requests, duration, warmup, rate)
    has_uvloop = find_spec("uvloop") is not None
    if loop == "uvloop" and not has_uvloop:
        raise click.UsageError("--loop: uvloop is not installed")
    name = "uvloop" if loop != "asyncio" and has_uvloop else "asyncio"
    try:
        outcome = _run_with_display(load, name)
    except Exception as error:
        failure = describe(error, load.call.host)
        return _complain(error, failure.sentence, failure.code)
    if as_json:
        click.echo(json.dumps(document(outcome, name), indent=2))
    else:
        print_text(outcome, name, Console(highlight=False))
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if outcome.tally.responses else ExitCode.FAILED


def _run_with_display(load: Load, loop: str) -> Outcome:
    run = asyncio.run if loop == "asyncio" else run_on_best_loop
    if not sys.stderr.isatty():
        return run(run_load(load, lambda _tally, _elapsed: None))
    drawn = 0.0
    with Live(console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True) as live:

        def show(tally: Tally, elapsed: float) -> None:
            nonlocal drawn
            if elapsed - drawn >= _LIVE_EVERY:
                drawn = elapsed
                live.update(live_line(load, tally, elapsed), refresh=True)

        return run(run_load(load, show))


def run(words: Sequence[str]) -> int:
    """Run a command and return its exit code.

    Args:
        words: the arguments of the command line, without the program.
    """
    try:
        return int(gazelle.main(words, prog_name="gazelle", standalone_mode=False) or ExitCode.OK)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED


def _complain(error: Exception, sentence: str, code: ExitCode) -> ExitCode:
    if os.environ.get("GAZELLE_DEBUG") == "1":
        traceback.print_exception(error)
    click.echo(f"gazelle: {sentence}", err=True)
    return code
