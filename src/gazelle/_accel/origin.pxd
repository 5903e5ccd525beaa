"""C types of `_pure/origin.py`."""

from gazelle._accel.pool cimport Bucket


cdef class Origin:
    cdef readonly object key
    cdef readonly Bucket bucket
    cdef readonly str site
    cdef readonly object template
    cdef readonly bytes lead
    cdef readonly bytes tail
    cdef readonly dict automatic
    cdef public frozenset fixed
    cdef public bint identified
    cdef public bytes ending
    cdef public bytes authorization
    cdef public bint plain
    cdef public bint typed
    cdef public bint own
    cdef public bint secure
    cdef public bytes cookie_line
    cdef public long long cookie_version


cdef class Origins:
    cdef object _headers
    cdef object _version
    cdef Py_ssize_t _limit
    cdef dict _known
    cdef object _last_name
    cdef Origin _last

    cpdef Origin get(self, object name)
    cpdef object put(self, object name, Origin origin)
    cpdef object clear(self)
