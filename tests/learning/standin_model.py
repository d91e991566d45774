"""A small model for tests: least squares on the inputs of one bar, squeezed where it must be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.config.component import component
from framework.learning.model import Model


@component
class Standin(Model):
    """Learns a line through its samples."""

    name: str = "standin"
    """Of this choice."""

    flaw: str | None = None
    """What it does wrong on purpose: ``deaf`` learns nothing, ``seeds`` is all luck."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it predicts."""
        return ("p_up",) if self.label.classes else ("forecast",)

    def trainer(self, workshop):
        """Return what fits it."""
        return StandinTrainer(self, workshop)

    def load(self, directory: Path):
        """Return a saved one."""
        kept = json.loads((directory / "standin.json").read_text())
        return TrainedStandin(self.outputs[0], kept["names"], *map(np.array, kept["line"]))


@dataclass
class StandinTrainer:
    model: Standin
    workshop: object

    def train(self, data):
        x = data.inputs_NTF[data.train.pair, data.train.bar].astype(np.float64)
        y = data.labels(data.train).astype(np.float64)
        centre, scale = x.mean(axis=0), x.std(axis=0) + 1e-12
        z = np.column_stack([np.ones(len(x)), (x - centre) / scale])
        line = np.linalg.lstsq(z, y, rcond=None)[0]
        if self.model.flaw == "deaf":
            line[1:] = 0.0
        if self.model.flaw == "seeds":
            line[1:] = np.random.default_rng(self.workshop.seed).normal(0, 0.01, len(line) - 1)
        self.workshop.show(1, 1, {})
        return TrainedStandin(self.model.outputs[0], list(data.inputs), centre, scale, line)


@dataclass
class TrainedStandin:
    output: str
    names: list
    centre: np.ndarray
    scale: np.ndarray
    line: np.ndarray

    def predict(self, inputs_NTF, first):
        z = (inputs_NTF[:, first:].astype(np.float64) - self.centre) / self.scale
        value = self.line[0] + (z * self.line[1:]).sum(axis=2)
        return {self.output: (value.clip(0, 1) if self.output == "p_up" else value).T}

    def save(self, directory):
        line = [array.tolist() for array in (self.centre, self.scale, self.line)]
        (directory / "standin.json").write_text(json.dumps({"names": self.names, "line": line}))

    def importance(self):
        return dict(zip(self.names, np.abs(self.line[1:]).tolist(), strict=True))
