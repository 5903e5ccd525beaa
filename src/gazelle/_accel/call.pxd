"""C types of `_pure/call.py`."""

import cython

from gazelle._accel.clock cimport monotonic
from gazelle._accel.connection cimport HttpConnection
from gazelle._accel.exchange cimport ExchangeSettings
from gazelle._accel.origin cimport Origin, Origins
from gazelle._accel.pool cimport Lease, Pool
from gazelle._accel.sendable cimport Sendable

cdef int _NEW, _WAITING, _INNER, _DONE
cdef dict _METHODS
cdef frozenset _IDEMPOTENT, _TYPED
cdef bytes _BINARY, _FORM, _JSON, _TEXT
cdef object _NOTHING


cdef class WireRequest:
    cdef public str method
    cdef public object connection_key
    cdef public bytes head
    cdef public bytes body
    cdef public str site
    cdef public str target


cdef class _Nothing(Sendable):
    cpdef object advance(self, object value)


cdef class Plan:
    cdef public bint plain
    cdef public object full
    cdef public Pool pool
    cdef public list traces
    cdef public object stored
    cdef public Origins origins
    cdef public str base
    cdef public str base_site
    cdef public double known_until
    cdef public ExchangeSettings settings
    cdef public object policy
    cdef public bint retry
    cdef public bint raises
    cdef public object open_origin
    cdef public object cookies_for
    cdef public object serialize
    cdef public object response
    cdef public object leaving
    cdef public object respond
    cdef public object follow
    cdef public object repeat
    cdef public object error


cdef class Call(Sendable):
    cdef object __weakref__
    cdef readonly object full
    cdef readonly Plan plan
    cdef readonly object method
    cdef readonly object url
    cdef readonly dict options
    cdef readonly double start
    cdef int _state
    cdef bint _entering
    cdef object _future
    cdef Lease _lease
    cdef WireRequest _request
    cdef object _response
    cdef object _inner

    cdef object _start_inner(self, object awaitable)
    cdef object _step(self, object value)
    cpdef object advance(self, object value)
    cdef object _finish(self, object response)
    cdef object _end(self)
    cdef bint _failed_with(self, object error) except -1
    @cython.locals(lease=Lease)
    cdef object _abandon(self)
    @cython.locals(
        plan=Plan, origin=Origin, pool=Pool, lease=Lease, request=WireRequest, connection=HttpConnection,
        settings=ExchangeSettings, limited=ExchangeSettings, head=bytes, body=bytes, fields=bytes, cookies=bytes, described=bytes, lines=bytes,
        site=str, target=str, parts=tuple, encoded=tuple, start=double,
    )
    cdef object _begin(self)
    cdef tuple _encode(self, object data, object json)
    @cython.locals(
        plan=Plan, lease=Lease, connection=HttpConnection, request=WireRequest, answer=tuple, status=int,
        has_cookies=bint, again=bint, lost=bint,
    )
    cdef object _take_answer(self)


cdef str _absolute(Plan plan, str url)
cdef bytes _lines(object headers, frozenset fixed)
cdef ExchangeSettings _limit(ExchangeSettings settings, object timeout)
