"""The whole step once more in plain Python, slowly and one pair after the other: the judge.

It is written from the rules, with objects and lists, and shares no code with the engine.
"""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from types import SimpleNamespace as Thing

from framework.records import Kind, OrderType, Reason

DAY_NS = 86_400 * 1_000_000_000
TINY = 1e-9


def floor_to(value, step):
    return math.floor(value / step * (1 + 1e-12)) * step if step and value < math.inf else value


def ceil_to(value, step):
    return math.ceil(value / step * (1 - 1e-12)) * step if step and value < math.inf else value


class Twin:
    """An account that takes one bar after the other."""

    def __init__(self, candles, signals, risk, execution, venue, cash):
        self.candles, self.signals, self.risk, self.execution = candles, signals, risk, execution
        self.fee = venue.taker_fee_bps * 1e-4
        rounding = execution.rounding
        self.lot = venue.market.lot_step if rounding else 0.0
        self.tick = venue.market.tick_size if rounding else 0.0
        self.least = venue.market.min_notional if rounding else 0.0
        self.count = len(candles.pairs)
        self.cash = self.equity = self.peak = self.day_equity = cash
        self.day, self.day_closed, self.halted, self.next_id = -1, False, False, 1
        self.halt_bar = None
        self.pairs = [
            Thing(n=n, units=0.0, order=None, last_stop=-math.inf, veto=None, veto_bar=-9)
            for n in range(self.count)
        ]
        self.events, self.curve = [], []

    def run(self, first=0):
        self.first = first
        for t in range(first, len(self.candles)):
            self.bar(t)
            self.curve.append(self.equity)
        return self

    # one bar

    def bar(self, t):
        self.t = t
        self.taken = [0.0] * self.count
        day = int(self.candles.time[t]) // DAY_NS
        if day != self.day:
            self.day, self.day_equity, self.day_closed = day, self.equity, False
        live = [p for p in self.pairs if p.order and self.traded(p)]
        for p in [p for p in live if p.order.side < 0]:
            self.sell(p, self.at("open", p))
        buys = [p for p in live if p.order and p.order.side > 0]
        asked = sum(p.order.quote for p in buys)
        share = self.cash / asked if asked > self.cash else 1.0
        for p in buys:
            self.buy(p, share)
        for p in self.pairs:
            if p.units and self.traded(p):
                self.leave_inside(p)
        invested = 0.0
        for p in self.pairs:
            if p.units:
                invested += p.units * self.at("close", p)
        for p in self.pairs:
            if p.units and self.traded(p):
                p.best = max(p.best, self.at("high", p))
        self.equity = self.cash + invested
        self.peak = max(self.peak, self.equity)
        if self.risk.daily_loss and self.equity <= self.day_equity * (1 - self.risk.daily_loss):
            self.day_closed = True
        rests = self.risk.halt_bars or math.inf
        if self.halted and t - self.halt_bar >= rests:
            self.halted, self.peak = False, self.equity
        elif (
            not self.halted
            and self.risk.max_drawdown
            and self.equity <= self.peak * (1 - self.risk.max_drawdown)
        ):
            self.halted, self.halt_bar = True, t
        if self.halted:
            for p in self.pairs:
                self.close(p, Reason.HALT)
        for p in self.pairs:
            if p.units and self.risk.time_stop and t - p.since + 1 >= self.risk.time_stop:
                self.close(p, Reason.TIME_STOP)
        self.decide()

    def at(self, column, p):
        return float(getattr(self.candles, column)[self.t, p.n])

    def traded(self, p):
        return self.candles.standing[self.t, p.n] in (0, 3) and self.at("open", p) > 0

    def write(self, p, kind, side, order_type, reason, order=0, **values):
        blank = dict(units=0.0, quote=0.0, price=0.0, fee=0.0, slippage=0.0, confidence=1.0)
        self.events.append(
            dict(
                time=int(self.candles.time[self.t]), order=order, pair=p.n, kind=int(kind),
                side=side, type=int(order_type), reason=int(reason), **(blank | values),
            )
        )  # fmt: skip

    # fills

    def cost(self, p, units):
        volume = self.at("volume", p)
        share = units / volume if volume > 0 else 1.0
        e = self.execution
        return e.half_spread_bps * 1e-4 + e.slippage_bps * 1e-4 + e.impact_bps * 1e-4 * share

    def room(self, p):
        if self.execution.max_participation is None:
            return math.inf
        cap = self.execution.max_participation * self.at("volume", p) - self.taken[p.n]
        return floor_to(max(0.0, cap), self.lot)

    def buy(self, p, share):
        order, base = p.order, self.at("open", p)
        budget = min(order.quote * share, self.cash)
        rough = min(budget / (base * (1 + self.fee)), self.room(p))
        price = base * (1 + self.cost(p, rough))
        wanted = floor_to(budget / (price * (1 + self.fee)), self.lot)
        room = self.room(p)
        units = min(wanted, room)
        if units > 0:
            value = min(units * price, self.cash)
            fee = min(value * self.fee, self.cash - value)
            self.cash = self.cash - value - fee
            order.quote -= value + fee
            self.taken[p.n] += units
            self.filled(p, order, units, value, price, fee, units * (price - base))
            if p.units == 0:
                p.units, p.entry, p.best, p.confidence = units, price, price, order.confidence
                p.since = self.t
            else:
                paid = p.units * p.entry + units * price
                p.units += units
                p.entry = paid / p.units
                p.best = max(p.best, price)
        if wanted <= room:
            if wanted <= 0:
                self.cancel(p, Reason.NO_CASH)
            p.order = None

    def sell(self, p, base):
        order = p.order
        wanted = p.units if order.closes else min(order.units, p.units)
        units = min(wanted, self.room(p))
        if units > 0:
            price = base * max(0.0, 1 - self.cost(p, units))
            value = units * price
            fee = value * self.fee
            self.cash += value - fee
            self.taken[p.n] += units
            self.filled(p, order, units, value, price, fee, units * (base - price))
            order.units -= units
            p.units = max(p.units - units, 0.0)
        if units >= wanted:
            p.order = None
        else:
            order.type = OrderType.MARKET

    def filled(self, p, order, units, value, price, fee, slippage):
        self.write(
            p, Kind.FILLED, order.side, order.type, order.reason, order.id, units=units,
            quote=value, price=price, fee=fee, slippage=slippage, confidence=order.confidence,
        )  # fmt: skip

    def leave_inside(self, p):
        stop, reason = 0.0, None
        if self.risk.stop_loss:
            stop, reason = p.entry * (1 - self.risk.stop_loss), Reason.STOP_LOSS
        if self.risk.trailing_stop and p.best * (1 - self.risk.trailing_stop) > stop:
            stop, reason = p.best * (1 - self.risk.trailing_stop), Reason.TRAILING_STOP
        gain = self.risk.break_even
        if gain and p.best >= p.entry * (1 + gain):
            even = p.entry * ((1 + self.fee) / (1 - self.fee))
            if even > stop:
                stop, reason = even, Reason.BREAK_EVEN
        stop = floor_to(stop, self.tick)
        target = math.inf
        if self.risk.take_profit:
            target = ceil_to(p.entry * (1 + self.risk.take_profit), self.tick)
        if p.order and p.order.closes:
            return
        if reason and self.at("low", p) <= stop:
            p.last_stop = self.t
            self.leave_at(p, OrderType.STOP, reason, stop, min(stop, self.at("open", p)))
        elif self.at("high", p) > target:
            base = max(target, self.at("open", p))
            self.leave_at(p, OrderType.LIMIT, Reason.TAKE_PROFIT, target, base)

    def leave_at(self, p, order_type, reason, level, base):
        self.cancel(p, reason)
        self.place(p, -1, order_type, reason, p.confidence, units=p.units, closes=True)
        self.decided(p, level)
        self.sell(p, base)

    # orders

    def place(self, p, side, order_type, reason, confidence, units=0.0, quote=0.0, closes=False):
        p.order = Thing(
            id=self.next_id, side=side, type=order_type, reason=reason, units=units, quote=quote,
            closes=closes, confidence=confidence,
        )  # fmt: skip
        self.next_id += 1

    def decided(self, p, price):
        o = p.order
        self.write(
            p, Kind.DECIDED, o.side, o.type, o.reason, o.id, units=o.units, quote=o.quote,
            price=price, confidence=o.confidence,
        )  # fmt: skip

    def cancel(self, p, reason):
        if p.order:
            o = p.order
            self.write(
                p, Kind.CANCELLED, o.side, o.type, reason, o.id, units=o.units, quote=o.quote,
                price=self.at("close", p), confidence=o.confidence,
            )  # fmt: skip
        p.order = None

    def close(self, p, reason):
        if p.order and p.order.closes:
            return
        self.cancel(p, reason)
        if p.units:
            self.place(p, -1, OrderType.MARKET, reason, p.confidence, units=p.units, closes=True)
            self.decided(p, self.at("close", p))

    # decisions

    def signal(self, name, p):
        array = getattr(self.signals, name)
        return None if array is None else array[self.t, p.n].item()

    def confidence(self, p):
        value = self.signal("confidence", p)
        if value is None:
            return 1.0
        return 0.0 if math.isnan(value) else min(max(value, 0.0), 1.0)

    def refusal(self, p):
        if not self.traded(p):
            return Reason.NOT_TRADABLE
        if self.halted:
            return Reason.MAX_DRAWDOWN
        if self.day_closed:
            return Reason.DAILY_LOSS
        if self.too_volatile(p):
            return Reason.VOLATILITY
        if self.t - p.last_stop < self.risk.cool_down:
            return Reason.COOL_DOWN
        return None

    def too_volatile(self, p):
        if self.risk.volatility_halt is None:
            return False
        oldest = self.t - self.risk.volatility_bars
        if oldest < self.first:
            return True
        closes = [float(c) for c in self.candles.close[oldest : self.t + 1, p.n]]
        moves = [math.log(b / a) for a, b in pairwise(closes)]
        return not statistics.stdev(moves) <= self.risk.volatility_halt

    def size(self, p, share):
        if self.risk.quote_amount:
            return self.risk.quote_amount
        if self.risk.risk_per_trade:
            e = self.execution
            share = min(1.0, e.max_participation or 1.0)
            cost = e.half_spread_bps * 1e-4 + e.slippage_bps * 1e-4 + e.impact_bps * 1e-4 * share
            stop = max(0.0, 1 - self.risk.stop_loss - self.tick / self.at("close", p))
            lost = 1 - stop * (1 - cost) * (1 - self.fee) / (1 + self.fee)
            return self.equity * self.risk.risk_per_trade / lost
        return self.equity * share

    def veto(self, p, reason):
        if (p.veto, p.veto_bar) != (reason, self.t - 1):
            self.write(
                p, Kind.VETOED, 1, OrderType.MARKET, reason, quote=p.wish,
                price=self.at("close", p), confidence=self.confidence(p),
            )  # fmt: skip
        p.veto, p.veto_bar, p.wish = reason, self.t, 0.0

    def exposure(self, p):
        value = p.units * self.at("close", p) if p.units else 0.0
        if p.order and p.order.side > 0:
            return value + p.order.quote
        if p.order:
            sold = p.units if p.order.closes else p.order.units
            return value + -sold * self.at("close", p)
        return value

    def occupied(self):
        return sum(
            bool((p.order and p.order.side > 0) or (p.units and not (p.order and p.order.closes)))
            for p in self.pairs
        )

    def decide(self):
        for p in self.pairs:
            p.wish = 0.0
        if self.signals.target is not None:
            reason = Reason.TARGET_WEIGHT
            for p in self.pairs:
                self.aim(p)
        else:
            reason = Reason.SIGNAL
            for p in self.pairs:
                if self.signal("exit", p):
                    self.close(p, Reason.SIGNAL)
            for p in self.pairs:
                idle = p.units == 0 and p.order is None
                wanted = self.signal("enter", p) and not self.signal("exit", p)
                if wanted and idle and self.confidence(p) > 0:
                    refusal = self.refusal(p)
                    if refusal:
                        self.veto(p, refusal)
                    else:
                        p.wish = 1.0
        self.limit_positions()
        if reason == Reason.SIGNAL:
            wishing = [p for p in self.pairs if p.wish]
            share = self.risk.fraction
            if share is None:
                share = 1.0 / max(self.occupied() + len(wishing), 1)
            for p in wishing:
                p.wish = self.size(p, share) * self.confidence(p)
        self.limit_exposure()
        self.spend(reason)

    def aim(self, p):
        target = self.signal("target", p)
        if math.isnan(target):
            return
        weight = min(max(target, 0.0), 1.0) * self.confidence(p)
        if weight <= 0:
            self.close(p, Reason.TARGET_WEIGHT)
        elif self.halted:
            self.veto(p, Reason.MAX_DRAWDOWN)
        else:
            wanted = min(weight, self.risk.max_pair_exposure or math.inf) * self.equity
            held = p.units * self.at("close", p) if p.units else 0.0
            waiting = self.exposure(p) - held if p.order else 0.0
            gap = wanted - (held + waiting)
            band = max(self.risk.no_trade_band, TINY) * self.equity
            if (p.units or p.order) and (abs(gap) <= band or abs(gap) < self.least):
                return
            if p.order and p.order.side < 0 and gap > 0:
                return
            self.cancel(p, Reason.REPLACED)
            gap = wanted - held
            if gap > 0:
                p.wish = gap
                refusal = self.refusal(p)
                if refusal:
                    self.veto(p, refusal)
            else:
                units = floor_to(-gap / self.at("close", p), self.lot)
                if units > 0 and -gap >= self.least:
                    self.place(
                        p, -1, OrderType.MARKET, Reason.TARGET_WEIGHT, p.confidence, units=units
                    )
                    self.decided(p, self.at("close", p))

    def limit_positions(self):
        slots = max((self.risk.max_positions or 10**9) - self.occupied(), 0)
        entering = [p for p in self.pairs if p.wish and p.units == 0]
        entering.sort(key=lambda p: (-self.confidence(p), p.n))
        for p in reversed(entering[slots:]):
            self.veto(p, Reason.MAX_POSITIONS)

    def limit_exposure(self):
        pair_cap = self.risk.max_pair_exposure or math.inf
        asked = 0.0
        for p in self.pairs:
            if p.wish:
                p.wish = min(p.wish, pair_cap * self.equity - self.exposure(p))
                asked += p.wish
        cap = self.risk.max_exposure or math.inf
        total = 0.0
        for p in self.pairs:
            total += self.exposure(p)
        self.share_out(asked, cap * self.equity - total, Reason.MAX_EXPOSURE)

    def share_out(self, asked, room, reason):
        if asked > room:
            for p in self.pairs:
                if p.wish and room <= TINY * self.equity:
                    self.veto(p, reason)
                elif p.wish:
                    p.wish *= room / asked

    def spend(self, reason):
        free, asked = self.cash, 0.0
        e = self.execution
        for p in self.pairs:
            asked += p.wish
            if p.order and p.order.side > 0:
                free -= p.order.quote
            elif p.order:
                sold = p.units if p.order.closes else p.order.units
                kept = (1 - self.fee) * (1 - e.half_spread_bps * 1e-4 - e.slippage_bps * 1e-4)
                free += sold * self.at("close", p) * kept
        self.share_out(asked, free, Reason.NO_CASH)
        for p in self.pairs:
            if p.wish:
                price = self.at("close", p)
                if p.wish < self.least or floor_to(p.wish / price, self.lot) <= 0:
                    self.veto(p, Reason.MIN_NOTIONAL)
                else:
                    confidence = self.confidence(p)
                    self.place(p, 1, OrderType.MARKET, reason, confidence, quote=p.wish)
                    self.decided(p, price)
