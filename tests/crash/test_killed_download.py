"""kill -9 while downloading: the store opens, what is missing is fetched, no candle differs."""

import signal
import time

import numpy as np
from crash_runs import end, start

from framework.market.store import CandleStore
from framework.types import Interval, parse_time

SMALL = ("mode=download", "pairs=btc_aud", "mode.chunk_bars=96", "end=2025-01-21")
START, END = parse_time("2025-01-01"), parse_time("2025-01-21")
MARKET = ("simulated", "BTC-AUD", Interval.parse("15m"))
COLUMNS = ("time", "open", "high", "low", "close", "volume")


def stored(folder):
    rows = CandleStore(str(folder / "runs/market")).read(*MARKET, START, END)
    return {name: getattr(rows, name).tobytes() for name in COLUMNS}


def commits(folder):
    return len(list(folder.glob("runs/market/*/*/_delta_log/*.json")))


def covered(folder):
    return CandleStore(str(folder / "runs/market")).covered(*MARKET)


def missing(said):
    """Return how many candles a download said were missing."""
    (line,) = [line for line in said.splitlines() if "were missing" in line]
    return int(line.split()[1].replace(",", ""))


def test_killed_downloads_add_up_to_an_uninterrupted_one(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    code, said = end(start(whole, *SMALL))
    assert code == 0, said
    assert missing(said) == 20 * 96
    times = CandleStore(str(whole / "runs/market")).read(*MARKET, START, END).time
    random = np.random.default_rng(3)
    deaths, last = 0, 0
    for more in random.integers(0, 8, 4):
        wanted = commits(killed) + more
        process = start(killed, *SMALL)
        while process.poll() is None and commits(killed) <= wanted:
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.05))
        process.kill()
        code, said = end(process)
        assert code in (0, -signal.SIGKILL), said
        deaths += code != 0
        ranges = covered(killed)
        days = sum(end - start for start, end in ranges) // (96 * MARKET[2].ns)
        assert days >= last
        last = days
        found = CandleStore(str(killed / "runs/market")).read(*MARKET, START, END)
        assert np.all(np.diff(found.time) > 0)
        for first, after in ranges:
            expected = times[(times >= first) & (times < after)]
            inside = found.time[(found.time >= first) & (found.time < after)]
            assert np.array_equal(inside, expected)
    assert deaths >= 1
    code, said = end(start(killed, *SMALL))
    assert code == 0, said
    assert missing(said) == (20 - last) * 96
    assert stored(killed) == stored(whole)
    assert covered(killed) == [(START, END)]
    store = CandleStore(str(killed / "runs/market"))
    assert store.revisions(*MARKET, START, END) == 0
    code, said = end(start(killed, *SMALL))
    assert (code, missing(said)) == (0, 0)
