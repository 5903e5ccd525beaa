"""What makes two connections interchangeable."""

from typing import NamedTuple

from yarl import URL

from .tls import TlsPolicy


class ConnectionKey(NamedTuple):
    """The key of a connection in the pool: a request may only use a connection with an equal key.

    Whatever decides who is talked to, or how much the peer is trusted, is part of it, so that connections with
    different TLS settings are never shared.
    """

    host: str
    port: int
    is_ssl: bool
    ssl: TlsPolicy
    proxy: URL | None = None
    proxy_auth: object = None
    proxy_headers_hash: int | None = None
    server_hostname: str | None = None
