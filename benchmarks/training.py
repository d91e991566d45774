"""Time trainings of networks beside plain loops, and say which budgets are met.

    python benchmarks/training.py [--peers FOLDER] [--rounds 3] [--only gru,lstm,transformer,memory]

FOLDER holds the peers' loops (``learning/bench_native.py``) and a virtual environment for them
(``venvs/learning``). In each round every system runs once, one after the other, on one core.
Ours trains as it always does: checkpoints on the disk, validation and scores after each epoch.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
INPUTS = 30
BATCH = 256


@dataclass(frozen=True)
class Work:
    """One network of the budget.

    Parameters
    ----------
    peer : str
        Its name among the loops.
    window : int
        Bars.
    samples : int
        Of an epoch.
    must, aim : tuple of str and float
        Loop, and the share of its speed.
    """

    peer: str
    window: int
    samples: int
    must: tuple[str, float]
    aim: tuple[str, float]


WORKS = {
    "gru": Work("gru", 20, 160 * BATCH, ("jax", 0.8), ("torch", 1.0)),
    "lstm": Work("lstm", 60, 48 * BATCH, ("jax", 0.95), ("torch", 0.85)),
    "transformer": Work("tfm", 60, 24 * BATCH, ("jax", 0.8), ("torch", 1.0)),
}
SECTIONS = (*WORKS, "memory")


def main(argv: list[str] | None = None) -> int:
    """Measure, print the figures, and return how many commands failed."""
    options = _options(argv)
    if options.child:
        print(json.dumps(_memory(options) if options.child == "memory" else _ours(options)))
        return 0
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    failed = 0
    for turn in range(1, options.rounds + 1):
        for section in options.only:
            for system, command in _commands(section, options).items():
                try:
                    line = _run(command)
                except (subprocess.CalledProcessError, ValueError, IndexError) as fault:
                    print(f"{section}, {system}: failed: {fault}", file=sys.stderr)
                    failed += 1
                    continue
                found.setdefault(section, {}).setdefault(system, []).append(line)
                print(f"round {turn}: {section}, {system}: {line}", file=sys.stderr)
    for section, systems in found.items():
        _tell(section, systems)
    return failed


def _commands(section: str, options: argparse.Namespace) -> dict[str, list[str]]:
    """Return the command of each system, its own first."""
    own = [sys.executable, str(HERE / "training.py"), "--child", section]
    commands = {"framework": [*own, "--epochs", str(options.epochs)]}
    if options.peers and section in WORKS:
        python = options.peers / "venvs" / "learning" / "bin" / "python"
        loop = [str(python), str(options.peers / "learning" / "bench_native.py"), "--infer"]
        loop += ["--model", WORKS[section].peer, "--segs", str(options.epochs), "--n", "30000"]
        commands["jax"] = [*loop, "--lib", "jax", "--k", "16"]
        commands["torch"] = [*loop, "--lib", "torch"]
    return commands


def _run(command: list[str]) -> dict[str, Any]:
    """Return what a command says in its last line, run on one core."""
    core = min(os.sched_getaffinity(0))
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["taskset", "-c", str(core), *command],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _tell(section: str, systems: dict[str, list[dict[str, Any]]]) -> None:
    """Print the medians of a section, and how they stand to the budget."""
    ours = {name: _median(systems.get("framework", []), name) for name in _names(systems)}
    print(f"{section}: " + ", ".join(f"{name} {value:,.3f}" for name, value in ours.items()))
    if section not in WORKS:
        return
    for kind in ("must", "aim"):
        loop, share = getattr(WORKS[section], kind)
        if loop not in systems:
            print(f"  {kind}: no loop of {loop} to compare with")
            continue
        for figure in ("samples_s", "samples_cpu_s"):
            theirs = _median(systems[loop], figure)
            ratio = ours[figure] / theirs
            verdict = "met" if ratio >= share else "not met"
            print(f"  {kind} {share} x {loop} ({theirs:,.0f} {figure}): {ratio:.2f}, {verdict}")


def _names(systems: dict[str, list[dict[str, Any]]]) -> list[str]:
    return list(systems["framework"][0]) if "framework" in systems else []


def _median(lines: list[dict[str, Any]], name: str) -> float:
    return statistics.median(line[name] for line in lines)


def _ours(options: argparse.Namespace) -> dict[str, float]:
    """Train as the budget says, and predict as a session does."""
    from framework.learning.training import Training
    from framework.learning.workshop import Workshop

    work = WORKS[options.child]
    ends: list[tuple[float, float]] = []
    steps = work.samples // BATCH

    def show(done: int, total: int, figures: Mapping[str, float]) -> None:
        if done % steps == 0:
            ends.append((time.perf_counter(), time.process_time()))

    data = _data(work.samples, work.window, pairs=5)
    with tempfile.TemporaryDirectory() as place:
        workshop = Workshop(
            training=Training(epochs=options.epochs + 1, batch=BATCH, patience=None),
            directory=Path(place),
            show=show,
        )
        trained = _model(options.child, work.window).trainer(workshop).train(data)
        header, *rows = (Path(place) / "epochs.csv").read_text().splitlines()
    kept = [float(row.split(",")[header.split(",").index("checkpoint_ms")]) for row in rows[1:]]
    spent = np.diff(np.array(ends), axis=0)  # with validation and checkpoint
    wall, cpu = work.samples / np.median(spent, axis=0)
    decision = _latency(trained, data.inputs_NTF)
    from framework.learning.rows import Rows

    bars = np.full(1, data.inputs_NTF.shape[1] - 1, np.int32)
    scaled_NTF = trained.fitted.scaler.transform(data.inputs_NTF)
    predictor, weights = trained._runner
    window = _timed(lambda: predictor.predict(weights, scaled_NTF, Rows(np.zeros_like(bars), bars)))
    return {
        "samples_s": round(float(wall)),
        "samples_cpu_s": round(float(cpu)),
        "checkpoint_ms": statistics.median(kept),
        "window_p50_ms": window[0],
        "window_p99_ms": window[1],
        "five_pairs_p50_ms": decision[0],
        "five_pairs_p99_ms": decision[1],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _latency(trained: Any, inputs_NTF: np.ndarray) -> tuple[float, float]:
    """Return median and 99th percentile of one decision for all pairs, ms."""
    last = inputs_NTF.shape[1] - 1
    return _timed(lambda: trained.predict(inputs_NTF, last))


def _timed(call: Any, times: int = 500) -> tuple[float, float]:
    spent = []
    for _ in range(times + 50):
        begun = time.perf_counter()
        call()
        spent.append(time.perf_counter() - begun)
    low, high = np.percentile(spent[50:], (50, 99)) * 1_000
    return float(low), float(high)


def _memory(options: argparse.Namespace) -> dict[str, float]:
    """Train a small network for a while on 1,000,000 bars; return the peak beyond the matrix."""
    from framework.learning.training import Training
    from framework.learning.workshop import Paused, Workshop

    calls = [20 * options.epochs]

    def enough() -> bool:
        calls[0] -= 1
        return not calls[0]

    data = _data(1_000_000, 60, pairs=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as place:
        workshop = Workshop(
            training=Training(epochs=1, batch=BATCH), directory=Path(place), time_is_up=enough
        )
        try:
            _model("gru", 60, units=8).trainer(workshop).train(data)
        except Paused:
            pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    matrix = data.inputs_NTF.nbytes / 2**20
    return {"peak_mib": peak, "beyond_matrix_mib": peak - matrix, "beyond_start_mib": peak - before}


def _model(name: str, window: int, units: int = 64) -> Any:
    from framework.learning.labels import Label
    from framework.learning.scaler import Scaler
    from framework.models.gru import GRU
    from framework.models.lstm import LSTM
    from framework.models.transformer import Transformer

    shared = {"label": Label(), "window": window, "scaler": Scaler(kind="standard")}
    if name == "transformer":
        return Transformer(**shared, width=64, layers=2, heads=4, dropout=0.1)
    return {"gru": GRU, "lstm": LSTM}[name](**shared, units=units, layers=2, dropout=0.2)


def _data(samples: int, window: int, pairs: int) -> Any:
    """Return random inputs and labels, with so many samples to learn from."""
    from framework.learning.rows import Rows
    from framework.learning.training_data import TrainingData
    from framework.types import Interval

    random = np.random.default_rng(0)
    train = -(-samples // pairs)
    bars = window + round(train / 0.85)
    labels_NT = random.integers(0, 2, (pairs, bars)).astype(np.float32)
    bar = np.broadcast_to(np.arange(bars), (pairs, bars))
    rows = Rows.where((bar >= window) & (bar < window + train))
    return TrainingData(
        pairs=tuple(f"P{pair}-X" for pair in range(pairs)),
        interval=Interval.parse("15m"),
        inputs=tuple(f"x{number}" for number in range(INPUTS)),
        time=np.arange(bars) * 900_000_000_000,
        inputs_NTF=random.standard_normal((pairs, bars, INPUTS), dtype=np.float32),
        labels_NT=labels_NT,
        weights_NT=np.ones_like(labels_NT),
        classes=2,
        window=window,
        train=rows.take(slice(samples)),
        validation=Rows.where(bar >= window + train + 8),
    )


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=_folder, help="folder of the peers")
    parser.add_argument("--only", type=_sections, default=SECTIONS, help="sections, by commas")
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken (3)")
    parser.add_argument("--epochs", type=int, default=4, help="measured in each round (4)")
    parser.add_argument("--child", choices=SECTIONS, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _folder(text: str) -> Path:
    folder = Path(text).resolve()
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return folder


def _sections(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"{sorted(unknown)[0]} is none of {', '.join(SECTIONS)}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
