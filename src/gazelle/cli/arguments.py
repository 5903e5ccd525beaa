"""The arguments that `get` and `bench` share: the request to send."""

import json
import os
import re
import ssl
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import click
from multidict import CIMultiDict
from yarl import URL

from gazelle.client.locate import check_url

_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|)")


class Call(NamedTuple):
    """The request that the command line describes.

    `timeout` is in seconds, None for the default of the command; `tls` is the `ssl` argument of a connector.
    """

    url: URL
    method: str
    headers: CIMultiDict[str]
    body: bytes | None
    timeout: float | None
    tls: ssl.SSLContext | bool

    @property
    def host(self) -> str:
        """Host for messages, with its port unless that is the default of the scheme."""
        return self.url.host_port_subcomponent or str(self.url)


def _url(text: str) -> URL:
    try:
        check_url(text)
        url = URL(text if "://" in text else f"http://{text}")
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: {error}") from error
    if url.scheme not in ("http", "https"):
        raise click.BadParameter(f"{text!r}: the scheme must be http or https")
    if not url.host:
        raise click.BadParameter(f"{text!r} has no host")
    return url


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r} is not of the form 'Name: value'")
    return name.strip(), value.strip()


def seconds(text: str) -> float:
    """Return the seconds of a duration such as `10s`, `1.5m`, `500ms` or `2`.

    Raises:
        click.BadParameter: the text is not a duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is not a duration; 10s, 1.5m, 500ms and 2h are")
    return float(match[1]) * _SECONDS[match[2]]


def _body(text: str) -> bytes:
    if not text.startswith("@"):
        return os.fsencode(text)
    if text == "@-":
        return sys.stdin.buffer.read()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"cannot read {text[1:]}: {error.strerror}") from error


def _json(text: str) -> bytes:
    body = _body(text)
    try:
        json.loads(body)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}") from error
    return body


_READABLE = click.Path(exists=True, dir_okay=False)


_BEFORE_JSON = (
    click.argument("url", type=_url, metavar="URL"),
    click.option("-X", "--method", metavar="METHOD", help="Method. Default: GET, or POST when there is a body."),
    click.option(
        "-H",
        "--header",
        "headers",
        multiple=True,
        type=_header,
        metavar="'NAME: VALUE'",
        help="Send this header; may be repeated.",
    ),
    click.option(
        "-d",
        "--data",
        type=_body,
        metavar="TEXT|@FILE|@-",
        help="Send this body, the content of a file or standard input, as it is.",
    ),
)
_AFTER_JSON = (
    click.option(
        "--timeout", type=seconds, metavar="DURATION", help="Longest time for a whole request (2.5, 500ms, 1m)."
    ),
    click.option("-k", "--insecure", is_flag=True, help="Do not check the certificate of the server."),
    click.option("--cacert", type=_READABLE, metavar="FILE", help="Trust the CA certificates (PEM) in FILE only."),
    click.option("--cert", type=_READABLE, metavar="FILE", help="Certificate (PEM) to show to the server."),
    click.option("--key", type=_READABLE, metavar="FILE", help="Private key of --cert, if it is not in its file."),
)


def request_options(*json_names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the options of a request to a command.

    Args:
        json_names: flags of the option for a JSON body, such as `--json`. `bench` uses that one for its result.
    """
    json_option = click.option(
        *json_names,
        "json_body",
        type=_json,
        metavar="TEXT|@FILE|@-",
        help="Send this JSON document with the Content-Type and Accept of JSON.",
    )
    options = (*_BEFORE_JSON, json_option, *_AFTER_JSON)

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        # The last decorator applied is the first in the help.
        return reduce(lambda decorated, option: option(decorated), reversed(options), command)

    return add


def call_from(
    *,
    url: URL,
    method: str | None,
    headers: tuple[tuple[str, str], ...],
    data: bytes | None,
    json_body: bytes | None,
    timeout: float | None,
    insecure: bool,
    cacert: str | None,
    cert: str | None,
    key: str | None,
) -> Call:
    """Return the request that the values of `request_options` describe.

    Raises:
        click.UsageError: options contradict each other, or a TLS file cannot be used.
    """
    if data is not None and json_body is not None:
        raise click.UsageError("a request has one body: give --data or a JSON body, not both")
    body = data if json_body is None else json_body
    fields = CIMultiDict(headers)
    if json_body is not None:
        fields.setdefault("Content-Type", "application/json")
        fields.setdefault("Accept", "application/json")
    elif data is not None:
        # The default of curl's -d, which servers of forms expect.
        fields.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return Call(
        url=url,
        method=method.upper() if method else ("GET" if body is None else "POST"),
        headers=fields,
        body=body,
        timeout=timeout,
        tls=_tls_setting(insecure=insecure, cacert=cacert, cert=cert, key=key),
    )


def _tls_setting(*, insecure: bool, cacert: str | None, cert: str | None, key: str | None) -> ssl.SSLContext | bool:
    if key is not None and cert is None:
        raise click.UsageError("--key needs --cert")
    if cacert is None and cert is None:
        return not insecure
    try:
        context = ssl.create_default_context(cafile=cacert)
    except (OSError, ssl.SSLError) as error:
        raise click.UsageError(f"--cacert: {cacert} holds no CA certificate in PEM form") from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        try:
            context.load_cert_chain(cert, key)
        except (OSError, ssl.SSLError) as error:
            raise click.UsageError(f"--cert: {cert} with its key cannot be used: {error}") from error
    return context
