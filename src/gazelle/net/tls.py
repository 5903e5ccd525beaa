"""TLS policies: the values of `ssl=`, and the contexts made from them."""

import hashlib
import ssl
from functools import cache
from typing import Any, Final, TypeAlias

from gazelle.errors import ServerFingerprintMismatch

_WEAK_DIGESTS: Final = {16: "md5", 20: "sha1"}


class Fingerprint:
    """Pins the certificate of a server by the SHA-256 digest of its DER encoding.

    Args:
        fingerprint: the digest, 32 bytes.

    Raises:
        ValueError: the digest has the length of MD5 or SHA-1, which are insecure, or another wrong length.
    """

    __slots__ = ("_sha256",)

    def __init__(self, fingerprint: bytes) -> None:
        weak = _WEAK_DIGESTS.get(len(fingerprint))
        if weak is not None:
            raise ValueError(f"{weak} digests are insecure and not supported; use the SHA-256 digest")
        if len(fingerprint) != hashlib.sha256().digest_size:
            raise ValueError(f"A SHA-256 digest has 32 bytes, not {len(fingerprint)}")
        self._sha256 = bytes(fingerprint)

    @property
    def fingerprint(self) -> bytes:
        """The expected digest."""
        return self._sha256

    def check(self, transport: Any) -> None:
        """Check the certificate of a connected transport; a transport without TLS passes.

        Args:
            transport: a connected `asyncio.Transport`.

        Raises:
            ServerFingerprintMismatch: the digest of the certificate is another.
        """
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is None:
            return
        certificate = ssl_object.getpeercert(binary_form=True)
        got = hashlib.sha256(certificate).digest()
        if got != self._sha256:
            host, port, *_ = transport.get_extra_info("peername")
            raise ServerFingerprintMismatch(self._sha256, got, host, port)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and other._sha256 == self._sha256

    def __hash__(self) -> int:
        return hash(self._sha256)

    def __repr__(self) -> str:
        return f"Fingerprint({self._sha256!r})"


TlsPolicy: TypeAlias = bool | Fingerprint | ssl.SSLContext
"""Values of `ssl=`: True for the default checks, False for none, a fingerprint, or a context."""


def check_policy(policy: object) -> TlsPolicy:
    """Return a valid `ssl=` argument; None means True.

    Raises:
        TypeError: the argument has another type.
    """
    if policy is None:
        return True
    if isinstance(policy, bool | Fingerprint | ssl.SSLContext):
        return policy
    raise TypeError(f"ssl should be True, False, None, an SSLContext or a Fingerprint, got {policy!r} instead")


def context_for(policy: TlsPolicy) -> ssl.SSLContext:
    """Return the context for a policy; the two default ones are cached, as loading CA certificates is slow."""
    if isinstance(policy, ssl.SSLContext):
        return policy
    return _default_context(policy is True)


@cache
def _default_context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(("http/1.1",))
    return context
