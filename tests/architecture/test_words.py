"""The names of public classes are terms of the field, or docs/GLOSSARY.md says what they mean."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.architecture.test_house import MODULES, ROOT

GLOSSARY = ROOT / "docs" / "GLOSSARY.md"

# what somebody who knows search, bandits and Python reads without a dictionary
TERMS = """
access action actions allocation analyzer answer answered array arrivals attribution back backend bad bandit bar batch
bayes bias body bounds cache cached call candidate candidates catalog cb chart checkpoint child choice class click
client code column columns command compare completions connection context correction corrections count counts cross
curve dashboard data death decayed dense difference digested distinct doctor document embedding encoder encoders
ensemble entity epsilon error estimate evaluate evaluation event evidence examination example examples executor
explanation exploration explore export exposures factors facts fallback feedback file filter finding fixed forest format
found frequency fresh full fuzzy gate gc generation generations gram graph group groups guess hash hazard header health
history hits hosted id ids imported impression index inferred ingest ingested interpretation items journal json judge
judged kernel key kind known language latency lazy learned learning lexical limit lin line linear linked list live lock
locked log logged look lookup loss ltrr manifest map margin match matrix measures memory menu merge metarank metric
model name names native neighbour no node norm not numbers onnx ope operation options origins packed page pairs
parameter parsed part path personal plain plugged plugin policy pool popular position postings predicted preferences
prefix problem process profile progress protocol quantile quarantine queries query queue ragged random ranked ranker
ranking rate ratio read reader reading rebuild record records registry regressions related replay report request
reranker response result results retrieval reward role rollback root row rule run runs sample scaling schema score
scorer scores search searches section seed sequence series serve session set settings shadow shard shared signal similar
simulate simulated size slot snapshot sort sorted source space span sparse speller spelling split square state stated
static statistics status step stop store strategy stream strings structured suggestion suggestions sum supervisor table
tables tagger tail target task template term terms test text texts thompson time timeline token tokens top total trace
traffic train trainer tree trees trend type ubi ucb understanding uniform unit update usage user users validate value
values vector vectors verbs verification verify version view vocabulary vowpal window word words worker workspace
arrow csv frame parquet sqlite
counted day
breaker check circuit cluster neighbour http pending postgres question recorded ray remote retriever
"""
STANDARD = set(TERMS.split())


def words_of(name: str) -> list[str]:
    """Cut ``SearchTrace`` into "search" and "trace"."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+", name)]


def public_classes() -> dict[str, ast.ClassDef]:
    return {
        node.name: node
        for module in MODULES
        for node in ast.parse(module.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


def entries() -> list[str]:
    """Return the classes that the glossary explains."""
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| \S", GLOSSARY.read_text("utf-8"), flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_every_public_class_is_named_by_terms_of_the_field_or_stands_in_the_glossary():
    explained = set(entries())
    known = STANDARD | {name.lower() for name in explained}  # TrainedRanker, since Trained is explained
    private = {
        name: [word for word in words_of(name) if not {word, word.removesuffix("s")} & known]
        for name in public_classes()
        if name not in explained
    }
    told = [
        f"{name}: rename it, or add | `{name}` | what it is | to docs/GLOSSARY.md, or, where everybody in the field "
        f"says {' '.join(words)!r}, add that to STANDARD in {Path(__file__).name}"
        for name, words in private.items()
        if words
    ]
    assert not told, "\n".join(told)


def test_every_public_class_has_a_docstring_of_more_than_a_word_or_two():
    short = [name for name, node in public_classes().items() if len((ast.get_docstring(node) or "").split()) < 3]
    assert short == []


def test_the_glossary_explains_only_classes_that_there_are_each_once_in_order():
    found = entries()
    assert set(found) <= set(public_classes())
    assert found == sorted(set(found))


def test_a_name_is_cut_into_its_words():
    assert words_of("SimilarExamples") == ["similar", "examples"]
    assert words_of("LinUCB") == ["lin", "ucb"]
