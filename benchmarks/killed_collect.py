"""A recording that is killed: in time that jumps, against a market that is the same in every run.

Run as a program it records in ``FOLDER`` until it is killed or ``STOP_NS``, and writes after every
flush into ``FOLDER/acknowledged`` what it then counts as stored.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
EXCHANGE = "btcmarkets"
SEED = 7
START = "2025-01-01T00:00:30"
_FLUSH_S = 5.0
_PAUSE_NS = 20_000_000_000  # of market time from a kill to the next start


class Collect:
    """Recordings of the loopback exchange in one folder, and the truth about them."""

    name = EXCHANGE

    def __init__(self, folder: Path, pairs: tuple[str, ...], minutes: int) -> None:
        from framework.types import Interval, parse_time

        self.folder = folder
        self.pairs = pairs
        self.interval = Interval.parse("1m")
        self.start = parse_time(START)
        self.end = self.start + minutes * self.interval.ns

    def start_process(self) -> subprocess.Popen[str]:
        """Start a recording that goes on a little after the last one was killed."""
        known = acknowledged(self.folder)
        start = known[-1]["now"] + _PAUSE_NS if known else self.start
        words = (str(self.folder), str(start), str(max(self.end, start)), *self.pairs)
        return subprocess.Popen(
            [sys.executable, __file__, *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def commits(self) -> int:
        """Return how many commits the store's tables have seen."""
        return len(list(self.folder.glob("market/*/*/_delta_log/*.json")))

    def judge(self, ended: bool) -> list[str]:
        """Return what is wrong with the store."""
        known = acknowledged(self.folder)
        wrong: list[str] = []
        for pair in self.pairs:
            stored = [each["stored"][pair] for each in known if pair in each["stored"]]
            wrong += [f"{pair}: {fault}" for fault in self._judge_pair(pair, stored, ended)]
        return wrong + self._twice()

    def _judge_pair(self, pair: str, stored: list[dict[str, list[object]]], ended: bool):
        from framework.market.book_store import BookStore
        from framework.market.ranges import difference
        from framework.market.store import CandleStore
        from framework.market.trade_store import TradeStore

        url = str(self.folder / "market")
        trades, candles, books = TradeStore(url), CandleStore(url), BookStore(url)
        ids = trades.ids(EXCHANGE, pair)
        rows = candles.read(EXCHANGE, pair, self.interval, 0, 2**62)
        snapshots = books.read(EXCHANGE, [pair], 0, 2**62)
        found = {"trades": ids, "candles": rows.time.tolist(), "books": snapshots.time.tolist()}
        for what, there in found.items():
            if len(there) != len(set(there)):
                yield f"{what} are there twice"
            lost = {item for each in stored for item in each[what]} - set(there)
            if lost:
                yield f"{len(lost)} acknowledged {what} are lost"
        covered = {
            "trades": trades.covered(EXCHANGE, pair),
            "candles": candles.covered(EXCHANGE, pair, self.interval),
        }
        for start, end in covered["trades"]:
            truth = truth_of(self.pairs).trades(pair, start, end)
            read = trades.read(EXCHANGE, [pair], start, end)
            market = truth_of(self.pairs).markets[pair]
            expected = {
                "time": truth.time,
                "price": truth.price / 10**market.price_decimals,
                "units": truth.units / 10**market.unit_decimals,
                "side": truth.side,
            }
            for name, values in expected.items():
                if not np.array_equal(getattr(read, name), values):
                    yield f"{name} of trades differs from the truth"
            if not set(map(str, truth.id)) <= set(ids):
                yield "ids of trades differ from the truth"
        for start, end in covered["candles"]:
            truth_rows = truth_of(self.pairs).rows(pair, self.interval, start, end)
            inside = (rows.time >= start) & (rows.time < end)
            for name in ("time", "open", "high", "low", "close", "volume"):
                if not np.array_equal(getattr(rows, name)[inside], getattr(truth_rows, name)):
                    yield f"{name} of candles differs from the truth"
        if ended:
            for what, ranges in covered.items():
                first, last = self.interval.floor(int(rows.time[0])), max(r[1] for r in ranges)
                if last < self.interval.floor(self.end) or difference(first, last, ranges):
                    yield f"{what} have holes: {ranges}"

    def _twice(self) -> list[str]:
        """Return which tables hold rows twice, before any reader tidies them."""
        from deltalake import DeltaTable

        keys = {"trades": ["pair", "id"], "books": ["pair", "time", "level"]}
        wrong = []
        for table, names in keys.items():
            place = self.folder / "market" / EXCHANGE / table
            if place.is_dir():
                raw = DeltaTable(str(place)).to_pyarrow_table(columns=names)
                if raw.num_rows != raw.group_by(names).aggregate([]).num_rows:
                    wrong.append(f"rows of {table} are stored twice")
        return wrong


def acknowledged(folder: Path) -> list[dict]:
    """Return what processes counted as stored, flush by flush; a line cut short is none."""
    path = folder / "acknowledged"
    lines = path.read_text().split("\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in lines]


def truth_of(pairs: tuple[str, ...]):
    """Return the market behind the loopback exchange."""
    from framework.loopback.truth import Truth
    from framework.types import Interval

    return Truth(SEED, pairs, Interval.parse("5s"))


async def record(folder: Path, start_ns: int, stop_ns: int, pairs: tuple[str, ...]) -> None:
    """Record from one moment of the market to another, and note every flush."""
    from loguru import logger

    from framework.exchange.btcmarkets import BtcMarkets
    from framework.exchange.connection import Channel
    from framework.feed.live_feed import LiveFeed
    from framework.feed.recorder import Recorder
    from framework.loopback.server import LoopbackServer
    from framework.loopback.wires.btcmarkets import BTCMarketsWire
    from framework.modes.recording import Recording
    from framework.session.clock import LoopClock
    from framework.types import DAY_NS, Interval

    class Noted(Recorder):
        """A recorder that notes what it has stored."""

        def store(self, taken):
            noted = {
                pair: {
                    "trades": [trade.id for trade in batch.trades],
                    "candles": [candle.time for candle in batch.candles],
                    "books": [state.time for state in batch.books],
                }
                for pair, batch in taken.items()
            }
            super().store(taken)
            with (folder / "acknowledged").open("a") as file:
                file.write(json.dumps({"now": clock.now_ns(), "stored": noted}) + "\n")

    logger.remove()
    clock, minute = LoopClock(start_ns), Interval.parse("1m")
    async with LoopbackServer(BTCMarketsWire(), truth_of(pairs), clock) as server:
        exchange = BtcMarkets(url=server.url, socket_url=f"{server.socket_url}/v2", symbols=pairs)
        recorder = Noted(
            str(folder / "market"),
            {},
            EXCHANGE,
            pairs,
            minute,
            frozenset(("candles", "trades", "books")),
        )
        feed = LiveFeed(
            exchange.connect(clock),
            clock,
            pairs,
            minute,
            recorder.first_wanted(clock.now_ns(), DAY_NS),
            frozenset(Channel),
            np.random.default_rng(start_ns),
            book_every_s=2.0,
            book_depth=5,
        )
        recording = Recording(
            logger, clock, feed, recorder, flush_s=_FLUSH_S, buffer=100_000, aside=False
        )
        await recording.run((stop_ns - start_ns) / 1e9 + 90.0)


if __name__ == "__main__":
    from framework.loopback.virtual_time import run_virtual

    place, first, last, *named = sys.argv[1:]
    run_virtual(record(Path(place), int(first), int(last), tuple(named)))
