"""A fold whose teaching searches are asked by workers, while this process goes on counting.

A search is asked as of its time, of what strategies have learnt before; strategies never ask the bandit. So strategies
learn here without waiting, a piece at once, and what they learn is written in pieces; workers learn it after, ask the
searches of some pieces each, and what they find teaches the bandit here, in the order of time. What strategies fit on a
schedule is fitted here alone, and stands beside the pieces.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ltrr_cli.core.counted import CountedDay
from ltrr_cli.core.types import Impression, Outcome, Profile
from ltrr_cli.engine.executor import Executor, Kernel
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.learning.credit import SearchTrace
from ltrr_cli.learning.fold import Fold
from ltrr_cli.learning.past_pieces import Step, write_piece
from ltrr_cli.learning.teaching import asked
from ltrr_cli.learning.timeline import LearnStep, SearchStep
from ltrr_cli.learning.walk_elsewhere import Walker, WalkTerms
from ltrr_cli.retrieval.strategy import Fits
from ltrr_cli.storage.journal import Journal

SEARCHES = 10  # of a piece: the part of a worker
OUTCOMES = 5_000  # of a piece in which less is asked
AHEAD = 50  # pieces per worker that strategies may be ahead of the bandit
WAITING = 10_000  # lessons that wait for a search, beyond which strategies wait too

Stop = tuple[int | None, Callable[[], Callable[[], None]]]


def _as_it_is(snapshot: Snapshot, _: None) -> Snapshot:
    return snapshot


def _open(terms: WalkTerms[None]) -> Walker[None]:
    return Walker(terms, _as_it_is)


def _ask(walker: Walker[None], number: int) -> list[SearchTrace]:
    return walker.answered(number, asked)


TEACHING: Kernel[WalkTerms[None], Walker[None], int, list[SearchTrace]] = Kernel("searches that teach", _open, _ask)


class FoldElsewhere:
    """Goes through a journal as ``fold.run`` does, stop by stop.

    terms -- what workers begin with: where the fold stands now
    """

    def __init__(self, fold: Fold, executor: Executor, terms: WalkTerms[None]) -> None:
        self._fold, self._executor, self._terms = fold, executor, terms
        self._lessons: deque[tuple[str | None, Callable[[], None]]] = deque()  # each after the search it waits for
        self._found: dict[str, SearchTrace] = {}
        self._asked = fold.teacher.waits_for()
        self._piece: list[Step] = []
        self._searches: list[str] = []
        self._outcomes = self._number = 0
        self._dated = False
        self._unlearnt: list[SearchStep | LearnStep | CountedDay] = []

    def run(self, journal: Journal, stops: Iterable[Stop]) -> None:
        """Learn up to the moment of each stop (None: to the end), where something is to be done.

        A stop's function is called when strategies have learnt so far, and what it returns when the bandit has.
        """
        waiting: deque[list[str]] = deque()
        for traces in self._executor.map(TEACHING, self._terms, self._parts(journal, stops, waiting), ahead=AHEAD):
            self._found.update(zip(waiting.popleft(), traces, strict=True))
            self._teach()
        self._teach()

    def _parts(self, journal: Journal, stops: Iterable[Stop], waiting: deque[list[str]]) -> Iterator[int]:
        """Let strategies learn, and yield pieces in which something is asked."""
        people = self._fold.people(journal)
        self._fold.snapshot.meet(people)
        for moment, stop in stops:
            for step in self._fold.steps(journal, moment):
                self._note(step)
                if len(self._searches) >= SEARCHES or self._outcomes >= OUTCOMES:
                    yield from self._written(people, waiting)
                    people = []
            self._learn()
            self._lessons.append((None, self._fold.teacher.end_undated))
            self._lessons.append((None, stop()))
            self._teach()
        if self._searches:
            yield from self._written(people, waiting)

    def _written(self, people: list[Profile], waiting: deque[list[str]]) -> Iterator[int]:
        self._learn()
        write_piece(self._terms.pieces, self._number, self._piece, people, self._fits())
        number, searches = self._number, self._searches
        self._number, self._piece, self._searches, self._outcomes = number + 1, [], [], 0
        self._teach()
        if searches or len(self._lessons) > WAITING:
            waiting.append(searches)
            yield number

    def _learn(self) -> None:
        """Let strategies learn what has come since they did."""
        self._fold.learn(self._unlearnt)
        self._unlearnt = []

    def _fits(self) -> Fits:
        """Return what strategies fitted to what they learnt of the piece."""
        found = [one.fits(asked=bool(self._searches)) for one in self._fold.snapshot.strategies.values()]
        return {name: arrays for fits in found for name, arrays in fits.items()}

    def _note(self, step: SearchStep | LearnStep | CountedDay) -> None:
        """Take a step into the piece, and what it teaches the bandit among the lessons."""
        self._unlearnt.append(step)
        if isinstance(step, SearchStep):
            search = step.impression
            self._piece.append(search)
            self._searches.append(search.impression_id)
            self._asked.add(search.impression_id)
            self._lessons.append((search.impression_id, partial(self._take, search)))
            return
        if isinstance(step, LearnStep):
            self._piece.append(step.outcomes)
            self._outcomes += len(step.outcomes)
            self._note_lesson(step)
        else:
            self._piece.append(step)
            self._outcomes += len(step.entity)

    def _note_lesson(self, step: LearnStep) -> None:
        if step.outcomes[0].time_ms and not self._dated:
            self._dated = True
            self._lessons.append((None, self._fold.teacher.end_undated))
        pairs = zip(step.outcomes, step.pages, strict=True)
        some = [(outcome, page) for outcome, page in pairs if self._may_teach(outcome)]
        if some:
            outcomes, pages = zip(*some, strict=True)
            self._lessons.append((None, partial(self._fold.teacher.teach, LearnStep(outcomes, pages))))

    def _may_teach(self, outcome: Outcome) -> bool:
        """Say whether a search that was asked may wait for an outcome, or its page was served here."""
        name = outcome.event_id if outcome.impression_id is None else outcome.impression_id
        return name in self._asked or (not outcome.imported and bool(outcome.ranks))

    def _take(self, search: Impression) -> None:
        self._fold.teacher.take(search, self._found.pop(search.impression_id))

    def _teach(self) -> None:
        """Let the bandit learn, up to the first search that was not answered yet."""
        while self._lessons and (self._lessons[0][0] is None or self._lessons[0][0] in self._found):
            self._lessons.popleft()[1]()
