"""A sampler explores what it is given, learns, and asks for the same when asked again."""

import json

import numpy as np
import optuna
import pytest

from framework.sweep.trial import TrialTable

WORDS = (
    *("-m", "hydra/sweeper=optuna", "pairs=btc_aud", "start=2025-03-01", "end=2025-03-08"),
    *("report=false", "sweep.min_trades=3", "sweep.rerun_best=false"),
)


def table(folder, name):
    (file,) = folder.glob(f"runs/*/{name}/trials.parquet")
    return TrialTable.read(file)


def asked(found):
    return list(zip(*found.params.values(), strict=True))


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid", "cmaes", "nsga2"])
def test_the_same_seed_asks_for_the_same_and_another_for_others(program, sampler):
    words = (*WORDS, f"hydra.sweeper.sampler={sampler}", "hydra.sweeper.n_trials=16")
    words = (*words, "hydra.sweeper.batch=4", "hydra.sweeper.startup=4")
    words = (*words, "strategy.params.fast=range(5,30)", "strategy.params.slow=range(40,90,2)")
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        ended = program(*words, f"sweep.name={name}", f"seed={seed}")
        assert ended.code == 0, ended.err
        assert "Warning" not in ended.err
    one, two, other = (table(ended.folder, name) for name in ("one", "two", "other"))
    assert len(one) == 16
    assert asked(one) == asked(two)
    assert one.orders_hash == two.orders_hash
    assert asked(one) != asked(other)
    for fast, slow in asked(one):
        assert type(fast) is int and 5 <= fast <= 29
        assert type(slow) is int and 40 <= slow <= 88 and slow % 2 == 0


def test_the_strategys_search_block_is_explored_when_the_command_line_names_nothing(program):
    ended = program(*WORDS, "sweep.name=it", "hydra.sweeper.n_trials=12", "strategy.params.slow=77")
    assert ended.code == 0, ended.err
    found = table(ended.folder, "it")
    assert list(found.params) == ["strategy.params.fast"]
    assert all(type(fast) is int and 5 <= fast <= 50 for (fast,) in asked(found))


def test_a_grid_has_every_combination_once(program):
    words = (
        "strategy.params.fast=5,7",
        "strategy.params.slow=range(40,70,10)",
        "risk=off,balanced",
    )
    ended = program(*WORDS, "sweep.name=it", "hydra.sweeper.sampler=grid", *words)
    assert ended.code == 0, ended.err
    assert sorted(asked(table(ended.folder, "it"))) == [
        (fast, slow, risk)
        for fast in (5, 7)
        for slow in (40, 50, 60)
        for risk in ("balanced", "off")
    ]


def test_a_sampler_that_learns_finds_better_than_chance(program):
    words = ("strategy.params.fast=interval(5,60)", "strategy.params.slow=interval(61,400)")
    words = (*words, "hydra.sweeper.n_trials=60", "hydra.sweeper.batch=5")
    words = (*words, "sweep.objective=-fees_paid", "sweep.min_trades=0")
    late = {}
    for sampler in ("tpe", "random"):
        ended = program(*WORDS, f"sweep.name={sampler}", f"hydra.sweeper.sampler={sampler}", *words)
        assert ended.code == 0, ended.err
        late[sampler] = table(ended.folder, sampler).metrics["fees_paid"][-30:].mean()
    assert late["tpe"] < late["random"] / 2


def test_a_trial_that_breaks_a_constraint_is_not_best_and_the_sampler_is_told(program):
    ended = program(
        *WORDS, "sweep.name=it", "hydra.sweeper.n_trials=30", "sweep.constraints=trades >= 6"
    )
    assert ended.code == 0, ended.err
    found = table(ended.folder, "it")
    trades, sharpe = found.metrics["trades"], found.metrics["sharpe"]
    assert 0 < (trades < 6).sum() < 30
    (file,) = ended.folder.glob("runs/*/it/sweep.json")
    best = json.loads(file.read_text())["best_trial"]
    assert best == int(np.argmax(np.where(trades >= 6, sharpe, -np.inf)))
    study = optuna.load_study(study_name="it", storage=f"sqlite:///{file.with_name('study.db')}")
    told = {each.user_attrs["trial"][1]: each.constraints for each in study.get_trials()}
    study._storage.remove_session()
    study._storage._backend.engine.dispose()
    for index, count in enumerate(trades):
        assert told[index].get("trades >= 6", 0) == max(6 - count, 0)


def test_several_objectives_end_in_a_front(program):
    words = ("hydra.sweeper.sampler=nsga2", "hydra.sweeper.n_trials=24", "hydra.sweeper.startup=8")
    ended = program(*WORDS, "sweep.name=it", *words, "sweep.objective=[sharpe,-turnover]")
    assert ended.code == 0, ended.err
    found = table(ended.folder, "it")
    points = np.stack([found.metrics["sharpe"], -found.metrics["turnover"]], axis=1)
    points[found.metrics["trades"] < 3] = -np.inf
    front = [
        row
        for row, point in enumerate(points)
        if np.isfinite(point).all()
        and not any((one >= point).all() and (one > point).any() for one in points)
    ]
    front.sort(key=lambda row: -points[row, 0])
    different = {tuple(each[row] for each in found.params.values()): row for row in front[::-1]}
    front = [row for row in front if row in different.values()]
    said = " ".join(ended.out.split())
    named = ", ".join(map(str, front))
    assert f"Pareto front of sharpe and -turnover: trials {named}" in said
    (file,) = ended.folder.glob("runs/*/it/sweep.json")
    figures = json.loads(file.read_text())
    assert figures["objectives"] == ["sharpe", "-turnover"]
    assert figures["pareto_front"] == front
    assert 1 < len(front) < 20


def test_sweeps_that_share_a_study_learn_from_each_other_and_count_their_own(program, tmp_path):
    words = (f"hydra.sweeper.storage=sqlite:///{tmp_path}/shared.db", "hydra.sweeper.study=both")
    for name in ("one", "two"):
        ended = program(*WORDS, f"sweep.name={name}", "hydra.sweeper.n_trials=12", *words)
        assert ended.code == 0, ended.err
    one, two = table(ended.folder, "one"), table(ended.folder, "two")
    assert len(one) == len(two) == 12
    assert asked(one) != asked(two)
    study = optuna.load_study(study_name="both", storage=f"sqlite:///{tmp_path}/shared.db")
    assert len(study.get_trials()) == 24
    study._storage.remove_session()
    study._storage._backend.engine.dispose()

    other = program(*WORDS, *words, "strategy.params.fast=interval(5,9)")
    assert other.code == 2
    assert other.err.splitlines()[-1].startswith("hydra.sweeper.study: 'both' explores ")
