"""C types of `_pure/framing.py`."""

import cython

from gazelle._accel.head cimport ResponseHead

cdef object _MAX_LENGTH


@cython.locals(transfer_encoding=bytes, content_length=bytes, length=object, status=int)
cpdef long long body_length(ResponseHead head, bint bodiless) except? -3


@cython.locals(connection=bytes)
cpdef bint may_keep_alive(ResponseHead head) except -1
