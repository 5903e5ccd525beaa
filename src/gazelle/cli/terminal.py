"""Escaping of text for the terminal."""


def printable(text: str) -> str:
    """Return a text with its control characters escaped, as those of a hostile server could control the terminal.

    ESC becomes the four characters `\\x1b`.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
