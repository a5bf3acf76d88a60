"""What policies that learn nothing share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from ltrr_cli.allocation.guardrails import checked
from ltrr_cli.allocation.models.stored import read_header, write_header
from ltrr_cli.allocation.policy import BanditExample
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import DamagedError


class _Header(msgspec.Struct, frozen=True):
    policy: str
    options: dict[str, float]


class StaticPolicy:
    """Keeps its options, and nothing else."""

    name: ClassVar[str]
    stem: ClassVar[str]
    options: ClassVar[Mapping[str, str] | None] = {}

    def __init__(self, settings: AllocationSettings, features: Sequence[str] | None = None, **options: float) -> None:
        self._settings = checked(settings)
        self._options = dict(options)

    def __str__(self) -> str:
        told = ",".join(f"{name}={value:g}" for name, value in self._options.items())
        return f"{self.name}({told})" if told else self.name

    def learn(self, examples: Sequence[BanditExample]) -> None:
        """Learn nothing."""

    def start(self, examples: Sequence[BanditExample]) -> None:
        """Learn nothing."""

    def save(self, folder: Path) -> None:
        """Write the options."""
        write_header(folder / f"{self.name}.json", _Header(self.name, self._options))

    @classmethod
    def open(
        cls,
        folder: Path,
        settings: AllocationSettings | None = None,
        features: Sequence[str] | None = None,
        **options: float,
    ) -> Self:
        """Read the options (those given win); raises DamagedError."""
        header = read_header(folder / f"{cls.name}.json", _Header)
        if header.policy != cls.name:
            raise DamagedError(f"{folder}: {header.policy!r}, not {cls.name!r}")
        return cls(settings or AllocationSettings(), features, **(options or header.options))
