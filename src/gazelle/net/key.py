"""The route of a connection: where the bytes of a request go."""

from typing import Any, NamedTuple

from yarl import URL

from gazelle.auth import BasicAuth

from .tls import TlsPolicy


class ConnectionKey(NamedTuple):
    """The route of a connection: a request may only use a connection with an equal key.

    Everything that identifies the peer, or decides how far it is trusted, is a field, so that connections that differ
    in it are never shared: two proxies of one address with other credentials or header fields are two routes. The first
    eight fields, and their order, are those that users of aiohttp read.

    A key is in errors and logs, so its `repr` shows no credentials, and neither they nor header fields for a proxy are
    pickled.

    Args:
        host: host as in the URL, in its encoded form.
        port: port number.
        is_ssl: whether the connection is under TLS.
        ssl: the TLS checks, see `ssl=` of `ClientSession.request`; True without TLS.
        proxy: URL of the proxy, without credentials.
        proxy_auth: credentials for the proxy.
        proxy_headers_hash: hash of `proxy_headers`, None if there are none. It takes no part in any decision.
        server_hostname: name for SNI and the certificate check, if it is not `host`.
        proxy_headers: header fields for the proxy, in order.
        path: path of the Unix socket that stands in for host and port.
        alpn: protocols offered in the TLS handshake with a context of ours (RFC 7301), the preferred one first.
    """

    host: str
    port: int
    is_ssl: bool
    ssl: TlsPolicy
    proxy: URL | None = None
    proxy_auth: BasicAuth | None = None
    proxy_headers_hash: int | None = None
    server_hostname: str | None = None
    proxy_headers: tuple[tuple[str, str], ...] = ()
    path: str | None = None
    alpn: tuple[str, ...] = ("http/1.1",)

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in self._shown().items()]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._make, (tuple(self._replace(proxy_auth=None, proxy_headers=(), proxy_headers_hash=None)),)

    def __copy__(self) -> "ConnectionKey":
        return self

    def __deepcopy__(self, memo: Any) -> "ConnectionKey":
        return self

    def _shown(self) -> dict[str, object]:
        """Return the fields that differ from their defaults, secrets masked."""
        shown: dict[str, object] = {
            name: value for name, value in self._asdict().items() if value != self._field_defaults.get(name, ...)
        }
        for name in ("proxy_auth", "proxy_headers"):
            if name in shown:
                shown[name] = "***"
        shown.pop("proxy_headers_hash", None)
        return shown

    @property
    def address(self) -> str:
        """The address that error messages name: the path of a Unix socket, or host and port."""
        return self.path if self.path is not None else f"{self.host}:{self.port}"
