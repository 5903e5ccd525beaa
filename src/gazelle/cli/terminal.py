"""What a terminal may and may not be shown."""


def printable(text: str) -> str:
    """Escape what could steer the terminal in the text of a hostile server: ESC becomes the four letters `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
