"""The one place where a request head is put together."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy


cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL


cpdef bytes assemble(str method, str target, tuple parts):
    """Return a request head: the request line up to the target, then `parts`, which hold the rest and the empty line.

    The caller has checked that nothing in it can end a line early.
    """
    cdef Py_ssize_t method_size, target_size, size
    cdef const char* method_text = PyUnicode_AsUTF8AndSize(method, &method_size)
    cdef const char* target_text = PyUnicode_AsUTF8AndSize(target, &target_size)
    cdef bytes part, head
    cdef char* end
    size = method_size + 1 + target_size
    for part in parts:
        size += len(part)
    head = PyBytes_FromStringAndSize(NULL, size)
    end = PyBytes_AS_STRING(head)
    memcpy(end, method_text, method_size)
    end += method_size
    end[0] = 32
    end += 1
    memcpy(end, target_text, target_size)
    end += target_size
    for part in parts:
        size = PyBytes_GET_SIZE(part)
        memcpy(end, PyBytes_AS_STRING(part), size)
        end += size
    return head
