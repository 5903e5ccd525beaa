"""C types of `_pure/sink.py`."""

from gazelle._accel.head cimport ResponseHead


cdef class ResponseSink:
    cpdef object on_interim(self, ResponseHead head)
    cpdef object on_head(self, ResponseHead head)
    cpdef object on_body(self, bytes data)
    cpdef object on_chunk_end(self)
    cpdef object on_end(self)


cdef class ConnectionOwner:
    cpdef object ended(self, object connection, int outcome, bytes left_over)
    cpdef object lost(self, object connection)
