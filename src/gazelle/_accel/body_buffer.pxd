"""C types of `_pure/body_buffer.py`."""

import cython

cdef Py_ssize_t _FIRST


cdef class BodyBuffer:
    cdef object _memory
    cdef object _view
    cdef Py_ssize_t _capacity
    cdef readonly Py_ssize_t size

    @cython.locals(size=Py_ssize_t)
    cpdef object buffer(self, Py_ssize_t hint)
    cpdef object wrote(self, Py_ssize_t size)
    cpdef bytes give_back(self)
    cdef object _release_view(self)
