"""C types of `_pure/http_parser.py`."""

import cython

from gazelle._accel.chunked cimport ChunkedDecoder
from gazelle._accel.framing cimport body_length, may_keep_alive
from gazelle._accel.head cimport ResponseHead, find_head_end, parse_head
from gazelle._accel.sink cimport ResponseSink

cdef int _HEAD, _FIXED, _CHUNKED, _UNTIL_EOF, _DONE, _FAILED
cdef bytes _PROTOCOL


cdef class ResponseParser:
    cdef ResponseSink _sink
    cdef ChunkedDecoder _decoder
    cdef Py_ssize_t _max_line_size
    cdef Py_ssize_t _max_field_size
    cdef Py_ssize_t _max_headers
    cdef Py_ssize_t _budget
    cdef Py_ssize_t _budget_left
    cdef bytearray _pending
    cdef int _state
    cdef int _interim
    cdef long long _remaining
    cdef bint _bodiless
    cdef bint _connect
    cdef bint _upgrade
    cdef bint _read_until_eof
    cdef readonly bint done
    cdef readonly bint started
    cdef readonly bint switched

    cpdef object set_limits(self, Py_ssize_t max_line_size, Py_ssize_t max_field_size, Py_ssize_t max_headers)
    cpdef object start(self, str method=*, bint upgrade=*, bint read_until_eof=*)
    @cython.locals(size=Py_ssize_t)
    cpdef Py_ssize_t feed(self, bytes data) except -1
    @cython.locals(text=cython.p_const_char, position=Py_ssize_t, count=cython.longlong)
    cdef Py_ssize_t _feed(self, bytes data, Py_ssize_t size) except -1
    @cython.locals(start=Py_ssize_t, end=Py_ssize_t)
    cdef Py_ssize_t _feed_head(self, bytes data, Py_ssize_t position, Py_ssize_t size) except -1
    @cython.locals(
        pending=bytearray, before=Py_ssize_t, start=Py_ssize_t, scan=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t
    )
    cdef Py_ssize_t _feed_split_head(self, bytes data, Py_ssize_t position, Py_ssize_t size) except -1
    cdef object _check_start(self, bytes line)
    @cython.locals(head=ResponseHead, status=int, switched=bint, length=cython.longlong)
    cdef object _take_head(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    cpdef long long body_left(self) except -1
    cpdef object skip(self, Py_ssize_t size)
    cdef object _finish(self)
    @cython.locals(state=int)
    cpdef object feed_eof(self)
