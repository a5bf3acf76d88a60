"""Settings: flag > environment ``LTRR_*`` > workspace ``ltrr.toml`` > user file > default.

Every table of ``ltrr.toml`` is one frozen struct; an unknown key or a wrong type is an error that names it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from ltrr_cli.core.errors import DataError

ColumnKind = Literal["text", "number", "boolean", "money", "json", "list|", "list;", "list,"]


class CatalogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is indexed and how."""

    language: str = "en"  # ISO 639-1, chooses the stemmer
    encoder: str = "catalog"
    sparse: str = ""  # name of an imported sparse encoder that gives `sparse` its terms; "" learns them
    max_bad: float = 0.001  # share of bad lines above which nothing is published
    html: Literal["auto", "strip", "keep"] = "auto"  # taken out of texts: where tags abound, everywhere, nowhere
    map: dict[str, str] = {}  # our field -> the key in the files, as --map says it
    columns: dict[str, ColumnKind] = {}  # of tables: what a column is, where its cells shall not decide


class RemoteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A retriever elsewhere, asked beside the local strategies."""

    kind: Literal["http", "opensearch", "elasticsearch", "qdrant", "pgvector"]
    address: str  # URL; for pgvector a connection string without its password
    index: str = ""  # of OpenSearch and Elasticsearch; of Qdrant the collection
    request: str = ""  # template of what is sent: {{query}}, {{k}}, {{vector}}, {{filters}}; for pgvector SQL
    ids: str = ""  # where ids stand in the answer, such as results[].id
    scores: str = ""  # where scores stand; "": the order counts
    fields: str = ""  # where objects of further fields stand
    timeout_ms: float = 200.0  # for the whole answer
    secret_file: str = ""  # a file with one line: the header's value, or the password
    header: str = "Authorization"  # that the secret is sent in
    depth: int = 0  # candidates that are asked for at most; 0: the budget
    weigh_like: str = "dense"  # local strategy whose weight in fusion, and start in the bandit, it has


class RetrievalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which strategies may bring candidates, and how many in all."""

    off: tuple[str, ...] = ()  # names of strategies that are switched off
    budget: int = 200  # distinct candidates
    remote: dict[str, RemoteSettings] = {}  # name -> a retriever elsewhere


class AllocationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bandit: how many candidates each strategy contributes."""

    policy: str = "hazard"
    exploration: float = 0.05  # share of the budget that one randomly drawn strategy gets on top
    sample: int = 400  # imported searches that teach it, about
    half_life_days: float = 60.0  # forgetting
    minimum: dict[str, float] = {}  # share of the budget per strategy, at least
    maximum: dict[str, float] = {}  # and at most
    freeze: bool = False  # decide, but learn nothing
    run: Literal["all", "drawn"] = "all"  # ask every strategy (exact propensities), or only those with a draw
    audit: float = 0.05  # share of the searches that ask all the same where run is "drawn"
    shadow: str = ""  # a policy that says beside the serving one what it would have done


class FeedbackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What actions are worth, and for how long they belong to an impression."""

    window_minutes: float = 30.0
    windows: dict[str, float] = {}  # minutes per event type
    rewards: dict[str, float] = {}  # -1..1 per event type; what is not listed is worth what its name usually means
    default_reward: float = 0.0  # of an event type that is not listed and whose name means nothing here
    rating_scales: dict[str, tuple[float, float]] = {}  # lowest and highest rating per event type; else by the values
    max_bad: float = 0.001
    map: dict[str, str] = {}  # our field -> the key in the logs, as --map says it; '"click"' is always the word click
    user_daily_cap: int = 1000  # actions of one user on one day that count
    dwell_seconds: float = 0.0  # a click whose value is less is a skip: nobody stayed; 0: values of clicks say nothing
    keep_days: float = 0.0  # before the newest event, by the data's clock; what is older is dropped; 0: kept for ever


class RankingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ranker: how it is trained, and what may change a page after it."""

    algorithm: str = "auto"
    sample: int = 2000  # newest searches that a training looks at
    guard: tuple[str, ...] = ()  # files of queries and judgments that no ranker may make clearly worse
    cross: str = ""  # an imported cross-encoder that reads the first 20; it costs milliseconds a candidate
    shadow: str = ""  # a kept model that says beside the serving one what it would have shown
    swap: float = 0.0  # 0..1, share of the neighbouring pairs tried for a swap that are left to a coin
    protected: int = 1  # positions at the top that no swap touches


class EvaluationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an off-policy value may be stated."""

    least_ess: float = 100.0  # effective sample size, in searches, below which a value is refused
    largest_weight: float = 0.2  # share of the sum of weights that one search may have
    most_unsupported: float = 0.2  # share of the judged policy's mass that the log may never show
    examination: float = 1.0  # position p is looked at with chance p ** -examination


class ServeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP server (``ltrr serve``). Rates are per client and worker process."""

    origins: tuple[str, ...] = ()  # origins whose pages may call from a browser, such as "https://shop.example"
    deadline_ms: float = 500.0  # after which a plain full-text page is given instead
    slow_seconds: float = 10.0  # in which a request must have arrived whole
    body_kb: int = 64  # largest request body
    queries_per_second: float = 0.0  # of one client; 0: no limit
    events_per_second: float = 100.0  # of one client, with bursts of ten times as many; 0: no limit
    learn_every: float = 60.0  # seconds between two publications of what was learnt
    report_every: float = 3600.0  # seconds between two looks back for the dashboard
    suggest_people: int = 3  # people who must have asked a query before it is suggested to others


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of a workspace."""

    live: bool = False  # do a person's queries at the terminal count as real traffic?
    engine: str = "local"  # where heavy work runs: local, processes[=N], ray, ray://HOST:PORT
    catalog: CatalogSettings = CatalogSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    allocation: AllocationSettings = AllocationSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    ranking: RankingSettings = RankingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    serve: ServeSettings = ServeSettings()


def load_settings(home: Path, environment: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Merge all sources; ``flags`` are dotted with two underscores (``allocation__policy="uniform"``), None is unset.

    Raises DataError naming the file and the key.
    """
    environment = os.environ if environment is None else environment
    merged: dict[str, Any] = {}
    for path in (user_file(environment), home / "ltrr.toml"):
        if path is not None and path.is_file():
            _overlay(merged, _read(path))
            _checked(merged, str(path))
    _overlay(merged, _from_environment(environment))
    _checked(merged, "the environment (LTRR_*)")
    for name, value in flags.items():
        if value is not None:
            _overlay(merged, _nested(name.split("__"), value))
    return _checked(merged, "the command line")


def user_file(environment: Mapping[str, str]) -> Path | None:
    """Return where a person keeps settings for all workspaces."""
    if "LTRR_CONFIG" in environment:
        return Path(environment["LTRR_CONFIG"])
    home = environment.get("XDG_CONFIG_HOME") or (environment.get("HOME") and environment["HOME"] + "/.config")
    return Path(home) / "ltrr" / "ltrr.toml" if home else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: {error}", hint="docs/SETTINGS.md lists the settings with their types and defaults"
        ) from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """``LTRR_ALLOCATION__POLICY=uniform`` -> {"allocation": {"policy": "uniform"}}; values are TOML, or bare text."""
    merged: dict[str, Any] = {}
    for name, value in environment.items():
        keys = name.removeprefix("LTRR_").lower().split("__")
        if name.startswith("LTRR_") and (len(keys) > 1 or keys in (["live"], ["engine"])):
            try:
                parsed = tomllib.loads(f"value = {value}")["value"]
            except tomllib.TOMLDecodeError:
                parsed = value
            _overlay(merged, _nested(keys, parsed))
    return merged


def _nested(keys: list[str], value: object) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def _overlay(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            _overlay(under[key], value)
        else:
            under[key] = value


def _checked(merged: Mapping[str, Any], source: str) -> Settings:
    try:
        return msgspec.convert(merged, Settings)
    except msgspec.ValidationError as error:
        raise DataError(f"{source}: {error}", hint="see docs/SETTINGS.md for every key") from None
