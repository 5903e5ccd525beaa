"""The base of awaitables that are stepped like a coroutine, without a StopIteration for each result."""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF


# Cython fills only `tp_iternext`, and raises the result as a StopIteration with a traceback, which costs 3 000
# instructions a call. These slots cost a tenth: tasks hand the result over as it is (`am_send`), and so does `await` in
# CPython 3.11; from 3.12 on, `await` takes it out of a StopIteration (`tp_iternext`), which needs no traceback.
cdef extern from *:
    """
    typedef int (*gazelle_step)(PyObject *, PyObject *, PyObject **);
    static gazelle_step gazelle_send = NULL;

    static PyObject *gazelle_next(PyObject *receiver) {
        PyObject *result, *stop;
        int status = gazelle_send(receiver, Py_None, &result);
        if (status != 0)
            return result;
        stop = result == Py_None ? NULL : PyObject_CallOneArg(PyExc_StopIteration, result);
        Py_DECREF(result);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
        return NULL;
    }

    static void set_slots(PyTypeObject *type, gazelle_step send) {
        gazelle_send = send;
        type->tp_as_async->am_send = (sendfunc)send;
        type->tp_iternext = gazelle_next;
        PyType_Modified(type);
    }
    """
    void set_slots(PyTypeObject* kind, int (*send)(PyObject*, PyObject*, PyObject**) except -1)
    ctypedef struct PyTypeObject:
        pass


cdef class Sendable:
    """An awaitable that is its own iterator. A subclass provides `advance`.

    Attributes:
        finished: whether what `advance` has returned is the result, and not something to wait for.
    """

    def __init__(self):
        self.finished = False

    cpdef object advance(self, object value):
        """Go on, and return what to wait for, or the result with `finished` set."""
        raise NotImplementedError

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        result = self.advance(None)
        if self.finished:
            raise StopIteration(result)
        return result

    def send(self, value):
        """Go on with a value, as a coroutine does."""
        result = self.advance(value)
        if self.finished:
            raise StopIteration(result)
        return result


cdef int _send(PyObject* receiver, PyObject* value, PyObject** result) except -1:
    """Step: 0 (PYGEN_RETURN) with the result, 1 (PYGEN_NEXT) with something to wait for, -1 (PYGEN_ERROR)."""
    cdef Sendable sendable = <Sendable>receiver
    result[0] = NULL
    answer = sendable.advance(<object>value)
    Py_INCREF(answer)
    result[0] = <PyObject*>answer
    return 0 if sendable.finished else 1


def step_directly(kind):
    """Return a subclass, as a decorator does, after its slots are filled: a compiled class does not inherit them."""
    if not issubclass(kind, Sendable):
        raise TypeError(f"{kind!r} is not a Sendable")
    set_slots(<PyTypeObject*>kind, _send)
    return kind
