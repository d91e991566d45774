"""Checkpoints: whole or absent, every byte verified, and the one before where one is damaged."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from kept_checkpoints import Kept, arrays_of, assert_is, assert_same

from framework.errors import OutsideFault
from framework.learning.checkpoints import Checkpoints, load_whole, save_whole


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "checkpoints")


def test_nothing_saved_is_nothing_found(kept: Kept) -> None:
    assert kept.checkpoints.newest() is None
    assert kept.checkpoints.best() is None
    assert not kept.path.exists()


def test_arrays_of_every_kind_come_back_bit_for_bit(tmp_path: Path) -> None:
    nan_with_payload = np.array([0x7FC00001, 0x80000000], np.uint32).view(np.float32)
    arrays = {
        "scalar": np.array(1.5, np.float32),
        "empty": np.empty((0, 3)),
        "bits": nan_with_payload,
        "bfloat16": np.array([[1.0, -2.5]], ml_dtypes.bfloat16),
        "bfloat16 scalar": np.array(3.0, ml_dtypes.bfloat16),
        "float8": np.array([0.5, 2.0], ml_dtypes.float8_e4m3fn),
        "flags": np.array([True, False]),
        "big-endian": np.array([1, 2], ">i4"),
        "times": np.array(["2024-01-01"], "M8[ns]"),
        "names": np.array(["btc", "é"]),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "strided": np.arange(10)[::3],
    }
    save_whole(tmp_path / "model", arrays, {})
    found, _ = load_whole(tmp_path / "model")
    assert_same(found, arrays)
    assert all(array.flags.writeable and array.flags.aligned for array in found.values())


def test_bfloat16_is_read_where_nothing_has_made_it_known(tmp_path: Path) -> None:
    save_whole(tmp_path / "model", {"a": np.array([1.5], ml_dtypes.bfloat16)}, {})
    program = (
        "import sys; from pathlib import Path; "
        "from framework.learning.checkpoints import load_whole; "
        "assert 'ml_dtypes' not in sys.modules; "
        "print(float(load_whole(Path(sys.argv[1]))[0]['a'][0]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1.5\n"


def test_state_comes_back_with_every_float_the_same(tmp_path: Path) -> None:
    state = {"loss": [0.1 + 0.2, 5e-324, -0.0, math.inf], "best": None, "name": "grün", "n": 2**70}
    save_whole(tmp_path / "model", {}, {**state, "auc": math.nan})
    _, found = load_whole(tmp_path / "model")
    assert math.isnan(found.pop("auc"))
    assert found == state
    assert math.copysign(1, found["loss"][2]) == -1


def test_arrays_of_python_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="arrays of object cannot be kept"):
        save_whole(tmp_path / "model", {"a": np.array([{}])}, {})


def test_the_newest_and_the_best_are_kept(kept: Kept) -> None:
    for step in range(1, 8):
        kept.save(step, best=step in (1, 2))
    assert kept.names() == [f"step_00000000{step}" for step in (2, 5, 6, 7)]
    assert_is(kept.newest(), 7)
    best = kept.checkpoints.best()
    assert best is not None
    assert_is(best, 2)
    assert best.path == kept.path / "step_000000002"
    assert kept.said == []


def test_more_than_nine_digits_of_steps_are_still_in_order(kept: Kept) -> None:
    for step in (999_999_999, 1_000_000_000):
        kept.save(step)
    assert_is(kept.newest(), 1_000_000_000)


def test_a_step_saved_again_takes_the_place_of_the_first(kept: Kept) -> None:
    kept.save(1)
    kept.checkpoints.save(1, {}, {"again": True}, best=True)
    best = kept.checkpoints.best()
    assert best is not None
    assert best.state == {"again": True}
    assert kept.names() == ["step_000000001"]


def test_two_hundred_flipped_bytes_are_all_found(kept: Kept) -> None:
    kept.save(10)
    files = [path for path in sorted(kept.save(20).iterdir())]
    assert [path.name for path in files] == ["arrays.bin", "manifest.json"]
    whole = {path: path.read_bytes() for path in files}
    sizes = [len(content) for content in whole.values()]
    rng = np.random.default_rng(0)
    places = rng.choice(sum(sizes), 200, replace=False)
    masks = rng.integers(1, 256, 200)
    for count, (place, mask) in enumerate(zip(places.tolist(), masks.tolist(), strict=True), 1):
        path, place = (files[0], place) if place < sizes[0] else (files[1], place - sizes[0])
        flipped = bytearray(whole[path])
        flipped[place] ^= mask
        path.write_bytes(flipped)
        assert_is(kept.newest(), 10)
        assert len(kept.said) == count
        assert kept.said[-1] == f"{path}: is damaged (its SHA-256 is another). It is passed over."
        path.write_bytes(whole[path])
    assert_is(kept.newest(), 20)


@pytest.mark.parametrize("name", ["arrays.bin", "manifest.json"])
def test_a_file_of_another_length_is_found(kept: Kept, name: str) -> None:
    kept.save(10)
    path = kept.save(20) / name
    whole = path.read_bytes()
    for content in (b"", whole[:1], whole[:-1], whole[: len(whole) // 2], whole + b"\0"):
        path.write_bytes(content)
        assert_is(kept.newest(), 10)
        assert kept.said.pop().startswith(f"{path}: is damaged (")


@pytest.mark.parametrize("name", ["arrays.bin", "manifest.json"])
def test_a_missing_file_is_found(kept: Kept, name: str) -> None:
    kept.save(10)
    path = kept.save(20) / name
    path.unlink()
    assert_is(kept.newest(), 10)
    assert kept.said == [f"{path}: cannot be read (No such file or directory). It is passed over."]


def test_a_checkpoint_under_the_name_of_another_step_is_found(kept: Kept) -> None:
    kept.save(10).rename(kept.path / "step_000000030")
    assert kept.checkpoints.newest() is None
    assert kept.said == [
        f"{kept.path / 'step_000000030'}: is damaged (it holds step 10). It is passed over."
    ]


def test_files_of_two_checkpoints_do_not_mix(kept: Kept) -> None:
    first = kept.save(10)
    second = kept.save(20)
    shutil.copy(first / "arrays.bin", second / "arrays.bin")
    assert_is(kept.newest(), 10)


def test_the_best_before_is_taken_where_the_best_is_damaged(kept: Kept) -> None:
    kept.save(1, best=True)
    (kept.save(2, best=True) / "arrays.bin").write_bytes(b"")
    kept.save(3)
    best = kept.checkpoints.best()
    assert best is not None
    assert_is(best, 1)
    assert len(kept.said) == 1


def test_training_that_went_on_from_an_earlier_step_leaves_no_later_one(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.save(10)
    for step in (20, 30):
        (kept.save(step) / "manifest.json").write_bytes(b"")
    kept.checkpoints = Checkpoints(tmp_path, 1, kept.said.append)
    assert_is(kept.newest(), 10)
    kept.save(15)
    assert kept.names() == ["step_000000015"]
    assert_is(kept.newest(), 15)


def test_a_damaged_model_is_one_line(tmp_path: Path) -> None:
    save_whole(tmp_path, arrays_of(1), {"inputs": ["a"]})
    (tmp_path / "notes.txt").write_text("beside it, no harm")
    arrays, state = load_whole(tmp_path)
    assert_same(arrays, arrays_of(1))
    assert state == {"inputs": ["a"]}
    content = bytearray((tmp_path / "arrays.bin").read_bytes())
    content[3] ^= 1
    (tmp_path / "arrays.bin").write_bytes(content)
    with pytest.raises(OutsideFault) as fault:
        load_whole(tmp_path)
    where = tmp_path / "arrays.bin"
    assert str(fault.value) == f"{where}: is damaged (its SHA-256 is another)."


def test_a_model_overwritten_half_way_is_damaged(tmp_path: Path) -> None:
    save_whole(tmp_path, arrays_of(1), {})
    save_whole(tmp_path / "other", arrays_of(2), {})
    shutil.copy(tmp_path / "other" / "arrays.bin", tmp_path / "arrays.bin")
    with pytest.raises(OutsideFault, match="is damaged"):
        load_whole(tmp_path)


def test_the_manifest_can_be_read_by_others(tmp_path: Path) -> None:
    save_whole(tmp_path, {"a": np.zeros((2, 3), np.float32)}, {"epoch": 1})
    manifest = json.loads((tmp_path / "manifest.json").read_text())["manifest"]
    assert manifest["arrays"] == {"a": ["<f4", [2, 3]]}
    assert manifest["state"] == {"epoch": 1}
    assert manifest["arrays.bin"] == hashlib.sha256(bytes(24)).hexdigest()


def test_fewer_than_one_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep must be at least 1, was 0"):
        Checkpoints(tmp_path, 0, print)
