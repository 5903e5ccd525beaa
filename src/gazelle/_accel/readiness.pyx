"""Whether a socket has unread input, although no request is under way."""

cdef extern from *:
    """
    #ifdef _WIN32
    #include <winsock2.h>
    #define poll WSAPoll
    #else
    #include <poll.h>
    #endif
    static int gazelle_has_input(int fd) {
        struct pollfd entry;
        entry.fd = fd;
        entry.events = POLLIN;
        entry.revents = 0;
        return poll(&entry, 1, 0);
    }
    """
    int gazelle_has_input(int fd) nogil


cdef class SocketProbe:
    """Looks at a socket without reading from it.

    Args:
        fd: file descriptor of the socket.
    """

    def __init__(self, int fd):
        self._fd = fd

    cpdef bint has_input(self) except -1:
        """Return whether bytes, or the end of the connection, wait to be read."""
        return gazelle_has_input(self._fd) != 0
