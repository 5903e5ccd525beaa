"""C types of `_pure/call.py`."""

import cython

from gazelle._accel.clock cimport monotonic
from gazelle._accel.connection cimport HttpConnection
from gazelle._accel.exchange cimport ExchangeSettings
from gazelle._accel.origin cimport Origin, Origins
from gazelle._accel.pool cimport Lease, Pool
from gazelle._accel.request_text cimport assemble
from gazelle._accel.sendable cimport Sendable

cdef int _NEW, _WAITING, _INNER, _DONE
cdef dict _METHODS
cdef frozenset _IDEMPOTENT, _TYPED
cdef bytes _BINARY, _FORM, _JSON, _TEXT
cdef object _NOTHING
cdef int _FIRST_ERROR, _NO_ERROR


cdef class WireRequest:
    cdef public str method
    cdef public object connection_key
    cdef public bytes head
    cdef public bytes body
    cdef public str site
    cdef public str target


cdef class _Nothing:
    pass


cdef class Plan:
    cdef public bint plain
    cdef public object full
    cdef public object connector
    cdef public object connect
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
    cdef public int error_from
    cdef public object open_origin
    cdef public object cookies_for
    cdef public object serialize
    cdef public object response
    cdef public object leaving
    cdef public object respond
    cdef public object follow
    cdef public object repeat
    cdef public object enter
    cdef public object error

    @cython.locals(pool=Pool)
    cpdef bint allows(self, double now) except -1


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
    cdef int _error_from
    cdef bint _unchecked
    cdef object _auth
    cdef object _params
    cdef object _headers
    cdef object _data
    cdef object _json
    cdef str _site
    cdef str _target
    cdef bytes _body

    cdef object _start_inner(self, object awaitable)
    cdef object _step(self, object value)
    cpdef object advance(self, object value)
    cdef object _finish(self, object response)
    cdef object _end(self)
    cdef object _throw_inner(self, object error)
    cdef bint _failed_with(self, object error) except -1
    @cython.locals(lease=Lease)
    cdef object _abandon(self)
    @cython.locals(
        plan=Plan, origin=Origin, pool=Pool, lease=Lease, settings=ExchangeSettings, request=WireRequest, fields=bytes,
        tail=bytes, cookies=bytes, authorization=bytes, given=bytes, described=bytes,
        start=double,
    )
    cdef object _begin(self)
    @cython.locals(limited=ExchangeSettings)
    cdef ExchangeSettings _take_apart(self, ExchangeSettings settings)
    @cython.locals(origin=Origin, parts=tuple, site=str, target=str)
    cdef Origin _locate(self, Plan plan)
    @cython.locals(encoded=tuple, described=bytes, type_line=bytes)
    cdef bytes _describe(self, Origin origin)
    cdef tuple _encode(self, object data, object json)
    @cython.locals(connection=HttpConnection)
    cdef object _send(self, WireRequest request, Lease lease, ExchangeSettings settings)
    @cython.locals(plan=Plan, lease=Lease, connection=HttpConnection, request=WireRequest)
    cdef object _take_answer(self)
    cdef bint _may_repeat(self, HttpConnection connection, object error) except -1
    @cython.locals(plan=Plan, status=int, has_cookies=bint)
    cdef object _respond(self, WireRequest request, tuple answer, Lease lease)


cdef str _absolute(Plan plan, str url)
cdef bytes _lines(object headers, Origin origin)
cdef bytes _tail(object headers, Origin origin)
cdef bytes _credentials(object auth, Origin origin)
cdef object _raisable(object kind, object value, object traceback)
cdef ExchangeSettings _limit(ExchangeSettings settings, object timeout)
