"""The one place where a request head is put together."""


def assemble(method: str, target: str, parts: tuple[bytes, ...]) -> bytes:
    """Return a request head: the request line up to the target, then `parts`, which hold the rest and the empty line.

    The caller has checked that nothing in it can end a line early.
    """
    return f"{method} {target}".encode() + b"".join(parts)
