"""Kill paper sessions at random moments, let them go on, and count those that end otherwise.

    python benchmarks/session_kills.py [--kills 500] [--seed 7] [--only cross,trees] [--keep DIR]

Every kind of session is run once without a fault. Then it is begun again and again in new folders;
SIGKILL ends its process, from outside and at any instruction, while it starts, trades, or comes to
its end, and the same command goes on. Some of the kills are power cuts: what the process did not
wait for to be on the disk is dropped (`power_cut`). At the end ledgers, equity, figures, journal
and rows of the database are compared with those of the session that nothing befell.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import power_cut
from session_remains import bars_of, left_by, row_of

KILLS = 6  # of one session
SHARE_OF_CUTS = 0.4  # of the kills are power cuts
ALWAYS = ("mode=paper", "mode.speed=0", "report=false", "mode.snapshot_bars=70")
TRAINED = "trained"
_TRAIN = (
    *("mode=train", "strategy=trend_ml", "pairs.symbols=[BTC-AUD,ETH-AUD]", "report=false"),
    *("start=2024-11-01", "end=2025-01-01", "evaluation=holdout", "sanity.run=false"),
    *("exchange.start=2024-11-01", "model.rounds=20", "model.num_leaves=7"),
    *("model.min_data_in_leaf=50", f"run_dir={TRAINED}"),
)
_MODEL = [word for word in _TRAIN if word.startswith(("strategy", "pairs", "exchange", "model."))]
KINDS: dict[str, tuple[str, ...]] = {
    "cross": ("strategy=ma_cross", "strategy.params.fast=5", "strategy.params.slow=20"),
    "finer": ("strategy=breakout", "execution.interval=5m", "risk=balanced"),
    "target": ("strategy=multi_trend", "risk.stop_loss=0.01", "risk.trailing_stop=0.02"),
    "limit": ("strategy=pullback_limit", "risk=balanced"),
    "both": ("strategy=trend_both", "exchange.spot_only=false"),
    "trees": (
        *_MODEL,
        *("model.from=TRAINED", "start=2025-02-01"),
        "strategy.params.threshold=0.0",
    ),
}
START, OPEN, LIVE, END = b"s", b"o", b"l", b"e"
"""What a session tells when it begins to start, to write, to trade, and to end."""
SHARE = {START: 1.0, OPEN: 1.0, LIVE: 0.5, END: 0.9}
"""Of how long a part takes, up to which it is killed."""


@dataclass(frozen=True)
class Whole:
    """A session that nothing befell: what it left, and how long each part of it took."""

    left: dict[str, object]
    seconds: dict[bytes, float]


def main(argv: list[str] | None = None) -> int:
    """Run, kill, compare; return how many sessions ended otherwise."""
    options = _options(argv)
    begun = time.perf_counter()
    wrong: list[str] = []
    kills = cuts = sessions = 0
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        _import_all()
        if "trees" in options.only:
            _live(work, _TRAIN)
        words = {kind: _words(kind, work, options.bars) for kind in options.only}
        whole = {}
        for kind in options.only:
            whole[kind] = _whole(work / kind, words[kind])
            _tell(f"{kind}: {whole[kind].left['journal bars']} bars without a fault")
        while kills < options.kills:
            kind = options.only[sessions % len(options.only)]
            seed = options.seed * 1_000_000 + sessions
            place = work / f"{kind}_{seed}"
            most = min(KILLS, options.kills - kills)
            killed, cut, apart = _killed(place, words[kind], whole[kind], seed, most)
            kills, cuts, sessions = kills + killed, cuts + cut, sessions + 1
            _tell(f"{kind}, seed {seed}: {killed} kills, {cut} power cuts, {apart or 'equal'}")
            if apart:
                wrong.append(f"{kind}, seed {seed}: {apart}")
                if options.keep:
                    shutil.copytree(place, Path(options.keep) / place.name)
            shutil.rmtree(place)
    seconds = round(time.perf_counter() - begun, 1)
    figures = {"kills": kills, "power_cuts": cuts, "sessions": sessions, "wrong": wrong}
    print(json.dumps({**figures, "seconds": seconds}))
    return len(wrong)


def _whole(place: Path, words: tuple[str, ...]) -> Whole:
    """Run a session twice, since the first may compile; return what the second left."""
    seconds: dict[bytes, float] = {}
    for _ in range(2):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        begun = time.perf_counter()
        child, marks = _begin(place, words, place / "beside")
        mark, since = START, begun
        while told := os.read(marks, 1):
            now = time.perf_counter()
            seconds[mark], mark, since = now - since, told, now
        seconds[mark] = time.perf_counter() - since
        os.close(marks)
        _require_ended(child, place)
    return Whole(left_by(place), seconds)


def _killed(
    place: Path, words: tuple[str, ...], whole: Whole, seed: int, most: int
) -> tuple[int, int, str]:
    """Run a session through kills; return how many there were, power cuts, and what is wrong."""
    random = np.random.default_rng(seed)
    place.mkdir()
    beside = place / "beside"
    (place / "runs").mkdir()
    power_cut.all_synced(place / "runs", beside)
    kills = cuts = 0
    acted: set[str] = set()
    for phase in _phases(random, most):
        child, marks = _begin(place, words, beside)
        _wait(marks, phase, random.uniform(0, SHARE[phase]) * whole.seconds[phase])
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(marks)
        if not os.WIFSIGNALED(status):
            if os.waitstatus_to_exitcode(status):
                return kills, cuts, f"ended with {status}: {_said(place)}"
            break
        kills += 1
        if row_of(place, "done"):
            break
        acted |= {
            str(path.parent) for path in place.glob("runs/*/*/journal.jsonl") if bars_of(path)
        }
        if random.random() < SHARE_OF_CUTS:
            power_cut.cut(place / "runs", beside, random)
            cuts += 1
    try:
        while not row_of(place, "done"):
            child, marks = _begin(place, words, beside)
            while os.read(marks, 1):
                pass
            os.close(marks)
            _require_ended(child, place)
        left = left_by(place)
    except RuntimeError as fault:
        return kills, cuts, str(fault)
    apart = [name for name, value in whole.left.items() if left.get(name) != value]
    ended = {row["directory"] for row in row_of(place, "done")}
    if not acted <= ended:
        apart.append("another session was begun beside the one that had acted")
    return kills, cuts, ", ".join(apart)


def _phases(random: np.random.Generator, kills: int) -> list[bytes]:
    """Return in which part each kill is to be; after the last part, only starts come to it."""
    last = min(2, kills)
    before = random.choice([START, LIVE], kills - last, p=[0.35, 0.65])
    if len(before) and random.random() < 0.5:
        before[0] = OPEN  # what is written once only, in some milliseconds
    return [*before.tolist(), *random.choice([START, END], last, p=[0.25, 0.75]).tolist()]


def _begin(place: Path, words: tuple[str, ...], beside: Path) -> tuple[int, int]:
    """Start the command in `place`; return its process and a pipe that tells its phases."""
    sys.stdout.flush()
    marks, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        return child, marks
    status = 1
    try:
        os.close(marks)
        os.chdir(place)
        said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        power_cut.watch(place / "runs", beside)
        status = _work(words, tell)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _work(words: tuple[str, ...], tell: int) -> int:
    """Run the command line in this process, its phases told."""
    from framework.__main__ import main as run
    from framework.config.signals import end_cleanly
    from framework.modes.paper import Paper

    def marked(real: Callable[..., Any], mark: bytes) -> Callable[..., Any]:
        def marking(*given: Any) -> Any:
            os.write(tell, mark)
            return real(*given)

        return marking

    Paper.run = marked(Paper.run, OPEN)  # type: ignore[method-assign]
    Paper._live = marked(Paper._live, LIVE)  # type: ignore[method-assign]
    Paper._close = marked(Paper._close, END)  # type: ignore[method-assign]
    sys.argv = ["framework", *words]
    try:
        end_cleanly(run)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _wait(marks: int, phase: bytes, seconds: float) -> None:
    """Wait so many seconds from when a phase begins, or until the process ends."""
    reached = phase == START
    while not reached:
        mark = os.read(marks, 1)
        reached = mark in (phase, END, b"")
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        readable, _, _ = select.select([marks], [], [], left)
        if readable and not os.read(marks, 1):
            return  # it has ended


def _live(place: Path, words: tuple[str, ...]) -> None:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "framework", *words], cwd=place, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)


def _require_ended(child: int, place: Path) -> None:
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"ended with {os.waitstatus_to_exitcode(status)}: {_said(place)}")


def _said(place: Path) -> str:
    return " | ".join((place / "said").read_text().splitlines()[-3:])


def _words(kind: str, work: Path, bars: int) -> tuple[str, ...]:
    own = [word.replace("TRAINED", str(work / TRAINED)) for word in KINDS[kind]]
    return (*ALWAYS, f"mode.bars={bars}", "database=sqlite:///framework.db", *own)


def _import_all() -> None:
    """Import what each process would spend its first second on; nothing is started by that."""
    import hydra  # noqa: F401

    import framework.__main__
    import framework.learning.library
    import framework.models.lightgbm
    import framework.modes.paper
    import framework.modes.session_end
    import framework.modes.session_start
    import framework.results.metrics
    import framework.run
    import framework.session.session  # noqa: F401


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=500, help="in all (500)")
    parser.add_argument("--seed", type=int, default=7, help="of the moments (7)")
    parser.add_argument("--bars", type=int, default=900, help="of each session (900)")
    parser.add_argument("--only", type=_kinds, default=tuple(KINDS), help="kinds, by commas")
    parser.add_argument("--keep", help="a folder for sessions that ended otherwise")
    return parser.parse_args(argv)


def _kinds(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(KINDS):
        raise argparse.ArgumentTypeError(f"{sorted(unknown)[0]} is none of {', '.join(KINDS)}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
