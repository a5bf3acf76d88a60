from __future__ import annotations

from pathlib import Path

from ltrr_cli.storage.journal import Journal


def test_the_newest_word_on_a_person_holds_whichever_log_came_first(tmp_path: Path):
    said = [("u", '{"likes":"jazz"}', 5), ("u", '{"likes":"soul"}', 9), ("v", '{"likes":"rock"}', None)]
    for name, order in (("a", said), ("b", said[::-1])):
        journal = Journal(tmp_path / f"{name}.db")
        for one in order:
            journal.ingest([], [], [one])
        assert list(journal.profiles()) == [said[1], said[2]]


def test_without_a_time_the_later_line_holds(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([], [], [("u", '{"likes":"jazz"}', None)])
    journal.ingest([], [], [("u", '{"likes":"soul"}', None)])
    assert [attributes for _, attributes, _ in journal.profiles()] == ['{"likes":"soul"}']
