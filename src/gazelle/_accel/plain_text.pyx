"""Recognise text of a call that needs no work: URLs, queries and forms that the full way would leave as they are."""

from cpython.unicode cimport PyUnicode_DecodeASCII


cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL


MAX_URL = 2048
MAX_PORT = 65535
MAX_ENCODED = 4096

# What a character may be part of, as it is.
cdef enum:
    HOST = 1  # a label of a host
    PATH = 2
    QUERY = 4
    VALUE = 8  # a name or a value of a query
    FIELD = 16  # a name or a value of a form

cdef unsigned char[256] _plain
# The places in which yarl leaves the escape of a character as it is.
cdef unsigned char[256] _escaped
cdef char* _HEX = b"0123456789ABCDEF"


cdef int _fill() except -1:
    cdef int code
    for code in range(256):
        _plain[code] = 0
        _escaped[code] = PATH | QUERY
    for code in b"abcdefghijklmnopqrstuvwxyz0123456789":
        _plain[code] |= HOST
    for code in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~":
        _plain[code] |= PATH | QUERY | VALUE | FIELD
    for code in b"!$&'()*+,;=:@":
        _plain[code] |= PATH | QUERY
    for code in b"/?":
        _plain[code] |= QUERY
    for code in b"!$'()*,/:?@":
        _plain[code] |= VALUE
    for code in range(256):
        if _plain[code] & PATH and code != 43:
            _escaped[code] &= ~PATH
        if _plain[code] & VALUE:
            _escaped[code] &= ~QUERY
    return 0


_fill()


cdef int _digit(unsigned char char) noexcept nogil:
    if 48 <= char <= 57:
        return char - 48
    if 65 <= char <= 70:
        return char - 55
    return -1


cdef Py_ssize_t _span(const unsigned char* text, Py_ssize_t position, Py_ssize_t size, int where) noexcept nogil:
    """Return the end of what may stand as it is in a path or a query, -1 at an escape that may not."""
    cdef int high, low
    while position < size:
        if _plain[text[position]] & where:
            position += 1
        elif text[position] == 37 and position + 2 < size:
            high = _digit(text[position + 1])
            low = _digit(text[position + 2])
            if high < 0 or low < 0 or not _escaped[16 * high + low] & where:
                return -1
            position += 3
        else:
            break
    return position


cdef Py_ssize_t _host(const unsigned char* text, Py_ssize_t position, Py_ssize_t size) noexcept nogil:
    """Return the end of a host whose labels are of small letters, digits and inner hyphens, -1 if there is none."""
    cdef Py_ssize_t start
    while True:
        start = position
        while position < size and (_plain[text[position]] & HOST or text[position] == 45):
            position += 1
        if position == start or text[start] == 45 or text[position - 1] == 45:
            return -1
        if position - start >= 4 and text[start] == 120 and text[start + 1] == 110 and text[start + 2] == 45 and \
                text[start + 3] == 45:
            return -1
        if position == size or text[position] != 46:
            return position
        position += 1


cdef Py_ssize_t _site(const unsigned char* text, Py_ssize_t size) noexcept nogil:
    """Return the end of the scheme, the host and the port of a URL, -1 if they are not plain."""
    cdef Py_ssize_t position = 4, start
    cdef int port = 0
    if size < 8 or text[0] != 104 or text[1] != 116 or text[2] != 116 or text[3] != 112:
        return -1
    if text[4] == 115:
        position = 5
    if size < position + 3 or text[position] != 58 or text[position + 1] != 47 or text[position + 2] != 47:
        return -1
    position = _host(text, position + 3, size)
    if position < 0 or position == size or text[position] != 58:
        return position
    position += 1
    start = position
    while position < size and position - start < 6 and 48 <= text[position] <= 57:
        port = 10 * port + (text[position] - 48)
        position += 1
    return position if 2 <= position - start <= 5 and text[start] != 48 and port <= 65535 else -1


def split_url(str url):
    """Return (site, target) of an absolute http or https URL, or None.

    `site` is scheme, host and port as they are in `url`; `target` is the origin-form of RFC 9112 §3.2.1.
    """
    cdef const unsigned char* text
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(url), site, position
    if size > 2048 or not PyUnicode_IS_COMPACT_ASCII(url):
        return None
    text = <const unsigned char*>PyUnicode_DATA(url)
    site = position = _site(text, size)
    if site < 0:
        return None
    while position < size and text[position] == 47:
        if position + 1 < size and text[position + 1] == 46:
            return None
        position = _span(text, position + 1, size, PATH)
        if position < 0:
            return None
    if position < size:
        if text[position] != 63 or position + 1 == size or _span(text, position + 1, size, QUERY) != size:
            return None
    target = PyUnicode_DecodeASCII(<const char*>text + site, size - site, NULL)
    if site == size or text[site] == 63:
        target = "/" + target
    return PyUnicode_DecodeASCII(<const char*>text, site, NULL), target


cdef Py_ssize_t _quote(str text, char* out, Py_ssize_t room, int where) except -1:
    """Write text percent-encoded, a space as a plus sign, and return its length; `room` + 1 if there is no room."""
    cdef Py_ssize_t size, index, length = 0
    cdef unsigned char char
    cdef const unsigned char* data = <const unsigned char*>PyUnicode_AsUTF8AndSize(text, &size)
    for index in range(size):
        if length + 3 > room:
            return room + 1
        char = data[index]
        if _plain[char] & where:
            out[length] = char
            length += 1
        elif char == 32:
            out[length] = 43
            length += 1
        else:
            out[length] = 37
            out[length + 1] = _HEX[char >> 4]
            out[length + 2] = _HEX[char & 15]
            length += 3
    return length


cdef Py_ssize_t _pair(object name, object value, char* out, Py_ssize_t used, int where) except -1:
    """Append one pair to `used` bytes of `out` and return how many there are then; 0 to decline."""
    if type(value) is int:
        value = str(value)
    if type(name) is not str or type(value) is not str:
        return 0
    if used:
        out[used] = 38
        used += 1
    used += _quote(name, out + used, 4100 - used, where)
    if used > 4096:
        return 0
    out[used] = 61
    used += 1
    used += _quote(value, out + used, 4101 - used, where)
    return used if used <= 4096 else 0


cdef object _encode_pairs(object pairs, int where):
    cdef char[4112] out
    cdef Py_ssize_t used = 0
    try:
        if type(pairs) is dict:
            for name, value in (<dict>pairs).items():
                used = _pair(name, value, out, used, where)
                if used == 0:
                    return None
        elif type(pairs) is list or type(pairs) is tuple:
            for pair in pairs:
                if type(pair) is not tuple or len(<tuple>pair) != 2:
                    return None
                used = _pair((<tuple>pair)[0], (<tuple>pair)[1], out, used, where)
                if used == 0:
                    return None
    except ValueError:  # half a surrogate pair, or an int of too many digits
        return None
    return PyUnicode_DecodeASCII(out, used, NULL) if used else None


def encode_query(params):
    """Return the query of a dict, or of a list or tuple of pairs, of str names and str or int values, or None."""
    return _encode_pairs(params, VALUE)


def encode_form(fields):
    """Return the urlencoded form of the same kinds of containers, or None."""
    return _encode_pairs(fields, FIELD)
