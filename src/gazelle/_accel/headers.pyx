"""Building the multidict of response fields, and serializing request fields."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8

from multidict import CIMultiDict, CIMultiDictProxy, istr

from gazelle import hdrs
from gazelle.fields import grammar


cdef extern from "Python.h":
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    Py_UCS4 PyUnicode_READ(int kind, void* data, Py_ssize_t index)
    bint PyUnicode_IS_ASCII(object text)


cdef Py_ssize_t _MAX_NAMES = 1024
cdef Py_ssize_t _MAX_NAME_SIZE = 64
cdef dict _KNOWN = {
    spelling.encode(): istr(spelling)
    for name in vars(hdrs).values()
    if isinstance(name, istr)
    for spelling in (str(name), str(name).lower())
}
cdef dict _names = dict(_KNOWN)

# 1 for the characters of a token.
cdef bint[128] _token
cdef int _byte
for _byte in range(128):
    _token[_byte] = chr(_byte) in grammar.TOKEN_CHARACTERS


cdef object field_name(const char* data, Py_ssize_t size):
    """Return the shared istr of a field name; names that servers make up are kept up to a number."""
    cdef bytes raw = PyBytes_FromStringAndSize(data, size)
    cdef PyObject* known = PyDict_GetItem(_names, raw)
    if known != NULL:
        return <object>known
    name = istr(raw.decode("utf-8", "surrogateescape"))
    if size <= _MAX_NAME_SIZE:
        if len(_names) >= _MAX_NAMES:
            _names.clear()
            _names.update(_KNOWN)
        _names[raw] = name
    return name


cdef str field_value(const char* data, Py_ssize_t size):
    return PyUnicode_DecodeUTF8(data, size, "surrogateescape")


def build_headers(fields):
    """Return the fields as a case-insensitive multidict that keeps the spelling of the names.

    Bytes that are not UTF-8 become surrogates (`surrogateescape`).
    """
    cdef list pairs = []
    cdef bytes name, value
    for name, value in fields:
        pairs.append((
            field_name(PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)),
            field_value(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)),
        ))
    return CIMultiDictProxy(CIMultiDict(pairs))


cdef int _check(object name, object value) except -1:
    cdef Py_ssize_t index, size
    cdef int kind
    cdef void* data
    cdef Py_UCS4 char
    if not isinstance(name, str):
        raise TypeError(f"Header names must be str, not {type(name).__name__}: {name!r}")
    if not isinstance(value, str):
        raise TypeError(f"The value of header {str(name)!r} must be str, not {type(value).__name__}: {value!r}")
    size = PyUnicode_GET_LENGTH(name)
    kind = PyUnicode_KIND(name)
    data = PyUnicode_DATA(name)
    if size == 0:
        raise ValueError(f"Header name {str(name)!r} is not a token (RFC 9110 §5.1)")
    for index in range(size):
        char = PyUnicode_READ(kind, data, index)
        if char >= 128 or not _token[char]:
            raise ValueError(f"Header name {str(name)!r} is not a token (RFC 9110 §5.1)")
    size = PyUnicode_GET_LENGTH(value)
    kind = PyUnicode_KIND(value)
    data = PyUnicode_DATA(value)
    for index in range(size):
        char = PyUnicode_READ(kind, data, index)
        if (char < 32 and char != 9) or char == 127:
            raise ValueError(f"The value of header {str(name)!r} holds a control character: {value!r}")
    return 0


def serialize_headers(fields):
    """Return the fields as lines `Name: value` CRLF, in UTF-8, ready for the wire.

    Raises:
        TypeError: a name or a value is not a str.
        ValueError: a name is not a token, or a value holds a control character other than HTAB (RFC 9110 §5.1, §5.5).
    """
    cdef list parts = []
    for name, value in fields:
        _check(name, value)
        parts.append(name)
        parts.append(": ")
        parts.append(value)
        parts.append("\r\n")
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError:
        raise ValueError(f"Headers cannot be encoded as UTF-8: {''.join(parts)!r}") from None
