"""C entry points of `headers.pyx`."""

cdef object field_name(const char* data, Py_ssize_t size)
cdef str field_value(const char* data, Py_ssize_t size)
