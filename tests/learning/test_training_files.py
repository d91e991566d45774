import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_training import made_arrays, made_training

from framework.errors import OutsideFault
from framework.learning import training_files
from framework.learning.labels import Label
from framework.learning.training_files import read_training_data, write_training_data


@pytest.fixture
def data():
    arrays = made_arrays()
    arrays["inputs_NTF"][0, 12:20, 1] = np.nan
    return made_training(arrays, label=Label(kind="triple_barrier", horizon=3, volatility_bars=8))


@pytest.mark.parametrize("bars", [65_536, 7])
def test_what_is_read_is_what_was_written_to_the_bit(data, tmp_path, monkeypatch, bars):
    monkeypatch.setattr(training_files, "_BARS", bars)
    again = read_training_data(write_training_data(tmp_path / "new", data))
    assert again.digest == data.digest
    for name in ("time", "inputs_NTF", "labels_NT", "weights_NT"):
        assert getattr(again, name).tobytes() == getattr(data, name).tobytes()
    for name in ("train", "validation"):
        assert getattr(again, name).pair.tolist() == getattr(data, name).pair.tolist()
        assert getattr(again, name).bar.tolist() == getattr(data, name).bar.tolist()
    for name in ("pairs", "interval", "inputs", "classes", "window"):
        assert getattr(again, name) == getattr(data, name)


def test_files_are_named_by_range_and_digest_and_describe_themselves(data, tmp_path):
    path = write_training_data(tmp_path, data)
    name = f"19700101T023000Z_19700101T223000Z_{data.digest[:16]}"
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"{name}.json", f"{name}.parquet"]
    described = json.loads(path.with_suffix(".json").read_text())
    assert described["digest"] == data.digest
    assert (described["start"], described["end"]) == (
        "1970-01-01T02:30:00Z",  # bar 10 of 15 minutes
        "1970-01-01T22:30:00Z",  # 80 bars later
    )
    table = pq.read_table(path)
    assert table.column_names == [
        *("pair", "time", "label", "weight", "train", "validation"),
        *("input_input_0", "input_input_1", "input_input_2"),
    ]
    assert table["pair"].to_pylist() == ["PAIR0-AUD"] * 80 + ["PAIR1-AUD"] * 80
    assert sum(table["train"].to_pylist()) == len(data.train)


def test_files_that_are_there_are_left_as_they_are(data, tmp_path):
    path = write_training_data(tmp_path, data)
    before = path.stat().st_mtime_ns
    assert write_training_data(tmp_path, data) == path
    assert path.stat().st_mtime_ns == before
    other = write_training_data(tmp_path, replace(data, window=6))
    assert other != path


def test_any_byte_changed_in_the_file_is_found(data, tmp_path):
    path = write_training_data(tmp_path, data)
    whole = path.read_bytes()
    random = np.random.default_rng(11)
    for place in random.integers(0, len(whole), 60):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << random.integers(8)
        path.write_bytes(flipped)
        with pytest.raises(OutsideFault, match=r"cannot be read \(it is damaged: its SHA"):
            read_training_data(path)


def test_a_missing_or_shortened_file_is_one_clear_line(data, tmp_path):
    path = write_training_data(tmp_path, data)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OutsideFault, match="training data cannot be read"):
        read_training_data(path)
    path.write_bytes(whole)
    about = path.with_suffix(".json")
    about.write_text(about.read_text().replace(data.digest, "0" * 64))
    with pytest.raises(OutsideFault, match="its digest is another"):
        read_training_data(path)
    about.unlink()
    with pytest.raises(OutsideFault, match=r"cannot be read .*No such file"):
        read_training_data(path)


def test_a_place_that_cannot_be_written_is_one_clear_line(data, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutsideFault, match=r"^training data .*taken.*: cannot be written"):
        write_training_data(tmp_path / "taken", data)
