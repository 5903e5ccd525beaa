"""Python values become JSON as `json.dumps` writes it."""

from json import dumps

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_CheckExact
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.tuple cimport PyTuple_CheckExact
from cpython.unicode cimport PyUnicode_CheckExact
from libc.math cimport isfinite
from libc.string cimport memcpy, strlen


cdef extern from "Python.h":
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    Py_UCS4 PyUnicode_READ(int kind, void* data, Py_ssize_t index)
    int Py_DTSF_ADD_DOT_0
    char* PyOS_double_to_string(double value, char format, int precision, int flags, int* kind) except NULL


# Values that lie deeper are left to `json.dumps`, which finds out whether one of them holds itself.
cdef int _MAX_DEPTH = 64
cdef Py_ssize_t _FIRST_ROOM = 1024
# Bytes of the longest thing that is written at once: a character beyond U+FFFF, as two escapes.
cdef Py_ssize_t _LONGEST = 12
cdef const char* _HEX = b"0123456789abcdef"

# What follows the backslash of an ASCII character: 0 if it needs none, `u` if there is no short form.
cdef unsigned char[128] _escape
cdef int _byte
for _byte in range(128):
    _escape[_byte] = 0 if 0x20 <= _byte < 0x7F else c"u"
for _byte, _letter in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt'):
    _escape[_byte] = _letter


cdef struct Text:
    char* data
    Py_ssize_t size
    Py_ssize_t room


cdef int _grow(Text* text, Py_ssize_t count) except -1:
    cdef Py_ssize_t room = max(text.size + count, text.room * 2)
    cdef char* data = <char*>PyMem_Realloc(text.data, room)
    if data == NULL:
        raise MemoryError
    text.data = data
    text.room = room
    return 0


cdef inline int _reserve(Text* text, Py_ssize_t count) except -1:
    return _grow(text, count) if text.room - text.size < count else 0


cdef inline void _put(Text* text, char char) noexcept:
    text.data[text.size] = char
    text.size += 1


cdef int _write(Text* text, const char* data, Py_ssize_t size) except -1:
    _reserve(text, size)
    memcpy(text.data + text.size, data, size)
    text.size += size
    return 0


cdef void _put_escape(Text* text, unsigned int unit) noexcept:
    cdef int shift
    _put(text, c"\\")
    _put(text, c"u")
    for shift in range(12, -4, -4):
        _put(text, _HEX[(unit >> shift) & 15])


cdef int _write_str(Text* text, object value) except -1:
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(value)
    cdef int kind = PyUnicode_KIND(value)
    cdef void* data = PyUnicode_DATA(value)
    cdef Py_ssize_t index
    cdef unsigned int char
    _reserve(text, size + 2)
    _put(text, c'"')
    for index in range(size):
        char = PyUnicode_READ(kind, data, index)
        if char < 128 and not _escape[char]:
            _put(text, <char>char)
            continue
        _reserve(text, _LONGEST + size - index)  # what is left of it, and the quote
        if char < 128 and _escape[char] != c"u":
            _put(text, c"\\")
            _put(text, _escape[char])
        elif char < 0x10000:
            _put_escape(text, char)
        else:
            char -= 0x10000
            _put_escape(text, 0xD800 | (char >> 10))
            _put_escape(text, 0xDC00 | (char & 0x3FF))
    _put(text, c'"')
    return 0


cdef bint _write_int(Text* text, object value) except -1:
    """Returns whether it was small enough."""
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    cdef unsigned long long left
    cdef char[20] digits
    cdef int start = 20
    if overflow:
        return False
    left = -<unsigned long long>number if number < 0 else <unsigned long long>number
    while True:
        start -= 1
        digits[start] = c"0" + <char>(left % 10)
        left //= 10
        if not left:
            break
    if number < 0:
        _write(text, "-", 1)
    _write(text, digits + start, 20 - start)
    return True


cdef bint _write_float(Text* text, double value) except -1:
    """Returns whether it is a number (RFC 8259 §6)."""
    cdef char* digits
    if not isfinite(value):
        return False
    digits = PyOS_double_to_string(value, c"r", 0, Py_DTSF_ADD_DOT_0, NULL)
    try:
        _write(text, digits, strlen(digits))
    finally:
        PyMem_Free(digits)
    return True


cdef bint _write_key(Text* text, object key) except -1:
    """Returns whether the name of a member is one that needs no thought."""
    if PyUnicode_CheckExact(key):
        _write_str(text, key)
    elif PyLong_CheckExact(key):
        _write(text, '"', 1)
        if not _write_int(text, key):
            return False
        _write(text, '"', 1)
    else:
        return False
    return True


cdef bint _write_items(Text* text, list items, int depth) except -1:
    cdef bint first = True
    _write(text, "[", 1)
    for item in items:
        if not first:
            _write(text, ", ", 2)
        first = False
        if not _write_value(text, item, depth):
            return False
    _write(text, "]", 1)
    return True


cdef bint _write_members(Text* text, dict members, int depth) except -1:
    cdef bint first = True
    _write(text, "{", 1)
    for key, value in members.items():
        if not first:
            _write(text, ", ", 2)
        first = False
        if not _write_key(text, key):
            return False
        _write(text, ": ", 2)
        if not _write_value(text, value, depth):
            return False
    _write(text, "}", 1)
    return True


cdef bint _write_value(Text* text, object value, int depth) except -1:
    """Returns whether it was a plain value, and is written."""
    if PyUnicode_CheckExact(value):
        _write_str(text, value)
    elif value is None:
        _write(text, "null", 4)
    elif value is True:
        _write(text, "true", 4)
    elif value is False:
        _write(text, "false", 5)
    elif PyLong_CheckExact(value):
        return _write_int(text, value)
    elif PyFloat_CheckExact(value):
        return _write_float(text, PyFloat_AS_DOUBLE(value))
    elif depth == _MAX_DEPTH:
        return False
    elif PyDict_CheckExact(value):
        return _write_members(text, <dict>value, depth + 1)
    elif PyList_CheckExact(value):
        return _write_items(text, <list>value, depth + 1)
    elif PyTuple_CheckExact(value):
        return _write_items(text, list(<tuple>value), depth + 1)
    else:
        return False
    return True


def serialize_json(value):
    """Returns the text that `json.dumps` makes of a value, as bytes.

    Raises:
        TypeError, ValueError, RecursionError: as `json.dumps` does.
    """
    # Values of the types that JSON is made of are written here. Where there is anything else among them, or anything
    # that may be an error, the whole is left to `json.dumps`.
    cdef Text text
    text.size = 0
    text.room = _FIRST_ROOM
    text.data = <char*>PyMem_Malloc(text.room)
    if text.data == NULL:
        raise MemoryError
    try:
        if _write_value(&text, value, 0):
            return PyBytes_FromStringAndSize(text.data, text.size)
    finally:
        PyMem_Free(text.data)
    return dumps(value).encode()
