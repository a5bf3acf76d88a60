"""Sources that are no files of this machine: addresses such as ``s3://bucket/catalog.jsonl.gz`` (the door to fsspec).

fsspec is an extra, imported when an address is met and never else; each kind of storage has a package of its own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from ltrr_cli.core.errors import DataError, UsageError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_address(source: str | Path) -> bool:
    """Say whether a source is an address, not a file of this machine.

    >>> is_address("s3://bucket/c.jsonl"), is_address("c.jsonl"), is_address("sqlite:shop.db?table=items")
    (True, False, False)
    """
    return isinstance(source, str) and _ADDRESS.match(source) is not None


def open_address(address: str) -> BinaryIO:
    """Open what lies at an address, to be read once; raises UsageError without fsspec, DataError where it fails."""
    try:
        import fsspec
    except ImportError:
        hint = "pip install 'ltrr-cli[addresses]', or give a file"
        raise UsageError(f"{address}: fsspec, which reads addresses, is not installed", hint=hint) from None
    try:
        stream: BinaryIO = fsspec.open(address, "rb").open()
    except Exception as error:  # noqa: BLE001 -- of any storage's library
        told = " ".join(str(error).split())[:200] or type(error).__name__
        hint = "storage has packages of its own: s3fs, gcsfs, adlfs; check address and credentials"
        raise DataError(f"{address}: {told}", hint=hint) from None
    return stream
