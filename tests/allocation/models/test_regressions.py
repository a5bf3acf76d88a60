"""Regressions of things that were never met."""

from __future__ import annotations

import numpy as np

from ltrr_cli.allocation.models.hazard_model import HazardModel


def met() -> HazardModel:
    model = HazardModel(("one", "two"))
    model.admit(("lexical", "dense"), 3)
    model._mean[0], model._mean[1] = 1.0, 3.0
    return model


def test_a_new_name_starts_as_the_one_that_it_is_like():
    model = met()
    model.start_like({"vectors": "dense"})
    assert model.names == ("lexical", "dense", "vectors")
    assert (model.means(("vectors",), 3, 2) == 3.0).all()


def test_who_is_like_nobody_starts_as_the_mean_of_all():
    model = met()
    model.start_like({"vectors": "absent"})
    assert (model.means(("vectors",), 3, 2) == 2.0).all()


def test_what_was_met_stays_as_it_is_and_learns_apart():
    model = met()
    model.start_like({"vectors": "dense", "lexical": "dense"})
    assert (model.means(("lexical",), 3, 2) == 1.0).all()
    model._mean[2] += 1.0
    assert (model.means(("dense",), 3, 2) == 3.0).all()


def test_where_nothing_is_known_nothing_is_made_up():
    model = HazardModel(("one", "two"))
    model.start_like({"vectors": "dense"})
    assert model.names == ()
    assert np.array_equal(model.means(("vectors",), 1, 2), model.prior_mean(1, 2)[None])
