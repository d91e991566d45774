"""What a person is told of a session who is not beside it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

import numpy as np

from framework.feed.events import FeedEvent, State, StateChanged
from framework.notify.courier import Delivery
from framework.notify.levels import Level
from framework.records import Reason
from framework.session.round_trips import Fill, RoundTrips
from framework.session.standing import Standing, amount, gain
from framework.session.state import SessionState
from framework.session.trader import Acted
from framework.session.voice import Voice
from framework.types import DAY_NS, FloatArray, RecordArray

_LOST_S = 60.0
"""How long a connection is lost before it is told."""

_REMARKS = 20
"""Remarks of one UTC day that are told one by one; further ones are counted."""

_TRADES = 10
"""Fills that are remembered for whoever asks."""


class Notices(Voice):
    """Tells of fills, halts, lost connections and days; keeps how the session stands.

    Parameters
    ----------
    delivery : Delivery
        Takes what is told.
    state : SessionState
        Where the session goes on.
    name : str
        Of the strategy; begins every message.
    """

    def __init__(self, delivery: Delivery, state: SessionState, name: str) -> None:
        self._delivery, self._state = delivery, state
        history = state.trader.history
        self._pairs, self._interval_ns = history.pairs, history.interval.ns
        self._lost: asyncio.TimerHandle | None = None
        self._lost_s: float | None = None
        self._remarks = 0
        self._trips = RoundTrips()
        bars, events = state.record.read()
        fills = [self._told(fill) for fill in self._trips.add(events)]
        self._newest = deque(fills, maxlen=_TRADES)
        cash = state.pipeline.cash
        self._day = history.end_ns // DAY_NS
        before = bars["equity"][bars["time"] + self._interval_ns <= self._day * DAY_NS]
        today = events["time"] >= self._day * DAY_NS
        self._fills_today = sum(1 for _ in RoundTrips().add(events[today]))
        begun = Standing(
            name=name,
            quote=self._pairs[0].partition("-")[2],
            cash=cash,
            bars=state.bars,
            time=history.end_ns,
            equity=float(bars["equity"][-1]) if len(bars) else cash,
            day_equity=float(before[-1]) if len(before) else cash,
            paused=state.paused,
            trades=tuple(self._newest),
        )
        self.standing = self._with_account(begun, state.trader.account, history.closes)
        """As of the last bar; a new one after each."""

    def begin(self) -> None:
        """Tell that the session begins, or goes on."""
        bars = self.standing.bars
        began = f"goes on after {bars:,} bars" if bars else "begins"
        self._tell(f"{began}: {', '.join(self._pairs)}, {self._equity()}", "daily")

    def end(self, why: str) -> None:
        """Tell that the session is over, or only interrupted."""
        if self._lost is not None:
            self._lost.cancel()
        self._tell(f"{why} after {self.standing.bars:,} bars: {self._equity()}", "daily")

    def acted(self, acted: Acted, late_ns: int) -> None:
        """Tell of the fills of a bar, of a halt, and of a day that is over."""
        for fill in self._trips.add(acted.events):
            line = self._told(fill)
            self._newest.append(line)
            self._fills_today += 1
            self._tell(line, "trade")
        before = self.standing
        after = replace(
            before,
            bars=self._state.bars,
            time=acted.time + self._interval_ns,
            equity=acted.equity,
            paused=self._state.paused,
            trades=tuple(self._newest),
        )
        self.standing = self._with_account(after, acted.account, acted.close)
        if self.standing.halt != before.halt:
            halt = self.standing.halt
            self._tell(halt or "limits let it trade again", "error" if halt else "warning")
        if self.standing.time // DAY_NS > self._day:
            self._close_day()

    def heard(self, event: FeedEvent) -> None:
        """Tell of a connection that stays lost, and that it is back."""
        if not isinstance(event, StateChanged):
            return
        self.standing = replace(self.standing, feed=event.state.value)
        loop = asyncio.get_running_loop()
        if event.state in (State.LIVE, State.STOPPED):
            if self._lost is not None:
                self._lost.cancel()
                self._lost = None
            if self._lost_s is not None and event.state is State.LIVE:
                minutes = (loop.time() - self._lost_s) / 60.0
                self._lost_s = None
                self._tell(f"connected again after {minutes:.0f} min", "warning")
        elif self._lost is None:
            self._lost = loop.call_later(_LOST_S, self._tell_lost, loop.time(), event.reason)

    def said(self, line: str) -> None:
        """Tell a remark, unless there were many today."""
        self.standing = replace(self.standing, paused=self._state.paused)
        self._remarks += 1
        if self._remarks <= _REMARKS:
            self._tell(line, "warning")

    def _tell(self, line: str, level: Level) -> None:
        self._delivery.send(f"{self.standing.name}: {line}", level)

    def _tell_lost(self, since_s: float, reason: str) -> None:
        self._lost_s = since_s
        self._tell(f"no connection for a minute{': ' if reason else ''}{reason}", "warning")

    def _close_day(self) -> None:
        """Tell of the day that is over, with all that was done up to now."""
        now = self.standing
        day = np.datetime_as_string(np.datetime64(self._day, "D"))
        more = self._remarks - _REMARKS
        lines = [
            f"{day}: {gain(now.equity, now.day_equity, now.quote)}, {self._fills_today} fills",
            f"since the start {gain(now.equity, now.cash, now.quote)}, "
            f"{now.wins} won, {now.losses} lost",
            f"equity {amount(now.equity)} {now.quote}, holds {now.held()}",
            *([f"{more} more remarks are in run.log"] if more > 0 else []),
        ]
        self._tell("\n".join(lines), "daily")
        self._day = now.time // DAY_NS
        self._remarks = self._fills_today = 0
        self.standing = replace(now, day_equity=now.equity)

    def _equity(self) -> str:
        now = self.standing
        return f"equity {amount(now.equity)} {now.quote}"

    def _told(self, fill: Fill) -> str:
        """Return a fill in words."""
        event = fill.event
        quote = self._pairs[0].partition("-")[2]
        line = (
            f"{'bought' if event['side'] > 0 else 'sold'} {float(event['units']):g} "
            f"{self._pairs[event['pair']]} at {float(event['price']):g}, "
            f"{amount(float(event['quote']))} {quote}"
        )
        if fill.profit is None:
            return f"{line}, confidence {float(event['confidence']):.2f}"
        why = Reason(int(event["reason"])).name.lower().replace("_", " ")
        return f"{line}, {fill.profit:+,.2f} {quote} ({fill.fraction * 100:+.2f} %), {why}"

    def _with_account(
        self, standing: Standing, account: RecordArray, close: FloatArray
    ) -> Standing:
        """Return `standing` with what an account says of it."""
        wallet, units = account["wallet"][0], account["positions"]["units"][0]
        halt = ""
        if wallet["halted"]:
            halt = "halted: the largest drawdown was reached, nothing is opened"
        elif wallet["day_closed"]:
            halt = "the day's largest loss was reached, nothing is opened until midnight UTC"
        held = zip(self._pairs, units.tolist(), (units * close).tolist(), strict=True)
        return replace(
            standing,
            wins=int(wallet["wins"]),
            losses=int(wallet["losses"]),
            holdings=tuple(item for item in held if item[1]),
            halt=halt,
        )
