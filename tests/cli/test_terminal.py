"""Escaping of text for the terminal."""

import pytest

from gazelle.cli.terminal import printable


@pytest.mark.parametrize("text", ["", "plain text", "grüße 漢字 🦌"])
def test_printable_text_is_unchanged(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("ü\x07", "ü\\x07"),
    ],
)
def test_control_characters_are_escaped_and_others_kept(text: str, escaped: str) -> None:
    assert printable(text) == escaped
    assert printable(text).isprintable()
