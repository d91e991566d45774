"""Sessions that train their model anew: swapped in, killed, gone on with, replayed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from framework.config.search_path import project_root
from framework.learning.labels import Label
from framework.learning.library import digest_of
from framework.modes.retraining import decided
from framework.session.journal import FILE, read_journal
from framework.session.learning import Learning
from framework.session.retraining import Job

BAR_NS = 900 * 10**9
OWN = (
    *("mode=paper", "mode.speed=0", "mode.snapshot_bars=50", "report=false", "pairs=btc_aud"),
    *("strategy.interval=15m", "strategy.enter=p_up > 0.5", "strategy.exit=p_up < 0.5"),
    *("model=logistic", "model.label.horizon=4"),
    *("learning.window=15d", "learning.judge_bars=48", "learning.wait=true"),
)
LIVED = (*OWN, "mode.bars=320", "learning.retrain=60", "run_dir=own")


def started(folder: Path, *words: str) -> subprocess.Popen:
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "framework", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(project_root())},
            stdout=said,
            stderr=said,
        )


def to_its_end(folder: Path, *words: str) -> str:
    assert started(folder, *words).wait(240) == 0, (folder / "said.txt").read_text()
    return (folder / "said.txt").read_text()


def killed_once(folder: Path, what, *words: str) -> None:
    """Start a run, and kill it as soon as `what` holds."""
    process = started(folder, *words)
    until = time.monotonic() + 240
    while not what():
        assert process.poll() is None, (folder / "said.txt").read_text()
        assert time.monotonic() < until
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def swaps_of(folder: Path) -> list[dict]:
    entries = read_journal(folder / "own" / FILE)
    return [
        {name: value for name, value in entry.values.items() if name != "at"}
        for entry in entries
        if entry.kind == "swap"
    ]


def hash_of(folder: Path) -> str:
    return json.loads((folder / "own" / "metrics.json").read_text())["orders_hash"]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lived")
    to_its_end(folder, *LIVED)
    return folder


def test_models_are_swapped_in_at_bars_and_the_replay_is_identical(lived: Path) -> None:
    swaps = swaps_of(lived)
    assert len(swaps) >= 3
    bars = [e.values for e in read_journal(lived / "own" / FILE) if e.kind == "bar"]
    for swap in swaps:
        after, rest = divmod(swap["from_ns"] - bars[0]["time"], BAR_NS)
        assert rest == 0
        assert after % 60 == 0
        assert swap["until_ns"] == swap["from_ns"] - 48 * BAR_NS
        assert swap["start_ns"] == swap["until_ns"] - 15 * 96 * BAR_NS
        assert digest_of(lived / "own" / "models" / swap["model"]) == swap["sha256"]
    said = (lived / "said.txt").read_text()
    assert "training the first logistic on 1,440 bars from" in said
    assert "identical: 320 bars" in said


def test_each_takes_over_only_if_it_is_no_worse(lived: Path) -> None:
    told = json.loads((lived / "own" / "learning.json").read_text())
    assert [one["number"] for one in told["retrainings"]] == [1, 2, 3, 4, 5]
    swaps = {swap["model"] for swap in swaps_of(lived)}
    for one in told["retrainings"]:
        loss, other = one["scores"]["model_log_loss"], one["running_scores"]["model_log_loss"]
        assert one["scores"]["model_samples"] == 48 - 4
        assert (loss <= other) == (one["model"] is not None)
        assert one["model"] is None or one["model"] in swaps
    kept = {place.name for place in (lived / "own" / "models").iterdir() if place.is_dir()}
    assert kept == swaps | {"model_1"}
    newest = swaps_of(lived)[-1]
    assert told["running"]["model"] == newest["model"]
    first_ns = read_journal(lived / "own" / FILE)[0].values["time"]
    assert told["running"]["bars"] == 320 - (newest["until_ns"] - first_ns) // BAR_NS


def test_killed_and_gone_on_with_it_is_the_same_session(lived: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    under_way = own / "learning" / "0001" / "job.json"
    killed_once(tmp_path, under_way.exists, *LIVED)
    assert not swaps_of(tmp_path)
    first = swaps_of(lived)[0]["model"]
    killed_once(tmp_path, (own / "models" / first).exists, *LIVED)
    to_its_end(tmp_path, *LIVED)
    assert swaps_of(tmp_path) == swaps_of(lived)
    assert hash_of(tmp_path) == hash_of(lived)
    said = to_its_end(tmp_path, "mode=replay", "run=own")
    assert said.count(" goes on in ") == 2
    assert said.splitlines()[-1].startswith("identical: 320 bars")


@pytest.mark.parametrize(
    ("own", "running", "settings", "taken", "says"),
    [
        ({"model_log_loss": 0.6}, {"model_log_loss": 0.7}, {}, True, "0.6 against 0.7 of model_1"),
        ({"model_log_loss": 0.7}, {"model_log_loss": 0.7}, {}, True, "takes over"),
        ({"model_log_loss": 0.8}, {"model_log_loss": 0.7}, {}, False, "model_1 stays"),
        ({"model_log_loss": None}, {"model_log_loss": 0.7}, {}, False, "model_1 stays"),
        ({"model_log_loss": 0.7}, {"model_log_loss": None}, {}, True, "takes over"),
        ({"model_auc": 0.6}, {"model_auc": 0.5}, {"score": "model_auc"}, True, "takes over"),
        ({"model_auc": 0.5}, {"model_auc": 0.6}, {"score": "model_auc"}, False, "model_1 stays"),
        (
            {"model_auc": 0.5, "model_log_loss": 0.6},
            {"model_log_loss": 0.7},
            {"gate": {"model_auc": 0.52}},
            False,
            "but learning.gate.model_auc: must be at least 0.52 (was 0.5); model_1 stays",
        ),
    ],
)
def test_the_verdict_on_two_models(own, running, settings, taken: bool, says: str) -> None:
    own, running = ({"model_samples": 40, **scores} for scores in (own, running))
    job = Job(number=1, seed=1, start_ns=0, until_ns=1, end_ns=2, running="model_1", candles="")
    line, better = decided(Learning(**settings), Label(), job, own, running)
    assert better is taken
    assert says in line


def test_without_a_label_the_new_model_takes_over_if_it_predicts() -> None:
    job = Job(number=1, seed=1, start_ns=0, until_ns=1, end_ns=2, running="model_1", candles="")
    assert decided(Learning(), None, job, {"model_samples": 3}, {"model_samples": 3})[1]
    assert not decided(Learning(), None, job, {"model_samples": 0}, {"model_samples": 3})[1]


def test_without_retraining_a_model_must_be_named(program) -> None:
    ended = program(*OWN, "run_dir=own")
    assert ended.code == 2
    assert "model.from: a session predicts with a trained model" in ended.err
    assert "learning.retrain=1d trains it here" in ended.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("mode=paper", "learning.retrain=1d"),
            "learning.retrain: needs a model to train, model was none (was 1d).",
        ),
        (
            (*OWN, "learning.retrain=1d", "learning.score=model_rmse"),
            "learning.score: 'model_rmse' is no score of this model.",
        ),
        (
            (
                *(word.replace("logistic", "gru") for word in OWN),
                *("learning.retrain=1d", "training.warm_start=latest"),
            ),
            "training.warm_start: a session trains from nothing each time; leave it out (was "
            "latest).",
        ),
        (
            (*OWN, "learning.retrain=often"),
            "learning.retrain: 'often' is neither a length such as 1d, a number of bars, nor drift",
        ),
    ],
)
def test_what_cannot_be_learned_is_refused_in_a_line(program, words, line: str) -> None:
    ended = program(*words, "run_dir=own")
    assert ended.code == 2
    assert ended.err.splitlines()[0].startswith(line)
