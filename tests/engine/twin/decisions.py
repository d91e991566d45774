"""What is decided at a close: exits first, then entries."""

from __future__ import annotations

import math

from framework.records import OrderType, Reason
from twin.account import ENTRY, EXIT, TINY, floor_to
from twin.limits import Limits


class Decisions(Limits):
    """Signals and weights become orders for the next bar."""

    def decide(self):
        for p in self.pairs:
            p.wish, p.side = 0.0, 1
            if self.signal("withdraw", p):
                self.cancel(p, ENTRY, Reason.PAUSE)
        if self.signals.target is not None:
            reason = Reason.TARGET_WEIGHT
            for p in self.pairs:
                self.aim(p)
        else:
            reason = Reason.SIGNAL
            for p in self.pairs:
                self.leave_by_signal(p)
            for p in self.pairs:
                self.want_entry(p)
        self.limit_positions()
        if reason == Reason.SIGNAL:
            self.size_entries()
        self.limit_exposure()
        self.limit_correlation()
        self.share_cash()
        for p in self.pairs:
            if p.wish > 0 and self.too_small(p):
                self.veto(p, Reason.MIN_NOTIONAL)
            elif p.wish > 0:
                self.enter(p, reason)

    # exits

    def close(self, p, reason):
        """Sell all at market, and buy no more; what rests to the same end gives way."""
        if p.slots[ENTRY]:
            self.cancel(p, ENTRY, reason)
        if not self.closing(p):
            self.close_at_market(p, reason)

    def close_at_market(self, p, reason, **terms):
        self.cancel(p, EXIT, reason)
        if p.units:
            side = -1 if p.units > 0 else 1
            self.place(
                p, EXIT,
                self.new_order(
                    side, reason, p.confidence, units=abs(p.units), closes=True, **terms
                ),
            )  # fmt: skip

    def leave_by_signal(self, p):
        for side, name in ((1, "exit"), (-1, "exit_short")):
            if self.signal(name, p):
                entry = p.slots[ENTRY]
                if entry and entry.side == side:
                    self.cancel(p, ENTRY, Reason.SIGNAL)
                if p.units * side > 0:
                    self.leave_all(p, Reason.SIGNAL)

    def leave_all(self, p, reason):
        """Close by the strategy's own exit order."""
        if self.closing(p):
            return
        side, order = -1 if p.units > 0 else 1, p.slots[EXIT]
        prices = self.wanted_prices("exit", p, side)
        if prices.type == OrderType.MARKET or not prices.known:
            market = self.terms_of("exit", prices) | dict(
                order_type=OrderType.MARKET, limit=None, stop=None, post_only=False
            )
            self.close_at_market(p, reason, **market)
            return
        if order and order.closes and (order.limit, order.stop) == (prices.limit, prices.stop):
            return
        self.cancel(p, EXIT, Reason.REPLACED)
        self.place(
            p, EXIT,
            self.new_order(
                side, reason, p.confidence, units=abs(p.units), closes=True,
                **self.terms_of("exit", prices),
            ),
        )  # fmt: skip

    # entries

    def want_entry(self, p):
        wanted = [
            side for side, name in ((1, "enter"), (-1, "enter_short")) if self.signal(name, p)
        ]
        if len(wanted) != 1 or not self.confidence(p) > 0:
            return
        (p.side,) = wanted
        if self.signal("exit" if p.side > 0 else "exit_short", p) or p.units * p.side > 0:
            return
        entry = p.slots[ENTRY]
        if entry and entry.side == p.side:
            prices = self.wanted_prices("entry", p, p.side)
            same = (entry.limit, entry.stop) == (prices.limit, prices.stop)
            if entry.type == OrderType.MARKET or entry.filled or same:
                return
        if entry:
            self.cancel(p, ENTRY, Reason.REPLACED)
        if p.units and not self.closing(p):
            self.close_at_market(p, Reason.SIGNAL)
        refusal = self.refusal(p)
        if refusal:
            self.veto(p, refusal)
        else:
            p.wish = 1.0

    def enter(self, p, reason):
        distances = self.distances(p)
        order = self.new_order(
            p.side, reason, self.confidence(p), quote=p.wish, stop_distance=distances.stop,
            target_distance=distances.target, trail_distance=distances.trail,
            **self.terms_of("entry", self.wanted_prices("entry", p, p.side)),
        )  # fmt: skip
        self.place(p, ENTRY, order)

    # weights

    def aim(self, p):
        target = self.signal("target", p)
        if math.isnan(target):
            return
        weight = min(max(target, -1.0 if self.both else 0.0), 1.0) * self.confidence(p)
        p.side = -1 if weight < 0 else 1
        entry = p.slots[ENTRY]
        if weight == 0:
            if entry:
                self.cancel(p, ENTRY, Reason.TARGET_WEIGHT)
            if p.units:
                self.leave_all(p, Reason.TARGET_WEIGHT)
        elif self.halted:
            self.veto(p, Reason.MAX_DRAWDOWN)
        else:
            if entry and entry.side != p.side:
                self.cancel(p, ENTRY, Reason.REPLACED)
            if p.units * p.side < 0 and not self.closing(p):
                self.close_at_market(p, Reason.TARGET_WEIGHT)
            self.adjust(p, min(abs(weight), self.risk.max_pair_exposure or math.inf))

    def adjust(self, p, weight):
        """Bring what is held on the wanted side to its weight."""
        wanted, own = weight * self.equity, p.units * p.side > 0
        held = abs(p.units) * self.at("close", p) if own else 0.0
        exit_order, entry = p.slots[EXIT] if own else None, p.slots[ENTRY]
        waiting = -self.leaving(p, exit_order) * self.at("close", p) if exit_order else 0.0
        waiting += entry.quote if entry else 0.0
        gap = wanted - (held + waiting)
        band = max(self.risk.no_trade_band, TINY) * self.equity
        busy = own or exit_order or entry
        if busy and (abs(gap) <= band or abs(gap) < self.least):
            return
        if exit_order and gap > 0:
            return
        self.cancel(p, ENTRY, Reason.REPLACED)
        if own:
            self.cancel(p, EXIT, Reason.REPLACED)
        gap = wanted - held
        if gap > 0:
            p.wish = gap
            refusal = self.refusal(p)
            if refusal:
                self.veto(p, refusal)
        elif own:
            self.reduce(p, -gap)

    def reduce(self, p, value):
        """Sell, or buy back, a part."""
        units = floor_to(value / self.at("close", p), self.lot)
        if units > 0 and value >= self.least:
            prices = self.wanted_prices("exit", p, -p.side)
            terms = self.terms_of("exit", prices)
            if not prices.known:
                terms |= dict(order_type=OrderType.MARKET, limit=None, stop=None, post_only=False)
            self.place(
                p, EXIT,
                self.new_order(-p.side, Reason.TARGET_WEIGHT, p.confidence, units=units, **terms),
            )  # fmt: skip
