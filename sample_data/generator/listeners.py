"""What people want, what a static engine shows them, and what they click.

Wants are drawn first (an entity or a topic, weighted by popularity and taste), then typed: names whole, in part,
misspelt, glued; topics in the words of people, which are seldom the catalog's. A plain token-overlap engine shows ten
results; position p is looked at with chance 1 / p. Where it does not show what was wanted, some find it elsewhere
(browsing): such searches say nothing of what was shown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from generator.catalog import World
from generator.words import GENRES

USERS = 300
START = np.datetime64("2026-05-31T06:00:00.000")
WEEKS = 6
KINDS = {"name": 0.3, "part": 0.12, "typo": 0.13, "glued": 0.05, "topic": 0.25, "genre": 0.1, "new": 0.05}

Record = dict[str, Any]


@dataclass
class Want:
    """A query and how well each entity answers it (grade 1..3)."""

    text: str
    kind: str
    grades: dict[str, int]
    user: str | None = None


class Engine:
    """Token overlap with idf, then popularity: the static engine whose log this is."""

    def __init__(self, world: World) -> None:
        self._postings: dict[str, list[str]] = defaultdict(list)
        self._popularity = {record["id"]: record["popularity"] for record in world.records}
        for record in world.records:
            values = [value for value in record["attributes"].values() if not isinstance(value, int | float)]
            texts = [
                record["title"],
                record["text"],
                *(part for value in values for part in ([value] if isinstance(value, str) else value)),
            ]  # noqa: E501
            for word in sorted(
                set(" ".join(texts).lower().replace(":", " ").replace(",", " ").replace(".", " ").split())
            ):
                self._postings[word].append(record["id"])
        self._size = len(world.records)

    def page(self, query: str) -> list[str]:
        score: Counter[str] = Counter()
        for word in dict.fromkeys(query.lower().split()):
            found = self._postings.get(word, [])
            for entity in found:
                score[entity] += float(np.log(self._size / len(found)))
        best = sorted(score, key=lambda entity: (-round(score[entity], 6), -self._popularity[entity], entity))
        return best[:10]


class Listeners:
    """People with tastes, and the searches they make."""

    def __init__(self, world: World, chance: np.random.Generator) -> None:
        self.world, self.chance = world, chance
        self.engine = Engine(world)
        genres = sorted(GENRES)
        self.tastes = {
            f"user:{n:03d}": [genres[int(g)] for g in chance.permutation(len(genres))[:3]] for n in range(USERS)
        }
        weights = np.array([record["popularity"] + 1.0 for record in world.records])
        self._weights = weights / weights.sum()
        self._of_genre: dict[str, list[Record]] = defaultdict(list)
        for record in sorted(world.records, key=lambda record: -record["popularity"]):
            for genre in record["attributes"]["genre"]:
                self._of_genre[genre].append(record)
        self._new = [record for record in world.records if record["created_at"] >= "2026-06-14"]

    def want(self, user: str, kind: str) -> Want:
        """Draw what a user wants and how they say it."""
        if kind in ("topic", "genre"):
            return self._topic(user, kind)
        pool = self._new if kind == "new" else None
        place = (
            int(self.chance.integers(0, len(pool)))
            if pool
            else int(self.chance.choice(len(self._weights), p=self._weights))
        )
        record = (pool or self.world.records)[place]
        title = record["title"].lower().replace("(", "").replace(")", "")
        grades = {other["id"]: 1 for other in self.world.records if other["title"] == record["title"]} | {
            record["id"]: 3
        }
        artist = record["attributes"].get("artist")
        if kind == "new" and artist:
            title = f"{title} {artist.lower()}"
        return Want(self._typed(title, kind), kind, grades)

    def _topic(self, user: str, kind: str) -> Want:
        taste = self.tastes[user][int(self.chance.integers(0, 3))]
        moods, activities, _, said = GENRES[taste]
        mood = moods[int(self.chance.integers(0, len(moods)))]
        text = (
            (taste, f"{mood} {taste}", f"{taste} {activities[0]}")[int(self.chance.integers(0, 3))]
            if kind == "genre"
            else said
        )
        answers = [r for r in self._of_genre[taste] if r["type"] in ("playlist", "artist", "station", "album")][:40]
        grades = {r["id"]: 3 if place < 8 else 2 if place < 20 else 1 for place, r in enumerate(answers)}
        return Want(text, kind, grades)

    def _typed(self, title: str, kind: str) -> str:
        words = title.split()
        place = int(self.chance.integers(1, max(2, len(title) - 1)))
        if kind == "part" and len(words) > 1:
            return " ".join(words[: max(1, len(words) - 1)])
        if kind == "glued" and len(words) > 1:
            return "".join(words)
        if kind == "typo" and len(title) > 4:
            edits = (title[:place] + title[place + 1 :], title[:place] + title[place - 1] + title[place:],
                     title[: place - 1] + title[place : place + 1] + title[place - 1] + title[place + 1 :])  # fmt: skip
            return edits[int(self.chance.integers(0, 3))]
        return title

    def searches(self, count: int, first_week: int, weeks: int) -> list[Record]:
        """Return ``count`` searches in time order."""
        chance = self.chance
        span = weeks * 7 * 86_400_000
        offsets = np.sort(chance.integers(0, span, count))
        begin = START + np.timedelta64(first_week * 7, "D")
        names, odds = list(KINDS), np.array(list(KINDS.values()))
        log = []
        for number, offset in enumerate(offsets.tolist()):
            user = f"user:{int(USERS * chance.random() ** 1.5):03d}"
            want = self.want(user, names[int(chance.choice(len(names), p=odds / odds.sum()))])
            moment = begin + np.timedelta64(offset, "ms")
            line = self._search(want, user, f"s{first_week}-{number // 3:05d}", moment)
            if line is not None:
                log.append(line)
        return log

    def _search(self, want: Want, user: str, session: str, moment: np.datetime64) -> Record | None:
        chance, page = self.chance, self.engine.page(want.text)
        clicked = [
            entity for place, entity in enumerate(page, 1)
            if chance.random() < (1.0 / place) * (want.grades.get(entity, 0) / 3.2 + 0.03)
        ]  # fmt: skip
        shown: list[str] | None = page
        best = max(want.grades.values())
        missed = not any(want.grades.get(entity, 0) == best for entity in page)
        if not clicked and missed and chance.random() < 0.6:
            wanted = [entity for entity, grade in want.grades.items() if grade >= best - 1]
            weight = np.array([want.grades[entity] ** 2 for entity in wanted], float)
            clicked = [wanted[int(chance.choice(len(wanted), p=weight / weight.sum()))]]
            shown = None
        later = [str(moment + np.timedelta64(int(chance.integers(3_000, 90_000)), "ms")) for _ in clicked]
        return {
            "event": "search", "timestamp": str(moment), "user_id": user, "session_id": session, "query": want.text,
            "results": shown, "clicked": clicked, "click_times": later,
        }  # fmt: skip
