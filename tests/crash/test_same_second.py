"""Runs started together in one folder: each has its directory and its row."""

from pathlib import Path

from crash_runs import end, is_complete, judge, rows, run, start

TOGETHER = 4


def test_started_together_in_one_folder(tmp_path):
    same = "run_dir=runs/2025-01-01/same"  # as two runs of one second would have it
    processes = [start(tmp_path, "report=false", same) for _ in range(TOGETHER)]
    ends = [end(process) for process in processes]
    assert [code for code, _ in ends] == [0] * TOGETHER, ends
    assert judge(tmp_path) == (TOGETHER, TOGETHER, TOGETHER)
    names = sorted(Path(row["directory"]).name for row in rows(tmp_path))
    assert names == ["same", *(f"same_{count}" for count in range(2, TOGETHER + 1))]


CLAIM = """
import sys, time
from framework.results.run_directory import RunDirectory
time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
for second in range(200):
    print(RunDirectory.create(f"runs/{second}").path)
"""


def test_claimed_at_the_same_instant(tmp_path):
    """Directories that were made but not written into yet look empty to the others."""
    import subprocess
    import sys
    import time

    from crash_runs import HERE

    begin = str(time.time() + 1.0)
    claims = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, begin],
            cwd=tmp_path,
            env={"PYTHONPATH": str(HERE.parents[1])},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(TOGETHER)
    ]
    made = [line for claim in claims for line in claim.communicate()[0].splitlines()]
    assert len(made) == TOGETHER * 200
    assert len(set(made)) == len(made)


def test_many_runs_have_the_folders_of_their_numbers(tmp_path):
    code, said = run(tmp_path, "-m", "seed=1,2", "report=false", "hydra/launcher=basic")
    assert code == 0, said
    runs = [Path(row["directory"]) for row in rows(tmp_path) if row["mode"] != "sweep"]
    assert [run.name for run in runs] == ["0", "1"]
    assert all(is_complete(run) for run in runs)
