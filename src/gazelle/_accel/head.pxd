"""A response head as offsets into its bytes."""

from libc.stdint cimport uint32_t


cdef struct Span:
    uint32_t name
    uint32_t name_size
    uint32_t value
    uint32_t value_size


cdef class ResponseHead:
    cdef public int status
    cdef public int minor
    cdef public bint keep_alive
    cdef readonly bint has_cookies
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t line_size
    cdef readonly Py_ssize_t longest_field
    cdef readonly bytes transfer_encoding
    cdef readonly bytes content_length
    cdef readonly bytes connection
    cdef readonly bytes content_encoding
    cdef bytes _raw
    cdef Span* _spans
    cdef uint32_t _reason
    cdef uint32_t _reason_size
    cdef dict _folded
    cdef object _headers
    cdef object _raw_headers

    cdef bytes _name(self, Py_ssize_t index)
    cdef bytes _value(self, Py_ssize_t index)


cpdef Py_ssize_t find_head_end(object data, Py_ssize_t start) except -2
cpdef ResponseHead parse_head(bytes data, Py_ssize_t start, Py_ssize_t end)
