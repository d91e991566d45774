"""Tell a monitor what a session does: a few numbers for each bar, nothing waited for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.feed.events import CandleClosed, CandleRevised, FeedEvent, State, StateChanged
from framework.market.candles import Standing
from framework.monitor.health import Health
from framework.monitor.metrics import Metrics
from framework.records import Kind, Reason
from framework.session.model_age import ModelAge
from framework.session.state import SessionState
from framework.session.trader import Acted
from framework.session.voice import Voice
from framework.types import SECOND_NS, RecordArray


class Monitoring(Voice):
    """Keeps metrics and health in step with a session.

    Parameters
    ----------
    metrics : Metrics
    health : Health
    state : SessionState
        What it did so far is counted once, here.
    speed : float
        Of the session's time against the wall's; 0: as fast as possible.
    """

    def __init__(self, metrics: Metrics, health: Health, state: SessionState, speed: float) -> None:
        self._metrics = metrics
        self._health = health
        self._state = state
        self._speed = speed
        history = state.trader.history
        self._interval_ns = history.interval.ns
        self._positions = [
            (metrics.units.labels(pair), metrics.value.labels(pair)) for pair in history.pairs
        ]
        self._states = {each: metrics.feed_state.labels(each.value) for each in State}
        self._candles = {each: metrics.candles.labels(each.name.lower()) for each in Standing}
        self._results = {
            field: metrics.closed_trades.labels(name)
            for field, name in (("wins", "win"), ("losses", "loss"))
        }
        self._counted = dict.fromkeys(self._results, 0)
        metrics.journal.set_function(lambda: state.journal.size)
        self._lost = False
        self._arrived: dict[int, tuple[list[Standing], float]] = {}  # by the bar's open
        self._peak = self._cash = state.pipeline.cash
        self._feed_is(State.CONNECTING)
        self._catch_up()

    def acted(self, acted: Acted, late_ns: int) -> None:
        """Show what a bar led to."""
        metrics, now_s = self._metrics, time.monotonic()
        standings, heard_s = self._arrived.pop(acted.time, ([], now_s))
        absent = len(self._positions) - len(standings)
        if not absent:  # else it waited for what did not come
            metrics.latency.observe(now_s - heard_s)
        for standing in standings:
            self._candles[standing].inc()
        self._candles[Standing.MISSING].inc(absent)
        for passed in [ns for ns in self._arrived if ns < acted.time]:
            del self._arrived[passed]
        late_s = late_ns / SECOND_NS
        if acted.decided:
            metrics.delay.observe(late_s)
        metrics.bars.inc()
        self._book(acted.events)
        self._show(acted.account, acted.equity)
        self._pause_is(self._state.paused)
        self._health.bars += 1
        self._health.acted(acted.time, late_s / self._speed if self._speed else 0.0, acted.decided)

    def heard(self, event: FeedEvent) -> None:
        """Show that the feed is alive, and what it is like."""
        self._health.heard()
        if isinstance(event, CandleClosed):
            standings, _ = self._arrived.get(event.candle.time, ([], 0.0))
            self._arrived[event.candle.time] = [*standings, event.standing], time.monotonic()
        elif isinstance(event, CandleRevised):
            self._metrics.revised.inc()
        elif isinstance(event, StateChanged):
            self._feed_is(event.state)
            if event.state is State.LOST:
                self._lost = True
                self._health.erred(f"feed: lost {event.reason}".rstrip())
            elif event.state is State.LIVE and self._lost:
                self._lost = False
                self._metrics.reconnects.inc()

    def aged(self, age: ModelAge) -> None:
        """Show how stale the model is."""
        self._metrics.model_is(age.age_ns / SECOND_NS, age.bars, age.drift)

    def said(self, line: str) -> None:
        """Show at once that a person paused the session, or let it go on."""
        self._pause_is(self._state.paused)

    def erred(self, level: str, line: str) -> None:
        """Count a warning or an error of the log; any thread may call this."""
        self._metrics.errors.labels(level).inc()
        self._health.erred(line)

    def _catch_up(self) -> None:
        """Show what the session did before this process."""
        state = self._state
        bars, events = state.record.read()
        self._metrics.bars.inc(state.bars)
        self._health.bars = state.bars
        self._peak = max(self._peak, *bars["equity"].tolist()) if len(bars) else self._peak
        self._book(events)
        self._show(state.trader.account, float(state.trader.account["wallet"]["equity"][0]))
        self._pause_is(state.paused)

    def _book(self, events: RecordArray) -> None:
        """Count fills, fees and vetoes."""
        if not len(events):
            return
        metrics = self._metrics
        filled = events[events["kind"] == Kind.FILLED]
        metrics.fills.inc(len(filled))
        metrics.fees.inc(float(filled["fee"].sum()))
        reasons, counts = np.unique(
            events[events["kind"] == Kind.VETOED]["reason"], return_counts=True
        )
        for reason, count in zip(reasons.tolist(), counts.tolist(), strict=True):
            metrics.vetoes.labels(Reason(reason).name.lower()).inc(count)

    def _show(self, account: RecordArray, equity: float) -> None:
        """Show what the account holds."""
        metrics = self._metrics
        wallet: Mapping[str, Any] = account["wallet"][0]
        held = account["positions"][0]
        units, values = held["units"], held["units"] * held["last_price"]
        for (shown_units, shown_value), one, value in zip(
            self._positions, units.tolist(), values.tolist(), strict=True
        ):
            shown_units.set(one)
            shown_value.set(value)
        is_open = units != 0.0
        running = (held["profit"] + values - held["owed"])[is_open]
        self._peak = max(self._peak, equity)
        metrics.equity.set(equity)
        metrics.cash.set(float(wallet["cash"]))
        metrics.drawdown.set(1.0 - equity / self._peak)
        metrics.realised.set(equity - self._cash - float(running.sum()))
        metrics.open_trades.set(int(wallet["held"]))
        for field, shown in self._results.items():
            now = int(wallet[field])
            shown.inc(now - self._counted[field])
            self._counted[field] = now

    def _feed_is(self, state: State) -> None:
        self._health.feed = state.value
        for each, shown in self._states.items():
            shown.set(each is state)

    def _pause_is(self, paused: bool) -> None:
        self._health.paused = paused
        self._metrics.paused.set(paused)
