"""Stops and targets: where they lie, and what they do inside a bar."""

from __future__ import annotations

import math

from framework.records import OrderType, Reason
from twin.account import ENTRY, EXIT, ceil_to, floor_to
from twin.fills import Fills

STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)


class Levels(Fills):
    """Exits inside a bar."""

    def side(self, p):
        return 1 if p.units > 0 else -1

    def beyond(self, a, b, side):
        """Whether price `a` lies further than `b` in the direction that `side` gains from."""
        return a > b if side > 0 else a < b

    def touched(self, p, level):
        """Whether the bar reached a stop of what is held."""
        return self.at("low", p) <= level if p.units > 0 else self.at("high", p) >= level

    def through(self, p, level):
        """Whether the bar traded through a target of what is held."""
        return self.at("high", p) > level if p.units > 0 else self.at("low", p) < level

    def worst(self, p, a, b):
        return min(a, b) if p.units > 0 else max(a, b)

    def stop_level(self, p):
        """The nearest of the stops and its reason."""
        side = self.side(p)
        level, reason = (0.0, None) if side > 0 else (math.inf, None)
        if p.stop_distance:
            level, reason = p.entry * (1 - side * p.stop_distance), Reason.STOP_LOSS
        if p.trailed is not None and self.beyond(p.trailed, level, side):
            level, reason = p.trailed, Reason.TRAILING_STOP
        gain = self.risk.break_even
        if gain and not self.beyond(p.entry * (1 + side * gain), p.best, side):
            fee = self.taker_fee
            even = (1 + fee) / (1 - fee) if side > 0 else (1 - fee) / (1 + fee)
            if self.beyond(p.entry * even, level, side):
                level, reason = p.entry * even, Reason.BREAK_EVEN
        return floor_to(level, self.tick) if side > 0 else ceil_to(level, self.tick), reason

    def target_level(self, p):
        """The next target not yet hit."""
        targets, gain = self.risk.targets, p.target_distance
        if p.hit < len(targets):
            gain = targets[p.hit].gain
        if not gain:
            return math.inf if p.units > 0 else 0.0
        if p.units > 0:
            return ceil_to(p.entry * (1 + gain), self.tick)
        return floor_to(p.entry * max(0.0, 1 - gain), self.tick)

    def stop_inside(self, p):
        """Let a stop act that the bar touched: of two that which is reached first."""
        if self.closing(p):
            return True
        order = p.slots[EXIT]
        level, reason = self.stop_level(p)
        hit = reason and self.touched(p, level)
        ordered = order and order.type in STOPS and self.touched(p, order.stop)
        if ordered and not (hit and not self.beyond(order.stop, level, self.side(p))):
            self.trigger_exit(p, order)
        if hit and p.units and not self.closing(p):
            self.stop_out(p, reason, level, self.worst(p, level, self.at("open", p)))
        return bool(hit or ordered)

    def stop_out(self, p, reason, level, base):
        p.last_stop = self.t
        self.close_inside(p, OrderType.STOP, reason, level, base)

    def close_inside(self, p, order_type, reason, level, base):
        """Close everything at a level; nothing else of the pair goes on waiting."""
        self.cancel(p, ENTRY, reason)
        self.cancel(p, EXIT, reason)
        order = self.new_order(
            -self.side(p), reason, p.confidence, order_type, units=abs(p.units), closes=True
        )
        self.place(p, EXIT, order, level)
        self.leave(p, order, base, taker=True)

    def trigger_exit(self, p, order):
        base = self.worst(p, order.stop, self.at("open", p))
        if order.type == OrderType.STOP_LIMIT and not self.marketable(base, order):
            self.rest(p, order)
        else:
            self.leave(p, order, base, taker=True)

    def profit_inside(self, p):
        """Let the resting exit and the targets act that the bar traded through, nearest first."""
        tried = False
        while p.units and not self.closing(p):
            order, side = p.slots[EXIT], self.side(p)
            rests = order and order.type == OrderType.LIMIT and not order.opened and not tried
            ordered = rests and self.through(p, order.limit)
            level = self.target_level(p)
            hit = self.through(p, level) and not self.target_waits(p)
            if ordered and not (hit and not self.beyond(level, order.limit, side)):
                tried = True
                far = self.at("low", p) if side > 0 else self.at("high", p)
                base = order.limit
                if order.arrived and self.beyond(far, base, side):
                    base = far
                self.leave(p, order, base, taker=False)
            elif hit:
                self.take_target(p, level)
            else:
                return

    def target_waits(self, p):
        """A part waits for any other exit, the last target for none."""
        return p.slots[EXIT] and p.hit < len(self.risk.targets)

    def take_target(self, p, level):
        """Act on the next target."""
        base = max(level, self.at("open", p)) if p.units > 0 else min(level, self.at("open", p))
        targets = self.risk.targets
        if p.hit == len(targets):
            self.close_inside(p, OrderType.LIMIT, Reason.TAKE_PROFIT, level, base)
            return
        units = min(floor_to(targets[p.hit].share * p.entered, self.lot), abs(p.units))
        p.hit += 1
        if units > 0 and units * level >= self.least:
            order = self.new_order(
                -self.side(p), Reason.TAKE_PROFIT, p.confidence, OrderType.LIMIT, units=units
            )
            self.place(p, EXIT, order, level)
            self.leave(p, order, base, taker=True)
