"""kill -9 at any moment leaves the truth: interrupted runs, a sound database, nothing half done.

``CRASH_KILLS`` sets the number of kills at random moments, ``CRASH_STEPS`` at chosen steps.
"""

import os
import signal
import subprocess
import time

import numpy as np
import pytest
from crash_runs import HERE, end, judge, kill_after, require_next_run_is_untroubled, start

KILLS = int(os.environ.get("CRASH_KILLS", "10"))
STEPS = int(os.environ.get("CRASH_STEPS", "6"))
STEPPED = (HERE / "killed_at_step.py").read_text()


def test_killed_at_random_moments(tmp_path, duration):
    """The first finds no database; all share one folder, so each finds what others left."""
    killed = 0
    for share in np.random.default_rng(1).permutation(np.linspace(0.0, 1.0, KILLS)):
        begun = time.perf_counter()
        if kill_after(start(tmp_path), share * duration):
            killed += 1
        else:  # faster than the one that was timed
            duration = min(duration, time.perf_counter() - begun)
        judge(tmp_path)
    assert killed > KILLS // 2
    known, done, complete = judge(tmp_path)
    print(f"{killed} of {KILLS} killed: {known} rows, {done} done, {complete} directories complete")
    require_next_run_is_untroubled(tmp_path)


@pytest.mark.parametrize("fresh", [True, False], ids=["making the database", "database there"])
def test_killed_at_each_step_of_writing(tmp_path, fresh):
    """Steps are calls that touch files or the database, killed just before and just after."""
    judged = tmp_path / "warm"
    judged.mkdir()
    stepped(judged, 0)
    if fresh:  # the first may have written caches, which no later one does
        judged = tmp_path / "counted"
        judged.mkdir()
    code, said, total = stepped(judged, 0)
    assert code == 0, said
    assert total > 50
    seen, killed = set(), 0
    steps = np.unique(np.linspace(1, total, STEPS // 2).astype(int))
    for step in steps:
        if fresh:
            judged = tmp_path / f"folder_{step}"
            judged.mkdir()
        code, said, taken = stepped(judged, step)
        assert code in (0, -signal.SIGKILL), said
        if code:
            killed += 1
        else:
            assert taken < step  # the number of steps differs a little from run to run
        known, done, complete = judge(judged)
        seen.add((known > done, done > 0, complete > done))
    assert killed > len(steps) // 2
    print(f"{total} steps, outcomes (interrupted row, done, only the row missing): {seen}")
    require_next_run_is_untroubled(judged)


def stepped(folder, step):
    """Run until `step`, 0: to the end; return exit code, what was said and steps if it ended."""
    script = f"wanted = {step}\n{STEPPED}"
    process = start(folder, "report=false", script=script, stdout=subprocess.PIPE)
    code, said = end(process)
    with process.stdout:
        out = process.stdout.read()
    return code, said, 0 if code else int(out.split()[-1])
