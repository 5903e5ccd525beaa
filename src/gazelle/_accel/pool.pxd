"""C types of `_pure/pool.py`."""

import cython

from gazelle._accel.clock cimport monotonic
from gazelle._accel.connection cimport HttpConnection
from gazelle._accel.sink cimport ConnectionOwner

cdef int _REUSE, _SWITCH


cdef class Slots:
    cdef object _loop
    cdef readonly Py_ssize_t limit
    cdef readonly Py_ssize_t taken
    cdef readonly object waiters

    cpdef bint has_room(self) except -1
    cpdef object release(self)


cdef class Bucket:
    cdef object __weakref__
    cdef readonly object key
    cdef readonly Slots slots
    cdef readonly list idle


cdef class Lease(ConnectionOwner):
    cdef object __weakref__
    cdef readonly Pool pool
    cdef readonly Bucket bucket
    cdef readonly HttpConnection connection
    cdef readonly Py_ssize_t capacity
    cdef readonly Py_ssize_t taken
    cdef readonly Py_ssize_t generation
    cdef readonly double idle_since

    cpdef object attach(self, HttpConnection connection)
    cpdef object release(self)
    cpdef object close(self)
    cpdef tuple detach(self)
    cpdef object ended(self, object connection, int outcome, bytes left_over)
    cpdef object lost(self, object connection)
    @cython.locals(pool=Pool, bucket=Bucket, connection=HttpConnection)
    cdef object _give_back(self)
    @cython.locals(taken=Py_ssize_t)
    cdef object _give_up(self)


cdef class Pool:
    cdef dict _buckets
    cdef object _drained
    cdef readonly object loop
    cdef readonly double keepalive
    cdef readonly Py_ssize_t limit_per_host
    cdef readonly Slots slots
    cdef readonly set opening
    cdef readonly set open
    cdef readonly bint closed
    cdef readonly object sweep_timer

    cpdef Bucket bucket(self, object key)
    @cython.locals(slots=Slots, lease=Lease)
    cpdef Lease take(self, Bucket bucket)
    @cython.locals(lease=Lease)
    cdef Lease _lease(self, Bucket bucket, bint fresh)
    @cython.locals(idle=list, lease=Lease, connection=HttpConnection, fresh=bint)
    cdef Lease _pop(self, Bucket bucket)
    cpdef object arm_sweep(self)
    cpdef object check_open(self)
    cpdef object forget(self, Lease lease)
    cpdef object close(self)
