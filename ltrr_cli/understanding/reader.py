"""What somebody typed -> a Reading: which of its words and spans the catalog knows, and as what.

Everything is looked up by hash in sorted, memory-mapped arrays: opening parses nothing, whatever the catalog's size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ltrr_cli.core.chance import seed_of
from ltrr_cli.core.types import Catalog, Entity, Interpretation, Reading, Slot
from ltrr_cli.text.normalise import query_key, query_tokens, tokens

LONGEST_SPAN = 6  # tokens of a slot at most
MOST_INTERPRETATIONS = 8

SIGNALS = (
    "tokens",
    "characters",
    "known_share",
    "title_share",
    "attribute_share",
    "exact_name",
    "name_bearers",
    "max_idf",
    "mean_idf",
    "slots",
    "intent_spearfishing",
    "intent_topic",
    "has_digit",
)


class Lookup:
    """Hashed texts -> counts."""

    def __init__(self, keys: np.ndarray, counts: np.ndarray) -> None:
        self._keys, self._counts = keys, counts

    @staticmethod
    def write(folder: Path, name: str, counts: Mapping[str, int]) -> None:
        """Write both arrays."""
        hashed = sorted((seed_of(text), count) for text, count in counts.items())
        np.save(folder / f"{name}.keys.npy", np.array([key for key, _ in hashed], np.uint64))
        np.save(folder / f"{name}.counts.npy", np.array([count for _, count in hashed], np.int32))

    @classmethod
    def open(cls, folder: Path, name: str) -> Self:
        """Map both arrays."""
        files = (folder / f"{name}.{part}.npy" for part in ("keys", "counts"))
        return cls(*(np.load(file, mmap_mode="r", allow_pickle=False) for file in files))

    def __getitem__(self, text: str) -> int:
        """Return the count of a text, 0 where it is not there."""
        key = np.uint64(seed_of(text))
        place = int(np.searchsorted(self._keys, key))
        return int(self._counts[place]) if place < len(self._keys) and self._keys[place] == key else 0


class Understanding:
    """An open vocabulary of one catalog generation."""

    def __init__(self, language: str, entities: int, fields: list[str], tables: Mapping[str, Lookup]) -> None:
        self._language, self._entities, self._fields, self._tables = language, entities, fields, tables

    @staticmethod
    def build(catalog: Catalog, folder: Path, language: str) -> None:
        """Write the vocabulary: words, title words, whole titles, attribute values by field."""
        words: Counter[str] = Counter()
        title_words: Counter[str] = Counter()
        titles: Counter[str] = Counter()
        values: Counter[str] = Counter()
        fields: Counter[str] = Counter()
        for entity in catalog.entities():
            in_title = set(tokens(entity.title))
            title_words.update(in_title)
            titles[query_key(entity.title)] += 1
            found = in_title | set(tokens(entity.text))
            for field, value in _values(entity):
                values[f"{field}\x1f{query_key(value)}"] += 1
                fields[field] += 1
                found |= set(tokens(value))
            words.update(found)
        titles.pop("", None)
        for name, counts in (("words", words), ("title_words", title_words), ("titles", titles), ("values", values)):
            Lookup.write(folder, name, counts)
        header = {"language": language, "entities": len(catalog), "fields": [name for name, _ in fields.most_common()]}
        (folder / "understanding.json").write_bytes(msgspec.json.encode(header))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what ``build`` wrote."""
        header = msgspec.json.decode((folder / "understanding.json").read_bytes())
        tables = {name: Lookup.open(folder, name) for name in ("words", "title_words", "titles", "values")}
        return cls(header["language"], header["entities"], header["fields"], tables)

    def read(self, query: str, locale: str | None = None) -> Reading:
        """Read a query; never fails, whatever was typed."""
        words = tuple(query_tokens(query))
        slots = self._slots(words)
        signals = self._signals(query, words, slots)
        spear, topic = signals["intent_spearfishing"], signals["intent_topic"]
        return Reading(
            tokens=words,
            words=words,
            key="".join(words),
            slots=tuple(slots),
            interpretations=tuple(_interpretations(slots, len(words))),
            intent={"spearfishing": spear, "topic": topic, "mixed": 1.0 - spear - topic},
            language=(locale or self._language).split("-")[0].split("_")[0].lower(),
            signals=signals,
        )

    def _slots(self, words: tuple[str, ...]) -> list[Slot]:
        """Return spans that are a whole title or attribute value; odds share a span out by how many bear it."""
        slots: list[Slot] = []
        for start in range(len(words)):
            for end in range(start + 1, min(start + LONGEST_SPAN, len(words)) + 1):
                key, text = "".join(words[start:end]), " ".join(words[start:end])
                counts = {"title": self._tables["titles"][key]}
                counts |= {field: self._tables["values"][f"{field}\x1f{key}"] for field in self._fields}
                # a name stands for one thing, a value for many: the logarithm keeps a common value from drowning names
                mass = {field: np.log1p(count) for field, count in counts.items() if count}
                total = sum(mass.values())
                slots += [Slot(field, text, float(m / total), start, end) for field, m in mass.items()]
        return slots

    def _signals(self, query: str, words: tuple[str, ...], slots: list[Slot]) -> dict[str, float]:
        count = max(len(words), 1)
        known = [self._tables["words"][word] for word in words]
        idf = [float(np.log((self._entities + 1) / (frequency + 1))) for frequency in known]
        in_title = sum(self._tables["title_words"][word] > 0 for word in words)
        covered = {place for slot in slots if slot.field != "title" for place in range(slot.start, slot.end)}
        bearers = self._tables["titles"]["".join(words)] if words else 0
        whole = [slot.odds for slot in slots if slot.field != "title" and slot.end - slot.start == len(words)]
        topic = max(whole, default=0.0)
        values = {
            "tokens": float(len(words)),
            "characters": float(min(len(query), 512)),
            "known_share": sum(frequency > 0 for frequency in known) / count,
            "title_share": in_title / count,
            "attribute_share": len(covered) / count,
            "exact_name": float(bearers > 0),
            "name_bearers": float(np.log1p(bearers)),
            "max_idf": max(idf, default=0.0),
            "mean_idf": sum(idf) / count,
            "slots": float(min(len(slots), 20)),
            "intent_spearfishing": (1.0 - topic) * 0.9 if bearers else 0.0,
            "intent_topic": topic * 0.9,
            "has_digit": float(any(character.isdigit() for word in words for character in word)),
        }
        return {name: values[name] for name in SIGNALS}


def _values(entity: Entity) -> Iterator[tuple[str, str]]:
    if entity.type:
        yield "type", entity.type
    for field, value in entity.attributes.items():
        if isinstance(value, str):
            yield field, value
        elif isinstance(value, tuple):
            yield from ((field, part) for part in value)


def _interpretations(slots: list[Slot], length: int) -> list[Interpretation]:
    """Combine slots that do not overlap (beam search); odds follow the slots' own and fall with uncovered tokens."""
    beams: list[tuple[tuple[Slot, ...], int, float]] = [((), 0, 1.0)]  # slots, next free token, weight
    for place in range(length):
        grown = []
        for chosen, free, weight in beams:
            if free > place:
                grown.append((chosen, free, weight))
                continue
            grown.append((chosen, place + 1, weight * 0.3))  # a token that nothing explains costs
            for slot in slots:
                if slot.start == place:
                    grown.append(((*chosen, slot), slot.end, weight * slot.odds))
        beams = sorted(grown, key=lambda beam: -beam[2])[: 4 * MOST_INTERPRETATIONS]
    found = [(chosen, weight) for chosen, _, weight in beams if chosen][:MOST_INTERPRETATIONS]
    total = sum(weight for _, weight in found)
    return [Interpretation(chosen, weight / total) for chosen, weight in found]
