"""C types of `sendable.pyx`."""


cdef class Sendable:
    cdef public bint finished

    cpdef object advance(self, object value)
