"""A socket looked at through poll(2)."""


cdef class SocketProbe:
    cdef int _fd

    cpdef bint has_input(self) except -1
