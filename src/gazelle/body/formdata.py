"""Forms, sent urlencoded or as multipart bodies (RFC 7578)."""

import codecs
import re
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus

from multidict import CIMultiDict

from gazelle import hdrs
from gazelle.fields.grammar import check_text

from .file_payload import guess_filename, is_file
from .multipart_writer import MultipartWriter
from .payload import BytesPayload, LookupError, get_payload
from .payload_base import Payload

# Texts that urlencoding does not change.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII)


class _Field(NamedTuple):
    """A field, with the arguments of `add_field`."""

    name: str
    value: Any
    content_type: str | None
    filename: str | None


class FormData:
    """A form. Calling it returns its payload; it can be sent and extended repeatedly.

    It is `application/x-www-form-urlencoded`, unless a field needs `multipart/form-data`: a file, bytes, a payload, an
    asynchronous iterable, or a field with a content type, a file name or a transfer encoding.

    Args:
        fields: a mapping of names to values; a list or tuple of pairs, files and multidicts; or one file. Default none.
        quote_fields: whether to percent-encode file names (RFC 7578 §4.2) rather than send them in UTF-8. Default True.
        charset: charset of text. Default UTF-8.
        default_to_multipart: whether the form is multipart even if no field needs it. Default False.

    Raises:
        LookupError: the charset is unknown.
        TypeError: see `add_field` and `add_fields`.
        ValueError: see `add_field`.
    """

    def __init__(
        self,
        fields: Any = (),
        quote_fields: bool = True,
        charset: str | None = None,
        *,
        default_to_multipart: bool = False,
    ) -> None:
        if charset is not None:
            codecs.lookup(check_text("charset", charset))
        self._fields: list[_Field] = []
        self._is_multipart = default_to_multipart
        self._quote_fields = quote_fields
        self._charset = charset
        self._writer: MultipartWriter | None = None
        self.add_fields(*(fields if isinstance(fields, list | tuple) else (fields,)))

    @property
    def is_multipart(self) -> bool:
        """Whether the form is `multipart/form-data`."""
        return self._is_multipart

    def add_field(
        self,
        name: str,
        value: Any,
        *,
        content_type: str | None = None,
        filename: str | None = None,
        content_transfer_encoding: str | None = None,
    ) -> None:
        """Add a field.

        Args:
            name: name of the field.
            value: a str, bytes, bytearray, memoryview, file, payload or asynchronous iterable. In an urlencoded form
                also a number or another object that defines `__str__`, or a list or tuple of such values, each of
                which is sent as a field of that name.
            content_type: media type. Default: that of the payload for the value.
            filename: file name. Default: that of the file, else the name of the field; for bytes the name of the field,
                unless `content_transfer_encoding` is given.
            content_transfer_encoding: makes the form multipart, and has no other effect (RFC 7578 §4.7).

        Raises:
            TypeError: an argument is of a type that the form cannot send.
            ValueError: the content type or the file name holds a control character.
        """
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, not {type(name).__name__}: {name!r:.100}")
        if type(value) is str and content_type is None and filename is None and content_transfer_encoding is None:
            self._fields.append(_Field(name, value, None, None))
            return
        if content_type is not None:
            check_text("content_type", content_type)
        if filename is not None:
            check_text("filename", filename)
        if content_transfer_encoding is not None:
            check_text("content_transfer_encoding", content_transfer_encoding)
        multipart = not (content_type is None and filename is None and content_transfer_encoding is None)
        if is_file(value):
            multipart = True
            if filename is None:
                filename = guess_filename(value, name)
        elif isinstance(value, bytes | bytearray | memoryview):
            multipart = True
            if filename is None and content_transfer_encoding is None:
                filename = name
        elif isinstance(value, Payload | AsyncIterable):
            multipart = True
        elif not isinstance(value, str):
            if multipart or isinstance(value, list | tuple):
                values: Iterable[Any] = () if multipart else value
            else:
                values = (value,)
            for one in values:
                _check_scalar(name, one)
            if multipart:
                raise _not_for_multipart(name, value)
        self._fields.append(_Field(name, value, content_type, filename))
        self._is_multipart = self._is_multipart or multipart

    def add_fields(self, *fields: Any) -> None:
        """Add fields.

        Args:
            fields: each a pair of name and value, a mapping of names to values, or a file.

        Raises:
            TypeError: a field is of another type; see also `add_field`.
        """
        for one in fields:
            if isinstance(one, Mapping):
                for name, value in one.items():
                    self.add_field(name, value)
            elif is_file(one):
                self.add_field(guess_filename(one, "unknown") or "unknown", one)
            elif isinstance(one, list | tuple) and len(one) == 2:
                self.add_field(one[0], one[1])
            else:
                raise TypeError(
                    "a form is made of files, mappings and pairs of a name and a value (add_field() takes more), "
                    f"not of {type(one).__name__}: {one!r:.100}"
                )

    def __call__(self) -> Payload:
        """Return the payload of the form.

        Raises:
            TypeError: a value cannot be sent in a multipart form.
            ValueError: a name holds a control character, or the charset cannot encode a text.
        """
        return self._multipart() if self._is_multipart else self._urlencoded()

    def _urlencoded(self) -> Payload:
        charset = self._charset or "utf-8"
        pairs = []
        for field in self._fields:
            name = _urlencode(field.name, charset)
            value = field.value
            if isinstance(value, str):
                pairs.append(f"{name}={_urlencode(value, charset)}")
            else:
                values = value if isinstance(value, list | tuple) else (value,)
                pairs += [f"{name}={_urlencode(one, charset)}" for one in values]
        content_type = "application/x-www-form-urlencoded"
        if charset != "utf-8":
            content_type += f"; charset={charset}"
        return BytesPayload("&".join(pairs).encode(), content_type=content_type)

    def _multipart(self) -> Payload:
        writer = self._writer
        if writer is None:
            writer = MultipartWriter("form-data")
        # Parts are created once: the payload of a file stores its first position, and can be sent from there again.
        parts = [self._make_part(field) for field in self._fields[len(writer) :]]
        for part in parts:
            writer.append_payload(part)
        self._writer = writer
        return writer

    def _make_part(self, field: _Field) -> Payload:
        value = field.value
        if isinstance(value, Payload):
            part = value
            if field.content_type is not None:
                part.headers[hdrs.CONTENT_TYPE] = field.content_type
        else:
            options: dict[str, Any] = {} if field.content_type is None else {"content_type": field.content_type}
            if self._charset is not None:
                options["encoding"] = self._charset
            if is_file(value):
                options["disposition"] = None  # set below
            try:
                part = get_payload(value, headers=CIMultiDict(), **options)
            except LookupError:
                raise _not_for_multipart(field.name, value) from None
        names = {"name": field.name} if field.filename is None else {"name": field.name, "filename": field.filename}
        part.set_content_disposition(
            "form-data", quote_fields=self._quote_fields, _charset=self._charset or "utf-8", **names
        )
        return part


def _check_scalar(name: str, value: Any) -> None:
    """Refuse a value whose `str` would be a memory address or Python source."""
    kind: Any = type(value)
    no_text = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    if no_text or isinstance(value, Mapping | set | frozenset | list | tuple | Payload | AsyncIterable):
        raise TypeError(f"field {name!r} can not have a value of type {kind.__name__}: {value!r:.100}")


def _not_for_multipart(name: str, value: Any) -> TypeError:
    return TypeError(
        f"field {name!r} of a multipart form must be a str, bytes, a file, a payload or an asynchronous iterable, "
        f"not {type(value).__name__}: {value!r:.100}"
    )


def _urlencode(value: Any, charset: str) -> str:
    if isinstance(value, bytes | bytearray):
        return quote_plus(bytes(value))
    text = str.__str__(value) if isinstance(value, str) else str(value)
    return text if _PLAIN.fullmatch(text) is not None else quote_plus(text, encoding=charset)
