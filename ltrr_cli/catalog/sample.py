"""Where the sample catalog lies: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from ltrr_cli.core.errors import NotFoundError

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "sample_data", _PACKAGE.parent / "sample_data")


def sample_path(name: str) -> Path:
    """Return the path of a sample file such as ``catalog.jsonl.gz``; raises NotFoundError."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise NotFoundError(f"no sample file {name!r}", hint="python sample_data/generate.py sample_data makes them anew")
