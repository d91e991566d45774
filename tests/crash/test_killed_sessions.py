"""Paper sessions killed at any instruction, with power cuts among it, end as if nothing was.

``CRASH_SESSION_KILLS`` sets the number; ``benchmarks/session_kills.py`` makes hundreds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("CRASH_SESSION_KILLS", "20"))


@pytest.mark.timeout(1_800)
def test_killed_sessions_end_like_those_that_nothing_befell(tmp_path):
    """Rules alone, and trees whose model is copied into the session, are killed in turn."""
    words = ["--kills", str(KILLS), "--bars", "250", "--only", "trees,finer", "--seed", "11"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "session_kills.py"), *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    print(figures)
    assert figures["wrong"] == []
    assert figures["kills"] == KILLS
    assert figures["power_cuts"] > 0


@pytest.fixture
def power_cut(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setattr(os, "fsync", os.fsync)  # put back after the test
    import power_cut

    return power_cut


@pytest.mark.parametrize("seed", range(8))
def test_a_power_cut_takes_only_what_was_not_waited_for(tmp_path, power_cut, seed):
    run, beside = tmp_path / "run", tmp_path / "beside"
    run.mkdir()
    (run / "replaced").write_text("old")
    power_cut.all_synced(run, beside)
    power_cut.watch(run, beside)
    with (run / "journal").open("wb", buffering=0) as journal:
        journal.write(b"1" * 100)
        os.fsync(journal.fileno())
        journal.write(b"2" * 100)
    synced = os.open(run, os.O_RDONLY)
    os.fsync(synced)
    os.close(synced)
    (run / "fresh").write_text("new")
    (run / "part").write_text("new")
    (run / "part").replace(run / "replaced")
    power_cut.cut(run, beside, np.random.default_rng(seed))
    journal = (run / "journal").read_bytes()
    assert journal == (b"1" * 100 + b"2" * 100)[: len(journal)]
    assert len(journal) >= 100
    text = (run / "replaced").read_text()
    assert text == "old" or "new".startswith(text)
    assert not (run / "fresh").exists() or "new".startswith((run / "fresh").read_text())


def test_power_cuts_do_take_something(tmp_path, power_cut):
    seen = set()
    for seed in range(20):
        run, beside = tmp_path / f"run_{seed}", tmp_path / f"beside_{seed}"
        run.mkdir()
        power_cut.all_synced(run, beside)
        (run / "fresh").write_text("0123456789")
        power_cut.cut(run, beside, np.random.default_rng(seed))
        seen.add("gone" if not (run / "fresh").exists() else (run / "fresh").stat().st_size)
    assert "gone" in seen
    assert len(seen) > 4
