"""Addresses that stand in a URL in place of a host name."""

import socket


def literal_family(host: str) -> int | None:
    """Return the address family of an IP address literal, None for a name."""
    for family, address in ((socket.AF_INET, host), (socket.AF_INET6, host.partition("%")[0])):
        try:
            socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
        return family
    return None


def is_odd_ipv4(host: str) -> bool:
    """Return whether a host is an IPv4 address in a form that only `inet_aton` accepts (RFC 6943 §3.1.1)."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or (last[:2].lower() == "0x" and all(char in "0123456789abcdefABCDEF" for char in last[2:]))
