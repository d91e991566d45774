"""Ctrl-C and SIGTERM at any moment: exit code 130, one word, an interrupted row."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from crash_runs import PROGRAM, end, judge, rows, start, wait_until_listening, wait_until_said

MOMENTS = 3


def send(process, moment, number):
    """Send a signal `moment` seconds after the program began to listen; None if it was over."""
    wait_until_listening(process)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    return end(process)


def require_interrupted(code, said):
    assert "Traceback" not in said, said
    assert code == 130, said
    assert said.splitlines().count("interrupted") == 1
    assert said.splitlines()[-1] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_told_to_stop_at_any_moment(tmp_path, duration, number):
    stopped = 0
    generator = np.random.default_rng(int(number))
    for part in range(MOMENTS):
        moment = (part + generator.random()) / MOMENTS * duration * 0.8
        code, said = send(start(tmp_path, "report=false"), moment, number)
        if code == 0:  # it was over before
            continue
        require_interrupted(code, said)
        stopped += 1
    assert stopped >= MOMENTS // 2
    judge(tmp_path)


def test_told_to_stop_while_importing(tmp_path):
    for moment in (0.0, 0.03, 0.06, 0.1):
        process = start(tmp_path, "report=false", program=PROGRAM)
        code, said = send(process, moment, signal.SIGTERM)
        require_interrupted(code, said)
    assert {row["status"] for row in rows(tmp_path)} <= {"interrupted"}


SLOW_TO_CLOSE = """
import sys, time
from framework.config.signals import end_cleanly

def main():
    try:
        print("begun", file=sys.stderr, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("closing", file=sys.stderr, flush=True)
        time.sleep(60 if "long" in sys.argv else 0.5)
        raise

end_cleanly(main)
"""


def test_a_signal_that_a_wrapper_doubles_is_one():
    process = start(".", program=(sys.executable, "-c", SLOW_TO_CLOSE))
    wait_until_said(process, "begun")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    require_interrupted(*end(process))


def test_a_second_signal_ends_what_is_slow_to_close():
    process = start(".", "long", program=(sys.executable, "-c", SLOW_TO_CLOSE))
    wait_until_said(process, "begun")
    process.send_signal(signal.SIGTERM)
    wait_until_said(process, "closing")
    process.send_signal(signal.SIGTERM)
    code, said = end(process)
    assert (code, said) == (-signal.SIGTERM, "")


def test_row_of_a_run_told_to_stop_says_when_and_why(tmp_path):
    process = start(tmp_path, "end=2026-01-01", "mode.causality_cuts=1000")
    wait_until_said(process, "of warm-up")
    process.send_signal(signal.SIGINT)
    require_interrupted(*end(process))
    (row,) = rows(tmp_path)
    assert (row["status"], row["error"], row["exit_code"]) == ("interrupted", "interrupted", 130)
    assert row["ended_at"] >= row["started_at"]


def test_stopping_many_runs_stops_them_all(tmp_path):
    """Told in the second of three."""
    words = ("seed=1,2,3", "mode.causality_cuts=300", "report=false", "hydra/launcher=basic")
    process = start(tmp_path, "-m", *words)
    wait_until_said(process, "backtest of", 2)
    process.send_signal(signal.SIGTERM)
    code, said = end(process)
    *said, kept = said.splitlines()
    require_interrupted(code, "\n".join(said))
    assert "of 3 trials are kept; go on with sweep.resume=" in kept
    known, done, complete = judge(tmp_path)
    assert done == complete == 1
    assert known <= 2 + 1  # the sweep's own row
