"""Where a session stands: opened from its directory, taken from entry to entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.backtest.pipeline import Pipeline
from framework.engine.account import new_account
from framework.engine.orders_hash import OrdersHash
from framework.learning.schedule import Stage
from framework.market.candles import Candles
from framework.session.bars import Bar
from framework.session.folding import BAR, END, GO_ON, PAUSE, SWAP
from framework.session.history import History
from framework.session.journal import FILE, Entry, Journal
from framework.session.record import Record
from framework.session.snapshot import Snapshot, load_snapshot
from framework.session.trader import Acted, Trader

FOLDER = "session"
"""Of a run's directory: what a session keeps beside its journal."""


class SessionState:
    """Journal, trader and record of one session, in step with each other.

    Opening it goes on where the journal ends, whatever the process before had got to.

    Parameters
    ----------
    directory : Path
        Of the run.
    pipeline : Pipeline
        Strategy, rules, cash, and the models that the session began with.
    warmup : Candles
        (T, N) before the first live bar.
    stage_of : callable
        Returns the model that an entry of a swap names.
    snapshot_bars : int
        Bars from one snapshot to the next.

    Raises
    ------
    CheckFailed
        The journal leads to something else than the session did.
    OutsideFault
        The journal is damaged before its end, or the disk fails.
    """

    def __init__(
        self,
        directory: Path,
        pipeline: Pipeline,
        warmup: Candles,
        stage_of: Callable[[Mapping[str, Any]], Stage],
        snapshot_bars: int,
    ) -> None:
        self.pipeline = pipeline
        self.paused = False
        """Whether nothing is opened."""
        self.ended = False
        """Whether the session came to its end."""
        self.bars = 0
        """Bars acted on."""
        self._folder = directory / FOLDER
        self._stage_of = stage_of
        self._snapshot_bars = snapshot_bars
        self._swaps: list[Mapping[str, Any]] = []
        plan, schedule = pipeline.plan, pipeline.schedule
        names = (*plan.features, *(schedule.outputs if schedule else ()))
        self.record = Record(self._folder, warmup.pairs, names, plan.interval.ns)
        journal = directory / FILE
        try:
            snapshot = self._snapshot(journal, warmup)
            start = (0, 0) if snapshot is None else (snapshot.size, snapshot.seq)
            self.journal = Journal(journal, *start)
        except BaseException:
            self.record.close()
            raise
        try:
            if snapshot is None:
                self.trader = Trader(pipeline, History(warmup))
            else:
                self._restore(snapshot)
            self._hash = OrdersHash(warmup.pairs, warmup.interval)
            self.recovered = self._recover()
            """Bars gone through again when it was opened."""
        except BaseException:
            self.close()
            raise

    @property
    def orders_hash(self) -> str:
        """SHA-256 over decisions and fills so far, see `OrdersHash`."""
        return self._hash.hexdigest()

    @property
    def next_ns(self) -> int:
        """Open time of the bar that comes next."""
        return self.trader.history.end_ns

    @property
    def swaps(self) -> Sequence[Mapping[str, Any]]:
        """The models that took over so far, as their entries say it."""
        return self._swaps

    def act(self, bar: Bar, arrived_ns: int) -> Acted:
        """Write down a bar, then act on it.

        Parameters
        ----------
        bar : Bar
            The next one.
        arrived_ns : int
            When it was there, UTC ns.
        """
        entry = self.journal.add(BAR, {"at": arrived_ns, **bar.values()})
        acted = self._act(bar)
        self.record.add(acted)
        self._hash.update(acted.events)
        if self.bars % self._snapshot_bars == 0:
            self._save(entry.seq)
        return acted

    def note(self, kind: str, values: Mapping[str, Any]) -> None:
        """Write down what happens besides bars, then let it count."""
        self._take(self.journal.add(kind, values))

    def swap(self, values: Mapping[str, Any]) -> None:
        """Let a model take over; it is read before that is written down.

        Raises
        ------
        OutsideFault
            It is damaged, and the one before stays; or the disk fails.
        """
        stage = self._stage_of(values)
        self.journal.add(SWAP, values)
        self._swaps.append(values)
        self.trader.swap(stage)

    def close(self) -> None:
        """Give the files back."""
        self.journal.close()
        self.record.close()

    def _recover(self) -> int:
        """Go through what the journal says since the snapshot; return the number of bars."""
        before = self.bars
        acts = [acted for entry in self.journal.entries() if (acted := self._take(entry))]
        self.record.confirm(before, acts)
        self._hash.update(self.record.read()[1])
        return len(acts)

    def _take(self, entry: Entry) -> Acted | None:
        """Let an entry count."""
        history = self.trader.history
        if entry.kind == BAR:
            return self._act(Bar.of(entry.values, history.pairs, history.interval))
        if entry.kind in (PAUSE, GO_ON):
            self.paused = entry.kind == PAUSE
        elif entry.kind == SWAP:
            self._swap(entry.values)
        elif entry.kind == END:
            self.ended = True
        return None

    def _act(self, bar: Bar) -> Acted:
        self.bars += 1
        return self.trader.act(bar, self.paused)

    def _snapshot(self, journal: Path, warmup: Candles) -> Snapshot | None:
        size = journal.stat().st_size if journal.exists() else 0
        kind = new_account(warmup.pairs, self.pipeline.cash).dtype
        snapshot = load_snapshot(self._folder, kind, size)
        recorded = len(self.record.read()[0])
        if snapshot is None or recorded < len(snapshot.candles) - snapshot.first:
            return None
        return snapshot

    def _restore(self, snapshot: Snapshot) -> None:
        history = History(snapshot.candles, snapshot.first)
        self.bars = len(snapshot.candles) - snapshot.first
        self.paused = snapshot.paused
        self.trader = Trader(
            self.pipeline, history, snapshot.account, snapshot.predicted, snapshot.books
        )
        for swap in snapshot.swaps:
            self._swap(swap)

    def _swap(self, values: Mapping[str, Any]) -> None:
        self._swaps.append(values)
        self.trader.swap(self._stage_of(values))

    def _save(self, seq: int) -> None:
        self.record.sync()
        trader = self.trader
        Snapshot(
            seq,
            self.journal.size,
            trader.history.first,
            trader.history.candles,
            trader.account,
            trader.predicted,
            trader.books,
            self.paused,
            self._swaps,
        ).save(self._folder)
