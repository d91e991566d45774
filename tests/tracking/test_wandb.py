"""Weights & Biases, offline: what its own reader finds in the file that would be uploaded."""

import json

import pytest
from read_back import answer

pytest.importorskip("wandb", reason="wandb is not installed: pip install -e '.[wandb]'")

READ = """
import json, struct, sys
from pathlib import Path
from wandb.proto import wandb_internal_pb2

def records(data, block=32768, place=7):  # LevelDB's log format after seven bytes of its own
    whole = b""
    while place + 7 <= len(data):
        if block - place % block < 7:
            place += block - place % block
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield whole
            whole = b""

config, summary, ended = {}, {}, None
for data in records(Path(sys.argv[1]).read_bytes()):
    record = wandb_internal_pb2.Record()
    record.ParseFromString(data)
    kind = record.WhichOneof("record_type")
    if kind == "run":
        config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
    elif kind == "summary":
        for item in record.summary.update:
            summary[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
    elif kind == "exit":
        ended = record.exit.exit_code
print(json.dumps([config, summary, ended]))
"""


def test_a_run_reads_back_as_it_was_and_without_secrets(backtest):
    secret = "hunter2-and-more"  # noqa: S105 - nobody's
    done = backtest(
        "tracking=wandb",
        "tracking.patience_seconds=240",
        f"+store_options.password={secret}",
        "run_dir=runs/done",
    )
    assert done.code == 0
    assert "tracking" not in done.err
    (file,) = done.folder.glob("runs/wandb/offline-run-*/run-*.wandb")
    config, summary, ended = answer(READ, str(file))
    metrics = json.loads((done.folder / "runs/done/metrics.json").read_text())
    numbers = {name: v for name, v in metrics.items() if isinstance(v, int | float)}
    assert {name: summary[name] for name in numbers} == numbers
    assert summary["orders_hash"] == metrics["orders_hash"]
    assert config["strategy.params.fast"] == "20"
    assert (config["mode"], config["directory"]) == ("backtest", str(done.folder / "runs/done"))
    assert ended == 0
    assert sorted(
        found.name
        for found in (file.parent / "files").iterdir()
        if found.suffix in (".html", ".json")
    ) == ["metrics.json", "report.html"]
    kept = [found for found in done.folder.rglob("*") if found.is_file()]
    assert not [found for found in kept if secret.encode() in found.read_bytes()]
