"""C types of `_pure/chunked.py`."""

import cython

from gazelle._accel.sink cimport ResponseSink

cdef int _SIZE, _DATA, _DATA_END, _TRAILER
cdef bytes _HEX, _TOKEN


cdef class ChunkedDecoder:
    cdef ResponseSink _sink
    cdef int _state
    cdef long long _remaining
    cdef bytes _line
    cdef Py_ssize_t _extensions
    cdef Py_ssize_t _budget
    cdef readonly bint done

    cpdef object start(self, Py_ssize_t budget)
    @cython.locals(text=cython.p_const_char, count=cython.longlong)
    cpdef Py_ssize_t feed(self, bytes data, Py_ssize_t position, Py_ssize_t size) except -1
    @cython.locals(end=Py_ssize_t, stop=Py_ssize_t, line=bytes)
    cdef Py_ssize_t _feed_line(self, bytes data, Py_ssize_t position, Py_ssize_t size) except -1
    @cython.locals(end=Py_ssize_t, position=Py_ssize_t, number=cython.longlong, digit=cython.uchar)
    cdef object _take_size(self, bytes line)
    @cython.locals(byte=cython.uchar)
    cdef object _skip_extensions(self, bytes line, Py_ssize_t position, Py_ssize_t end)
    @cython.locals(end=Py_ssize_t, position=Py_ssize_t)
    cdef object _take_trailer(self, bytes line)
