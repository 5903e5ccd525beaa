"""C types of `_pure/pool.py`."""

import cython

from gazelle._accel.clock cimport monotonic
from gazelle._accel.sink cimport ResponseSink


cdef class PooledConnection(ResponseSink):
    cdef public object key
    cdef public double idle_since
    cdef list _idle_list

    cpdef bint is_reusable(self) except -1
    cpdef object close(self)


cdef class Places:
    cdef readonly Py_ssize_t limit
    cdef readonly set taken
    cdef readonly object waiters

    cpdef bint has_room(self) except -1
    cpdef object give_back(self, object holder)


cdef class Pool:
    cdef object _loop
    cdef readonly double keepalive
    cdef readonly Places places
    cdef Py_ssize_t _limit_per_host
    cdef readonly dict hosts
    cdef readonly dict idle
    cdef readonly set open
    cdef readonly bint closed
    cdef object _drained
    cdef object _sweep_timer

    @cython.locals(idle=list, connection=PooledConnection)
    cpdef PooledConnection take(self, object key)
    @cython.locals(idle=list)
    cpdef PooledConnection pop_idle(self, object key)
    @cython.locals(connection=PooledConnection, fresh=bint)
    cdef PooledConnection _pop(self, object key, list idle)
    @cython.locals(taken=set, idle=list)
    cpdef object release(self, PooledConnection connection, bint reusable)
    cpdef Places places_of(self, object key)
    @cython.locals(places=Places)
    cpdef object give_back_host(self, object key, object holder)
    cdef object _drop_idle(self, object key, PooledConnection connection)
    cdef object _arm_sweep(self)
    cpdef object connection_lost(self, PooledConnection connection)
    @cython.locals(places=Places)
    cpdef object close(self, object error)
