"""MLflow: what its own client reads back of a run from a local store."""

import json
from pathlib import Path

import pytest
from read_back import answer

from framework.learning.epoch_log import EpochLog
from framework.records import Begun, Ended
from framework.results.database import open_database
from framework.tracking.mlflow import Mlflow

pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")

PATIENCE = 240.0
READ = """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1])
found = {}
(experiment,) = [e for e in client.search_experiments() if e.name == "framework"]
for run in client.search_runs([experiment.experiment_id]):
    own = run.info.run_id
    found[run.info.run_name] = {
        "status": run.info.status,
        "times": [run.info.start_time, run.info.end_time],
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
        "files": sorted(file.path for file in client.list_artifacts(own)),
        "history": {
            name: [[m.step, m.value] for m in client.get_metric_history(own, name)]
            for name in run.data.metrics
        },
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """The URL of a store for all tests of this file: making one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"


def begun(directory: Path) -> Begun:
    return Begun(
        name=directory.name,
        directory=directory,
        started_at=1_700_000_000_123_456_789,
        config="cash: 1\n",
        tags={"run": "1"},
    )


def test_a_run_reads_back_as_it_was_and_without_secrets(backtest, uri):
    secret = "hunter2-and-more"  # noqa: S105 - nobody's
    done = backtest(
        "tracking=mlflow",
        f"tracking.uri={uri}",
        f"tracking.patience_seconds={PATIENCE}",
        f"+store_options.password={secret}",
        "run_dir=runs/done",
    )
    failed = backtest(
        "tracking=mlflow",
        f"tracking.uri={uri}",
        f"tracking.patience_seconds={PATIENCE}",
        "run_dir=runs/failed",
        "exchange=files",
        "exchange.path=nowhere",
    )
    assert (done.code, failed.code) == (0, 2)
    assert "tracking" not in done.err + failed.err

    found = answer(READ, uri)
    run = found["done"]
    metrics = json.loads((done.folder / "runs/done/metrics.json").read_text())
    numbers = {name: v for name, v in metrics.items() if isinstance(v, int | float)}
    assert len(numbers) > 15
    assert run["metrics"] == numbers
    assert run["status"] == "FINISHED"
    assert run["files"] == ["metrics.json", "report.html"]
    assert run["params"]["strategy.name"] == "ma_cross"
    assert run["params"]["strategy.params.fast"] == "20"
    assert run["params"]["pairs.symbols"] == "[BTC-AUD]"
    assert run["params"]["cash"] == "10000"
    assert run["params"]["store_options.password"] == "*" * 10
    first, second = open_database(f"sqlite:///{done.folder}/runs/framework.db").runs()
    own = {name: text for name, text in run["tags"].items() if not name.startswith("mlflow.")}
    assert own == {
        "run": str(first.id),
        "strategy": "ma_cross",
        "mode": "backtest",
        "version": metrics["version"],
        "directory": str(done.folder / "runs/done"),
        "orders_hash": metrics["orders_hash"],
        "data_hash": metrics["data_hash"],
        "exit_code": "0",
    }
    assert run["times"][1] == first.ended_at // 1_000_000
    assert run["times"][0] == pytest.approx(first.started_at / 1e6, abs=60_000)

    run = found["failed"]
    assert (run["status"], run["metrics"], run["files"]) == ("FAILED", {}, [])
    assert run["tags"]["exit_code"] == "2"
    assert run["tags"]["error"] == second.error
    kept = [file for file in done.folder.rglob("*") if file.is_file()]
    kept += [
        file for file in Path(uri.removeprefix("sqlite:///")).parent.rglob("*") if file.is_file()
    ]
    assert not [file for file in kept if secret.encode() in file.read_bytes()]


def test_runs_that_make_a_store_at_once_are_all_in_it_with_their_epochs(tmp_path):
    uri = f"sqlite:///{tmp_path}/new/folder/mlflow.db"
    tracker = Mlflow(uri=uri, patience_seconds=PATIENCE, copy_mib=0.001)
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    tracked = [tracker.begin(begun(folder)) for folder in folders]
    log = EpochLog(folders[1] / "training" / "fold_3")
    for loss in (0.5, 0.25):
        log.add({"loss": loss}, samples_per_second=10.0)
    (folders[0] / "report.html").write_bytes(b"x" * 1049)  # 0.001 MiB is 1048.576 bytes
    (folders[0] / "metrics.json").write_bytes(b"x" * 1048)
    files = [folders[0] / "report.html", folders[0] / "metrics.json"]
    tracked[0].end(Ended(status="done", ended_at=1_700_000_001_999_000_000, files=files))
    tracked[1].end(Ended(status="interrupted"))

    found = answer(READ, uri)
    assert set(found) == {"one", "two"}
    assert found["two"]["history"]["fold_3/loss"] == [[1, 0.5], [2, 0.25]]
    assert found["two"]["status"] == "KILLED"
    assert found["one"]["times"] == [1_700_000_000_123, 1_700_000_001_999]
    assert found["one"]["files"] == ["metrics.json"]
    assert found["one"]["tags"]["report.html"] == str(folders[0] / "report.html")
    assert (tmp_path / "new/folder/mlflow").is_dir()


@pytest.mark.parametrize(
    "uri", ["sqlite:////proc/nowhere/mlflow.db", "http://127.0.0.1:9", "what is this"]
)
def test_a_store_that_is_out_of_reach_is_one_line_and_harms_nothing(backtest, uri):
    ended = backtest("tracking=mlflow", f"tracking.uri='{uri}'", "report=false")
    assert ended.code == 0
    assert (ended.run / "metrics.json").is_file()
    assert ended.err.count("tracking: mlflow: ") == 1
    assert "Traceback" not in ended.err
    (row,) = open_database(f"sqlite:///{ended.folder}/runs/framework.db").runs()
    assert (row.status, row.exit_code) == ("done", 0)


def test_no_tracking_costs_no_import(tmp_path):
    script = (
        "import json, os, sys\n"
        "from framework.__main__ import main\n"
        "os.chdir(sys.argv.pop(1))\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        "rooms = ('mlflow', 'wandb', 'framework.tracking')\n"
        "print(json.dumps(sorted(m for m in sys.modules if m.startswith(rooms))))\n"
    )
    words = ("pairs=btc_aud", "start=2025-03-01", "end=2025-03-02", "report=false")
    assert answer(script, str(tmp_path), *words) == [
        "framework.tracking",
        "framework.tracking.untracked",
    ]
