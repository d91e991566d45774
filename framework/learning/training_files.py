"""What a model learned from, kept in files: a training can be repeated from them, bit for bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.disk import whole_file
from framework.errors import OutsideFault
from framework.learning.rows import Rows
from framework.learning.training_data import TrainingData
from framework.types import Interval, format_time

if TYPE_CHECKING:
    import pyarrow as pa

_BARS = 65_536  # written and read at a time
_ROWS = ("train", "validation")


def write_training_data(directory: Path, data: TrainingData) -> Path:
    """Write what a model learns from, and return the path of its Parquet file.

    The file is named by the range of its bars and its digest, and a JSON file beside it says what
    it holds. One row is one bar of one pair: ``pair time label weight``, whether it is a sample of
    ``train`` or of ``validation``, and the inputs as ``input_NAME``. Files that are there already
    are left as they are.

    Raises
    ------
    OutsideFault
        They cannot be written.
    """
    import pyarrow.parquet as pq

    start, end = data.time[0], data.time[-1] + data.interval.ns
    name = f"{_moment(start)}_{_moment(end)}_{data.digest[:16]}"
    path, about = directory / f"{name}.parquet", directory / f"{name}.json"
    described: dict[str, Any] = {
        "digest": data.digest,
        "start": format_time(start),
        "end": format_time(end),
        "interval": str(data.interval),
        "pairs": data.pairs,
        "bars": len(data.time),
        "inputs": data.inputs,
        "classes": data.classes,
        "window": data.window,
        "train": len(data.train),
        "validation": len(data.validation),
    }
    if path.exists() and about.exists():
        return path
    what = f"training data {path}"
    schema = _schema(data)
    floats = [field.name for field in schema if field.type == "float"]
    with whole_file(path, what) as beside:
        with pq.ParquetWriter(
            beside,
            schema,
            compression="zstd",
            use_dictionary=["pair"],
            use_byte_stream_split=floats,
        ) as writer:
            for table in _tables(data, schema):
                writer.write_table(table)
        described["sha256"] = _sha256(beside)
    with whole_file(about, what) as beside:
        beside.write_text(f"{json.dumps(described, indent=2)}\n")
    return path


def read_training_data(path: Path) -> TrainingData:
    """Read what `write_training_data` wrote, and check it against its digest.

    Raises
    ------
    OutsideFault
        A file is missing, cannot be read, or does not hold what was written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        described = json.loads(path.with_suffix(".json").read_text())
        if _sha256(path) != described["sha256"]:
            raise ValueError("it is damaged: its SHA-256 is another")
        with pq.ParquetFile(path, pre_buffer=False) as file:
            data = _read(described, file.iter_batches(batch_size=_BARS))
    except (OSError, ValueError, KeyError, TypeError, IndexError, pa.ArrowException) as error:
        raise OutsideFault(f"{path}: training data cannot be read ({error}).") from error
    if data.digest != described["digest"]:
        raise OutsideFault(f"{path}: training data cannot be read (its digest is another).")
    return data


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _moment(time_ns: int) -> str:
    """Return a UTC time as part of a file's name."""
    return format_time(time_ns).replace("-", "").replace(":", "")


def _schema(data: TrainingData) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("pair", pa.dictionary(pa.int32(), pa.string())),
            ("time", pa.timestamp("ns", "UTC")),
            ("label", pa.float32()),
            ("weight", pa.float32()),
            *((name, pa.bool_()) for name in _ROWS),
            *((f"input_{name}", pa.float32()) for name in data.inputs),
        ]
    )


def _tables(data: TrainingData, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield some bars of one pair at a time, pair by pair."""
    import pyarrow as pa

    among_NT = {name: np.zeros(data.labels_NT.shape, np.bool_) for name in _ROWS}
    for name in _ROWS:
        rows: Rows = getattr(data, name)
        among_NT[name][rows.pair, rows.bar] = True
    for n, pair in enumerate(data.pairs):
        for first in range(0, len(data.time), _BARS):
            bars = slice(first, first + _BARS)
            time = data.time[bars]
            columns = [
                pa.DictionaryArray.from_arrays(np.zeros(len(time), np.int32), [pair]),
                pa.array(time, schema.field("time").type),
                pa.array(data.labels_NT[n, bars]),
                pa.array(data.weights_NT[n, bars]),
                *(pa.array(among_NT[name][n, bars]) for name in _ROWS),
                *(pa.array(input_T) for input_T in data.inputs_NTF[n, bars].T.copy()),
            ]
            yield pa.Table.from_arrays(columns, schema=schema)


def _read(described: dict[str, Any], batches: Iterator[pa.RecordBatch]) -> TrainingData:
    """Return the data that a description and the rows of the file make up."""
    pairs, inputs = tuple(described["pairs"]), tuple(described["inputs"])
    shape = (len(pairs), described["bars"])
    column_NT = {
        "time": np.empty(shape, np.int64),
        "label": np.empty(shape, np.float32),
        "weight": np.empty(shape, np.float32),
        **{name: np.empty(shape, np.bool_) for name in _ROWS},
    }
    inputs_NTF = np.empty((*shape, len(inputs)), np.float32)
    first = 0
    for batch in batches:
        rows = slice(first, first + len(batch))
        first = rows.stop
        for name, array_NT in column_NT.items():
            array_NT.reshape(-1)[rows] = batch[name].to_numpy(zero_copy_only=False)
        for f, name in enumerate(inputs):
            inputs_NTF.reshape(-1, len(inputs))[rows, f] = batch[f"input_{name}"].to_numpy()
    if first != column_NT["time"].size:
        raise ValueError(f"it holds {first} rows, not {column_NT['time'].size}")
    return TrainingData(
        pairs=pairs,
        interval=Interval.parse(described["interval"]),
        inputs=inputs,
        time=column_NT["time"][0],
        inputs_NTF=inputs_NTF,
        labels_NT=column_NT["label"],
        weights_NT=column_NT["weight"],
        classes=described["classes"],
        window=described["window"],
        train=Rows.where(column_NT["train"]),
        validation=Rows.where(column_NT["validation"]),
    )
