r"""The Python API: one folder, opened, indexed, asked, fed and trained.

>>> import ltrr_cli
>>> folder = getfixture("tmp_path")
>>> titles = ("Love Song", "Lovely Day", "River of Gold")
>>> lines = [f'{{"id": "song:{number}", "title": "{title}"}}\n' for number, title in enumerate(titles)]
>>> (folder / "catalog.jsonl").write_text("".join(lines)) > 0
True
>>> workspace = ltrr_cli.open(folder / "home")
>>> workspace.index([folder / "catalog.jsonl"]).generation
1
>>> page = workspace.query("lovely day", k=3, seed=1)
>>> page.results[0].title
'Lovely Day'
>>> workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[0].id})
>>> workspace.status().events
1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from ltrr_cli.core.clock import now_ms
from ltrr_cli.core.config import Settings
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.engine.state import State
from ltrr_cli.workspace.evaluations import EvaluationVerbs

if TYPE_CHECKING:  # a question does not wait for what indexing and training import
    from ltrr_cli.engine.model_store import ModelCard, ModelList
    from ltrr_cli.engine.query import Page
    from ltrr_cli.engine.query_batch import BatchReport
    from ltrr_cli.indexing.index import IndexReport
    from ltrr_cli.indexing.init import InitReport
    from ltrr_cli.learning.follow import Stop
    from ltrr_cli.learning.publish import TrainReport
    from ltrr_cli.learning.records import IngestReport
    from ltrr_cli.learning.validate import ValidateReport
    from ltrr_cli.workspace.doctor import DoctorReport
    from ltrr_cli.workspace.explain import Explanation
    from ltrr_cli.workspace.export import ExportReport
    from ltrr_cli.workspace.maintenance import ForgetReport, GcReport, RebuildReport, RollbackReport
    from ltrr_cli.workspace.memory_report import MemoryReport
    from ltrr_cli.workspace.rules_report import RulesCheck, RulesReport
    from ltrr_cli.workspace.status import Status
    from ltrr_cli.workspace.verify import VerifyReport


class Workspace(EvaluationVerbs):
    """Everything ltrr knows of one catalog, in one folder.

    Opening costs nothing. Every verb is a function of the open state (``engine.state``), named below.
    """

    def __init__(self, home: str | Path, **flags: Any) -> None:
        self.state = State(home, **flags)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def home(self) -> Path:
        """The workspace's folder."""
        return self.state.home

    @property
    def settings(self) -> Settings:
        """The settings in force: flags, environment, ``ltrr.toml``, defaults."""
        return self.state.settings

    # ------------------------------------------------------------ the five verbs

    def index(
        self,
        sources: Any,
        *,
        update: bool = False,
        delete: str | Path | None = None,
        mapping: Mapping[str, str] | None = None,
        encoder: str | None = None,
        refit: bool = False,
        max_bad: float | None = None,
        predicted: str | Path | None = None,
        ids_only: bool = False,
        engine: str | None = None,
        progress: Progress = quiet,
    ) -> IndexReport:
        """Build and publish a catalog generation; what was learnt is folded anew for it.

        sources -- files, tables ("sqlite:shop.db?table=items") or data frames; also one of them alone
        update  -- keep the entities there are, replace those that come again
        delete  -- a file of ids to remove
        mapping -- our field -> the key in the files, for other names: {"title": "name"}
        encoder -- "catalog", or the name of one in the cache; None keeps the encoder there is
        predicted -- a file of {"id", "query", "score"}: queries that an entity should answer; an update keeps it
        refit   -- learn the ``catalog`` encoder anew on an update
        ids_only -- words are searched elsewhere (``[retrieval.remote]``): memory and the like alone are built
        engine   -- where the work runs: "local", "processes=4", "ray", "ray://HOST:PORT"; None: as the settings say

        Raises DataError when too many lines are bad (nothing is published), LockedError when another publishes.
        """
        from ltrr_cli.indexing.index import index

        sources = sources if isinstance(sources, list | tuple) else [sources]
        given = (update, delete, mapping, encoder, refit, max_bad, predicted)
        return index(self.state, sources, *given, progress, ids_only=ids_only, engine=engine)

    def query(
        self,
        text: str = "",
        *,
        k: int = 10,
        budget: int | None = None,
        user: str | None = None,
        session: str | None = None,
        at: int | str | None = None,
        context: Mapping[str, str] | None = None,
        filters: Sequence[str] = (),
        policy: str | None = None,
        ranker: str | None = None,
        seed: int | None = None,
        hide_seen: bool = False,
        like: str | None = None,
        live: bool = True,
        log: bool = True,
        explore: bool = True,
        page: int | None = None,
        facets: Sequence[str] = (),
        sort: str | None = None,
    ) -> Page:
        """Answer one query; an empty text asks for recommendations.

        at      -- the moment of the question; without it the later of the last event and the catalog's newest date
        filters -- conditions such as "genre=jazz", "year>=2000"
        ranker  -- "ranker-3", or "fusion" for none, in place of the one that serves
        seed    -- repeats a draw; without it every question draws anew
        like    -- an entity's id: what goes with it; raises NotFoundError for one that the catalog has not
        live    -- False marks a trial that must not count as an unclicked page
        log     -- write the impression into the journal
        explore -- False plays the policy's best allocation
        page    -- from 1: the first k results, the next k ...; pages of one question come from one draw
        facets  -- fields whose values are counted over all candidates that match
        sort    -- a field by which all candidates that match are ordered, "-price" for the largest first
        """
        from ltrr_cli.engine.query import QueryRequest, respond

        asked = QueryRequest(
            text, k=k, budget=budget, user=user, session=session, at=at, context=dict(context or {}),
            filters=tuple(filters), policy=policy, ranker=ranker, seed=seed, hide_seen=hide_seen, live=live, log=log,
            explore=explore, like=like, page=page, facets=tuple(facets), sort=sort,
        )  # fmt: skip
        return respond(self.state, asked)

    def query_batch(
        self,
        queries: str | Path,
        run: str | Path,
        *,
        k: int = 100,
        budget: int | None = None,
        policy: str | None = None,
        ranker: str | None = None,
        hide_seen: bool = False,
        engine: str | None = None,
        progress: Progress = quiet,
    ) -> BatchReport:
        """Answer a file of {"query_id", "text", "user_id"?, "timestamp"?, ...} into a TREC run, without a log.

        A line may also have a "session_id" and "like", an entity's id; with a user or with "like" it needs no "text".
        """
        from ltrr_cli.engine.query_batch import respond_batch

        return respond_batch(self.state, queries, run, k, budget, policy, ranker, hide_seen, progress, engine)

    def record(self, event: Mapping[str, Any]) -> None:
        """Journal one native event, and learn it: the next query of this workspace knows of it.

        What is published, and so what other processes see, follows with the next ``ingest``, with ``close``, and after
        every ``live.PUBLISHED`` events. A missing timestamp is now. Raises DataError for what is no event.
        """
        from ltrr_cli.learning.live import record_and_learn

        record_and_learn(self.state, {"timestamp": now_ms(), **event})

    def close(self) -> None:
        """Publish what was recorded here and is not published yet; raises LockedError where another publishes."""
        from ltrr_cli.learning.live import publish_learnt

        publish_learnt(self.state)

    def ingest(
        self,
        sources: Sequence[str | Path],
        *,
        format: str = "auto",  # noqa: A002 -- the word users know from the command line
        dry_run: bool = False,
        undated: bool = False,
        max_bad: float | None = None,
        mapping: Mapping[str, str] | None = None,
        engine: str | None = None,
        progress: Progress = quiet,
    ) -> IngestReport:
        """Take in feedback logs, every event exactly once, and publish what they teach.

        mapping -- our field -> the key in the logs; a text in double quotes is what every record gets
        engine  -- where searches that teach are asked, as in ``index``
        """
        from ltrr_cli.learning.ingest import ingest

        return ingest(self.state, sources, format, dry_run, undated, max_bad, progress, mapping, engine)

    def follow(
        self,
        sources: Sequence[str | Path],
        stop: Stop,
        *,
        format: str = "auto",  # noqa: A002
        undated: bool = False,
        max_bad: float | None = None,
        every: float = 60.0,
        mapping: Mapping[str, str] | None = None,
        progress: Progress = quiet,
    ) -> IngestReport:
        """Take in logs as they grow until ``stop`` (a ``threading.Event``) is set; publish every so many seconds."""
        from ltrr_cli.learning.follow import follow

        return follow(self.state, sources, format, undated, max_bad, every, stop, progress, mapping)

    def train(
        self,
        *,
        algorithm: str | None = None,
        judgments: tuple[str | Path, str | Path] | None = None,
        dry_run: bool = False,
        engine: str | None = None,
        progress: Progress = quiet,
    ) -> TrainReport:
        """Train a ranker (and the bandit on imported logs); it serves only if it beats what serves.

        engine -- where searches that were not answered before are answered as of their time, as in ``index``
        """
        from ltrr_cli.learning.publish import train

        return train(self.state, algorithm, judgments, dry_run, progress, engine)

    def promote(self, name: str | None = None, *, progress: Progress = quiet) -> str:
        """Let a trained model serve ("ranker-3", or "fusion" for none); None: the one that served before.

        Returns the name of what serves now; raises NotFoundError, UsageError, DamagedError.
        """
        from ltrr_cli.learning.publish import promote

        return promote(self.state, name, progress)

    # ------------------------------------------------------------ looking

    def models(self) -> ModelList:
        """List all trained rankers."""
        from ltrr_cli.engine.model_store import listing

        return listing(self.state)

    def model(self, name: str | None = None) -> ModelCard:
        """Return the card of one ranker, of the serving one without a name; raises NotFoundError."""
        from ltrr_cli.engine.model_store import card

        return card(self.state, name)

    def status(self, *, bandit: bool = False) -> Status:
        """Say what there is, in a dozen facts; with ``bandit`` also what it believes, and what strategies are worth."""
        from ltrr_cli.workspace.status import status

        return status(self.state, bandit=bandit)

    def explain(self, impression_id: str) -> Explanation:
        """Show the funnel of one logged search; raises NotFoundError."""
        from ltrr_cli.workspace.explain import explain

        return explain(self.state, impression_id)

    def rules(self) -> RulesReport:
        """List editors' rules with what each cost or gained."""
        from ltrr_cli.workspace.rules_report import list_rules

        return list_rules(self.state)

    def check_rules(self) -> RulesCheck:
        """Read ``rules.toml`` and say which rules do nothing here; raises DataError for one that is wrong."""
        from ltrr_cli.workspace.rules_report import check_rules

        return check_rules(self.state)

    def remembered(self, query: str, *, k: int = 10, at: int | str | None = None) -> MemoryReport:
        """Say what the memory believes of a query and why: own and similar actions, words, predictions."""
        from ltrr_cli.workspace.memory_report import remembered

        return remembered(self.state, query, k, at)

    def validate(
        self,
        logs: Sequence[str | Path],
        format: str = "auto",  # noqa: A002
        undated: bool = False,
        mapping: Mapping[str, str] | None = None,
    ) -> ValidateReport:
        """Run named checks over feedback logs, beside the catalog where one is indexed; changes nothing."""
        from ltrr_cli.learning.validate import check_logs

        return check_logs(self.state, logs, format, undated, mapping)

    def validate_catalog(
        self, catalogs: Sequence[str | Path], *, mapping: Mapping[str, str] | None = None
    ) -> ValidateReport:
        """Read catalog files as ``index`` would and say what it would make of them; changes nothing."""
        from ltrr_cli.indexing.check import check_catalogs

        return check_catalogs(self.state, catalogs, mapping)

    def verify(self) -> VerifyReport:
        """Hash every file of both current generations and check the journal."""
        from ltrr_cli.workspace.verify import verify

        return verify(self.state)

    def init(
        self, sources: Sequence[str | Path], *, force: bool = False, dry_run: bool = False, named: bool = False
    ) -> InitReport:
        """Look at a catalog and a log, say what is what, and write the settings that they need into ``ltrr.toml``.

        force -- replace the settings there are; named -- the next commands name this folder
        """
        from ltrr_cli.indexing.init import init

        return init(self.home, [str(source) for source in sources], force=force, dry_run=dry_run, named=named)

    # ------------------------------------------------------------ upkeep

    def rollback(self, to: int | None = None) -> RollbackReport:
        """Let an older learned generation serve, with its catalog; None: the newest before the current one.

        The journal stays as it is: the next ``ingest`` or ``rebuild`` folds all of it again.
        Raises NotFoundError, DamagedError.
        """
        from ltrr_cli.workspace.maintenance import rollback

        return rollback(self.state, to)

    def rebuild(self, *, engine: str | None = None, progress: Progress = quiet) -> RebuildReport:
        """Fold the whole journal into a new learned generation; the same events give the same digest.

        engine -- where searches that teach are asked, as in ``index``
        """
        from ltrr_cli.workspace.maintenance import rebuild

        return rebuild(self.state, progress, engine)

    def forget(
        self,
        *,
        user: str | None = None,
        source: str | None = None,
        between: tuple[int, int] | None = None,
        progress: Progress = quiet,
    ) -> ForgetReport:
        """Delete the events and impressions that meet every condition given, and refold what was learnt.

        source  -- a log as it was named when it was ingested, or the end of its path
        between -- (from, to) in milliseconds, the end exclusive
        Raises UsageError where no condition is given. Trained rankers stay as they are.
        """
        from ltrr_cli.storage.journal_schema import Forget
        from ltrr_cli.workspace.maintenance import forget

        return forget(self.state, Forget(user, source, between), progress)

    def gc(self, *, keep: int = 2) -> GcReport:
        """Remove generations that are neither current nor among the ``keep`` before, unless somebody reads them."""
        from ltrr_cli.workspace.maintenance import gc

        return gc(self.state, keep)

    def export(
        self,
        format: str,  # noqa: A002 -- the word users know from the command line
        out: str | Path | BinaryIO,
        *,
        judgments: tuple[str | Path, str | Path] | None = None,
        queries: str | Path | None = None,
        progress: Progress = quiet,
    ) -> ExportReport:
        """Write "libsvm" or "csv" (what a ranker is trained on), "qrels" or "dsjson"; a file whole or not at all.

        judgments -- (queries, judgments) that label the lines in place of what people did
        queries   -- where to write the queries that the qrels speak of
        """
        from ltrr_cli.workspace.export import export

        return export(self.state, format, out, judgments, queries, progress)

    def doctor(self, engine: str | None = None) -> DoctorReport:
        """Look at libraries, settings, disk, generations, journal, and an engine's workers; raises nothing."""
        from ltrr_cli.workspace.doctor import doctor

        return doctor(self.state, engine)
