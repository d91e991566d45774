"""From a candle's event to its orders in the ledger, and from the start of a process to a decision.

    python benchmarks/session_latency.py [--bars 400] [--history 2000]

Five pairs, forty inputs, a GRU (JAX) trained for two epochs at the start, 15-minute candles with
some history behind them, as fast as possible: what is timed is the work of each bar, from the last
pair's candle being heard to its events being in the record.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BUDGET_MS, BUDGET_START_S = 25.0, 10.0
STRATEGY = """# @package _global_
# Forty inputs, for measuring only.
defaults:
  - override /model: gru
  - override /risk: balanced

model:
  inputs:
{inputs}

strategy:
  name: forty
  interval: 15m
  enter: p_up > 0.5
  exit: p_up < 0.48
  confidence: clip((p_up - 0.5) / 0.2, 0.25, 1)
"""
_GIVEN = 13
"""Inputs that the GRU has without being told."""
_MORE = {
    **{f"ret_{n}": f"log_returns(close, {n})" for n in (2, 3, 8, 12, 24, 32, 48)},
    **{f"ema_{n}": f"close / ema(close, {n}) - 1" for n in (8, 16, 32, 64, 128)},
    **{f"rsi_{n}": f"rsi(close, {n}) / 100" for n in (7, 21, 28)},
    **{f"std_{n}": f"std(log_returns(close), {n})" for n in (8, 32, 64)},
    **{f"z_{n}": f"zscore(close, {n})" for n in (24, 48)},
    "atr_14": "atr(14) / close",
    "adx_14": "adx(14) / 100",
    "macd_line": "macd(close, 12, 26, 9).macd / close",
    "macd_hist": "macd(close, 12, 26, 9).hist / close",
    "hourly": 'on("1h", log_returns(close, 4))',
    "daily_trend": 'on("1h", close / ema(close, 24) - 1)',
    "rank": "xrank(log_returns(close, 16))",
}
_WORDS = (
    *("strategy=forty", "database=sqlite:///framework.db", "report=false", "model.units=32"),
    *("model.layers=1", "model.window=32"),
)
_TRAIN = (
    *("mode=train", "start=2024-12-01", "end=2025-02-01", "exchange.start=2024-11-01"),
    *("evaluation=holdout", "sanity.run=false", "training.epochs=2", "run_dir=trained"),
)


def main(argv: list[str] | None = None) -> int:
    """Train, run a session, and print how long a bar takes; return whether a budget is missed."""
    options = _options(argv)
    if options.live:
        _live(options.live)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "strategies").mkdir()
        inputs = "\n".join(f"    {name}: {text}" for name, text in _MORE.items())
        (place / "strategies" / "forty.yaml").write_text(STRATEGY.format(inputs=inputs))
        _run([sys.executable, "-m", "framework", *_WORDS, *_TRAIN], place)
        history = f"{options.history * 15}m"
        words = [
            *(*_WORDS, "mode=paper", "mode.speed=0", f"mode.bars={options.bars}"),
            *("start=2025-03-01", "exchange.start=2024-11-01", "model.from=trained"),
            *(f"mode.history={history}", "run_dir=run"),
        ]
        begun = time.monotonic()  # one for all processes
        command = [sys.executable, __file__, "--live", json.dumps(words)]
        _run(command, place)
        noted = np.fromfile(place / "noted.bin")
    first, steady = noted[0] - begun, noted[1:][options.bars // 10 :] * 1e3
    figures = {
        "bars": options.bars,
        "history": options.history,
        "inputs": _GIVEN + len(_MORE),
        "event_to_ledger_ms": {
            "p50": round(float(np.median(steady)), 3),
            "p99": round(float(np.quantile(steady, 0.99)), 3),
            "worst": round(float(steady.max()), 3),
            "budget p99": BUDGET_MS,
        },
        "first_bar_ms": round(float(noted[1]) * 1e3, 3),
        "start_to_first_decision_s": {"took": round(float(first), 2), "budget": BUDGET_START_S},
    }
    print(json.dumps(figures, indent=1))
    return int(np.quantile(steady, 0.99) > BUDGET_MS or first > BUDGET_START_S)


def _live(words: str) -> None:
    """Run the session in this process; note when the first bar was done, and what each took."""
    from framework.__main__ import main as run
    from framework.config.signals import end_cleanly
    from framework.feed.events import CandleClosed
    from framework.session.session import Session
    from framework.session.state import SessionState

    heard, act = Session._hear, SessionState.act
    noted: list[float] = []
    last = [0.0]

    def hear(self, event):  # type: ignore[no-untyped-def]
        if isinstance(event, CandleClosed):
            last[0] = time.perf_counter()
        heard(self, event)

    def acted(self, bar, arrived_ns):  # type: ignore[no-untyped-def]
        done = act(self, bar, arrived_ns)
        taken = time.perf_counter() - last[0]
        if not noted:
            noted.append(time.monotonic())
        noted.append(taken)
        return done

    Session._hear, SessionState.act = hear, acted  # type: ignore[method-assign]
    sys.argv = ["framework", *json.loads(words)]
    try:
        end_cleanly(run)
    finally:
        np.array(noted).tofile("noted.bin")


def _run(command: list[str], place: Path) -> None:
    environment = {"JAX_PLATFORMS": "cpu", **os.environ}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[-8:])}\n{done.stderr[-3000:]}")


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", type=int, default=400, help="acted on (400)")
    parser.add_argument("--history", type=int, default=2_000, help="bars before them (2000)")
    parser.add_argument("--live", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
