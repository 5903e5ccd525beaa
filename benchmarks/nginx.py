"""nginx as a benchmark server: one worker, a configuration of its own in a temporary folder, http and https.

``python -m benchmarks.nginx [--cpu 1]`` prints one line of JSON (http and https address, CA) and serves until SIGTERM
or SIGINT. It answers the same targets as the canned server, as far as nginx does so by itself: `/`, `/any/...`,
`/json`, `/login`, `/empty`, `/post` and `/bytes/1048576`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.canned import JSON_BODY, PIECE, SMALL_BODY
from benchmarks.servers import Address, make_certificates

LARGE_SIZE = 1024 * 1024
"""Bytes of the larger static file."""

CONFIGURATION = """\
worker_processes 1;
{affinity}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
daemon off;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    server_tokens off;
    sendfile on;
    tcp_nodelay on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    client_max_body_size 1g;
    open_file_cache max=100 inactive=300s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/json;
    server {{
        listen 127.0.0.1:{http_port};
        listen 127.0.0.1:{https_port} ssl;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_session_cache shared:bench:4m;
        root {folder}/files;
        location = / {{ try_files /small.json =404; }}
        location /any/ {{ try_files /small.json =404; }}
        location = /json {{
            add_header Cache-Control "no-cache, no-store, must-revalidate";
            add_header Vary "Accept-Encoding, Origin";
            add_header X-Request-Id $request_id;
            add_header X-RateLimit-Limit 5000;
            add_header X-RateLimit-Remaining 4987;
            add_header Set-Cookie "sid=3f9a6c1be2; Path=/; HttpOnly; SameSite=Lax";
            try_files /reply.json =404;
        }}
        location = /login {{
            add_header Set-Cookie "sid=3f9a6c1be2; Path=/; HttpOnly; SameSite=Lax";
            add_header Set-Cookie "pref=dark-4; Path=/; Max-Age=31536000";
            try_files /small.json =404;
        }}
        location = /empty {{ return 204; }}
        location = /post {{ return 200 '{{"received":$content_length}}'; }}
        location = /bytes/{large} {{ default_type application/octet-stream; try_files /large.bin =404; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class NginxAddresses:
    """Where a running nginx listens, with and without TLS."""

    http: Address
    https: Address


def find() -> str | None:
    """The path of the nginx program, or None when it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_files(folder: Path, cpu: int | None) -> NginxAddresses:
    folder.chmod(0o755)  # the worker gives root up and must still be able to read its files
    files = folder / "files"
    files.mkdir()
    (files / "small.json").write_bytes(SMALL_BODY)
    (files / "reply.json").write_bytes(JSON_BODY)
    (files / "large.bin").write_bytes((PIECE * (LARGE_SIZE // len(PIECE) + 1))[:LARGE_SIZE])
    certificates = make_certificates(folder)
    http_port, https_port = _free_port(), _free_port()
    pinned = cpu is not None and hasattr(os, "sched_setaffinity")  # where nginx knows the directive
    configuration = CONFIGURATION.format(
        affinity=f"worker_cpu_affinity {1 << (cpu or 0):b};" if pinned else "",
        folder=folder,
        http_port=http_port,
        https_port=https_port,
        chain=certificates.chain,
        key=certificates.key,
        large=LARGE_SIZE,
    )
    (folder / "nginx.conf").write_text(configuration)
    return NginxAddresses(Address("127.0.0.1", http_port), Address("127.0.0.1", https_port, str(certificates.ca)))


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                complaint = log.read_text().strip().splitlines() if log.exists() else []
                raise RuntimeError(
                    complaint[-1] if complaint else f"nginx ended with status {process.returncode}"
                ) from None
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("nginx does not accept connections")


@contextmanager
def start(*, cpu: int | None = None) -> Iterator[NginxAddresses]:
    """Run nginx on free ports of 127.0.0.1 for the length of a ``with`` block.

    Raises `RuntimeError` when nginx or trustme is not installed or nginx does not start.
    """
    program = find()
    if program is None:
        raise RuntimeError("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="gazelle-nginx-") as name:
        folder = Path(name)
        addresses = _write_files(folder, cpu)
        process = subprocess.Popen(
            [program, "-p", name, "-e", f"{name}/error.log", "-c", f"{name}/nginx.conf"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_up(process, addresses.http.port, folder / "error.log")
            yield addresses
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nginx", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cpu", type=int, help="number of the processor the worker stays on")
    options = parser.parse_args(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        with start(cpu=options.cpu) as addresses:
            http = f"http://127.0.0.1:{addresses.http.port}/"
            https = f"https://127.0.0.1:{addresses.https.port}/"
            print(json.dumps({"http": http, "https": https, "ca": addresses.https.ca}), flush=True)
            signal.sigwait({signal.SIGTERM, signal.SIGINT})
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
