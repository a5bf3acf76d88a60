"""Which attribute values may somebody mean?"""

from __future__ import annotations

from pathlib import Path

from ltrr_cli.core.types import AttributeValue, Entity
from ltrr_cli.understanding.values import ValueCounts, Values


def kept(*attributes: dict[str, AttributeValue]) -> dict[str, set[str]]:
    counts = ValueCounts()
    for number, each in enumerate(attributes):
        counts.add(Entity(str(number), "x", attributes=each))
    found: dict[str, set[str]] = {}
    for field, value, *_ in counts.kept():
        found.setdefault(field, set()).add(value)
    return found


def test_texts_and_lists_of_texts_are_kept_as_written():
    assert kept({"genre": ("Hip-Hop", "R&B")}, {"mood": "Calm"}) == {"genre": {"Hip-Hop", "R&B"}, "mood": {"Calm"}}


def test_one_value_written_in_two_ways_is_one_value_counted_once_an_entity(tmp_path: Path):
    counts = ValueCounts()
    for written in (("Hip-Hop", "Hip-Hop"), ("hip hop",)):
        counts.add(Entity("1", "x", attributes={"genre": written}))
    Values.build(tmp_path, counts, lambda word: word)
    values = Values.open(tmp_path)
    (place,) = values.exact(["hiphop"])[0].tolist()
    assert (values[place].value, values[place].count, values[place].words) == ("Hip-Hop", 2, 2)


def test_years_are_kept_and_other_numbers_are_not():
    numbers = range(30)
    found = kept(*({"year": 1980.0 + each % 3, "price": 9.5 + each, "likes": float(each)} for each in numbers))
    assert found == {"year": {"1980", "1981", "1982"}}


def test_identifiers_are_not_kept_and_unique_names_are():
    found = kept(
        *(
            {"ean": f"08827807{each:05d}", "key": f"a:x{each}Kx9zQw7Lm2", "no": f"{each}", "by": f"P {chr(65 + each)}"}
            for each in range(25)
        )
    )
    assert set(found) == {"by"}


def test_bare_words_and_prose_are_not_kept():
    assert kept({"live": "yes", "about": "One sentence with far more words than anybody types"}) == {}


def test_an_entity_without_values_adds_no_words():
    counts = ValueCounts()
    assert counts.add(Entity("1", "Title")) == []
    assert counts.add(Entity("2", "Title", "album", attributes={"genre": "Hip-Hop"})) == ["album", "hip", "hop"]


def test_values_are_found_by_words_stems_parts_and_likeness(tmp_path: Path):
    counts = ValueCounts()
    counts.add(Entity("1", "x", "albums", attributes={"genre": ("love songs", "rock")}))
    Values.build(tmp_path, counts, lambda word: word.removesuffix("s"))
    values = Values.open(tmp_path)

    def written(places: list[list[int]]) -> list[list[str]]:
        return [[values[place].value for place in some] for some in places]

    assert written([place.tolist() for place in values.exact(["lovesongs", "love"])]) == [["love songs"], []]
    assert written([place.tolist() for place in values.stemmed(["album"])]) == [["albums"]]
    assert written([place.tolist() for place in values.holding(["love", "rock"])]) == [["love songs"], []]
    places, likeness = values.similar(["luv", "songs"])[0]
    assert written([places.tolist()]) == [["love songs"]]
    assert 0.6 < likeness < 1
