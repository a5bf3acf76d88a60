from __future__ import annotations

import gzip
import io
import sys
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ltrr_cli.core.errors import DataError
from ltrr_cli.text import lines as module
from ltrr_cli.text.lines import BadLine, Line, read_lines

HUNDRED = [f'{{"n": {n}, "filler": "{n * 7919 % 10007}"}}'.encode() for n in range(100)]


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def texts(path: Path | str, **where: int) -> list[bytes]:
    return [line.data for line in read_lines(path, **where) if isinstance(line, Line)]


def damage(path: Path | str) -> list[str]:
    return [line.reason for line in read_lines(path) if isinstance(line, BadLine) and line.of_source]


def test_lines_have_numbers_and_offsets_and_lose_their_ends(tmp_path):
    path = written(tmp_path, "log", b"one\r\ntwo\n\nfour")
    assert list(read_lines(path)) == [
        Line(1, 0, b"one", 5),
        Line(2, 5, b"two", 9),
        Line(4, 10, b"four", 14, ended=False),
    ]


def test_only_a_newline_ends_a_line(tmp_path):
    data = "a\u2028b\u2029c\x0bd\x0ce\x85f\x1cg\rh\x00i".encode()
    assert texts(written(tmp_path, "log", data + b"\n")) == [data]


def test_the_byte_order_mark_goes_from_the_first_line_only(tmp_path):
    mark = b"\xef\xbb\xbf"
    assert texts(written(tmp_path, "log", mark + b"a\n" + mark + b"b\n")) == [b"a", mark + b"b"]
    assert texts(written(tmp_path, "short", mark + b"a")) == [b"a"]
    assert texts(written(tmp_path, "only", mark)) == []


def test_an_empty_file_has_no_lines(tmp_path):
    assert list(read_lines(written(tmp_path, "log", b""))) == []
    assert list(read_lines(written(tmp_path, "log.gz", gzip.compress(b"")))) == []
    assert list(read_lines(written(tmp_path, "log.zst", zstandard.compress(b"")))) == []


@pytest.mark.parametrize("name", ["log.gz", "log.zst", "log", "log.txt"])
@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress, bytes])
def test_compression_is_known_by_its_first_bytes_whatever_the_name(tmp_path, name, compress):
    path = written(tmp_path, name, compress(b"\n".join(HUNDRED)))
    if compress is bytes and name.endswith(("gz", "zst")):
        assert damage(path)
        assert texts(path) == []
    else:
        assert texts(path) == HUNDRED
        assert damage(path) == []


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_several_members_are_one_source(tmp_path, compress):
    path = written(tmp_path, "log", compress(b"a\nb") + compress(b"c\n") + compress(b"d"))
    assert [(line.number, line.data) for line in read_lines(path)] == [(1, b"a"), (2, b"bc"), (3, b"d")]


@pytest.mark.parametrize(("name", "compress"), [("log.gz", gzip.compress), ("log.zst", zstandard.compress)])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_source_hands_out_its_lines_and_then_says_so(tmp_path, name, compress, kept):
    import random

    dice = random.Random(1)
    wanted = [dice.randbytes(300).hex().encode() for _ in range(4000)]
    data = compress(b"\n".join(wanted))
    path = written(tmp_path, name, data[: int(len(data) * kept)])
    found = list(read_lines(path))
    assert isinstance(found[-1], BadLine)
    assert found[-1].of_source
    whole = [line.data for line in found[:-1] if line.ended]
    assert whole == wanted[: len(whole)]
    assert len(whole) > (kept - 0.15) * len(wanted)


def test_a_flipped_bit_in_gzip_is_reported_after_the_lines(tmp_path):
    data = bytearray(gzip.compress(b"\n".join(HUNDRED) + b"\n"))
    data[-6] ^= 1  # the CRC, which is read last
    path = written(tmp_path, "log.gz", bytes(data))
    assert texts(path) == HUNDRED
    assert "CRC" in damage(path)[0]


def test_any_flipped_byte_or_cut_ends_in_lines_and_at_most_one_report(tmp_path):
    for compress in (gzip.compress, zstandard.ZstdCompressor(write_checksum=True).compress):
        data = compress(b"\n".join(HUNDRED))
        for place in range(len(data)):
            hurt = bytearray(data)
            hurt[place] ^= 0x10
            path = written(tmp_path, "log.gz" if compress is gzip.compress else "log.zst", bytes(hurt))
            assert len(damage(path)) <= 1
            if texts(path) != HUNDRED:
                assert damage(path)


def test_rubbish_behind_a_gzip_member_is_damage_and_zeros_are_padding(tmp_path):
    data = gzip.compress(b"a\nb\n")
    assert damage(written(tmp_path, "padded.gz", data + bytes(512))) == []
    path = written(tmp_path, "rubbish.gz", data + b"rubbish")
    assert texts(path) == [b"a", b"b"]
    assert damage(path)


def test_a_line_that_is_too_long_is_streamed_past(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 10_000)
    monkeypatch.setattr(module, "_CHUNK", 4_096)
    path = written(tmp_path, "log", b"a\n" + b"x" * 1_000_000 + b"\nb\n" + b"y" * 10_001)
    first, long, second, last = read_lines(path)
    assert (first.data, second.data, second.number, second.offset) == (b"a", b"b", 3, 1_000_003)
    assert isinstance(long, BadLine)
    assert (long.number, long.offset, len(long.data)) == (2, 2, module.SAMPLE)
    assert "1000000" in long.reason
    assert isinstance(last, BadLine)


@pytest.mark.parametrize("around", [-7, -6, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_limit_counts_the_line_itself(tmp_path, monkeypatch, around, end, mark):
    monkeypatch.setattr(module, "LONGEST", 100)
    monkeypatch.setattr(module, "_CHUNK", 32)
    (line,) = read_lines(written(tmp_path, "log", mark + b"x" * (100 + around) + end))
    assert isinstance(line, Line if around <= 0 else BadLine)


def test_memory_stays_flat_over_a_long_line_and_over_a_bomb(tmp_path):
    bomb = zstandard.compress(bytes(300_000_000))
    plain = written(tmp_path, "log.gz", gzip.compress(b"x" * 50_000_000 + b"\nlast\n", 1))
    for path in (plain, written(tmp_path, "log.zst", bomb)):
        tracemalloc.start()
        try:
            found = list(read_lines(path))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert isinstance(found[0], BadLine)
        assert peak < 100_000_000
    assert texts(plain) == [b"last"]


def test_standard_input_is_read_and_left_open(monkeypatch):
    for data in (b"a\nb\n", gzip.compress(b"a\nb\n")):
        stream = io.TextIOWrapper(io.BytesIO(data))
        monkeypatch.setattr(sys, "stdin", stream)
        assert texts("-") == [b"a", b"b"]
        assert not stream.buffer.closed


def test_what_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        list(read_lines(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="directory"):
        list(read_lines(tmp_path))


@given(
    parts=st.lists(st.binary(max_size=12), max_size=12),
    compress=st.sampled_from([bytes, gzip.compress, zstandard.compress]),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_reading_on_from_any_line_gives_the_rest(tmp_path_factory, parts, compress, data):
    whole = b"\n".join(parts)
    path = written(tmp_path_factory.mktemp("resume"), "log", compress(b"{" + whole))  # "{": never taken for compressed
    found = list(read_lines(path))
    assert b"".join(line.data for line in found).replace(b"\r", b"") == b"{" + whole.translate(None, b"\n\r")
    if found:
        place = data.draw(st.integers(0, len(found) - 1))
        before = found[place]
        assert list(read_lines(path, offset=before.end, number=before.number + 1)) == found[place + 1 :]


@given(st.binary(max_size=200), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_where_the_chunks_end_does_not_matter(data, size):
    def cut(pieces: list[bytes]) -> list[Line | BadLine]:
        cutter = module._Cutter(1)
        return [line for piece in pieces for line in cutter.feed(piece)] + list(cutter.finish())

    assert cut([data]) == cut([data[place : place + size] for place in range(0, len(data), size)])
