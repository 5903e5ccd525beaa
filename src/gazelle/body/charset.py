"""The encoding of text that does not say which it has."""

import codecs
import re
from typing import Final

import charset_normalizer

try:
    import cchardet
except ImportError:
    cchardet = None

# A detector does not get more certain with more text, only slower.
_SAMPLE_SIZE: Final = 64 * 1024
# From fewer letters that are not ASCII, detectors cannot tell languages of the Latin script from each other.
_ENOUGH_LETTERS: Final = 12
# A text looks Western European if of so many bytes that are not ASCII at most one does not fit.
_FITTING: Final = 8

# Longer ones first: that of UTF-16 begins that of UTF-32.
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What browsers know (WHATWG Encoding Standard §4.2), but for old Macs. Others are not used on the Web, so that a guess
# that it is one of them is wrong.
_CANDIDATES: Final = [
    *("cp866", "cp874", "koi8_r", "koi8_u"),
    *(f"cp{number}" for number in range(1250, 1259)),
    *(f"iso8859_{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *("big5", "cp932", "cp949", "euc_jp", "gb18030"),
]
_WESTERN: Final = "cp1252"
# Browsers decode what is on the left as what is on the right, which has all of its characters and more.
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
# Other encodings of the Latin script, and languages that are written in them.
_LATIN: Final = frozenset(
    {"cp1250", "cp1254", "cp1257", "cp1258"} | {f"iso8859-{number}" for number in (2, 3, 4, 10, 13, 14, 15, 16)}
)
_LATIN_LANGUAGES: Final = frozenset(
    {"Croatian", "Czech", "Estonian", "Hungarian", "Latvian", "Lithuanian", "Polish", "Romanian", "Serbian", "Slovak"}
    | {"Slovene", "Turkish", "Vietnamese"}
)

# Windows-1252, by what its bytes are.
_LETTERS: Final = rb"[\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xff]"
_JOINTS: Final = rb"\x85\x91-\x94\x96\x97\xa0\xad\xb7"  # apostrophes, dashes: they stand between letters, too
_MARKS: Final = rb"[%b\x80\x82\x84\x8b\x95\x99\x9b\xa1\xa3\xa7\xa9\xaa\xab\xae\xb0-\xb5\xb9-\xbf\xd7\xf7]" % _JOINTS
# Controls, and what windows-1252 has no character for.
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
# One or two letters, in a word of ASCII or a word by themselves, with quotation marks and the like around them. Words
# of other scripts are longer runs of such bytes.
_WESTERN_LETTERS: Final = re.compile(
    rb"(?<![\x80-\xff])%(marks)b{0,2}(?:(?<=[A-Za-z])%(letters)b{1,2}|%(letters)b{1,2}(?=[A-Za-z])|%(letters)b)"
    rb"%(marks)b{0,2}(?![\x80-\xff])" % {b"letters": _LETTERS, b"marks": _MARKS}
)
# Only joints are inside of words: a superscript three there is a Polish letter of another encoding.
_WESTERN_MARKS: Final = re.compile(
    rb"(?<![\x80-\xff])(?:[%(joints)b]{1,2}|(?<![A-Za-z])%(marks)b{1,2}|%(marks)b{1,2}(?![A-Za-z]))(?![\x80-\xff])"
    % {b"joints": _JOINTS, b"marks": _MARKS}
)
_ASCII: Final = bytes(range(128))


def detect_encoding(body: bytes) -> str:
    """Return the encoding of a text, by the name that Python has for it: UTF-8 if it is valid UTF-8, or else a guess.

    A byte order mark of UTF-16 or UTF-32 settles it. A text that looks Western European and has less than 12 letters
    that are not ASCII is windows-1252, what browsers assume where these languages are written (WHATWG HTML §13.2.3.2):
    from so little, detectors take French for Chinese. For other texts `faust-cchardet` is asked if it is installed,
    `charset-normalizer` if not, about the first 64 KiB. What they say decodes those; if they say nothing of use it is
    windows-1252 if they are text in that, and UTF-8, in which the body cannot be decoded, if they are not.

    The guess about a short text in another script than the Latin one is often wrong. Servers should say what they send.
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
    """Return the start of a body, cut where no character of more than one byte is cut in two."""
    if len(body) <= _SAMPLE_SIZE:
        return body
    sample = body[:_SAMPLE_SIZE]
    # Up to "/", no byte is the second one of a character in any of the encodings.
    for end in range(_SAMPLE_SIZE, _SAMPLE_SIZE // 2, -1):
        if sample[end - 1] < 0x30:
            return sample[:end]
    return sample


def _western_letters(sample: bytes) -> int | None:
    """Return how many bytes of words are not ASCII if it looks Western European, None if it does not."""
    if _NO_TEXT.search(sample):
        return None
    letters = sum(map(len, _WESTERN_LETTERS.findall(sample)))
    fitting = letters + sum(map(len, _WESTERN_MARKS.findall(sample)))
    others = len(sample.translate(None, _ASCII)) - fitting
    return letters if fitting >= _FITTING * others else None


def _ask_detector(sample: bytes, looks_western: bool) -> str | None:
    """Return an encoding that Python knows and that decodes the sample, None if there is nothing to say."""
    if cchardet is not None:
        guess: str | None = cchardet.detect(sample)["encoding"]
    else:
        best = charset_normalizer.from_bytes(sample, cp_isolation=_CANDIDATES).best()
        # It tells languages from each other better than encodings of the Latin script.
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
    except (UnicodeDecodeError, LookupError):  # of a codec that is none of text
        return False
    return True
