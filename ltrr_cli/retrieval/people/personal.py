"""What is near to the person who asks: entities that lie where their own actions lie, among people's.

Good for who has a past, with a query or without one. Brings nothing for somebody unknown, and knows nothing of
entities that nobody acted on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import msgspec
import numpy as np

from ltrr_cli.core.types import Context, FloatArray, Hits, IntArray, Outcome, Profile, Request
from ltrr_cli.retrieval.people.action_graph import ActionGraph, factors_for, near_seeds
from ltrr_cli.retrieval.people.factors import Factors
from ltrr_cli.retrieval.people.personal_score import PersonalScore, aspects, introduced, person
from ltrr_cli.retrieval.related import Related
from ltrr_cli.retrieval.shared_values import SharedValues
from ltrr_cli.retrieval.strategy import Fits, Look, Resources, Strategy, best
from ltrr_cli.storage.segments import link
from ltrr_cli.text.normalise import query_key

PEOPLE, OLD_PEOPLE = "profiles.json", "people.json"
PROFILE = 10  # best known bearers of a profile's values, each taken for one action
NEAR_QUERY = 2.0  # log-odds per standard deviation of nearness to the best hits

_Said = tuple[int, tuple[str, ...]]  # since when, and the words of a profile


class Personal(Strategy):
    """``fame x exp(lift)`` without a query, ``exp(nearness to the best hits) x exp(lift)`` with one.

    The lift (see ``retrieval.lift``) is also what the page's untrained score is multiplied with.
    """

    name: ClassVar[str] = "personal"
    evidence_names: ClassVar[tuple[str, ...]] = ("lift", "affinity", "own", "history")
    signal_names: ClassVar[tuple[str, ...]] = ("history", "profile", "profile_reading")
    second_wave: ClassVar[bool] = True

    def __init__(self, graph: ActionGraph, ties: SharedValues) -> None:
        self.graph, self._ties, self._lent = graph, ties, False
        self._people: dict[str, list[_Said]] = {}  # what was said of each, the oldest first
        self._file: Path | None = None  # where that stands on the disk

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the graph of actions where there is one, what is said of people, and the neighbour's ties."""
        known, ties = (
            (resources.catalog.row_of, resources.catalog.types),
            SharedValues.open(folder.with_name(Related.name)),
        )
        if learned is None:
            return cls(ActionGraph(*known), ties)
        personal = cls(ActionGraph.open(learned, *known), ties)
        if (learned / OLD_PEOPLE).exists():
            said = msgspec.json.decode((learned / OLD_PEOPLE).read_bytes(), type=dict[str, _Said])
            personal._people = {user: [one] for user, one in said.items()}
        elif (learned / PEOPLE).exists():
            personal._file = learned / PEOPLE
            personal._people = msgspec.json.decode(personal._file.read_bytes(), type=dict[str, list[_Said]])
        return personal

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Log who did what."""
        if not self._lent:
            self.graph.learn(outcomes)

    def fits(self, asked: bool) -> Fits:
        """Return what the graph fitted, unless it is another's."""
        return {} if self._lent else self.graph.fits(asked)

    def take_fits(self, fits: Fits) -> None:
        """Let the graph know, unless it is another's."""
        if not self._lent:
            self.graph.take_fits(fits)

    def go_live(self, live: bool) -> None:
        """Let the graph leave what is fitted as it is."""
        self.live = self.graph.live = live

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Use the graph of ``Related``, where it is there to learn and to save it: the log is as long as life."""
        owner = company.get(Related.name)
        if isinstance(owner, Related):
            self.graph, self._lent = owner.graph, True

    def meet(self, people: Sequence[Profile]) -> None:
        """Note the words of profiles: values that entities bear too say what somebody may like."""
        for one in people:
            values = one.attributes.values()
            words = tuple(w for v in values if not isinstance(v, float) for w in ((v,) if isinstance(v, str) else v))
            since = one.time_ms or 0
            others = [said for said in self._people.get(one.user, ()) if said[0] != since]
            self._people[one.user] = sorted([*others, (since, words)])
            self._file = None

    def save(self, folder: Path) -> None:
        """Write the graph, unless it is another's, and what is said of people."""
        if not self._lent:
            self.graph.save(folder)
        if not link(self._file, folder / PEOPLE):
            (folder / PEOPLE).write_bytes(msgspec.json.encode(dict(sorted(self._people.items()))))

    def look(self, request: Request) -> PersonalLook:
        """Look from who asks."""
        return PersonalLook(self, request)

    def said(self, context: Context) -> tuple[str, ...]:
        """Return the words of the profile of who asks, as it was by then."""
        found: tuple[str, ...] = ()
        for since, words in self._people.get(context.user or "", ()):
            if since <= context.time_ms:
                found = words
        return found

    def who(self, context: Context) -> PersonalScore | None:
        """Return what is known of who asks: what they did, and what a profile says, as ``PROFILE`` actions."""
        who = self.graph.who(context)
        words = self.said(context)
        if not words:
            return who
        factors = self.graph.factors
        rows, cosine = self._ties.bearers(*self._ties.named(words))
        liked = best(rows, cosine * _fame(factors, rows), PROFILE)
        who = who or person(factors, np.empty(0, np.int32), np.empty(0))
        return introduced(factors, who, liked.rows, np.full(len(liked.rows), np.log(2.0)))


class PersonalLook(Look):
    """What is known of who asks, and what suits them."""

    def __init__(self, personal: Personal, request: Request) -> None:
        self._personal, self._graph, self._request = personal, personal.graph, request

    @cached_property
    def _who(self) -> PersonalScore | None:
        # the look before there are seeds and the one after share it
        who = self._personal.who
        return self._request.memo.once((self._personal, "who"), lambda: who(self._request.context))

    def hits(self, limit: int) -> Hits:
        """Bring what suits who asks, near the best hits where a query has any."""
        who, request = self._who, self._request
        if who is None or not who.embedded.any():
            return Hits.none()
        factors = factors_for(self._graph, request)
        score = self._graph.lift(aspects(factors, who, factors.rows), who, factors.rows)
        if request.seeds is None:
            score += np.log1p(factors.people)
        else:
            near = near_seeds(self._graph, request, request.seeds)
            if not near.any():
                return Hits.none()
            score += NEAR_QUERY * near
        return best(factors.rows, score.astype(np.float32), limit, request.allowed)

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return what the person's past says of each row; NaN for somebody unknown."""
        who = self._who
        if who is None:
            return np.full((len(rows), len(Personal.evidence_names)), np.nan, np.float32)
        aspect = aspects(factors_for(self._graph, self._request), who, rows)
        history = np.full(len(rows), np.log1p(len(who.rows)))
        lift = self._graph.lift(aspect, who, rows)
        return np.column_stack([lift, aspect[:, 0], aspect[:, 2], history]).astype(np.float32)

    def signals(self) -> Mapping[str, float]:
        """How much is known of who asks: what they did, what a profile says, and whether it says what is asked for."""
        who, words = self._who, self._personal.said(self._request.context)
        known = {query_key(word) for word in words}
        return {
            "history": 0.0 if who is None else float(np.log1p(len(who.rows))),
            "profile": float(np.log1p(len(words))),
            "profile_reading": float(any(query_key(slot.value) in known for slot in self._request.reading.slots)),
        }


def _fame(factors: Factors, rows: IntArray) -> FloatArray:
    """Return (n,) float32: log1p of how many acted on each."""
    at = factors.find(rows)
    fame = np.zeros(len(rows), np.float32)
    fame[at >= 0] = np.log1p(factors.people[at[at >= 0]])
    return fame
