"""C types of `_pure/pool.py`."""

import cython


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

    @cython.locals(idle=list)
    cpdef object take(self, object key)
    @cython.locals(idle=list)
    cpdef object pop_idle(self, object key)
    cdef object _pop(self, object key, list idle)
    @cython.locals(taken=set, idle=list)
    cpdef object release(self, object connection, bint reusable)
    cpdef Places places_of(self, object key)
    @cython.locals(places=Places)
    cpdef object give_back_host(self, object key, object holder)
    cdef object _drop_idle(self, object key, object connection)
    cdef object _arm_sweep(self)
    cpdef object connection_lost(self, object connection)
    @cython.locals(places=Places)
    cpdef object close(self, object error)
