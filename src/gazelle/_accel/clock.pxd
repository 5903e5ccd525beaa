"""C types of `clock.pyx`."""

cpdef double monotonic() noexcept
