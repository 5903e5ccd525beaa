"""C types of `request_text.pyx`."""

cpdef bytes assemble(str method, str target, tuple parts)
