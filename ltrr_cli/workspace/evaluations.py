"""The verbs of a workspace that tell how good it is: judged, off-policy, simulated, replayed, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.engine.state import State

if TYPE_CHECKING:
    from ltrr_cli.charts.sections import Dashboard
    from ltrr_cli.evaluation.arrivals import ArrivalsReport
    from ltrr_cli.evaluation.evaluate import Evaluation
    from ltrr_cli.evaluation.records import CompareReport, EvaluateReport, OpeReport
    from ltrr_cli.evaluation.replay import ReplayReport
    from ltrr_cli.evaluation.simulate import SimulateReport


class EvaluationVerbs:
    """What ``Workspace`` can measure; none of it changes the workspace."""

    state: State

    def evaluate(
        self,
        queries: str | Path | None,
        qrels: str | Path,
        *,
        measures: Sequence[str] | None = None,
        policies: Sequence[str] = (),
        runs: Mapping[str, str | Path] | None = None,
        k: int | None = None,
        budget: int | None = None,
        engine: str | None = None,
        progress: Progress = quiet,
    ) -> tuple[EvaluateReport, Evaluation]:
        """Score results against relevance judgments, beside the baselines; without queries only the runs are scored.

        measures -- by ir-measures' names, None: the usual ones
        policies -- names as in the settings, such as "hazard", "fixed(lexical=40,memory=60)"; none: the serving one
        runs     -- name -> TREC run
        k        -- results a query; by default 100, or as deep as a measure looks
        engine   -- where queries are answered, as in ``index``
        """
        from ltrr_cli.evaluation.evaluate import MEASURES, evaluate

        asked = None if queries is None and runs else self.state
        wanted = tuple(measures) if measures is not None else MEASURES
        return evaluate(asked, queries, qrels, measures=wanted, policies=policies, runs=runs or {}, k=k, budget=budget,
                        engine=engine, progress=progress)  # fmt: skip

    def ope(
        self,
        policies: Sequence[str] = (),
        *,
        estimator: str = "auto",
        since_ms: int | None = None,
        progress: Progress = quiet,
    ) -> OpeReport:
        """Estimate what policies (``POLICY`` or ``POLICY/RANKER``) would have earned on the logged live searches."""
        from ltrr_cli.evaluation.ope import from_journal

        return from_journal(self.state, policies, estimator=estimator, since_ms=since_ms, progress=progress)

    def ope_of_logs(
        self,
        logs: Sequence[str | Path],
        policies: Sequence[str] = (),
        *,
        estimator: str = "auto",
        mapping: Mapping[str, str] | None = None,
        actions: int | None = None,
    ) -> OpeReport:
        """Estimate policies on plain logged-bandit data: one action a line, its reward and its propensity."""
        from ltrr_cli.evaluation.ope import from_logs

        return from_logs(self.state.settings, logs, policies, estimator=estimator, mapping=mapping, actions=actions)

    def compare(
        self, names: tuple[str, str], *, since_ms: int | None = None, seed: int = 0, progress: Progress = quiet
    ) -> CompareReport:
        """Interleave what two systems would have answered at every logged search, and credit what people chose."""
        from ltrr_cli.evaluation.interleave import from_journal

        return from_journal(self.state, names, since_ms=since_ms, seed=seed, progress=progress)

    def compare_judged(
        self,
        names: tuple[str, str],
        queries: str | Path | None,
        qrels: str | Path,
        *,
        sessions: int = 10,
        seed: int = 0,
        progress: Progress = quiet,
    ) -> CompareReport:
        """Interleave two systems (policies, or TREC runs) for simulated users of judged queries."""
        from ltrr_cli.evaluation.interleave import simulated

        asked = None if queries is None and all(Path(name).is_file() for name in names) else self.state
        return simulated(asked, names, queries, qrels, sessions=sessions, seed=seed, progress=progress)

    def simulate(
        self,
        policies: Sequence[str] | None = None,
        *,
        queries: str | Path | None = None,
        qrels: str | Path | None = None,
        searches: int = 5_000,
        seeds: int = 5,
        budget: int | None = None,
        learn_every: int = 1,
        break_strategy: str | None = None,
        ceiling: bool = False,
        dice: int = 1,
        engine: str | None = None,
        progress: Progress = quiet,
    ) -> SimulateReport:
        """Let policies answer simulated users, beside the best fixed allocation; see ``evaluation.simulate``."""
        from ltrr_cli.evaluation.simulate import POLICIES, simulate

        return simulate(
            self.state, policies or POLICIES, queries=queries, qrels=qrels, searches=searches, seeds=seeds,
            budget=budget, learn_every=learn_every, break_strategy=break_strategy, ceiling=ceiling, dice=dice,
            engine=engine, progress=progress,
        )  # fmt: skip

    def simulate_arrivals(
        self,
        *,
        queries: str | Path | None = None,
        qrels: str | Path | None = None,
        share: float = 0.05,
        searches: int = 2_000,
        seeds: int = 1,
        budget: int | None = None,
        known: str = "whole",
        progress: Progress = quiet,
    ) -> ArrivalsReport:
        """Let a share of the catalog arrive in mid-stream: does exploring pay? See ``evaluation.arrivals``."""
        from ltrr_cli.evaluation.arrivals import arrivals

        return arrivals(self.state, queries=queries, qrels=qrels, share=share, searches=searches, seeds=seeds,
                        budget=budget, known=known, progress=progress)  # fmt: skip

    def replay(
        self,
        events: Sequence[str | Path],
        *,
        since: int | str | None = None,
        explore: bool = True,
        run: str | Path | None = None,
        learn_every: str = "1h",
        train_every: int = 5000,
        undated: bool = False,
        engine: str | None = None,
        progress: Progress = quiet,
    ) -> ReplayReport:
        """Answer each search of a log as of its time, score it by what was clicked, then learn; in a scratch copy.

        engine -- is checked, no more: every answer learns from the one before, so that one stream runs in this process
        """
        from ltrr_cli.evaluation.replay import replay

        return replay(self.state, events, since=since, explore=explore, run=run, learn_every=learn_every,
                      train_every=train_every, undated=undated, engine=engine, progress=progress)  # fmt: skip

    def report(self, *, searches: int = 600, users: bool = False, progress: Progress = quiet) -> Dashboard:
        """Look back over the journal: the sections of ``ltrr report``; ``charts.html`` draws them as one file.

        searches -- how many past searches are answered again, spread evenly over time
        users    -- name the most active users by their ids
        """
        from ltrr_cli.evaluation.report_sections import dashboard
        from ltrr_cli.workspace.status import status

        return dashboard(self.state, status(self.state).facts(), searches, progress, users=users)
