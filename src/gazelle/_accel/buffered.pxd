"""C types of `_pure/buffered.py`."""

from gazelle._accel.exchange cimport Exchange

cdef Py_ssize_t _DIRECT_LIMIT, _SCRATCH_SIZE


cdef class Receiver:
    cpdef object data_received(self, bytes data)
    cpdef object body_received(self, int outcome)


cdef class ReadBuffer:
    cdef object _loop
    cdef Receiver _receiver
    cdef Exchange _exchange
    cdef object _scratch
    cdef public object sink
    cdef public bint permanent

    cpdef object get_buffer(self, object sizehint)
    cpdef object buffer_updated(self, Py_ssize_t size)
    cpdef bint attach(self, object sink, object transport) except -1
    cpdef object detach(self, object sink, object transport)


cdef object _set_protocol(object transport, object protocol)
cdef object _scratch_of(object loop)
