"""The user's encoders: one cache for all workspaces. A catalog generation takes a copy of the one it is built with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ltrr_cli.backends.encoder_cache import cache_root, import_folder, list_encoders
from ltrr_cli.backends.encoder_card import Card, read_card
from ltrr_cli.backends.encoder_cross import KIND, import_cross
from ltrr_cli.backends.encoder_sparse import import_sparse
from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.core.report import Report

PULLED = ("minilm", "minilm-fp32", "static")  # what can be fetched by name


@dataclass(frozen=True, slots=True)
class EncoderFacts(Report):
    """One encoder: ``dimension`` is None where each catalog decides it; equal digests give equal vectors."""

    name: str
    kind: str
    dimension: int | None
    says: str  # what it is, in words
    digest: str = ""


@dataclass(frozen=True, slots=True)
class EncoderList(Report):
    """All available encoders, and where they are kept."""

    cache: str
    encoders: tuple[EncoderFacts, ...]


@dataclass(frozen=True, slots=True)
class Encoders:
    """The encoders under ``cache``, by default the user's (``LTRR_CACHE``, else the platform's cache folder)."""

    cache: Path

    @classmethod
    def of_user(cls) -> Encoders:
        """Return the user's encoders."""
        return cls(cache_root())

    def listing(self) -> EncoderList:
        """List what can be given to ``index --encoder``."""
        learnt = EncoderFacts("catalog", "table", None, "learnt from each catalog; nothing to download")
        return EncoderList(str(self.cache), (learnt, *(_facts(card) for card in list_encoders(self.cache))))

    def pull(self, name: str) -> EncoderFacts:
        """Fetch, verify and convert an encoder by name; raises NotFoundError, DamagedError."""
        if name not in PULLED:
            raise NotFoundError(
                f"nothing to pull by the name {name[:80]!r}",
                hint=f"one of {', '.join(PULLED)}; `ltrr encoder import FOLDER` takes any sentence encoder",
            )
        if name == "static":
            from ltrr_cli.backends.encoder_static import pull_static

            return _facts(read_card(pull_static(self.cache)))
        from ltrr_cli.backends.encoder_minilm import pull_minilm

        return _facts(read_card(pull_minilm(self.cache, fp32=name == "minilm-fp32")))

    def take(self, folder: str | Path, name: str | None, kind: str = "onnx") -> EncoderFacts:
        """Copy an exported ONNX folder into the cache; it is tried out first. Raises NotFoundError, DataError.

        kind -- "onnx": sentence-transformers, a vector per text; "cross": a score per pair of texts, for
        ``ranking.cross``; "sparse": weighted terms (SPLADE), for ``catalog.sparse``
        """
        source = Path(folder)
        if not source.is_dir():
            raise NotFoundError(f"{source}: no such folder", hint="a folder with model.onnx and tokenizer.json")
        put = {"cross": import_cross, "sparse": import_sparse}.get(kind, import_folder)
        return _facts(read_card(put(source, self.cache, name or source.resolve().name)))


def _facts(card: Card) -> EncoderFacts:
    if card.kind == KIND:
        return EncoderFacts(card.name, KIND, 1, f"pairs of up to {card.max_tokens} tokens", card.digest)
    return EncoderFacts(card.name, card.kind, card.dimension, f"texts of up to {card.max_tokens} tokens", card.digest)
