"""Settings of the environment: credentials in netrc files, and proxies in variables and system settings."""

import asyncio
import logging
import netrc
import os
from functools import cache
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from yarl import URL

from gazelle._impl import monotonic
from gazelle.auth import BasicAuth, split_credentials, widen
from gazelle.errors import InvalidUrlClientError

# Seconds after which the netrc file is checked for changes again.
_NETRC_KNOWN_FOR = 1.0

_logger = logging.getLogger("gazelle.client")


class EnvironmentProxy(NamedTuple):
    """A proxy: its URL without credentials, and its credentials, None if there are none."""

    url: URL
    auth: BasicAuth | None


async def lookup_proxy(url: URL) -> EnvironmentProxy | None:
    """Call `find_proxy` in the executor of the event loop, because files and registries may be slow."""
    return await asyncio.get_running_loop().run_in_executor(None, find_proxy, url)


class NetrcFile:
    """The netrc file: the one that `$NETRC` names, else `.netrc` (on Windows also `_netrc`) in the home directory.

    It is checked for changes once a second, and read again after a change. Errors are logged without its contents.

    Attributes:
        known_until: time of the next check for changes, in seconds of `time.monotonic`.
    """

    def __init__(self) -> None:
        self.known_until = -inf
        self._stamp: object = None
        self._entries: netrc.netrc | None = None

    async def refresh(self) -> bool:
        """Call `read` in the executor, because files may be slow, and return its result."""
        changed = await asyncio.get_running_loop().run_in_executor(None, self.read)
        self.known_until = monotonic() + _NETRC_KNOWN_FOR
        return changed

    def read(self) -> bool:
        """Read the file if it has changed, and return whether it has."""
        path = _netrc_path()
        stamp = _stamp(path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._entries = None if path is None else _read_netrc(path)
        return True

    def find(self, host: str) -> BasicAuth | None:
        """Return the credentials for a host; see `find_netrc`."""
        return None if self._entries is None else _entry_of(self._entries, host)


def find_netrc(host: str) -> BasicAuth | None:
    """Return the credentials for a host in the netrc file, None if there are none or it cannot be read.

    Args:
        host: host of a URL, without port. The lookup is case-insensitive and falls back to the `default` entry.
    """
    file = NetrcFile()
    file.read()
    return file.find(host)


def _entry_of(entries: netrc.netrc, host: str) -> BasicAuth | None:
    hosts = {name.lower(): entry for name, entry in entries.hosts.items() if name != "default"}
    entry = hosts.get(host.lower()) or entries.hosts.get("default")
    if entry is None:
        return None
    login, account, password = entry
    login = login or account or ""
    if not login and not password:  # an entry that only names the host, or that only defines macros
        return None
    try:
        return widen(BasicAuth(login, password or ""))
    except ValueError as error:
        _logger.warning("Entry of the netrc file for host %r cannot be used: %s", host, error)
        return None


def find_proxy(url: URL) -> EnvironmentProxy | None:
    """Return the proxy for a URL that the environment names, None if there is none or it is excluded.

    Reads `HTTP_PROXY`, `HTTPS_PROXY`, `WS_PROXY` or `WSS_PROXY`, by the scheme of the URL, and `NO_PROXY` (names with
    or without a port), in upper or lower case; on macOS and Windows the settings of the system if no variable is set.
    The credentials are those in the URL of the proxy, else those in the netrc file for its host.

    Raises:
        InvalidUrlClientError: the URL of the proxy is malformed. A direct connection would violate the setting.
    """
    host = url.host
    if not host:
        return None
    request = _urllib_request()
    text = request.getproxies().get(url.scheme)
    if not text:
        return None
    # A zone is not part of the name: `[::1%25.example.com]` is not a subdomain of example.com.
    name = host.partition("%")[0]
    authority = f"[{name}]:{url.port}" if ":" in name else f"{name}:{url.port}"
    if request.proxy_bypass(name) or request.proxy_bypass(authority):
        return None
    try:
        proxy = URL(text if "://" in text else f"http://{text}")
        if not proxy.host:
            raise ValueError("it has no host")
        proxy, auth = split_credentials(proxy)
    except ValueError:
        # Without the URL and the reason: both may contain a password.
        raise InvalidUrlClientError(f"{url.scheme} proxy of the environment", "it is malformed") from None
    if auth is None and proxy.host:
        auth = find_netrc(proxy.host)
    return EnvironmentProxy(proxy, auth)


@cache
def _urllib_request() -> Any:
    # Imported on demand, because it imports http.client and email.
    return import_module("urllib.request")


def _netrc_path() -> Path | None:
    named = os.environ.get("NETRC")
    return Path(named) if named else _home_netrc()


def _stamp(path: Path | None) -> object:
    """Return a value that changes with the file; never None."""
    try:
        about = None if path is None else path.stat()
    except (OSError, ValueError):
        about = None
    return path, about and (about.st_mtime_ns, about.st_size, about.st_ino)


def _read_netrc(path: Path) -> netrc.netrc | None:
    try:
        return netrc.netrc(path)
    except FileNotFoundError as error:
        if os.environ.get("NETRC"):
            _logger.warning("Netrc file %s, which the variable NETRC names: %s", path, error.strerror)
    except OSError as error:
        _logger.warning("Netrc file %s cannot be read: %s", path, error.strerror)
    except netrc.NetrcParseError as error:
        # Without its message, which quotes the file.
        _logger.warning("Netrc file %s is malformed in line %s", path, error.lineno)
    except ValueError:
        _logger.warning("Netrc file %s is no text", path)
    return None


def _home_netrc() -> Path | None:
    try:
        home = Path.home()
    except RuntimeError as error:  # no such user, as in some containers
        _logger.debug("No home directory to look for a netrc file in: %s", error)
        return None
    if os.name == "nt" and (home / "_netrc").is_file():
        return home / "_netrc"
    return home / ".netrc"
