"""Which trials no other dominates: by hand, and as Optuna has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna
import pytest
from sweep_sample import sample_trials

from framework.results.sweep.front import pareto_front
from framework.results.sweep.judgement import judge


def test_a_front_worked_out_by_hand():
    points = np.array(
        [
            [1.0, 5.0],  # highest in the second
            [3.0, 3.0],
            [3.0, 2.0],  # row 1 is as high in the first and higher in the second
            [5.0, 1.0],  # highest in the first
            [2.0, 3.0],  # row 1
            [3.0, 3.0],  # equal to row 1: neither dominates the other
            [9.0, np.nan],  # does not count
            [0.0, 0.0],  # all
            [4.0, 1.0],  # row 3
        ]
    )
    assert pareto_front(points).tolist() == [3, 1, 5, 0]
    assert pareto_front(points[:, :1]).tolist() == [6]
    assert pareto_front(points[6:7]).tolist() == []


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_the_front_is_that_of_optuna(columns: int):
    points = np.random.default_rng(columns).integers(0, 9, (120, columns)).astype(np.float64)
    study = optuna.create_study(directions=["maximize"] * columns)
    study.add_trials([optuna.create_trial(values=point) for point in points.tolist()])
    expected = {trial.number for trial in study.best_trials}
    found = pareto_front(points).tolist()
    assert 2 < len(expected) < 100
    assert set(found) == expected
    assert len(found) == len(expected)
    assert points[found][:, 0].tolist() == sorted(points[found][:, 0], reverse=True)


def test_parameters_that_were_asked_for_twice_are_on_the_front_once():
    tried = sample_trials({"fast": [5, 7, 5, 9], "slow": [50, 50, 50, 50]})
    objectives = {"a": np.array([1.0, 2.0, 1.0, 1.5]), "b": np.array([4.0, 3.0, 4.0, 2.0])}
    tried = replace(tried, objective=objectives["a"], objectives=objectives)
    assert judge(tried).front == (1, 0)


def test_one_objective_has_no_front():
    tried = sample_trials({"fast": [5, 7, 9]})
    assert judge(replace(tried, objectives={"sharpe": tried.objective})).front == ()
