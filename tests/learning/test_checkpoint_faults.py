"""Kills and failing disks: the last good checkpoint stays, and the fault is one line."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from kept_checkpoints import Kept, arrays_of, assert_is

from framework.errors import OutsideFault
from framework.learning.checkpoints import save_whole


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "checkpoints")


def test_what_a_kill_left_half_written_is_no_checkpoint(kept: Kept) -> None:
    whole = kept.save(10)
    half = kept.path / ".step_000000020.part"
    half.mkdir()
    shutil.copy(whole / "arrays.bin", half)
    assert_is(kept.newest(), 10)
    kept.save(20)
    assert kept.names() == ["step_000000010", "step_000000020"]
    assert kept.said == []


def test_a_kill_between_setting_aside_and_renaming_loses_nothing(kept: Kept) -> None:
    kept.save(10)
    kept.save(20).rename(kept.path / ".step_000000020.aside")
    assert_is(kept.newest(), 20)
    shutil.copytree(kept.path / "step_000000020", kept.path / ".step_000000020.aside")
    kept.save(30)
    assert kept.names() == ["step_000000010", "step_000000020", "step_000000030"]
    assert kept.said == []


def test_a_kill_between_renaming_and_removing_leaves_only_more_of_them(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(path: Path) -> None:
        raise Killed

    for step in (1, 2, 3):
        kept.save(step)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(shutil, "rmtree", kill)
        kept.save(4)
    assert len(kept.names()) == 4
    assert_is(kept.newest(), 4)
    kept.save(5)
    assert kept.names() == [f"step_00000000{step}" for step in (3, 4, 5)]


def test_killed_at_any_moment_the_last_one_saved_is_found(tmp_path: Path) -> None:
    """Twelve processes that keep saving die by SIGKILL, each after another while."""
    program = """
import sys
import numpy as np
from pathlib import Path
from framework.learning.checkpoints import Checkpoints

checkpoints = Checkpoints(Path(sys.argv[1]), 1, print)
found = checkpoints.newest()
step = found.step if found else 0
while True:
    step += 1
    arrays = {str(k): np.full(1000, step, np.float32) for k in range(8)}
    checkpoints.save(step, arrays, {"step": step}, best=step % 7 == 0)
    checkpoints.save(step, arrays, {"step": step}, best=step % 7 == 0)
    print(step, flush=True)
"""
    kept = Kept(tmp_path / "checkpoints", keep=1)
    rng = np.random.default_rng(0)
    for wait in rng.uniform(0, 0.05, 12):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(kept.path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        told = (first + process.stdout.read()).split()
        process.wait()
        process.stdout.close()
        found = kept.newest()
        assert kept.said == []
        assert found is not None
        assert int(told[-1]) <= found.step <= int(told[-1]) + 1
        assert found.state == {"step": found.step}
        assert {float(array.mean()) for array in found.arrays.values()} == {float(found.step)}


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """Let the system refuse what is written beyond `size` bytes of a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_fails_half_way_leaves_the_one_before(kept: Kept) -> None:
    kept.save(10)
    with files_no_longer_than(100), pytest.raises(OutsideFault) as fault:
        kept.save(20)
    where = kept.path / "step_000000020"
    assert str(fault.value) == f"checkpoint {where}: cannot be written (File too large)."
    assert kept.names() == ["step_000000010"]
    assert_is(kept.newest(), 10)
    kept.save(20)
    assert_is(kept.newest(), 20)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EROFS, "Read-only file system"),
        (errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_disk_that_refuses_leaves_the_one_before(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, after: int
) -> None:
    kept.save(10)
    left = iter(range(after))

    def refuse(descriptor: int) -> None:
        if next(left, None) is None:
            raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched, pytest.raises(OutsideFault) as fault:
        patched.setattr(os, "fsync", refuse)
        kept.save(20)
    where = kept.path / "step_000000020"
    assert str(fault.value) == f"checkpoint {where}: cannot be written ({reason})."
    assert kept.names() == ["step_000000010"]
    assert_is(kept.newest(), 10)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a full disk")
@pytest.mark.parametrize("name", ["arrays.bin", "manifest.json"])
def test_a_full_disk_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to("/dev/full")
    with pytest.raises(OutsideFault) as fault:
        save_whole(tmp_path, arrays_of(1), {})
    assert str(fault.value) == f"{tmp_path}: cannot be written (No space left on device)."


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up the right to write anywhere, which only the superuser has."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_directory_that_may_not_be_written_is_one_line() -> None:
    with tempfile.TemporaryDirectory() as made:
        kept = Kept(Path(made))
        kept.save(10)
        (kept.path / ".step_000000020.part").mkdir()
        kept.path.chmod(0o555)
        with as_nobody():
            with pytest.raises(OutsideFault) as fault:
                kept.save(20)
            assert_is(kept.newest(), 10)
        kept.path.chmod(0o755)
        where = kept.path / "step_000000020"
        assert str(fault.value) == f"checkpoint {where}: cannot be written (Permission denied)."
        assert kept.said == []
        kept.save(20)
        assert_is(kept.newest(), 20)


def test_a_file_where_the_directory_should_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("")
    kept = Kept(tmp_path / "checkpoints")
    with pytest.raises(OutsideFault, match=r"cannot be written \(File exists\)\.$"):
        kept.save(1)


def test_one_that_cannot_be_removed_is_said_and_training_goes_on(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2, 3):
        kept.save(step)

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    kept.save(4)
    old = kept.path / "step_000000001"
    assert kept.said == [f"checkpoint {old}: cannot be removed (Permission denied)."]
