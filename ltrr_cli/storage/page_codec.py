"""What an impression holds beside plain columns, as one blob: the page, the plan, features as of serving."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from ltrr_cli.core.types import AppliedRule, Filter, Impression, Plan, Shadow, Shown

_LARGEST = 2**63  # what an integer of MessagePack holds; a seed may be any


class _Page(msgspec.Struct, array_like=True, omit_defaults=True):
    context: dict[str, str] = {}
    plan: Plan | None = None
    shown: list[Shown] | None = None
    schema: str | None = None
    features: bytes | None = None
    width: int = 0
    bandit_context_schema: str | None = None
    bandit_context: bytes | None = None
    page_odds: float | None = None
    seed: int | None = None
    filters: list[Filter] = []
    shadows: list[Shadow] = []
    rules: list[AppliedRule] = []
    remote: dict[str, list[tuple[str, float]]] = {}


_EMPTY = msgspec.msgpack.encode(_Page())


def encode_page(impression: Impression) -> bytes | None:
    """Return the blob, or None where there is nothing in it."""
    features, bandit_context = impression.features, impression.bandit_context
    data = msgspec.msgpack.encode(
        _Page(
            context=dict(impression.context),
            plan=impression.plan,
            shown=None if impression.shown is None else list(impression.shown),
            schema=impression.schema,
            features=None if features is None else features.astype("<f4").tobytes(),
            width=0 if features is None else features.shape[1],
            bandit_context_schema=impression.bandit_context_schema,
            bandit_context=None if bandit_context is None else bandit_context.astype("<f4").tobytes(),
            page_odds=impression.page_odds,
            seed=impression.seed if impression.seed is not None and abs(impression.seed) < _LARGEST else None,
            filters=list(impression.filters),
            shadows=list(impression.shadows),
            rules=list(impression.rules),
            remote={name: list(lines) for name, lines in impression.remote.items()},
        )
    )
    return None if data == _EMPTY else data


def decode_page(impression: Impression, blob: bytes | None) -> Impression:
    """Return the impression with what its blob holds."""
    if blob is None:
        return impression
    page = msgspec.msgpack.decode(blob, type=_Page)
    features = None if page.features is None else np.frombuffer(page.features, "<f4").reshape(-1, max(page.width, 1))
    return replace(
        impression,
        context=page.context,
        plan=page.plan,
        shown=None if page.shown is None else tuple(page.shown),
        schema=page.schema,
        features=features,
        bandit_context_schema=page.bandit_context_schema,
        bandit_context=None if page.bandit_context is None else np.frombuffer(page.bandit_context, "<f4"),
        page_odds=page.page_odds,
        seed=page.seed,
        filters=tuple(page.filters),
        shadows=tuple(page.shadows),
        rules=tuple(page.rules),
        remote={name: tuple(lines) for name, lines in page.remote.items()},
    )
