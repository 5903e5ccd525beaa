"""Parsers and builders of header field values: functions of texts, without engine, requests or I/O."""
