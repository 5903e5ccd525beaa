"""C types of `_pure/connection.py`."""

import cython

from gazelle._accel.buffered cimport ReadBuffer, Receiver
from gazelle._accel.clock cimport monotonic
from gazelle._accel.deadlines cimport Deadline, Deadlines
from gazelle._accel.exchange cimport Exchange, ExchangeSettings, deliver
from gazelle._accel.readiness cimport SocketProbe
from gazelle._accel.sink cimport ConnectionOwner

cdef int _OPENING, _IDLE, _BUSY, _SWITCHED, _DETACHED, _CLOSED
cdef int _PENDING, _REUSE, _CLOSE, _SWITCH
cdef Py_ssize_t _JOIN_LIMIT


cdef class HttpConnection(Receiver):
    cdef object __weakref__
    cdef object _loop
    cdef Deadlines _deadlines
    cdef Exchange _exchange
    cdef Deadline _total_deadline
    cdef Deadline _read_deadline
    cdef double _read_time
    cdef int _state
    cdef object _write
    cdef SocketProbe _probe
    cdef bint _reading_paused
    cdef bint _unsent
    cdef bint _writing_paused
    cdef object _drained
    cdef bytes _left_over
    cdef ReadBuffer _read_buffer
    cdef public ConnectionOwner owner
    cdef public object transport
    cdef readonly object key
    cdef public Py_ssize_t capacity
    cdef readonly Py_ssize_t generation
    cdef readonly bint reused

    cpdef bint is_idle(self) except -1
    cpdef bint is_reusable(self) except -1
    @cython.locals(exchange=Exchange)
    cpdef object exchange(
        self,
        bytes head,
        bytes body,
        str method,
        ExchangeSettings settings,
        double start,
        bint uploading=*,
        bint upgrade=*,
    )
    cpdef object abandon(self, object waiter)
    cpdef object close(self)
    cpdef tuple detach(self)
    cpdef object pause_reading(self)
    cpdef object resume_reading(self)
    cpdef object body_received(self, int outcome)
    @cython.locals(outcome=int)
    cpdef object data_received(self, bytes data)
    cdef object _take_unasked(self, bytes data)
    @cython.locals(exchange=Exchange, answer=tuple, left_over=bytes)
    cdef object _end(self, int outcome, object error)
    cdef object _disarm(self)
    cdef bint _is_sending(self) except -1
    cdef bint _is_cut_off(self) except -1
