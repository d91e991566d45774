"""What each risk preset does to every strategy on a folder of candles: a table in Markdown.

usage: python benchmarks/risk_presets.py 'FOLDER/*_15m_2022-23.parquet' [key=value ...]

Each line of the table is a preset over all strategies: what it vetoed by reason, what it sold by
reason, and the worst drawdown with and without it. Further words go to every run.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

STRATEGIES = (
    "buy_and_hold",
    "ma_cross",
    "breakout",
    "rsi_reversion",
    "bollinger_squeeze",
    "macd_momentum",
    "multi_trend",
    "cross_momentum",
)
PRESETS = ("off", "conservative", "balanced", "aggressive")
SIGNALS = ("signal", "target_weight")


def main(path: str, *words: str) -> None:
    """Run every strategy under every preset and print the table."""
    rows = [["preset", "vetoes", "sold by a rule", "return, median", "drawdown, worst"]]
    for preset in PRESETS:
        vetoes: Counter[str] = Counter()
        sold: Counter[str] = Counter()
        returns, drawdowns = [], []
        for strategy in STRATEGIES:
            with tempfile.TemporaryDirectory() as folder:
                print(f"{preset}: {strategy}", file=sys.stderr)
                run = _run(path, strategy, preset, Path(folder), words)
                vetoes.update(row["reason"] for row in _rows(run / "vetoes.csv"))
                exits = [r for r in _rows(run / "fills.csv") if r["event"] == "decided"]
                sold.update(r["reason"] for r in exits if r["reason"] not in SIGNALS)
                metrics = json.loads((run / "metrics.json").read_text())
                returns.append(metrics["total_return"])
                drawdowns.append(metrics["max_drawdown"])
        middle = sorted(returns)[len(returns) // 2]
        rows.append(
            [f"`{preset}`", _said(vetoes), _said(sold), f"{middle:.1%}", f"{max(drawdowns):.1%}"]
        )
    rows.insert(1, ["---"] * len(rows[0]))
    for row in rows:
        print(f"| {' | '.join(row)} |")


def _run(path: str, strategy: str, preset: str, folder: Path, words: tuple[str, ...]) -> Path:
    """Run one backtest and return its directory."""
    run = folder / "run"
    command = [
        sys.executable, "-m", "framework", "exchange=files", f"exchange.path={path}",
        f"strategy={strategy}", f"risk={preset}", "report=false", "mode.causality_cuts=0",
        f"run_dir={run}", f"database=sqlite:///{folder}/runs.db", *words,
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return run


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


def _said(counts: Counter[str]) -> str:
    """Return reasons with their counts, most frequent first."""
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common()) or "–"


if __name__ == "__main__":
    main(*sys.argv[1:])
