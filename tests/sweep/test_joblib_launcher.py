"""A sweep over several processes is the sweep in one, whatever happens to the processes."""

import pytest

pytest.importorskip("joblib", reason="hydra/launcher=joblib needs joblib")

from spread import GOOD, Swept, same

JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.workers=2")


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    done = Swept(tmp_path_factory.mktemp("batch"), GOOD)
    assert done.code == 0, done.err
    return done


def test_processes_give_the_same_as_one(tmp_path, batch):
    done = Swept(tmp_path / "spread", GOOD, *JOBLIB)
    assert done.code == 0, done.err
    assert same(done.table, batch.table)
    assert done.rows == batch.rows
    assert set(done.rows.values()) == {1}
    assert len({process for _, process, _ in batch.told}) == 1
    assert len({process for _, process, _ in done.told}) == 3  # one ran the first two trials


def test_chunks_of_a_killed_process_run_again(tmp_path, batch):
    done = Swept(tmp_path / "spread", GOOD, *JOBLIB, every=5, times=1)
    assert done.code == 0, done.err
    (killed,) = done.killed
    assert killed in {process for _, process, _ in done.told}
    assert same(done.table, batch.table)
    assert done.rows == batch.rows


def test_processes_that_keep_dying_end_the_sweep_with_what_is_finished(tmp_path, batch):
    done = Swept(tmp_path / "spread", GOOD, *JOBLIB, every=5, times=2)
    assert done.code == 3
    assert len(done.killed) == 2
    kept = len(done.table)
    assert 10 <= kept < 60
    assert set(done.rows) <= set(batch.rows)
    assert len(done.rows) == kept
    assert set(done.rows.values()) == {1}
    first, *_, last = done.err.splitlines()
    assert "60 trials" in first
    assert last.startswith("hydra/launcher=joblib: processes died 2 times, now while ")
    assert last.endswith(" less memory is taken with fewer, hydra.launcher.workers (was 2).")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("launcher", [("hydra/launcher=batch",), JOBLIB], ids=["batch", "joblib"])
def test_a_trial_that_fails_fails_alone(tmp_path, launcher):
    done = Swept(tmp_path / "spread", "strategy.params.fast=range(10,18)", *launcher)
    assert done.code == 2
    table = done.table
    assert len(table) == 16
    assert table.errors.keys() == {3, 11}
    assert all(
        "told() failed at" in line and "no thirteen" in line for line in table.errors.values()
    )
    assert len(done.rows) == 14
    assert done.err.splitlines()[-1].startswith("2 of 16 trials failed; number 3: ")


@pytest.mark.parametrize("workers", ["0", "two", "1.5", "true"])
def test_a_number_of_processes_that_is_none_is_refused(program, workers):
    ended = program(
        *("-m", "strategy.params.fast=5,6", "hydra/launcher=joblib"),
        f"hydra.launcher.workers={workers}",
    )
    assert ended.code == 2
    assert ended.err.startswith(
        "hydra.launcher.workers: must be a whole number, at least 1, or null (was "
    )
    assert not list(ended.folder.glob("runs/*/*"))
