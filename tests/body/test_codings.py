"""Content codings: what is encoded comes back whole, in bounded steps, or not at all."""

from __future__ import annotations

import gzip
import importlib.util
import os
import random
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from gazelle.body import codings
from gazelle.body.codings import (
    MAX_CODINGS,
    Decoder,
    accept_encoding,
    decode_all,
    make_decoder,
    set_zlib_backend,
)
from gazelle.body.decoder import MAX_MEMBERS
from gazelle.errors import ContentEncodingError
from tests.support.growth import assert_linear

brotli: Any = codings._brotli
zstd: Any = codings._zstd
Encode = Callable[[bytes], bytes]


def bare_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


# name of the format → (Content-Encoding, encoder)
FORMATS: dict[str, tuple[str, Encode]] = {
    "gzip": ("gzip", lambda data: gzip.compress(data, mtime=0)),
    "zlib": ("deflate", zlib.compress),
    "bare_deflate": ("deflate", bare_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", lambda data: zstd.compress(data)),
}
ENCODE: dict[str, Encode] = dict(FORMATS.values()) | {"deflate": zlib.compress}

RANDOM = random.Random(20)
TEXT = b" ".join(RANDOM.choices([RANDOM.randbytes(4).hex().encode() for _ in range(500)], k=9000))
BODIES = [b"", b"x", b"hello, world", TEXT, bytes(200_000), RANDOM.randbytes(70_000)]

every_format = pytest.mark.parametrize("name", FORMATS)


@pytest.fixture(params=["default", "zlib", "isal"])
def zlib_backend(request: pytest.FixtureRequest) -> Iterator[str]:
    set_zlib_backend({"default": None, "zlib": zlib, "isal": isal_zlib}[request.param])
    yield request.param
    set_zlib_backend(None)


def decoder_for(content_encoding: str) -> Decoder:
    decoder = make_decoder(content_encoding)
    assert decoder is not None
    return decoder


def stream(content_encoding: str, pieces: list[bytes], step: int = -1) -> bytes:
    """Decode as the stream does: feed only when nothing is pending, never take more than `step` bytes."""
    decoder = decoder_for(content_encoding)
    out = []
    for piece in pieces:
        out.append(decoder.decode(piece, step))
        while decoder.pending:
            assert not decoder.needs_input
            out.append(decoder.decode(b"", step))
        assert decoder.needs_input
    assert step < 0 or all(len(piece) <= step for piece in out)
    out.append(decoder.finish())
    return b"".join(out)


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


# --- round trips ---


@every_format
@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{len(body)}_bytes")
def test_a_whole_body_comes_back(name: str, body: bytes, zlib_backend: str) -> None:
    coding, encode = FORMATS[name]
    assert decode_all(encode(body), coding) == body
    assert stream(coding, [encode(body)]) == body


@every_format
@pytest.mark.parametrize("step", [1, 100, 65536, -1])
def test_a_body_fed_byte_by_byte_comes_back(name: str, step: int, zlib_backend: str) -> None:
    coding, encode = FORMATS[name]
    for body in (b"", b"hello, world" * 30, bytes(5000)):
        assert stream(coding, cut(encode(body), 1), step) == body


@every_format
def test_a_small_body_comes_back_at_every_split(name: str, zlib_backend: str) -> None:
    coding, encode = FORMATS[name]
    body = b"hello, hello, hello, world"
    raw = encode(body)
    for first in range(len(raw) + 1):
        for second in range(first, len(raw) + 1):
            pieces = [piece for piece in (raw[:first], raw[first:second], raw[second:]) if piece]
            assert stream(coding, pieces, 5) == body


@every_format
@pytest.mark.parametrize("step", [1, 7, 1000, 32752, 65536, 262144])
def test_no_step_is_longer_than_asked_for(name: str, step: int, zlib_backend: str) -> None:
    coding, encode = FORMATS[name]
    body = bytes(90_000) if step < 1000 else TEXT + bytes(300_000)
    assert stream(coding, cut(encode(body), 65536), step) == body


@given(
    body=st.binary(max_size=2000) | st.integers(0, 200_000).map(bytes),
    chain=st.lists(st.sampled_from(sorted(ENCODE)), min_size=1, max_size=MAX_CODINGS),
    data=st.data(),
)
def test_any_chain_at_any_split_in_any_steps_gives_the_body(body: bytes, chain: list[str], data: st.DataObject) -> None:
    raw = body
    for coding in chain:
        raw = ENCODE[coding](raw)
    content_encoding = ", ".join(chain)
    assert decode_all(raw, content_encoding) == body
    decoder = decoder_for(content_encoding)
    sizes = st.sampled_from([1, 3, 100, 4000, 100_000])
    steps = st.sampled_from([500, 3000, 65536, -1])
    out = []
    position = 0
    while position < len(raw):
        size = data.draw(sizes)
        out.append(decoder.decode(raw[position : position + size], data.draw(steps)))
        position += size
        step = data.draw(steps)
        while decoder.pending:
            piece = decoder.decode(b"", step)
            assert step < 0 or len(piece) <= step
            out.append(piece)
    out.append(decoder.finish())
    assert b"".join(out) == body


@every_format
def test_input_fed_while_output_is_pending_is_kept(name: str) -> None:
    coding, encode = FORMATS[name]
    decoder = decoder_for(coding)
    out = [decoder.decode(piece, 10) for piece in cut(encode(TEXT), 1000)]
    assert b"".join(out) + decoder.finish() == TEXT


# --- which coding ---


@pytest.mark.parametrize("value", ["gzip", "GZip", " gzip\t", "x-gzip", "X-GZIP", "identity, gzip", ",gzip,,"])
def test_codings_are_recognised_in_any_spelling(value: str) -> None:
    assert decode_all(gzip.compress(b"hello"), value) == b"hello"


@pytest.mark.parametrize("value", ["", "identity", "Identity, identity", ", ,", "unknown", "aes128gcm", "gzip;q=1"])
def test_what_is_not_encoded_or_unknown_is_handed_out_as_it_is(value: str) -> None:
    assert make_decoder(value) is None
    assert decode_all(b"\x1f\x8b", value) == b"\x1f\x8b"


def test_one_unknown_coding_leaves_the_whole_chain_alone() -> None:
    raw = gzip.compress(b"hello")
    assert decode_all(raw, "unknown, gzip") == raw
    assert decode_all(raw, "gzip, unknown") == raw


def test_a_chain_is_undone_from_its_end() -> None:
    raw = brotli.compress(gzip.compress(b"hello"))
    assert decode_all(raw, "gzip, br") == b"hello"
    with pytest.raises(ContentEncodingError, match="gzip"):
        decode_all(raw, "br, gzip")


def test_five_codings_are_undone_and_six_refused() -> None:
    raw = b"hello"
    for _ in range(6):
        raw = gzip.compress(raw)
    assert decode_all(gzip.decompress(raw), ", ".join(["gzip"] * 5)) == b"hello"
    with pytest.raises(ContentEncodingError, match="6 codings are more than 5"):
        decode_all(raw, ", ".join(["gzip"] * 6))


def test_the_offer_names_every_coding_that_can_be_undone() -> None:
    assert accept_encoding() == "gzip, deflate, br, zstd"
    for coding in accept_encoding().split(", "):
        assert decode_all(ENCODE[coding](TEXT), coding) == TEXT


@pytest.mark.parametrize("value", ["gzip", "deflate", "br", "zstd", "gzip, br, zstd", ", ".join(["gzip"] * 9)])
def test_an_empty_body_needs_no_decoding(value: str) -> None:
    assert decode_all(b"", value) == b""
    decoder = decoder_for(value)
    assert not decoder.pending
    assert decoder.decode(b"", 100) == b""
    assert decoder.finish() == b""


@pytest.fixture
def without_modules(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A second copy of the module, imported where isal and zstd are not installed and brotli is an old one."""
    for name in ("isal.isal_zlib", "compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "brotli", SimpleNamespace(Decompressor=type("Old", (), {})))
    spec = importlib.util.spec_from_file_location("gazelle.body.codings_without_modules", codings.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("coding", "package"), [("br", "brotli>=1.2"), ("zstd", "backports.zstd"), ("gzip, zstd", "backports.zstd")]
)
def test_a_coding_whose_module_is_missing_is_refused_with_what_to_install(
    coding: str, package: str, without_modules: ModuleType
) -> None:
    decoder = without_modules.make_decoder(coding)
    assert not decoder.pending
    assert decoder.finish() == b""  # a HEAD answer, say
    with pytest.raises(ContentEncodingError, match=f"Please install `{package}`"):
        decoder.decode(b"x")
    with pytest.raises(ContentEncodingError, match=f"Please install `{package}`"):
        without_modules.decode_all(b"x", coding)


def test_without_the_optional_modules_gzip_and_deflate_are_left(without_modules: ModuleType) -> None:
    assert without_modules.accept_encoding() == "gzip, deflate"
    assert without_modules.decode_all(gzip.compress(TEXT), "gzip") == TEXT


# --- broken bodies ---


@every_format
@pytest.mark.parametrize("step", [1000, -1])
def test_a_body_cut_at_any_percent_is_an_error(name: str, step: int, zlib_backend: str) -> None:
    coding, encode = FORMATS[name]
    raw = encode(TEXT)
    for percent in range(1, 100):
        short = raw[: max(1, len(raw) * percent // 100)]
        with pytest.raises(ContentEncodingError):
            stream(coding, cut(short, 4000), step)
        with pytest.raises(ContentEncodingError):
            decode_all(short, coding)


@every_format
@pytest.mark.parametrize("body", [b"", b"x", b"hello, hello, hello, world", bytes(100_000)], ids=len)
def test_a_body_cut_at_any_byte_is_an_error(name: str, body: bytes, zlib_backend: str) -> None:
    coding, encode = FORMATS[name]
    raw = encode(body)
    for length in range(1, len(raw)):
        with pytest.raises(ContentEncodingError, match="ends before its end mark"):
            decode_all(raw[:length], coding)


@pytest.mark.parametrize("chain", [("gzip", "br"), ("br", "gzip"), ("zstd", "deflate"), ("deflate", "zstd")])
def test_a_chain_cut_anywhere_is_an_error(chain: tuple[str, str]) -> None:
    inner, outer = chain
    once = ENCODE[inner](b"hello, world" * 20)
    for broken in [ENCODE[outer](once)[:-1], ENCODE[outer](once[:-1]), ENCODE[outer](once[: len(once) // 2])]:
        with pytest.raises(ContentEncodingError):
            decode_all(broken, f"{inner}, {outer}")
        with pytest.raises(ContentEncodingError):
            stream(f"{inner}, {outer}", cut(broken, 3), 10)


@pytest.mark.parametrize("offset", [-8, -5, -4, -1])
def test_a_wrong_checksum_or_length_in_gzip_is_an_error(offset: int, zlib_backend: str) -> None:
    raw = bytearray(gzip.compress(TEXT))
    raw[offset] ^= 1
    with pytest.raises(ContentEncodingError, match="Can not decode content-encoding: gzip"):
        decode_all(bytes(raw), "gzip")


def test_a_wrong_checksum_in_zlib_is_an_error(zlib_backend: str) -> None:
    raw = bytearray(zlib.compress(TEXT))
    raw[-1] ^= 1
    with pytest.raises(ContentEncodingError, match="Can not decode content-encoding: deflate"):
        decode_all(bytes(raw), "deflate")


def test_a_wrong_checksum_in_zstd_is_an_error() -> None:
    raw = bytearray(zstd.compress(TEXT, options={zstd.CompressionParameter.checksum_flag: 1}))
    raw[-1] ^= 1
    with pytest.raises(ContentEncodingError, match="Can not decode content-encoding: zstd"):
        decode_all(bytes(raw), "zstd")


@every_format
def test_noise_is_an_error(name: str, zlib_backend: str) -> None:
    coding, _ = FORMATS[name]
    for noise in (b"\xff", b"\xff" * 50, b"this is plain text, whatever the header says", bytes(50)):
        with pytest.raises(ContentEncodingError):
            decode_all(noise, coding)


@every_format
@pytest.mark.parametrize("junk", [b"j", b"junkjunk", b"\x1f", b"\x1f\x8b", b"\x28\xb5", bytes(3) + b"x"])
def test_anything_after_the_end_mark_is_an_error(name: str, junk: bytes, zlib_backend: str) -> None:
    coding, encode = FORMATS[name]
    raw = encode(b"hello, world" * 20) + junk
    with pytest.raises(ContentEncodingError):
        decode_all(raw, coding)
    for size in (1, 7, len(raw) - len(junk), len(raw)):
        with pytest.raises(ContentEncodingError):
            stream(coding, cut(raw, size), 50)


def test_zero_padding_after_gzip_is_tolerated_and_after_anything_else_is_not() -> None:
    for name, (coding, encode) in FORMATS.items():
        raw = encode(b"hello") + bytes(1000)
        for size in (1, 13, len(raw)):
            if name == "gzip":
                assert stream(coding, cut(raw, size), 50) == b"hello"
            else:
                with pytest.raises(ContentEncodingError):
                    stream(coding, cut(raw, size), 50)


def test_a_member_after_zero_padding_is_an_error() -> None:
    member = gzip.compress(b"hello")
    for size in (1, 1000):
        with pytest.raises(ContentEncodingError, match="trailing data"):
            stream("gzip", cut(member + bytes(5) + member, size))


@every_format
def test_what_was_decoded_before_the_damage_is_handed_out_and_the_error_stays(name: str) -> None:
    coding, encode = FORMATS[name]
    body = RANDOM.randbytes(500_000)
    raw = encode(body)
    decoder = decoder_for(coding)
    out = decoder.decode(raw[: len(raw) // 2])
    assert out
    assert body.startswith(out)
    with pytest.raises(ContentEncodingError) as first:
        decoder.finish()
    assert decoder.pending
    for again in (decoder.finish, lambda: decoder.decode(b""), lambda: decoder.decode(raw)):
        with pytest.raises(ContentEncodingError) as second:
            again()
        assert str(second.value) == str(first.value)


def test_what_a_chain_decoded_before_the_damage_is_handed_out() -> None:
    inner = gzip.compress(TEXT)
    raw = zstd.compress(inner) + b"junk"
    decoder = decoder_for("gzip, zstd")
    assert decoder.decode(raw) == TEXT
    assert decoder.pending
    with pytest.raises(ContentEncodingError, match="zstd"):
        decoder.decode(b"")
    with pytest.raises(ContentEncodingError, match="zstd"):
        decoder.finish()


def test_the_error_names_the_coding() -> None:
    with pytest.raises(ContentEncodingError) as caught:
        decode_all(b"plain text", "gzip")
    assert caught.value.message.startswith("Can not decode content-encoding: gzip (")


# --- members ---


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_in_a_row_are_one_body(coding: str, zlib_backend: str) -> None:
    parts = [b"one", b"", TEXT, b"four"]
    raw = b"".join(map(ENCODE[coding], parts))
    assert decode_all(raw, coding) == b"".join(parts)
    for size in (1, 10, 1000):
        assert stream(coding, cut(raw, size), 300) == b"".join(parts)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_cut_second_member_is_an_error(coding: str) -> None:
    raw = ENCODE[coding](b"one") + ENCODE[coding](b"two")[:-1]
    with pytest.raises(ContentEncodingError, match="ends before its end mark"):
        decode_all(raw, coding)


@pytest.mark.parametrize("coding", ["deflate", "br"])
def test_codings_without_members_have_one(coding: str) -> None:
    with pytest.raises(ContentEncodingError):
        decode_all(ENCODE[coding](b"one") * 2, coding)


def test_a_skippable_zstd_frame_is_skipped() -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    raw = skippable + zstd.compress(b"hello") + skippable
    for size in (1, 5, len(raw)):
        assert stream("zstd", cut(raw, size), 3) == b"hello"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_as_many_members_as_allowed_are_decoded_and_one_more_is_not(coding: str) -> None:
    member = ENCODE[coding](b"ab")
    assert decode_all(member * MAX_MEMBERS, coding) == b"ab" * MAX_MEMBERS
    with pytest.raises(ContentEncodingError, match=f"more than {MAX_MEMBERS} members"):
        decode_all(member * (MAX_MEMBERS + 1), coding)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_hundred_thousand_empty_members_end_early(coding: str) -> None:
    raw = ENCODE[coding](b"") * 100_000
    with pytest.raises(ContentEncodingError, match="members"):
        decode_all(raw, coding)
    with pytest.raises(ContentEncodingError, match="members"):
        stream(coding, cut(raw, 65536), 65536)


def test_many_members_before_much_data_cost_no_more_than_their_bytes() -> None:
    def make(size: int) -> Callable[[], object]:
        big = os.urandom(size)
        raw = gzip.compress(b"") * (size // 8_000) + gzip.compress(big, compresslevel=0)
        return lambda: decode_all(raw, "gzip")

    assert_linear(make, 7_900_000)  # copying the rest for each of nearly a thousand members would be 8 GB


# --- bounds ---


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "zstd, br"])
def test_a_bomb_is_read_in_little_memory(coding: str, zlib_backend: str) -> None:
    size = 30_000_000
    raw = bytes(size)
    for name in coding.split(", "):
        raw = ENCODE[name](raw)
    step = 65536
    tracemalloc.start()
    try:
        decoder = decoder_for(coding)
        total = longest = 0
        for piece in cut(raw, 65536):
            data = piece
            while True:
                out = decoder.decode(data, step)
                total += len(out)
                longest = max(longest, len(out))
                data = b""
                if decoder.needs_input:
                    break
        total += len(decoder.finish())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == size
    assert longest <= step
    assert peak < 2_000_000


@every_format
def test_a_bomb_that_is_not_read_is_not_inflated(name: str) -> None:
    coding, encode = FORMATS[name]
    decoder = decoder_for(coding)
    tracemalloc.start()
    try:
        raw = encode(bytes(20_000_000))
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert len(decoder.decode(raw, 1000)) == 1000
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert decoder.pending
    assert peak < 500_000


@pytest.mark.parametrize(("window_log", "taken"), [(23, True), (24, False), (27, False)])
def test_a_zstd_window_of_more_than_8_megabytes_is_refused(window_log: int, taken: bool) -> None:
    parameter = zstd.CompressionParameter
    compressor = zstd.ZstdCompressor(options={parameter.window_log: window_log, parameter.content_size_flag: 0})
    body = TEXT * 3
    raw = compressor.compress(body) + compressor.flush()
    if taken:
        assert decode_all(raw, "zstd") == body
    else:
        with pytest.raises(ContentEncodingError, match="zstd"):
            decode_all(raw, "zstd")


def test_decoding_in_small_steps_is_linear() -> None:
    def make(size: int) -> Callable[[], object]:
        raw = gzip.compress(os.urandom(size), compresslevel=0)
        return lambda: stream("gzip", [raw], 4096)

    assert_linear(make, 8_000_000)


# --- the zlib module ---


def test_small_bodies_are_decoded_by_zlib_and_large_ones_by_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []

    def spy(name: str, module: Any) -> SimpleNamespace:
        def decompressobj(wbits: int = 15) -> Any:
            used.append(name)
            return module.decompressobj(wbits=wbits)

        return SimpleNamespace(error=module.error, decompressobj=decompressobj)

    monkeypatch.setattr(codings, "zlib", spy("zlib", zlib))
    monkeypatch.setattr(codings, "_isal_zlib", spy("isal", isal_zlib))
    decode_all(gzip.compress(b"small"), "gzip")
    decode_all(gzip.compress(os.urandom(5000)), "gzip")
    stream("gzip", [gzip.compress(b"of unknown length")])
    assert used == ["zlib", "isal", "isal"]
    monkeypatch.setattr(codings, "_isal_zlib", None)
    decode_all(gzip.compress(os.urandom(5000)), "gzip")
    assert used[3:] == ["zlib"]


def test_a_zlib_backend_that_was_set_is_used_for_everything() -> None:
    calls = []

    def decompressobj(wbits: int = 15) -> Any:
        calls.append(wbits)
        return zlib.decompressobj(wbits=wbits)

    set_zlib_backend(new_zlib_backend=SimpleNamespace(error=zlib.error, decompressobj=decompressobj))
    try:
        assert decode_all(gzip.compress(b"x"), "gzip") == b"x"
        assert decode_all(gzip.compress(TEXT), "gzip") == TEXT
        assert decode_all(zlib.compress(TEXT), "deflate") == TEXT
        assert decode_all(bare_deflate(TEXT), "deflate") == TEXT
    finally:
        set_zlib_backend(None)
    assert calls == [31, 31, 15, -15]


def test_a_module_that_is_no_zlib_is_refused() -> None:
    with pytest.raises(TypeError, match="decompressobj"):
        set_zlib_backend(time)  # type: ignore[arg-type]  # that it is refused is the point


def test_a_zlib_backend_that_makes_no_progress_is_an_error_and_no_endless_loop() -> None:
    stuck = SimpleNamespace(eof=False, unused_data=b"", unconsumed_tail=b"")

    def decompress(data: bytes, max_length: int = 0) -> bytes:
        stuck.unconsumed_tail = data
        return b""

    stuck.decompress = decompress
    set_zlib_backend(SimpleNamespace(error=zlib.error, decompressobj=lambda wbits=15: stuck))
    try:
        with pytest.raises(ContentEncodingError, match="takes no input and gives no output"):
            decode_all(b"\x1f\x8b", "gzip")
    finally:
        set_zlib_backend(None)
