"""The grammar of header field values. It knows texts only: no engine, no request, no I/O."""
