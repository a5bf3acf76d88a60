"""Artists, albums, tracks, playlists, stations and podcasts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from generator.words import (
    ADJECTIVES,
    BANDS,
    COUNTRIES,
    FIRST,
    GENRES,
    LANGUAGES,
    NOUNS,
    SYLLABLES,
    TOPICS,
    VERBS,
)

ARTISTS = 640
NEWEST = np.datetime64("2026-06-28")

Record = dict[str, Any]


@dataclass
class World:
    """All entities, and what the listeners know of them."""

    records: list[Record] = field(default_factory=list)
    by_id: dict[str, Record] = field(default_factory=dict)

    def add(self, record: Record) -> Record:
        self.records.append(record)
        self.by_id[record["id"]] = record
        return record

    def of_type(self, kind: str) -> list[Record]:
        return [record for record in self.records if record["type"] == kind]


def build(chance: np.random.Generator) -> World:
    """Make the whole world."""
    world = World()
    names = _names(chance)
    fame = np.sort(chance.pareto(1.1, ARTISTS) + 0.1)[::-1]
    chance.shuffle(fame)
    for number, (name, weight) in enumerate(zip(names, fame.tolist(), strict=True)):
        _discography(world, chance, number, name, weight)
    for number, (genre, (moods, activities, texture, _)) in enumerate(sorted(GENRES.items())):
        for place in range(10):
            mood, activity = moods[place % len(moods)], activities[0]
            title = (
                "Love"
                if genre == "love songs" and place == 0
                else f"{mood.title()} {genre.title()} {_one(chance, NOUNS)}"
            )  # noqa: E501
            text = f"A {mood} selection for {activity}: {texture}."
            _add(world, chance, f"playlist:{number * 10 + place:04d}", title, "playlist", text,
                 {"genre": [genre], "mood": [mood], "activity": [activity]}, 40 * chance.pareto(1.2))  # fmt: skip
        for place in range(3):
            title = (
                "Love Radio"
                if genre == "love songs" and place == 0
                else f"{genre.title()} {('Radio', 'FM', 'Stream')[place]}"
            )  # noqa: E501
            _add(world, chance, f"station:{number * 3 + place:04d}", title, "station",
                 f"Non-stop {genre}, {moods[0]} by day and {moods[-1]} by night.", {"genre": [genre]}, 60 * chance.pareto(1.2))  # fmt: skip  # noqa: E501
    for number in range(80):
        topic, genre = TOPICS[number % len(TOPICS)], sorted(GENRES)[number % len(GENRES)]
        title = (
            "Love"
            if number == 0
            else f"{_one(chance, ADJECTIVES)} {_one(chance, ('Talks', 'Hour', 'Diaries', 'Sessions'))}"
        )  # noqa: E501
        _add(world, chance, f"podcast:{number:04d}", title, "podcast",
             f"Conversations about {topic}, with guests from {genre}.", {"genre": [genre], "topic": topic}, 30 * chance.pareto(1.2))  # fmt: skip  # noqa: E501
    return world


def _discography(world: World, chance: np.random.Generator, number: int, name: str, fame: float) -> None:
    genres = [_one(chance, sorted(GENRES))]
    if chance.random() < 0.35:
        genres.append(_one(chance, [genre for genre in sorted(GENRES) if genre != genres[0]]))
    moods, activities, texture, _ = GENRES[genres[0]]
    country, language = _one(chance, COUNTRIES), _one(chance, LANGUAGES)
    artist = _add(world, chance, f"artist:{number:04d}", name, "artist",
                  f"{name} from {country} plays {' and '.join(genres)}: {texture}.",
                  {"genre": genres, "country": country, "language": language}, 100 * fame)  # fmt: skip
    start = int(chance.integers(1975, 2026))
    for disc in range(2):
        year = min(start + disc * int(chance.integers(1, 5)), 2026)
        mood = moods[disc % len(moods)]
        title = _title(chance)
        shared = {"genre": genres, "mood": [mood], "year": year, "artist": name, "language": language}
        album = _add(world, chance, f"album:{number * 2 + disc:05d}", title, "album",
                     f"A {mood} record for {activities[0]}, with {texture}.", shared, 40 * fame * chance.random())  # fmt: skip  # noqa: E501
        for track in range(3):
            title = "Love" if number % 80 == 3 and track == 0 and disc == 0 else _title(chance)
            _add(world, chance, f"track:{number * 6 + disc * 3 + track:05d}", title, "track", "",
                 {**shared, "album": album["title"], "duration": int(chance.integers(90, 420))},
                 60 * fame * chance.random())  # fmt: skip
    artist["attributes"]["albums"] = 2


def _add(
    world: World, chance: np.random.Generator, entity_id: str, title: str, kind: str, text: str,
    attributes: Record, popularity: float,
) -> Record:  # fmt: skip
    year = attributes.get("year")
    if year is not None and year < 2026:
        created = np.datetime64(f"{year}-01-01") + int(chance.integers(0, 365))
    else:
        age = chance.integers(0, 40) if chance.random() < 0.15 or year == 2026 else chance.integers(40, 3000)
        created = NEWEST - int(age)
    return world.add(
        {
            "id": entity_id, "title": title, "type": kind, "text": text, "attributes": attributes,
            "popularity": round(float(popularity), 1), "created_at": str(min(created, NEWEST)),
        }
    )  # fmt: skip


def _names(chance: np.random.Generator) -> list[str]:
    """Invent distinct names; one artist is called Love, several are called Taylor."""
    names: dict[str, None] = {"Love": None, "Taylor Lovell": None, "Taylor Quillan": None}
    makers = (
        lambda: f"{_one(chance, FIRST)} {_surname(chance)}",
        lambda: f"The {_one(chance, ADJECTIVES)} {_one(chance, BANDS)}",
        lambda: f"{_surname(chance)} {_one(chance, BANDS)}",
        lambda: _surname(chance) + _surname(chance).lower()[:3],
    )
    while len(names) < ARTISTS:
        names[makers[int(chance.integers(0, len(makers)))]()] = None
    return list(names)


def _surname(chance: np.random.Generator) -> str:
    return "".join(_one(chance, SYLLABLES) for _ in range(int(chance.integers(2, 4)))).title()


def _title(chance: np.random.Generator) -> str:
    shape = int(chance.integers(0, 6))
    adjective, noun, other, verb = (_one(chance, words) for words in (ADJECTIVES, NOUNS, NOUNS, VERBS))
    return (
        noun,
        f"{adjective} {noun}",
        f"{noun} of {other}",
        f"{verb} the {noun}",
        f"{verb} {_surname(chance)}",
        f"{adjective} {noun} ({_one(chance, ('Live', 'Remastered', 'Demo', 'Acoustic'))})",
    )[shape]


def _one(chance: np.random.Generator, words: tuple[str, ...] | list[str]) -> str:
    return words[int(chance.integers(0, len(words)))]


def lines(world: World) -> Iterator[Record]:
    """Yield all records by id."""
    yield from sorted(world.records, key=lambda record: record["id"])
