"""A sweep that is killed keeps what was finished, and goes on to what it would have been."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from framework.sweep.trial import TrialTable

WORDS = (
    *("-m", "pairs=btc_aud", "start=2025-03-01", "end=2025-03-15", "report=false"),
    *("sweep.min_trades=1", "strategy.params.fast=5,9,14,20", "strategy.params.slow=30,40,50"),
)


def killed(folder, moment, number, *words):
    script = Path(__file__).with_name("killed_sweep.py")
    return subprocess.run(
        [sys.executable, script, moment, str(number), *WORDS, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=250,
    )


def kept(folder):
    """Return the table, the rows and the state of the only sweep."""
    (table,) = folder.glob("runs/*/*/trials.parquet")
    with closing(sqlite3.connect(folder / "runs" / "framework.db")) as database:
        query = "SELECT params, t.orders_hash FROM trial t JOIN run r ON r.id = t.run_id "
        rows = database.execute(query + "WHERE r.mode = 'sweep' ORDER BY t.id").fetchall()
        ((status, code),) = database.execute(
            "SELECT status, exit_code FROM run WHERE mode = 'sweep'"
        ).fetchall()
    return TrialTable.read(table), [(json.loads(one), two) for one, two in rows], status, code


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    done = killed(folder, "after", 0)
    assert done.returncode == 0, done.stderr
    return kept(folder)


@pytest.mark.parametrize(
    ("moment", "number", "rows"), [("after", 2, 4), ("between", 2, 3), ("told", 3, None)]
)
def test_a_killed_sweep_goes_on(program, tmp_path, whole, moment, number, rows):
    died = killed(tmp_path, moment, number)
    table, written, status, code = kept(tmp_path)
    assert status == "interrupted"
    assert "Traceback" not in died.stderr
    if moment == "told":
        assert died.returncode == code == 130
        assert died.stderr.splitlines()[-1] == "interrupted"
    else:
        assert died.returncode == -9
        assert len(written) == rows
    assert len(table) >= len(written) > 0
    assert {hash for _, hash in written} <= set(whole[0].orders_hash)

    (directory,) = tmp_path.glob("runs/*/*_sweep_*")
    ended = program(*WORDS, f"sweep.resume={directory.name}")
    assert ended.code == 0, ended.err
    table, written, status, code = kept(tmp_path)
    assert (status, code) == ("done", 0)
    assert table.index.tolist() == list(range(12))
    assert table.orders_hash == whole[0].orders_hash
    assert table.blocks.tobytes() == whole[0].blocks.tobytes()
    assert sorted(map(repr, written)) == sorted(map(repr, whole[1]))
    assert len(written) == 12
    assert json.loads((directory / "sweep.json").read_text())["trials"] == 12

    again = program(*WORDS, f"sweep.resume={directory}")
    assert (again.code, again.err) == (2, f"sweep.resume: {directory} is finished.\n")


def test_a_sweep_does_not_go_on_with_other_words(program, tmp_path):
    killed(tmp_path, "after", 1)
    (directory,) = tmp_path.glob("runs/*/*_sweep_*")
    ended = program(*WORDS, "strategy.params.slow=30,40", f"sweep.resume={directory.name}")
    assert ended.code == 2
    assert ended.err == (
        f"sweep.resume: {directory} was started with other words: {' '.join(WORDS[1:])}.\n"
    )


def test_every_trial_is_in_the_database_once_with_its_parameters(whole):
    table, written, _, _ = whole
    assert sorted(
        (row["strategy.params.fast"], row["strategy.params.slow"]) for row, _ in written
    ) == [(fast, slow) for fast in (5, 9, 14, 20) for slow in (30, 40, 50)]
    by_params = {tuple(row.values()): hash for row, hash in written}
    for result in table.results():
        assert by_params[tuple(result.params.values())] == result.orders_hash
