"""Multipart bodies: the writer, the reader, and the Content-Disposition of their parts."""

from gazelle.fields.disposition import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    content_disposition_filename,
    parse_content_disposition,
)

from .multipart_framing import BadMultipart
from .multipart_reader import MultipartReader, MultipartResponseWrapper
from .multipart_writer import MultipartWriter
from .part_reader import BodyPartReader

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
