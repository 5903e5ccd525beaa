"""What is used of llhttp."""

from libc.stdint cimport uint8_t, uint16_t

cdef extern from "llhttp.h" nogil:
    ctypedef struct llhttp_t:
        void* data
        uint8_t http_major
        uint8_t http_minor
        uint16_t status_code

    ctypedef int (*llhttp_data_cb)(llhttp_t*, const char*, size_t) noexcept nogil
    ctypedef int (*llhttp_cb)(llhttp_t*) noexcept nogil

    ctypedef struct llhttp_settings_t:
        llhttp_data_cb on_status
        llhttp_data_cb on_header_field
        llhttp_data_cb on_header_value
        llhttp_cb on_headers_complete

    ctypedef enum llhttp_type_t:
        HTTP_RESPONSE

    ctypedef enum llhttp_errno_t:
        HPE_PAUSED

    void llhttp_settings_init(llhttp_settings_t*)
    void llhttp_init(llhttp_t*, llhttp_type_t, const llhttp_settings_t*)
    llhttp_errno_t llhttp_execute(llhttp_t*, const char*, size_t)
    const char* llhttp_get_error_pos(const llhttp_t*)
    void llhttp_set_lenient_headers(llhttp_t*, int)
    void llhttp_set_lenient_optional_cr_before_lf(llhttp_t*, int)
