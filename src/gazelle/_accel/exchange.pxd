"""C types of `_pure/exchange.py`."""

import cython

from gazelle._accel.head cimport ResponseHead
from gazelle._accel.http_parser cimport ResponseParser
from gazelle._accel.sink cimport ResponseSink

cdef int _IDLE, _SENT, _HEAD, _BODY, _DONE
cdef int _PENDING, _REUSE, _CLOSE, _SWITCH


cdef class ExchangeSettings:
    cdef readonly object open_stream
    cdef readonly double total
    cdef readonly double sock_read
    cdef readonly bint read_until_eof
    cdef readonly tuple limits


cdef class Exchange(ResponseSink):
    cdef object _create_future
    cdef object _control
    cdef ResponseParser _parser
    cdef tuple _limits
    cdef object _open_stream
    cdef bint _upgrade
    cdef bytes _piece
    cdef list _pieces
    cdef object _continue
    cdef bint _continued
    cdef readonly int state
    cdef readonly object waiter
    cdef readonly ResponseHead head
    cdef readonly object stream
    cdef public bint uploading
    cdef public bytes left_over

    cpdef object begin(self, str method, ExchangeSettings settings, bint uploading, bint upgrade)
    cpdef object forget_response(self)
    @cython.locals(taken=Py_ssize_t)
    cpdef int feed(self, bytes data) except -1
    cpdef int feed_eof(self) except -1
    cpdef long long body_left(self) except -1
    cpdef int skip(self, Py_ssize_t size) except -1
    cpdef object wait_for_continue(self)
    @cython.locals(head=ResponseHead, answer=tuple)
    cpdef tuple finish(self)
    cpdef object on_interim(self, ResponseHead head)
    cpdef object on_head(self, ResponseHead head)
    cpdef object on_body(self, bytes data)
    cpdef object on_chunk_end(self)
    cpdef object on_end(self)
    @cython.locals(head=ResponseHead)
    cdef int _conclude(self, bytes data, Py_ssize_t taken) except -1
    cdef object _body_of(self, ResponseHead head)
    @cython.locals(head=ResponseHead)
    cdef object _open_body(self)
    cdef object _answer_continue(self, bint wanted)


cpdef object deliver(object waiter, object stream, tuple answer, object error)
