"""C types of `_pure/connection.py`."""

import cython

from gazelle._accel.clock cimport monotonic
from gazelle._accel.deadlines cimport Deadline, Deadlines
from gazelle._accel.head cimport ResponseHead
from gazelle._accel.http_parser cimport ResponseParser
from gazelle._accel.pool cimport Pool, PooledConnection
from gazelle._accel.readiness cimport SocketProbe

cdef int _OPENING, _IDLE, _BUSY, _CLOSED
cdef Py_ssize_t _JOIN_LIMIT


cdef class ExchangeSettings:
    cdef readonly object open_stream
    cdef readonly double total
    cdef readonly double sock_read
    cdef readonly bint read_until_eof
    cdef readonly tuple limits


cdef class HttpConnection(PooledConnection):
    cdef object __weakref__
    cdef object _loop
    cdef object _create_future
    cdef Deadlines _deadlines
    cdef Pool _pool
    cdef object _open_stream
    cdef ResponseParser _parser
    cdef tuple _limits
    cdef Deadline _total_deadline
    cdef Deadline _read_deadline
    cdef double _read_time
    cdef int _state
    cdef object _write
    cdef SocketProbe _probe
    cdef object _waiter
    cdef ResponseHead _head
    cdef bytes _piece
    cdef list _pieces
    cdef object _stream
    cdef bint _reading_paused
    cdef bint _unsent
    cdef bint _uploading
    cdef bint _writing_paused
    cdef object _drained
    cdef object _continue
    cdef bint _continued
    cdef public object transport
    cdef readonly Py_ssize_t generation
    cdef readonly bint reused

    cpdef object exchange(
        self, bytes head, bytes body, str method, ExchangeSettings settings, double start, bint uploading=*
    )
    cpdef object abandon(self, object waiter)
    cpdef object resume_reading(self)
    @cython.locals(taken=Py_ssize_t)
    cpdef object data_received(self, bytes data)
    cpdef object on_interim(self, ResponseHead head)
    cpdef object on_head(self, ResponseHead head)
    cpdef object on_body(self, bytes data)
    cpdef object on_chunk_end(self)
    cdef object _begin_stream(self, ResponseHead head)
    @cython.locals(head=ResponseHead, reusable=bint, sending=bint, body=object)
    cdef object _complete(self, bint clean)
    cdef object _end_exchange(self)
    cdef bint _is_sending(self) except -1
    cdef bint _is_cut_off(self) except -1
    @cython.locals(busy=bint)
    cdef object _fail(self, object error)
