"""Candles for many trials: loaded once, and for each trial those that it would load alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import fields
from threading import Lock
from typing import overload

import numpy as np

from framework.exchange.load import Loaded, load_candles
from framework.market.candles import Candles, Standing
from framework.modes.reading import quote_of
from framework.modes.settings import Settings
from framework.records import Signals
from framework.strategy.many import ManySignals
from framework.strategy.plan import Plan

_SIGNALS = tuple(field.name for field in fields(Signals))
_TRADED = (int(Standing.CONFIRMED), int(Standing.PROVISIONAL))


class CandleShelf:
    """The candles that were loaded last, for the next group that trades on the same.

    A trial alone loads the warm-up that it needs itself and no more, and a function that remembers
    everything can tell: `since` gives each trial exactly that.
    """

    def __init__(self) -> None:
        self._key: object = None
        self._settings: Settings | None = None
        self._warmup = 0
        self._loaded: Loaded | None = None
        self._cuts: dict[int, Candles] = {}
        self._packed: CandleShelf | None = None

    def load(self, settings: Settings, warmup: int) -> Loaded:
        """Return the candles of `settings`, with `warmup` bars or more before the first traded."""
        key = _key(settings)
        if self._loaded is None or self._key != key or self._warmup < warmup:
            self._loaded = _load(settings, warmup)
            quote_of(self._loaded.candles.pairs)
            self._key, self._settings, self._warmup = key, settings, warmup
            self._cuts = {}
        return self._loaded

    def since(self, warmup: int) -> tuple[Candles, int]:
        """Return the candles with a trial's own warm-up, and the index of the first traded."""
        if self._loaded is None or self._settings is None:
            raise ValueError("load first")
        first = min(warmup, self._loaded.first)
        if first not in self._cuts:
            cut = self._loaded.candles[self._loaded.first - first :]
            if first < self._loaded.first and not _begins_traded(cut):
                # how a hole at the very beginning is filled depends on what lies before it
                cut = _load(self._settings, warmup).candles
            self._cuts[first] = cut
        return self._cuts[first], first

    def packed(self, warmups: Collection[int]) -> CandleShelf:
        """Return a shelf that serves these warm-ups in a process that can read no data.

        The same one again, as long as it does.
        """
        for warmup in warmups:
            self.since(warmup)
        kept = self._packed
        apart = {first: cut for first, cut in self._cuts.items() if not self._is_slice(cut)}
        if kept is None or kept._loaded is not self._loaded or kept._cuts.keys() < apart.keys():
            kept = self._packed = CandleShelf()
            kept._key, kept._settings, kept._warmup = self._key, self._settings, self._warmup
            kept._loaded, kept._cuts = self._loaded, apart
        return kept

    def _is_slice(self, cut: Candles) -> bool:
        return self._loaded is not None and np.may_share_memory(cut.time, self._loaded.candles.time)


def _key(settings: Settings) -> tuple[object, ...]:
    """Return all that candles depend on; fees do not."""
    exchange = settings.exchange
    unlike = ("maker_fee_bps", "taker_fee_bps", "borrow_rate", "maintenance_margin")
    source = [(f.name, repr(getattr(exchange, f.name))) for f in fields(exchange)]
    return (
        type(exchange),
        tuple(item for item in source if item[0] not in unlike),
        settings.pairs.symbols,
        settings.interval,
        settings.start,
        settings.end,
        repr(settings.evaluation),
        settings.store,
        tuple(settings.store_secrets.items()),
    )


def _load(settings: Settings, warmup: int) -> Loaded:
    return load_candles(
        settings.exchange,
        settings.pairs.symbols,
        settings.interval,
        settings.start,
        settings.end,
        warmup,
        settings.store,
        store_options=settings.store_secrets,
        choose=lambda start, end: settings.evaluation.scope(
            start, end, settings.interval, sweeping=True
        ),
    )


def _begins_traded(candles: Candles) -> bool:
    return all(standing in _TRADED for standing in candles.standing[0].tolist())


class TradedSignals(Sequence[Signals]):
    """Signals of plans over the bars that are traded, computed when asked for, several at once.

    Parameters
    ----------
    plans : sequence of Plan
        Of one call of `compile_many`; what is computed for one warm-up is dropped once all plans
        that have it were asked.
    shelf : CandleShelf
        With their candles loaded.
    """

    def __init__(self, plans: Sequence[Plan], shelf: CandleShelf) -> None:
        self._plans = plans
        self._shelf = shelf
        self._lock = Lock()
        self._sets: dict[int, tuple[ManySignals, dict[int, int], int]] = {}
        self._left = Counter(plan.warmup for plan in plans)

    @overload
    def __getitem__(self, index: int) -> Signals: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Signals]: ...

    def __getitem__(self, index: int | slice) -> Signals | Sequence[Signals]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        warmup = self._plans[index].warmup
        with self._lock:
            if warmup not in self._sets:
                self._sets[warmup] = self._set(warmup)
            signals, place, first = self._sets[warmup]
            self._left[warmup] -= 1
            if not self._left[warmup]:
                del self._sets[warmup]
        whole = signals[place[index]]
        return Signals(
            **{
                name: None if (array := getattr(whole, name)) is None else array[first:]
                for name in _SIGNALS
            }
        )

    def __len__(self) -> int:
        return len(self._plans)

    def _set(self, warmup: int) -> tuple[ManySignals, dict[int, int], int]:
        """Return the signals of all plans of one warm-up, and the place of each in them."""
        candles, first = self._shelf.since(warmup)
        rows = [k for k, plan in enumerate(self._plans) if plan.warmup == warmup]
        many = ManySignals([self._plans[k] for k in rows], candles)
        return many, {k: place for place, k in enumerate(rows)}, first
