"""Multipart bodies: the writer, the reader, and the Content-Disposition of their parts."""

from gazelle.fields.disposition import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    content_disposition_filename,
    parse_content_disposition,
)

from .multipart_reader import BadMultipart, BodyPartReader, MultipartReader, MultipartResponseWrapper
from .multipart_writer import MultipartWriter

__all__ = [
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "BadMultipart",
    "BodyPartReader",
    "MultipartReader",
    "MultipartResponseWrapper",
    "MultipartWriter",
    "content_disposition_filename",
    "parse_content_disposition",
]
