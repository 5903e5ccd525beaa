"""The encoding of text that does not say which it has."""

from typing import Any

import charset_normalizer

try:
    import cchardet
except ImportError:
    cchardet = None

# A detector does not get more certain with more text, only slower.
_SAMPLE_SIZE = 64 * 1024


def detect_encoding(body: bytes) -> str:
    """Returns the encoding of a text: UTF-8 if it is valid UTF-8, or else the best guess.

    `faust-cchardet` guesses if it is installed, `charset-normalizer` if not.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        detector: Any = charset_normalizer if cchardet is None else cchardet
        guess = detector.detect(body[:_SAMPLE_SIZE])["encoding"]
        return guess or "utf-8"
    return "utf-8"
