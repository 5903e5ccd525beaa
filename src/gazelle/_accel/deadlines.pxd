"""C types of `_pure/deadlines.py`."""

import cython

from gazelle._accel.clock cimport monotonic

cdef int _MAX_EMPTY_LISTS


cdef class Deadline:
    cdef readonly object owner
    cdef public double seconds
    cdef readonly double when
    cdef readonly DeadlineList _list
    cdef readonly Deadline _next
    cdef readonly Deadline _previous


cdef class DeadlineList:
    cdef readonly double seconds
    cdef readonly Deadline first
    cdef readonly Deadline last


cdef class Deadlines:
    cdef object _loop
    cdef dict _lists
    cdef DeadlineList _latest
    cdef object _timer
    cdef double _timer_when

    @cython.locals(when=double, entries=DeadlineList, before=Deadline, after=Deadline)
    cpdef object add(self, Deadline deadline, double seconds, double start)
    @cython.locals(entries=DeadlineList, before=Deadline, after=Deadline)
    cpdef object remove(self, Deadline deadline)
    @cython.locals(entries=DeadlineList)
    cpdef object close(self)
    @cython.locals(entries=DeadlineList, old=DeadlineList)
    cdef DeadlineList _list_of(self, double seconds)
    @cython.locals(delay=double)
    cdef object _arm(self, double when)
    @cython.locals(
        now=double, next_when=double, due=list, entries=DeadlineList, deadline=Deadline, seconds=double
    )
    cpdef object _expire(self)
