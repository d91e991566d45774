"""One bar: orders at its open, what happens inside it, its close."""

from __future__ import annotations

import math

from framework.records import OrderType, Reason, TimeInForce
from twin.account import ENTRY, EXIT
from twin.decisions import Decisions

DAY_NS = 86_400 * 1_000_000_000


class Twin(Decisions):
    """An account that takes one bar after the other."""

    def run(self, first=0, last=None):
        for t in range(first, len(self.candles) if last is None else last):
            self.bar(t)
            self.curve.append(self.equity)
        return self

    def bar(self, t):
        self.t = t
        for p in self.pairs:
            p.taken = 0.0
        day = int(self.candles.time[t]) // DAY_NS
        if day != self.day:
            self.day, self.day_equity, self.day_closed = day, self.equity, False
        self.exits_at_open()
        self.entries_at_open()
        for p in self.pairs:
            if self.traded(p):
                self.inside(p)
        self.value()
        self.margin_call()
        self.halt()
        for p in self.pairs:
            limit = (self.risk.time_stop or math.inf) * self.ratio
            if p.units and t - p.since + 1 >= limit:
                self.close(p, Reason.TIME_STOP)
        self.expire_orders()
        if self.strategy_bar():
            for p in self.pairs:
                p.closes.append(self.at("close", p))
        self.decide()

    def expire_orders(self):
        for p in self.pairs:
            for order in list(p.slots):
                if order and order.last_bar <= self.t:
                    self.expire(p, order)

    # at the open

    def exits_at_open(self):
        for p in self.pairs:
            order = p.slots[EXIT]
            if order and self.traded(p) and self.acts_at_open(p, order):
                order.opened = True
                self.leave(p, order, self.at("open", p), taker=True)

    def entries_at_open(self):
        """Share the cash out where it does not reach for all that buys now."""
        opening = []
        for p in self.pairs:
            order = p.slots[ENTRY]
            if order and self.traded(p):
                order.active = p.units * order.side >= 0
                if order.active and self.acts_at_open(p, order):
                    order.opened = True
                    opening.append(p)
        asked = sum(p.slots[ENTRY].quote for p in opening if p.slots[ENTRY].side > 0)
        share = self.cash / asked if 0 < asked > self.cash else 1.0
        for p in opening:
            self.enter_at(p, self.at("open", p), True, share if p.slots[ENTRY].side > 0 else 1.0)

    def acts_at_open(self, p, order):
        """Whether an order takes at the open; a limit that is not marketable rests, or ends."""
        if order.type != OrderType.LIMIT:
            return order.type == OrderType.MARKET
        if order.arrived:
            return False
        if self.marketable(self.at("open", p), order):
            if order.post_only:
                self.cancel(p, p.slots.index(order), Reason.POST_ONLY)
                return False
            return True
        if order.tif != TimeInForce.GTC:
            self.expire(p, order)
        return False

    # inside the bar

    def inside(self, p):
        if p.units and not self.stop_inside(p):
            self.profit_inside(p)
        order = p.slots[ENTRY]
        base = self.entry_inside(p, order) if order and order.active and not order.opened else None
        if base is not None:
            p.inside = self.t
            level, reason = self.stop_level(p)
            if reason and self.touched(p, level):
                self.stop_out(p, reason, level, self.worst(p, level, base))
        for order in p.slots:
            if order:
                order.arrived = order.arrived or order.active
                order.opened = False

    def entry_inside(self, p, order):
        """Fill a resting limit or a stop that triggers; return the base of what filled."""
        buys, low, high = order.side > 0, self.at("low", p), self.at("high", p)
        if order.type == OrderType.LIMIT:
            if not (low < order.limit if buys else high > order.limit):
                return None
            base, taker = order.limit, False
            if order.arrived:
                base = min(base, high) if buys else max(base, low)
        else:
            if not (high >= order.stop if buys else low <= order.stop):
                return None
            base, taker = order.stop, True
            base = max(base, self.at("open", p)) if buys else min(base, self.at("open", p))
            if order.type == OrderType.STOP_LIMIT and not self.marketable(base, order):
                self.rest(p, order)
                return None
        return base if self.enter_at(p, base, taker) else None

    # at the close

    def value(self):
        """Charge what is borrowed, let the bar move the stops, and value the account."""
        invested = owed = 0.0
        for p in self.pairs:
            if p.units:
                p.last = self.at("close", p) if self.at("close", p) > 0 else p.last
                if p.units < 0:
                    p.owed += -p.units * p.last * self.borrow_rate
                invested += p.units * p.last
                owed += p.owed
                if self.traded(p):
                    self.follow(p)
        self.equity = self.cash + invested - owed
        self.peak = max(self.peak, self.equity)

    def follow(self, p):
        """Move the best price; an entry inside the bar saw its close only."""
        if p.inside == self.t:
            best = self.at("close", p)
        else:
            best = self.at("high", p) if p.units > 0 else self.at("low", p)
        p.best = max(p.best, best) if p.units > 0 else min(p.best, best)
        if self.signals.trailing_stop is not None:
            distance = self.signal("trailing_stop", p)
            if 0 < distance < 1:
                p.trail_distance = distance
        self.trail(p, p.trail_distance)

    def margin_call(self):
        worst, shorts = self.cash, 0.0
        for p in self.pairs:
            if p.units:
                column = "low" if p.units > 0 else "high"
                price = self.at(column, p) if self.traded(p) else p.last
                worst += p.units * price - p.owed
                shorts += max(-p.units, 0.0) * price
        self.called = shorts > 0 and worst < self.maintenance_margin * shorts
        if self.called:
            for p in self.pairs:
                self.close(p, Reason.MARGIN_CALL)

    def halt(self):
        risk = self.risk
        if risk.daily_loss and self.equity <= self.day_equity * (1 - risk.daily_loss):
            self.day_closed = True
        rests = (risk.halt_bars or math.inf) * self.ratio
        if self.halted and self.t - self.halt_bar >= rests:
            self.halted, self.peak = False, self.equity
        elif (
            not self.halted
            and risk.max_drawdown
            and self.peak > 0
            and self.equity <= self.peak * (1 - risk.max_drawdown)
        ):
            self.halted, self.halt_bar = True, self.t
        if self.halted:
            for p in self.pairs:
                self.close(p, Reason.HALT)
