"""Track runs with MLflow, in a local file or on a server."""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from framework.config.component import component
from framework.records import Begun, Ended
from framework.tracking.aside import require
from framework.tracking.parameters import parameters
from framework.tracking.tracked_aside import TrackedAside

_LOCAL = "sqlite:///"
_LONGEST = 5_000  # characters that MLflow takes for a parameter or a tag
_STATUS = {"done": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


@component
class Mlflow(TrackedAside):
    """Keep runs in MLflow's own store."""

    name: Literal["mlflow"] = "mlflow"
    """Of this tracker."""

    uri: str = "sqlite:///runs/mlflow.db"
    """The store: a local SQLite file, made where it is not there, or a tracking server."""

    experiment: str = "framework"
    """Under which runs are grouped; made where it is not there."""

    def prepare(self) -> None:
        """Refuse to begin where MLflow is not installed."""
        require("mlflow", "mlflow")

    def open(self, run: Begun) -> MlflowRun:
        """Make the entry of `run`, in the process that tracks it."""
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        from mlflow.tracking import MlflowClient

        logging.disable(logging.WARNING)
        with _alone(self.uri):
            client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            experiment = _experiment(client, self.experiment, self.uri)
        tags = {**run.tags, "directory": str(run.directory)}
        entry = client.create_run(
            experiment, run.started_at // 1_000_000, _texts(tags), run_name=run.name
        )
        own = MlflowRun(client, entry.info.run_id, self.largest)
        own.log_parameters(parameters(run.config))
        return own


class MlflowRun:
    """One run's entry.

    Parameters
    ----------
    client : MlflowClient
        Of the store.
    run_id : str
        MLflow's own.
    largest : int
        Bytes of a file that is copied, at most.
    """

    def __init__(self, client: Any, run_id: str, largest: int) -> None:
        self._client = client
        self._run_id = run_id
        self._largest = largest

    def log_parameters(self, given: Mapping[str, str]) -> None:
        """Write what the run was asked for, a hundred at a time as MLflow takes them."""
        from mlflow.entities import Param

        params = [Param(name, text) for name, text in _texts(given).items()]
        for first in range(0, len(params), 100):
            self._client.log_batch(self._run_id, params=params[first : first + 100])

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Write figures of one step."""
        from time import time_ns  # noqa: TID251 - when a figure was seen, beside its step

        from mlflow.entities import Metric

        now = time_ns() // 1_000_000
        metrics = [Metric(name, value, now, step) for name, value in figures.items()]
        self._client.log_batch(self._run_id, metrics=metrics)

    def close(self, run: Ended) -> None:
        """Write how the run ended."""
        from mlflow.entities import RunTag

        tags = dict(run.tags)
        for file in run.files:
            if file.stat().st_size <= self._largest:
                self._client.log_artifact(self._run_id, str(file))
            else:
                tags[file.name] = str(file)
        self.log(0, run.metrics)
        self._client.log_batch(
            self._run_id, tags=[RunTag(name, text) for name, text in _texts(tags).items()]
        )
        ended_at = None if run.ended_at is None else run.ended_at // 1_000_000
        self._client.set_terminated(self._run_id, _STATUS[run.status], ended_at)


def _experiment(client: Any, name: str, uri: str) -> str:
    """Return the id of an experiment, made if need be; a local one keeps files beside its store."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    place = None
    if uri.startswith(_LOCAL):
        place = Path(uri.removeprefix(_LOCAL)).resolve().with_suffix("").as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException:  # another run has just made it
        return str(client.get_experiment_by_name(name).experiment_id)


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Keep other runs from making a local store at the same time, which MLflow does not."""
    if not uri.startswith(_LOCAL):
        yield
        return
    file = Path(uri.removeprefix(_LOCAL))
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _texts(given: Mapping[str, str]) -> dict[str, str]:
    """Return names and texts as MLflow takes them."""
    return {re.sub(r"[^\w\-. :/]", "_", name): text[:_LONGEST] for name, text in given.items()}
