"""C types of `_pure/framing.py`."""

import cython

from gazelle._accel.head cimport ResponseHead

cdef unsigned long long _MAX_LENGTH


@cython.locals(
    transfer_encoding=bytes,
    content_length=bytes,
    length=cython.longlong,
    number=cython.ulonglong,
    digit=cython.uchar,
    status=int,
)
cpdef long long body_length(ResponseHead head, bint bodiless) except? -3


@cython.locals(connection=bytes)
cpdef bint may_keep_alive(ResponseHead head) except -1
