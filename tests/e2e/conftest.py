"""A real nginx over http and https, with files of its own and a certificate of the private authority."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Tls

STATUSES = (200, 201, 202, 204, 400, 401, 403, 404, 405, 410, 418, 422, 429, 500, 501, 502, 503, 504, 599)
SMALL = b"The quick brown gazelle.\n"
LARGE = bytes(range(256)) * (20 << 10)
TEXT = b"All work and no play makes a gazelle a dull antelope.\n" * 2000

CONFIGURATION = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
worker_processes 1;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/temp;
    proxy_temp_path {directory}/temp;
    fastcgi_temp_path {directory}/temp;
    uwsgi_temp_path {directory}/temp;
    scgi_temp_path {directory}/temp;
    types {{ text/plain txt; application/json json; text/html html; }}
    default_type application/octet-stream;
    keepalive_requests 1000000;
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.key;
    server {{
        listen 127.0.0.1:{http} backlog=1024;
        listen 127.0.0.1:{https} ssl backlog=1024;
        ssl_protocols TLSv1.2 TLSv1.3;
        root {directory}/files;
        location /gzip/ {{ alias {directory}/files/; gzip on; gzip_min_length 1; gzip_types *; }}
        location /chunked/ {{ alias {directory}/files/; ssi on; ssi_types *; }}
        location /slow/ {{ alias {directory}/files/; limit_rate 512k; }}
        location /few/ {{ alias {directory}/files/; keepalive_requests 3; }}
        location /close/ {{ alias {directory}/files/; keepalive_timeout 0; }}
        location /brief/ {{ alias {directory}/files/; keepalive_timeout 1s; }}
        location = /connection {{ default_type text/plain; return 200 "$connection $connection_requests"; }}
        location = /request {{ default_type text/plain; return 200 "$request_method $http_host $ssl_protocol"; }}
        location = /tiny {{ client_max_body_size 1k; return 200 "taken"; }}
        {statuses}
    }}
    server {{
        listen 127.0.0.1:{tls_1_2} ssl;
        ssl_protocols TLSv1.2;
        return 200 "$ssl_protocol";
    }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """Where the server listens."""

    http: int
    https: int
    tls_1_2: int

    def url(self, scheme: str, path: str, host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.https if scheme == 'https' else self.http}{path}"


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def lay_out(directory: Path, tls: Tls) -> None:
    """Certificate and files."""
    certificate = tls.ca.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(directory / "server.key")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(directory / "server.pem", append=True)
    files = directory / "files"
    files.mkdir()
    (directory / "temp").mkdir()
    for name, content in {
        "small.txt": SMALL,
        "large.bin": LARGE,
        "text.txt": TEXT,
        "data.json": b'{"name": "gazelle", "legs": 4}',
        "empty.txt": b"",
    }.items():
        (files / name).write_bytes(content)


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory, tls: Tls) -> Iterator[Nginx]:
    """A running nginx; the tests are skipped where there is none."""
    program = shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))
    if program is None:
        pytest.skip("NO NGINX HERE: the client is not tested against a server that others wrote (apt install nginx)")
    directory = tmp_path_factory.mktemp("nginx")
    lay_out(directory, tls)
    http, https, tls_1_2 = free_ports(3)
    statuses = " ".join(f'location = /status/{status} {{ return {status} "{status}"; }}' for status in STATUSES)
    configuration = CONFIGURATION.format(
        directory=directory,
        http=http,
        https=https,
        tls_1_2=tls_1_2,
        statuses=statuses,
        user=f"user {getpass.getuser()};" if os.getuid() == 0 else "",
    )
    (directory / "nginx.conf").write_text(configuration)
    command = [program, "-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", str(directory / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 60
            while not (answers(http) and answers(https)):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"nginx does not start: {(directory / 'error.log').read_text()}")
                time.sleep(0.02)
            yield Nginx(http, https, tls_1_2)
        finally:
            process.terminate()
