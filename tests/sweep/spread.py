"""What tests of spread sweeps share: a sweep, and a function that tells who ran it."""

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from framework.sweep.trial import TrialTable

FUNCTIONS = '''
import os
from time import sleep

import numpy as np

from framework import function


@function(warm_up=lambda bars: bars)
def told(x: "FloatArray", bars: int = 5) -> "FloatArray":
    """Mean that notes who computes it, and has none for 13."""
    with open(os.environ["TOLD"], "a") as file:
        file.write(f"{bars} {os.getpid()} {os.getppid()}\\n")
    sleep(0.05)
    if bars == 13:
        raise ValueError("no thirteen")
    made = np.full(len(x), np.nan)
    made[bars - 1 :] = np.lib.stride_tricks.sliding_window_view(x, bars).mean(axis=1)
    return made
'''.replace('"FloatArray"', "FloatArray").replace(
    "from framework import function",
    "from framework import function\nfrom framework.types import FloatArray",
)
WORDS = (
    *("-m", "pairs=btc_aud", "start=2025-03-01", "end=2025-03-08", "report=false"),
    *("sweep.min_trades=1", "sweep.rerun_best=false", "plugins=[told_functions]"),
    *("features.ma_fast=told(close, fast)", "strategy.params.slow=30,40"),
)
GOOD = "strategy.params.fast=range(20,50)"
SCRIPT = Path(__file__).with_name("spread_sweep.py")


class Swept:
    """A sweep that ended, in a folder of its own.

    Parameters
    ----------
    folder : Path
        Where it ran.
    words : str
        Of the command line, beside `WORDS`.
    every, times : int
        As for ``spread_sweep.py``.
    environment : str
        Variables for it.
    """

    def __init__(self, folder, *words, every=1, times=0, **environment):
        folder.mkdir(exist_ok=True)
        (folder / "told_functions.py").write_text(FUNCTIONS)
        self.folder = folder
        self._told = Path(environment.get("TOLD", folder / "told"))
        (folder / "home").mkdir()
        done = subprocess.run(
            [sys.executable, SCRIPT, str(every), str(times), *WORDS, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=250,
            env={
                **os.environ,
                "TOLD": str(folder / "told"),
                "HOME": str(folder / "home"),
                **environment,
            },
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def table(self):
        (file,) = self.folder.glob("runs/*/*/trials.parquet")
        return TrialTable.read(file)

    @property
    def rows(self):
        """How often each set of parameters is in the database."""
        with closing(sqlite3.connect(self.folder / "runs" / "framework.db")) as database:
            return Counter(params for (params,) in database.execute("SELECT params FROM trial"))

    @property
    def told(self):
        """Window, process, and parent of that process, of each computation."""
        lines = self._told.read_text().splitlines()
        return [tuple(int(word) for word in line.split()) for line in lines]

    @property
    def killed(self):
        """Processes that were killed."""
        return [int(line.split()[1]) for line in self.out.splitlines() if line[:7] == "killed "]


def same(one, other):
    """Tell whether two tables are equal to the bit."""
    return (
        one.index.tolist() == other.index.tolist()
        and one.params == other.params
        and one.orders_hash == other.orders_hash
        and one.data_hash == other.data_hash
        and one.blocks.tobytes() == other.blocks.tobytes()
        and one.metrics.keys() == other.metrics.keys()
        and all(
            one.metrics[name].tobytes() == other.metrics[name].tobytes() for name in one.metrics
        )
    )
