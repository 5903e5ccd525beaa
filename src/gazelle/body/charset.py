"""Detection of the encoding of a text whose response names no charset."""

import codecs
import re
from typing import Final

import charset_normalizer

try:
    import cchardet
except ImportError:
    cchardet = None

# More text makes a detector slower, not more reliable.
_SAMPLE_SIZE: Final = 64 * 1024
# With fewer non-ASCII letters, detectors cannot distinguish languages of the Latin script.
_ENOUGH_LETTERS: Final = 12
# A text looks Western European if at most one in this many non-ASCII bytes does not fit.
_FITTING: Final = 8

# UTF-32 first: its mark begins with that of UTF-16.
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The encodings that browsers support (WHATWG Encoding Standard §4.2), without those of old Macs. Others do not occur on
# the Web, so that guessing one of them would be wrong.
_CANDIDATES: Final = [
    *("cp866", "cp874", "koi8_r", "koi8_u"),
    *(f"cp{number}" for number in range(1250, 1259)),
    *(f"iso8859_{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *("big5", "cp932", "cp949", "euc_jp", "gb18030"),
]
_WESTERN: Final = "cp1252"
# Browsers decode the encoding on the left as its superset on the right.
_SUPERSETS: Final = {
    "ascii": _WESTERN,
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": _WESTERN,
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
# Other encodings of the Latin script, and the languages that use them.
_LATIN: Final = frozenset(
    {"cp1250", "cp1254", "cp1257", "cp1258"} | {f"iso8859-{number}" for number in (2, 3, 4, 10, 13, 14, 15, 16)}
)
_LATIN_LANGUAGES: Final = frozenset(
    {"Croatian", "Czech", "Estonian", "Hungarian", "Latvian", "Lithuanian", "Polish", "Romanian", "Serbian", "Slovak"}
    | {"Slovene", "Turkish", "Vietnamese"}
)

# The bytes of windows-1252, by kind.
_LETTERS: Final = rb"[\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xff]"
_JOINTS: Final = rb"\x85\x91-\x94\x96\x97\xa0\xad\xb7"  # apostrophes, dashes: they stand between letters, too
_MARKS: Final = rb"[%b\x80\x82\x84\x8b\x95\x99\x9b\xa1\xa3\xa7\xa9\xaa\xab\xae\xb0-\xb5\xb9-\xbf\xd7\xf7]" % _JOINTS
# Control characters, and bytes that windows-1252 does not assign.
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
# One or two letters, within an ASCII word or as a word, perhaps with quotation marks around them. Words of other
# scripts are longer runs of such bytes.
_WESTERN_LETTERS: Final = re.compile(
    rb"(?<![\x80-\xff])%(marks)b{0,2}(?:(?<=[A-Za-z])%(letters)b{1,2}|%(letters)b{1,2}(?=[A-Za-z])|%(letters)b)"
    rb"%(marks)b{0,2}(?![\x80-\xff])" % {b"letters": _LETTERS, b"marks": _MARKS}
)
# Only joints occur within words: a superscript three there is a Polish letter of another encoding.
_WESTERN_MARKS: Final = re.compile(
    rb"(?<![\x80-\xff])(?:[%(joints)b]{1,2}|(?<![A-Za-z])%(marks)b{1,2}|%(marks)b{1,2}(?![A-Za-z]))(?![\x80-\xff])"
    % {b"joints": _JOINTS, b"marks": _MARKS}
)
_ASCII: Final = bytes(range(128))


def detect_encoding(body: bytes) -> str:
    """Return Python's name of the encoding of a text: UTF-8 if the text is valid UTF-8, else a guess.

    A byte order mark of UTF-16 or UTF-32 decides. A text that looks Western European with fewer than 12 non-ASCII
    letters is windows-1252, the default of browsers for these languages (WHATWG HTML §13.2.3.2): with so few letters,
    detectors mistake French for Chinese. For other texts, `faust-cchardet` if it is installed, else
    `charset-normalizer`, guesses from the first 64 KiB. A guess that does not decode them is discarded. Without a
    guess, the encoding is windows-1252 if the bytes are text in it; else UTF-8, in which decoding the body fails.

    For a short text in a script other than Latin the guess is often wrong. Servers should name the charset.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(body)
    return "utf-8"


def _guess(body: bytes) -> str:
    for bom, encoding in _BOMS:
        if body.startswith(bom) and _decodes(body, encoding):
            return encoding
    sample = _sample(body)
    letters = _western_letters(sample)
    if letters is None or letters >= _ENOUGH_LETTERS:
        guess = _ask_detector(sample, looks_western=letters is not None)
        if guess is not None:
            return guess
    return "utf-8" if letters is None and _NO_TEXT.search(sample) else _WESTERN


def _sample(body: bytes) -> bytes:
    """Return the start of a body, cut at a boundary between characters."""
    if len(body) <= _SAMPLE_SIZE:
        return body
    sample = body[:_SAMPLE_SIZE]
    # A byte up to "/" is never the trailing byte of a character in any of the encodings.
    for end in range(_SAMPLE_SIZE, _SAMPLE_SIZE // 2, -1):
        if sample[end - 1] < 0x30:
            return sample[:end]
    return sample


def _western_letters(sample: bytes) -> int | None:
    """Return the number of non-ASCII letters if the sample looks Western European, else None."""
    if _NO_TEXT.search(sample):
        return None
    letters = sum(map(len, _WESTERN_LETTERS.findall(sample)))
    fitting = letters + sum(map(len, _WESTERN_MARKS.findall(sample)))
    others = len(sample.translate(None, _ASCII)) - fitting
    return letters if fitting >= _FITTING * others else None


def _ask_detector(sample: bytes, looks_western: bool) -> str | None:
    """Return the detector's guess if Python supports that encoding and it decodes the sample, else None."""
    if cchardet is not None:
        guess: str | None = cchardet.detect(sample)["encoding"]
    else:
        best = charset_normalizer.from_bytes(sample, cp_isolation=_CANDIDATES).best()
        # It distinguishes languages better than encodings of the Latin script.
        if best is None or (looks_western and best.language not in _LATIN_LANGUAGES):
            return None
        guess = best.encoding
    try:
        encoding = codecs.lookup(guess or "").name
    except LookupError:
        return None
    encoding = _SUPERSETS.get(encoding, encoding)
    if (looks_western and encoding not in _LATIN) or not _decodes(sample, encoding):
        return None
    return encoding


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except (UnicodeDecodeError, LookupError):  # LookupError: the codec is not for text
        return False
    return True
