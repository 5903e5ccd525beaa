"""One whole response head, as bytes, becomes a `ResponseHead`: the binding of llhttp."""

import re

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memchr, memcpy

from gazelle._accel.headers cimport field_name, field_value
from gazelle._accel.llhttp cimport (
    HPE_PAUSED,
    HTTP_RESPONSE,
    llhttp_execute,
    llhttp_get_error_pos,
    llhttp_init,
    llhttp_set_lenient_headers,
    llhttp_set_lenient_optional_cr_before_lf,
    llhttp_settings_init,
    llhttp_settings_t,
    llhttp_t,
)

from multidict import CIMultiDict, CIMultiDictProxy

from gazelle.errors import BadStatusLine, InvalidHeader
from gazelle.types import HttpVersion10, HttpVersion11

# For errors alone: which line is to blame if several are bad.
cdef object _STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [^\x00\r\n]*)?\r?\n")

# Fields of a head whose spans are on the stack; a longer head takes them from the heap.
cdef enum:
    INLINE_SPANS = 64


cdef struct Scratch:
    const char* base
    Span* spans
    Py_ssize_t count
    Py_ssize_t capacity
    bint in_value
    uint32_t reason
    uint32_t reason_size


cdef llhttp_settings_t _settings
llhttp_settings_init(&_settings)
_settings.on_status = _on_status
_settings.on_header_field = _on_header_field
_settings.on_header_value = _on_header_value
_settings.on_headers_complete = _on_headers_complete


# The callbacks of llhttp see the whole head at once, so a span arrives in one call, but for a value that is folded
# over several lines (obs-fold), which arrives in one call for each.

cdef int _on_status(llhttp_t* parser, const char* at, size_t size) noexcept nogil:
    cdef Scratch* scratch = <Scratch*>parser.data
    scratch.reason = <uint32_t>(at - scratch.base)
    scratch.reason_size = <uint32_t>size
    return 0


cdef int _on_header_field(llhttp_t* parser, const char* at, size_t size) noexcept nogil:
    cdef Scratch* scratch = <Scratch*>parser.data
    cdef Span* span
    if scratch.count == scratch.capacity:
        return -1
    span = &scratch.spans[scratch.count]
    scratch.count += 1
    span.name = <uint32_t>(at - scratch.base)
    span.name_size = <uint32_t>size
    span.value = span.name + span.name_size
    span.value_size = 0
    scratch.in_value = False
    return 0


cdef int _on_header_value(llhttp_t* parser, const char* at, size_t size) noexcept nogil:
    cdef Scratch* scratch = <Scratch*>parser.data
    cdef Span* span = &scratch.spans[scratch.count - 1]
    if scratch.in_value:
        span.value_size = <uint32_t>(at - scratch.base) + <uint32_t>size - span.value
    else:
        span.value = <uint32_t>(at - scratch.base)
        span.value_size = <uint32_t>size
        scratch.in_value = True
    return 0


cdef int _on_headers_complete(llhttp_t* parser) noexcept nogil:
    # llhttp is asked for heads only: bodies are framed by `framing`, the same for both twins.
    return HPE_PAUSED


cdef class ResponseHead:
    """The status line and the fields of one response.

    `keep_alive` belongs to whoever parses on: the head only carries it.
    """

    def __dealloc__(self):
        PyMem_Free(self._spans)

    @property
    def version(self):
        """HTTP version of the response."""
        return HttpVersion11 if self.minor == 1 else HttpVersion10

    @property
    def reason(self):
        """Reason phrase, empty if there is none."""
        return field_value(PyBytes_AS_STRING(self._raw) + self._reason, self._reason_size)

    @property
    def raw_headers(self):
        """The fields as (name, value) pairs of bytes."""
        cdef Py_ssize_t index
        if self._raw_headers is None:
            self._raw_headers = tuple([(self._name(index), self._value(index)) for index in range(self.count)])
        return self._raw_headers

    @property
    def headers(self):
        """The fields as a case-insensitive multidict, built on first access."""
        cdef list pairs
        cdef Py_ssize_t index
        cdef Span* span
        cdef const char* base
        cdef bytes value
        if self._headers is None:
            base = PyBytes_AS_STRING(self._raw)
            pairs = []
            for index in range(self.count):
                span = &self._spans[index]
                if self._folded is None:
                    text = field_value(base + span.value, span.value_size)
                else:
                    value = self._value(index)
                    text = field_value(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
                pairs.append((field_name(base + span.name, span.name_size), text))
            self._headers = CIMultiDictProxy(CIMultiDict(pairs))
        return self._headers

    def first(self, bytes name):
        """Return the first value of the field `name`, given in lower case, without building `headers`."""
        cdef Py_ssize_t index
        cdef const char* wanted = PyBytes_AS_STRING(name)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
        cdef bytes value
        for index in range(self.count):
            if self._spans[index].name_size == <size_t>size and _same(
                PyBytes_AS_STRING(self._raw) + self._spans[index].name, wanted, size
            ):
                value = self._value(index)
                return field_value(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        return None

    def all(self, bytes name):
        """Return the values of the fields `name`, given in lower case, without building `headers`."""
        cdef Py_ssize_t index
        cdef const char* wanted = PyBytes_AS_STRING(name)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
        cdef bytes value
        cdef list found = []
        for index in range(self.count):
            if self._spans[index].name_size == <size_t>size and _same(
                PyBytes_AS_STRING(self._raw) + self._spans[index].name, wanted, size
            ):
                value = self._value(index)
                found.append(field_value(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)))
        return found

    cdef bytes _name(self, Py_ssize_t index):
        return PyBytes_FromStringAndSize(
            PyBytes_AS_STRING(self._raw) + self._spans[index].name, self._spans[index].name_size
        )

    cdef bytes _value(self, Py_ssize_t index):
        if self._folded is not None:
            value = self._folded.get(index)
            if value is not None:
                return value
        return PyBytes_FromStringAndSize(
            PyBytes_AS_STRING(self._raw) + self._spans[index].value, self._spans[index].value_size
        )


cdef inline bint _same(const char* text, const char* lower, Py_ssize_t size) noexcept nogil:
    """Compare ASCII without regard to case; `lower` is in lower case and holds letters and hyphens only."""
    cdef Py_ssize_t index
    cdef char char
    for index in range(size):
        char = text[index]
        if 65 <= char <= 90:
            char |= 32
        if char != lower[index]:
            return False
    return True


cpdef Py_ssize_t find_head_end(object data, Py_ssize_t start) except -2:
    """Return the position after the first empty line of `data[start:]`, or -1 if there is none yet.

    The bytes before `start` must belong to a line that is not empty.
    """
    cdef const char* base
    cdef const char* end
    cdef const char* position
    if PyBytes_CheckExact(data):
        base = PyBytes_AS_STRING(data)
        end = base + PyBytes_GET_SIZE(data)
    elif isinstance(data, bytearray):
        base = PyByteArray_AS_STRING(data)
        end = base + PyByteArray_GET_SIZE(data)
    else:
        raise TypeError(f"bytes or bytearray expected, not {type(data).__name__}")
    position = base + start
    while position < end:
        position = <const char*>memchr(position, 10, end - position)
        if position == NULL:
            break
        position += 1
        if position < end and position[0] == 10:
            return position + 1 - base
        if end - position >= 2 and position[0] == 13 and position[1] == 10:
            return position + 2 - base
    return -1


cdef bytes _cut(bytes data, Py_ssize_t start, Py_ssize_t end):
    """Return `data[start:end]`, at a third of the cost of a slice."""
    if data is None or not 0 <= start <= end <= PyBytes_GET_SIZE(data):
        raise ValueError("range outside of the data")
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + start, end - start)


cpdef ResponseHead parse_head(bytes data, Py_ssize_t start, Py_ssize_t end):
    """Parse `data[start:end]`, a head up to and including its empty line.

    Raises:
        BadStatusLine: the first line is not a status line of HTTP/1.0 or HTTP/1.1.
        InvalidHeader: a later line is not a valid field line, or Content-Length is repeated or not a number.
    """
    cdef bytes raw = _cut(data, start, end)
    cdef const char* base = PyBytes_AS_STRING(raw)
    cdef Py_ssize_t size = end - start
    cdef const char* first_end = <const char*>memchr(base, 10, size)
    cdef const char* position
    cdef Span[INLINE_SPANS] inline_spans
    cdef Scratch scratch
    cdef llhttp_t parser
    cdef Span* heap = NULL
    cdef Py_ssize_t lines
    cdef ResponseHead head

    # NUL never, and CR only before LF: RFC 9112 §2.2 lets a recipient take a bare CR for an error.
    position = _forbidden(base, size)
    if position != NULL:
        raise _error(raw, position - base, first_end - base)

    scratch.base = base
    scratch.spans = inline_spans
    scratch.capacity = INLINE_SPANS
    lines = _count_lines(base, size)
    if lines > INLINE_SPANS:
        heap = <Span*>PyMem_Malloc(lines * sizeof(Span))
        if heap == NULL:
            raise MemoryError
        scratch.spans = heap
        scratch.capacity = lines
    try:
        scratch.count = 0
        scratch.in_value = False
        scratch.reason = 0
        scratch.reason_size = 0
        llhttp_init(&parser, HTTP_RESPONSE, &_settings)
        # Folded lines and bare LF are taken as browsers take them; what else these two allow is refused here.
        llhttp_set_lenient_headers(&parser, 1)
        llhttp_set_lenient_optional_cr_before_lf(&parser, 1)
        parser.data = &scratch
        if llhttp_execute(&parser, base, size) != HPE_PAUSED:
            position = llhttp_get_error_pos(&parser)
            raise _error(raw, 0 if position == NULL else position - base, first_end - base)
        if (
            parser.http_major != 1
            or parser.http_minor > 1
            or parser.status_code < 100
        ):
            raise BadStatusLine(_line(raw, 0))
        if first_end + 1 < base + size and (first_end[1] == 32 or first_end[1] == 9):
            raise InvalidHeader(_line(raw, first_end + 1 - base))
        head = ResponseHead.__new__(ResponseHead)
        head._raw = raw
        head.status = parser.status_code
        head.minor = parser.http_minor
        head.line_size = first_end - base - (1 if first_end[-1] == 13 else 0)
        head._reason = scratch.reason
        head._reason_size = scratch.reason_size
        head.count = scratch.count
        _take_fields(head, &scratch)
    finally:
        PyMem_Free(heap)
    return head


cdef int _take_fields(ResponseHead head, Scratch* scratch) except -1:
    """Copy the spans, trim the values, and keep the fields that decide about the connection and the body."""
    cdef Py_ssize_t index
    cdef Span* span
    cdef const char* base = scratch.base
    cdef const char* name
    cdef uint32_t size
    cdef bint folded
    cdef Py_ssize_t longest = 0
    cdef Py_ssize_t begin, end, fields_end
    if scratch.count:
        head._spans = <Span*>PyMem_Malloc(scratch.count * sizeof(Span))
        if head._spans == NULL:
            raise MemoryError
        memcpy(head._spans, scratch.spans, scratch.count * sizeof(Span))
    fields_end = PyBytes_GET_SIZE(head._raw) - (2 if base[PyBytes_GET_SIZE(head._raw) - 2] == 13 else 1)
    for index in range(scratch.count):
        span = &head._spans[index]
        name = base + span.name
        size = span.name_size
        # Lenient llhttp takes spaces after the names it knows (`Content-Length : 1`, even `Content-Length x: 1`); no
        # space belongs into a name or before its colon (RFC 9112 §5.1).
        if name[size] != 58 or name[-1] != 10 or memchr(name, 32, size) != NULL:
            raise InvalidHeader(_line(head._raw, span.name))
        # A line end before the one that ends the field is a fold, also where llhttp left it out of the value.
        begin = span.name + size + 1
        end = head._spans[index + 1].name if index + 1 < scratch.count else fields_end
        folded = <const char*>memchr(base + begin, 10, end - begin) != base + end - 1
        if folded:
            if head._folded is None:
                head._folded = {}
            head._folded[index] = unfold(head._raw[begin:end])
            longest = max(longest, <Py_ssize_t>size + len(head._folded[index]))
        else:
            while span.value_size and base[span.value + span.value_size - 1] in (32, 9):
                span.value_size -= 1
            if <Py_ssize_t>(size + span.value_size) > longest:
                longest = size + span.value_size
        if size == 10:
            if _same(name, b"connection", 10):
                head.connection = _joined(head.connection, head._value(index))
            elif _same(name, b"set-cookie", 10):
                head.has_cookies = True
        elif size == 14:
            if _same(name, b"content-length", 14):
                if head.content_length is not None or folded or not _all_digits(base + span.value, span.value_size):
                    raise InvalidHeader(b"Content-Length: " + head._value(index))
                head.content_length = head._value(index)
        elif size == 16:
            if _same(name, b"content-encoding", 16):
                head.content_encoding = _joined(head.content_encoding, head._value(index))
        elif size == 17:
            if _same(name, b"transfer-encoding", 17):
                if folded:
                    raise InvalidHeader(b"Transfer-Encoding: " + head._value(index))
                head.transfer_encoding = _joined(head.transfer_encoding, head._value(index))
    head.longest_field = longest
    return 0


cpdef bytes unfold(bytes value):
    """Return a value of several lines (obs-fold) as one: a space for each line end and the white space around it."""
    # Not by a regular expression: it would look at a long run of spaces from each of them to its end.
    return b" ".join([line.strip(b" \t\r") for line in value.split(b"\n")]).strip(b" ")


cdef inline bytes _joined(bytes first, bytes second):
    return second if first is None else first + b", " + second


cdef inline bint _all_digits(const char* text, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t index
    for index in range(size):
        if not 48 <= text[index] <= 57:
            return False
    return size > 0


cdef const char* _forbidden(const char* base, Py_ssize_t size) noexcept nogil:
    """Return the first NUL, or CR that no LF follows."""
    cdef const char* end = base + size
    cdef const char* nul = <const char*>memchr(base, 0, size)
    cdef const char* position = base
    while True:
        position = <const char*>memchr(position, 13, end - position)
        if position == NULL:
            return nul
        if position + 1 == end or position[1] != 10:
            return position if nul == NULL or position < nul else nul
        position += 1


cdef Py_ssize_t _count_lines(const char* base, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t count = 0
    cdef const char* end = base + size
    cdef const char* position = <const char*>memchr(base, 10, size)
    while position != NULL:
        count += 1
        position = <const char*>memchr(position + 1, 10, end - position - 1)
    return count


cdef object _error(bytes raw, Py_ssize_t position, Py_ssize_t first_end):
    if position <= first_end or _STATUS_LINE.match(raw) is None:
        return BadStatusLine(_line(raw, 0))
    return InvalidHeader(_line(raw, position))


cdef bytes _line(bytes raw, Py_ssize_t position):
    """Return the line around `position`, for an error message."""
    cdef Py_ssize_t start = raw.rfind(b"\n", 0, position) + 1
    cdef Py_ssize_t end = raw.find(b"\n", position)
    return raw[start : end if end >= 0 else len(raw)].rstrip(b"\r")
