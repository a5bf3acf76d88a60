r"""Lines of a file, a compressed file or standard input: numbered, located, bounded, and honest about damage.

Lines end at ``\n`` and nowhere else (``str.splitlines`` also cuts at U+2028 and others, which JSON allows inside
texts); one ``\r`` before it and a byte order mark before line 1 are taken off; empty lines are counted, not yielded.

A damaged compressed source hands out its lines before the damage is known (gzip checks its CRC at the very end).
The damage itself comes last, as a BadLine with ``of_source`` set: whoever cannot trust a line whose checksum failed
takes back what was read before it.
"""

from __future__ import annotations

import contextlib
import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ltrr_cli.core.errors import DataError
from ltrr_cli.text.addresses import is_address, open_address

LONGEST = 16 * 1024 * 1024  # bytes of one line
SAMPLE = 2_000  # bytes that a BadLine keeps of a line that is too long

_CHUNK = 256 * 1024
_ZSTD_FEED = 1024  # a block of 4 bytes may stand for 128 KB: small meals keep a bomb below 32 MB
_BOM = b"\xef\xbb\xbf"
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Line(NamedTuple):
    """One line (a tuple, because a log has millions of them).

    number -- from 1
    offset -- of its first byte in the (decompressed) source; ``end`` is one past its last, newline included
    data   -- without line end and byte order mark, at most LONGEST bytes
    ended  -- False for a last line without a newline: whoever writes the file may not be done with it
    """

    number: int
    offset: int
    data: bytes
    end: int
    ended: bool = True


class BadLine(NamedTuple):
    """A line that cannot be used, and why.

    data      -- the line, or its beginning
    of_source -- True where the whole source is damaged and ends here; ``data`` is then empty
    """

    number: int
    offset: int
    reason: str
    data: bytes
    of_source: bool = False


def is_compressed(path: Path) -> bool:
    """Say whether a file's first bytes are those of a compressed one."""
    with path.open("rb") as file:
        start = file.read(4)
    return start == _ZSTD_MAGIC or start.startswith(_GZIP_MAGIC)


def read_lines(
    source: str | Path | BinaryIO, *, offset: int = 0, number: int = 1, tap: Callable[[bytes], None] | None = None
) -> Iterator[Line | BadLine]:
    """Yield the lines of a file (``-`` is standard input), decompressed where it is gzip or Zstandard.

    Its first bytes say which; a file that is only named ``.gz`` or ``.zst`` is damaged.
    source -- an open file is read on to its present end, and stays open
    offset, number -- where to begin: the ``end`` of a line read before and the number after its own.
    tap -- is shown the (decompressed) bytes from ``offset`` on before the lines that are cut of them
    Holds one chunk and one line in memory. Raises DataError where the source cannot be opened.
    """
    with _opened(source) as stream:
        cutter = _Cutter(number)
        try:
            for chunk in _chunks(stream, str(source), offset, cutter):
                if tap is not None:
                    tap(chunk)
                yield from cutter.feed(chunk)
        except (EOFError, OSError, zlib.error, _DamagedZstd) as error:
            yield from cutter.finish()
            yield BadLine(cutter.number, cutter.offset, f"damaged source: {error}", b"", of_source=True)
        else:
            yield from cutter.finish()


def read_chunks(source: str | Path) -> Iterator[bytes]:
    """Yield the (decompressed) bytes of a file, ``-`` is standard input; raises DataError, also where it is damaged."""
    with _opened(source) as stream:
        try:
            yield from _chunks(stream, str(source), 0, _Cutter(1))
        except (EOFError, OSError, zlib.error, _DamagedZstd) as error:
            raise DataError(f"{source}: damaged source: {error}", hint="get the file again") from None


@contextlib.contextmanager
def _opened(source: str | Path | BinaryIO) -> Iterator[BinaryIO]:
    """Yield an open file, closed afterwards where it was opened here; raises DataError where it cannot be."""
    if not isinstance(source, str | Path) or str(source) == "-":
        yield sys.stdin.buffer if isinstance(source, str | Path) else source
        return
    try:
        stream = open_address(str(source)) if is_address(source) else open(source, "rb")  # noqa: SIM115 -- closed below
    except OSError as error:
        raise DataError(f"{source}: {error.strerror or error}", hint="give a readable file, or - for input") from None
    with stream:
        yield stream


class _DamagedZstd(Exception):
    """What the decompressor said, or that the data ended too early."""


class _Cutter:
    """Chunks to lines; what it holds between chunks is one unfinished line."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.offset = 0
        self._held = bytearray()
        self._length = 0  # of the unfinished line, also where it outgrew what is held

    def feed(self, chunk: bytes) -> Iterator[Line | BadLine]:
        """Yield the lines that end in ``chunk``, hold the rest."""
        pieces = chunk.split(b"\n")
        unfinished = pieces.pop()
        if pieces and self._length:
            self._hold(pieces[0])
            yield from self._held_line(ended=True)
            del pieces[0]
        number, offset = self.number, self.offset
        for data in pieces:
            end = offset + len(data) + 1
            if data.endswith(b"\r"):
                data = data[:-1]
            if number == 1 and data.startswith(_BOM):
                data = data[3:]
            if data:
                # a consumer may stop here and ask for the place: kept up to date before every line
                self.number, self.offset = number + 1, end
                yield Line(number, offset, data, end)
            number, offset = number + 1, end
        self.number, self.offset = number, offset
        self._hold(unfinished)

    def finish(self) -> Iterator[Line | BadLine]:
        """Yield what is held: a last line without a newline."""
        if self._length:
            yield from self._held_line(ended=False)

    def _hold(self, piece: bytes) -> None:
        self._length += len(piece)
        room = LONGEST + 6 - len(self._held)  # more than a mark and a carriage return: one byte too many must show
        if room > 0:
            self._held += piece[:room]

    def _held_line(self, ended: bool) -> Iterator[Line | BadLine]:
        number, offset, length = self.number, self.offset, self._length
        data = bytes(self._held)
        self._held, self._length = bytearray(), 0
        self.number, self.offset = number + 1, offset + length + ended
        if ended and data.endswith(b"\r"):
            data = data[:-1]
        if number == 1 and data.startswith(_BOM):
            data = data[3:]
        if len(data) > LONGEST:
            yield BadLine(number, offset, f"longer than {LONGEST} bytes ({length})", data[:SAMPLE])
        elif data:
            yield Line(number, offset, data, self.offset, ended)


def _chunks(stream: BinaryIO, name: str, offset: int, cutter: _Cutter) -> Iterator[bytes]:
    """Yield decompressed bytes from ``offset`` on."""
    start = stream.read(4)
    cutter.offset = offset
    zstandard_magic = start == _ZSTD_MAGIC
    if start.startswith(_GZIP_MAGIC) or (name.endswith(".gz") and start and not zstandard_magic):
        chunks = _gunzip(_Rejoined(start, stream))
    elif zstandard_magic or (name.endswith(".zst") and start):
        chunks = _unzstd(_Rejoined(start, stream))
    elif offset and stream.seekable():
        stream.seek(offset)
        chunks, offset = _plain(stream), 0
    else:
        chunks = _plain(_Rejoined(start, stream))
    for chunk in chunks:
        if offset >= len(chunk):
            offset -= len(chunk)
        else:
            yield chunk[offset:] if offset else chunk
            offset = 0


class _Rejoined:
    """The first bytes, looked at to know the kind, and the stream behind them."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self._start, self._stream = start, stream

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end."""
        # what is there now, not all that was asked for: a pipe's lines are handed on as they arrive
        if self._start:
            taken, self._start = self._start[:size], self._start[size:]
            return taken
        data: bytes = getattr(self._stream, "read1", self._stream.read)(size)
        return data


def _plain(stream: BinaryIO | _Rejoined) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _gunzip(stream: _Rejoined) -> Iterator[bytes]:
    """Members one after another; padding of zeros behind the last is allowed, other bytes are damage."""
    with gzip.GzipFile(fileobj=stream, mode="rb") as opened:  # type: ignore[call-overload]  # it only reads
        # read1: an error after half a chunk would take that half with it
        while chunk := opened.read1(_CHUNK):
            yield chunk


def _unzstd(stream: _Rejoined) -> Iterator[bytes]:
    """Frames one after another; unlike ``stream_reader`` this tells a truncated frame from the end."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    frame = None
    try:
        while meal := stream.read(_ZSTD_FEED):
            while meal:
                frame = frame or decompressor.decompressobj()
                if chunk := frame.decompress(meal):
                    yield chunk
                meal = frame.unused_data if frame.eof else b""
                if frame.eof:
                    frame = None
    except zstandard.ZstdError as error:
        raise _DamagedZstd(str(error)) from None
    if frame is not None:
        raise _DamagedZstd("compressed data ended before the end of a frame")
